//! `check`: what it finds, what it expects, and how it ends.

use std::fs;

use serde_json::Value;

use super::run::{code, directory, kinds, object, stalewake, stderr, stdout};

#[test]
fn the_race_is_found_on_5_9() {
    let (found, code) = object(&[
        "check",
        "writeback-reuse",
        "--set",
        "truncate=wait",
        "--kernel",
        "v5.9",
        "--format",
        "json",
    ]);
    assert!(kinds(&found).contains(&"bug-on-writeback"), "{found}");
    assert_eq!(found["status"], "complete");
    assert_eq!(found["exhaustive"], true);
    assert_eq!(found["holds"], false);
    assert_eq!(found["as_expected"], true);
    assert_eq!(code, 0);
    for reachable in found["reachable"].as_array().expect("a list") {
        assert!(
            reachable["traces"].as_u64().expect("a number") > 0,
            "{reachable}"
        );
        let token = reachable["replay"].as_str().expect("a text");
        assert!(
            token.starts_with("writeback-reuse/truncate=wait/v5.9@2:"),
            "{token}"
        );
    }
}

#[test]
fn the_fix_of_5_10_holds() {
    let (found, code) = object(&[
        "check",
        "writeback-reuse/truncate=wait/v5.10",
        "--format",
        "json",
    ]);
    assert!(!kinds(&found).contains(&"bug-on-writeback"), "{found}");
    assert_eq!(
        (&found["exhaustive"], &found["holds"]),
        (&true.into(), &true.into())
    );
    assert_eq!(code, 0);
}

#[test]
fn under_with_nothing_is_expected() {
    let (found, code) = object(&[
        "check",
        "writeback-reuse/truncate=wait/v5.9",
        "--with",
        "end-ref=get-page",
        "--format",
        "json",
    ]);
    assert_eq!(found["mechanisms"]["end-ref"], "get-page");
    assert_eq!(found["release"], "v5.9");
    assert_eq!(
        (&found["expected"], &found["as_expected"]),
        (&Value::Null, &Value::Null)
    );
    assert!(!kinds(&found).contains(&"bug-on-writeback"), "{found}");
    assert_eq!(code, 0);
}

#[test]
fn a_bounded_search_is_never_exhaustive() {
    let (found, _) = object(&[
        "check",
        "missed-wakeup/waiters=shared/v5.8",
        "--bound",
        "1",
        "--format",
        "json",
    ]);
    assert_eq!(found["bound"], 1);
    assert_eq!(found["exhaustive"], false);
    assert_ne!(found["holds"], true);
}

#[test]
fn a_search_whose_budget_ran_out_exits_with_3() {
    let cell = "writeback-reuse/truncate=wait/v5.10";
    let (found, code) = object(&["check", cell, "--max-executions", "3", "--format", "json"]);
    assert_eq!(found["status"], "incomplete");
    assert_eq!(found["exhaustive"], false);
    assert_ne!(found["holds"], true);
    assert!(
        found["executions"].as_u64().expect("a number") <= 3,
        "{found}"
    );
    assert_eq!(code, 3);
    let table = stalewake(&["check", cell, "--max-executions", "3"]);
    assert!(
        stdout(&table).contains("Incomplete, the budget ran out"),
        "{}",
        stdout(&table)
    );
}

#[test]
fn a_verdict_that_differs_exits_with_1_and_says_how() {
    let path = directory("difference").join("changed.toml");
    let shipped = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scenarios/missed-wakeup.toml"
    ))
    .expect("the file can be read");
    let changed = shipped.replace("kinds = []", "kinds = [\"bad-page\"]");
    assert_ne!(changed, shipped, "the scenario expects nothing somewhere");
    fs::write(&path, changed).expect("the file can be written");
    let path = path.to_str().expect("text");
    let output = stalewake(&["check", path]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("expected, not found"), "{text}");
    assert!(text.contains("bad-page"), "{text}");
}

/// A choice of commits that makes a row is that row, and what is expected of
/// it holds.
#[test]
fn commits_make_a_kernel() {
    let cell = "shmem-tail/truncate=skip";
    let json = |commits| {
        let output = stalewake(&["check", cell, "--commits", commits, "--format", "json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        serde_json::from_str::<serde_json::Value>(stdout(&output).trim()).expect("one line")
    };
    let row = json("073861ed,5ef64cc8987a,2a9127fcf229");
    assert_eq!(
        (&row["release"], &row["as_expected"]),
        (&"v5.10".into(), &true.into())
    );
    let picked = json("073861ed77");
    assert_eq!(picked["mechanisms"]["end-ref"], "get-page");
    assert_eq!(
        (&picked["release"], &picked["expected"]),
        (&"v5.8".into(), &().into())
    );
}

#[test]
fn a_row_with_the_same_mechanisms_is_expected_to_do_the_same() {
    let output = stalewake(&[
        "check",
        "shmem-tail/truncate=skip/v6.6.30",
        "--format",
        "json",
    ]);
    let line: serde_json::Value = serde_json::from_str(stdout(&output).trim()).expect("one line");
    assert_eq!(
        (&line["release"], &line["as_expected"]),
        (&"v5.16".into(), &true.into())
    );
}

/// The kernel's own alternative changes nothing, and is judged as without it; so
/// are its shards.
#[test]
fn what_is_not_changed_is_expected_to_do_the_same() {
    let cell = "shmem-tail/truncate=skip/v5.9";
    let (found, code) = object(&["check", cell, "--with", "end-ref=none", "--format", "json"]);
    assert_eq!((&found["as_expected"], code), (&true.into(), 0));
}

/// By whatever name it goes.
#[test]
fn a_file_that_is_named_twice_is_checked_once() {
    let directory = directory("named-twice");
    let scenario = include_str!("../../scenarios/shmem-tail.toml");
    let files = ["a", "b"].map(|name| {
        let below = directory.join(name);
        fs::create_dir_all(&below).expect("there is room");
        let file = below.join("mine.toml");
        fs::write(&file, scenario).expect("it can be written");
        file.to_str().expect("text").to_owned()
    });
    let [one, other] = files.each_ref().map(String::as_str);
    let same = format!("{}/../a/mine.toml", directory.join("b").display());
    let lines = |files: &[&str]| {
        let output = stalewake(&[&["check", "--format", "json"], files].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output).lines().count()
    };
    assert_eq!(lines(&[one, &same, one]), lines(&[one]));
    let refused = stalewake(&["check", one, other]);
    assert_eq!(code(&refused), 2);
    assert!(
        stderr(&refused).contains("both called `mine`"),
        "{}",
        stderr(&refused)
    );
}
