//! One execution: who runs, who waits, and how it ends.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::engine::Engine;
use super::object::{Object, Objects, touch};
use super::{
    Alternative, Cpu, Detail, Footprint, MAX_THREADS, ObjectId, ObjectName, Observer, Step,
    ThreadId, mailbox, random, spin_lock,
};
use crate::violation::{Halt, Kind, Violation};

/// More steps than this in one execution mean that it never ends.
pub const MAX_STEPS: usize = 4_000;

/// A concurrent program: what loom explores.
pub trait Program: Send + Sync + 'static {
    /// The shared state, made anew for every execution.
    type State: Send + Sync + 'static;

    /// How many threads it has, at most [`MAX_THREADS`].
    fn threads(&self) -> usize;

    /// Makes the initial state.
    fn start(&self, objects: &mut Objects) -> Self::State;

    /// Runs one thread to its end.
    ///
    /// # Errors
    /// When the thread met a fatal violation or was released.
    fn thread(&self, state: &Self::State, cpu: &Cpu) -> Result<(), Halt>;

    /// What is wrong with the final state. Not asked of an execution that was
    /// abandoned.
    fn end(&self, state: &Self::State, ending: Ending) -> Vec<Violation>;
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// Every thread came to its end, or is idle.
    Finished,
    /// A thread met a fatal violation.
    Halted,
    /// A thread sleeps that nobody will wake.
    Lost,
}

/// A loom object that belongs to one step: who touches it again after all
/// threads have ended makes loom explore that thread at that step.
type Gate = Arc<loom::sync::Mutex<()>>;

/// Why a thread cannot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// For a spin lock that another thread holds.
    Lock(ObjectId),
    /// For something to arrive in a mailbox; nobody minds if nothing does.
    Idle(ObjectId),
    /// Asleep on this, until woken.
    Asleep(ObjectName),
}

impl Wait {
    /// The step that the thread would take if it could. A sleeper is not about
    /// to take any: it has taken the step by which it fell asleep.
    fn for_step(self) -> Option<(ObjectId, Footprint)> {
        match self {
            Wait::Lock(lock) => Some((lock, spin_lock::TAKES)),
            Wait::Idle(mailbox) => Some((mailbox, mailbox::RECEIVES)),
            Wait::Asleep(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Runnable,
    /// Able to run, but standing back for the observer's sake.
    StandingBack,
    Waiting(Wait),
    Ended,
}

struct Table {
    status: Vec<Status>,
    handles: Vec<loom::thread::Thread>,
    steps: usize,
    gates: Vec<Gate>,
    /// The gate of the step that is about to be announced.
    gate: Option<Gate>,
    /// The steps at which each thread is to be explored as well.
    alternatives: Vec<Vec<usize>>,
    halted: bool,
    /// Nobody can go on: all threads that wait are sent home.
    released: bool,
    /// One of those was asleep.
    lost: bool,
    /// The observer has seen enough; the rest runs without scheduling points.
    abandoned: bool,
}

impl Table {
    /// How the execution ended; nothing if it was abandoned.
    fn ending(&self) -> Option<Ending> {
        match self {
            Table {
                abandoned: true, ..
            } => None,
            Table { halted: true, .. } => Some(Ending::Halted),
            Table { lost: true, .. } => Some(Ending::Lost),
            _ => Some(Ending::Finished),
        }
    }
}

/// One execution of a program.
pub(super) struct Run {
    pub(super) engine: Engine,
    observer: Arc<dyn Observer>,
    table: Mutex<Table>,
    native_wake: Condvar,
}

impl Run {
    pub(super) fn new(engine: Engine, observer: Arc<dyn Observer>, threads: usize) -> Run {
        assert!(
            threads <= MAX_THREADS,
            "a model has at most {MAX_THREADS} threads"
        );
        Run {
            engine,
            observer,
            table: Mutex::new(Table {
                status: vec![Status::Runnable; threads],
                handles: Vec::with_capacity(threads),
                steps: 0,
                gates: Vec::with_capacity(64),
                gate: None,
                alternatives: vec![Vec::new(); threads],
                halted: false,
                released: false,
                lost: false,
                abandoned: false,
            }),
            native_wake: Condvar::new(),
        }
    }

    /// A thread that panicked is an internal error which the engine reports;
    /// the table itself is never left half changed.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_handles(&self, handles: Vec<loom::thread::Thread>) {
        self.table().handles = handles;
    }

    /// A scheduling point; when it returns it is `thread`'s turn.
    pub(super) fn turn(&self, thread: ThreadId, object: &Object) {
        match self.engine {
            Engine::Native => std::thread::yield_now(),
            Engine::Shuttle(_) => random::switch(),
            Engine::Plain { .. } | Engine::Weak { .. } => object.pass(),
            Engine::Reduced => loop {
                if self.table().abandoned {
                    return;
                }
                let gate = Gate::default();
                touch(&gate);
                if !self.observer.stands_back(thread) || self.table().abandoned {
                    self.table().gate = Some(gate);
                    return;
                }
                self.set_status(thread, Status::StandingBack);
                self.wait(thread);
            },
        }
    }

    /// Records a step and lets those run again who need not stand back now.
    pub(super) fn step(&self, step: &Step, detail: impl FnOnce() -> Detail) -> usize {
        let number = {
            let mut table = self.table();
            let number = table.steps;
            table.steps += 1;
            if let Some(gate) = table.gate.take() {
                table.gates.push(gate);
            }
            if table.abandoned {
                return number;
            }
            number
        };
        if number >= MAX_STEPS {
            // It is the program that is explored that goes on, and not ours that
            // is wrong: where that stands is of no use.
            let why = format!("an execution of more than {MAX_STEPS} steps: does it ever end?");
            resume_unwind(Box::new(why));
        }
        self.observer.step(step);
        if self.observer.wants_detail() {
            self.observer.detail(step.thread, detail());
        }
        if self.engine == Engine::Reduced {
            let mut table = self.table();
            for thread in 0..table.status.len() {
                if table.status[thread] == Status::StandingBack
                    && !self.observer.stands_back(ThreadId(thread as u8))
                {
                    self.set_runnable(&mut table, thread);
                }
            }
        }
        number
    }

    /// A thread has read a value that was not the latest.
    pub(super) fn note_stale_read(&self) {
        self.observer.stale_read();
    }

    pub(super) fn barrier(&self, thread: ThreadId, name: &'static str, calls: &[&'static str]) {
        if matches!(self.engine, Engine::Weak { .. }) {
            loom::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        }
        self.observer.barrier(thread, name, calls);
    }

    pub(super) fn violation(&self, violation: Violation) {
        if !self.table().abandoned {
            self.observer.violation(violation);
        }
    }

    pub(super) fn note_halt(&self) {
        self.table().halted = true;
    }

    /// From here on the thread counts as waiting. No scheduling point lies
    /// between the step that made it wait and [`Run::block`].
    pub(super) fn prepare_to_wait(&self, thread: ThreadId, wait: Wait) {
        self.set_status(thread, Status::Waiting(wait));
    }

    /// Waits until another thread makes this one runnable; breaks if that can
    /// never happen.
    pub(super) fn block(&self, thread: ThreadId) -> ControlFlow<()> {
        self.wait(thread);
        if self.table().released {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn set_status(&self, thread: ThreadId, status: Status) {
        self.table().status[thread.index()] = status;
    }

    fn wait(&self, thread: ThreadId) {
        let mut table = self.table();
        self.let_somebody_run(&mut table, thread);
        if table.status[thread.index()] == Status::Runnable {
            return;
        }
        match self.engine {
            Engine::Native => {
                while table.status[thread.index()] != Status::Runnable {
                    table = self
                        .native_wake
                        .wait(table)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
            Engine::Shuttle(_) => {
                drop(table);
                random::switch();
            }
            Engine::Plain { .. } | Engine::Weak { .. } | Engine::Reduced => {
                drop(table);
                loom::thread::park();
            }
        }
    }

    /// Whether a thread is not waiting: what a scheduler of shuttle must ask
    /// before it chooses the thread.
    pub(super) fn can_run(&self, thread: usize) -> bool {
        !matches!(self.table().status[thread], Status::Waiting(_))
    }

    /// Lets a thread that waits go on, if `reason` says it waits for this.
    /// Returns whether it did.
    pub(super) fn unblock(&self, thread: ThreadId, reason: impl Fn(Wait) -> bool) -> bool {
        let mut table = self.table();
        match table.status[thread.index()] {
            Status::Waiting(wait) if reason(wait) => {
                self.set_runnable(&mut table, thread.index());
                true
            }
            _ => false,
        }
    }

    /// Lets every thread go on that waits for this.
    pub(super) fn unblock_all(&self, reason: impl Fn(Wait) -> bool) {
        let threads = self.table().status.len();
        for thread in 0..threads {
            self.unblock(ThreadId(thread as u8), &reason);
        }
    }

    /// The thread has ended. The last one to do so judges the final state,
    /// hears what else must be explored, and passes it on to loom.
    pub(super) fn finish(&self, thread: ThreadId, judge: impl FnOnce(Ending) -> Vec<Violation>) {
        let (last, ending) = {
            let mut table = self.table();
            table.status[thread.index()] = Status::Ended;
            self.let_somebody_run(&mut table, thread);
            (
                table.status.iter().all(|status| *status == Status::Ended),
                table.ending(),
            )
        };
        if let (true, Some(ending)) = (last, ending) {
            for violation in judge(ending) {
                self.observer.violation(violation);
            }
        }
        if last {
            let alternatives = self.observer.end();
            if self.engine == Engine::Reduced {
                self.hand_out(thread, alternatives);
            }
        } else if self.engine == Engine::Reduced {
            loom::thread::park();
        }
        self.request(thread);
    }

    /// The thread has panicked, of which the engine tells: who waits for it is
    /// sent home.
    pub(super) fn panicked(&self, thread: ThreadId) {
        let mut table = self.table();
        table.status[thread.index()] = Status::Ended;
        self.let_somebody_run(&mut table, thread);
    }

    /// Gives each thread the steps at which it is to be explored, and lets all
    /// of them, which wait at their end, ask loom for it.
    fn hand_out(&self, last: ThreadId, mut alternatives: Vec<Alternative>) {
        alternatives.sort_unstable();
        let mut table = self.table();
        for alternative in alternatives {
            table.alternatives[alternative.thread.index()].push(alternative.step);
        }
        for thread in (0..table.handles.len()).filter(|thread| *thread != last.index()) {
            table.handles[thread].unpark();
        }
    }

    /// Touches the gates of the steps at which this thread is to be explored.
    /// Each gate was last used in its step, by another thread and with nothing
    /// between the two that loom knows of: to loom this is a race, and it adds
    /// this thread to the choices of that step. In ascending order, since
    /// loom takes what it knows of a thread's later step for all before it.
    fn request(&self, thread: ThreadId) {
        let (steps, gates) = {
            let table = self.table();
            let steps = table.alternatives[thread.index()].clone();
            let gates: Vec<Gate> = steps
                .iter()
                .map(|step| table.gates[*step].clone())
                .collect();
            (steps, gates)
        };
        debug_assert!(steps.is_sorted());
        for gate in gates {
            touch(&gate);
        }
    }

    /// If no thread can run: first those who stand back may, because nothing
    /// new can come of this execution; else all who wait are sent home. If one
    /// of those sleeps, its wake-up was lost.
    fn let_somebody_run(&self, table: &mut Table, current: ThreadId) {
        if table.status.contains(&Status::Runnable) {
            return;
        }
        if !table.abandoned {
            self.announce_blocked(table);
        }
        let standing_back = table.status.contains(&Status::StandingBack);
        if standing_back {
            table.abandoned = true;
            self.observer.abandoned();
        } else {
            table.released = true;
            if !table.halted && !table.abandoned {
                self.report_lost_wakeups(table);
            }
        }
        for thread in 0..table.status.len() {
            let goes_on = match table.status[thread] {
                Status::StandingBack => true,
                Status::Waiting(_) => !standing_back,
                Status::Runnable | Status::Ended => false,
            };
            if goes_on && thread == current.index() {
                table.status[thread] = Status::Runnable;
            } else if goes_on {
                self.set_runnable(table, thread);
            }
        }
    }

    fn announce_blocked(&self, table: &Table) {
        for thread in 0..table.status.len() {
            if let Status::Waiting(wait) = table.status[thread]
                && let Some((object, footprint)) = wait.for_step()
            {
                self.observer
                    .blocked(ThreadId(thread as u8), object, footprint);
            }
        }
    }

    /// Reports whoever can never go on. Waiting for what a device may send is
    /// no reason to, but sleeping is, and so is spinning for a lock: then
    /// locks were taken in a circle.
    fn report_lost_wakeups(&self, table: &mut Table) {
        for thread in 0..table.status.len() {
            let about = match table.status[thread] {
                Status::Waiting(Wait::Asleep(on)) => format!("asleep on {} {}", on.field, on.owner),
                Status::Waiting(Wait::Lock(_)) => "spins on a lock that is never let go".to_owned(),
                _ => continue,
            };
            table.lost = true;
            let thread = ThreadId(thread as u8);
            self.observer.violation(Violation {
                kind: Kind::LostWakeup,
                thread,
                about,
            });
        }
    }

    fn set_runnable(&self, table: &mut Table, thread: usize) {
        table.status[thread] = Status::Runnable;
        match self.engine {
            Engine::Native => self.native_wake.notify_all(),
            // Its scheduler looks at the table before every choice.
            Engine::Shuttle(_) => {}
            Engine::Plain { .. } | Engine::Weak { .. } | Engine::Reduced => {
                table.handles[thread].unpark();
            }
        }
    }
}
