//! Shared memory, locks and tasks: the model's only door to loom and shuttle.
//!
//! Every shared operation of the model is one call into this module. It is one
//! scheduling point, takes effect at once, and is then announced to the
//! [`Observer`] of the run as a [`Step`]: which thread, which object, and with
//! which [`Footprint`]. What the explorer knows of a run, it knows from there.
//!
//! One [`Program`] runs under several engines, chosen at run time ([`Engine`]):
//! loom with one loom object per shared word (plain loom), loom with the
//! alternatives chosen by the observer (the reduction), loom with weak memory,
//! shuttle with random schedules, and native threads.
//!
//! | item | models |
//! |---|---|
//! | [`Word`] | a word of bits: page flags, a mapping pointer, a wait entry's flags |
//! | [`Counter`] | `atomic_t`: a reference count |
//! | [`SpinLock`] | `spinlock_t` and the data under it |
//! | [`Task`] | a task's state: going to sleep, being woken, a pending signal |
//! | [`Mailbox`] | what arrives from a device: bios that are waiting to complete |
//! | [`GhostCell`] | what the machine does not know and the judge must |

mod counter;
mod cpu;
mod engine;
mod footprint;
mod mailbox;
mod object;
mod observer;
mod random;
mod rmw;
mod run;
mod spin_lock;
mod task;
mod word;

pub use counter::Counter;
pub use cpu::{Call, Cpu};
pub use engine::{Engine, EngineError, execute};
pub use footprint::Footprint;
pub use mailbox::Mailbox;
pub use object::Objects;
pub use observer::{Alternative, Detail, Observer, Step, StepKind};
pub use random::Scheduler;
pub use run::{Ending, MAX_STEPS, Program};
pub use spin_lock::{SpinGuard, SpinLock};
pub use task::{SleepState, Task};
pub use word::{Access, GhostCell, Word};

use std::fmt;

/// A thread of the model: 0 for the first, at most [`MAX_THREADS`] of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u8);

/// How many threads a model may have: loom has five, one of them is the root.
pub const MAX_THREADS: usize = 4;

impl ThreadId {
    /// The thread's place in a table of threads.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{}", self.0)
    }
}

/// A shared object, the same in every execution of a program.
///
/// Objects made before the threads start are numbered in order; those that a
/// thread makes are numbered per thread, so that their identity does not
/// depend on the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u16);

/// What an object is called in explanations: `flags` of page 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// What kind of object it is, in the kernel's words.
    pub field: &'static str,
    /// Whose it is: a page frame, an inode, a bucket, a thread.
    pub owner: u16,
}
