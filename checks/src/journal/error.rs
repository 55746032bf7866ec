//! Why a journal is not gone on with.

use std::io;

use miette::Diagnostic;

use super::file::LARGEST;
use super::lines::FORMAT;
use crate::report::json::VERSION;

/// Why a journal is not gone on with. But for [`JournalError::Write`] the file
/// is as it was.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum JournalError {
    /// Something else is in the file.
    #[error("it is no journal")]
    #[diagnostic(help(
        "name a file that is not there yet, or is empty, or that a run with --resume has written"
    ))]
    NoJournal,
    /// Nothing that can be read again.
    #[error("it is no regular file")]
    #[diagnostic(help("what was written must be there to be read by the next run"))]
    NoFile,
    /// Of another version of the format.
    #[error("its format is version {found}, and this program writes version {FORMAT}")]
    #[diagnostic(help("name another file: it will be a new journal"))]
    OtherFormat {
        /// The version it is of.
        found: u32,
    },
    /// Written by another program.
    #[error("it was written by version {found}, and this is {VERSION}")]
    #[diagnostic(help("name another file: verdicts of another version may differ"))]
    OtherVersion {
        /// The version it is of.
        found: String,
    },
    /// Written by a run that searched in another way.
    #[error("it was written {}, and this run is {}", options(.found), options(.asked))]
    #[diagnostic(help("give the options that it was written with, or name another file"))]
    OtherOptions {
        /// The options it was written with.
        found: String,
        /// Those of this run.
        asked: String,
    },
    /// Not as it was written.
    #[error("line {line} is damaged: its sum is wrong")]
    #[diagnostic(help(
        "name another file; or, if it is not the first, delete that line, and its cell is explored \
         again. Only a last line may be cut off"
    ))]
    Damaged {
        /// Its number, from 1.
        line: usize,
    },
    /// As it was written, and still not what is expected.
    #[error("line {line} is no finished cell: {reason}")]
    #[diagnostic(help("name another file: this one was not written by a run like this"))]
    NoCell {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Of another scenario or kernel.
    #[error("line {line}: scenario or kernel of {cell} are not what they are here")]
    #[diagnostic(help("the scenario was changed since: name another file"))]
    OtherCell {
        /// Its number, from 1.
        line: usize,
        /// The cell.
        cell: String,
    },
    /// Another run has it.
    #[error("another run is writing to it{}", .by.map_or(String::new(), |id| format!(": process {id}")))]
    #[diagnostic(help("wait for that run to end, or name another file"))]
    InUse {
        /// The number of its process, where the system tells.
        by: Option<u32>,
    },
    /// It cannot be opened or read.
    #[error("it cannot be opened and read")]
    #[diagnostic(help("the directory must be there, and the file be writable"))]
    Open(#[source] io::Error),
    /// Larger than any journal.
    #[error("it is larger than {} MiB", LARGEST >> 20)]
    #[diagnostic(help("name another file: no run has written as much as that"))]
    TooLarge,
    /// As large as a journal can be.
    #[error("it is full: it would be larger than {} MiB", LARGEST >> 20)]
    #[diagnostic(help(
        "what it had before is still in it; split the run, by its scenarios for one, and give each \
         part a journal of its own"
    ))]
    Full,
    /// Somebody has removed or replaced the file.
    #[error("it was removed, replaced or cut while the run went on")]
    #[diagnostic(help(
        "what was finished is where that file is now; if it is nowhere, start again"
    ))]
    Gone,
    /// It cannot be written to.
    #[error("it cannot be written to")]
    #[diagnostic(help("what it had before is still in it"))]
    Write(#[source] io::Error),
}

fn options(options: &str) -> String {
    match options {
        "" => "without options that change the search".to_owned(),
        options => format!("with {options}"),
    }
}
