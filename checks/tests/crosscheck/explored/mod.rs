//! How a program of the language runs under the explorer.

mod thread;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stalewake_model::sync::{
    Counter, Cpu, Ending, GhostCell, MAX_THREADS, Mailbox, Objects, Program, SpinLock, Task,
    ThreadId, Word,
};
use stalewake_model::violation::{Halt, Kind, Violation};

use super::program::{End, Ghost, LOCKS, MadeId, Outcome, Script, WORDS};
use thread::Thread;

/// A program under the explorer, with the outcomes of its executions.
pub struct Explored {
    script: Script,
    ghost: Ghost,
    outcomes: Mutex<BTreeSet<Outcome>>,
}

impl Explored {
    pub fn new(script: &Script, ghost: Ghost) -> Explored {
        Explored {
            script: script.clone(),
            ghost,
            outcomes: Mutex::default(),
        }
    }

    /// What was seen so far.
    pub fn take_outcomes(&self) -> BTreeSet<Outcome> {
        std::mem::take(&mut self.outcomes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    number: GhostCell<u64, 0>,
}

/// A word that a running thread has made.
#[derive(Clone)]
struct Made {
    id: MadeId,
    word: Arc<Word>,
}

/// The data under a lock.
#[derive(Default)]
struct Data {
    sum: i64,
    word: Option<Made>,
}

/// The shared state of one execution.
pub struct State {
    words: Vec<Word<Life>>,
    /// The lives in the builds that keep them in the wrong place.
    undeclared: Vec<AtomicU64>,
    counter: Counter,
    pinned: Counter,
    locks: Vec<SpinLock<Data>>,
    tasks: Vec<Task>,
    mailbox: Mailbox<i64>,
    record: Mutex<Record>,
}

/// What the harness notes: thread-local values, so it is no shared memory of
/// the program.
struct Record {
    threads: Vec<(Vec<i64>, End)>,
    made: Vec<Vec<Arc<Word>>>,
    kinds: BTreeSet<Kind>,
}

impl State {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Program for Explored {
    type State = State;

    fn threads(&self) -> usize {
        self.script.threads.len()
    }

    fn start(&self, objects: &mut Objects) -> State {
        let threads = self.threads();
        State {
            words: (self.script.words.iter().zip(0..))
                .map(|(bits, owner)| Word::new(objects, "word", owner, *bits, Life::default()))
                .collect(),
            undeclared: (0..WORDS).map(|_| AtomicU64::new(0)).collect(),
            counter: Counter::new(objects, "counter", 0, self.script.counter),
            pinned: Counter::pinned(objects, "pinned", 1, 1, [1; MAX_THREADS]),
            locks: (0..LOCKS as u16)
                .map(|owner| SpinLock::new(objects, "spin_lock", "lock", owner, Data::default()))
                .collect(),
            tasks: (0..threads)
                .map(|thread| Task::new(objects, ThreadId(thread as u8)))
                .collect(),
            mailbox: Mailbox::new(objects, "mailbox", 0),
            record: Mutex::new(Record {
                threads: vec![(Vec::new(), End::Returned); threads],
                made: vec![Vec::new(); threads],
                kinds: BTreeSet::new(),
            }),
        }
    }

    fn thread(&self, state: &State, cpu: &Cpu) -> Result<(), Halt> {
        let index = cpu.thread().index();
        let ended = Thread::new(self, state, cpu).run(&self.script.threads[index], None);
        state.record().threads[index].1 = match ended {
            Ok(()) => End::Returned,
            Err(Halt::Oops(kind)) => End::Oops(kind),
            Err(Halt::Released) => End::Released,
        };
        ended
    }

    fn end(&self, state: &State, ending: Ending) -> Vec<Violation> {
        let record = state.record();
        let mut kinds = record.kinds.clone();
        if ending == Ending::Lost {
            kinds.insert(Kind::LostWakeup);
        }
        let counter = state.counter.at_end();
        let mut violations = Vec::new();
        if self.script.leaks(counter) {
            kinds.insert(Kind::ReferenceLeak);
            violations.push(Violation {
                kind: Kind::ReferenceLeak,
                thread: ThreadId(0),
                about: "the counter".into(),
            });
        }
        let lives = state
            .undeclared
            .iter()
            .map(|life| life.load(Ordering::Relaxed));
        let bits_of = |made: &Vec<Arc<Word>>| {
            made.iter()
                .map(|word| word.at_end(|bits, ()| bits))
                .collect()
        };
        let outcome = Outcome {
            threads: record.threads.clone(),
            words: (state.words.iter().zip(lives))
                .map(|(word, beside)| {
                    word.at_end(|bits, life| (bits, life.number.at_end() + beside))
                })
                .collect(),
            made: record.made.iter().map(bits_of).collect(),
            counter,
            pinned: state.pinned.at_end(),
            locks: (state.locks.iter())
                .map(|lock| lock.at_end(|data| (data.sum, data.word.as_ref().map(|made| made.id))))
                .collect(),
            ending,
            kinds,
        };
        self.outcomes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(outcome);
        violations
    }
}
