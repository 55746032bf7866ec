//! A summary in Markdown, as the page of a job shows it: what differs first,
//! then a word for each cell.

use std::fmt::Write;
use std::time::Duration;

use super::coverage::vacuous;
use super::summary::{assumptions, facts, how_to_see};
use super::table::{kernels, marked, word};
use super::{Checked, Outcome, counted};
use crate::verdict::Status;

/// The summary of all cells; how long they took is said in it.
pub fn markdown(checked: &[Checked], elapsed: Duration) -> String {
    let is_asked = checked.iter().any(|one| one.verdict.expected.is_some());
    let verdict = match Outcome::of(checked) {
        Outcome::AsExpected if is_asked => "nothing differs",
        Outcome::AsExpected => "nothing is expected",
        Outcome::Incomplete => "incomplete",
        Outcome::Differs => "something differs",
    };
    let mut text = format!("## stalewake: {verdict}\n\n");
    for one in checked {
        text += &about(one);
    }
    for step in vacuous(checked) {
        writeln!(text, "    {step}\n").expect(STRING);
    }
    text += &matrix(checked);
    text += "\n";
    for assumption in assumptions(checked) {
        writeln!(text, "{}\n", plain(&assumption)).expect(STRING);
    }
    let executions: u64 = checked.iter().map(|c| c.verdict.figures.executions).sum();
    let seconds = elapsed.as_secs_f64();
    let cells = counted(checked.len() as u64, "cell");
    let executions = counted(executions, "execution");
    writeln!(text, "{cells}, {executions}, {seconds:.1} s.").expect(STRING);
    text
}

/// Why writing into a string cannot fail.
const STRING: &str = "a string can be written to";

/// What is not as expected in a cell, and how to see it. Every line of it is
/// indented, so that nothing in a text is taken for Markdown.
fn about(checked: &Checked) -> String {
    let verdict = &checked.verdict;
    let mut lines = Vec::new();
    if let Status::Error(reason) = &verdict.status {
        lines.push(format!("broke down: {reason}"));
    }
    if checked.differs() {
        let facts = facts(checked).into_iter();
        lines.extend(facts.map(|(what, fact)| format!("{what}: {fact}")));
        lines.push(how_to_see(checked));
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("### {}\n\n", plain(&verdict.cell.to_string()));
    for line in lines.iter().flat_map(|line| line.lines()) {
        writeln!(text, "    {line}").expect(STRING);
    }
    text + "\n"
}

/// A row for each scenario and choice of parameters, a column for each kernel.
fn matrix(checked: &[Checked]) -> String {
    let kernels = kernels(checked);
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut head = vec!["scenario".to_owned()];
    head.extend(kernels.iter().map(|kernel| plain(kernel)));
    let mut text = row(&head) + &row(&vec!["---".to_owned(); head.len()]);
    let same_row = |a: &Checked, b: &Checked| {
        let (a, b) = (&a.verdict.cell, &b.verdict.cell);
        a.scenario.name == b.scenario.name && a.parameters == b.parameters
    };
    for block in checked.chunk_by(same_row) {
        let cell = &block[0].verdict.cell;
        let mut label = cell.scenario.name.clone();
        for (name, value) in &cell.parameters {
            write!(label, " {name}={value}").expect(STRING);
        }
        let mut cells = vec![plain(&label)];
        cells.extend(kernels.iter().map(|kernel| {
            let mut of_kernel = block.iter();
            let one = of_kernel.find(|one| one.verdict.cell.kernel.to_string() == *kernel);
            one.map_or(String::new(), entry)
        }));
        text += &row(&cells);
    }
    text
}

/// A word on a cell, in bold where something differs.
fn entry(checked: &Checked) -> String {
    let verdict = &checked.verdict;
    let (_, word) = word(verdict);
    let text = marked(word, checked.differs());
    match (checked.differs(), verdict.is_exhaustive()) {
        (true, _) => format!("**{text}**"),
        (false, true) => text,
        (false, false) => format!("{text} (not exhaustive)"),
    }
}

/// A text in which nothing is Markdown or HTML.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_[]<>|&#~".contains(c) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use stalewake_model::violation::Kind::{BadPage, StaleWakeup};

    use super::*;
    use crate::report::fixture::verdict;
    use crate::verdict::Verdict;

    fn summary(verdict: Verdict) -> String {
        let explain = "stalewake explain x".to_owned();
        markdown(&[Checked { verdict, explain }], Duration::from_secs(2))
    }

    #[test]
    fn what_differs_comes_before_the_matrix() {
        let text = summary(verdict(&[BadPage], &[StaleWakeup]));
        assert!(
            text.starts_with("## stalewake: something differs\n"),
            "{text}"
        );
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
        let command = place("\n    stalewake explain x --kind bad-page\n");
        assert!(place("found, not expected: bad-page") < command);
        assert!(command < place("| scenario | v5.9 |"));
        assert!(
            text.contains("| writeback-reuse truncate=wait | **FATAL ≠** |"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_exhaustive_says_so_at_its_cell() {
        let exhaustive = summary(verdict(&[], &[]));
        assert!(exhaustive.contains("| holds |\n"), "{exhaustive}");
        let unfinished = summary(Verdict {
            status: Status::Incomplete,
            ..verdict(&[], &[])
        });
        assert!(
            unfinished.starts_with("## stalewake: incomplete\n"),
            "{unfinished}"
        );
        assert!(
            unfinished.contains("| open (not exhaustive) |\n"),
            "{unfinished}"
        );
        assert!(unfinished.contains("NOT exhaustive"), "{unfinished}");
    }

    #[test]
    fn texts_of_files_are_text() {
        let text = summary(Verdict {
            status: Status::Error("<script>\n# x".to_owned()),
            ..verdict(&[], &[])
        });
        assert!(
            text.contains("\n    broke down: <script>\n    # x\n"),
            "{text}"
        );
        assert_eq!(plain("a|<b>"), "a\\|\\<b\\>");
    }
}
