//! How many distinct traces every cell had when somebody last looked.
//!
//! A text file of JSON lines, one for each cell, so that a change of it reads
//! well in a review. Neither executions nor times are in it: they depend on how
//! many workers there were.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Change, Lane, Run};
use crate::coverage::Coverage;
use crate::printable;
use crate::report::json::line;
use crate::verdict::Verdict;

/// The version of the format.
const FORMAT: u32 = 1;

/// The longest reason that is given, in characters: it may quote a line.
const LONGEST_REASON: usize = 200;

/// The figures that were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// The branches of waking and waiting that some cell took.
    branches: BTreeSet<String>,
    /// The cells and the controls, by their names.
    entries: BTreeMap<String, Entry>,
}

/// Of one cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    lane: Lane,
    traces: u64,
    /// The steps of the longest.
    steps: usize,
    /// In how many of them each kind happens.
    kinds: BTreeMap<String, u64>,
    /// Of a control, what it must show.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    must: BTreeSet<String>,
    /// The steps that never ran, as `thread:number`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    never_ran: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    baseline: u32,
    branches: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    cell: String,
    #[serde(flatten)]
    entry: Entry,
}

/// A text that is no baseline.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is no line of a baseline: {reason}")]
pub struct BadBaseline {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Baseline {
    /// Reads one.
    ///
    /// # Errors
    /// When a line is not what [`text`](Baseline::text) writes.
    pub fn parse(text: &str) -> Result<Baseline, BadBaseline> {
        let bad = |line: usize, reason: String| BadBaseline {
            line,
            reason: printable(&reason, LONGEST_REASON),
        };
        let mut lines = (1..).zip(text.lines());
        let (_, first) = lines
            .next()
            .ok_or_else(|| bad(1, "there is nothing".to_owned()))?;
        let head: Head = serde_json::from_str(first).map_err(|error| bad(1, error.to_string()))?;
        if head.baseline != FORMAT {
            let reason = format!("it has format {}, and this is {FORMAT}", head.baseline);
            return Err(bad(1, reason));
        }
        let mut entries = BTreeMap::new();
        for (number, text) in lines {
            let line: Line =
                serde_json::from_str(text).map_err(|error| bad(number, error.to_string()))?;
            if entries.insert(line.cell.clone(), line.entry).is_some() {
                return Err(bad(number, format!("{} is there twice", line.cell)));
            }
        }
        let read = Baseline {
            branches: head.branches,
            entries,
        };
        // What nobody writes, nobody has looked at: keys that are not known, or there
        // twice, and lines in another order.
        let written = read.text();
        let mut lines = (1..).zip(written.lines().zip(text.lines()));
        match lines.find(|(_, (written, read))| written != read) {
            Some((number, (written, _))) => {
                Err(bad(number, format!("what would be written is {written}")))
            }
            None => Ok(read),
        }
    }

    /// The figures of a run.
    pub fn of(run: &Run) -> Baseline {
        let cells = run.checked.iter().map(|checked| {
            let cell = &checked.verdict.cell;
            (
                cell.to_string(),
                Entry::of(&checked.verdict, Lane::of(cell)),
            )
        });
        let controls = run.tried.iter();
        let controls = controls.map(|tried| {
            let must = tried.control.kinds.iter();
            let entry = Entry {
                must: must.map(|kind| kind.name().to_owned()).collect(),
                ..Entry::of(&tried.verdict, Lane::Fast)
            };
            (tried.name(), entry)
        });
        let mut coverage = Coverage::default();
        let fast = run.checked.iter().map(|checked| &checked.verdict);
        for verdict in fast.filter(|verdict| Lane::of(&verdict.cell) == Lane::Fast) {
            coverage.branches.extend(&verdict.coverage.branches);
        }
        let branches = coverage.branches.iter();
        Baseline {
            branches: branches.map(|branch| branch.name().to_owned()).collect(),
            entries: cells.chain(controls).collect(),
        }
    }

    /// As it is written to a file.
    pub fn text(&self) -> String {
        let head = Head {
            baseline: FORMAT,
            branches: self.branches.clone(),
        };
        let mut text = line(&head) + "\n";
        for (cell, entry) in &self.entries {
            let (cell, entry) = (cell.clone(), entry.clone());
            text += &(line(&Line { cell, entry }) + "\n");
        }
        text
    }

    /// In what a run in this lane differs, what shrinks first. A smaller lane
    /// says nothing about what only a larger one explores.
    pub fn changes(&self, now: &Baseline, lane: Lane) -> Vec<Change> {
        let mut changes = Vec::new();
        changes.extend(self.changes_of_branches(&now.branches));
        for (cell, before) in &self.entries {
            match now.entries.get(cell) {
                Some(now) => before.changes(now, cell, &mut changes),
                None if before.lane <= lane => changes.push(Change::Gone { cell: cell.clone() }),
                None => {}
            }
        }
        let new = |cell: &String| !self.entries.contains_key(cell);
        for (cell, entry) in now.entries.iter().filter(|(cell, _)| new(cell)) {
            changes.push(Change::New {
                cell: cell.clone(),
                traces: entry.traces,
            });
        }
        changes.sort_by_key(|change| !change.shrinks());
        changes
    }

    /// This one with the figures of a run in a lane; what only a larger lane
    /// explores is kept.
    #[must_use]
    pub fn blessed(mut self, now: Baseline, lane: Lane) -> Baseline {
        self.entries.retain(|_, entry| entry.lane > lane);
        self.entries.extend(now.entries);
        Baseline {
            branches: now.branches,
            entries: self.entries,
        }
    }

    /// How many distinct traces a cell or a control has, if it is there.
    pub fn traces(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|entry| entry.traces)
    }

    /// In what a verdict differs from what is written of a cell or a control.
    pub fn changes_of(&self, name: &str, verdict: &Verdict, lane: Lane) -> Vec<Change> {
        let mut now = Entry::of(verdict, lane);
        let mut changes = Vec::new();
        match self.entries.get(name) {
            Some(before) => {
                // What a control must show no verdict says.
                now.must.clone_from(&before.must);
                before.changes(&now, name, &mut changes);
            }
            None => changes.push(Change::New {
                cell: name.to_owned(),
                traces: now.traces,
            }),
        }
        changes
    }

    /// In what the branches that were taken in the fast lane differ.
    pub fn changes_of_coverage(&self, coverage: &Coverage) -> Vec<Change> {
        let branches = coverage.branches.iter();
        self.changes_of_branches(&branches.map(|branch| branch.name().to_owned()).collect())
    }

    fn changes_of_branches(&self, now: &BTreeSet<String>) -> Vec<Change> {
        let different = self.branches.symmetric_difference(now);
        let change = |branch: &String| Change::Branch {
            branch: branch.clone(),
            taken: now.contains(branch),
        };
        different.map(change).collect()
    }

    /// How many cells and controls it has that this lane explores.
    pub fn len(&self, lane: Lane) -> usize {
        let entries = self.entries.values();
        entries.filter(|entry| entry.lane <= lane).count()
    }
}

impl Entry {
    fn of(verdict: &Verdict, lane: Lane) -> Entry {
        let kinds = verdict.reachable.iter();
        let threads = &verdict
            .cell
            .scenario
            .variant(&verdict.cell.parameters)
            .threads;
        let never_ran = verdict.coverage.never_ran.iter();
        Entry {
            lane,
            traces: verdict.figures.traces(),
            steps: verdict.figures.operations,
            kinds: kinds
                .map(|r| (r.kind.name().to_owned(), r.traces))
                .collect(),
            must: BTreeSet::new(),
            never_ran: never_ran
                .map(|(thread, step)| format!("{}:{}", threads[thread.index()].name, step + 1))
                .collect(),
        }
    }

    fn changes(&self, now: &Entry, cell: &str, changes: &mut Vec<Change>) {
        let cell = cell.to_owned();
        if self.lane != now.lane {
            changes.push(Change::Lane {
                cell: cell.clone(),
                lanes: (self.lane, now.lane),
            });
        }
        for kind in self.must.symmetric_difference(&now.must) {
            changes.push(Change::Demand {
                cell: cell.clone(),
                kind: kind.clone(),
                demanded: now.must.contains(kind),
            });
        }
        if self.traces != now.traces {
            changes.push(Change::Traces {
                cell: cell.clone(),
                traces: (self.traces, now.traces),
            });
        }
        if self.steps != now.steps {
            changes.push(Change::Steps {
                cell: cell.clone(),
                steps: (self.steps, now.steps),
            });
        }
        let kinds: BTreeSet<&String> = self.kinds.keys().chain(now.kinds.keys()).collect();
        for kind in kinds {
            let count = |entry: &Entry| entry.kinds.get(kind).copied().unwrap_or_default();
            let traces = (count(self), count(now));
            if traces.0 != traces.1 {
                let (cell, kind) = (cell.clone(), kind.clone());
                changes.push(Change::Kind { cell, kind, traces });
            }
        }
        for step in self.never_ran.symmetric_difference(&now.never_ran) {
            changes.push(Change::Step {
                cell: cell.clone(),
                step: step.clone(),
                runs: !now.never_ran.contains(step),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(lane: Lane, traces: u64, kinds: &[(&str, u64)], never_ran: &[&str]) -> Entry {
        let kinds = kinds
            .iter()
            .map(|(kind, traces)| ((*kind).to_owned(), *traces));
        Entry {
            lane,
            traces,
            steps: 30,
            kinds: kinds.collect(),
            must: BTreeSet::new(),
            never_ran: never_ran.iter().map(|step| (*step).to_owned()).collect(),
        }
    }

    fn baseline(entries: &[(&str, Entry)]) -> Baseline {
        let entries = entries
            .iter()
            .map(|(cell, entry)| ((*cell).to_owned(), entry.clone()));
        Baseline {
            branches: ["woken".to_owned()].into(),
            entries: entries.collect(),
        }
    }

    fn said(before: &Baseline, now: &Baseline, lane: Lane) -> Vec<String> {
        let changes = before.changes(now, lane);
        changes.iter().map(Change::to_string).collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let before = baseline(&[
            ("s/v1", entry(Lane::Fast, 7, &[("bad-page", 2)], &["B:3"])),
            ("s/v2", entry(Lane::Full, 1, &[], &[])),
        ]);
        let again = Baseline::parse(&before.text()).expect("it is one");
        assert_eq!(again, before);
    }

    #[test]
    fn what_is_no_baseline_is_refused_with_its_line() {
        let text = baseline(&[("s/v1", entry(Lane::Fast, 7, &[], &[]))]).text();
        for (from, to, line) in [
            ("\"baseline\":1", "\"baseline\":2", 1),
            ("\"branches\"", "\"boughs\"", 1),
            ("\"traces\":7", "\"traces\":-7", 2),
            ("\"lane\":\"fast\"", "\"lane\":\"slow\"", 2),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text);
            assert_eq!(Baseline::parse(&changed).expect_err(to).line, line);
        }
        // Nor is what would be read as something else than what stands there.
        for (from, to) in [
            ("\"steps\":30", "\"steps\":30,\"foo\":1"),
            ("\"kinds\":{}", "\"kinds\":{\"bad-page\":9},\"kinds\":{}"),
            ("\"traces\":7", "\"traces\": 7"),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text);
            assert_eq!(Baseline::parse(&changed).expect_err(to).line, 2, "{to}");
        }
        let twice = text.clone() + text.lines().last().expect("two lines");
        assert_eq!(Baseline::parse(&twice).expect_err("twice").line, 3);
        assert_eq!(Baseline::parse("").expect_err("empty").line, 1);
    }

    #[test]
    fn every_figure_counts() {
        let before = baseline(&[("s/v1", entry(Lane::Fast, 7, &[("bad-page", 2)], &["B:3"]))]);
        let now = |entry| said(&before, &baseline(&[("s/v1", entry)]), Lane::Fast);
        let same = entry(Lane::Fast, 7, &[("bad-page", 2)], &["B:3"]);
        assert_eq!(now(same), Vec::<String>::new());
        let more = entry(Lane::Fast, 8, &[("bad-page", 2)], &["B:3"]);
        assert_eq!(now(more), ["s/v1: traces 7 -> 8"]);
        let longer = Entry {
            steps: 31,
            ..entry(Lane::Fast, 7, &[("bad-page", 2)], &["B:3"])
        };
        assert_eq!(now(longer), ["s/v1: longest trace 30 -> 31 steps"]);
        let later = entry(Lane::Full, 7, &[("bad-page", 2)], &["B:3"]);
        let lanes = "s/v1: explored in the fast lane -> the full lane";
        assert_eq!(now(later), [lanes]);
        let demands = Entry {
            must: ["bad-page".to_owned()].into(),
            ..entry(Lane::Fast, 7, &[("bad-page", 2)], &["B:3"])
        };
        assert_eq!(now(demands), ["s/v1: it must now show bad-page"]);
        let other = entry(Lane::Fast, 7, &[("lost-wakeup", 2)], &["B:3"]);
        let kinds = [
            "s/v1: bad-page in 2 -> 0 traces",
            "s/v1: lost-wakeup in 0 -> 2 traces",
        ];
        assert_eq!(now(other), kinds);
        let less = entry(Lane::Fast, 8, &[("bad-page", 2)], &["A:1"]);
        let steps = [
            "s/v1: step A:1 runs no more",
            "s/v1: traces 7 -> 8",
            "s/v1: step B:3 runs now",
        ];
        assert_eq!(now(less), steps);
    }

    #[test]
    fn a_lane_judges_its_own_cells_and_keeps_the_others() {
        let fast = || ("s/v1", entry(Lane::Fast, 7, &[], &[]));
        let full = || ("s/v2", entry(Lane::Full, 9, &[], &[]));
        let before = baseline(&[fast(), full()]);
        let now = baseline(&[("s/v3", entry(Lane::Fast, 1, &[], &[]))]);
        assert_eq!(
            said(&before, &now, Lane::Fast),
            ["s/v1: gone", "s/v3: new, 1 traces"]
        );
        assert_eq!(said(&before, &now, Lane::Full).len(), 3);
        let blessed = before.clone().blessed(now.clone(), Lane::Fast);
        assert_eq!(blessed.entries.keys().collect::<Vec<_>>(), ["s/v2", "s/v3"]);
        let blessed = before.blessed(now, Lane::Full);
        assert_eq!(blessed.entries.keys().collect::<Vec<_>>(), ["s/v3"]);
    }

    #[test]
    fn a_branch_that_is_lost_is_a_loss() {
        let before = baseline(&[]);
        let mut now = before.clone();
        now.branches.clear();
        assert!(before.changes(&now, Lane::Fast)[0].shrinks());
        assert!(!now.changes(&before, Lane::Fast)[0].shrinks());
    }
}
