//! What a worker says on standard error when it dies: why.

use std::io::{self, Read};
use std::thread::{Builder, JoinHandle};

use crate::printable;

/// How much of it is kept, in bytes: the reason comes first, and then where the
/// program was.
const KEPT: u64 = 4096;

/// How many lines say why, and how many characters.
const LINES: usize = 2;
const CHARACTERS: usize = 300;

/// What Rust begins to say where the program was with, and how to learn more.
const PLACE: &str = "stack backtrace:";
const NOTE: &str = "note: ";

/// Listens to a worker, so that it can always go on.
#[derive(Debug)]
pub(super) struct Complaint(JoinHandle<String>);

impl Complaint {
    /// Listens from now on.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn of(mut stderr: impl Read + Send + 'static) -> io::Result<Complaint> {
        let listen = move || {
            let mut said = Vec::new();
            // What cannot be read is not said.
            let _ = stderr.by_ref().take(KEPT).read_to_end(&mut said);
            let _ = io::copy(&mut stderr, &mut io::sink());
            reason(&String::from_utf8_lossy(&said))
        };
        Builder::new().spawn(listen).map(Complaint)
    }

    /// What it said, if anything: waits until it can say nothing more.
    pub(super) fn reason(self) -> Option<String> {
        let said = self.0.join().unwrap_or_default();
        (!said.is_empty()).then_some(said)
    }
}

fn reason(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let why = lines.take_while(|line| !line.starts_with(PLACE) && !line.starts_with(NOTE));
    let first: Vec<_> = why.take(LINES).map(without_thread).collect();
    printable(&first.join(" "), CHARACTERS)
}

/// What Rust says of a thread, without the name and the number of the thread,
/// which is another one every time.
fn without_thread(line: &str) -> &str {
    let of_thread = line.strip_prefix("thread '");
    let number = of_thread.and_then(|rest| rest.split_once("' ("));
    let said = number.and_then(|(_, rest)| rest.split_once(") "));
    said.map_or(line, |(_, said)| said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_comes_first_and_the_rest_is_heard_out() {
        let stack = "   7: stalewake::main\n".repeat(100_000);
        let panic =
            format!("\nthread 'main' (12) panicked at here:1:2:\nit \u{1b}[2J\nnote\n{stack}");
        let complaint = Complaint::of(io::Cursor::new(panic)).expect("there are threads");
        let reason = complaint.reason().expect("it said something");
        assert_eq!(reason, "panicked at here:1:2: it ?[2J");
    }

    #[test]
    fn where_it_was_is_no_reason() {
        for more in [
            "stack backtrace:\n 0: main",
            "note: run with RUST_BACKTRACE=1",
        ] {
            let said = format!("out of memory\n{more}\n");
            assert_eq!(reason(&said), "out of memory");
        }
    }

    #[test]
    fn who_says_nothing_has_no_reason() {
        for nothing in ["", "\n \n"] {
            let complaint = Complaint::of(nothing.as_bytes()).expect("there are threads");
            assert_eq!(complaint.reason(), None);
        }
    }
}
