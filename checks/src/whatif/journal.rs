//! What an earlier run has found, so that it is not repeated.
//!
//! A journal has a line for each cell that was explored to its end, as
//! `check --format json` prints them, with what a shard's line has beside: the
//! version and the sum over scenario and kernel. What is of another version or
//! another cell is an error; a cell that nobody asks for now is not.

use std::collections::HashMap;
use std::sync::Arc;

use miette::Diagnostic;

use crate::cell::Cell;
use crate::explore::Options;
use crate::report::json::VERSION;
use crate::report::merge::{Share, Wrong};
use crate::scenario::Scenario;
use crate::verdict::{Status, Verdict};

/// Why a journal is not gone on with.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum JournalError {
    /// Not what a run has written.
    #[error("line {line} is no finished cell: {reason}")]
    #[diagnostic(help("the file is not a journal, or was changed; name another one"))]
    NoLine {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Written by another program.
    #[error("line {line} was written by version {found}, and this is {VERSION}")]
    #[diagnostic(help("begin a new journal: verdicts of another version may differ"))]
    OtherVersion {
        /// Its number, from 1.
        line: usize,
        /// The version it is of.
        found: String,
    },
    /// Of another scenario or kernel.
    #[error("line {line}: scenario or kernel of {cell} are not what they are here")]
    #[diagnostic(help(
        "begin a new journal if the scenario was changed; if it is a file of your own, name it \
         again"
    ))]
    OtherCell {
        /// Its number, from 1.
        line: usize,
        /// The cell.
        cell: String,
    },
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The verdicts on the cells that were asked for, by their place.
    pub verdicts: HashMap<usize, Verdict>,
    /// How many lines are of other cells.
    pub others: usize,
}

/// How much of a journal's text was written to the end, in bytes: a run that
/// was killed leaves a torn last line.
pub fn untorn(text: &[u8]) -> usize {
    let newline = text.iter().rposition(|byte| *byte == b'\n');
    newline.map_or(0, |place| place + 1)
}

/// The verdicts on these cells.
///
/// # Errors
/// When a line is not what a run with these scenarios would have written.
pub fn read(
    text: &str,
    cells: &[Cell],
    scenarios: &[Arc<Scenario>],
) -> Result<Journal, JournalError> {
    let places: HashMap<_, usize> = cells.iter().map(key).zip(0..).collect();
    let mut journal = Journal::default();
    for (number, line) in text.lines().enumerate() {
        let at = |wrong| match (number + 1, wrong) {
            (line, Wrong::Text(reason)) => JournalError::NoLine { line, reason },
            (line, Wrong::Version(found)) => JournalError::OtherVersion { line, found },
            (line, Wrong::Cell(cell)) => JournalError::OtherCell { line, cell },
        };
        let share = Share::read(line, scenarios).map_err(at)?;
        if !share.shard.is_whole() || share.findings.status != Status::Complete {
            return Err(at(Wrong::Text("it is only a part of a cell".to_owned())));
        }
        match places.get(&key(&share.cell)) {
            Some(place) => {
                let cell = cells[*place].clone();
                let options = Options::default();
                let verdict = Verdict::new(cell, &options, share.findings, share.coverage);
                journal.verdicts.insert(*place, verdict);
            }
            None => journal.others += 1,
        }
    }
    Ok(journal)
}

/// What a cell is, however its kernel is called and whatever else is done
/// to get there.
fn key(cell: &Cell) -> impl Eq + std::hash::Hash + use<> {
    let scenario = cell.scenario.name.clone();
    (scenario, cell.parameters.clone(), cell.kernel.kernel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::KernelChoice;
    use crate::explore::{Progress, explore};
    use crate::report::json::{CellLine, line};
    use crate::scenario::find_shipped;

    fn cells() -> Vec<Cell> {
        Cell::all_of(&find_shipped("shmem-tail").expect("it is shipped"))
    }

    /// A journal of the first of these cells.
    fn written(cells: &[Cell], count: usize) -> String {
        let explored = cells[..count].iter().map(|cell| {
            let verdict = explore(cell, &Options::default(), &Arc::new(Progress::default()));
            line(&CellLine::kept(&verdict)) + "\n"
        });
        explored.collect()
    }

    fn reread(text: &str, cells: &[Cell]) -> Result<Journal, JournalError> {
        read(text, cells, &[cells[0].scenario.clone()])
    }

    #[test]
    fn what_was_written_comes_back() {
        let cells = cells();
        let journal = reread(&written(&cells, 2), &cells).expect("it is one");
        assert_eq!((journal.verdicts.len(), journal.others), (2, 0));
        for (place, again) in &journal.verdicts {
            let verdict = explore(&cells[*place], &Options::default(), &Arc::default());
            assert!(again.is_exhaustive());
            assert_eq!(again.reachable, verdict.reachable);
            assert_eq!(again.cell.kernel, cells[*place].kernel);
        }
    }

    #[test]
    fn how_a_kernel_is_called_does_not_matter() {
        let cells = cells();
        let text = written(&cells, 1);
        let mut renamed = cells[0].clone();
        renamed.kernel = KernelChoice {
            typed: "v4.19".to_owned(),
            ..renamed.kernel
        };
        let journal = reread(&text, &[renamed]).expect("it is one");
        assert_eq!(journal.verdicts[&0].cell.kernel.typed, "v4.19");
        let journal = reread(&text, &cells[1..]).expect("it is one");
        assert_eq!((journal.verdicts.len(), journal.others), (0, 1));
    }

    #[test]
    fn a_torn_line_is_seen() {
        assert_eq!(untorn(b""), 0);
        assert_eq!(untorn(b"{\"schema\":1,"), 0);
        assert_eq!(untorn(b"{}\n"), 3);
        assert_eq!(untorn(b"{}\n{\"schema\":"), 3);
    }

    #[test]
    fn what_is_of_something_else_is_refused() {
        let cells = cells();
        let text = written(&cells, 1);
        let refused = |from: &str, to: &str| {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            reread(&changed, &cells).expect_err(to)
        };
        type E = JournalError;
        let version = format!("\"version\":\"{VERSION}\"");
        assert!(matches!(
            refused(&version, "\"version\":\"0.0.1\""),
            E::OtherVersion { line: 1, .. }
        ));
        for (from, to) in [
            ("\"cell_sum\":\"", "\"cell_sum\":\"0"),
            ("shmem-tail", "shmem-tali"),
            ("only-head", "skip"),
        ] {
            assert!(matches!(refused(from, to), E::OtherCell { line: 1, .. }));
        }
        for (from, to) in [
            ("\"schema\"", "schema"),
            ("\"shard\":\"1/1\"", "\"shard\":\"1/2\""),
            ("\"complete\"", "\"incomplete\""),
        ] {
            assert!(matches!(refused(from, to), E::NoLine { line: 1, .. }));
        }
    }
}
