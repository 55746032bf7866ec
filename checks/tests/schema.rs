//! What is printed for programs is what `schema/` says, and nothing else:
//! a line with a field more, or one less, is refused.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use jsonschema::Validator;
use serde_json::Value;
use stalewake_model::violation::Kind;

/// A small cell that shows something.
const CELL: &str = "writeback-reuse/truncate=wait/v5.9";

fn read(name: &str) -> Value {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let text = fs::read_to_string(directory.join(format!("{name}.schema.json")));
    serde_json::from_str(&text.expect("the schema is there")).expect("it is JSON")
}

fn schema(name: &str) -> Validator {
    jsonschema::validator_for(&read(name)).expect("it is a schema")
}

fn lines(arguments: &[&str]) -> Vec<Value> {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    let output = command.args(arguments).output().expect("the binary starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let parse = |line: &str| serde_json::from_str(line).expect("every line is an object");
    let lines: Vec<Value> = text.lines().map(parse).collect();
    assert!(!lines.is_empty(), "{arguments:?} printed nothing");
    lines
}

/// Every line fits; with a field too many it does not, and neither with any
/// one of its fields left out.
fn require(schema: &Validator, lines: &[Value]) {
    for line in lines {
        let errors: Vec<String> = schema.iter_errors(line).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {line}");
        let mut more = line.clone();
        more["no-such-field"] = Value::Null;
        assert!(!schema.is_valid(&more), "{more}");
        for field in line.as_object().expect("an object").keys() {
            let mut less = line.clone();
            less.as_object_mut().expect("an object").remove(field);
            assert!(!schema.is_valid(&less), "without {field}: {less}");
        }
    }
}

#[test]
fn cells_fit() {
    let schema = schema("cell");
    for more in [
        &[][..],
        &["--max-executions", "3"],
        &["--with", "end-ref=get-page"],
        &["--bound", "1"],
        &["--memory", "c11", "--bound", "1"],
        // Each of the fields of a shard asks for the others.
        &["--shard", "1/2"],
    ] {
        let arguments = [&["check", CELL, "--format", "json"], more].concat();
        require(&schema, &lines(&arguments));
    }
}

#[test]
fn only_an_error_has_a_reason() {
    let schema = schema("cell");
    let mut line = lines(&["check", CELL, "--format", "json"]).remove(0);
    line["reason"] = "it broke down".into();
    assert!(!schema.is_valid(&line));
    line["status"] = "error".into();
    assert!(schema.is_valid(&line));
    line.as_object_mut().expect("an object").remove("reason");
    assert!(!schema.is_valid(&line));
}

#[test]
fn the_list_fits() {
    require(&schema("scenario"), &lines(&["list", "--format", "json"]));
}

#[test]
fn samples_fit() {
    let explorers = "native,random,pct";
    let mut arguments = vec!["stress", CELL, "--executions", "20", "--format", "json"];
    arguments.extend(["--explorer", explorers, "--seed", "7"]);
    require(&schema("sample"), &lines(&arguments));
}

#[test]
fn answers_fit() {
    // Two changes of which neither is enough: every sort of answer comes up.
    let mut arguments = vec!["whatif", "writeback-reuse", "same-page-old-waiter/old=none"];
    arguments.extend(["--vary", "end-ref=get-page,wait-on-writeback"]);
    arguments.extend(["--format", "json"]);
    let (answers, cells): (Vec<Value>, Vec<Value>) = lines(&arguments)
        .into_iter()
        .partition(|line| line.get("answer").is_some());
    require(&schema("cell"), &cells);
    require(&schema("whatif"), &answers);
    for sort in ["plan", "minimal", "change", "outside"] {
        assert!(answers.iter().any(|line| line["answer"] == sort), "{sort}");
    }
}

/// The names of the kinds are written down in the schemas once more.
#[test]
fn every_kind_is_in_the_schemas() {
    let kinds: Vec<Value> = Kind::ALL.iter().map(|kind| kind.name().into()).collect();
    let cell = read("cell");
    let known = &cell["properties"]["expected"]["items"]["enum"];
    assert_eq!(known.as_array(), Some(&kinds));
}
