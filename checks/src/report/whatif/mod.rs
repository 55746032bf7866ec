//! What every combination of some changes comes to: first in sentences, then
//! as a matrix, then what is just outside.

mod answer;
pub mod json;
mod lattice;
mod matrix;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::answer::{alone, answer, each, redundancies, set_apart};
pub use self::lattice::{TooManyBoxes, svg};
use self::matrix::matrix;
use super::style::{counted, grouped};
use super::token::token;
use super::{Style, Tone, wrap};
use crate::verdict::{Reachable, Status, Verdict};
use crate::whatif::answers::Outside;
use crate::whatif::{Answers, Change, Combination, Plan};

/// Everything there is to tell.
pub struct WhatIf<'a> {
    /// What was asked.
    pub plan: &'a Plan,
    /// What it comes to.
    pub answers: &'a Answers,
    /// What was found in each of the plan's cells.
    pub verdicts: &'a [Verdict],
    /// How many of these an earlier run had found.
    pub resumed: usize,
    /// How long the rest took.
    pub elapsed: Duration,
    /// The command that explains a case of a combination.
    pub explain: &'a dyn Fn(usize, usize) -> String,
}

/// The whole report. `verbose` leaves nothing out that could get long.
pub fn whatif(told: &WhatIf, verbose: bool, style: Style) -> String {
    let sections = [
        heading(told, style),
        answer(told, style),
        set_apart(told, style),
        each(told, style),
        alone(told, style),
        redundancies(told, style),
        matrix(told, verbose, style),
        outside(told, verbose, style),
        figures(told, style),
    ];
    let sections: Vec<String> = sections.into_iter().filter(|s| !s.is_empty()).collect();
    sections.join("\n")
}

impl WhatIf<'_> {
    /// The letter of a change: as short as they stand in the matrix.
    fn letter(&self, change: Change) -> String {
        let singles = &self.answers.singles;
        let number = singles.iter().position(|single| single.change == change);
        let number = number.unwrap_or(singles.len());
        let letter = char::from(b'a' + (number % 26) as u8);
        match number / 26 {
            0 => letter.to_string(),
            round => format!("{letter}{round}"),
        }
    }

    /// `a+c`.
    fn letters(&self, combination: &Combination) -> String {
        let letters: Vec<String> = combination.changes().map(|c| self.letter(c)).collect();
        if letters.is_empty() {
            format!("{} as it is", self.plan.from.typed)
        } else {
            letters.join("+")
        }
    }

    /// `a+b, c or d`.
    fn any_of(&self, combinations: &[Combination]) -> String {
        list(combinations.iter().map(|c| self.letters(c)), "or")
    }

    /// `end-ref=get-page`.
    fn name(&self, change: Change) -> String {
        let axis = &self.plan.axes[change.axis];
        format!("{axis}={}", axis.name_of(change.alternative))
    }

    /// Where a change comes from.
    fn source(&self, change: Change) -> String {
        self.plan.axes[change.axis].source_of(change.alternative)
    }

    /// The names of cases.
    fn cases(&self, cases: &[usize]) -> String {
        list(
            cases.iter().map(|case| self.plan.cases[*case].to_string()),
            "and",
        )
    }

    fn verdict(&self, combination: usize, case: usize) -> &Verdict {
        &self.verdicts[self.plan.cell_of(combination, case)]
    }

    /// The simplest witness of the worst that was found.
    fn worst(&self, combination: usize, case: usize) -> Option<&Reachable> {
        let reachable = self.verdict(combination, case).reachable.iter();
        reachable
            .filter(|found| !found.kind.is_harmless())
            .min_by_key(|found| (found.kind.class(), found.kind))
    }

    /// The token of that witness.
    fn replay(&self, combination: usize, case: usize) -> Option<String> {
        let verdict = self.verdict(combination, case);
        let worst = self.worst(combination, case)?;
        Some(token(&verdict.cell, verdict.search, &worst.witness))
    }

    /// The kinds because of which a case does not hold.
    fn kinds(&self, combination: usize, case: usize) -> String {
        let reachable = self.verdict(combination, case).reachable.iter();
        let kinds = reachable.filter(|found| !found.kind.is_harmless());
        let names: Vec<&str> = kinds.map(|found| found.kind.name()).collect();
        names.join(", ")
    }
}

/// `a, b and c`.
fn list(items: impl Iterator<Item = String>, last: &str) -> String {
    let mut items: Vec<String> = items.collect();
    match items.pop() {
        Some(only) if items.is_empty() => only,
        Some(end) => format!("{} {last} {end}", items.join(", ")),
        None => "none".to_owned(),
    }
}

/// Lines that begin with `indent` spaces, and those that go on with more.
fn paragraph(text: &str, indent: usize, hanging: usize, tone: Tone, style: Style) -> String {
    let text = " ".repeat(indent) + text;
    wrap(&text, style.width, indent + hanging)
        .iter()
        .map(|line| style.paint(tone, line) + "\n")
        .collect()
}

fn heading(told: &WhatIf, style: Style) -> String {
    let plan = told.plan;
    let question = format!(
        "What if {} were changed? {} in {}.",
        plan.from.typed,
        counted(plan.combinations.len() as u64, "combination"),
        counted(plan.cases.len() as u64, "scenario"),
    );
    let mut text = paragraph(&question, 0, 0, Tone::Strong, style);
    let singles = || told.answers.singles.iter().map(|single| single.change);
    let width = singles().map(|c| told.name(c).len()).max().unwrap_or(0);
    for change in singles() {
        let line = format!(
            "{:<2} {:<width$}  {}",
            told.letter(change),
            told.name(change),
            told.source(change)
        );
        text += &paragraph(&line, 2, 3, Tone::Plain, style);
    }
    if let Some((_, conflict)) = plan.left_out.first() {
        let left_out = plan.left_out.len() as u64;
        let more = if left_out == 1 { "" } else { ", for one" };
        let line = format!(
            "{} left out, for no kernel can be so: {conflict}{more}.",
            counted(left_out, "combination")
        );
        text += &paragraph(&line, 0, 0, Tone::Plain, style);
    }
    text
}

/// What fails, and would hold with one change more.
fn outside(told: &WhatIf, verbose: bool, style: Style) -> String {
    let all = &told.answers.outside;
    let shown: Vec<&Outside> = all.iter().filter(|o| verbose || o.of_minimal).collect();
    if shown.is_empty() {
        return String::new();
    }
    let heading = "Just outside: what still fails, one change short";
    let mut text = paragraph(heading, 0, 0, Tone::Strong, style);
    for outside in &shown {
        let combination = &told.plan.combinations[outside.combination];
        let lacks = list(outside.lacks.iter().map(|c| told.letter(*c)), "or");
        let line = format!("{}, without {lacks}:", told.letters(combination));
        text += &paragraph(&line, 2, 2, Tone::Plain, style);
        text += &failing(told, outside, verbose, style);
    }
    let more = all.len() - shown.len();
    if more > 0 {
        let line = format!(
            "{} one change short of larger sets: --verbose, or --format json.",
            counted(more as u64, "more combination")
        );
        text += &paragraph(&line, 2, 2, Tone::Faint, style);
    }
    text
}

fn failing(told: &WhatIf, outside: &Outside, verbose: bool, style: Style) -> String {
    let place = outside.combination;
    let rank = |case: &usize| {
        let worst = told.worst(place, *case);
        worst.map(|found| (found.kind.class(), found.witness.rank()))
    };
    let simplest = outside
        .failing
        .iter()
        .min_by(|one, other| rank(one).cmp(&rank(other)));
    let mut text = String::new();
    for case in &outside.failing {
        let name = &told.plan.cases[*case];
        let line = format!("{name}: {}", told.kinds(place, *case));
        text += &paragraph(&line, 4, 2, Tone::Plain, style);
        // A command is kept on one line, so that it can be copied.
        if verbose || Some(case) == simplest {
            text += &format!("      {}\n", (told.explain)(place, *case));
        }
        if let (true, Some(token)) = (verbose, told.replay(place, *case)) {
            text += &format!("      stalewake replay {token}\n");
        }
    }
    text
}

/// What it took, and what it rests on.
fn figures(told: &WhatIf, style: Style) -> String {
    let plan = told.plan;
    let executions: u64 = told.verdicts.iter().map(|v| v.figures.executions).sum();
    let mut line = format!(
        "{}, {} in all",
        counted(told.verdicts.len() as u64, "cell"),
        counted(executions, "execution")
    );
    let equal = plan.combinations.len() - plan.explored();
    if equal > 0 {
        line += &format!(
            "; {} cells are not explored again, for {} take the same steps as another",
            grouped((equal * plan.cases.len()) as u64),
            counted(equal as u64, "kernel")
        );
    }
    if told.resumed > 0 {
        line += &format!(
            "; {} from the journal",
            counted(told.resumed as u64, "cell")
        );
    }
    line += &format!("; {:.1} s.", told.elapsed.as_secs_f64());
    let mut text = paragraph(&line, 0, 0, Tone::Plain, style);
    let exhaustive = told.verdicts.iter().filter(|v| v.is_exhaustive()).count();
    if exhaustive == told.verdicts.len() {
        let line = "Exhaustive: sequentially consistent, unbounded, every schedule of every cell. \
                    Weaker memory orders, and what model/README.md lists as left out, are not \
                    covered.";
        return text + &paragraph(line, 0, 0, Tone::Plain, style);
    }
    let broken = told.verdicts.iter();
    let broken = broken
        .filter(|v| matches!(v.status, Status::Error(_)))
        .count();
    let line = format!(
        "NOT exhaustive: {} of {} were explored to their end, {} not finished, {} broke \
         down. What depends on what was not found there is not claimed.",
        grouped(exhaustive as u64),
        counted(told.verdicts.len() as u64, "cell"),
        grouped((told.verdicts.len() - exhaustive - broken) as u64),
        grouped(broken as u64),
    );
    text += &paragraph(&line, 0, 0, Tone::Doubtful, style);
    text
}
