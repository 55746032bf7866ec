//! Samples beside what the search found: how often each kind was hit.
//!
//! A sample says what can happen, never what cannot: what it has not hit is
//! called unseen, and no kernel is said to pass by it.

use std::collections::{BTreeMap, BTreeSet};

use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use serde::Serialize;
use stalewake_model::violation::Kind;

use super::json::SCHEMA;
use super::style::grouped;
use super::table::DIFFERS;
use super::{Style, Tone, wrap};
use crate::explore::Sample;
use crate::verdict::{Status, Verdict};

/// The samples of one cell, and what the search found there.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// What the search found.
    pub verdict: Verdict,
    /// The samples of the same cell.
    pub samples: Vec<Sample>,
}

impl Sampled {
    /// The kinds that a sample has hit although they are not expected, or
    /// although the search saw every schedule and not them.
    pub fn surprises(&self) -> BTreeSet<Kind> {
        let reachable = self.verdict.kinds();
        let hit = self.samples.iter().flat_map(|sample| sample.found.keys());
        hit.copied()
            .filter(|kind| {
                let expected = self.verdict.expected.as_ref();
                expected.is_some_and(|expected| !expected.kinds.contains(kind))
                    || self.verdict.is_exhaustive() && !reachable.contains(kind)
            })
            .collect()
    }

    /// The kinds that anybody has seen or expected.
    fn kinds(&self) -> BTreeSet<Kind> {
        let hit = self.samples.iter().flat_map(|sample| sample.found.keys());
        let expected = self.verdict.expected.iter().flat_map(|e| &e.kinds);
        let mut kinds = self.verdict.kinds();
        kinds.extend(hit.chain(expected));
        kinds
    }
}

/// The table of one cell: a column for the search and one for each sample.
pub fn table(sampled: &Sampled, style: Style) -> String {
    let verdict = &sampled.verdict;
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')))
        .force_no_tty();
    if style.colour {
        table.enforce_styling();
    }
    let heading = |text: &str| Style::cell(Tone::Strong, text);
    let names = sampled.samples.iter().map(|sample| sample.sampler.name());
    table.set_header(
        [heading(&verdict.cell.to_string()), heading("search")]
            .into_iter()
            .chain(names.map(heading)),
    );
    table.add_row(row("seed", String::new(), sampled, |sample| {
        match sample.sampler.seed() {
            Some(seed) => seed.to_string(),
            None => "none".to_owned(),
        }
    }));
    table.add_row(row(
        "seconds",
        seconds(verdict.figures.elapsed),
        sampled,
        |sample| seconds(sample.elapsed),
    ));
    table.add_row(row(
        "traces, executions",
        grouped(verdict.figures.traces()),
        sampled,
        |sample| grouped(sample.executions),
    ));
    let surprises = sampled.surprises();
    for kind in sampled.kinds() {
        let mark = if surprises.contains(&kind) {
            DIFFERS
        } else {
            ""
        };
        let label = format!(" {:<6} {kind} {mark}", kind.class());
        let hits = sampled
            .samples
            .iter()
            .map(|sample| match sample.found.get(&kind) {
                Some(hits) => Style::cell(Tone::of(kind.class()), often(*hits, sample.executions)),
                None => Style::cell(Tone::Faint, "unseen"),
            });
        let first = [Style::cell(Tone::Plain, label), searched(verdict, kind)];
        table.add_row(first.into_iter().chain(hits));
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if i > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.style_text_only();
    table.trim_fmt() + "\n"
}

/// A row of figures.
fn row(
    label: &str,
    search: String,
    sampled: &Sampled,
    figure: impl Fn(&Sample) -> String,
) -> Vec<Cell> {
    let figures = sampled.samples.iter().map(figure);
    [label.to_owned(), search]
        .into_iter()
        .chain(figures)
        .map(|text| Style::cell(Tone::Plain, text))
        .collect()
}

fn seconds(time: std::time::Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

/// In how many of its traces the search found a kind.
fn searched(verdict: &Verdict, kind: Kind) -> Cell {
    let found = verdict.reachable.iter().find(|found| found.kind == kind);
    match found {
        Some(found) => Style::cell(Tone::Plain, grouped(found.traces)),
        None if verdict.is_exhaustive() => Style::cell(Tone::Faint, "never"),
        None => Style::cell(Tone::Faint, "unseen"),
    }
}

/// `12, 1 in 340`; `7, 1 in 1.4` where a whole number would say too little.
fn often(hits: u64, executions: u64) -> String {
    let one_in = executions as f64 / hits as f64;
    let one_in = if one_in < 10.0 {
        format!("{one_in:.1}")
    } else {
        grouped(one_in.round() as u64)
    };
    format!("{}, 1 in {one_in}", grouped(hits))
}

/// How to read the tables, and what went wrong.
pub fn legend(all: &[Sampled], style: Style) -> String {
    let mut text = "search: the distinct traces that show the kind. Other columns: the executions \
                    of a sample that hit it. unseen: it may still happen."
        .to_owned();
    if all.iter().any(|one| one.verdict.status != Status::Complete) {
        text += " A search was cut short: raise --max-executions.";
    }
    if all.iter().any(|one| !one.surprises().is_empty()) {
        text += &format!(
            " {DIFFERS}: a sample hit what the scenario does not expect, or what the search \
             should have found."
        );
    }
    wrap(&text, style.width, 0)
        .iter()
        .map(|line| style.paint(Tone::Faint, line) + "\n")
        .collect()
}

/// One sample, as one JSON object: the contract with other programs, as in
/// [`json`](super::json).
#[derive(Clone, Debug, Serialize)]
pub struct SampleLine<'a> {
    schema: u32,
    scenario: &'a str,
    parameters: &'a BTreeMap<String, String>,
    kernel: &'a str,
    release: &'static str,
    mechanisms: BTreeMap<&'static str, &'static str>,
    sampler: &'static str,
    seed: Option<u64>,
    depth: Option<usize>,
    executions: u64,
    elapsed_ms: u64,
    hits: BTreeMap<&'static str, u64>,
    search: SearchFigures,
    surprises: Vec<&'static str>,
}

/// What the search found in the same cell.
#[derive(Clone, Debug, Serialize)]
struct SearchFigures {
    complete: bool,
    traces: u64,
    found: BTreeMap<&'static str, u64>,
}

impl<'a> SampleLine<'a> {
    /// The object of each sample of a cell.
    pub fn of(sampled: &'a Sampled) -> impl Iterator<Item = SampleLine<'a>> {
        sampled
            .samples
            .iter()
            .map(|sample| SampleLine::new(sampled, sample))
    }

    fn new(sampled: &'a Sampled, sample: &Sample) -> SampleLine<'a> {
        let verdict = &sampled.verdict;
        let cell = &verdict.cell;
        let found = verdict.reachable.iter();
        SampleLine {
            schema: SCHEMA,
            scenario: &cell.scenario.name,
            parameters: &cell.parameters,
            kernel: &cell.kernel.typed,
            release: cell.kernel.release.name,
            mechanisms: cell.kernel.kernel.choices().collect(),
            sampler: sample.sampler.name(),
            seed: sample.sampler.seed(),
            depth: sample.sampler.depth(),
            executions: sample.executions,
            elapsed_ms: u64::try_from(sample.elapsed.as_millis()).unwrap_or(u64::MAX),
            hits: sample.found.iter().map(|(k, n)| (k.name(), *n)).collect(),
            search: SearchFigures {
                complete: verdict.status == Status::Complete,
                traces: verdict.figures.traces(),
                found: found.map(|f| (f.kind.name(), f.traces)).collect(),
            },
            surprises: sampled.surprises().iter().map(|kind| kind.name()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::explore::Sampler;
    use crate::report::fixture::verdict;

    fn sampled(found: &[Kind], expected: &[Kind], hit: &[Kind]) -> Sampled {
        Sampled {
            verdict: verdict(found, expected),
            samples: vec![Sample {
                sampler: Sampler::Random { seed: 7 },
                executions: 1_000,
                found: hit.iter().map(|kind| (*kind, 3)).collect(),
                elapsed: Duration::from_secs(1),
            }],
        }
    }

    const PLAIN: Style = Style {
        colour: false,
        width: 80,
    };

    #[test]
    fn what_a_sample_has_missed_is_no_surprise() {
        let both = [Kind::BugOnWriteback, Kind::StaleWakeup];
        let sampled = sampled(&both, &both, &[Kind::StaleWakeup]);
        assert!(sampled.surprises().is_empty());
        let text = table(&sampled, PLAIN) + &legend(&[sampled], PLAIN);
        assert!(
            text.contains("unseen") && text.contains("3, 1 in 333"),
            "{text}"
        );
        assert!(
            !text.contains("holds") && !text.contains("xhaustive"),
            "{text}"
        );
    }

    #[test]
    fn what_the_search_has_not_found_is_a_surprise() {
        let sampled = sampled(&[], &[], &[Kind::LostWakeup]);
        assert_eq!(sampled.surprises(), [Kind::LostWakeup].into());
        assert!(table(&sampled, PLAIN).contains(DIFFERS));
    }
}
