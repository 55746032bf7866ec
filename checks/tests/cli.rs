//! The binary as a user runs it: what it prints, where, and how it ends.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// Runs the binary with no terminal and none of loom's variables around.
fn stalewake(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LOOM_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).output().expect("the binary starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// Standard error without the lines of progress that a slow machine gets.
fn complaints(output: &Output) -> String {
    let is_progress = |line: &&str| line.contains(" s: ") && line.contains(" cells, ");
    let text = stderr(output);
    text.lines().filter(|line| !is_progress(line)).collect()
}

/// The objects of `--format json`, one a line.
fn objects(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The one object of a run over one cell.
fn object(arguments: &[&str]) -> (Value, i32) {
    let output = stalewake(arguments);
    let mut objects = objects(&output);
    assert_eq!(objects.len(), 1, "{}", stderr(&output));
    (objects.remove(0), code(&output))
}

fn kinds(object: &Value) -> Vec<&str> {
    let reachable = object["reachable"].as_array().expect("a list");
    reachable
        .iter()
        .map(|found| found["kind"].as_str().expect("a name"))
        .collect()
}

/// A directory of its own for one test.
fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the directory can be made");
    path
}

#[test]
fn an_unknown_name_is_explained_and_exits_with_2() {
    let questions: [(&[&str], &str); 9] = [
        (
            &["check", "writeback-resue"],
            "did you mean `writeback-reuse`?",
        ),
        (
            &["check", "writeback-resue/truncate=wait"],
            "did you mean `writeback-reuse`?",
        ),
        (
            &["check", "writeback-reuse/truncate=wiat"],
            "did you mean `wait`?",
        ),
        (
            &["check", "writeback-reuse", "--kernel", "v5.9-rc11"],
            "did you mean `v5.9-rc1`?",
        ),
        (
            &["check", "writeback-reuse", "--set", "trunacte=wait"],
            "did you mean `truncate`?",
        ),
        (
            &["check", "writeback-reuse", "--set", "truncate=skp"],
            "did you mean `skip`?",
        ),
        (
            &["check", "writeback-reuse", "--with", "end-refs=none"],
            "did you mean `end-ref`?",
        ),
        (
            &["check", "writeback-reuse", "--with", "end-ref=getpage"],
            "did you mean `get-page`?",
        ),
        (
            &[
                "explain",
                "writeback-reuse",
                "--kernel",
                "v5.9",
                "--kind",
                "bug-on-writebak",
            ],
            "did you mean `bug-on-writeback`?",
        ),
    ];
    for (arguments, hint) in questions {
        let output = stalewake(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            stderr(&output).contains(hint),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_malformed_question_exits_with_2() {
    let questions: [&[&str]; 6] = [
        &["chekc"],
        &["check", "--bound", "many"],
        &["check", "--bound", "2", "--no-reduction"],
        &["check", "--set", "truncate"],
        &["check", "--format", "xml"],
        &["check", "writeback-reuse/v5.9", "--kernel", "v5.10"],
    ];
    for arguments in questions {
        let output = stalewake(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert_ne!(stderr(&output), "", "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_cell_is_one_json_object_with_every_field_in_order() {
    let arguments = [
        "check",
        "writeback-reuse",
        "--set",
        "truncate=wait",
        "--kernel",
        "v5.9",
        "--format",
        "json",
    ];
    let output = stalewake(&arguments);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    let fields = [
        "schema",
        "scenario",
        "parameters",
        "kernel",
        "release",
        "mechanisms",
        "memory",
        "bound",
        "status",
        "exhaustive",
        "holds",
        "reachable",
        "expected",
        "as_expected",
        "executions",
        "redundant",
        "traces",
        "operations",
        "elapsed_ms",
        "branches",
        "never_ran",
    ];
    let places: Vec<usize> = fields
        .iter()
        .map(|field| {
            text.find(&format!("\"{field}\":"))
                .unwrap_or_else(|| panic!("no {field}"))
        })
        .collect();
    // The list of what is reachable has fields of the same name inside.
    let (outer, _) = places.split_at(12);
    assert!(outer.is_sorted(), "{text}");
    let object = &objects(&output)[0];
    assert_eq!(
        object.as_object().expect("an object").len(),
        fields.len(),
        "{text}"
    );
    assert_eq!(object["schema"], 1);
    assert_eq!(object["scenario"], "writeback-reuse");
    assert_eq!(object["parameters"]["truncate"], "wait");
    assert_eq!(object["kernel"], "v5.9");
    assert_eq!(object["mechanisms"]["end-ref"], "none");
    assert_eq!(object["memory"], "sc");
    assert_eq!(object["bound"], Value::Null);
    let number = |field: &str| object[field].as_u64().unwrap_or_else(|| panic!("{field}"));
    assert_eq!(number("traces"), number("executions") - number("redundant"));
}

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
fn many_cells_are_printed_in_the_same_order_every_time() {
    let cells = |jobs: &str| -> Vec<String> {
        let output = stalewake(&["check", "missed-wakeup", "--format", "json", "--jobs", jobs]);
        assert_eq!(complaints(&output), "");
        objects(&output)
            .iter()
            .map(|o| format!("{} {}", o["parameters"], o["kernel"]))
            .collect()
    };
    let in_order = cells("1");
    assert_eq!(in_order.len(), 35);
    assert_eq!(cells("4"), in_order);
}

#[test]
fn a_pipe_gets_plain_text_that_fits() {
    for arguments in [
        &["check", "writeback-reuse"][..],
        &["check", "missed-wakeup", "--verbose"],
        &["list"],
        &["kernels"],
        &["explain", "writeback-reuse", "--kernel", "v5.9"],
    ] {
        let output = stalewake(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
        assert_eq!(complaints(&output), "", "{arguments:?}");
        let text = stdout(&output);
        assert!(
            !text.contains('\x1b') && !text.contains('\r'),
            "{arguments:?}"
        );
        let one_record_a_line =
            |line: &&str| line.starts_with("Observation ") || line.starts_with("Search ");
        for line in text.lines().filter(|line| !one_record_a_line(line)) {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
    }
}

#[test]
fn colour_can_be_asked_for() {
    let coloured = stalewake(&[
        "check",
        "missed-wakeup/waiters=shared/v5.8",
        "--color",
        "always",
    ]);
    assert!(stdout(&coloured).contains('\x1b'));
    let plain = stalewake(&[
        "check",
        "missed-wakeup/waiters=shared/v5.8",
        "--color",
        "never",
    ]);
    assert!(!stdout(&plain).contains('\x1b'));
}

#[test]
fn verbose_says_how_often() {
    let output = stalewake(&["check", "writeback-reuse/truncate=wait/v5.9", "--verbose"]);
    let text = stdout(&output);
    let line = text
        .lines()
        .find(|line| {
            line.starts_with("Observation writeback-reuse/truncate=wait/v5.9 bug-on-writeback ")
        })
        .unwrap_or_else(|| panic!("{text}"));
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[3], "Sometimes", "{line}");
    assert!(
        words[4].parse::<u64>().unwrap() > 0 && words[5].parse::<u64>().unwrap() > 0,
        "{line}"
    );
}

#[test]
fn an_explanation_shows_both_threads_and_says_what_went_wrong() {
    let output = stalewake(&["explain", "writeback-reuse/truncate=wait/v5.9"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("end_page_writeback()"), "{text}");
    assert!(text.contains("!! bug-on-writeback"), "{text}");
    assert!(text.contains("It happened to thread B"), "{text}");
}

#[test]
fn a_kernel_in_which_nothing_happens_is_explained_in_a_sentence() {
    let output = stalewake(&[
        "explain",
        "same-page",
        "--kernel",
        "v5.10.7",
        "--kind",
        "bug-on-writeback",
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stdout(&output).contains("Exhaustive: "),
        "{}",
        stdout(&output)
    );
    assert!(!stdout(&output).contains("!!"), "{}", stdout(&output));
}

#[test]
fn a_broken_file_is_reported_and_the_others_still_run() {
    let path = directory("broken-file");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/missed-wakeup.toml");
    fs::copy(shipped, path.join("missed-wakeup.toml")).expect("the file can be copied");
    let huge = vec![b'#'; 10_000_000];
    let nonsense: [(&str, &[u8]); 7] = [
        ("empty.toml", b""),
        ("truncated.toml", b"title = \"half a"),
        ("binary.toml", b"\xff\xfe\x00"),
        ("unknown-key.toml", b"titel = \"x\"\n"),
        ("huge.toml", &huge),
        (
            "five-threads.toml",
            include_bytes!("scenario_errors/five-threads.toml"),
        ),
        (
            "misspelt-page.toml",
            include_bytes!("scenario_errors/misspelt-page.toml"),
        ),
    ];
    for (name, content) in nonsense {
        fs::write(path.join(name), content).expect("the file can be written");
    }
    let path = path.to_str().expect("text");
    let output = stalewake(&[
        "check",
        "--scenarios",
        path,
        "--kernel",
        "v5.8",
        "--format",
        "json",
    ]);
    assert_eq!(code(&output), 2);
    assert_eq!(objects(&output).len(), 5, "the cells of missed-wakeup");
    for (name, _) in nonsense {
        assert!(
            stderr(&output).contains(name),
            "{name}: {}",
            stderr(&output)
        );
    }
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    // One error each, and no more.
    let errors = stderr(&output).matches("stalewake::scenario::").count();
    assert_eq!(errors, nonsense.len(), "{}", stderr(&output));
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

#[test]
fn a_missing_file_exits_with_2() {
    let output = stalewake(&["check", "./no-such-file.toml"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("no-such-file.toml"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn loom_variables_are_ignored_with_a_warning() {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    let output = command
        .args([
            "check",
            "missed-wakeup/waiters=shared/v5.8",
            "--format",
            "json",
        ])
        .env("LOOM_MAX_PREEMPTIONS", "0")
        .output()
        .expect("the binary starts");
    assert_eq!(code(&output), 0);
    assert!(
        stderr(&output).contains("LOOM_MAX_PREEMPTIONS"),
        "{}",
        stderr(&output)
    );
    assert_eq!(stderr(&output).lines().count(), 1);
    assert_eq!(objects(&output)[0]["exhaustive"], true);
}

#[test]
fn every_command_teaches_by_example() {
    for command in [
        &["--help"][..],
        &["check", "--help"],
        &["list", "--help"],
        &["explain", "--help"],
        &["kernels", "--help"],
    ] {
        let output = stalewake(command);
        assert_eq!(code(&output), 0);
        assert!(
            stdout(&output).contains("Examples:\n  stalewake"),
            "{command:?}"
        );
    }
}

#[test]
fn the_list_names_every_scenario_and_its_cells() {
    let output = stalewake(&["list", "--format", "json"]);
    assert_eq!(code(&output), 0);
    let found: Vec<(String, u64)> = objects(&output)
        .iter()
        .map(|o| {
            let name = o["scenario"].as_str().expect("a name").to_owned();
            (name, o["cells"].as_u64().expect("a number"))
        })
        .collect();
    for (name, cells) in [
        ("writeback-reuse", 14),
        ("writeback-reuse-irq", 14),
        ("shmem-tail", 14),
        ("same-page", 7),
        ("same-page-old-waiter", 14),
        ("missed-wakeup", 35),
        ("killable-lock", 14),
        ("truncate-in-flight", 7),
        ("reclaim", 7),
        ("unfair-lock", 14),
        ("bookmark-lockup", 7),
        ("i-pages-alternatives", 28),
    ] {
        assert!(
            found.contains(&(name.to_owned(), cells)),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn a_version_is_explained_by_its_row_and_its_commits() {
    let output = stalewake(&["kernels", "5.4.251"]);
    assert_eq!(code(&output), 0);
    let text = stdout(&output);
    assert!(text.starts_with("5.4.251 is v5.4.249: "), "{text}");
    assert!(text.contains("  yes  073861ed77 "), "{text}");
    assert!(text.contains("  no   5ef64cc8987a "), "{text}");
    let uncertain = stdout(&stalewake(&["kernels", "4.19.300"]));
    assert!(uncertain.contains("Uncertain: "), "{uncertain}");
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

#[test]
fn kernels_that_cannot_be_are_refused_with_a_reason() {
    let questions: [(&[&str], &str); 5] = [
        (
            &["check", "shmem-tail", "--commits", "5ef64cc8987a"],
            "2a9127fcf229",
        ),
        (
            &["check", "shmem-tail", "--commits", "deadbeef"],
            "known commits",
        ),
        (
            &["check", "shmem-tail", "--kernel", "4.9"],
            "begins with v4.14",
        ),
        (
            &["check", "shmem-tail", "--kernel", "5.4.0-150-generic"],
            "distribution",
        ),
        (
            &[
                "check",
                "shmem-tail",
                "--kernel",
                "v6.7",
                "--with",
                "waiters-test-order=before-clear",
            ],
            "exclude each other",
        ),
    ];
    for (arguments, reason) in questions {
        let output = stalewake(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            stderr(&output).contains(reason),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}
