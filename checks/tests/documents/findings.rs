//! The table in README.md of what is found, against what the scenarios expect;
//! and what they expect is what is found, as the test `scenarios` says.

use assert_cmd::Command;
use stalewake::scenario::find_shipped;
use stalewake_model::release::Release;
use stalewake_model::violation::{Class, Kind};

use super::read;

/// The scenarios of a row: `-irq` stands for the one before with this ending.
fn scenarios(entry: &str) -> Vec<String> {
    let names = entry.split(':').next().unwrap_or_default().split('`');
    let mut found: Vec<String> = Vec::new();
    for name in names.skip(1).step_by(2) {
        match found.last() {
            Some(last) if name.starts_with('-') => found.push(format!("{last}{name}")),
            _ => found.push(name.to_owned()),
        }
    }
    found
}

/// The worst that a scenario expects of a kernel.
fn worst(scenario: &str, kernel: &str) -> Option<Kind> {
    let scenario = find_shipped(scenario).unwrap_or_else(|| panic!("there is no {scenario}"));
    let release = Release::resolve(kernel).expect("there is such a kernel");
    let combinations = scenario.combinations();
    let expected = combinations.iter().flat_map(|combination| {
        let expected = scenario.expected(combination, release);
        expected.expect("it names the kernel").kinds.iter()
    });
    expected.copied().min_by_key(|kind| kind.class())
}

/// What is fatal is bold, what holds is said to hold.
#[test]
fn the_table_says_what_the_scenarios_expect() {
    let text = read("README.md");
    let (_, section) = text
        .split_once("\n## What it finds\n")
        .expect("it has this section");
    let mut rows = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|row| {
            let columns = row.trim_matches('|').split('|').map(str::trim);
            columns.collect::<Vec<_>>()
        });
    let kernels = rows.next().expect("it has a heading");
    let mut cells = 0;
    for row in rows.skip(1) {
        for scenario in scenarios(row[0]) {
            for (kernel, entry) in kernels.iter().zip(&row).skip(1) {
                let kernel = kernel.trim_start_matches("to ");
                let at = format!("{scenario} on {kernel}: {entry}");
                let class = worst(&scenario, kernel).map(Kind::class);
                let class = class.filter(|class| *class != Class::Event);
                assert_eq!(*entry == "holds", class.is_none(), "{at}");
                assert_eq!(entry.starts_with("**"), class == Some(Class::Fatal), "{at}");
                cells += 1;
            }
        }
    }
    assert!(cells >= 40, "{cells}");
}

/// The picture of the race is what the tool draws.
#[test]
fn the_picture_is_the_tools_own() {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with this");
    command.args([
        "explain",
        "writeback-reuse",
        "--kernel",
        "v5.9",
        "--svg",
        "-",
    ]);
    let output = command.output().expect("it starts");
    let drawn = String::from_utf8(output.stdout).expect("it is text");
    assert!(drawn.starts_with("<svg"), "{drawn}");
    let again = "stalewake explain writeback-reuse --kernel v5.9 --svg checks/story.svg";
    assert!(drawn == read("checks/story.svg"), "draw it anew: {again}");
    assert!(read("README.md").contains("](checks/story.svg)"));
}
