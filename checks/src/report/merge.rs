//! The shards of a run, put together to what one run would have said.
//!
//! A shard prints one JSON object for each cell, as every run does, with what
//! is needed here beside. Whatever is not as it must be is an error: a shard
//! that is missing or there twice, of another version or of another scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use miette::Diagnostic;
use serde::Deserialize;
use serde_json::Value;
use stalewake_model::coverage::Branch;
use stalewake_model::release::Release;
use stalewake_model::sync::ThreadId;
use stalewake_model::violation::Kind;

use super::json::{SCHEMA, VERSION};
use super::seal::is_sealed;
use super::token::{Token, cell_sum};
use crate::cell::{Cell, KernelChoice, Parameters};
use crate::coverage::Coverage;
use crate::explore::{Findings, Options, Shard};
use crate::printable;
use crate::scenario::{Scenario, shorten};
use crate::verdict::{Figures, Reachable, Status, Verdict};

/// The longest line, in bytes. A shard writes a few thousand at most.
const LONGEST_LINE: usize = 1 << 20;

/// More of anything than any run has, so that no sum over lines overflows: a
/// million executions a second for twelve days, milliseconds of 34 years.
const MOST: u64 = 1 << 40;

/// The longest text of a line that an error or a report quotes, in characters.
const LONGEST_QUOTE: usize = 200;

/// How many missing shards are named.
const MOST_NAMED: usize = 8;

/// Why shards cannot be put together.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum MergeError {
    /// Not what a shard prints.
    #[error("line {line} of {file} is no result of a shard: {reason}")]
    #[diagnostic(help(
        "`stalewake check --shard 1/4 --format json > 1.json` makes one; a line that is cut off \
         means that the shard did not come to its end, and one whose sum does not fit is not as it \
         was printed"
    ))]
    NoPart {
        /// Where it stands.
        file: String,
        /// The number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Made by another program.
    #[error("{file} was made by version {found}, and this is {VERSION}")]
    #[diagnostic(help("run all shards, and the merge, with one version"))]
    OtherVersion {
        /// Where it stands.
        file: String,
        /// The version it is of.
        found: String,
    },
    /// Made from another scenario or kernel.
    #[error("{file}: scenario or kernel of {cell} are not what they are here")]
    #[diagnostic(help(
        "run all shards on the same files; if they are your own, name their directory with \
         --scenarios"
    ))]
    OtherCell {
        /// Where it stands.
        file: String,
        /// The cell.
        cell: String,
    },
    /// Not all shards are there.
    #[error("of {cell} {} missing: {}", if .missing.len() == 1 { "a shard is" } else { "shards are" }, .missing.join(", "))]
    #[diagnostic(help("name the files of all shards; run again what did not come to its end"))]
    Missing {
        /// The cell.
        cell: String,
        /// The shards that are not there.
        missing: Vec<String>,
    },
    /// One shard is there twice.
    #[error("shard {shard} of {cell} is there twice, in {first} and {second}")]
    #[diagnostic(help("name the file of each shard once"))]
    Twice {
        /// The cell.
        cell: String,
        /// Which one.
        shard: Shard,
        /// Where it stands.
        first: String,
        /// And where again.
        second: String,
    },
    /// Shards of different runs.
    #[error("{cell} was split into {one} shards in {first}, and into {other} in {second}")]
    #[diagnostic(help("merge the shards of one run"))]
    Mixed {
        /// The cell.
        cell: String,
        /// Into how many.
        one: u32,
        /// Where it stands.
        first: String,
        /// Into how many there.
        other: u32,
        /// Where that stands.
        second: String,
    },
    /// The shards have cells of which no line is there.
    #[error("{file} is of a run of {} cells, and there are {}", .of, .there)]
    #[diagnostic(help(
        "merge all shards of one run; one that was cut off did not come to its end"
    ))]
    CellsMissing {
        /// Where that is said.
        file: String,
        /// How many cells the run has.
        of: usize,
        /// Of how many there are lines.
        there: usize,
    },
    /// There is nothing in the files.
    #[error("there is nothing to merge: the files are empty")]
    Empty,
}

/// The line of a shard, as far as it is needed here.
#[derive(Debug, Deserialize)]
struct Line {
    schema: u32,
    scenario: String,
    parameters: Parameters,
    kernel: String,
    release: String,
    mechanisms: BTreeMap<String, String>,
    memory: String,
    bound: Option<u8>,
    status: String,
    reason: Option<String>,
    reachable: Vec<Found>,
    executions: u64,
    redundant: u64,
    operations: usize,
    elapsed_ms: u64,
    shard: String,
    /// Not in a journal.
    cells: Option<usize>,
    version: String,
    cell_sum: String,
    foreign: u64,
    abandoned: Vec<String>,
    branches: Vec<String>,
    never_ran: BTreeMap<String, Vec<usize>>,
}

#[derive(Debug, Deserialize)]
struct Found {
    kind: String,
    traces: u64,
    /// Only said of weak memory.
    #[serde(default)]
    weak_only: bool,
    replay: String,
}

/// What one shard has found in one cell.
struct Shares {
    cell: Cell,
    /// By shard, with the file it comes from.
    parts: BTreeMap<Shard, (String, Findings)>,
    /// What all of them have reached.
    coverage: Coverage,
}

/// Puts the shards together: for each file its name and its text.
///
/// # Errors
/// When they are not the shards of one run of these scenarios.
pub fn merge(
    files: &[(String, String)],
    scenarios: &[Arc<Scenario>],
) -> Result<Vec<Verdict>, MergeError> {
    let mut order: Vec<String> = Vec::new();
    let mut cells: BTreeMap<String, Shares> = BTreeMap::new();
    // How many cells each file says that its run has.
    let mut sizes: BTreeMap<usize, &String> = BTreeMap::new();
    for (file, text) in files {
        for (number, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
        {
            let part = Share::read(line, scenarios)
                .and_then(Share::of_a_run)
                .and_then(|part| match is_sealed("", line) {
                    true => Ok(part),
                    false => Err(Wrong::Text("the sum at its end does not fit".to_owned())),
                })
                .map_err(|wrong| wrong.at(file, number + 1))?;
            sizes.entry(part.cells).or_insert(file);
            let name = part.cell.to_string() + &part.sum;
            if !cells.contains_key(&name) {
                order.push(name.clone());
            }
            let shares = cells.entry(name).or_insert_with(|| Shares {
                cell: part.cell,
                parts: BTreeMap::new(),
                coverage: part.coverage.clone(),
            });
            shares.coverage.join(&part.coverage);
            shares.add(part.shard, file, part.findings)?;
        }
    }
    if order.is_empty() {
        return Err(MergeError::Empty);
    }
    let there = order.len();
    let all = order.iter().filter_map(|name| cells.remove(name));
    let whole: Vec<Verdict> = all.map(Shares::whole).collect::<Result<_, _>>()?;
    match sizes.into_iter().find(|(of, _)| *of != there) {
        Some((of, file)) => Err(MergeError::CellsMissing {
            file: file.clone(),
            of,
            there,
        }),
        None => Ok(whole),
    }
}

impl Shares {
    fn add(&mut self, shard: Shard, file: &str, findings: Findings) -> Result<(), MergeError> {
        let cell = || self.cell.to_string();
        if let Some((other, (first, _))) = self.parts.first_key_value()
            && other.of() != shard.of()
        {
            return Err(MergeError::Mixed {
                cell: cell(),
                one: other.of(),
                first: first.clone(),
                other: shard.of(),
                second: file.to_owned(),
            });
        }
        if let Some((first, _)) = self.parts.get(&shard) {
            return Err(MergeError::Twice {
                cell: cell(),
                shard,
                first: first.clone(),
                second: file.to_owned(),
            });
        }
        self.parts.insert(shard, (file.to_owned(), findings));
        Ok(())
    }

    fn whole(self) -> Result<Verdict, MergeError> {
        let of = self.parts.keys().next().map_or(1, |shard| shard.of());
        let mut missing: Vec<String> = (1..=of)
            .filter_map(|index| Shard::new(index, of).ok())
            .filter(|shard| !self.parts.contains_key(shard))
            .map(|shard| shard.to_string())
            .take(MOST_NAMED)
            .collect();
        if !missing.is_empty() {
            // One line may claim to be of four thousand million.
            let others = of as usize - self.parts.len() - missing.len();
            if others > 0 {
                missing.push(format!("and {others} more"));
            }
            return Err(MergeError::Missing {
                cell: self.cell.to_string(),
                missing,
            });
        }
        let findings = self.parts.into_values().map(|(_, findings)| findings);
        let whole = findings.reduce(Findings::and).ok_or(MergeError::Empty)?;
        Ok(Verdict::new(
            self.cell,
            &Options::default(),
            whole.checked(),
            self.coverage,
        ))
    }
}

/// One line, understood.
pub(crate) struct Share {
    pub(crate) cell: Cell,
    sum: String,
    pub(crate) shard: Shard,
    /// How many cells its run has, if it is not of a journal.
    cells: Option<usize>,
    pub(crate) findings: Findings,
    pub(crate) coverage: Coverage,
    /// The search was neither weak nor bounded.
    proves: bool,
}

/// What is wrong with a line, wherever it stands.
pub(crate) enum Wrong {
    Text(String),
    Version(String),
    Cell(String),
}

impl Wrong {
    fn at(self, file: &str, line: usize) -> MergeError {
        let file = file.to_owned();
        match self {
            Wrong::Text(reason) => MergeError::NoPart { file, line, reason },
            Wrong::Version(found) => MergeError::OtherVersion { file, found },
            Wrong::Cell(cell) => MergeError::OtherCell { file, cell },
        }
    }
}

/// A line of a shard, as `check` prints it.
struct Part {
    cell: Cell,
    sum: String,
    shard: Shard,
    /// How many cells its run has.
    cells: usize,
    findings: Findings,
    coverage: Coverage,
}

impl Share {
    /// Only this can be a part of what is then called exhaustive.
    fn of_a_run(self) -> Result<Part, Wrong> {
        let no_proof =
            "it is of a search that is weak or bounded, and parts of those prove nothing";
        match (self.proves, self.cells) {
            (true, Some(cells)) => Ok(Part {
                cell: self.cell,
                sum: self.sum,
                shard: self.shard,
                cells,
                findings: self.findings,
                coverage: self.coverage,
            }),
            (true, None) => Err(Wrong::Text(
                "it is of no run: missing field `cells`".to_owned(),
            )),
            (false, _) => Err(Wrong::Text(no_proof.to_owned())),
        }
    }

    pub(crate) fn read(text: &str, scenarios: &[Arc<Scenario>]) -> Result<Share, Wrong> {
        let wrong = |reason: &str| Wrong::Text(reason.to_owned());
        let unreadable =
            |error: &dyn fmt::Display| wrong(&printable(&error.to_string(), LONGEST_QUOTE));
        if text.len() > LONGEST_LINE {
            return Err(wrong("it is longer than any that a shard writes"));
        }
        // What is not looked at here must be in order, too: a number that is none
        // is not what a shard has written.
        serde_json::from_str::<Value>(text).map_err(|error| unreadable(&error))?;
        let line: Line = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        if line.schema != SCHEMA || line.version != VERSION {
            return Err(Wrong::Version(printable(&line.version, LONGEST_QUOTE)));
        }
        let cell = line.cell(scenarios)?;
        let figures = line
            .figures()
            .ok_or_else(|| wrong("the figures are those of no run"))?;
        if cell_sum(&cell) != line.cell_sum {
            return Err(Wrong::Cell(cell.to_string()));
        }
        let kind =
            |name: &str| Kind::from_name(name).ok_or_else(|| wrong("a kind that there is not"));
        let mut reachable = Vec::with_capacity(line.reachable.len());
        for found in &line.reachable {
            let token = Token::parse(&found.replay).map_err(|error| unreadable(&error))?;
            reachable.push(Reachable {
                kind: kind(&found.kind)?,
                traces: found.traces,
                weak_only: found.weak_only,
                witness: token.witness().clone(),
            });
        }
        reachable.sort_by_key(|found| found.kind);
        if reachable.windows(2).any(|two| two[0].kind == two[1].kind) {
            return Err(wrong("a kind is there twice"));
        }
        let abandoned = line.abandoned.iter().map(|name| kind(name));
        Ok(Share {
            coverage: line
                .coverage(&cell)
                .ok_or_else(|| wrong("what was reached is nothing"))?,
            sum: line.cell_sum,
            cells: line.cells,
            proves: line.memory == "sc" && line.bound.is_none(),
            shard: line.shard.parse().map_err(|_| wrong("the shard is none"))?,
            findings: Findings {
                status: match (line.status.as_str(), line.reason) {
                    ("complete", None) => Status::Complete,
                    ("incomplete", None) => Status::Incomplete,
                    ("error", Some(reason)) => Status::Error(printable(&reason, LONGEST_QUOTE)),
                    _ => return Err(wrong("the status is none")),
                },
                reachable,
                abandoned: abandoned.collect::<Result<_, _>>()?,
                figures,
            },
            cell,
        })
    }
}

impl Line {
    fn figures(&self) -> Option<Figures> {
        let traces = self.reachable.iter().map(|found| found.traces);
        let others = [self.executions, self.foreign, self.elapsed_ms];
        let possible = self.redundant <= self.executions
            && others.into_iter().chain(traces).all(|figure| figure < MOST);
        possible.then_some(Figures {
            executions: self.executions,
            redundant: self.redundant,
            foreign: self.foreign,
            operations: self.operations,
            elapsed: Duration::from_millis(self.elapsed_ms),
        })
    }

    fn coverage(&self, cell: &Cell) -> Option<Coverage> {
        let threads = &cell.scenario.variant(&cell.parameters).threads;
        let mut never_ran = BTreeSet::new();
        for (name, steps) in &self.never_ran {
            let thread = threads.iter().position(|thread| thread.name == *name)?;
            let id = ThreadId(u8::try_from(thread).ok()?);
            for step in steps {
                (1..=threads[thread].steps.len())
                    .contains(step)
                    .then_some(())?;
                never_ran.insert((id, step - 1));
            }
        }
        let branches = self.branches.iter().map(|name| Branch::from_name(name));
        Some(Coverage {
            branches: branches.collect::<Option<_>>()?,
            never_ran,
        })
    }

    fn cell(&self, scenarios: &[Arc<Scenario>]) -> Result<Cell, Wrong> {
        let no_cell = || {
            let (scenario, kernel) = (shorten(&self.scenario), shorten(&self.kernel));
            Wrong::Cell(format!("{scenario}/…/{kernel}"))
        };
        let named = |scenario: &&Arc<Scenario>| scenario.name == self.scenario;
        let scenario = scenarios.iter().find(named).ok_or_else(no_cell)?;
        if !scenario.combinations().contains(&self.parameters) {
            return Err(no_cell());
        }
        let release = Release::row(&self.release).ok_or_else(no_cell)?;
        // What it was called is printed, so it must be a name of that kernel.
        if Release::resolve(&self.kernel).map(|named| named.name) != Ok(release.name) {
            return Err(no_cell());
        }
        let mut kernel = KernelChoice {
            typed: self.kernel.clone(),
            ..KernelChoice::of(release)
        };
        for (mechanism, alternative) in &self.mechanisms {
            let set = kernel.kernel.set(mechanism, alternative);
            set.map_err(|_| no_cell())?;
        }
        Ok(Cell {
            scenario: scenario.clone(),
            parameters: self.parameters.clone(),
            kernel,
        })
    }
}
