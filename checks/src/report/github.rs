//! Annotations for GitHub: what differs, shown at the line of the scenario
//! file that expects something else.
//!
//! The form is that of GitHub's "Workflow commands for GitHub Actions"; its
//! runner (`actions/toolkit`, `packages/core/src/command.ts`) says what is
//! escaped.

use std::fmt::Write;

use super::Checked;
use super::coverage::vacuous;
use super::summary::{facts, how_to_see};
use crate::verdict::Status;

/// One line for each cell that is not as expected; no line if all are.
pub fn annotations(checked: &[Checked]) -> String {
    let mut text: String = checked.iter().filter_map(annotation).collect();
    for step in vacuous(checked) {
        let message = data(&step.to_string());
        writeln!(text, "::error title=a step never ran::{message}")
            .expect("a string can be written to");
    }
    text
}

fn annotation(checked: &Checked) -> Option<String> {
    let verdict = &checked.verdict;
    let (level, what) = match &verdict.status {
        Status::Error(reason) => ("error", format!("broke down: {reason}")),
        _ if checked.differs() => ("error", difference(checked)),
        Status::Incomplete => (
            "warning",
            "incomplete: a budget ran out or the run was ended".to_owned(),
        ),
        Status::Complete => return None,
    };
    let cell = &verdict.cell;
    let file = &cell.scenario.file;
    // GitHub takes a path as it stands in the repository.
    let file = property(file.strip_prefix("./").unwrap_or(file));
    let line = cell
        .scenario
        .line_of(&cell.parameters, cell.kernel.release)
        .filter(|_| verdict.expected.is_some())
        .map_or(String::new(), |line| format!("line={line},"));
    let title = property(&cell.to_string());
    let message = data(&what);
    Some(format!(
        "::{level} file={file},{line}title={title}::{message}\n"
    ))
}

fn difference(checked: &Checked) -> String {
    let facts = facts(checked).into_iter();
    let lines = facts.map(|(what, fact)| format!("{what}: {fact}"));
    let lines: Vec<String> = lines.chain([how_to_see(checked)]).collect();
    lines.join("\n")
}

/// A text as the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A text as a property of a command, in which two more characters end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use stalewake_model::violation::Kind::{BadPage, StaleWakeup};

    use super::*;
    use crate::report::fixture::verdict;
    use crate::verdict::Verdict;

    fn annotated(verdict: Verdict) -> String {
        let explain = "stalewake explain x".to_owned();
        annotations(&[Checked { verdict, explain }])
    }

    #[test]
    fn what_is_as_expected_is_not_annotated() {
        assert_eq!(annotated(verdict(&[BadPage], &[BadPage])), "");
    }

    #[test]
    fn a_difference_stands_at_the_line_that_expects_something_else() {
        let text = annotated(verdict(&[BadPage], &[StaleWakeup]));
        let found = verdict(&[], &[]).cell;
        let line = found
            .scenario
            .line_of(&found.parameters, found.kernel.release)
            .expect("v5.9 is in that file");
        let of_file = found.scenario.text.lines().nth(line - 1).expect("a line");
        assert!(of_file.contains("v5.9"), "{of_file}");
        let start = format!("::error file=scenarios/writeback-reuse.toml,line={line},title=");
        assert!(text.starts_with(&start), "{text}");
        assert!(
            text.contains("%0Astalewake explain x --kind bad-page"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn no_text_can_start_a_command_of_its_own() {
        let status = Status::Error("100%\r\n::add-mask::x".to_owned());
        let mut hostile = Verdict {
            status,
            ..verdict(&[], &[])
        };
        let scenario = std::sync::Arc::make_mut(&mut hostile.cell.scenario);
        scenario.file = "./a,b:c%/x.toml".to_owned();
        let text = annotated(hostile);
        assert!(
            text.starts_with("::error file=a%2Cb%3Ac%25/x.toml,line="),
            "{text}"
        );
        assert!(
            text.ends_with("::broke down: 100%25%0D%0A::add-mask::x\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn what_was_not_finished_is_a_warning() {
        let status = Status::Incomplete;
        let text = annotated(Verdict {
            status,
            ..verdict(&[], &[BadPage])
        });
        assert!(text.starts_with("::warning file="), "{text}");
    }
}
