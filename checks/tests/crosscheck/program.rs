//! A small language of straight-line programs, and how one of them runs under
//! the explorer.
//!
//! What a program can do is what the model does with `sync`: flags words with
//! ghost state, a reference count, spin locks, sleeping and waking, a mailbox,
//! and violations that end a thread or do not.

use std::cmp;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use stalewake_model::sync::{
    Access, Counter, Cpu, Ending, GhostCell, MAX_THREADS, Mailbox, ObjectName, Objects, Program,
    SleepState, SpinLock, Task, ThreadId, Word,
};
use stalewake_model::violation::{Halt, Kind, Violation};

/// The bits that programs use of a word.
pub const ALL_BITS: u64 = 0b111;
/// How many words, and how many locks, every program has.
pub const WORDS: usize = 2;
pub const LOCKS: usize = 2;

/// One operation of a program: one step, or a pattern of a few.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Test {
        word: usize,
        mask: u64,
    },
    Load {
        word: usize,
    },
    Set {
        word: usize,
        mask: u64,
    },
    Clear {
        word: usize,
        mask: u64,
    },
    Store {
        word: usize,
        value: u64,
    },
    TestAndSet {
        word: usize,
        mask: u64,
    },
    TestAndClear {
        word: usize,
        mask: u64,
    },
    SetUnless {
        word: usize,
        mask: u64,
        unless: u64,
    },
    ClearUnless {
        word: usize,
        mask: u64,
        unless: u64,
    },
    StoreOver {
        word: usize,
        expected: u64,
        value: u64,
    },
    ClearUnlockAndTest {
        word: usize,
        clear: u64,
        test: u64,
    },
    /// Ends the life that the word has, and clears the word.
    Wipe {
        word: usize,
    },
    /// A test or a clear that reports `kind` if the first life has ended.
    Check {
        word: usize,
        mask: u64,
        clears: bool,
        kind: Kind,
    },
    Inc,
    /// Reports an underflow, and so ends the thread, if less than zero is left.
    Dec,
    /// [`Op::Dec`], then [`Op::Wipe`] if zero is left.
    Put {
        word: usize,
    },
    IncUnlessZero,
    /// [`Op::Inc`], [`Op::Dec`] and [`Op::IncUnlessZero`] of the pinned counter,
    /// of which every thread owns one at the start.
    IncPinned,
    DecPinned,
    IncPinnedUnlessZero,
    Read,
    SetCounter {
        value: i64,
    },
    /// Reads the data, does `body`, and changes the data.
    Locked {
        lock: usize,
        add: i64,
        body: Vec<Op>,
    },
    /// Announces to sleep, and sleeps if the bits are clear.
    Sleep {
        state: SleepKind,
        word: usize,
        mask: u64,
    },
    /// Wakes the thread that comes so many places after this one.
    Wake {
        distance: usize,
    },
    Kill {
        distance: usize,
    },
    SignalPending,
    Send {
        item: i64,
    },
    Receive,
}

/// [`SleepState`], for programs that are compared and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SleepKind {
    Uninterruptible,
    Killable,
}

/// Where the ghost state lives. Everything but the first is wrong: it breaks
/// the rule that a ghost cell is reached only through its home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ghost {
    /// In a [`GhostCell`] of the word whose operations check it.
    AtHome,
    /// Beside the word, undeclared, so that a wipe commutes with a clear.
    WipeCommutes,
    /// Beside the word, and a life ends with the last reference: an operation
    /// on another object than the one it is checked on.
    EndsElsewhere,
}

/// A random program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Script {
    pub words: [u64; WORDS],
    pub counter: i64,
    pub threads: Vec<Vec<Op>>,
}

impl Script {
    /// The thread that comes `distance` places after `thread`; never itself.
    pub fn other(&self, thread: usize, distance: usize) -> usize {
        let others = self.threads.len() - 1;
        (thread + 1 + distance % others) % self.threads.len()
    }

    /// Whether any operation, also one under a lock, is of this sort.
    pub fn contains(&self, sort: fn(&Op) -> bool) -> bool {
        fn any(ops: &[Op], sort: fn(&Op) -> bool) -> bool {
            ops.iter()
                .any(|op| sort(op) || matches!(op, Op::Locked { body, .. } if any(body, sort)))
        }
        self.threads.iter().any(|ops| any(ops, sort))
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "words {:?}, counter {}", self.words, self.counter)?;
        for (thread, ops) in self.threads.iter().enumerate() {
            writeln!(f, "T{thread}:")?;
            for op in ops {
                writeln!(f, "    {op:?}")?;
            }
        }
        Ok(())
    }
}

/// How a thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    Returned,
    Oops(Kind),
    Released,
}

/// All that an execution can be told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    /// What each thread saw, and how it ended.
    pub threads: Vec<(Vec<i64>, End)>,
    /// The bits and the life of each word.
    pub words: Vec<(u64, u64)>,
    pub counter: i64,
    pub pinned: i64,
    /// The data under each lock.
    pub locks: Vec<i64>,
    pub ending: Ending,
    pub kinds: BTreeSet<Kind>,
}

/// What the judge says of a final state: the one kind that is not seen by a
/// running thread and is no lost wake-up.
pub fn leaks(script: &Script, counter: i64) -> bool {
    counter > script.counter
}

/// A program under the explorer, with the outcomes of its executions.
pub struct Explored {
    script: Script,
    ghost: Ghost,
    outcomes: Mutex<BTreeSet<Outcome>>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    number: GhostCell<u64, 0>,
}

/// The shared state of one execution.
pub struct State {
    words: Vec<Word<Life>>,
    /// The lives in the builds that keep them in the wrong place.
    undeclared: Vec<AtomicU64>,
    counter: Counter,
    pinned: Counter,
    locks: Vec<SpinLock<i64>>,
    tasks: Vec<Task>,
    mailbox: Mailbox<i64>,
    record: Mutex<Record>,
}

/// What the harness notes: thread-local values, so it is no shared memory of
/// the program.
struct Record {
    threads: Vec<(Vec<i64>, End)>,
    kinds: BTreeSet<Kind>,
}

impl State {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, cpu: &Cpu, kind: Kind) -> Result<(), Halt> {
        self.record().kinds.insert(kind);
        cpu.report(kind, "the cross-check")
    }
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

    fn run(&self, state: &State, cpu: &Cpu, ops: &[Op]) -> Result<(), Halt> {
        ops.iter().try_for_each(|op| self.operate(state, cpu, op))
    }

    fn operate(&self, state: &State, cpu: &Cpu, op: &Op) -> Result<(), Halt> {
        let thread = cpu.thread().index();
        let saw = |value: i64| state.record().threads[thread].0.push(value);
        let task = |distance| &state.tasks[self.script.other(thread, distance)];
        match *op {
            Op::Test { word, mask } => saw(state.words[word].test(cpu, mask).into()),
            Op::Load { word } => saw(state.words[word].load(cpu) as i64),
            Op::Set { word, mask } => state.words[word].set(cpu, mask),
            Op::Clear { word, mask } => state.words[word].clear(cpu, mask),
            Op::Store { word, value } => state.words[word].store(cpu, value),
            Op::TestAndSet { word, mask } => {
                saw(state.words[word].test_and_set(cpu, mask).into());
            }
            Op::TestAndClear { word, mask } => {
                saw(state.words[word].test_and_clear(cpu, mask).into());
            }
            Op::SetUnless { word, mask, unless } => {
                let (refused, ()) = state.words[word].set_unless_and(cpu, mask, unless, |_, _| ());
                saw(refused.into());
            }
            Op::ClearUnless { word, mask, unless } => {
                let word = &state.words[word];
                let (refused, ()) = word.clear_unless_and(cpu, mask, unless, |_, _| ());
                saw(refused.into());
            }
            Op::StoreOver {
                word,
                expected,
                value,
            } => {
                let word = &state.words[word];
                let (wiped, ()) = word.store_over_and(cpu, expected, value, |_, _| ());
                saw(wiped.into());
            }
            Op::ClearUnlockAndTest { word, clear, test } => {
                let (was_set, ()) =
                    state.words[word].clear_unlock_and_test_and(cpu, clear, test, |_, _| ());
                saw(was_set.into());
            }
            Op::Wipe { word } => self.wipe(state, cpu, word),
            Op::Check {
                word,
                mask,
                clears,
                kind,
            } => {
                let life = self.check(state, cpu, word, mask, clears);
                saw(life as i64);
                if life != 0 {
                    state.report(cpu, kind)?;
                }
            }
            Op::Inc => state.counter.inc(cpu),
            Op::Dec => {
                Self::dec(state, cpu, &state.counter)?;
            }
            Op::Put { word } => {
                if Self::dec(state, cpu, &state.counter)?.is_eq() {
                    if self.ghost == Ghost::EndsElsewhere {
                        state.undeclared[word].fetch_add(1, Ordering::Relaxed);
                    }
                    self.wipe(state, cpu, word);
                }
            }
            Op::IncUnlessZero => saw(state.counter.inc_unless_zero(cpu).into()),
            Op::IncPinned => state.pinned.inc(cpu),
            Op::DecPinned => {
                Self::dec(state, cpu, &state.pinned)?;
            }
            Op::IncPinnedUnlessZero => saw(state.pinned.inc_unless_zero(cpu).into()),
            Op::Read => saw(state.counter.read(cpu)),
            Op::SetCounter { value } => state.counter.set(cpu, value),
            Op::Locked {
                lock,
                add,
                ref body,
            } => {
                let mut data = state.locks[lock].lock(cpu)?;
                saw(*data);
                self.run(state, cpu, body)?;
                *data = 2 * *data + add;
            }
            Op::Sleep {
                state: sleep,
                word,
                mask,
            } => {
                let own = &state.tasks[thread];
                own.set_current_state(
                    cpu,
                    match sleep {
                        SleepKind::Uninterruptible => SleepState::Uninterruptible,
                        SleepKind::Killable => SleepState::Killable,
                    },
                );
                let awake = state.words[word].test(cpu, mask);
                saw(awake.into());
                if awake {
                    own.set_running(cpu);
                } else {
                    own.schedule(
                        cpu,
                        ObjectName {
                            field: "word",
                            owner: word as u16,
                        },
                    )?;
                }
            }
            Op::Wake { distance } => saw(task(distance).wake_up(cpu).into()),
            Op::Kill { distance } => task(distance).kill(cpu),
            Op::SignalPending => saw(state.tasks[thread].fatal_signal_pending(cpu).into()),
            Op::Send { item } => state.mailbox.send(cpu, item),
            Op::Receive => saw(state.mailbox.receive(cpu)?),
        }
        Ok(())
    }

    fn dec(state: &State, cpu: &Cpu, counter: &Counter) -> Result<cmp::Ordering, Halt> {
        let left = counter.dec_and_test(cpu);
        state.record().threads[cpu.thread().index()]
            .0
            .push(left as i64);
        if left.is_lt() {
            state.report(cpu, Kind::ReferenceUnderflow)?;
        }
        Ok(left)
    }

    fn wipe(&self, state: &State, cpu: &Cpu, word: usize) {
        match self.ghost {
            Ghost::AtHome => state.words[word].store_and(cpu, 0, |life, access| {
                let number = life.number.get(access);
                life.number.set(access, number + 1);
            }),
            Ghost::WipeCommutes => {
                state.words[word].clear(cpu, ALL_BITS);
                state.undeclared[word].fetch_add(1, Ordering::Relaxed);
            }
            Ghost::EndsElsewhere => state.words[word].store(cpu, 0),
        }
    }

    /// The life that the word had in the moment of a test or a clear.
    fn check(&self, state: &State, cpu: &Cpu, word: usize, mask: u64, clears: bool) -> u64 {
        let ghost = |life: &mut Life, access: &mut Access| match self.ghost {
            Ghost::AtHome => life.number.get(access),
            Ghost::WipeCommutes | Ghost::EndsElsewhere => 0,
        };
        let at_home = if clears {
            state.words[word].clear_unless_and(cpu, mask, 0, ghost).1
        } else {
            let (bits, number) = state.words[word].read_and(cpu, mask, ghost);
            state.record().threads[cpu.thread().index()]
                .0
                .push(bits as i64);
            number
        };
        at_home + state.undeclared[word].load(Ordering::Relaxed)
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
            pinned: Counter::pinned(objects, "pinned", 1, [1; MAX_THREADS]),
            locks: (0..LOCKS)
                .map(|owner| SpinLock::new(objects, "spin_lock", "lock", owner as u16, 0))
                .collect(),
            tasks: (0..threads)
                .map(|thread| Task::new(objects, ThreadId(thread as u8)))
                .collect(),
            mailbox: Mailbox::new(objects, "mailbox", 0),
            record: Mutex::new(Record {
                threads: vec![(Vec::new(), End::Returned); threads],
                kinds: BTreeSet::new(),
            }),
        }
    }

    fn thread(&self, state: &State, cpu: &Cpu) -> Result<(), Halt> {
        let thread = cpu.thread().index();
        let ended = self.run(state, cpu, &self.script.threads[thread]);
        state.record().threads[thread].1 = match ended {
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
        if leaks(&self.script, counter) {
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
        let outcome = Outcome {
            threads: record.threads.clone(),
            words: (state.words.iter().zip(lives))
                .map(|(word, beside)| {
                    word.at_end(|bits, life| (bits, life.number.at_end() + beside))
                })
                .collect(),
            counter,
            pinned: state.pinned.at_end(),
            locks: state
                .locks
                .iter()
                .map(|lock| lock.at_end(|data| *data))
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
