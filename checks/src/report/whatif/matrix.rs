//! The matrix: a row for each scenario, a column for each combination.

use stalewake_model::violation::Class;

use super::{WhatIf, paragraph};
use crate::report::{Style, Tone};
use crate::whatif::answers::{Fate, Finding};

/// More columns than this say nothing to a reader.
const MAX_COLUMNS: usize = 128;

/// The room that one column takes.
const COLUMN: usize = 2;

/// Above each column stand the letters of its changes.
pub(super) fn matrix(told: &WhatIf, verbose: bool, style: Style) -> String {
    let count = told.plan.combinations.len();
    let heading = "Scenario by combination";
    let mut text = paragraph(heading, 0, 0, Tone::Strong, style);
    if count > MAX_COLUMNS && !verbose {
        let line = format!("{count} columns, left out: --verbose, or --format json.");
        return text + &paragraph(&line, 2, 0, Tone::Faint, style);
    }
    let names: Vec<String> = told.plan.cases.iter().map(ToString::to_string).collect();
    let label = names.iter().map(String::len).max().unwrap_or(0) + 3;
    let columns: Vec<usize> = (0..count).collect();
    let room = style.width.saturating_sub(label) / COLUMN;
    for (block, columns) in columns.chunks(room.max(1)).enumerate() {
        if block > 0 {
            text += "\n";
        }
        for axis in 0..told.plan.axes.len() {
            let letters = columns.iter().map(|place| {
                let mut changes = told.plan.combinations[*place].changes();
                let change = changes.find(|change| change.axis == axis);
                let letter = change.map_or("-".to_owned(), |change| told.letter(change));
                format!("{letter:>COLUMN$}")
            });
            text += &format!("{:label$}{}\n", "", letters.collect::<String>());
        }
        for (case, name) in names.iter().enumerate() {
            text += &format!("  {name:<width$}", width = label - 2);
            for place in columns {
                let (tone, mark) = mark(&Finding::of(told.verdict(*place, case)));
                text += &" ".repeat(COLUMN - 1);
                text += &style.paint(tone, mark);
            }
            text += "\n";
        }
    }
    let legend = "+ holds, X fatal, h a hazard and nothing fatal, ? open";
    text + &paragraph(legend, 2, 0, Tone::Faint, style)
}

fn mark(finding: &Finding) -> (Tone, &'static str) {
    let worst = finding.kinds.iter().map(|kind| kind.class()).min();
    match (finding.fate, worst) {
        (Fate::Holds, _) => (Tone::Good, "+"),
        (Fate::Open, _) => (Tone::Faint, "?"),
        (Fate::Fails, Some(Class::Fatal)) => (Tone::Bad, "X"),
        (Fate::Fails, _) => (Tone::Doubtful, "h"),
    }
}
