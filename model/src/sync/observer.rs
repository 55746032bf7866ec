//! What an explorer sees of a run, and how it steers it.

use super::{Footprint, ObjectId, ObjectName, ThreadId};
use crate::violation::Violation;

/// Whether a step may have to wait until it is possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepKind {
    /// It is always possible.
    #[default]
    Plain,
    /// The taking of a lock, which must be free.
    Lock,
    /// The receiving of something, which must have been sent.
    Receive,
}

/// One shared operation that has taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who did it.
    pub thread: ThreadId,
    /// To what.
    pub object: ObjectId,
    /// What it read and changed there.
    pub footprint: Footprint,
    /// Whether it may have had to wait.
    pub kind: StepKind,
    /// The step without which this one could not have happened at all, as the
    /// number of the step in this execution: the last one before the unlock
    /// that let a lock be taken, the sending of what was received.
    pub after: Option<usize>,
    /// The thread that slept and can go on because of this step.
    pub wakes: Option<ThreadId>,
    /// Whether the thread cannot go on until it is woken.
    pub sleeps: bool,
    /// The step that had woken the thread already, so that it does not sleep
    /// here. The two do not conflict, but what the thread does next happens
    /// after both.
    pub woken_by: Option<usize>,
}

/// What a person wants to know of a step; made only when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The kernel functions around the step, outermost first.
    pub calls: Vec<&'static str>,
    /// What was done, in the kernel's words: `test_and_set_bit`, `spin_lock`.
    pub operation: &'static str,
    /// What it was done to.
    pub object: ObjectName,
    /// The bits concerned.
    pub mask: u64,
    /// The value before.
    pub before: u64,
    /// The value after.
    pub after: u64,
}

/// A choice that must be explored as well: at step number `step` of this
/// execution, `thread` instead of the one that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alternative {
    /// The number of the step, from 0.
    pub step: usize,
    /// Who is to run there.
    pub thread: ThreadId,
}

/// The explorer's side of a run.
///
/// The engine calls these in the order of the execution. Implementations must
/// be deterministic: what they answer may depend only on what they were told.
pub trait Observer: Send + Sync {
    /// An execution starts. `false` ends the search instead.
    fn begin(&self) -> bool;

    /// Whether `thread` is to stand back at this point as long as another
    /// thread can run. Only asked under [`Engine::Reduced`](super::Engine).
    fn stands_back(&self, _thread: ThreadId) -> bool {
        false
    }

    /// A step took effect.
    fn step(&self, step: &Step);

    /// Whether [`Observer::detail`] is wanted for every step.
    fn wants_detail(&self) -> bool {
        false
    }

    /// The step that was just announced, for people.
    fn detail(&self, _thread: ThreadId, _detail: Detail) {}

    /// A barrier was passed: no step, but part of what a function does.
    fn barrier(&self, _thread: ThreadId, _name: &'static str, _calls: &[&'static str]) {}

    /// A thread has read a value that was not the latest: this execution is one
    /// that only weak memory can show.
    fn stale_read(&self) {}

    /// Something went wrong, or is worth knowing.
    fn violation(&self, violation: Violation);

    /// No thread can run any more, but for those who stand back, and `thread`
    /// waits for a lock or for something to arrive. The step it would take
    /// does not happen here; in another schedule it may, before the one that
    /// took what it waits for.
    fn blocked(&self, _thread: ThreadId, _object: ObjectId, _footprint: Footprint) {}

    /// Every thread that could run stands back: nothing new will be seen, the
    /// execution is given up.
    fn abandoned(&self) {}

    /// All threads have ended. Returns what else must be explored, at most one
    /// alternative for each step; only heeded under
    /// [`Engine::Reduced`](super::Engine).
    fn end(&self) -> Vec<Alternative>;
}
