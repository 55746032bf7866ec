//! Verdicts as herd7 prints them: not only whether, but how often.

use std::collections::BTreeSet;

use stalewake_model::violation::Kind;

use crate::verdict::Verdict;

/// One line for each kind that the cell can reach or is expected to reach, with
/// the number of traces that show it and of those that do not; then one with
/// what the search cost.
pub fn observation(verdict: &Verdict) -> String {
    let cell = &verdict.cell;
    let traces = verdict.figures.traces();
    let mut kinds: BTreeSet<Kind> = verdict.kinds();
    kinds.extend(verdict.expected.iter().flat_map(|expected| &expected.kinds));
    let mut text = String::new();
    for kind in &kinds {
        let with = verdict
            .reachable
            .iter()
            .find(|reachable| reachable.kind == *kind)
            .map_or(0, |reachable| reachable.traces);
        let how_often = match with {
            0 => "Never",
            _ if with == traces => "Always",
            _ => "Sometimes",
        };
        let without = traces.saturating_sub(with);
        text += &format!("Observation {cell} {kind} {how_often} {with} {without}\n");
    }
    if kinds.is_empty() {
        text += &format!("Observation {cell} any-kind Never 0 {traces}\n");
    }
    let figures = &verdict.figures;
    text += &format!(
        "Search {cell} executions {} redundant {} operations {} time {:.2}s\n",
        figures.executions,
        figures.redundant,
        figures.operations,
        figures.elapsed.as_secs_f64(),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::verdict;

    #[test]
    fn what_was_expected_in_vain_is_listed_too() {
        let text = observation(&verdict(&[Kind::StaleWakeup], &[Kind::BadPage]));
        let lines: Vec<&str> = text.lines().collect();
        let cell = "writeback-reuse/truncate=wait/v5.9";
        assert_eq!(
            lines,
            [
                format!("Observation {cell} bad-page Never 0 1155"),
                format!("Observation {cell} stale-wakeup Sometimes 3 1152"),
                format!("Search {cell} executions 1363 redundant 208 operations 31 time 0.02s"),
            ]
        );
    }
}
