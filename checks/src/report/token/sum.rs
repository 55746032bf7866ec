//! The sums in a token: what they are over, and how they are made.

use std::fmt::{self, Write};

use super::runs::digits;
use crate::cell::Cell;
use crate::explore::{Event, Recording};

/// The version of what a step means. To be raised when executions mean
/// something else now, although they are recorded as before.
const MODEL: u32 = 1;

/// How many digits the sums have that are over the cell or the execution.
const SUM: usize = 6;

/// How many digits the sum over the token has.
const CHECK: usize = 4;

/// How many digits the sum over a line of a file has: all 64 bits.
const LINE: usize = 13;

/// The sum over the text of a token.
pub(super) fn check_sum(text: &str) -> String {
    sum_of(text, CHECK)
}

/// The sum over a line of a file, and over what stands before it there. It is
/// as long as sums can be: no change of one byte leaves it as it is.
pub(crate) fn line_sum(before: &str, line: &str) -> String {
    sum_of(format_args!("{before}{line}"), LINE)
}

/// The sum over what is run: how a kernel is called does not matter.
pub(in crate::report) fn cell_sum(cell: &Cell) -> String {
    let variant = cell.scenario.variant(&cell.parameters);
    let mechanisms: Vec<_> = cell.kernel.kernel.choices().collect();
    sum_of(format_args!("{MODEL} {variant:?} {mechanisms:?}"), SUM)
}

/// The sum over what happens.
pub(super) fn execution_sum(recording: &Recording) -> String {
    let lines = recording.events.iter().map(|event| match event {
        Event::Step {
            thread,
            detail,
            wakes,
            sleeps,
            // What was read is in `before`.
            stale: _,
        } => format!(
            "{thread} {} {} {} {:x} {:x} {:x} {wakes:?} {sleeps}\n",
            detail.operation,
            detail.object.field,
            detail.object.owner,
            detail.mask,
            detail.before,
            detail.after,
        ),
        Event::Barrier { thread, name, .. } => format!("{thread} {name}\n"),
        Event::Violation(violation) => format!("{} {}\n", violation.thread, violation.kind),
    });
    sum_of(lines.collect::<String>(), SUM)
}

/// FNV-1a: short, without dependencies, and the same on every machine and in
/// every version, which the hashes of the standard library do not promise.
struct Fnv(u64);

impl Fnv {
    fn new() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }

    /// So many base-32 digits of it.
    fn sum(&self, length: usize) -> String {
        digits(self.0 ^ self.0 >> 32, length)
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

fn sum_of(text: impl fmt::Display, length: usize) -> String {
    let mut fnv = Fnv::new();
    write!(fnv, "{text}").expect("a sum takes any text");
    fnv.sum(length)
}
