//! The answers for programs: after the cells, as `check` prints them, one
//! object a line with what it answers in `answer`.
//!
//! These types are a contract, as those of [`json`](crate::report::json) are.

use std::collections::BTreeMap;

use serde::Serialize;

use super::WhatIf;
use crate::report::json::{CellLine, SCHEMA, line};
use crate::whatif::answers::{Effect, Minimal, Outside, Redundancy, Single};
use crate::whatif::{Change, Combination};

/// A change or several, as mechanisms with their alternatives.
type Settings = BTreeMap<&'static str, &'static str>;

/// One answer.
#[derive(Debug, Serialize)]
struct Line<'a> {
    schema: u32,
    #[serde(flatten)]
    answer: Answer<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
enum Answer<'a> {
    /// What was asked.
    Plan {
        from: &'a str,
        /// The alternatives of each axis, the kernel's own first.
        vary: Vec<Vec<Settings>>,
        scenarios: Vec<String>,
        combinations: usize,
        /// Kernels that differ.
        explored: usize,
        left_out: Vec<LeftOut>,
        /// Fail in every combination.
        always_fail: Vec<String>,
        /// Hold in every combination.
        always_hold: Vec<String>,
        /// Pairs of a combination and a scenario that are not decided.
        open: usize,
        executions: u64,
    },
    /// The minimal sets of changes.
    Minimal {
        /// For which scenario; null for all that do not always fail.
        scenario: Option<String>,
        sets: Vec<Settings>,
        /// Hold, but a part of them may do so, too.
        doubtful: Vec<Settings>,
        /// Not decided.
        open: Vec<Settings>,
    },
    /// One change.
    Change {
        change: Settings,
        source: String,
        /// Whether it can be had without the others.
        possible: bool,
        cures: Vec<String>,
        breaks: Vec<String>,
        open: Vec<String>,
        /// `fates`, `kinds`, `nothing` or null if that is open.
        effect: Option<&'static str>,
        /// Sets that hold with it.
        holding: usize,
        /// Those of them that hold without it.
        redundant: usize,
        redundant_open: usize,
        redundant_given: Vec<Settings>,
    },
    /// A combination one change short of one that holds.
    Outside {
        combination: Settings,
        lacks: Vec<Settings>,
        /// Whether a minimal set is one change away.
        of_minimal: bool,
        failing: Vec<Failing>,
    },
}

#[derive(Debug, Serialize)]
struct LeftOut {
    combination: Settings,
    because: String,
}

#[derive(Debug, Serialize)]
struct Failing {
    scenario: String,
    /// The worst kind that was found.
    kind: Option<&'static str>,
    /// The simplest witness of that.
    replay: Option<String>,
    explain: String,
}

/// All lines: the cells, then the answers.
pub fn lines(told: &WhatIf) -> String {
    let cells = told.verdicts.iter().map(|v| line(&CellLine::new(v)) + "\n");
    let answers = answers(told).into_iter().map(|answer| {
        line(&Line {
            schema: SCHEMA,
            answer,
        }) + "\n"
    });
    cells.chain(answers).collect()
}

fn answers<'a>(told: &'a WhatIf) -> Vec<Answer<'a>> {
    let answers = told.answers;
    let mut all = vec![told.plan_line(), told.minimal(None, &answers.all)];
    let each = answers.each.iter().enumerate();
    all.extend(each.map(|(case, minimal)| told.minimal(Some(case), minimal)));
    let both = answers.singles.iter().zip(&answers.redundancies);
    all.extend(both.map(|(single, redundancy)| told.change(single, redundancy)));
    all.extend(answers.outside.iter().map(|outside| told.outside(outside)));
    all
}

impl WhatIf<'_> {
    fn plan_line(&self) -> Answer<'_> {
        let plan = self.plan;
        let alternatives = |axis: usize| {
            let count = plan.axes[axis].alternatives.len();
            let settings = |n| plan.axes[axis].settings(n).collect();
            (0..count).map(settings).collect()
        };
        let left_out = |(combination, conflict): &(Combination, _)| LeftOut {
            combination: self.settings(combination),
            because: format!("{conflict}"),
        };
        Answer::Plan {
            from: &plan.from.typed,
            vary: (0..plan.axes.len()).map(alternatives).collect(),
            scenarios: plan.cases.iter().map(ToString::to_string).collect(),
            combinations: plan.combinations.len(),
            explored: plan.explored(),
            left_out: plan.left_out.iter().map(left_out).collect(),
            always_fail: self.names(&self.answers.always_fail),
            always_hold: self.names(&self.answers.always_hold),
            open: self.answers.open,
            executions: self.verdicts.iter().map(|v| v.figures.executions).sum(),
        }
    }

    fn minimal(&self, case: Option<usize>, minimal: &Minimal) -> Answer<'_> {
        let settings = |sets: &[Combination]| sets.iter().map(|set| self.settings(set)).collect();
        Answer::Minimal {
            scenario: case.map(|case| self.plan.cases[case].to_string()),
            sets: settings(&minimal.sets),
            doubtful: settings(&minimal.doubtful),
            open: settings(&minimal.open),
        }
    }

    fn change(&self, single: &Single, redundancy: &Redundancy) -> Answer<'_> {
        let given = redundancy.given.iter().map(|given| self.settings(given));
        Answer::Change {
            change: self.setting(single.change),
            source: self.source(single.change),
            possible: single.possible,
            cures: self.names(&single.cures),
            breaks: self.names(&single.breaks),
            open: self.names(&single.open),
            effect: match redundancy.effect {
                Effect::OnFates => Some("fates"),
                Effect::OnKinds => Some("kinds"),
                Effect::Nothing => Some("nothing"),
                Effect::Open => None,
            },
            holding: redundancy.holding,
            redundant: redundancy.redundant,
            redundant_open: redundancy.open,
            redundant_given: given.collect(),
        }
    }

    fn outside(&self, outside: &Outside) -> Answer<'_> {
        let place = outside.combination;
        let failing = outside.failing.iter().map(|case| Failing {
            scenario: self.plan.cases[*case].to_string(),
            kind: self.worst(place, *case).map(|found| found.kind.name()),
            replay: self.replay(place, *case),
            explain: (self.explain)(place, *case),
        });
        Answer::Outside {
            combination: self.settings(&self.plan.combinations[place]),
            lacks: outside.lacks.iter().map(|c| self.setting(*c)).collect(),
            of_minimal: outside.of_minimal,
            failing: failing.collect(),
        }
    }

    fn names(&self, cases: &[usize]) -> Vec<String> {
        let names = cases.iter().map(|case| self.plan.cases[*case].to_string());
        names.collect()
    }

    fn setting(&self, change: Change) -> Settings {
        let axis = &self.plan.axes[change.axis];
        axis.settings(change.alternative).collect()
    }

    fn settings(&self, combination: &Combination) -> Settings {
        let changes = combination.changes();
        changes.flat_map(|change| self.setting(change)).collect()
    }
}
