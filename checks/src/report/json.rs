//! One JSON object for each cell, on a line of its own.
//!
//! These types are a contract with other programs: a field is never renamed,
//! removed or given another meaning without a new [`SCHEMA`].

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::token::{cell_sum, token};
use crate::scenario::Scenario;
use crate::verdict::{Reachable, Status, Verdict};

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// What was found in one cell.
#[derive(Clone, Debug, Serialize)]
pub struct CellLine<'a> {
    schema: u32,
    scenario: &'a str,
    parameters: &'a BTreeMap<String, String>,
    kernel: &'a str,
    release: &'static str,
    mechanisms: Mechanisms,
    memory: &'static str,
    bound: Option<u8>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    exhaustive: bool,
    holds: Option<bool>,
    reachable: Vec<ReachableKind>,
    expected: Option<Vec<&'static str>>,
    as_expected: Option<bool>,
    executions: u64,
    redundant: u64,
    traces: u64,
    operations: usize,
    elapsed_ms: u64,
    /// The branches of waking and waiting that some execution took.
    branches: Vec<&'static str>,
    /// The steps that ran in none: for each thread their numbers, from 1.
    never_ran: BTreeMap<&'a str, Vec<usize>>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
}

/// What is said of a shard beside, so that [`merge`](super::merge) can put the
/// whole together, and of a cell in a journal.
#[derive(Clone, Debug, Serialize)]
struct Part {
    /// Which one of how many.
    shard: String,
    /// How many cells the run has: a shard that was cut off has fewer. Not in a
    /// journal, which may be of more than one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<usize>,
    /// The version of the program, with its build.
    version: &'static str,
    /// The sum over the scenario and the kernel.
    cell_sum: String,
    /// Executions that only led to what other shards explore.
    foreign: u64,
    /// Kinds seen in executions that were given up as redundant.
    abandoned: Vec<&'static str>,
}

impl Part {
    fn of(verdict: &Verdict) -> Part {
        Part {
            shard: verdict.shard.to_string(),
            cells: None,
            version: VERSION,
            cell_sum: cell_sum(&verdict.cell),
            foreign: verdict.figures.foreign,
            abandoned: verdict.abandoned.iter().map(|kind| kind.name()).collect(),
        }
    }
}

/// The version of this program, and a sum over the sources it was built from: what
/// another build has found is not what this one would find.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("STALEWAKE_BUILD"));

/// A kind of violation that the cell can reach.
#[derive(Clone, Debug, Serialize)]
struct ReachableKind {
    kind: &'static str,
    class: &'static str,
    traces: u64,
    preemptions: usize,
    /// Whether only weak memory can show it, as far as was seen; only of C11.
    #[serde(skip_serializing_if = "Option::is_none")]
    weak_only: Option<bool>,
    replay: String,
}

/// The alternative of every mechanism, in the order of listings.
#[derive(Clone, Debug)]
struct Mechanisms(Vec<(&'static str, &'static str)>);

impl Serialize for Mechanisms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl<'a> CellLine<'a> {
    /// The object of a verdict.
    pub fn new(verdict: &'a Verdict) -> CellLine<'a> {
        let cell = &verdict.cell;
        let reachable = |found: &Reachable| ReachableKind {
            kind: found.kind.name(),
            class: found.kind.class().name(),
            traces: found.traces,
            preemptions: found.witness.preemptions,
            weak_only: verdict.search.is_weak().then_some(found.weak_only),
            replay: token(cell, verdict.search, &found.witness),
        };
        let (status, reason) = match &verdict.status {
            Status::Complete => ("complete", None),
            Status::Incomplete => ("incomplete", None),
            Status::Error(reason) => ("error", Some(reason.as_str())),
        };
        CellLine {
            schema: SCHEMA,
            scenario: &cell.scenario.name,
            parameters: &cell.parameters,
            kernel: &cell.kernel.typed,
            release: cell.kernel.release.name,
            mechanisms: Mechanisms(cell.kernel.kernel.choices().collect()),
            memory: if verdict.search.is_weak() {
                "c11"
            } else {
                "sc"
            },
            bound: verdict.search.bound(),
            status,
            reason,
            exhaustive: verdict.is_exhaustive(),
            holds: verdict.holds(),
            reachable: verdict.reachable.iter().map(reachable).collect(),
            expected: verdict
                .expected
                .as_ref()
                .map(|expected| expected.kinds.iter().map(|kind| kind.name()).collect()),
            as_expected: verdict.as_expected(),
            executions: verdict.figures.executions,
            redundant: verdict.figures.redundant,
            traces: verdict.figures.traces(),
            operations: verdict.figures.operations,
            elapsed_ms: u64::try_from(verdict.figures.elapsed.as_millis()).unwrap_or(u64::MAX),
            branches: verdict.coverage.branches.iter().map(|b| b.name()).collect(),
            never_ran: never_ran(verdict),
            part: None,
        }
    }

    /// The same with what a shard of a run of so many cells says beside, also
    /// if it is the only one.
    pub fn of_shard(verdict: &'a Verdict, cells: usize) -> CellLine<'a> {
        CellLine {
            part: Some(Part {
                cells: Some(cells),
                ..Part::of(verdict)
            }),
            ..CellLine::new(verdict)
        }
    }

    /// The same for a [journal](crate::journal): who reads it can tell whether
    /// it is of this version and this cell.
    pub fn kept(verdict: &'a Verdict) -> CellLine<'a> {
        CellLine {
            part: Some(Part::of(verdict)),
            ..CellLine::new(verdict)
        }
    }
}

fn never_ran(verdict: &Verdict) -> BTreeMap<&str, Vec<usize>> {
    let cell = &verdict.cell;
    let threads = &cell.scenario.variant(&cell.parameters).threads;
    let mut never_ran: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (thread, step) in &verdict.coverage.never_ran {
        let name = &threads[thread.index()].name;
        never_ran.entry(name).or_default().push(step + 1);
    }
    never_ran
}

/// What there is to check in one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioLine<'a> {
    schema: u32,
    scenario: &'a str,
    title: &'a str,
    source: &'a str,
    parameters: BTreeMap<&'a str, &'a [String]>,
    kernels: Vec<&'static str>,
    cells: usize,
}

impl<'a> ScenarioLine<'a> {
    /// The object of a scenario.
    pub fn new(scenario: &'a Scenario) -> ScenarioLine<'a> {
        let kernels: Vec<_> = scenario
            .kernels()
            .iter()
            .map(|release| release.name)
            .collect();
        let parameter = |p: &'a crate::scenario::Parameter| (p.name.as_str(), p.values.as_slice());
        ScenarioLine {
            schema: SCHEMA,
            scenario: &scenario.name,
            title: &scenario.title,
            source: &scenario.source,
            parameters: scenario.parameters.iter().map(parameter).collect(),
            cells: scenario.combinations().len() * kernels.len(),
            kernels,
        }
    }
}

/// An object as one line of text.
pub fn line(object: &impl Serialize) -> String {
    serde_json::to_string(object).expect("every field is text, a number or a list of these")
}
