//! In what two runs differ, cell by cell: what an edit of a scenario has done.

use std::collections::{BTreeMap, BTreeSet};

use stalewake_model::violation::Kind;

use super::style::{counted, grouped};
use super::summary::{facts, how_to_see};
use super::table::{DIFFERS, word};
use super::{Checked, Style, Tone, wrap};
use crate::verdict::{Status, Verdict};

/// What has become of a cell from one run to the next.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// It was not there before.
    New(&'a Checked),
    /// It is no longer there.
    Gone(&'a Checked),
    /// Something else was found in it, or it is as expected now, or no longer.
    Other {
        /// What it was.
        before: &'a Checked,
        /// What it is.
        after: &'a Checked,
    },
}

/// What has changed, in the order of the cells; those that are gone come last.
/// Cells are the same if they are called the same. How long anything took does
/// not count.
pub fn changes<'a>(before: &'a [Checked], after: &'a [Checked]) -> Vec<Change<'a>> {
    let mut gone: BTreeMap<String, &Checked> = before
        .iter()
        .map(|checked| (checked.verdict.cell.to_string(), checked))
        .collect();
    let mut found = Vec::new();
    for after in after {
        match gone.remove(&after.verdict.cell.to_string()) {
            None => found.push(Change::New(after)),
            Some(before) if facet(before) != facet(after) => {
                found.push(Change::Other { before, after });
            }
            Some(_) => {}
        }
    }
    let is_gone = |checked: &&Checked| gone.contains_key(&checked.verdict.cell.to_string());
    found.extend(before.iter().filter(is_gone).map(Change::Gone));
    found
}

/// The changes as text, a paragraph for each cell.
pub fn tell(changes: &[Change<'_>], style: Style) -> String {
    changes.iter().map(|change| one(*change, style)).collect()
}

/// All that counts of a cell.
fn facet(checked: &Checked) -> impl PartialEq + use<> {
    let verdict = &checked.verdict;
    let kinds = verdict.reachable.iter();
    let traces: BTreeMap<Kind, u64> = kinds.map(|found| (found.kind, found.traces)).collect();
    let status = verdict.status.clone();
    let expected = verdict.expected.is_some();
    let differs = (checked.unexpected(), checked.missing());
    let all = verdict.figures.traces();
    (status, verdict.search, expected, differs, traces, all)
}

fn one(change: Change<'_>, style: Style) -> String {
    let (mark, before, after) = match change {
        Change::New(after) => ("+", None, Some(after)),
        Change::Gone(before) => ("-", Some(before), None),
        Change::Other { before, after } => ("~", Some(before), Some(after)),
    };
    let Some(after) = after else {
        let cell = before.map_or(String::new(), |before| before.verdict.cell.to_string());
        return style.paint(Tone::Faint, &format!("{mark} {cell}: gone")) + "\n";
    };
    let (tone, now) = word(&after.verdict);
    let was = before.map(|before| word(&before.verdict).1);
    let verdict = match was {
        None => format!("{now} (new)"),
        Some(was) if was == now => format!("{now}, as before"),
        Some(was) => format!("{now}, was {was}"),
    };
    let heading = format!("{mark} {}: {verdict}", after.verdict.cell);
    let mut text = style.paint(tone, &heading) + "\n";
    for line in lines(before, after) {
        for line in wrap(&format!("    {line}"), style.width, 8) {
            text += &(line + "\n");
        }
    }
    // A command is kept on one line, so that it can be copied.
    if after.differs() && !after.verdict.reachable.is_empty() {
        text += &format!("    {}\n", how_to_see(after));
    }
    text
}

fn lines(before: Option<&Checked>, after: &Checked) -> Vec<String> {
    let mut lines = Vec::new();
    let old = before.map(|before| &before.verdict);
    let new = &after.verdict;
    if let Status::Error(reason) = &new.status {
        lines.push(format!("it broke down: {reason}"));
    }
    let kinds: BTreeSet<Kind> = old.map(Verdict::kinds).unwrap_or_default();
    for kind in kinds.union(&new.kinds()) {
        let was = old.and_then(|old| traces(old, *kind));
        let is = traces(new, *kind);
        if old.is_none() || was != is {
            let was = old.map_or(String::new(), |old| format!(", was {}", count(old, was)));
            let class = kind.class();
            lines.push(format!("{class} {kind}: {}{was}", count(new, is)));
        }
    }
    let all = new.figures.traces();
    match old.map(|old| old.figures.traces()) {
        Some(was) if was == all => {}
        Some(was) => lines.push(format!("{}, was {}", counted(all, "trace"), grouped(was))),
        None => lines.push(counted(all, "trace")),
    }
    lines.extend(judgement(before, after));
    lines
}

/// Whether it is as expected, if that is not what it was before.
fn judgement(before: Option<&Checked>, after: &Checked) -> Vec<String> {
    if after.differs() {
        let facts = facts(after).into_iter();
        return facts
            .map(|(what, fact)| format!("{DIFFERS} {what}: {fact}"))
            .collect();
    }
    let was = before.and_then(|before| before.verdict.as_expected());
    let sentence = match (was, after.verdict.as_expected()) {
        (was, is) if before.is_some() && was == is => return Vec::new(),
        (None, Some(true)) => "as expected",
        (_, Some(true)) => "as expected now",
        (_, Some(false)) => "not as expected",
        (_, None) => "nothing is expected of it, or it is not finished",
    };
    vec![sentence.to_owned()]
}

fn traces(verdict: &Verdict, kind: Kind) -> Option<u64> {
    let found = verdict.reachable.iter().find(|found| found.kind == kind);
    found.map(|found| found.traces)
}

fn count(verdict: &Verdict, traces: Option<u64>) -> String {
    match traces {
        Some(traces) => grouped(traces),
        None if verdict.is_exhaustive() => "never".to_owned(),
        None => "unseen".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use stalewake_model::violation::Kind::{BadPage, BugOnWriteback, StaleWakeup};

    use super::*;
    use crate::report::fixture::verdict;

    fn checked(verdict: Verdict) -> Checked {
        Checked {
            verdict,
            explain: "stalewake explain writeback-reuse".to_owned(),
        }
    }

    /// The same cell on another kernel.
    fn on(kernel: &str, mut checked: Checked) -> Checked {
        kernel.clone_into(&mut checked.verdict.cell.kernel.typed);
        checked
    }

    fn told(before: &[Checked], after: &[Checked]) -> String {
        tell(&changes(before, after), Style::PLAIN)
    }

    #[test]
    fn the_same_results_are_no_change_however_long_they_took() {
        let before = [checked(verdict(&[BadPage], &[BadPage]))];
        let mut after = before.clone();
        after[0].verdict.figures.elapsed = Duration::from_secs(9);
        after[0].verdict.figures.foreign = 7;
        assert_eq!(told(&before, &after), "");
    }

    #[test]
    fn a_kind_that_appears_and_one_that_goes_are_named() {
        let before = [checked(verdict(&[StaleWakeup], &[StaleWakeup]))];
        let after = [checked(verdict(&[BugOnWriteback], &[BugOnWriteback]))];
        assert_eq!(
            told(&before, &after),
            "~ writeback-reuse/truncate=wait/v5.9: FATAL, was holds\n    \
             fatal bug-on-writeback: 3, was never\n    \
             event stale-wakeup: never, was 3\n"
        );
    }

    #[test]
    fn what_is_no_longer_expected_is_said_with_the_reason() {
        let before = [checked(verdict(&[BadPage], &[BadPage]))];
        let after = [checked(verdict(&[BadPage], &[]))];
        let text = told(&before, &after);
        assert!(text.contains("≠ found, not expected: bad-page"), "{text}");
        assert!(text.contains("reason: of a reason"), "{text}");
        assert!(text.contains("--kind bad-page"), "{text}");
        assert!(text.contains("FATAL, as before"), "{text}");
        let text = told(&after, &before);
        assert!(text.contains("    as expected now\n"), "{text}");
    }

    #[test]
    fn the_number_of_traces_counts() {
        let before = [checked(verdict(&[BadPage], &[BadPage]))];
        let mut after = before.clone();
        after[0].verdict.figures.executions += 10;
        let text = told(&before, &after);
        assert!(text.contains("1,165 traces, was 1,155"), "{text}");
        assert!(!text.contains("bad-page"), "{text}");
        after[0].verdict.reachable[0].traces = 4_000;
        let text = told(&before, &after);
        assert!(text.contains("fatal bad-page: 4,000, was 3"), "{text}");
    }

    #[test]
    fn cells_come_and_go() {
        let one = checked(verdict(&[BadPage], &[BadPage]));
        let before = [on("v5.8", one.clone()), on("v5.9", one.clone())];
        let after = [on("v5.9", one.clone()), on("v5.10", one)];
        let text = told(&before, &after);
        let headings: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
        assert_eq!(
            headings,
            [
                "+ writeback-reuse/truncate=wait/v5.10: FATAL (new)",
                "- writeback-reuse/truncate=wait/v5.8: gone",
            ]
        );
    }

    #[test]
    fn an_unfinished_search_says_unseen_and_not_never() {
        let before = [checked(verdict(&[BadPage], &[BadPage]))];
        let unfinished = Verdict {
            status: Status::Incomplete,
            ..verdict(&[], &[BadPage])
        };
        let text = told(&before, &[checked(unfinished)]);
        assert!(text.contains("open, was FATAL"), "{text}");
        assert!(text.contains("bad-page: unseen, was 3"), "{text}");
        assert!(text.contains("not finished"), "{text}");
    }

    #[test]
    fn lines_fit() {
        let before = [checked(verdict(&[], &[]))];
        let after = [checked(verdict(&[BadPage, StaleWakeup], &[]))];
        let text = told(&before, &after);
        let fits = |line: &str| line.chars().count() <= 80 || line.contains("stalewake explain");
        assert!(text.lines().all(fits), "{text}");
    }
}
