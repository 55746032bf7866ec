//! Vector clocks and sets of threads.

use stalewake_model::sync::{MAX_THREADS, ThreadId};

/// How many steps of each thread happen before a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock([u16; MAX_THREADS]);

impl Clock {
    /// Takes one more step of `thread` and returns its number, from 1.
    pub(super) fn tick(&mut self, thread: ThreadId) -> u16 {
        self.0[thread.index()] += 1;
        self.0[thread.index()]
    }

    /// Whether step number `number` of `thread` is among them.
    pub(super) fn covers(&self, thread: ThreadId, number: u16) -> bool {
        self.0[thread.index()] >= number
    }

    /// Whether all of them are among the first so many steps of each thread.
    pub(super) fn is_covered_by(&self, progress: &[u16; MAX_THREADS]) -> bool {
        self.0
            .iter()
            .zip(progress)
            .all(|(happened, taken)| happened <= taken)
    }

    /// All that happens before either.
    pub(super) fn join(&mut self, other: &Clock) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
    }
}

/// A set of threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ThreadSet(u8);

impl ThreadSet {
    pub(super) fn insert(&mut self, thread: ThreadId) {
        self.0 |= 1 << thread.0;
    }

    pub(super) fn remove(&mut self, thread: ThreadId) {
        self.0 &= !(1 << thread.0);
    }

    pub(super) fn contains(self, thread: ThreadId) -> bool {
        self.0 & 1 << thread.0 != 0
    }

    pub(super) fn intersects(self, other: ThreadSet) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn union(self, other: ThreadSet) -> ThreadSet {
        ThreadSet(self.0 | other.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its threads, in order.
    pub(super) fn iter(self) -> impl Iterator<Item = ThreadId> {
        (0..MAX_THREADS as u8)
            .map(ThreadId)
            .filter(move |thread| self.contains(*thread))
    }
}
