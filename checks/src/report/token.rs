//! A witness as a short text, to be kept in a log and replayed.
//!
//! A token is the cell's name, the mechanisms that were changed in its kernel,
//! the version of the format, and the schedule: the number of the thread that
//! takes each step, from 0, with a count where it takes several in a row.
//!
//! ```text
//! writeback-reuse/truncate=wait/v5.9+end-ref=get-page@1:0*12.1*3.0
//! ```

use std::fmt::Write;

use crate::cell::Cell;
use crate::verdict::Witness;

/// The version of the format.
const VERSION: u32 = 1;

/// The token of a witness.
pub fn token(cell: &Cell, witness: &Witness) -> String {
    let mut text = cell.to_string();
    let released = cell.kernel.release.kernel.choices();
    for (choice, released) in cell.kernel.kernel.choices().zip(released) {
        if choice != released {
            push(&mut text, format_args!("+{}={}", choice.0, choice.1));
        }
    }
    push(&mut text, format_args!("@{VERSION}:"));
    for (i, run) in witness.schedule.chunk_by(|a, b| a == b).enumerate() {
        let dot = if i == 0 { "" } else { "." };
        push(&mut text, format_args!("{dot}{}", run[0].0));
        if run.len() > 1 {
            push(&mut text, format_args!("*{}", run.len()));
        }
    }
    text
}

fn push(text: &mut String, piece: std::fmt::Arguments<'_>) {
    text.write_fmt(piece)
        .expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use stalewake_model::mechanism::EndRef;

    use super::*;
    use crate::report::fixture::{cell, witness};

    #[test]
    fn runs_of_one_thread_are_counted() {
        let token = token(&cell(), &witness());
        assert_eq!(token, "writeback-reuse/truncate=wait/v5.9@1:0*3.1.2*2");
    }

    #[test]
    fn a_changed_mechanism_is_part_of_it() {
        let mut cell = cell();
        cell.kernel.kernel.end_ref = EndRef::GetPage;
        let token = token(&cell, &witness());
        assert!(
            token.starts_with("writeback-reuse/truncate=wait/v5.9+end-ref=get-page@1:"),
            "{token}"
        );
    }
}
