//! `whatif`: what upstream needed six weeks to learn, from exploration alone;
//! and what it says to those who ask badly, stop early or come back.
//!
//! The expectations are argued here. From v5.9 there are two ways for a waiter
//! to be misled. Where the page is freed and used again, the late wake-up is
//! for another life of it: only a reference (073861ed77) keeps it from being
//! freed. A waiter that looks again (c2407cf7d22d) survives the wake-up, but
//! the reads and writes of a page that is not one's own remain. Where the page
//! stays, it is for another writeback of the same life: a reference has
//! nothing to protect, and only looking again helps.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use assert_cmd::Command;
use serde_json::{Value, json};
use stalewake::cell::Cell;
use stalewake::scenario;

fn stalewake(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    command.args(arguments).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The words of an error, without where its lines are broken.
fn complaint(output: &Output) -> String {
    let text = text(&output.stderr).replace("│", " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn whatif(arguments: &[&str]) -> Vec<Value> {
    let output = stalewake(&[&["whatif", "--format", "json"], arguments].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let parse = |line: &str| serde_json::from_str(line).expect("every line is an object");
    text(&output.stdout).lines().map(parse).collect()
}

fn answers<'l>(lines: &'l [Value], answer: &str) -> Vec<&'l Value> {
    let of = |line: &&Value| line["answer"] == answer;
    lines.iter().filter(of).collect()
}

/// The minimal sets for all scenarios.
fn minimal(lines: &[Value]) -> &Value {
    &answers(lines, "minimal")[0]["sets"]
}

/// A file that is this test's alone, and not there yet.
fn file(name: &str) -> String {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("whatif");
    fs::create_dir_all(&directory).expect("the target directory is writable");
    let path = directory.join(name);
    let _ = fs::remove_file(&path);
    path.display().to_string()
}

/// What ci/nightly compares the answers with. That they are as they were takes a
/// minute; that none is missing can be said at once.
#[test]
fn an_answer_is_kept_for_every_scenario() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ci/whatif.jsonl");
    let text = fs::read_to_string(file).expect("it is there");
    let parse = |line: &str| serde_json::from_str(line).expect("every line is an object");
    let kept: Vec<Value> = text.lines().map(parse).collect();
    let named = kept.iter().filter_map(|line| line["scenario"].as_str());
    let named: Vec<String> = named.map(str::to_owned).collect();
    let cells = scenario::shipped().into_iter().flat_map(|scenario| {
        let scenario = Arc::new(scenario.expect("it is in order"));
        Cell::all_of(&scenario)
    });
    let without_kernel = |cell: Cell| {
        let name = cell.to_string();
        name.rsplit_once('/')
            .expect("the kernel is last")
            .0
            .to_owned()
    };
    let there: BTreeSet<String> = cells.map(without_kernel).collect();
    assert_eq!(named.iter().cloned().collect::<BTreeSet<_>>(), there);
    assert_eq!(named.len(), there.len(), "one is kept twice");
}

const TWO_FIXES: [&str; 2] = ["--vary", "end-ref=get-page,wait-on-writeback"];

#[test]
fn neither_fix_alone_is_enough_and_both_are() {
    let scenarios = [
        "writeback-reuse",
        "shmem-tail",
        "same-page-old-waiter/old=none",
    ];
    let lines = whatif(&[&scenarios[..], &TWO_FIXES].concat());
    assert_eq!(
        minimal(&lines),
        &json!([{"end-ref": "get-page", "wait-on-writeback": "while"}])
    );
    let changes = answers(&lines, "change");
    assert_eq!(
        changes[0]["cures"],
        json!([
            "writeback-reuse/truncate=wait",
            "writeback-reuse/truncate=skip",
            "shmem-tail/truncate=wait",
            "shmem-tail/truncate=skip",
        ])
    );
    assert_eq!(
        changes[1]["cures"],
        json!(["same-page-old-waiter/old=none"])
    );
    assert_eq!(changes[0]["source"], "073861ed77");
    assert_eq!(changes[1]["source"], "c2407cf7d22d");
    assert!(changes.iter().all(|change| change["breaks"] == json!([])));
    assert!(changes.iter().all(|change| change["redundant"] == 0));
}

#[test]
fn what_is_just_outside_has_a_witness_that_shows_it() {
    let scenarios = ["shmem-tail/truncate=skip", "same-page-old-waiter/old=none"];
    let lines = whatif(&[&scenarios[..], &TWO_FIXES].concat());
    let outside = answers(&lines, "outside");
    let expected = [
        // The page becomes a tail before PG_waiters is tested.
        (
            json!({"wait-on-writeback": "while"}),
            scenarios[0],
            "bug-on-tail",
        ),
        // B is woken for the writeback before its own.
        (
            json!({"end-ref": "get-page"}),
            scenarios[1],
            "bug-on-writeback",
        ),
    ];
    assert_eq!(outside.len(), expected.len(), "{outside:?}");
    for (combination, scenario, kind) in expected {
        let of = |one: &&&Value| one["combination"] == combination;
        let one = outside.iter().find(of).expect("it is one change short");
        assert_eq!(one["failing"].as_array().map(Vec::len), Some(1));
        let failing = &one["failing"][0];
        assert_eq!(
            (&failing["scenario"], &failing["kind"]),
            (&json!(scenario), &json!(kind))
        );
        let token = failing["replay"].as_str().expect("there is a witness");
        let shown = stalewake(&["replay", token]);
        assert!(shown.status.success(), "{}", text(&shown.stderr));
        assert!(text(&shown.stdout).contains(kind));
        let explain = failing["explain"].as_str().expect("there is a command");
        let arguments: Vec<&str> = explain.split(' ').skip(1).collect();
        let shown = stalewake(&arguments);
        assert!(text(&shown.stdout).contains(kind), "{explain}");
    }
}

#[test]
fn the_old_wait_logic_makes_the_loop_redundant() {
    // The waker of v5.8 looks at the bit, and so does its waiter: nobody goes
    // on too early, so looking again in wait_on_page_writeback adds nothing.
    // The late touch of a freed page is as it was: the reference is needed.
    let lines = whatif(&[
        "writeback-reuse/truncate=wait",
        "same-page-old-waiter/old=none",
        "--vary",
        "end-ref=get-page,wake-shared-if-set+wait-shared,wait-on-writeback",
    ]);
    let old = json!({"end-ref": "get-page", "wake-shared-if-set": "stop", "wait-shared": "retest"});
    let new = json!({"end-ref": "get-page", "wait-on-writeback": "while"});
    assert_eq!(minimal(&lines), &json!([old, new]));
    let changes = answers(&lines, "change");
    assert_eq!(changes[2]["redundant_given"], json!([old]));
    assert_eq!(changes[1]["redundant_given"], json!([new]));
    assert_eq!(changes[0]["redundant"], 0);
}

#[test]
fn what_nothing_changes_is_set_apart() {
    // A non-atomic write of the flags is none of what is varied, and a lone
    // waiter is woken by every kernel.
    let scenarios = [
        "nonatomic-flags/case=lost-waiters",
        "missed-wakeup/waiters=shared",
        "shmem-tail/truncate=skip",
    ];
    let lines = whatif(&[&scenarios[..], &TWO_FIXES].concat());
    let plan = answers(&lines, "plan")[0];
    assert_eq!(plan["always_fail"], json!([scenarios[0]]));
    assert_eq!(plan["always_hold"], json!([scenarios[1]]));
    assert_eq!(minimal(&lines), &json!([{"end-ref": "get-page"}]));
    // The page is freed under the waker whether or not a waiter looks again.
    let loops = answers(&lines, "change")[1];
    assert_eq!(
        (&loops["effect"], &loops["redundant"]),
        (&json!("nothing"), &json!(1))
    );
}

#[test]
fn equal_kernels_are_explored_once_and_impossible_ones_not_at_all() {
    let vary = "end-ref=get-page:if-waiters,reference-drop,waiters-test-order";
    let lines = whatif(&["shmem-tail/truncate=wait", "--vary", vary]);
    let plan = answers(&lines, "plan")[0];
    // Twelve, without the two that decide on a reference by a flag that was
    // tested before; and without a reference none is dropped early, in two.
    assert_eq!(plan["combinations"], 10);
    assert_eq!(plan["left_out"].as_array().map(Vec::len), Some(2));
    assert_eq!(plan["explored"], 8);
    let cells = lines.iter().filter(|line| line["answer"].is_null());
    assert_eq!(cells.count(), 8);
    // To drop the reference early is to have none: the walk is still to come
    // if truncate has left PG_waiters set, and clears it in what is now a tail.
    let drop = json!({"reference-drop": "before-wake"});
    let changes = answers(&lines, "change");
    let early = changes.iter().find(|change| change["change"] == drop);
    assert_eq!(early.expect("it is varied")["holding"], 0);
}

#[test]
fn a_journal_is_gone_on_with() {
    let journal = file("journal.json");
    let arguments = [
        &["shmem-tail", "--resume", &journal][..],
        &["--vary", "end-ref=get-page", "--vary", "wait-on-writeback"],
    ]
    .concat();
    let answered = |lines: &[Value]| -> Vec<Value> {
        let answers = lines.iter().filter(|line| !line["answer"].is_null());
        answers.cloned().collect()
    };
    let whole = answered(&whatif(&arguments));
    let written = fs::read_to_string(&journal).expect("it was written");
    assert_eq!(written.lines().count(), 9);

    // Killed in the middle of a line: what was finished before is not
    // repeated, and what comes after stands on lines of its own.
    let cut = written.len() - 50;
    fs::write(&journal, &written[..cut]).expect("it is writable");
    let output = stalewake(&[&["whatif"], &arguments[..]].concat());
    assert!(text(&output.stderr).contains("was cut off and is dropped"));
    assert!(text(&output.stdout).contains("7 cells from the journal"));
    let again = fs::read_to_string(&journal).expect("it is there");
    assert_eq!(again.lines().count(), 9);
    assert!(again.starts_with(&written[..written.trim_end().rfind('\n').expect("lines")]));
    assert_eq!(
        answered(&whatif(&arguments)),
        whole,
        "all of it from the journal"
    );

    // Other questions share what they have in common.
    let output = stalewake(&[
        "whatif",
        "shmem-tail",
        "--resume",
        &journal,
        "--vary",
        "end-ref",
    ]);
    assert!(text(&output.stdout).contains("4 cells from the journal"));
    assert!(text(&output.stderr).contains("4 of"), "of other cells");
}

#[test]
fn without_time_nothing_is_claimed() {
    let output = stalewake(&[
        "whatif",
        "missed-wakeup",
        "writeback-reuse",
        "--budget",
        "1ms",
    ]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let text = text(&output.stdout);
    assert!(text.contains("NOT exhaustive"), "{text}");
    assert!(!text.contains("and no part of"), "{text}");
}

#[test]
fn a_bad_question_is_explained() {
    let questions: [(&[&str], &str); 9] = [
        (&["--vary", "end-refs"], "did you mean `end-ref`?"),
        (&["--vary", "end-ref=getpage"], "did you mean `get-page`?"),
        (&["--vary", "end-ref=none"], "the kernel has `none` already"),
        (
            &["--vary", "end-ref,end-ref=get-page"],
            "`end-ref` is varied twice",
        ),
        (&["--vary", "end-ref+bookmark"], "4 and 2 alternatives"),
        (
            &[
                "--vary",
                "end-ref,lock-handoff,clear-in-wake,set-writeback,bookmark,tail-check,wait-shared",
                "--vary",
                "wake-shared-if-set,wait-on-writeback,write-cache-pages-wait,woken-publish",
                "--vary",
                "end-waiters-test,end-wake-under-lock",
            ],
            "vary fewer mechanisms, restrict one (`end-ref` has 4 alternatives",
        ),
        (&["--from", "v5.99"], "there is no kernel"),
        (&["shmem-tail/v5.9"], "--from says which kernel is varied"),
        (
            &["shmem-tail/truncate=skip", "--set", "truncate=wait"],
            "no cell is left",
        ),
    ];
    for (arguments, reason) in questions {
        let output = stalewake(&[&["whatif"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = complaint(&output);
        assert!(complaint.contains(reason), "{arguments:?}: {complaint}");
    }
}

#[test]
fn a_picture_comes_beside_the_answer_or_alone() {
    let path = file("lattice.svg");
    let question = [&["whatif", "writeback-reuse/truncate=wait"][..], &TWO_FIXES].concat();
    let output = stalewake(&[&question[..], &["--svg", &path]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("What if v5.9 were changed?"));
    let picture = fs::read_to_string(&path).expect("it was written");
    roxmltree::Document::parse(&picture).expect("well-formed");
    let alone = stalewake(&[&question[..], &["--svg", "-"]].concat());
    assert_eq!(text(&alone.stdout), picture, "and nothing else");
}
