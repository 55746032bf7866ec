//! What a verdict means for whoever waits for the answer.

use stalewake_model::violation::Kind;

use super::coverage::vacuous;
use crate::verdict::{Status, Verdict};

/// A verdict, and how to see it happen.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What was found.
    pub verdict: Verdict,
    /// The command that explains the cell.
    pub explain: String,
}

/// What many verdicts come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Everything is as expected, or nothing was expected.
    AsExpected,
    /// A budget ran out, and what was found until then is no difference.
    Incomplete,
    /// Something differs from what was expected, an exploration broke down, or
    /// a step of a scenario never ran.
    Differs,
}

impl Outcome {
    /// What all of `checked` come to.
    pub fn of(checked: &[Checked]) -> Outcome {
        let vacuous = (!vacuous(checked).is_empty()).then_some(Outcome::Differs);
        let all = checked.iter().map(Checked::outcome);
        all.chain(vacuous).max().unwrap_or(Outcome::AsExpected)
    }

    /// The exit code of the command.
    pub const fn code(self) -> u8 {
        match self {
            Outcome::AsExpected => 0,
            Outcome::Differs => 1,
            Outcome::Incomplete => 3,
        }
    }
}

impl Checked {
    /// The kinds that were found and not expected.
    pub fn unexpected(&self) -> Vec<Kind> {
        let Some(expected) = &self.verdict.expected else {
            return Vec::new();
        };
        self.verdict
            .kinds()
            .difference(&expected.kinds)
            .copied()
            .collect()
    }

    /// The kinds that were expected and not found. An exploration that ran out
    /// of its budget, or a part of one, says nothing about what it has not
    /// found.
    pub fn missing(&self) -> Vec<Kind> {
        match &self.verdict.expected {
            Some(expected)
                if self.verdict.status == Status::Complete && self.verdict.shard.is_whole() =>
            {
                expected
                    .kinds
                    .difference(&self.verdict.kinds())
                    .copied()
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether something else was found than was expected.
    pub fn differs(&self) -> bool {
        !self.unexpected().is_empty() || !self.missing().is_empty()
    }

    fn outcome(&self) -> Outcome {
        match self.verdict.status {
            Status::Error(_) => Outcome::Differs,
            _ if self.differs() => Outcome::Differs,
            Status::Incomplete => Outcome::Incomplete,
            Status::Complete => Outcome::AsExpected,
        }
    }
}

#[cfg(test)]
mod tests {
    use stalewake_model::violation::Kind::{BadPage, StaleWakeup};

    use super::*;
    use crate::report::fixture::verdict;

    fn outcome(verdict: Verdict) -> Outcome {
        Outcome::of(&[Checked {
            verdict,
            explain: String::new(),
        }])
    }

    #[test]
    fn a_difference_counts_in_both_directions() {
        assert_eq!(
            outcome(verdict(&[BadPage], &[BadPage])),
            Outcome::AsExpected
        );
        assert_eq!(outcome(verdict(&[BadPage], &[])), Outcome::Differs);
        assert_eq!(outcome(verdict(&[], &[BadPage])), Outcome::Differs);
        assert_eq!(outcome(verdict(&[StaleWakeup], &[])), Outcome::Differs);
    }

    #[test]
    fn what_an_unfinished_search_has_not_found_is_no_difference() {
        let unfinished = |found, expected| {
            outcome(Verdict {
                status: Status::Incomplete,
                ..verdict(found, expected)
            })
        };
        assert_eq!(unfinished(&[], &[BadPage]), Outcome::Incomplete);
        assert_eq!(unfinished(&[BadPage], &[]), Outcome::Differs);
    }

    #[test]
    fn a_breakdown_is_never_as_expected() {
        let status = Status::Error("too long".to_owned());
        assert_eq!(
            outcome(Verdict {
                status,
                ..verdict(&[], &[])
            }),
            Outcome::Differs
        );
    }

    #[test]
    fn the_worst_cell_decides() {
        let checked = |verdict| Checked {
            verdict,
            explain: String::new(),
        };
        let all = [
            checked(verdict(&[], &[])),
            checked(Verdict {
                status: Status::Incomplete,
                ..verdict(&[], &[])
            }),
            checked(verdict(&[BadPage], &[])),
        ];
        assert_eq!(Outcome::of(&all).code(), 1);
        assert_eq!(Outcome::of(&all[..2]).code(), 3);
        assert_eq!(Outcome::of(&all[..1]).code(), 0);
    }
}
