//! What a worker is asked, and what it says.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use stalewake_model::coverage::Branch;
use stalewake_model::release::Release;
use stalewake_model::sync::ThreadId;
use stalewake_model::violation::Kind;

use crate::cell::{Cell, KernelChoice, Parameters};
use crate::coverage::Coverage;
use crate::explore::{Findings, Options, Shard, Snapshot};
use crate::scenario;
use crate::verdict::{Figures, Reachable, Search, Status, Witness};

/// Explore this.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    scenario: String,
    text: String,
    parameters: Parameters,
    kernel: String,
    release: String,
    mechanisms: Vec<(String, String)>,
    search: SearchOptions,
    shard: (u32, u32),
    max_executions: Option<u64>,
    /// From now on, in milliseconds: no two processes share a clock.
    budget: Option<u64>,
}

/// A line from a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// May I have this way through the trunk? Waits for a line with the answer.
    Claim(Vec<u8>),
    /// How far it is.
    Progress(Progress),
    /// What it has found.
    Done(Box<Found>),
    /// The request makes no sense here.
    Refused(String),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum SearchOptions {
    Reduced,
    Plain,
    Bounded(u8),
    Weak(Option<u8>, bool),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Progress {
    executions: u64,
    redundant: u64,
    operations: usize,
    kinds: Vec<String>,
    estimate: Option<f64>,
    elapsed: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Found {
    status: Ended,
    reachable: Vec<FoundKind>,
    abandoned: Vec<String>,
    executions: u64,
    redundant: u64,
    foreign: u64,
    operations: usize,
    elapsed: Duration,
    branches: Vec<String>,
    never_ran: Vec<(u8, usize)>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Ended {
    Complete,
    Incomplete,
    Error(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct FoundKind {
    kind: String,
    traces: u64,
    weak_only: bool,
    schedule: Vec<u8>,
    preemptions: usize,
    execution: Option<u64>,
}

fn names<'k>(kinds: impl IntoIterator<Item = &'k Kind>) -> Vec<String> {
    let names = kinds.into_iter().map(|kind| kind.name().to_owned());
    names.collect()
}

fn kind(name: &str) -> Result<Kind, String> {
    Kind::from_name(name).ok_or_else(|| format!("there is no kind {name}"))
}

impl Request {
    pub(super) fn new(cell: &Cell, options: &Options) -> Request {
        let shard = options.split.shard;
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Request {
            scenario: cell.scenario.name.clone(),
            text: cell.scenario.text.clone(),
            parameters: cell.parameters.clone(),
            kernel: cell.kernel.typed.clone(),
            release: cell.kernel.release.name.to_owned(),
            mechanisms: cell.kernel.kernel.choices().map(owned).collect(),
            search: match options.search {
                Search::Reduced => SearchOptions::Reduced,
                Search::Plain => SearchOptions::Plain,
                Search::Bounded(bound) => SearchOptions::Bounded(bound),
                Search::Weak { bound, companions } => SearchOptions::Weak(bound, companions),
            },
            shard: (shard.index(), shard.of()),
            max_executions: options.max_executions,
            budget: options
                .deadline
                .map(|deadline| milliseconds(left(deadline))),
        }
    }

    /// The cell to be explored.
    ///
    /// # Errors
    /// When there is no such cell, which the asking side should have known.
    pub(super) fn cell(&self) -> Result<Cell, String> {
        let scenario = scenario::parse(&self.scenario, &self.scenario, &self.text)
            .map_err(|error| error.to_string())?;
        let release = Release::resolve(&self.release).map_err(|error| error.to_string())?;
        let mut kernel = KernelChoice {
            typed: self.kernel.clone(),
            ..KernelChoice::of(release)
        };
        for (mechanism, alternative) in &self.mechanisms {
            let set = kernel.kernel.set(mechanism, alternative);
            set.map_err(|error| error.to_string())?;
        }
        Ok(Cell {
            scenario: scenario.into(),
            parameters: self.parameters.clone(),
            kernel,
        })
    }

    pub(super) fn shard(&self) -> Result<Shard, String> {
        let (index, of) = self.shard;
        Shard::new(index, of).map_err(|error| error.to_string())
    }

    pub(super) fn search(&self) -> Search {
        match self.search {
            SearchOptions::Reduced => Search::Reduced,
            SearchOptions::Plain => Search::Plain,
            SearchOptions::Bounded(bound) => Search::Bounded(bound),
            SearchOptions::Weak(bound, companions) => Search::Weak { bound, companions },
        }
    }

    pub(super) fn max_executions(&self) -> Option<u64> {
        self.max_executions
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let budget = Duration::from_millis(self.budget?);
        Instant::now().checked_add(budget)
    }
}

impl From<&Snapshot> for Progress {
    fn from(snapshot: &Snapshot) -> Progress {
        Progress {
            executions: snapshot.executions,
            redundant: snapshot.redundant,
            operations: snapshot.operations,
            kinds: names(&snapshot.kinds),
            estimate: snapshot.estimate,
            elapsed: snapshot.elapsed,
        }
    }
}

impl Progress {
    pub(super) fn snapshot(self) -> Result<Snapshot, String> {
        let kinds = self.kinds.iter().map(|name| kind(name));
        Ok(Snapshot {
            executions: self.executions,
            redundant: self.redundant,
            operations: self.operations,
            kinds: kinds.collect::<Result<_, _>>()?,
            estimate: self.estimate,
            elapsed: self.elapsed,
        })
    }
}

impl Found {
    pub(super) fn new(findings: Findings, coverage: &Coverage) -> Found {
        let reachable = findings.reachable.into_iter().map(|found| FoundKind {
            kind: found.kind.name().to_owned(),
            traces: found.traces,
            weak_only: found.weak_only,
            schedule: found
                .witness
                .schedule
                .iter()
                .map(|thread| thread.0)
                .collect(),
            preemptions: found.witness.preemptions,
            execution: found.witness.execution,
        });
        let branches = coverage.branches.iter();
        let never_ran = coverage.never_ran.iter();
        Found {
            status: match findings.status {
                Status::Complete => Ended::Complete,
                Status::Incomplete => Ended::Incomplete,
                Status::Error(reason) => Ended::Error(reason),
            },
            reachable: reachable.collect(),
            abandoned: names(&findings.abandoned),
            executions: findings.figures.executions,
            redundant: findings.figures.redundant,
            foreign: findings.figures.foreign,
            operations: findings.figures.operations,
            elapsed: findings.figures.elapsed,
            branches: branches.map(|branch| branch.name().to_owned()).collect(),
            never_ran: never_ran.map(|(thread, step)| (thread.0, *step)).collect(),
        }
    }

    pub(super) fn findings(self) -> Result<(Findings, Coverage), String> {
        let mut reachable = Vec::with_capacity(self.reachable.len());
        for found in self.reachable {
            reachable.push(Reachable {
                kind: kind(&found.kind)?,
                traces: found.traces,
                weak_only: found.weak_only,
                witness: Witness {
                    schedule: found.schedule.into_iter().map(ThreadId).collect(),
                    preemptions: found.preemptions,
                    execution: found.execution,
                },
            });
        }
        let abandoned = self.abandoned.iter().map(|name| kind(name));
        let findings = Findings {
            status: match self.status {
                Ended::Complete => Status::Complete,
                Ended::Incomplete => Status::Incomplete,
                Ended::Error(reason) => Status::Error(reason),
            },
            reachable,
            abandoned: abandoned.collect::<Result<_, _>>()?,
            figures: Figures {
                executions: self.executions,
                redundant: self.redundant,
                foreign: self.foreign,
                operations: self.operations,
                elapsed: self.elapsed,
            },
        };
        let branch = |name: &String| {
            Branch::from_name(name).ok_or_else(|| format!("there is no branch {name}"))
        };
        let never_ran = self.never_ran.into_iter();
        let coverage = Coverage {
            branches: self
                .branches
                .iter()
                .map(branch)
                .collect::<Result<BTreeSet<_>, _>>()?,
            never_ran: never_ran
                .map(|(thread, step)| (ThreadId(thread), step))
                .collect(),
        };
        Ok((findings, coverage))
    }
}
