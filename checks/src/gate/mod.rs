//! The gate: what a change must not do unseen.
//!
//! A run passes if every cell is exactly as its scenario expects, after an
//! exhaustive search; if every control is caught; if nothing that was reached
//! before is out of reach; and if every cell has the distinct traces that it had
//! when somebody last looked at them. That last one is the finest net: a change
//! of one step in the model changes how many traces there are long before it
//! changes a verdict. The figures that were looked at are the [`Baseline`].

mod baseline;
mod change;
mod judge;
pub mod reports;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stalewake_model::release::Release;

use crate::cell::{Cell, KernelChoice};
use crate::report::Checked;
use crate::scenario::{Control, Scenario};
use crate::verdict::Verdict;

pub use baseline::{BadBaseline, Baseline};
pub use change::Change;
pub use judge::{Failure, Judgement, Net, judge};

/// How much is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Every cell of which a scenario expects something, and every control.
    Fast,
    /// The same, and every scenario on the other rows of the release table.
    Full,
}

impl Lane {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Lane::Fast => "fast",
            Lane::Full => "full",
        }
    }

    /// The first lane in which a cell is explored.
    pub fn of(cell: &Cell) -> Lane {
        let listed = cell.scenario.kernels().into_iter();
        match listed
            .map(|r| r.name)
            .any(|name| name == cell.kernel.release.name)
        {
            true => Lane::Fast,
            false => Lane::Full,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the gate explores.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The cells.
    pub cells: Vec<Cell>,
    /// The controls, each with its cell.
    pub controls: Vec<(Control, Cell)>,
    /// `scenario/parameter=value` of what holds everywhere without a control.
    pub unguarded: Vec<String>,
}

impl Plan {
    /// What this lane explores of these scenarios.
    pub fn new(scenarios: &[Arc<Scenario>], lane: Lane) -> Plan {
        let mut plan = Plan::default();
        for scenario in scenarios {
            plan.cells.extend(Cell::all_of(scenario));
            if lane == Lane::Full {
                plan.cells.extend(unlisted(scenario));
            }
            let controls = scenario.controls.iter();
            let controls = controls.map(|control| (control.clone(), control.cell(scenario)));
            plan.controls.extend(controls);
            for parameters in scenario.unguarded() {
                let parameters = parameters
                    .iter()
                    .map(|(name, value)| format!("/{name}={value}"));
                let parameters: String = parameters.collect();
                plan.unguarded
                    .push(format!("{}{parameters}", scenario.name));
            }
        }
        plan
    }

    /// Everything there is to explore: the cells, then those of the controls.
    pub fn all(&self) -> Vec<Cell> {
        let controls = self.controls.iter().map(|(_, cell)| cell);
        self.cells.iter().chain(controls).cloned().collect()
    }
}

/// A scenario on the kernels that it does not list.
fn unlisted(scenario: &Arc<Scenario>) -> Vec<Cell> {
    let listed: Vec<&str> = scenario.kernels().iter().map(|r| r.name).collect();
    let mut cells = Vec::new();
    for parameters in scenario.combinations() {
        let others = Release::ALL.iter().filter(|r| !listed.contains(&r.name));
        cells.extend(others.map(|release| Cell {
            scenario: scenario.clone(),
            parameters: parameters.clone(),
            kernel: KernelChoice::of(release),
        }));
    }
    cells
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Run {
    /// How much was explored.
    pub lane: Lane,
    /// The cells.
    pub checked: Vec<Checked>,
    /// The controls.
    pub tried: Vec<Tried>,
    /// What holds everywhere without a control.
    pub unguarded: Vec<String>,
}

/// A control that was explored.
#[derive(Clone, Debug)]
pub struct Tried {
    /// What it changes, and what that must bring about.
    pub control: Control,
    /// What was found.
    pub verdict: Verdict,
    /// The command that explains it, if a command line can say what it changes.
    pub explain: Option<String>,
}

impl Tried {
    /// What it is called, in the baseline too.
    pub fn name(&self) -> String {
        self.control.named(&self.verdict.cell)
    }
}
