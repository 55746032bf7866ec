//! What continuous integration reads of a judgement.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use super::{Failure, Judgement, Net, Run};
use crate::report::Style;
use crate::report::junit::{Case, Ended, junit_with};
use crate::report::markdown::markdown;

/// The cells, the controls, and what else was caught, as JUnit.
pub fn junit(run: &Run, judgement: &Judgement) -> String {
    // The first of each name: a baseline may have any number of lines.
    let mut failures: BTreeMap<(Net, &str), &Failure> = BTreeMap::new();
    for failure in &judgement.failures {
        let named = (failure.net, &*failure.what);
        failures.entry(named).or_insert(failure);
    }
    let case = |net: Net, name: String, is_judged: bool| {
        let failure = failures.get(&(net, &*name));
        Case {
            suite: net.name().to_owned(),
            ended: match failure {
                Some(failure) => {
                    Ended::Failed(failure.reasons.join("; "), failure.text(Style::PLAIN))
                }
                None if is_judged => Ended::Passed,
                None => Ended::NotJudged,
            },
            name,
        }
    };
    let tried = run.tried.iter();
    let controls =
        tried.map(|tried| case(Net::Controls, tried.name(), tried.verdict.is_exhaustive()));
    let mut cases: Vec<Case> = controls.collect();
    let named: BTreeSet<String> = cases.iter().map(|case| case.name.clone()).collect();
    for net in [Net::Controls, Net::Coverage, Net::Baseline] {
        let of_net = judgement
            .failures
            .iter()
            .filter(|failure| failure.net == net);
        let is_told = |what: &String| net == Net::Controls && named.contains(what);
        let others = of_net.map(|failure| failure.what.clone());
        let mut others: Vec<String> = others.filter(|what| !is_told(what)).collect();
        others.dedup();
        if others.is_empty() && net != Net::Controls {
            others.push("nothing has changed".to_owned());
        }
        let others = others.into_iter();
        cases.extend(others.map(|what| case(net, what, judgement.is_complete)));
    }
    junit_with(&run.checked, &cases)
}

/// The judgement, then the table of cells, as Markdown.
pub fn summary(run: &Run, judgement: &Judgement, elapsed: Duration) -> String {
    let word = if judgement.passes() {
        "passed"
    } else {
        "FAILED"
    };
    let mut text = format!("# Gate ({}): {word}\n\n", run.lane);
    // Indented, nothing in it is taken for Markdown.
    for line in judgement.text(Style::PLAIN).lines() {
        writeln!(text, "    {line}").expect("a string can be written to");
    }
    text + "\n" + &markdown(&run.checked, elapsed)
}
