//! Exploring cells on several threads.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use stalewake::cell::Cell;
use stalewake::explore::{self, Options, Progress};
use stalewake::report::progress::{Bar, Running};
use stalewake::verdict::Verdict;

/// How often the progress is looked at.
const REFRESH: Duration = Duration::from_millis(100);

/// As many threads as the machine can run at once.
pub(super) fn available() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Explores the cells on `jobs` threads and hands over the verdicts in the
/// order of the cells, each as soon as all before it are there.
pub(super) fn explore_all(
    cells: &[Cell],
    options: &Options,
    jobs: NonZeroUsize,
    bar: &Bar,
    mut verdict: impl FnMut(usize, Verdict),
) {
    let next = AtomicUsize::new(0);
    let progress: Vec<Arc<Progress>> = cells.iter().map(|_| Arc::default()).collect();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.get().min(cells.len()) {
            let (next, progress, sender) = (&next, &progress, sender.clone());
            scope.spawn(move || {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(place) else { return };
                    let found = explore::explore(cell, options, &progress[place]);
                    if sender.send((place, found)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut done = vec![false; cells.len()];
        let mut printed = 0;
        loop {
            match receiver.recv_timeout(REFRESH) {
                Ok((place, found)) => {
                    done[place] = true;
                    early.insert(place, found);
                    while let Some(found) = early.remove(&printed) {
                        verdict(printed, found);
                        printed += 1;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let started = next.load(Ordering::Relaxed).min(cells.len());
            let running: Vec<Running> = (0..started)
                .filter(|place| !done[*place])
                .map(|place| Running {
                    cell: cells[place].to_string(),
                    snapshot: progress[place].load(),
                })
                .collect();
            let executions = progress
                .iter()
                .map(|progress| progress.load().executions)
                .sum();
            bar.show(
                done.iter().filter(|done| **done).count(),
                executions,
                &running,
            );
        }
    });
    bar.finish();
}
