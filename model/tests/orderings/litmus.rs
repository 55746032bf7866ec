//! A few threads over a little memory, and everything that they can end with.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use stalewake_model::sync::{
    Alternative, Counter, Cpu, Ending, Engine, Mailbox, Objects, Observer, Program, SpinLock, Step,
    Task, ThreadId, Word, execute,
};
use stalewake_model::violation::{Halt, Violation};

/// What the threads of a litmus test share.
pub struct Memory {
    /// Data.
    pub x: Word,
    /// More data.
    pub y: Word,
    /// For each thread something that the operation in question is done to.
    pub sides: Vec<Side>,
    /// A mark that no thread can see too late or too early: no other thread
    /// runs between an operation and the making, or the reading, of a mark
    /// right behind it. It tells which of two operations on one object came
    /// first when their results do not.
    mark: AtomicBool,
}

/// One of each kind of object.
pub struct Side {
    pub word: Word,
    pub counter: Counter,
    pub lock: SpinLock<bool>,
    pub mailbox: Mailbox<()>,
    /// The task of the thread with the same number.
    pub task: Task,
}

impl Memory {
    /// Makes the mark.
    pub fn mark(&self) {
        self.mark.store(true, Ordering::Relaxed);
    }

    /// Whether it was made.
    pub fn is_marked(&self) -> bool {
        self.mark.load(Ordering::Relaxed)
    }
}

/// What a thread has to say at its end: nothing if it did not meet what it was
/// to look for.
pub type Seen = Option<u64>;

/// How one execution ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    pub ending: Ending,
    /// What each thread had to say; a thread that was sent home says nothing.
    pub seen: Vec<Seen>,
}

/// What a thread does.
pub type Body = Box<dyn Fn(&Memory, &Cpu) -> Result<Seen, Halt> + Send + Sync>;

/// A program of a few threads.
pub struct Litmus {
    /// The value of the word and of the counter of each side.
    start: u64,
    bodies: Vec<Body>,
    outcomes: Mutex<BTreeSet<Outcome>>,
}

impl Litmus {
    /// The words and the counters of all sides have this value, and all else
    /// is zero.
    pub fn new(start: u64) -> Litmus {
        Litmus {
            start,
            bodies: Vec::new(),
            outcomes: Mutex::default(),
        }
    }

    /// One more thread.
    pub fn thread(
        mut self,
        body: impl Fn(&Memory, &Cpu) -> Result<Seen, Halt> + Send + Sync + 'static,
    ) -> Litmus {
        self.bodies.push(Box::new(body));
        self
    }

    /// What all executions end with.
    fn outcomes(self, companions: bool) -> BTreeSet<Outcome> {
        let bound = None;
        let program = Arc::new(self);
        let observer: Arc<dyn Observer> = Arc::new(Silent);
        execute(Engine::Weak { bound, companions }, &program, &observer)
            .unwrap_or_else(|error| panic!("{error}"));
        let outcomes = program.outcomes.lock();
        let outcomes = outcomes.unwrap_or_else(PoisonError::into_inner).clone();
        assert!(!outcomes.is_empty(), "nothing was executed");
        outcomes
    }

    /// The same, with the companions of words: without them loom misses
    /// schedules of plain loads, but sees nothing that it does not see with
    /// them.
    pub fn all_outcomes(make: impl Fn() -> Litmus) -> BTreeSet<Outcome> {
        let [without, with] = [false, true].map(|companions| make().outcomes(companions));
        assert!(
            without.is_subset(&with),
            "a companion orders something: {without:?}, {with:?}"
        );
        with
    }

    /// What the threads have to say, of a program whose threads all end by
    /// themselves.
    pub fn seen(make: impl Fn() -> Litmus) -> BTreeSet<Vec<Seen>> {
        let outcomes = Litmus::all_outcomes(make).into_iter();
        outcomes
            .map(|outcome| {
                assert_eq!(outcome.ending, Ending::Finished);
                outcome.seen
            })
            .collect()
    }
}

/// The memory, and what the threads had to say so far.
pub struct State {
    memory: Memory,
    seen: Mutex<Vec<Seen>>,
}

impl Program for Litmus {
    type State = State;

    fn threads(&self) -> usize {
        self.bodies.len()
    }

    fn start(&self, objects: &mut Objects) -> State {
        let sides = (0..self.threads()).map(|thread| {
            let owner = thread as u16;
            Side {
                word: Word::new(objects, "word", owner, self.start, ()),
                counter: Counter::new(objects, "counter", owner, self.start as i64),
                lock: SpinLock::new(objects, "spin_lock", "lock", owner, false),
                mailbox: Mailbox::new(objects, "mailbox", owner),
                task: Task::new(objects, ThreadId(thread as u8)),
            }
        });
        let sides = sides.collect();
        State {
            memory: Memory {
                x: Word::new(objects, "x", 0, 0, ()),
                y: Word::new(objects, "y", 0, 0, ()),
                sides,
                mark: AtomicBool::new(false),
            },
            seen: Mutex::new(vec![None; self.threads()]),
        }
    }

    fn thread(&self, state: &State, cpu: &Cpu) -> Result<(), Halt> {
        let thread = cpu.thread().index();
        let seen = self.bodies[thread](&state.memory, cpu)?;
        state.seen.lock().unwrap_or_else(PoisonError::into_inner)[thread] = seen;
        Ok(())
    }

    fn end(&self, state: &State, ending: Ending) -> Vec<Violation> {
        let seen = state.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = Outcome {
            ending,
            seen: seen.clone(),
        };
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.insert(outcome);
        Vec::new()
    }
}

/// Every execution is explored; what they end with the program knows itself.
struct Silent;

impl Observer for Silent {
    fn begin(&self) -> bool {
        true
    }

    fn step(&self, _step: &Step) {}

    fn violation(&self, _violation: Violation) {}

    fn end(&self) -> Vec<Alternative> {
        Vec::new()
    }
}
