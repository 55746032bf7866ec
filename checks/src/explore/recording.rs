//! One execution, step by step, for people.

use stalewake_model::sync::{Detail, ThreadId};
use stalewake_model::violation::Violation;

/// Something that happened in an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A thread did something to shared memory.
    Step {
        /// Who.
        thread: ThreadId,
        /// What, where, and inside which functions.
        detail: Detail,
        /// The thread that this made runnable, if one slept.
        wakes: Option<ThreadId>,
        /// Whether the thread itself goes to sleep here.
        sleeps: bool,
        /// Whether it read a value that was not the latest.
        stale: bool,
    },
    /// A thread passed a memory barrier.
    Barrier {
        /// Who.
        thread: ThreadId,
        /// Which barrier.
        name: &'static str,
        /// The kernel functions around it, outermost first.
        calls: Vec<&'static str>,
    },
    /// Something went wrong, or is worth knowing.
    Violation(Violation),
}

/// One execution of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The names of the threads.
    pub threads: Vec<String>,
    /// What happened, in order.
    pub events: Vec<Event>,
}
