//! A JUnit report: a test suite for each scenario, a test case for each cell.
//!
//! A test case passes only where its cell is as expected. What was not judged,
//! because nothing is expected or only a shard was explored, is skipped; what a
//! budget has cut short, or what broke down, is an error. So the report is
//! green exactly if the exit code is 0. The format is the one that Jenkins
//! reads, as [`quick_junit`] writes it.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::coverage::vacuous;
use super::summary::{facts, how_to_see};
use super::{Checked, wrap};
use crate::verdict::{Status, Verdict};

/// How wide the prose in a report is.
const WIDTH: usize = 80;

/// A test case beside those of the cells.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its suite.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// What has become of it.
    pub ended: Ended,
}

/// What has become of such a test case.
#[derive(Clone, Debug)]
pub enum Ended {
    /// It passes.
    Passed,
    /// It fails: why, in short and in full.
    Failed(String, String),
    /// Nobody can say, for what it is about was not explored to its end.
    NotJudged,
}

/// The report on all cells, as XML.
pub fn junit(checked: &[Checked]) -> String {
    junit_with(checked, &[])
}

/// The report on all cells, with other test cases beside them.
pub fn junit_with(checked: &[Checked], others: &[Case]) -> String {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for one in checked {
        let name = one.verdict.cell.scenario.name.as_str();
        let suite = suites.entry(name).or_insert_with(|| TestSuite::new(name));
        suite.add_test_case(test_case(one));
    }
    let mut report = Report::new("stalewake");
    report.add_test_suites(suites.into_values());
    let never_ran = vacuous(checked);
    if !never_ran.is_empty() {
        let mut suite = TestSuite::new("every step runs");
        for step in never_ran {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message("a step never ran");
            suite.add_test_case(TestCase::new(step.to_string(), status));
        }
        report.add_test_suite(suite);
    }
    for suite in others.chunk_by(|one, next| one.suite == next.suite) {
        let mut cases = TestSuite::new(suite[0].suite.as_str());
        cases.add_test_cases(suite.iter().map(other));
        report.add_test_suite(cases);
    }
    report
        .to_string()
        .expect("the text is UTF-8, and memory can be written to")
}

fn other(case: &Case) -> TestCase {
    let status = match &case.ended {
        Ended::Passed => TestCaseStatus::success(),
        Ended::NotJudged => incomplete("what it is about was not explored to its end"),
        Ended::Failed(message, text) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(message.as_str())
                .set_description(text.as_str());
            status
        }
    };
    TestCase::new(case.name.as_str(), status)
}

fn test_case(checked: &Checked) -> TestCase {
    let verdict = &checked.verdict;
    let mut case = TestCase::new(verdict.cell.to_string(), status(checked));
    case.set_classname(verdict.cell.scenario.name.as_str());
    case.set_time(verdict.figures.elapsed);
    if !verdict.is_exhaustive() {
        case.set_system_out("NOT exhaustive: what was not seen may still happen.");
    }
    case
}

fn status(checked: &Checked) -> TestCaseStatus {
    let verdict = &checked.verdict;
    if let Status::Error(reason) = &verdict.status {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("broken-down").set_message(reason.as_str());
        return status;
    }
    if checked.differs() {
        return failure(checked);
    }
    if verdict.status == Status::Incomplete {
        return incomplete("a budget ran out or the run was ended");
    }
    match not_judged(verdict) {
        Some(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
        None => TestCaseStatus::success(),
    }
}

fn incomplete(why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("incomplete").set_message(why);
    status
}

fn not_judged(verdict: &Verdict) -> Option<String> {
    match &verdict.expected {
        None => Some("nothing is expected of this cell".to_owned()),
        Some(_) if !verdict.shard.is_whole() => Some(format!(
            "only shard {}: `stalewake merge` has a verdict",
            verdict.shard
        )),
        Some(_) => None,
    }
}

fn failure(checked: &Checked) -> TestCaseStatus {
    let facts = facts(checked);
    let (what, kinds) = &facts[0];
    let prose = facts
        .iter()
        .flat_map(|(what, fact)| wrap(&format!("{what}: {fact}"), WIDTH, 4));
    // A command is kept on one line, so that it can be copied.
    let lines: Vec<String> = prose.chain([how_to_see(checked)]).collect();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_type("differs")
        .set_message(format!("{what}: {kinds}"))
        .set_description(lines.join("\n"));
    status
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};
    use stalewake_model::violation::Kind::{BadPage, StaleWakeup};

    use super::*;
    use crate::explore::Shard;
    use crate::report::fixture::verdict;

    /// What stands in the one test case, and with which message.
    fn outcome(verdict: Verdict) -> Option<(String, String)> {
        let explain = "stalewake explain x".to_owned();
        let text = junit(&[Checked { verdict, explain }]);
        let document = Document::parse(&text).expect("it is XML");
        let mut cases = document
            .descendants()
            .filter(|n| n.has_tag_name("testcase"));
        let case = cases.next().expect("there is one cell");
        assert!(cases.next().is_none(), "{text}");
        let told = |node: Node<'_, '_>| {
            let message = node.attribute("message").unwrap_or_default();
            (node.tag_name().name().to_owned(), message.to_owned())
        };
        let mut outcomes = case
            .children()
            .filter(|node| node.is_element() && !node.has_tag_name("system-out"));
        outcomes.next().map(told)
    }

    fn tag(verdict: Verdict) -> String {
        outcome(verdict).map_or("pass".to_owned(), |(tag, _)| tag)
    }

    #[test]
    fn only_what_is_as_expected_passes() {
        let good = || verdict(&[BadPage], &[BadPage]);
        assert_eq!(tag(good()), "pass");
        assert_eq!(tag(verdict(&[BadPage], &[])), "failure");
        assert_eq!(tag(verdict(&[], &[BadPage])), "failure");
        let status = Status::Incomplete;
        assert_eq!(tag(Verdict { status, ..good() }), "error");
        let status = Status::Error("too long".to_owned());
        assert_eq!(tag(Verdict { status, ..good() }), "error");
        let expected = None;
        assert_eq!(tag(Verdict { expected, ..good() }), "skipped");
        let shard = "1/2".parse::<Shard>().expect("a shard");
        assert_eq!(tag(Verdict { shard, ..good() }), "skipped");
    }

    #[test]
    fn a_failure_says_what_differs() {
        let (_, message) = outcome(verdict(&[BadPage, StaleWakeup], &[StaleWakeup])).expect("one");
        assert_eq!(message, "found, not expected: bad-page (fatal)");
    }

    #[test]
    fn texts_of_files_are_text() {
        let status = Status::Error("]]> <b> & \" \u{1b}".to_owned());
        let hostile = Verdict {
            status,
            ..verdict(&[], &[])
        };
        let (tag, message) = outcome(hostile).expect("an error");
        assert_eq!(tag, "error");
        assert!(message.starts_with("]]> <b> & \""), "{message}");
    }
}
