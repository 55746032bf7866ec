//! A small language of straight-line programs.
//!
//! What a program can do is what the model does with `sync`: flags words with
//! ghost state, words that a running thread makes, a reference count, spin
//! locks, sleeping and waking, a mailbox, and violations that end a thread or
//! do not.

use std::collections::BTreeSet;
use std::fmt;

use stalewake_model::sync::Ending;
use stalewake_model::violation::Kind;

/// The bits that programs use of a word.
pub const ALL_BITS: u64 = 0b111;
/// How many words, and how many locks, every program has.
pub const WORDS: usize = 2;
pub const LOCKS: usize = 2;

/// An operation on the bits of a word: one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bits {
    Test { mask: u64 },
    Load,
    Set { mask: u64 },
    Clear { mask: u64 },
    Store { value: u64 },
    TestAndSet { bit: u64 },
    TestAndClear { bit: u64 },
    SetUnless { bit: u64, unless: u64 },
    ClearUnless { bit: u64, unless: u64 },
    StoreOver { expected: u64, value: u64 },
    ClearUnlockAndTest { clear: u64, test: u64 },
}

/// Which word an operation is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// One that is there from the start.
    Shared(usize),
    /// The last one that this thread has made; if there is none, nothing
    /// happens.
    Own,
    /// The last one that this thread has found under a lock; if there is none,
    /// nothing happens.
    Found,
}

/// One operation of a program: one step, a pattern of a few, or none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Bits {
        word: Place,
        op: Bits,
    },
    /// Makes a word: no step.
    Make {
        bits: u64,
    },
    /// Leaves the word made last under the innermost lock held: no step, and
    /// nothing if there is no such word or no such lock.
    Publish,
    /// Sees which word lies under the innermost lock held: no step, and
    /// nothing without a lock.
    Find,
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
    /// Down to zero at once, if it is `expected`.
    Freeze {
        expected: i64,
    },
    Unfreeze {
        value: i64,
    },
    /// Reads the data, does `body`, and changes the data.
    Locked {
        lock: usize,
        add: i64,
        body: Vec<Op>,
    },
    /// The whole of it: announces to sleep, tests the bits, and sleeps if they
    /// are clear or runs on if not. Never under a lock.
    Sleep {
        state: SleepKind,
        word: usize,
        mask: u64,
    },
    /// Only announces to sleep.
    SetState {
        state: SleepKind,
    },
    SetRunning,
    /// Only sleeps, if what was announced says so. Never under a lock.
    Schedule,
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
    /// Never under a lock.
    Receive,
}

/// [`SleepState`](stalewake_model::sync::SleepState), for programs that are
/// compared and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SleepKind {
    Uninterruptible,
    Killable,
}

/// Where the ghost state lives. Everything but the first is wrong: it breaks
/// the rule that a ghost cell is reached only through its home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ghost {
    /// In a [`GhostCell`](stalewake_model::sync::GhostCell) of the word whose
    /// operations check it.
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

    /// What the judge says of a final state: the one kind that is not seen by
    /// a running thread and is no lost wake-up.
    pub fn leaks(&self, counter: i64) -> bool {
        counter > self.counter
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

/// A word that a thread has made: which thread, and how many it had before.
pub type MadeId = (usize, usize);

/// What a thread sees of the word under a lock.
pub fn seen_as(made: Option<MadeId>) -> i64 {
    made.map_or(-1, |(thread, number)| (100 * thread + number) as i64)
}

/// All that an execution can be told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    /// What each thread saw, and how it ended.
    pub threads: Vec<(Vec<i64>, End)>,
    /// The bits and the life of each word.
    pub words: Vec<(u64, u64)>,
    /// The bits of each word that each thread made.
    pub made: Vec<Vec<u64>>,
    pub counter: i64,
    pub pinned: i64,
    /// The data under each lock.
    pub locks: Vec<(i64, Option<MadeId>)>,
    pub ending: Ending,
    pub kinds: BTreeSet<Kind>,
}
