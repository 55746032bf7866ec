//! Which kernels are explored in which scenarios.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use miette::Diagnostic;
use stalewake_model::combination::Conflict;
use stalewake_model::mechanism::Kernel;

use super::answers::Finding;
use super::axis::Axis;
use super::combination::Combination;
use crate::cell::{Cell, KernelChoice, Parameters};
use crate::scenario::Scenario;
use crate::verdict::Verdict;

/// More combinations than this are not asked for on purpose.
pub const MAX_COMBINATIONS: usize = 4096;

/// A scenario with a value for each of its parameters.
#[derive(Clone, Debug)]
pub struct Case {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// A value for each of its parameters.
    pub parameters: Parameters,
    /// What must be typed to name the scenario again.
    pub argument: String,
}

/// `writeback-reuse/truncate=wait`.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scenario.name)?;
        for (name, value) in &self.parameters {
            write!(f, "/{name}={value}")?;
        }
        Ok(())
    }
}

/// What cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum BadPlan {
    /// One mechanism moves with two others.
    #[error("`{mechanism}` is varied twice")]
    #[diagnostic(help("leave out one of the two; alternatives of one axis are joined with `:`"))]
    Twice {
        /// The mechanism.
        mechanism: &'static str,
    },
    /// More than anybody wants.
    #[error("{combinations} combinations are too many: at most {MAX_COMBINATIONS} are explored")]
    #[diagnostic(help(
        "vary fewer mechanisms, restrict one (`{largest}` has {alternatives} alternatives; write \
         `{largest}=...` for some of them), or move some together with `+`"
    ))]
    TooMany {
        /// How many.
        combinations: usize,
        /// The axis with the most alternatives.
        largest: String,
        /// How many these are.
        alternatives: usize,
    },
}

/// What is to be explored.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kernel from which changes are counted.
    pub from: KernelChoice,
    /// What is varied.
    pub axes: Vec<Axis>,
    /// The scenarios.
    pub cases: Vec<Case>,
    /// The combinations that can be, those with fewer changes first.
    pub combinations: Vec<Combination>,
    /// The others, with the reason.
    pub left_out: Vec<(Combination, Conflict)>,
    /// For each combination which of the explored kernels it is.
    kernels: Vec<usize>,
    /// The combinations whose kernels are explored.
    explored: Vec<usize>,
}

impl Plan {
    /// Every combination of these axes in all of these cases.
    ///
    /// # Errors
    /// When a mechanism is on two axes, or when there are too many
    /// combinations.
    pub fn new(from: KernelChoice, axes: Vec<Axis>, cases: Vec<Case>) -> Result<Plan, BadPlan> {
        let mut mechanisms: Vec<&str> = Vec::new();
        for mechanism in axes.iter().flat_map(|axis| &axis.mechanisms) {
            if mechanisms.contains(&mechanism.name) {
                return Err(BadPlan::Twice {
                    mechanism: mechanism.name,
                });
            }
            mechanisms.push(mechanism.name);
        }
        let sizes: Vec<usize> = axes.iter().map(|axis| axis.alternatives.len()).collect();
        let combinations = sizes.iter().product();
        if combinations > MAX_COMBINATIONS {
            let largest = axes.iter().max_by_key(|axis| axis.alternatives.len());
            return Err(BadPlan::TooMany {
                combinations,
                largest: largest.map_or(String::new(), Axis::to_string),
                alternatives: sizes.into_iter().max().unwrap_or(0),
            });
        }
        let mut plan = Plan {
            from,
            axes,
            cases,
            combinations: Vec::new(),
            left_out: Vec::new(),
            kernels: Vec::new(),
            explored: Vec::new(),
        };
        // Equal kernels are explored as the first of them, so with the fewest
        // changes.
        let mut known: HashMap<Kernel, usize> = HashMap::new();
        for combination in Combination::all(&sizes) {
            let kernel = plan.kernel(&combination).kernel;
            if let Some(conflict) = kernel.conflict() {
                plan.left_out.push((combination, conflict));
                continue;
            }
            let explored = *known.entry(kernel.canonical()).or_insert_with(|| {
                plan.explored.push(plan.combinations.len());
                plan.explored.len() - 1
            });
            plan.kernels.push(explored);
            plan.combinations.push(combination);
        }
        Ok(plan)
    }

    /// The kernel with these changes.
    pub fn kernel(&self, combination: &Combination) -> KernelChoice {
        let mut choice = self.from.clone();
        for change in combination.changes() {
            for (mechanism, alternative) in self.axes[change.axis].settings(change.alternative) {
                let set = choice.kernel.set(mechanism, alternative);
                set.expect("an axis has mechanisms and alternatives that exist");
            }
        }
        choice
    }

    /// The cells to be explored: for each kernel all cases.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(self.explored.len() * self.cases.len());
        for place in &self.explored {
            let kernel = self.kernel(&self.combinations[*place]);
            cells.extend(self.cases.iter().map(|case| Cell {
                scenario: case.scenario.clone(),
                parameters: case.parameters.clone(),
                kernel: kernel.clone(),
            }));
        }
        cells
    }

    /// Which of these cells decides a case of a combination.
    pub fn cell_of(&self, combination: usize, case: usize) -> usize {
        self.kernels[combination] * self.cases.len() + case
    }

    /// What was found: for each combination all cases.
    pub fn findings(&self, verdicts: &[Verdict]) -> Vec<Vec<Finding>> {
        let finding = |combination, case| Finding::of(&verdicts[self.cell_of(combination, case)]);
        (0..self.combinations.len())
            .map(|combination| {
                let cases = 0..self.cases.len();
                cases.map(|case| finding(combination, case)).collect()
            })
            .collect()
    }

    /// How many kernels are explored for all of the combinations.
    pub fn explored(&self) -> usize {
        self.explored.len()
    }
}

#[cfg(test)]
mod tests {
    use stalewake_model::release::Release;

    use super::*;
    use crate::scenario::find_shipped;

    fn plan(vary: &[&str]) -> Result<Plan, BadPlan> {
        let from = KernelChoice::of(Release::resolve("v5.9").expect("it is a row"));
        let axes = vary.iter().map(|text| Axis::parse(text, &from.kernel));
        let axes = axes.collect::<Result<_, _>>().expect("they are axes");
        let scenario = find_shipped("writeback-reuse").expect("it is shipped");
        let case = |parameters| Case {
            scenario: scenario.clone(),
            parameters,
            argument: scenario.name.clone(),
        };
        let cases = scenario.combinations().into_iter().map(case).collect();
        Plan::new(from, axes, cases)
    }

    #[test]
    fn equal_kernels_are_explored_once() {
        // Without a reference there is none to drop early: of the four kernels
        // three differ.
        let plan = plan(&["end-ref=get-page", "reference-drop"]).expect("it is one");
        assert_eq!((plan.combinations.len(), plan.explored()), (4, 3));
        assert_eq!(plan.cells().len(), 6);
        let early = Combination::new([0, 1]);
        let place = plan.combinations.iter().position(|c| *c == early);
        let place = place.expect("it is one of them");
        assert_eq!(plan.cell_of(place, 1), plan.cell_of(0, 1));
    }

    #[test]
    fn what_excludes_each_other_is_left_out() {
        let plan = plan(&["waiters-test-order", "end-waiters-test"]).expect("it is one");
        assert_eq!(plan.combinations.len(), 3);
        assert_eq!(plan.left_out.len(), 1);
        assert_eq!(plan.left_out[0].0, Combination::new([1, 1]));
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        let twice = plan(&["wait-shared", "wake-shared-if-set+wait-shared"]);
        assert!(matches!(twice, Err(BadPlan::Twice { .. })));
        let all: Vec<&str> = Kernel::MECHANISMS.iter().map(|m| m.name).collect();
        let many = plan(&all).expect_err("they are too many");
        assert!(
            matches!(&many, BadPlan::TooMany { combinations, largest, .. }
                if *combinations == 98_304 && largest == "end-ref"),
            "{many:?}"
        );
    }
}
