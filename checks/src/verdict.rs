//! What an exploration found: plain data, made by the explorer, read by reports.

use std::collections::BTreeSet;
use std::time::Duration;

use stalewake_model::sync::ThreadId;
use stalewake_model::violation::Kind;

use crate::cell::Cell;
use crate::coverage::Coverage;
use crate::explore::{Findings, Options, Shard};

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
    /// A budget ran out first, or the run was ended.
    Incomplete,
    /// It broke down, for this reason; nothing can be concluded.
    Error(String),
}

impl Status {
    /// How two parts of one exploration have ended together: the worse way.
    #[must_use]
    pub fn and(self, other: Status) -> Status {
        match (self, other) {
            (Status::Error(reason), _) | (_, Status::Error(reason)) => Status::Error(reason),
            (Status::Incomplete, _) | (_, Status::Incomplete) => Status::Incomplete,
            (Status::Complete, Status::Complete) => Status::Complete,
        }
    }
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
    /// The simplest witness.
    pub witness: Witness,
}

impl Reachable {
    /// Adds what another part of the same exploration has found of this kind.
    pub fn join(&mut self, other: Reachable) {
        self.traces += other.traces;
        self.weak_only &= other.weak_only;
        if other.witness.rank() < self.witness.rank() {
            self.witness = other.witness;
        }
    }
}

/// A schedule that shows a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Which thread takes each step.
    pub schedule: Vec<ThreadId>,
    /// How often a thread is made to stop that could have gone on.
    pub preemptions: usize,
    /// Only where memory is weak, and a schedule does not say what was read:
    /// the number of the execution, from 1.
    pub execution: Option<u64>,
}

impl Witness {
    /// The simplest witness has the smallest: the fewest preemptions, then the
    /// fewest steps, and of those the one that lets earlier threads go first,
    /// so that there is one simplest, whatever is explored first.
    pub fn rank(&self) -> impl Ord + '_ {
        (self.preemptions, self.schedule.len(), &self.schedule)
    }
}

/// What an exploration cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Executions, the redundant ones included.
    pub executions: u64,
    /// Executions that turned out to be equivalent to an earlier one.
    pub redundant: u64,
    /// Beside these: executions that only found the way to what another worker
    /// explores. How many there are depends on the number of workers.
    pub foreign: u64,
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

    /// The figures of two parts together. They may have run at the same time,
    /// so how long they took together is for others to say.
    #[must_use]
    pub fn and(self, other: Figures) -> Figures {
        Figures {
            executions: self.executions + other.executions,
            redundant: self.redundant + other.redundant,
            foreign: self.foreign + other.foreign,
            operations: self.operations.max(other.operations),
            elapsed: self.elapsed.max(other.elapsed),
        }
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
    /// Which part of it this is about.
    pub shard: Shard,
    /// How that ended.
    pub status: Status,
    /// Every kind found, in the order of [`Kind::ALL`].
    pub reachable: Vec<Reachable>,
    /// Kinds seen in executions that were given up as redundant; all of them
    /// are reachable, if not in this part then in another.
    pub abandoned: BTreeSet<Kind>,
    /// What was reached at all.
    pub coverage: Coverage,
    /// What the scenario expects; nothing under `--with`, or of a kernel that
    /// it does not list.
    pub expected: Option<Expected>,
    /// What it cost.
    pub figures: Figures,
}

impl Verdict {
    /// The verdict on a cell that was explored in this way.
    pub fn new(cell: Cell, options: &Options, findings: Findings, coverage: Coverage) -> Verdict {
        let expected = (!cell.kernel.is_changed())
            .then(|| {
                cell.scenario
                    .expected(&cell.parameters, cell.kernel.release)
                    .cloned()
            })
            .flatten();
        Verdict {
            cell,
            search: options.search,
            shard: options.split.shard,
            status: findings.status,
            reachable: findings.reachable,
            abandoned: findings.abandoned,
            coverage,
            expected,
            figures: findings.figures,
        }
    }

    /// Whether every schedule was explored, so that what was not found cannot
    /// happen in the model.
    pub fn is_exhaustive(&self) -> bool {
        self.search == Search::Reduced && self.status == Status::Complete && self.shard.is_whole()
    }

    /// Whether what was not found may yet be: in the rest of an unfinished
    /// search, or in another shard.
    pub fn is_partial(&self) -> bool {
        self.status == Status::Incomplete || !self.shard.is_whole()
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
    /// else so far, or that is only a part.
    pub fn as_expected(&self) -> Option<bool> {
        let expected = self.expected.as_ref()?;
        if self.is_partial() && self.kinds().is_subset(&expected.kinds) {
            return None;
        }
        Some(!matches!(self.status, Status::Error(_)) && self.kinds() == expected.kinds)
    }
}
