//! The report on verdicts made by hand.

use stalewake_model::release::Release;
use stalewake_model::violation::Kind::{self, BugOnWriteback, ForeignRead, LostFlagUpdate};

use super::*;
use crate::cell::KernelChoice;
use crate::report::fixture;
use crate::scenario::find_shipped;
use crate::whatif::{Axis, Case};

const STYLE: Style = Style {
    colour: false,
    width: 80,
};

/// Two changes and three scenarios, with what is found in each scenario for no
/// change, the reference, the loop and both.
fn report(found: [[&[Kind]; 3]; 4], status: impl Fn(usize) -> Status, style: Style) -> String {
    let from = KernelChoice::of(Release::resolve("v5.9").expect("it is a row"));
    let axes = ["end-ref=get-page", "wait-on-writeback"];
    let axes = axes.map(|text| Axis::parse(text, &from.kernel).expect(text));
    let case = |name: &str| {
        let scenario = find_shipped(name).expect("it is shipped");
        Case {
            parameters: scenario.combinations().remove(0),
            argument: scenario.name.clone(),
            scenario,
        }
    };
    let cases = ["writeback-reuse", "same-page-old-waiter", "nonatomic-flags"];
    let plan = Plan::new(from, axes.to_vec(), cases.map(case).to_vec()).expect("it is one");
    let verdicts: Vec<Verdict> = plan
        .cells()
        .into_iter()
        .zip(found.as_flattened())
        .enumerate()
        .map(|(place, (cell, kinds))| Verdict {
            cell,
            status: status(place),
            ..fixture::verdict(kinds, &[])
        })
        .collect();
    let answers = Answers::new(&plan.combinations, &plan.findings(&verdicts));
    let told = WhatIf {
        plan: &plan,
        answers: &answers,
        verdicts: &verdicts,
        resumed: 5,
        elapsed: Duration::from_secs(2),
        explain: &|combination, case| format!("stalewake explain {combination} {case}"),
    };
    whatif(&told, false, style)
}

const BAD: &[Kind] = &[BugOnWriteback];
const HAZARD: &[Kind] = &[ForeignRead];
const LOST: &[Kind] = &[LostFlagUpdate];
const TWO_MONTHS: [[&[Kind]; 3]; 4] = [
    [BAD, BAD, LOST],
    [&[], BAD, LOST],
    [HAZARD, &[], LOST],
    [&[], &[], LOST],
];

fn complete(_: usize) -> Status {
    Status::Complete
}

/// The text without where its lines are broken.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_answer_comes_first_and_the_rest_says_why() {
    let text = report(TWO_MONTHS, complete, STYLE);
    let joined = joined(&text);
    for part in [
        "No single change to v5.9 makes all 2 scenarios that do not always fail hold. This set of \
         changes does, and no part of it: a+b end-ref=get-page (073861ed77) and \
         wait-on-writeback=while (c2407cf7d22d)",
        "fail whatever is varied: nonatomic-flags/case=lost-waiters (lost-flag-update).",
        "writeback-reuse/truncate=wait a ",
        "a cures writeback-reuse/truncate=wait; breaks nothing",
        "b never: needed in the 1 set that holds with it",
        "- a - a - - b b",
        "writeback-reuse/truncate=wait X + h +",
        "a, without b: same-page-old-waiter/old=waiting: bug-on-writeback",
        "12 cells, 16,356 executions in all; 5 cells from the journal; 2.0 s.",
        "Exhaustive: ",
    ] {
        assert!(joined.contains(part), "{part}\n{text}");
    }
}

#[test]
fn it_fits_a_terminal() {
    for width in [40, 80, 132] {
        let text = report(TWO_MONTHS, complete, Style { width, ..STYLE });
        for line in text.lines() {
            let is_command = line.trim_start().starts_with("stalewake ");
            // A name is not broken in the matrix.
            let fits = line.chars().count() <= width.max(46);
            assert!(is_command || fits, "{width}: {line}");
        }
    }
}

#[test]
fn colour_says_nothing_that_the_text_does_not() {
    let coloured = Style {
        colour: true,
        ..STYLE
    };
    let mut text = report(TWO_MONTHS, complete, coloured);
    assert!(text.contains("\x1b[1;31mX\x1b[0m"));
    while let Some(start) = text.find('\x1b') {
        let end = text[start..].find('m').expect("a code ends") + start;
        text.replace_range(start..=end, "");
    }
    assert_eq!(text, report(TWO_MONTHS, complete, STYLE));
}

#[test]
fn nothing_is_claimed_without_a_finished_search() {
    // The reuse with the reference alone is not finished.
    let unfinished = |place| match place {
        3 => Status::Incomplete,
        _ => Status::Complete,
    };
    let mut found = TWO_MONTHS;
    found[1][1] = &[];
    let text = joined(&report(found, unfinished, STYLE));
    assert!(!text.contains("No single change"), "{text}");
    for part in [
        "of some part of each it is not known whether it does already: a+b.",
        "hold with a.",
        "NOT exhaustive: 11 of 12 cells were explored to their end, 1 ran out of budget",
        "writeback-reuse/truncate=wait X ? h +",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn where_nothing_helps_or_nothing_is_needed_that_is_said() {
    let text = joined(&report([[BAD; 3]; 4], complete, STYLE));
    assert!(text.contains("no set of these changes helps"), "{text}");
    let text = joined(&report([[&[]; 3]; 4], complete, STYLE));
    assert!(
        text.contains("v5.9 as it is makes all 3 scenarios hold: no change is needed."),
        "{text}"
    );
    let none = [
        [BAD, &[], &[]],
        [&[], BAD, &[]],
        [BAD, BAD, &[]],
        [BAD, BAD, &[]],
    ];
    let text = joined(&report(none, complete, STYLE));
    assert!(
        text.contains("No combination makes all 3 scenarios hold."),
        "{text}"
    );
}
