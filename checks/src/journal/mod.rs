//! What a run has finished, in a file, so that no run repeats it.
//!
//! A journal is text. Its first line says what it is:
//!
//! ```text
//! {"stalewake_journal":1,"version":"0.1.0+…","options":"--bound 2","sum":"…"}
//! ```
//!
//! the version of the format, that of the program with a sum over its sources,
//! and the options that decide what a search finds. After it comes a line for each cell that was explored
//! to its end, as `check --format json` prints it, with what the line of a
//! shard has beside.
//!
//! Every line ends with a sum over the line before and over the first line, so
//! that nothing is taken that was not written there, in one piece. A last line
//! that is cut off or wrong is what a killed run leaves behind: it is dropped,
//! and its cell explored again. Anything else that is wrong is an error, and
//! the file is left as it is.
//!
//! | module | what it knows |
//! |---|---|
//! | `lines` | how a line is written, and what is wrong with a text |
//! | `cells` | which cells the lines are about |
//! | `file` | who may write, and that what was written is on the disk |

mod cells;
mod error;
mod file;
mod lines;
#[cfg(test)]
mod tests;

pub use cells::{Kept, read};
pub use error::JournalError;
pub use file::JournalFile;
pub use lines::{cell_line, first_line};
