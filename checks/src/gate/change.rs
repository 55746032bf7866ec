//! One difference of a run from the baseline.

use std::fmt;

use super::Lane;

/// In what a run differs from the baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A cell that nobody has looked at.
    New {
        /// The cell.
        cell: String,
        /// Its traces.
        traces: u64,
    },
    /// A cell that was there, and is not any more.
    Gone {
        /// The cell.
        cell: String,
    },
    /// In which lane a cell is explored first.
    Lane {
        /// The cell.
        cell: String,
        /// Before, and now.
        lanes: (Lane, Lane),
    },
    /// What a control must show, or now need not.
    Demand {
        /// The control.
        cell: String,
        /// What it is about.
        kind: String,
        /// Whether it must show that now.
        demanded: bool,
    },
    /// How many distinct traces a cell has.
    Traces {
        /// The cell.
        cell: String,
        /// Before, and now.
        traces: (u64, u64),
    },
    /// How many steps the longest of them has.
    Steps {
        /// The cell.
        cell: String,
        /// Before, and now.
        steps: (usize, usize),
    },
    /// In how many of them something happens.
    Kind {
        /// The cell.
        cell: String,
        /// What happens.
        kind: String,
        /// Before, and now.
        traces: (u64, u64),
    },
    /// A step that ran in some execution, or now does.
    Step {
        /// The cell.
        cell: String,
        /// The thread, and the number of the step.
        step: String,
        /// Whether it runs now.
        runs: bool,
    },
    /// A branch that some cell took, or now does.
    Branch {
        /// Its name.
        branch: String,
        /// Whether it is taken now.
        taken: bool,
    },
}

impl Change {
    /// Whether less is reached than before.
    pub fn shrinks(&self) -> bool {
        match self {
            Change::Gone { .. } => true,
            Change::Lane { lanes, .. } => lanes.0 < lanes.1,
            Change::Demand { demanded, .. } => !demanded,
            Change::Step { runs, .. } => !runs,
            Change::Branch { taken, .. } => !taken,
            Change::New { .. }
            | Change::Traces { .. }
            | Change::Steps { .. }
            | Change::Kind { .. } => false,
        }
    }

    /// The cell or the control; none if it is about the whole run.
    pub fn cell(&self) -> Option<&str> {
        match self {
            Change::New { cell, .. }
            | Change::Gone { cell }
            | Change::Lane { cell, .. }
            | Change::Demand { cell, .. }
            | Change::Traces { cell, .. }
            | Change::Steps { cell, .. }
            | Change::Kind { cell, .. }
            | Change::Step { cell, .. } => Some(cell),
            Change::Branch { .. } => None,
        }
    }

    /// In what it differs.
    pub fn what(&self) -> String {
        match self {
            Change::New { traces, .. } => format!("new, {traces} traces"),
            Change::Gone { .. } => "gone".to_owned(),
            Change::Lane { lanes, .. } => {
                format!("explored in the {} lane -> the {} lane", lanes.0, lanes.1)
            }
            Change::Demand { kind, demanded, .. } => {
                let must = if *demanded {
                    "must now"
                } else {
                    "need no more"
                };
                format!("it {must} show {kind}")
            }
            Change::Traces { traces, .. } => format!("traces {} -> {}", traces.0, traces.1),
            Change::Steps { steps, .. } => {
                format!("longest trace {} -> {} steps", steps.0, steps.1)
            }
            Change::Kind { kind, traces, .. } => {
                format!("{kind} in {} -> {} traces", traces.0, traces.1)
            }
            Change::Step { step, runs, .. } => {
                format!("step {step} runs {}", if *runs { "now" } else { "no more" })
            }
            Change::Branch { branch, taken } => {
                let now = if *taken { "now" } else { "no more" };
                format!("branch {branch} is taken {now}")
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cell() {
            Some(cell) => write!(f, "{cell}: {}", self.what()),
            None => f.write_str(&self.what()),
        }
    }
}
