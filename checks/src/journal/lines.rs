//! The lines of a journal.

use serde::{Deserialize, Serialize};

use super::JournalError;
use crate::explore::Options;
use crate::report::json::{CellLine, VERSION, line};
use crate::report::seal::{is_sealed, sealed};
use crate::verdict::{Search, Verdict};

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

/// How every journal begins, whatever its version.
const BEGIN: &str = "{\"stalewake_journal\":";

/// The first line, without its sum.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    stalewake_journal: u32,
    version: String,
    /// As they are typed.
    options: String,
}

/// The first line of the journal of a run with these options.
pub fn first_line(options: &Options) -> String {
    let head = Head {
        stalewake_journal: FORMAT,
        version: VERSION.to_owned(),
        options: typed(options),
    };
    sealed("", &line(&head)) + "\n"
}

/// The line of a finished cell, in a journal with this first line.
pub fn cell_line(first_line: &str, verdict: &Verdict) -> String {
    sealed(first_line, &line(&CellLine::kept(verdict))) + "\n"
}

/// What decides what a search finds, and which part of it is searched.
fn typed(options: &Options) -> String {
    let mut typed = Vec::new();
    match options.search {
        Search::Reduced | Search::Bounded(_) => {}
        Search::Plain => typed.push("--no-reduction".to_owned()),
        Search::Weak { .. } => typed.push("--memory c11".to_owned()),
    }
    if let Some(bound) = options.search.bound() {
        typed.push(format!("--bound {bound}"));
    }
    if let Search::Weak {
        companions: true, ..
    } = options.search
    {
        typed.push("--companions".to_owned());
    }
    if !options.split.shard.is_whole() {
        typed.push(format!("--shard {}", options.split.shard));
    }
    typed.join(" ")
}

/// A line that is as it was written, to its end.
fn whole<'l>(first_line: &str, line: &'l [u8]) -> Option<&'l str> {
    let line = str::from_utf8(line).ok()?;
    is_sealed(first_line, line.strip_suffix('\n')?).then_some(line)
}

/// What is whole of a journal.
#[derive(Debug, Default)]
pub(super) struct Lines<'t> {
    /// The lines of cells.
    pub(super) cells: Vec<&'t str>,
    /// How many bytes these and the first line are; none if there is nothing.
    pub(super) whole: usize,
}

/// Takes a text apart that a run with this first line has written, as far as it
/// came.
///
/// # Errors
/// When more is wrong with it than that its end is missing.
pub(super) fn lines<'t>(text: &'t [u8], first_line: &str) -> Result<Lines<'t>, JournalError> {
    let mut all = text.split_inclusive(|byte| *byte == b'\n');
    let first = all.next().unwrap_or_default();
    if !is_whole(first)? {
        return Ok(Lines::default());
    }
    is_expected(first, first_line)?;
    let mut found = Lines {
        cells: Vec::new(),
        whole: first.len(),
    };
    for (number, line) in (2..).zip(all) {
        let end = found.whole + line.len();
        match whole(first_line, line) {
            Some(cell) => found.cells.push(cell),
            // The run that wrote it was killed over it.
            None if end == text.len() => break,
            None => return Err(JournalError::Damaged { line: number }),
        }
        found.whole = end;
    }
    Ok(found)
}

/// Whether the first line was written to its end. Anything that does not even
/// begin as one belongs to somebody else.
fn is_whole(first: &[u8]) -> Result<bool, JournalError> {
    let is_cut_off = !first.ends_with(b"\n");
    let Some(rest) = first.strip_prefix(BEGIN.as_bytes()) else {
        return match BEGIN.as_bytes().starts_with(first) {
            true => Ok(false),
            false => Err(JournalError::NoJournal),
        };
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == rest.len() {
        return Ok(false);
    }
    let found = str::from_utf8(&rest[..digits]).ok();
    match found.and_then(|digits| digits.parse().ok()) {
        Some(FORMAT) => Ok(!is_cut_off),
        Some(found) => Err(JournalError::OtherFormat { found }),
        None => Err(JournalError::NoJournal),
    }
}

/// Whether a first line is this one.
fn is_expected(first: &[u8], expected: &str) -> Result<(), JournalError> {
    let damaged = || JournalError::Damaged { line: 1 };
    let found = whole("", first).ok_or_else(damaged)?;
    let head: Head = serde_json::from_str(found).map_err(|_| damaged())?;
    if head.version != VERSION {
        let found = head.version;
        return Err(JournalError::OtherVersion { found });
    }
    if found != expected {
        let asked: Head = serde_json::from_str(expected).map_err(|_| damaged())?;
        return Err(JournalError::OtherOptions {
            found: head.options,
            asked: asked.options,
        });
    }
    Ok(())
}
