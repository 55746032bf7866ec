//! Live figures of an exploration, for whoever wants to look.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// An immutable picture of an exploration at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Executions so far, the redundant ones included.
    pub executions: u64,
    /// Of those, how many were redundant.
    pub redundant: u64,
    /// Operations in the longest execution so far.
    pub operations: usize,
    /// How many kinds of violation were found so far.
    pub kinds: usize,
}

/// Where an explorer publishes snapshots and a display loads them. Neither
/// ever waits for the other.
#[derive(Default)]
pub struct Progress {
    latest: ArcSwap<Snapshot>,
}

impl Progress {
    /// The latest snapshot.
    pub fn load(&self) -> Arc<Snapshot> {
        self.latest.load_full()
    }

    /// Publishes a snapshot.
    pub fn store(&self, snapshot: Snapshot) {
        self.latest.store(Arc::new(snapshot));
    }
}
