//! What is printed: JSON, tables, colours, help.

use assert_cmd::Command;
use serde_json::Value;

use super::run::{code, complaints, objects, stalewake, stderr, stdout};

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
        &["new", "--help"],
        &["watch", "--help"],
    ] {
        let output = stalewake(command);
        assert_eq!(code(&output), 0);
        assert!(
            stdout(&output).contains("Examples:\n  stalewake"),
            "{command:?}"
        );
    }
}

/// What cannot be printed was not said, a help text no less than a verdict.
#[test]
fn a_full_standard_output_is_an_error() {
    let binary = env!("CARGO_BIN_EXE_stalewake");
    for arguments in ["--help", "check --help", "--version", "list", "man"] {
        let script = format!("\"$1\" {arguments} >/dev/full");
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-c", &script, "sh", binary]).output();
        assert_eq!(code(&output.expect("there is a shell")), 2, "{arguments}");
    }
}

/// Where nothing can be said beside the answer, the answer is the same.
#[test]
fn a_full_standard_error_changes_nothing() {
    let binary = env!("CARGO_BIN_EXE_stalewake");
    let run = |command: &str| {
        let script = format!("{command} 2>/dev/full");
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &script, "sh", binary])
            .output()
            .expect("there is a shell")
    };
    let warned = run("LOOM_LOG=1 \"$1\" check shmem-tail/truncate=wait/v5.10");
    assert_eq!(code(&warned), 0);
    assert!(stdout(&warned).contains("All as expected."));
    assert_eq!(code(&run("\"$1\" check nonsense")), 2);
}

/// What was not finished is something of which something is expected.
#[test]
fn what_is_not_finished_cannot_be_judged() {
    let output = stalewake(&["check", "shmem-tail", "--budget", "0s"]);
    assert_eq!(code(&output), 3);
    let said = stdout(&output);
    assert!(
        said.contains("Nothing can be judged: 14 cells are not finished."),
        "{said}"
    );
}

/// Whatever a terminal, or who pretends to be one, says of itself.
#[test]
fn no_width_is_too_large() {
    for columns in ["0", "65536", "18446744073709551615", "99999999999999999999"] {
        let output = Command::cargo_bin("stalewake")
            .expect("the binary is built with the tests")
            .env("COLUMNS", columns)
            .args(["explain", "shmem-tail/truncate=wait/v5.9"])
            .output()
            .expect("the binary starts");
        assert_eq!(code(&output), 0, "{columns}: {}", stderr(&output));
    }
}
