//! What is said beside the answer.

use std::fmt::Display;
use std::io::Write;

/// Writes a line to standard error. Where that cannot be written to nobody
/// listens, and the answer and the exit code are what they are: `eprintln!`
/// would panic.
pub fn aside(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
