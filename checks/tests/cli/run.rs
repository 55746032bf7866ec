//! Starts the binary, and takes apart what it says.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// Runs the binary with no terminal and none of loom's variables around.
pub fn stalewake(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LOOM_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).output().expect("the binary starts")
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// Standard error without the lines of progress that a slow machine gets.
pub fn complaints(output: &Output) -> String {
    let is_progress = |line: &&str| line.contains(" s: ") && line.contains(" cells, ");
    let text = stderr(output);
    text.lines().filter(|line| !is_progress(line)).collect()
}

/// The objects of `--format json`, one a line.
pub fn objects(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The one object of a run over one cell.
pub fn object(arguments: &[&str]) -> (Value, i32) {
    let output = stalewake(arguments);
    let mut objects = objects(&output);
    assert_eq!(objects.len(), 1, "{}", stderr(&output));
    (objects.remove(0), code(&output))
}

pub fn kinds(object: &Value) -> Vec<&str> {
    let reachable = object["reachable"].as_array().expect("a list");
    reachable
        .iter()
        .map(|found| found["kind"].as_str().expect("a name"))
        .collect()
}

/// A directory of its own for one test.
pub fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the directory can be made");
    path
}
