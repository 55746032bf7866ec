//! What an exploration found: plain data, made by the explorer, read by reports.

use std::collections::BTreeSet;
use std::time::Duration;

use stalewake_model::sync::ThreadId;
use stalewake_model::violation::Kind;

use crate::cell::Cell;

/// How the schedules of a cell are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Sequentially consistent, unbounded, reduced: the only search that can
    /// be exhaustive.
    Reduced,
    /// Sequentially consistent, plain loom without the reduction.
    Plain,
    /// Plain loom with its preemption bound: a partial search.
    Bounded(u8),
    /// Weak memory under loom, with its preemption bound if there is one: it
    /// finds bugs, and proves nothing.
    Weak {
        /// loom's preemption bound.
        bound: Option<u8>,
        /// Whether a companion atomic closes loom's hole in the search of
        /// plain loads and stores.
        companions: bool,
    },
}

impl Search {
    /// Whether memory is weak in it.
    pub fn is_weak(self) -> bool {
        matches!(self, Search::Weak { .. })
    }

    /// The preemption bound, if there is one.
    pub fn bound(self) -> Option<u8> {
        match self {
            Search::Bounded(bound) => Some(bound),
            Search::Weak { bound, .. } => bound,
            Search::Reduced | Search::Plain => None,
        }
    }
}

/// How an exploration ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every schedule that the search asks for was explored.
    Complete,
    /// A budget ran out first.
    Incomplete,
    /// It broke down, for this reason; nothing can be concluded.
    Error(String),
}

/// A kind of violation that the cell can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachable {
    /// What happens.
    pub kind: Kind,
    /// In how many distinct traces it happens.
    pub traces: u64,
    /// Whether every execution that showed it contains a read of a value that
    /// was not the latest: then only weak memory can show it.
    pub weak_only: bool,
    /// The witness with the fewest preemptions.
    pub witness: Witness,
}

/// A schedule that shows a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Which thread takes each step.
    pub schedule: Vec<ThreadId>,
    /// How often a thread is made to stop that could have gone on.
    pub preemptions: usize,
}

/// What an exploration cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Executions, the redundant ones included.
    pub executions: u64,
    /// Executions that turned out to be equivalent to an earlier one.
    pub redundant: u64,
    /// Operations in the longest execution.
    pub operations: usize,
    /// Wall-clock time.
    pub elapsed: Duration,
}

impl Figures {
    /// Distinct traces: complete executions, no two of them equivalent.
    pub fn traces(&self) -> u64 {
        self.executions - self.redundant
    }
}

/// What a scenario file expects of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Every kind that must be reachable, and no other.
    pub kinds: BTreeSet<Kind>,
    /// Why.
    pub because: String,
}

/// What was found in one cell.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The cell.
    pub cell: Cell,
    /// How it was searched.
    pub search: Search,
    /// How that ended.
    pub status: Status,
    /// Every kind found, in the order of [`Kind::ALL`].
    pub reachable: Vec<Reachable>,
    /// What the scenario expects; nothing under `--with`, or of a kernel that
    /// it does not list.
    pub expected: Option<Expected>,
    /// What it cost.
    pub figures: Figures,
}

impl Verdict {
    /// Whether every schedule was explored, so that what was not found cannot
    /// happen in the model.
    pub fn is_exhaustive(&self) -> bool {
        self.search == Search::Reduced && self.status == Status::Complete
    }

    /// Whether the kernel holds: nothing fatal and no hazard was found.
    /// `None` when nothing was, but the search was not exhaustive.
    pub fn holds(&self) -> Option<bool> {
        if self
            .reachable
            .iter()
            .any(|reachable| !reachable.kind.is_harmless())
        {
            Some(false)
        } else {
            self.is_exhaustive().then_some(true)
        }
    }

    /// The kinds found.
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.reachable
            .iter()
            .map(|reachable| reachable.kind)
            .collect()
    }

    /// Whether exactly what was expected was found; `None` where nothing is
    /// expected, and where a search that is not finished has found nothing
    /// else so far.
    pub fn as_expected(&self) -> Option<bool> {
        let expected = self.expected.as_ref()?;
        if self.status == Status::Incomplete && self.kinds().is_subset(&expected.kinds) {
            return None;
        }
        Some(!matches!(self.status, Status::Error(_)) && self.kinds() == expected.kinds)
    }
}
