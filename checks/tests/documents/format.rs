//! scenarios/README.md is the whole format: every step, kind, key and error
//! that the reader of scenarios knows is in it.

use stalewake::scenario::step_reference;
use stalewake_model::violation::Kind;

use super::read;

const REFERENCE: &str = "scenarios/README.md";

/// The rows of the table below a heading, by columns.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = read(REFERENCE);
    let (_, section) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n#").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let columns = |row: &str| -> Vec<String> {
        let row = row.trim_matches('|').replace("\\|", "\0");
        let columns = row
            .split('|')
            .map(|column| column.trim().replace('\0', "|"));
        columns.collect()
    };
    // The heading and the line below it.
    rows.skip(2).map(columns).collect()
}

#[test]
fn every_step_is_there_as_it_is_written_and_in_order() {
    let rows = table("## Steps");
    let steps: Vec<Vec<String>> = step_reference()
        .map(|step| vec![format!("`{}`", step.signature), step.summary.to_owned()])
        .collect();
    assert_eq!(rows, steps);
}

#[test]
fn every_kind_is_there_with_its_class() {
    let rows = table("## Kinds");
    let found: Vec<[&str; 2]> = rows
        .iter()
        .map(|row| [row[0].as_str(), row[1].as_str()])
        .collect();
    let names: Vec<(String, String)> = Kind::ALL
        .iter()
        .map(|kind| (format!("`{kind}`"), kind.class().to_string()))
        .collect();
    let names: Vec<[&str; 2]> = names
        .iter()
        .map(|(name, class)| [&**name, &**class])
        .collect();
    assert_eq!(found, names);
}

/// The string literals of a source file between two texts.
fn literals(file: &str, from: &str, to: &str) -> Vec<String> {
    let text = read(&format!("checks/src/scenario/{file}"));
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("{file}: no `{from}`"));
    let (part, _) = rest
        .split_once(to)
        .unwrap_or_else(|| panic!("{file}: no `{to}`"));
    part.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// The keys that the reader takes, as its source has them, and no others.
#[test]
fn every_key_is_there() {
    let tables = [
        ("### At the top", literals("read.rs", "let keys = [", "];")),
        (
            "### `[machine]`",
            literals("machine.rs", "let keys = [", "];"),
        ),
        (
            "### `[[page]]`",
            literals("machine.rs", "\"[[page]]\",", "]"),
        ),
        (
            "### `[[thread]]`",
            literals("threads.rs", "\"[[thread]]\",", "]"),
        ),
    ];
    for (heading, mut keys) in tables {
        let plain = |row: &Vec<String>| row[0].trim_matches(['`', '[', ']']).to_owned();
        let mut found: Vec<String> = table(heading).iter().map(plain).collect();
        found.sort();
        keys.sort();
        assert!(!keys.is_empty(), "{heading}");
        assert_eq!(found, keys, "{heading}");
    }
    let keys: Vec<String> = table("### `[[expect]]`")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    for key in ["`when`", "`\"K, L\"`", "`kinds`", "`because`"] {
        assert!(keys.iter().any(|found| found == key), "{key}");
    }
}

/// Every code of an error is explained, and no other.
#[test]
fn every_error_is_there() {
    let all = literals("error.rs", "\nproblems! {", "\n}");
    // Each problem has its code and its sentence.
    let mut codes: Vec<String> = all.chunks(2).map(|pair| format!("`{}`", pair[0])).collect();
    let mut found: Vec<String> = table("### Every error")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    codes.sort();
    found.sort();
    assert!(codes.len() > 40, "{codes:?}");
    assert_eq!(found, codes);
}
