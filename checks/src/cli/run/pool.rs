//! The cells, and the workers on them.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use stalewake::cell::Cell;
use stalewake::coverage::Coverage;
use stalewake::explore::{Findings, Options, Progress, Snapshot, Split};
use stalewake::report::progress::{Bar, Running};
use stalewake::verdict::{Search, Verdict};
use stalewake::worker::{Contact, Worker};

use super::{Crew, Limits, REFRESH, Stop};
use crate::cli::{duration, size};

/// With fewer executions left than this, about a tenth of a second, a cell is
/// not worth another worker's way through its trunk.
const WORTH_JOINING: f64 = 1_000.0;

/// How much of the time between two looks counts at most: this program may
/// itself have been stopped meanwhile.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// The cells, and who works on which.
pub(super) struct Pool<'c> {
    cells: &'c [Cell],
    options: &'c Options,
    limits: Limits,
    stop: &'c Stop,
    /// What is not done is to be left so; no more than a look behind `stop`.
    stopped: AtomicBool,
    jobs: Mutex<Jobs>,
    /// Somebody is done with a cell.
    changed: Condvar,
    /// A worker could be started.
    began: AtomicBool,
    /// Why another one could not.
    hindered: OnceLock<String>,
}

/// The cells that somebody has started.
#[derive(Default)]
struct Jobs {
    /// The first so many.
    started: Vec<Job>,
    /// Those that somebody still works on.
    running: BTreeSet<usize>,
    /// Those that somebody could not work on after all.
    given_back: Vec<usize>,
    /// How many executions there were of the others.
    executions: u64,
}

/// A cell that somebody has started.
struct Job {
    split: Split,
    started: Instant,
    /// How long it has been worked on, as far as this program was there to see,
    /// and when it last looked.
    age: Duration,
    looked: Instant,
    /// Every worker there was.
    members: Vec<Member>,
    workers: usize,
    findings: Option<Findings>,
    coverage: Option<Coverage>,
    /// Why nothing can come of it any more.
    broken: Option<String>,
}

/// A worker on a cell.
struct Member {
    progress: Arc<Progress>,
    contact: Arc<Contact>,
    silent: Duration,
}

/// What a worker needs to know of its job.
struct Task {
    place: usize,
    split: Split,
    progress: Arc<Progress>,
    contact: Arc<Contact>,
}

impl Job {
    fn new(options: &Options) -> Job {
        Job {
            split: Split::of(options.split.shard),
            started: Instant::now(),
            age: Duration::ZERO,
            looked: Instant::now(),
            members: Vec::new(),
            workers: 0,
            findings: None,
            coverage: None,
            broken: None,
        }
    }

    fn is_running(&self) -> bool {
        self.workers > 0
    }

    /// One more worker.
    fn join(&mut self, place: usize) -> Task {
        let progress = Arc::<Progress>::default();
        let contact = Arc::<Contact>::default();
        self.workers += 1;
        self.members.push(Member {
            progress: progress.clone(),
            contact: contact.clone(),
            silent: Duration::ZERO,
        });
        Task {
            place,
            split: self.split.clone(),
            progress,
            contact,
        }
    }

    fn snapshot(&self) -> Snapshot {
        let snapshots = self.members.iter().map(|member| member.progress.load());
        snapshots.fold(Snapshot::default(), |all, one| all.and(&one))
    }

    /// Counts the time since the last look. Returns what limit the job, or a
    /// worker on it, is beyond.
    fn look(&mut self, limits: &Limits) -> Option<String> {
        let passed = self.pass();
        if let Some(reason) = self.too_long(limits) {
            return Some(reason);
        }
        for member in &mut self.members {
            member.silent = match member.contact.take_heard() {
                true => Duration::ZERO,
                false => member.silent + passed,
            };
            if member.silent > limits.silence {
                let limit = duration::shown(limits.silence);
                return Some(format!("a worker hung: no word for {limit}; it was killed"));
            }
            if let Some(limit) = limits.memory
                && member.contact.peak_memory() > Some(limit)
            {
                return Some(too_much(limit));
            }
        }
        None
    }

    /// Counts the time since the last look.
    fn pass(&mut self) -> Duration {
        let now = Instant::now();
        let passed = now.duration_since(self.looked).min(LONGEST_LOOK);
        self.looked = now;
        self.age += passed;
        passed
    }

    fn too_long(&self, limits: &Limits) -> Option<String> {
        let limit = limits.time.filter(|limit| self.age > *limit)?;
        let limit = duration::shown(limit);
        Some(format!("it ran longer than {limit} and was killed"))
    }

    fn kill(&self) {
        for member in &self.members {
            member.contact.kill();
        }
    }
}

fn no_worker(error: &std::io::Error) -> String {
    format!("no worker can be started: {error}")
}

fn too_much(limit: u64) -> String {
    let limit = size::shown(limit);
    format!("a worker used more than {limit} and was killed")
}

impl<'c> Pool<'c> {
    pub(super) fn new(cells: &'c [Cell], options: &'c Options, crew: &'c Crew) -> Pool<'c> {
        Pool {
            cells,
            options,
            limits: crew.limits,
            stop: &crew.stop,
            stopped: AtomicBool::new(false),
            jobs: Mutex::default(),
            changed: Condvar::new(),
            began: AtomicBool::new(false),
            hindered: OnceLock::new(),
        }
    }

    /// A worker that panics ends the whole run when it is joined.
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// One worker, as long as there is anything to do.
    pub(super) fn work(&self, done: impl Fn(usize, Verdict)) {
        let mut seen = HashSet::new();
        let mut worker = None;
        while let Some(task) = self.wait_for_task(&seen) {
            if seen.is_empty() {
                // Where there cannot be as many as asked for, those that there are
                // do it.
                worker = match Worker::start() {
                    Ok(worker) => Some(worker),
                    Err(error) => return self.give_back(&task, &error),
                };
                self.began.store(true, Ordering::SeqCst);
            }
            seen.insert(task.place);
            let found = self.explore(&mut worker, &task);
            if let Some(verdict) = self.leave(&task, found) {
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
            if self.stop.is_asked() || self.is_late() {
                return None;
            }
            if let Some(place) = jobs.given_back.pop() {
                jobs.running.insert(place);
                return Some(jobs.started[place].join(place));
            }
            let place = jobs.started.len();
            if place < self.cells.len() {
                jobs.started.push(Job::new(self.options));
                jobs.running.insert(place);
                return Some(jobs.started[place].join(place));
            }
            if jobs.running.is_empty() {
                return None;
            }
            if self.can_share()
                && let Some(place) = worth_joining(&jobs, seen)
            {
                return Some(jobs.started[place].join(place));
            }
            (jobs, _) = self
                .changed
                .wait_timeout(jobs, REFRESH)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// There is no worker for it: others are to do it.
    fn give_back(&self, task: &Task, error: &std::io::Error) {
        let _ = self.hindered.set(no_worker(error));
        let mut jobs = self.jobs();
        let job = &mut jobs.started[task.place];
        job.workers -= 1;
        if !job.is_running() {
            jobs.running.remove(&task.place);
            jobs.given_back.push(task.place);
        }
        self.changed.notify_all();
    }

    /// What is not started yet would come to nothing.
    fn is_late(&self) -> bool {
        let deadline = self.options.deadline;
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Only the reduced search can be shared, and what a number of executions
    /// shows must not depend on who was faster.
    fn can_share(&self) -> bool {
        self.options.search == Search::Reduced && self.options.max_executions.is_none()
    }

    /// Has a worker process explore its part of a cell; a new one if there is
    /// none, if that has died, or if what others have left in its memory would
    /// count.
    fn explore(
        &self,
        worker: &mut Option<Worker>,
        task: &Task,
    ) -> Result<(Findings, Coverage), String> {
        let usable = worker
            .take()
            .filter(|worker| self.limits.memory.is_none() && !worker.is_dead());
        let usable = match usable {
            Some(usable) => usable,
            None => Worker::start().map_err(|error| no_worker(&error))?,
        };
        let options = Options {
            split: task.split.clone(),
            ..self.options.clone()
        };
        let cell = &self.cells[task.place];
        let worker = worker.insert(usable);
        let found = worker.explore(cell, &options, &task.progress, &task.contact)?;
        // It may have had more between two looks.
        match (
            self.limits.memory,
            self.limits.memory.and_then(|_| worker.peak_memory()),
        ) {
            (None, _) => Ok(found),
            (Some(limit), Some(peak)) if peak <= limit => Ok(found),
            (Some(limit), Some(_)) => Err(too_much(limit)),
            (Some(_), None) => Err("the system does not tell how much memory it used".to_owned()),
        }
    }

    /// A worker has done its part; the last one gets all of it.
    fn leave(&self, task: &Task, found: Result<(Findings, Coverage), String>) -> Option<Verdict> {
        let mut jobs = self.jobs();
        let job = &mut jobs.started[task.place];
        let (findings, coverage) = match found {
            Ok((findings, coverage)) => (findings, Some(coverage)),
            Err(_) if self.is_stopped() && job.broken.is_none() => {
                (Findings::unfinished(&task.progress.load()), None)
            }
            Err(reason) => {
                // With it went its share of the search, so that the others
                // cannot come to the end of it.
                let reason = job.broken.get_or_insert(reason);
                (Findings::broken(reason.clone()), None)
            }
        };
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
        // It may have come to its end between two looks.
        job.pass();
        if let Some(reason) = job.broken.take().or_else(|| job.too_long(&self.limits)) {
            findings = findings.and(Findings::broken(reason));
        }
        findings.figures.elapsed = job.started.elapsed();
        if self.options.split.shard.is_whole() {
            findings = findings.checked();
        }
        let coverage = job.coverage.take().unwrap_or_default();
        jobs.executions += job.snapshot().executions;
        jobs.running.remove(&task.place);
        drop(jobs);
        Some(self.verdict(task.place, findings, coverage))
    }

    fn verdict(&self, place: usize, findings: Findings, coverage: Coverage) -> Verdict {
        Verdict::new(self.cells[place].clone(), self.options, findings, coverage)
    }

    /// The verdicts on the cells that nobody has worked on: the run was
    /// stopped, its time is over, or there is a reason why it could not begin.
    pub(super) fn never_started(
        &self,
        reason: Option<&str>,
    ) -> impl Iterator<Item = (usize, Verdict)> {
        let reason = match self.began.load(Ordering::SeqCst) {
            true => None,
            false => reason.or(self.hindered.get().map(String::as_str)),
        };
        let reason = reason.map(str::to_owned);
        let jobs = self.jobs();
        let mut places = jobs.given_back.clone();
        places.extend(jobs.started.len()..self.cells.len());
        drop(jobs);
        places.into_iter().map(move |place| {
            let findings = match &reason {
                Some(reason) => Findings::broken(reason.clone()),
                None => Findings::unfinished(&Snapshot::default()),
            };
            (place, self.verdict(place, findings, Coverage::default()))
        })
    }

    /// Looks again and again whether a worker is beyond its limits, or all are
    /// to end, and sees to it; until the run is over.
    pub(super) fn watch(&self, over: &Receiver<()>) {
        let mut asked = None;
        while over.recv_timeout(REFRESH) == Err(RecvTimeoutError::Timeout) {
            let now = Instant::now();
            if self.stop.is_asked() {
                self.stopped.store(true, Ordering::SeqCst);
                self.stop.was_asked(asked.get_or_insert(now).elapsed());
            }
            let Jobs {
                started, running, ..
            } = &mut *self.jobs();
            for place in &*running {
                let job = &mut started[*place];
                if job.broken.is_none() && !self.is_stopped() {
                    job.broken = job.look(&self.limits);
                }
                if job.broken.is_some() || self.is_stopped() {
                    job.kill();
                }
            }
        }
    }

    pub(super) fn show(&self, bar: &Bar) {
        let jobs = self.jobs();
        let mut executions = jobs.executions;
        let mut running = Vec::new();
        for place in &jobs.running {
            let snapshot = jobs.started[*place].snapshot();
            executions += snapshot.executions;
            running.push(Running {
                cell: self.cells[*place].to_string(),
                snapshot: Arc::new(snapshot),
            });
        }
        let done = jobs.started.len() - jobs.given_back.len() - running.len();
        drop(jobs);
        bar.show(done, executions, &running);
    }
}

/// The cell of which most is left, if that is enough to share it. Who has been
/// through its trunk before has taken there all that was to be had.
fn worth_joining(jobs: &Jobs, seen: &HashSet<usize>) -> Option<usize> {
    let left = |job: &Job| job.snapshot().left().unwrap_or_default();
    let running = jobs.running.iter();
    let running = running.map(|place| (*place, &jobs.started[*place]));
    running
        .filter(|(place, job)| job.broken.is_none() && !seen.contains(place))
        .map(|(place, job)| (place, left(job)))
        .filter(|(_, left)| *left > WORTH_JOINING)
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(place, _)| place)
}
