//! Exploring cells in several processes at once.

mod pool;
mod stop;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use stalewake::cell::Cell;
use stalewake::explore::Options;
use stalewake::report::aside;
use stalewake::report::progress::Bar;
use stalewake::verdict::{Status, Verdict};

use pool::Pool;
pub(super) use stop::{INTERRUPTED, Stop, outlive_large_files};

/// How often the progress is looked at, and whether all workers are alive.
const REFRESH: Duration = Duration::from_millis(100);

/// A worker says ten times a second how far it is. If it says nothing for so
/// long, it never will again.
pub(super) const SILENCE: Duration = Duration::from_secs(60);

/// Who explores, and under which conditions.
#[derive(Clone, Debug)]
pub(super) struct Crew {
    /// How many worker processes there are.
    pub(super) jobs: NonZeroUsize,
    /// What they may use.
    pub(super) limits: Limits,
    /// Ends the run early.
    pub(super) stop: Stop,
}

/// What breaks the exploration of a cell off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// It takes longer than this.
    pub(super) time: Option<Duration>,
    /// One of its workers has more memory than this, in bytes.
    pub(super) memory: Option<u64>,
    /// One of its workers says nothing for so long.
    pub(super) silence: Duration,
}

/// So many workers, with no limits, and nothing that stops them.
impl From<NonZeroUsize> for Crew {
    fn from(jobs: NonZeroUsize) -> Crew {
        Crew {
            jobs,
            limits: Limits {
                time: None,
                memory: None,
                silence: SILENCE,
            },
            stop: Stop::default(),
        }
    }
}

/// As many workers as the machine can run at once.
pub(super) fn available() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Explores the cells and hands over the verdicts in the order of the cells,
/// each as soon as all before it are there. The crew may be a number of workers.
pub(super) fn explore_all(
    cells: &[Cell],
    options: &Options,
    crew: impl Into<Crew>,
    bar: &Bar,
    mut verdict: impl FnMut(usize, Verdict),
) {
    let mut order = InOrder::default();
    explore_each(cells, options, &crew.into(), bar, |place, found| {
        order.add(place, found, &mut verdict);
    });
}

/// The same, but each verdict as soon as it is there. Who finds no cell left
/// to start helps with one that has been started. Every cell gets a verdict;
/// of those that a [`Stop`] leaves unfinished it is that they are incomplete.
pub(super) fn explore_each(
    cells: &[Cell],
    options: &Options,
    crew: &Crew,
    bar: &Bar,
    mut verdict: impl FnMut(usize, Verdict),
) {
    let pool = Pool::new(cells, options, crew);
    let (sender, receiver) = mpsc::channel();
    let mut failed = None;
    thread::scope(|scope| {
        let pool = &pool;
        // The watch ends when this end is dropped.
        let (_running, over) = mpsc::channel::<()>();
        let thread = thread::Builder::new;
        let mut begun = thread().spawn_scoped(scope, move || pool.watch(&over));
        for number in 0..crew.jobs.get() {
            let sender = sender.clone();
            let work = move || {
                pool.work(|place, verdict| {
                    // Nobody listens any more: then nobody wants the rest.
                    let _ = sender.send((place, verdict));
                });
            };
            match begun.is_ok().then(|| thread().spawn_scoped(scope, work)) {
                Some(Ok(_)) => {}
                // As many as there can be are enough.
                Some(Err(error)) if number == 0 => begun = Err(error),
                Some(Err(_)) | None => break,
            }
        }
        drop(sender);
        failed = begun
            .err()
            .map(|error| format!("no thread can be started: {error}"));
        loop {
            match receiver.recv_timeout(REFRESH) {
                Ok((place, found)) => verdict(place, found),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            pool.show(bar);
        }
    });
    for (place, found) in pool.never_started(failed.as_deref()) {
        verdict(place, found);
    }
    bar.finish();
}

/// Says of a cell on which a search broke down why it did.
pub(super) fn complain_of(found: &Verdict, bar: &Bar) {
    if let Status::Error(reason) = &found.status {
        bar.beside(|| aside(format_args!("error: {}: {reason}", found.cell)));
    }
}

/// Verdicts that come in any order, handed on in that of their cells.
#[derive(Default)]
pub(super) struct InOrder {
    early: BTreeMap<usize, Verdict>,
    next: usize,
}

impl InOrder {
    /// One more; hands on all that have nothing missing before them.
    pub(super) fn add(
        &mut self,
        place: usize,
        verdict: Verdict,
        mut hand_on: impl FnMut(usize, Verdict),
    ) {
        self.early.insert(place, verdict);
        while let Some(verdict) = self.early.remove(&self.next) {
            hand_on(self.next, verdict);
            self.next += 1;
        }
    }
}
