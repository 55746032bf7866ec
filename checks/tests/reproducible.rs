//! The same question has the same answer, byte for byte: what `check --format
//! json` prints depends on no clock but in `elapsed_ms`, and on how many
//! workers there are in nothing at all.

use std::process::Command;

/// Cells of every size that a test can wait for: some that reach something,
/// and one that several workers share.
const CELLS: [&str; 4] = [
    "writeback-reuse/v5.9",
    "shmem-tail",
    "unfair-lock/v5.9",
    "missed-wakeup/waiters=two-exclusive/v5.9",
];

/// What is printed, as text: the order of lines and of fields counts, too.
fn printed(jobs: u32) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_stalewake"))
        .args(["check", "--format", "json", "--jobs", &jobs.to_string()])
        .args(CELLS)
        .output()
        .expect("the binary starts");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("JSON is text");
    assert!(text.lines().count() > CELLS.len(), "{text}");
    text.lines().map(|line| without_time(line) + "\n").collect()
}

/// The line with nothing changed but the digits of the one time in it.
fn without_time(line: &str) -> String {
    let field = "\"elapsed_ms\":";
    let (before, after) = line.split_once(field).expect("a line has its time");
    assert!(!after.contains(field), "a line has one time");
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}{field}0{rest}")
}

#[test]
fn a_run_again_prints_the_same() {
    assert_eq!(printed(1), printed(1));
}

#[test]
fn more_workers_print_the_same() {
    let one = printed(1);
    for jobs in [2, 3, 8] {
        assert_eq!(printed(jobs), one, "--jobs {jobs}");
    }
}
