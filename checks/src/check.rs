//! Asking from a program: a scenario, a kernel, perhaps wake logic of one's own.
//!
//! ```
//! use stalewake::Check;
//!
//! let report = Check::scenario("unreferenced-touch").kernel("v5.10").run()?;
//! assert!(report.holds());
//! # Ok::<(), stalewake::CheckError>(())
//! ```

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use stalewake_model::mechanism::UnknownMechanism;
use stalewake_model::release::{Release, UnknownRelease};
use stalewake_model::violation::Kind;
use stalewake_model::wake_logic::WakeLogic;

use crate::cell::{Cell, KernelChoice};
use crate::explore::{Options, Progress, ReplayError, explore_program, replay_program};
use crate::program::CellProgram;
use crate::report::explain::{Simplest, Story};
use crate::report::table::table;
use crate::report::{Checked, Style};
use crate::scenario::{self, Scenario, ScenarioError};
use crate::verdict::{Status, Verdict};

/// The kernel of a check that names none.
const LATEST: &str = "v6.7";

/// A question.
#[derive(Clone)]
#[must_use = "a check does nothing until it is run"]
pub struct Check {
    scenarios: Which,
    kernel: String,
    changes: Vec<(String, String)>,
    logic: Option<Arc<dyn WakeLogic>>,
    options: Options,
}

#[derive(Clone, Debug)]
enum Which {
    Shipped(Option<String>),
    File(PathBuf),
}

/// A question that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// No scenario of this name is shipped.
    #[error("there is no scenario `{name}`; there are: {existing}")]
    NoScenario {
        /// As asked for.
        name: String,
        /// What there is.
        existing: String,
    },
    /// The file is no scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// There is no such kernel.
    #[error(transparent)]
    Kernel(#[from] UnknownRelease),
    /// There is no such mechanism, or alternative.
    #[error(transparent)]
    Mechanism(#[from] UnknownMechanism),
    /// The changes make no sense together.
    #[error("this kernel makes no sense: {0}")]
    Conflict(String),
}

impl Check {
    /// Asks about one shipped scenario, with all values of its parameters.
    pub fn scenario(name: &str) -> Check {
        Check::of(Which::Shipped(Some(name.to_owned())))
    }

    /// Asks about every shipped scenario.
    pub fn all_scenarios() -> Check {
        Check::of(Which::Shipped(None))
    }

    /// Asks about a scenario file.
    pub fn file(path: impl Into<PathBuf>) -> Check {
        Check::of(Which::File(path.into()))
    }

    fn of(scenarios: Which) -> Check {
        Check {
            scenarios,
            kernel: LATEST.to_owned(),
            changes: Vec::new(),
            logic: None,
            options: Options::default(),
        }
    }

    /// On this kernel, by any version of it.
    pub fn kernel(mut self, version: &str) -> Check {
        version.clone_into(&mut self.kernel);
        self
    }

    /// With one mechanism changed, as by `--with`.
    pub fn with(mut self, mechanism: &str, alternative: &str) -> Check {
        self.changes
            .push((mechanism.to_owned(), alternative.to_owned()));
        self
    }

    /// With this wake logic in place of the kernel's.
    pub fn wake_logic(mut self, logic: impl WakeLogic + 'static) -> Check {
        self.logic = Some(Arc::new(logic));
        self
    }

    /// Searched in this way, and not exhaustively.
    pub fn options(mut self, options: Options) -> Check {
        self.options = options;
        self
    }

    /// Explores every cell. An exploration that breaks down, as one of wake
    /// logic that never ends does, costs that cell only.
    ///
    /// # Errors
    /// When the scenario, the kernel or a mechanism does not exist, or when the
    /// changes make no sense together.
    pub fn run(self) -> Result<Report, CheckError> {
        let kernel = self.kernel_choice()?;
        let mut explored = Vec::new();
        for scenario in self.scenarios.read()? {
            let scenario = Arc::new(scenario);
            for parameters in scenario.combinations() {
                let cell = Cell {
                    scenario: scenario.clone(),
                    parameters,
                    kernel: kernel.clone(),
                };
                explored.push(self.explore(cell));
            }
        }
        Ok(Report { explored })
    }

    fn kernel_choice(&self) -> Result<KernelChoice, CheckError> {
        let mut choice = KernelChoice {
            typed: self.kernel.clone(),
            ..KernelChoice::of(Release::resolve(&self.kernel)?)
        };
        for (mechanism, alternative) in &self.changes {
            choice.kernel.set(mechanism, alternative)?;
        }
        match choice.kernel.conflict() {
            Some(conflict) => Err(CheckError::Conflict(conflict.to_string())),
            None => Ok(choice),
        }
    }

    fn explore(&self, cell: Cell) -> Explored {
        let mut program = CellProgram::new(&cell);
        if let Some(logic) = &self.logic {
            program = program.with_wake_logic(logic.clone());
        }
        let program = Arc::new(program);
        let findings = explore_program(&program, &self.options, &Arc::<Progress>::default());
        let mut verdict = Verdict::new(cell, &self.options, findings, program.coverage());
        if let Some(logic) = &self.logic {
            verdict.expected = None;
            let name = logic.name();
            verdict.cell.kernel.typed += &format!(" with {name}");
        }
        Explored { verdict, program }
    }
}

impl Which {
    fn read(&self) -> Result<Vec<Scenario>, CheckError> {
        let name = match self {
            Which::File(path) => return Ok(vec![scenario::read(path)?]),
            Which::Shipped(name) => name.as_ref(),
        };
        let all: Vec<Scenario> = scenario::shipped().into_iter().collect::<Result<_, _>>()?;
        let Some(name) = name else { return Ok(all) };
        let existing: Vec<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
        let existing = existing.join(", ");
        let found = all.into_iter().find(|scenario| scenario.name == *name);
        found
            .map(|scenario| vec![scenario])
            .ok_or(CheckError::NoScenario {
                name: name.clone(),
                existing,
            })
    }
}

/// The answer, for each cell.
pub struct Report {
    explored: Vec<Explored>,
}

struct Explored {
    verdict: Verdict,
    program: Arc<CellProgram>,
}

impl Report {
    /// The verdicts, one for each combination of parameters of each scenario.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        self.explored.iter().map(|explored| &explored.verdict)
    }

    /// Whether every cell holds, which takes an exhaustive search.
    pub fn holds(&self) -> bool {
        self.verdicts().all(|verdict| verdict.holds() == Some(true))
    }

    /// Whether some cell was seen to reach this. That none was shows that none
    /// can only where every search was exhaustive: see [`Report::never_reaches`].
    pub fn reaches(&self, kind: Kind) -> bool {
        self.verdicts()
            .any(|verdict| verdict.kinds().contains(&kind))
    }

    /// Whether no cell can reach this, which takes an exhaustive search.
    pub fn never_reaches(&self, kind: Kind) -> bool {
        self.verdicts().all(Verdict::is_exhaustive) && !self.reaches(kind)
    }

    /// The simplest way to the worst that can happen, as `explain` tells it;
    /// nothing if nothing can.
    ///
    /// # Errors
    /// When the model is not deterministic.
    pub fn story(&self, style: Style) -> Result<Option<String>, ReplayError> {
        let found = self.explored.iter().flat_map(|explored| {
            let reachable = explored.verdict.reachable.iter();
            reachable.map(move |reachable| (explored, reachable))
        });
        let worst = found.min_by_key(|(_, reachable)| reachable.kind.class());
        let Some((explored, reachable)) = worst else {
            return Ok(None);
        };
        let cell = &explored.verdict.cell;
        let threads = cell.scenario.variant(&cell.parameters).threads.iter();
        let names = threads.map(|thread| thread.name.clone()).collect();
        let recording = replay_program(&explored.program, names, &reachable.witness.schedule)?;
        let story = Story {
            cell,
            kind: reachable.kind,
            witness: &reachable.witness,
            simplest: Simplest::of(&explored.verdict),
            recording: &recording,
            all: false,
        };
        Ok(Some(story.tell(&[], style)))
    }
}

/// The table, as the command prints it, and why cells have broken down.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checked = self.verdicts().map(|verdict| Checked {
            verdict: verdict.clone(),
            explain: String::new(),
        });
        f.write_str(&table(&checked.collect::<Vec<_>>(), Style::PLAIN))?;
        for verdict in self.verdicts() {
            if let Status::Error(reason) = &verdict.status {
                writeln!(f, "{} broke down: {reason}", verdict.cell)?;
            }
        }
        Ok(())
    }
}
