//! Exploring cells in several processes at once.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stalewake::cell::Cell;
use stalewake::coverage::Coverage;
use stalewake::explore::{Findings, Options, Progress, Snapshot, Split};
use stalewake::report::progress::{Bar, Running};
use stalewake::verdict::{Search, Verdict};
use stalewake::worker::Worker;

/// How often the progress is looked at.
const REFRESH: Duration = Duration::from_millis(100);

/// With fewer executions left than this, about a tenth of a second, a cell is
/// not worth another worker's way through its trunk.
const WORTH_JOINING: f64 = 1_000.0;

/// As many workers as the machine can run at once.
pub(super) fn available() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Explores the cells in `jobs` worker processes and hands over the verdicts in the
/// order of the cells, each as soon as all before it are there.
pub(super) fn explore_all(
    cells: &[Cell],
    options: &Options,
    jobs: NonZeroUsize,
    bar: &Bar,
    mut verdict: impl FnMut(usize, Verdict),
) {
    let mut early = BTreeMap::new();
    let mut printed = 0;
    explore_each(cells, options, jobs, bar, |place, found| {
        early.insert(place, found);
        while let Some(found) = early.remove(&printed) {
            verdict(printed, found);
            printed += 1;
        }
    });
}

/// The same, but each verdict as soon as it is there. Who finds no cell left
/// to start helps with one that has been started.
pub(super) fn explore_each(
    cells: &[Cell],
    options: &Options,
    jobs: NonZeroUsize,
    bar: &Bar,
    mut verdict: impl FnMut(usize, Verdict),
) {
    let pool = Pool::new(cells, options);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.get() {
            let (pool, sender) = (&pool, sender.clone());
            scope.spawn(move || {
                pool.work(|place, verdict| {
                    // Nobody listens any more: then nobody wants the rest.
                    let _ = sender.send((place, verdict));
                });
            });
        }
        drop(sender);
        loop {
            match receiver.recv_timeout(REFRESH) {
                Ok((place, found)) => verdict(place, found),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            pool.show(bar);
        }
    });
    bar.finish();
}

/// The cells, and who works on which.
struct Pool<'c> {
    cells: &'c [Cell],
    options: &'c Options,
    /// The cells that somebody has started: the first so many.
    jobs: Mutex<Vec<Job>>,
    /// Somebody is done with a cell.
    changed: Condvar,
}

/// A cell that somebody has started.
struct Job {
    split: Split,
    started: Instant,
    /// One for each worker there was.
    progress: Vec<Arc<Progress>>,
    workers: usize,
    findings: Option<Findings>,
    coverage: Option<Coverage>,
}

/// What a worker needs to know of its job.
struct Task {
    place: usize,
    split: Split,
    progress: Arc<Progress>,
}

impl Job {
    fn new(options: &Options) -> Job {
        Job {
            split: Split::of(options.split.shard),
            started: Instant::now(),
            progress: Vec::new(),
            workers: 0,
            findings: None,
            coverage: None,
        }
    }

    fn is_running(&self) -> bool {
        self.workers > 0
    }

    /// One more worker.
    fn join(&mut self, place: usize) -> Task {
        let progress = Arc::<Progress>::default();
        self.workers += 1;
        self.progress.push(progress.clone());
        Task {
            place,
            split: self.split.clone(),
            progress,
        }
    }

    fn snapshot(&self) -> Snapshot {
        let snapshots = self.progress.iter().map(|progress| progress.load());
        snapshots.fold(Snapshot::default(), |all, one| all.and(&one))
    }
}

impl<'c> Pool<'c> {
    fn new(cells: &'c [Cell], options: &'c Options) -> Pool<'c> {
        Pool {
            cells,
            options,
            jobs: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// A worker that panics ends the whole run when it is joined.
    fn jobs(&self) -> MutexGuard<'_, Vec<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One worker, as long as there is anything to do.
    fn work(&self, done: impl Fn(usize, Verdict)) {
        let mut seen = HashSet::new();
        let mut worker = None;
        while let Some(task) = self.wait_for_task(&seen) {
            seen.insert(task.place);
            let options = Options {
                split: task.split,
                ..self.options.clone()
            };
            let cell = &self.cells[task.place];
            let found = explore(&mut worker, cell, &options, &task.progress);
            if let Some((findings, coverage)) = self.leave(task.place, found) {
                let verdict = Verdict::new(cell.clone(), &options, findings, coverage);
                done(task.place, verdict);
            }
            self.changed.notify_all();
        }
    }

    /// Something to do, as soon as there is; nothing when all cells are done,
    /// or will be without this worker.
    fn wait_for_task(&self, seen: &HashSet<usize>) -> Option<Task> {
        let mut jobs = self.jobs();
        loop {
            let place = jobs.len();
            if place < self.cells.len() {
                jobs.push(Job::new(self.options));
                return Some(jobs[place].join(place));
            }
            if !self.can_share() || !jobs.iter().any(Job::is_running) {
                return None;
            }
            if let Some(place) = worth_joining(&jobs, seen) {
                return Some(jobs[place].join(place));
            }
            (jobs, _) = self
                .changed
                .wait_timeout(jobs, REFRESH)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Only the reduced search can be shared, and what a number of executions
    /// shows must not depend on who was faster.
    fn can_share(&self) -> bool {
        self.options.search == Search::Reduced && self.options.max_executions.is_none()
    }

    /// A worker has done its part; the last one gets all of it.
    fn leave(
        &self,
        place: usize,
        found: Result<(Findings, Coverage), String>,
    ) -> Option<(Findings, Coverage)> {
        let (findings, coverage) = match found {
            Ok((findings, coverage)) => (findings, Some(coverage)),
            Err(reason) => (Findings::broken(reason), None),
        };
        let mut jobs = self.jobs();
        let job = &mut jobs[place];
        job.workers -= 1;
        let mut findings = match job.findings.take() {
            Some(others) => others.and(findings),
            None => findings,
        };
        if let Some(coverage) = coverage {
            job.coverage
                .get_or_insert_with(|| coverage.clone())
                .join(&coverage);
        }
        if job.is_running() {
            job.findings = Some(findings);
            return None;
        }
        findings.figures.elapsed = job.started.elapsed();
        if self.options.split.shard.is_whole() {
            findings = findings.checked();
        }
        Some((findings, job.coverage.take().unwrap_or_default()))
    }

    fn show(&self, bar: &Bar) {
        let jobs = self.jobs();
        let mut executions = 0;
        let mut running = Vec::new();
        for (job, cell) in jobs.iter().zip(self.cells) {
            let snapshot = job.snapshot();
            executions += snapshot.executions;
            if job.is_running() {
                running.push(Running {
                    cell: cell.to_string(),
                    snapshot: Arc::new(snapshot),
                });
            }
        }
        let done = jobs.len() - running.len();
        drop(jobs);
        bar.show(done, executions, &running);
    }
}

/// Has a worker process explore a cell; a new one if there is none, or if that
/// has died over the last.
fn explore(
    worker: &mut Option<Worker>,
    cell: &Cell,
    options: &Options,
    progress: &Progress,
) -> Result<(Findings, Coverage), String> {
    let alive = worker.take().filter(|worker| !worker.is_dead());
    let alive = match alive {
        Some(alive) => alive,
        None => Worker::start().map_err(|error| format!("no worker can be started: {error}"))?,
    };
    worker.insert(alive).explore(cell, options, progress)
}

/// The cell of which most is left, if that is enough to share it. Who has been
/// through its trunk before has taken there all that was to be had.
fn worth_joining(jobs: &[Job], seen: &HashSet<usize>) -> Option<usize> {
    let left = |job: &Job| job.snapshot().left().unwrap_or_default();
    let open = jobs.iter().enumerate();
    open.filter(|(place, job)| job.is_running() && !seen.contains(place))
        .map(|(place, job)| (place, left(job)))
        .filter(|(_, left)| *left > WORTH_JOINING)
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(place, _)| place)
}
