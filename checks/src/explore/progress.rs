//! Live figures of an exploration, for whoever wants to look.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use stalewake_model::violation::Kind;

/// An immutable picture of an exploration at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Executions so far, the redundant ones included.
    pub executions: u64,
    /// Of those, how many were redundant.
    pub redundant: u64,
    /// Operations in the longest execution so far.
    pub operations: usize,
    /// The kinds of violation found so far, in the order of [`Kind::ALL`].
    pub kinds: Vec<Kind>,
    /// How many executions there will have been in the end: an estimate while
    /// the search goes on, the true number once it is complete. Nothing where
    /// nothing is known: before the first execution, and of a search without
    /// the reduction, whose choices are loom's.
    pub estimate: Option<f64>,
    /// Since the search began.
    pub elapsed: Duration,
}

impl Snapshot {
    /// Distinct traces so far: complete executions, no two of them equivalent.
    pub fn traces(&self) -> u64 {
        self.executions - self.redundant
    }

    /// Executions per second; 0 before there is anything to measure.
    pub fn per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 {
            self.executions as f64 / seconds
        } else {
            0.0
        }
    }

    /// What two workers on one search have done together. What is left is
    /// estimated by the one that sees more of it.
    #[must_use]
    pub fn and(&self, other: &Snapshot) -> Snapshot {
        let mut kinds = [&self.kinds[..], &other.kinds].concat();
        kinds.sort_unstable();
        kinds.dedup();
        let executions = self.executions + other.executions;
        let left = [self.left(), other.left()].into_iter().flatten();
        let left = left.max_by(f64::total_cmp);
        Snapshot {
            executions,
            redundant: self.redundant + other.redundant,
            operations: self.operations.max(other.operations),
            kinds,
            estimate: left.map(|left| executions as f64 + left),
            elapsed: self.elapsed.max(other.elapsed),
        }
    }

    /// About how many executions are left.
    pub fn left(&self) -> Option<f64> {
        self.estimate
            .map(|total| (total - self.executions as f64).max(0.0))
    }
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
