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
    told(found, status, |told| whatif(told, false, style))
}

/// The same in whatever form.
fn told<T>(
    found: [[&[Kind]; 3]; 4],
    status: impl Fn(usize) -> Status,
    tell: impl Fn(&WhatIf) -> T,
) -> T {
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
    tell(&told)
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
        "NOT exhaustive: 11 of 12 cells were explored to their end, 1 not finished",
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

#[test]
fn the_picture_has_a_box_for_each_combination_and_says_its_fate_in_words() {
    let text = told(TWO_MONTHS, complete, |told| {
        svg(told).expect("they are few")
    });
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let texts: Vec<&str> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "text")
        .filter_map(|node| node.text())
        .collect();
    for label in [
        "v5.9 as it is",
        "a",
        "b",
        "a+b",
        "✗ fails 2 of 2",
        "✓ holds, minimal",
    ] {
        assert!(texts.contains(&label), "{label} is not in {texts:#?}");
    }
    let fails = texts.iter().filter(|text| **text == "✗ fails 1 of 2");
    assert_eq!(fails.count(), 2, "each fix alone leaves one scenario");
    let count = |class: &str| {
        let nodes = document.descendants();
        nodes
            .filter(|node| node.attribute("class") == Some(class))
            .count()
    };
    assert_eq!(
        (count("fails"), count("holds"), count("minimal")),
        (3, 1, 1)
    );
    // Four combinations of two changes make a square; only its upper sides
    // lead from what fails to what holds.
    assert_eq!((count("step"), count("decides")), (2, 2));
    let lower = |name: &str| {
        let mut nodes = document.descendants();
        let node = nodes.find(|node| node.text() == Some(name)).expect(name);
        node.attribute("y")
            .expect("it has one")
            .parse::<usize>()
            .expect("a number")
    };
    assert!(
        lower("a+b") < lower("a")
            && lower("a") == lower("b")
            && lower("b") < lower("v5.9 as it is")
    );
}

#[test]
fn what_is_open_is_drawn_as_open() {
    let only_without_a_change = |place: usize| match place {
        0..=2 => Status::Complete,
        _ => Status::Incomplete,
    };
    let text = told(TWO_MONTHS, only_without_a_change, |told| {
        svg(told).expect("they are few")
    });
    assert!(text.contains("? open"), "{text}");
    assert!(
        text.contains("Not every schedule of every cell was explored."),
        "{text}"
    );
}

/// The picture of six changes to v5.9 of which any `enough` make a scenario hold.
fn picture_of_many(enough: usize) -> Result<String, TooManyBoxes> {
    let from = KernelChoice::of(Release::resolve("v5.9").expect("it is a row"));
    let axes = [
        "end-ref=get-page",
        "wait-on-writeback",
        "end-waiters-test",
        "tail-check",
        "bookmark",
        "wait-shared",
    ];
    let axes = axes.map(|text| Axis::parse(text, &from.kernel).expect(text));
    let scenario = find_shipped("writeback-reuse").expect("it is shipped");
    let case = Case {
        parameters: scenario.combinations().remove(0),
        argument: scenario.name.clone(),
        scenario,
    };
    let plan = Plan::new(from, axes.to_vec(), vec![case]).expect("it is one");
    assert_eq!((plan.combinations.len(), plan.explored()), (64, 64));
    let verdicts = plan.combinations.iter().zip(plan.cells());
    let verdicts: Vec<Verdict> = verdicts
        .map(|(combination, cell)| Verdict {
            cell,
            ..fixture::verdict(
                if combination.size() < enough {
                    BAD
                } else {
                    &[]
                },
                &[],
            )
        })
        .collect();
    let answers = Answers::new(&plan.combinations, &plan.findings(&verdicts));
    svg(&WhatIf {
        plan: &plan,
        answers: &answers,
        verdicts: &verdicts,
        resumed: 0,
        elapsed: Duration::ZERO,
        explain: &|_, _| String::new(),
    })
}

#[test]
fn of_many_combinations_those_around_the_minimal_sets_are_drawn() {
    let text = picture_of_many(1).expect("one without a change, six with one, fifteen with two");
    assert_eq!(text.matches("class='minimal'").count(), 6);
    assert_eq!(text.matches("class='name'").count(), 1 + 6 + 15);
    assert!(text.contains("Of 64 combinations"), "{text}");
    // Twenty sets of three, fifteen of two and as many of four.
    assert_eq!(picture_of_many(3), Err(TooManyBoxes { boxes: 64 }));
}
