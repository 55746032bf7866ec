//! What stands below the table: how to read it, what was found in all, what
//! that rests on, and what differs from what was expected.

use std::collections::BTreeSet;

use stalewake_model::violation::{Class, Kind};

use super::coverage::{branches, vacuous};
use super::style::{counted, grouped};
use super::table::DIFFERS;
use super::{Checked, Style, Tone, wrap};
use crate::explore::Shard;
use crate::verdict::{Search, Status};

/// How to read the table, with the figures of all cells and what they rest on.
pub fn legend(checked: &[Checked], elapsed: std::time::Duration, style: Style) -> String {
    let mut reading = "holds: nothing fatal and no hazard is reachable. Numbers: the distinct traces \
                       (schedules that differ in more than the order of independent steps) that show \
                       the kind."
        .to_owned();
    if open(checked) > 0 {
        reading += " open: none was found, but not every schedule was explored.";
    }
    if checked.iter().any(Checked::differs) {
        reading += &format!(" {DIFFERS}: not as expected, see below.");
    }
    paragraphs(&reading, Tone::Faint, style) + &figures(checked, elapsed, style)
}

fn count(checked: &[Checked], is_meant: impl Fn(&Checked) -> bool) -> u64 {
    checked.iter().filter(|one| is_meant(one)).count() as u64
}

/// Of how many cells nobody knows whether they hold.
fn open(checked: &[Checked]) -> u64 {
    count(checked, |one| one.verdict.holds().is_none())
}

/// The figures of all cells, and what they rest on.
pub fn figures(checked: &[Checked], elapsed: std::time::Duration, style: Style) -> String {
    let is_fatal = |one: &Checked| {
        let kinds = one.verdict.kinds();
        kinds.iter().any(|kind| kind.class() == Class::Fatal)
    };
    let held = count(checked, |one| one.verdict.holds() == Some(true));
    let dead = count(checked, is_fatal);
    let hazardous = count(checked, |one| one.verdict.holds() == Some(false)) - dead;
    let mut figures = format!(
        "{}: {held} hold, {hazardous} hazard, {dead} fatal",
        counted(checked.len() as u64, "cell")
    );
    let open = open(checked);
    if open > 0 {
        figures += &format!(", {open} open");
    }
    let traces: u64 = checked.iter().map(|c| c.verdict.figures.traces()).sum();
    let executions: u64 = checked.iter().map(|c| c.verdict.figures.executions).sum();
    figures += &format!(
        "; {} in {}, {:.1} s.",
        counted(traces, "trace"),
        counted(executions, "execution"),
        elapsed.as_secs_f64()
    );
    let lines = std::iter::once(figures).chain(assumptions(checked));
    lines
        .map(|line| paragraphs(&line, Tone::Plain, style))
        .collect()
}

/// What of the model was reached.
pub fn coverage(checked: &[Checked], style: Style) -> String {
    paragraphs(&branches(checked), Tone::Plain, style)
}

fn paragraphs(text: &str, tone: Tone, style: Style) -> String {
    wrap(text, style.width, 0)
        .iter()
        .map(|line| style.paint(tone, line) + "\n")
        .collect()
}

/// What the verdicts rest on.
pub(super) fn assumptions(checked: &[Checked]) -> Vec<String> {
    if checked.iter().all(|c| c.verdict.is_exhaustive()) {
        return vec![
            "Exhaustive: sequentially consistent, unbounded, every schedule of every cell. Weaker \
             memory orders, and what model/README.md lists as left out, are not covered."
                .to_owned(),
        ];
    }
    let all = checked.len() as u64;
    let exhaustive = checked.iter().filter(|c| c.verdict.is_exhaustive()).count() as u64;
    let mut lines = vec![format!(
        "NOT exhaustive: every schedule was explored in {exhaustive} of {}. What was not seen \
         elsewhere may still happen.",
        counted(all, "cell")
    )];
    let shards: BTreeSet<Shard> = checked.iter().map(|c| c.verdict.shard).collect();
    for shard in shards.into_iter().filter(|shard| !shard.is_whole()) {
        lines.push(format!(
            "Only shard {shard} of each search: `stalewake merge` puts the JSON lines of all \
             shards together."
        ));
    }
    let mut bounds: Vec<u8> = checked
        .iter()
        .filter_map(|c| c.verdict.search.bound())
        .collect();
    bounds.sort_unstable();
    bounds.dedup();
    for bound in bounds {
        lines.push(format!(
            "Bounded: at most {}, by loom's own bound, which leaves schedules out even inside it.",
            counted(u64::from(bound), "preemption")
        ));
    }
    if checked.iter().any(|c| c.verdict.search == Search::Plain) {
        lines.push(
            "Without reduction: plain loom, whose search is not counted as exhaustive here."
                .to_owned(),
        );
    }
    if checked.iter().any(|c| c.verdict.search.is_weak()) {
        lines.push(
            "Weak memory: C11 under loom, which has no load buffering, no dependency ordering, a \
             history of seven stores, and misses schedules of plain loads and stores without \
             --companions. It finds bugs and proves nothing."
                .to_owned(),
        );
        let weak: Vec<String> = weak_only(checked);
        if !weak.is_empty() {
            lines.push(format!(
                "Seen only with a read of an old value: {}.",
                weak.join(", ")
            ));
        }
    }
    let incomplete: Vec<String> = checked
        .iter()
        .filter(|c| c.verdict.status == Status::Incomplete)
        .map(|c| {
            format!(
                "{} ({})",
                c.verdict.cell,
                counted(c.verdict.figures.executions, "execution")
            )
        })
        .collect();
    if !incomplete.is_empty() {
        lines.push(format!(
            "Incomplete, the budget ran out or the run was ended: {}.",
            incomplete.join(", ")
        ));
    }
    let broken: Vec<String> = checked
        .iter()
        .filter(|c| matches!(c.verdict.status, Status::Error(_)))
        .map(|c| c.verdict.cell.to_string())
        .collect();
    if !broken.is_empty() {
        lines.push(format!(
            "Broken down, nothing can be concluded: {}.",
            broken.join(", ")
        ));
    }
    lines
}

/// What differs from what was expected, cell by cell, and how to see it; one
/// sentence when nothing does.
pub fn differences(checked: &[Checked], style: Style) -> String {
    let differing: Vec<&Checked> = checked.iter().filter(|c| c.differs()).collect();
    let vacuous = vacuous(checked);
    if differing.is_empty() && vacuous.is_empty() {
        return all_as_expected(checked, style);
    }
    let never_ran: String = vacuous
        .iter()
        .flat_map(|step| wrap(&format!("{DIFFERS} {step}"), style.width, 4))
        .map(|line| style.paint(Tone::Bad, &line) + "\n")
        .collect();
    if differing.is_empty() {
        return never_ran;
    }
    let heading = match differing.len() {
        1 => "1 cell is not as its scenario expects:".to_owned(),
        n => format!(
            "{} cells are not as their scenarios expect:",
            grouped(n as u64)
        ),
    };
    let mut text = never_ran + &style.paint(Tone::Strong, &heading) + "\n";
    for checked in differing {
        text += &difference(checked, style);
    }
    text
}

fn all_as_expected(checked: &[Checked], style: Style) -> String {
    let asked = checked.iter().filter(|c| c.verdict.expected.is_some());
    let (expected, unfinished): (Vec<&Checked>, Vec<&Checked>) =
        asked.partition(|c| c.verdict.as_expected() == Some(true));
    let (expected, unfinished) = (expected.len(), unfinished.len());
    let sentence = match (expected, unfinished) {
        (0, 0) => "Nothing is expected of these cells.".to_owned(),
        (0, unfinished) => format!(
            "Nothing can be judged: {} not finished.",
            match unfinished {
                1 => "1 cell is".to_owned(),
                more => format!("{} cells are", grouped(more as u64)),
            }
        ),
        (_, 0) if expected == checked.len() => "All as expected.".to_owned(),
        (_, 0) => format!(
            "As expected, where something is: {expected} of {}.",
            counted(checked.len() as u64, "cell")
        ),
        _ => format!("No difference so far, but {unfinished} cannot be judged."),
    };
    let tone = if unfinished == 0 && expected > 0 {
        Tone::Good
    } else {
        Tone::Plain
    };
    style.paint(tone, &sentence) + "\n"
}

fn difference(checked: &Checked, style: Style) -> String {
    let mut text = style.paint(Tone::Bad, &format!("{DIFFERS} {}", checked.verdict.cell)) + "\n";
    for (what, fact) in facts(checked) {
        for line in wrap(&format!("    {what:<20} {fact}"), style.width, 25) {
            text += &(line + "\n");
        }
    }
    // A command is kept on one line, so that it can be copied.
    if !checked.verdict.reachable.is_empty() {
        text += &format!("    {}\n", how_to_see(checked));
    }
    text
}

/// In what a cell differs from what was expected, and why that was expected.
pub(crate) fn facts(checked: &Checked) -> Vec<(&'static str, String)> {
    let verdict = &checked.verdict;
    let names = |kinds: &[Kind]| {
        kinds
            .iter()
            .map(|kind| format!("{kind} ({})", kind.class()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (unexpected, missing) = (checked.unexpected(), checked.missing());
    let mut facts = Vec::new();
    if !unexpected.is_empty() {
        facts.push(("found, not expected", names(&unexpected)));
    }
    if !missing.is_empty() {
        let doubt = if verdict.is_exhaustive() {
            ""
        } else {
            "; the search was not exhaustive"
        };
        facts.push(("expected, not found", names(&missing) + doubt));
    }
    if let Some(expected) = &verdict.expected {
        facts.push(("the file's reason", expected.because.clone()));
    }
    facts
}

/// The command that explains a cell, and what was not expected there first.
pub(crate) fn how_to_see(checked: &Checked) -> String {
    let unexpected = checked.unexpected();
    let kind = unexpected
        .first()
        .map_or(String::new(), |kind| format!(" --kind {kind}"));
    checked.explain.clone() + &kind
}

/// What was found only in executions that read a value which was not the
/// latest: no sequentially consistent search can show it.
fn weak_only(checked: &[Checked]) -> Vec<String> {
    let found = checked.iter().flat_map(|c| {
        let weak = c
            .verdict
            .reachable
            .iter()
            .filter(|reachable| reachable.weak_only);
        weak.map(|reachable| format!("{} {}", c.verdict.cell, reachable.kind))
    });
    found.collect()
}
