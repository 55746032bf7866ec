//! The cells that a journal has.

use std::collections::HashMap;
use std::slice;
use std::sync::Arc;

use serde::Deserialize;

use super::JournalError;
use super::lines::{first_line, lines};
use crate::cell::Cell;
use crate::explore::Options;
use crate::report::merge::{Share, Wrong};
use crate::scenario::Scenario;
use crate::verdict::{Status, Verdict};

/// What is kept in a journal.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The verdicts on the cells that were asked for, by their place.
    pub verdicts: HashMap<usize, Verdict>,
    /// How many lines are of other cells.
    pub others: usize,
    /// How many bytes are as they were written; what comes after them is to be
    /// dropped.
    pub whole: usize,
}

/// Which scenario a line is of.
#[derive(Debug, Deserialize)]
struct Named {
    scenario: String,
}

/// What the text of a journal says of these cells, explored in this way.
///
/// # Errors
/// When it is not what a run with these options and scenarios would have
/// written, but for its end.
pub fn read(text: &[u8], cells: &[Cell], options: &Options) -> Result<Kept, JournalError> {
    let found = lines(text, &first_line(options))?;
    let mut kept = Kept {
        whole: found.whole,
        ..Kept::default()
    };
    for (number, line) in (2..).zip(found.cells) {
        let at = |wrong| match wrong {
            Wrong::Text(reason) => JournalError::NoCell {
                line: number,
                reason,
            },
            Wrong::Version(found) => JournalError::OtherVersion { found },
            Wrong::Cell(cell) => JournalError::OtherCell { line: number, cell },
        };
        let Some(share) = share(line, cells).map_err(at)? else {
            kept.others += 1;
            continue;
        };
        if share.shard != options.split.shard || share.findings.status != Status::Complete {
            return Err(at(Wrong::Text("it is of another part of it".to_owned())));
        }
        let mut is_asked = false;
        // Several kernels may do the same.
        for (place, cell) in cells.iter().enumerate() {
            if is_same(cell, &share.cell) {
                is_asked = true;
                kept.verdicts.entry(place).or_insert_with(|| {
                    let (findings, coverage) = (share.findings.clone(), share.coverage.clone());
                    Verdict::new(cell.clone(), options, findings, coverage)
                });
            }
        }
        kept.others += usize::from(!is_asked);
    }
    Ok(kept)
}

/// What a line says; nothing if its scenario is not asked for. Two files may
/// have scenarios of one name.
fn share(line: &str, cells: &[Cell]) -> Result<Option<Share>, Wrong> {
    let named: Named =
        serde_json::from_str(line).map_err(|error| Wrong::Text(error.to_string()))?;
    let mut scenarios: Vec<&Arc<Scenario>> = Vec::new();
    for Cell { scenario, .. } in cells {
        let there = |other: &&Arc<Scenario>| Arc::ptr_eq(other, scenario);
        if scenario.name == named.scenario && !scenarios.iter().any(there) {
            scenarios.push(scenario);
        }
    }
    let mut wrong = None;
    for scenario in scenarios {
        match Share::read(line, slice::from_ref(scenario)) {
            Ok(share) => return Ok(Some(share)),
            Err(error) => wrong = Some(error),
        }
    }
    wrong.map_or(Ok(None), Err)
}

/// Whether two cells are one, however their kernels are called and whatever
/// else is done to get there.
fn is_same(one: &Cell, other: &Cell) -> bool {
    Arc::ptr_eq(&one.scenario, &other.scenario)
        && one.parameters == other.parameters
        && one.kernel.kernel == other.kernel.kernel
}
