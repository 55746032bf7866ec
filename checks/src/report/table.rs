//! The table: a block of rows for each scenario and choice of parameters, a
//! column for each kernel.
//!
//! The first row of a block says in a word how each kernel fares; below it
//! stands a row for each kind that was found or expected, with the number of
//! distinct traces that show it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use comfy_table::{Cell, ColumnConstraint, LineStyle, Table, TableStyle, Width};
use stalewake_model::release::Release;
use stalewake_model::violation::{Class, Kind};

use super::style::grouped;
use super::{Checked, Style, Tone, wrap};
use crate::verdict::{Status, Verdict};

/// Marks what differs from what was expected.
pub(super) const DIFFERS: &str = "≠";

/// The longest line on which a scenario's name and parameters stand together.
const LONGEST_LABEL: usize = 33;

/// The table of all verdicts. Where the kernels do not fit beside each other,
/// they follow in further tables.
pub fn table(checked: &[Checked], style: Style) -> String {
    let kernels = kernels(checked);
    let blocks: Vec<Vec<&Checked>> = checked
        .chunk_by(|a, b| {
            let (a, b) = (&a.verdict.cell, &b.verdict.cell);
            Arc::ptr_eq(&a.scenario, &b.scenario) && a.parameters == b.parameters
        })
        .map(|block| block.iter().collect())
        .collect();
    let rows: Vec<Vec<Row>> = blocks.iter().map(|block| rows(block)).collect();
    let label = rows
        .iter()
        .flatten()
        .map(|row| row.label.chars().count())
        .max()
        .unwrap_or(0)
        + 1;
    let entry = kernels
        .iter()
        .map(|kernel| short(kernel).chars().count())
        .max()
        .unwrap_or(0)
        .max(8);
    let room = style.width.saturating_sub(label);
    let entry = if kernels.len() * (entry + 2) <= room {
        entry + 2
    } else {
        entry + 1
    };
    let tables = kernels
        .chunks((room / entry).max(1))
        .map(|kernels| render(&rows, kernels, (label, entry), style));
    tables.collect::<Vec<_>>().join("\n") + &footnotes(&kernels, style)
}

/// The heading of a column: what was changed stands below the table.
fn short(kernel: &str) -> Cow<'_, str> {
    match kernel.split_once('+') {
        Some((release, _)) => format!("{release}*").into(),
        None => kernel.into(),
    }
}

/// What was changed in the kernels with a star.
fn footnotes(kernels: &[String], style: Style) -> String {
    let mut changed: Vec<(&str, Vec<&str>)> = Vec::new();
    for (release, changes) in kernels.iter().filter_map(|kernel| kernel.split_once('+')) {
        match changed.iter_mut().find(|known| known.0 == changes) {
            Some((_, releases)) => releases.push(release),
            None => changed.push((changes, vec![release])),
        }
    }
    let notes = changed.iter().flat_map(|(changes, releases)| {
        let (releases, changes) = (releases.join("*, "), changes.replace('+', ", "));
        wrap(&format!("{releases}*: with {changes}"), style.width, 2)
    });
    let notes: String = notes.map(|line| line + "\n").collect();
    if notes.is_empty() {
        notes
    } else {
        format!("\n{notes}")
    }
}

/// The kernels by the names they were given, oldest first.
pub(super) fn kernels(checked: &[Checked]) -> Vec<String> {
    let mut kernels: Vec<(usize, String)> = Vec::new();
    for Checked { verdict, .. } in checked {
        let kernel = &verdict.cell.kernel;
        let age = Release::ALL
            .iter()
            .position(|release| release.name == kernel.release.name);
        let named = (age.unwrap_or(Release::ALL.len()), kernel.to_string());
        if !kernels.contains(&named) {
            kernels.push(named);
        }
    }
    kernels.sort_by_key(|(age, _)| *age);
    kernels.into_iter().map(|(_, name)| name).collect()
}

/// One line of the table.
struct Row {
    label: String,
    tone: Tone,
    /// What stands in the column of each kernel.
    entries: Vec<(String, Tone, String)>,
}

fn rows(block: &[&Checked]) -> Vec<Row> {
    let cell = &block[0].verdict.cell;
    let name = &cell.scenario.name;
    let parameters: Vec<String> = cell
        .parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let together = [std::slice::from_ref(name), &parameters].concat().join(" ");
    let (label, below) = if together.chars().count() <= LONGEST_LABEL {
        (together, &[] as &[String])
    } else {
        (name.clone(), parameters.as_slice())
    };
    let entries = block.iter().map(|checked| {
        let (tone, word) = word(&checked.verdict);
        (named(checked), tone, marked(word, checked.differs()))
    });
    let mut rows = vec![Row {
        label,
        tone: Tone::Strong,
        entries: entries.collect(),
    }];
    rows.extend(below.iter().map(|parameter| Row {
        label: format!("  {parameter}"),
        tone: Tone::Plain,
        entries: Vec::new(),
    }));
    let kinds: BTreeSet<Kind> = block
        .iter()
        .flat_map(|checked| {
            let expected = checked
                .verdict
                .expected
                .iter()
                .flat_map(|e| e.kinds.iter().copied());
            checked.verdict.kinds().into_iter().chain(expected)
        })
        .collect();
    rows.extend(kinds.into_iter().map(|kind| Row {
        label: format!(" {:<6} {kind}", kind.class()),
        tone: Tone::Plain,
        entries: block.iter().map(|checked| entry(checked, kind)).collect(),
    }));
    rows
}

fn named(checked: &Checked) -> String {
    checked.verdict.cell.kernel.to_string()
}

pub(super) fn marked(text: impl Into<String>, differs: bool) -> String {
    let text = text.into();
    if differs {
        format!("{text} {DIFFERS}")
    } else {
        text
    }
}

/// How often a kind was seen.
fn entry(checked: &Checked, kind: Kind) -> (String, Tone, String) {
    let verdict = &checked.verdict;
    let found = verdict
        .reachable
        .iter()
        .find(|reachable| reachable.kind == kind);
    let differs = checked.unexpected().contains(&kind) || checked.missing().contains(&kind);
    let (tone, text) = match found {
        Some(reachable) => (Tone::of(kind.class()), grouped(reachable.traces)),
        None if verdict.is_exhaustive() => (Tone::Faint, "never".to_owned()),
        None => (Tone::Faint, "unseen".to_owned()),
    };
    (
        named(checked),
        if differs { Tone::Bad } else { tone },
        marked(text, differs),
    )
}

/// How the kernel fares, in a word.
pub(super) fn word(verdict: &Verdict) -> (Tone, &'static str) {
    if matches!(verdict.status, Status::Error(_)) {
        return (Tone::Bad, "ERROR");
    }
    match verdict.holds() {
        Some(true) => (Tone::Good, "holds"),
        Some(false)
            if verdict
                .kinds()
                .iter()
                .any(|kind| kind.class() == Class::Fatal) =>
        {
            (Tone::Bad, "FATAL")
        }
        Some(false) => (Tone::Doubtful, "hazard"),
        None => (Tone::Plain, "open"),
    }
}

fn render(
    blocks: &[Vec<Row>],
    kernels: &[String],
    (label, entry): (usize, usize),
    style: Style,
) -> String {
    let rule = LineStyle::none().fill('─');
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(rule))
        .force_no_tty();
    if style.colour {
        table.enforce_styling();
    }
    let heading = |text: &str| Style::cell(Tone::Strong, text);
    table.set_header(
        std::iter::once(heading("scenario"))
            .chain(kernels.iter().map(|kernel| heading(&short(kernel)))),
    );
    for (i, rows) in blocks.iter().enumerate() {
        if i > 0 {
            table.add_row(vec![Cell::new(""); kernels.len() + 1]);
        }
        for row in rows {
            let entries = kernels.iter().map(|kernel| {
                row.entries
                    .iter()
                    .find(|(named, ..)| named == kernel)
                    .map_or(Cell::new(""), |(_, tone, text)| Style::cell(*tone, text))
            });
            table.add_row(std::iter::once(Style::cell(row.tone, &row.label)).chain(entries));
        }
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        let width = if i == 0 { label } else { entry };
        column.set_padding((0, 0));
        let width = u16::try_from(width).unwrap_or(u16::MAX);
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    table.style_text_only();
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::verdict;

    const PLAIN: Style = Style {
        colour: false,
        width: 80,
    };

    fn checked(verdict: Verdict) -> Checked {
        Checked {
            verdict,
            explain: String::new(),
        }
    }

    #[test]
    fn a_difference_is_marked_at_the_kind_and_at_the_kernel() {
        let text = table(
            &[checked(verdict(
                &[Kind::BugOnWriteback],
                &[Kind::StaleWakeup],
            ))],
            PLAIN,
        );
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "writeback-reuse truncate=wait FATAL ≠",
                " fatal  bug-on-writeback      3 ≠",
                " event  stale-wakeup          never ≠",
            ]
        );
    }

    #[test]
    fn what_an_unfinished_search_has_not_seen_is_not_called_impossible() {
        let unfinished = Verdict {
            status: Status::Incomplete,
            ..verdict(&[], &[Kind::BugOnWriteback])
        };
        let text = table(&[checked(unfinished)], PLAIN);
        assert!(text.contains("unseen") && text.contains("open"), "{text}");
        assert!(!text.contains("never") && !text.contains("holds"), "{text}");
    }

    #[test]
    fn many_kernels_follow_in_further_tables() {
        let kernel = |i: usize| {
            let mut verdict = verdict(&[Kind::EndNotUnderWriteback], &[]);
            verdict.cell.kernel.typed = format!("5.9.{i}");
            checked(verdict)
        };
        // All are of one scenario, as those of one run are.
        let mut all: Vec<Checked> = (0..12).map(kernel).collect();
        let scenario = all[0].verdict.cell.scenario.clone();
        for checked in &mut all {
            checked.verdict.cell.scenario = scenario.clone();
        }
        let text = table(&all, PLAIN);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(
            (0..12).all(|i| text.contains(&format!("5.9.{i}"))),
            "{text}"
        );
    }
}
