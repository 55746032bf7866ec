//! `check --shard` and `merge`: what comes of the shards is what one run says,
//! or an error that says what is wrong with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// A few cells, some of which reach something.
const CELLS: [&str; 2] = ["writeback-reuse/v5.9", "shmem-tail"];

fn stalewake(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    command.args(arguments).output().expect("it can be run")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the output is text")
}

/// A directory that is this test's alone.
fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("shards")
        .join(test);
    fs::create_dir_all(&directory).expect("the target directory is writable");
    directory
}

/// What shard `index` of `of` prints, in a file.
fn shard(directory: &Path, index: u32, of: u32) -> String {
    let shard = format!("{index}/{of}");
    let output = stalewake(
        &[
            &["check", "--shard", &shard, "--format", "json"],
            &CELLS[..],
        ]
        .concat(),
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    let file = directory.join(format!("{index}-of-{of}.json"));
    fs::write(&file, output.stdout).expect("the directory is writable");
    file.display().to_string()
}

fn merged(files: &[&str]) -> Output {
    stalewake(&[&["merge", "--format", "json"], files].concat())
}

/// The lines without what differs from run to run.
fn lines(output: &Output) -> Vec<Value> {
    let parse = |line: &str| {
        let mut line: Value = serde_json::from_str(line).expect("every line is an object");
        line["elapsed_ms"] = Value::Null;
        line
    };
    text(&output.stdout).lines().map(parse).collect()
}

fn refused(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let complaint = text(&output.stderr).replace("\n  │ ", " ");
    assert!(complaint.contains(reason), "{complaint}");
}

#[test]
fn shards_merged_are_one_run() {
    let directory = directory("one-run");
    let whole = stalewake(&[&["check", "--format", "json"], &CELLS[..]].concat());
    let files = [3, 1, 2].map(|index| shard(&directory, index, 3));
    let merged = merged(&files.each_ref().map(String::as_str));
    assert_eq!(text(&merged.stderr), "");
    assert_eq!(whole.status, merged.status);
    assert_eq!(lines(&whole), lines(&merged));
    // One shard is the whole.
    let only = stalewake(&["merge", "--format", "json", &shard(&directory, 1, 1)]);
    assert_eq!(text(&only.stderr), "");
    assert_eq!(lines(&whole), lines(&only));
}

#[test]
fn a_shard_claims_nothing_for_the_whole() {
    let directory = directory("claims");
    let line = fs::read_to_string(shard(&directory, 2, 3)).expect("it was written");
    for line in line.lines() {
        let line: Value = serde_json::from_str(line).expect("every line is an object");
        assert_eq!(line["exhaustive"], false);
        assert_ne!(line["holds"], true);
        assert_eq!(line["shard"], "2/3");
    }
    let table = stalewake(&["check", "shmem-tail", "--shard", "1/2"]);
    let table = text(&table.stdout);
    assert!(
        table.contains("NOT exhaustive") && table.contains("shard 1/2"),
        "{table}"
    );
}

#[test]
fn shards_that_make_no_whole_are_refused() {
    let directory = directory("no-whole");
    let [one, two, three] = [1, 2, 3].map(|index| shard(&directory, index, 3));
    let half = shard(&directory, 1, 2);
    refused(&merged(&[&one, &three]), "a shard is missing: 2/3");
    refused(&merged(&[&two]), "shards are missing: 1/3, 3/3");
    refused(&merged(&[&one, &two, &three, &two]), "is there twice");
    refused(&merged(&[&one, &half]), "was split into 3 shards");
}

/// The text of all three shards, with the first one changed.
fn with_first_changed(test: &str, change: impl Fn(String) -> String) -> Output {
    let directory = directory(test);
    let files = [1, 2, 3].map(|index| shard(&directory, index, 3));
    let text = fs::read_to_string(&files[0]).expect("it was written");
    fs::write(&files[0], change(text)).expect("the directory is writable");
    merged(&files.each_ref().map(String::as_str))
}

#[test]
fn a_shard_that_is_cut_off_is_refused() {
    let cut = |text: String| text[..text.len() - 40].to_owned();
    refused(
        &with_first_changed("cut-off", cut),
        "is no result of a shard",
    );
    let lines = |text: String| {
        text.lines()
            .take(3)
            .map(|line| line.to_owned() + "\n")
            .collect()
    };
    refused(
        &with_first_changed("cut-at-a-line", lines),
        "a shard is missing: 1/3",
    );
    refused(
        &with_first_changed("empty", |_| String::new()),
        "a shard is missing: 1/3",
    );
}

/// Whatever is changed, also where another figure would be as good.
#[test]
fn a_shard_that_was_changed_is_refused() {
    for (test, from, to) in [
        ("traces", "\"traces\":", "\"traces\":1"),
        ("holds", "\"holds\":false", "\"holds\":true"),
        ("space", "\"schema\":", "\"schema\": "),
    ] {
        let change = |text: String| {
            let changed = text.replacen(from, to, 1);
            assert!(changed != text, "{test}: it changes nothing");
            changed
        };
        refused(
            &with_first_changed(test, change),
            "the sum at its end does not fit",
        );
    }
}

/// All of them at the same line: no shard of any cell is missing, but cells are.
#[test]
fn shards_that_are_cut_off_alike_are_refused() {
    let directory = directory("cut-alike");
    let files = [1, 2].map(|index| {
        let file = shard(&directory, index, 2);
        let text = fs::read_to_string(&file).expect("it was written");
        let lines: Vec<&str> = text.lines().take(3).collect();
        fs::write(&file, lines.join("\n")).expect("it can be written again");
        file
    });
    let reason = "and there are 3";
    refused(&merged(&files.each_ref().map(String::as_str)), reason);
}

/// The same version of a model that is being changed is not the same model; in a
/// package it is.
#[cfg(not(packaged))]
#[test]
fn a_version_says_what_it_was_built_from() {
    let (version, build) = stalewake::report::json::VERSION
        .split_once('+')
        .expect("there is a sum");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    assert_eq!(build.len(), 16);
    assert!(build.bytes().all(|digit| digit.is_ascii_hexdigit()));
}

#[test]
fn a_shard_of_another_version_or_scenario_is_refused() {
    let other = |text: String| text.replace("\"version\":\"", "\"version\":\"0.0.9, not ");
    refused(
        &with_first_changed("version", other),
        "was made by version 0.0.9",
    );
    let other = |text: String| text.replace("\"cell_sum\":\"", "\"cell_sum\":\"x");
    refused(
        &with_first_changed("scenario", other),
        "are not what they are here",
    );
    let other = |text: String| text.replace("\"v5.9\"", "\"v1.0\"");
    refused(
        &with_first_changed("kernel", other),
        "are not what they are here",
    );
}

#[test]
fn a_shard_that_there_is_not_is_refused() {
    for shard in ["0/2", "3/2", "2", "x/y"] {
        let output = stalewake(&["check", "--shard", shard]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("a shard is written as 1/4"));
    }
}

/// How many threads there are changes nothing but the time.
#[test]
fn jobs_change_nothing() {
    let run = |jobs| {
        let cell = "missed-wakeup/waiters=two-exclusive/v5.9";
        stalewake(&[
            "check",
            "--format",
            "json",
            "--jobs",
            jobs,
            cell,
            "writeback-reuse/v5.9",
        ])
    };
    let one = run("1");
    assert!(!lines(&one).is_empty());
    assert_eq!(lines(&one), lines(&run("2")));
    assert_eq!(lines(&one), lines(&run("5")));
}

/// What no shard has is missing in the whole, too.
#[test]
fn a_file_that_cannot_be_read_is_complained_about_as_by_one_run() {
    let directory = directory("broken-file");
    let scenarios = directory.join("scenarios");
    fs::create_dir_all(&scenarios).expect("the target directory is writable");
    let scenario = include_str!("../scenarios/shmem-tail.toml");
    fs::write(scenarios.join("mine.toml"), scenario).expect("it can be written");
    fs::write(scenarios.join("broken.toml"), "title = 1").expect("it can be written");
    let from = ["--scenarios", scenarios.to_str().expect("text")];
    let whole = stalewake(&[&["check", "--quiet"], &from[..]].concat());
    let files = ["1/2", "2/2"].map(|shard| {
        let arguments = ["check", "--format", "json", "--shard", shard];
        let output = stalewake(&[&arguments[..], &from].concat());
        let file = directory.join(shard.replace('/', "-of-"));
        fs::write(&file, output.stdout).expect("the directory is writable");
        file.display().to_string()
    });
    let [one, two] = files.each_ref().map(String::as_str);
    let merged = stalewake(&[&["merge", one, two], &from[..]].concat());
    assert_eq!(
        (whole.status.code(), merged.status.code()),
        (Some(2), Some(2))
    );
    for output in [whole, merged] {
        let complaint = text(&output.stderr);
        assert!(complaint.contains("broken.toml"), "{complaint}");
    }
}
