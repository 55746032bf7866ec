//! Runs that are looked at, stopped and killed while they go on.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Two cells in this order: one that is explored in a moment, and one that
/// would take longer than anybody waits.
pub const SHORT_AND_ENDLESS: [&str; 4] = [
    "check",
    "--no-reduction",
    "shmem-tail/truncate=skip/v5.8",
    "same-page/v5.10.7",
];

/// Starts the program, which prints JSON, and listens to signals also where who
/// runs the tests has them ignored.
pub fn start(arguments: &[&str], more: &[&str]) -> Child {
    Command::new("env")
        .args(["--default-signal", env!("CARGO_BIN_EXE_stalewake")])
        .args(arguments)
        .args(["--format", "json"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// The same, to its end.
pub fn run(arguments: &[&str], more: &[&str]) -> Output {
    start(arguments, more).wait_with_output().expect("it ends")
}

/// What was printed, a value for each line.
pub fn values(output: &Output) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).expect("every line is an object");
    text(&output.stdout).lines().map(parse).collect()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the output is text")
}

/// The processes that a process has started.
pub fn children(parent: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task"))
        .into_iter()
        .flatten();
    let children = tasks.flatten().map(|task| task.path().join("children"));
    let numbers = children.filter_map(|file| fs::read_to_string(file).ok());
    numbers
        .flat_map(|text| {
            let numbers = text.split_whitespace().map(|number| number.parse().ok());
            numbers.flatten().collect::<Vec<u32>>()
        })
        .collect()
}

/// Waits until all of these have ended.
pub fn until_ended(processes: &[u32]) {
    assert!(Path::new("/proc/self").exists(), "/proc says who lives");
    until(|| {
        let alive = |process: &&u32| {
            let status = fs::read_to_string(format!("/proc/{process}/status"));
            status.is_ok_and(|status| !status.contains("State:\tZ"))
        };
        processes.iter().find(alive).is_none().then_some(())
    });
}

/// Waits until something is there, however long that takes on this machine: a
/// test that never ends is named by the test runner.
pub fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal, such as `-KILL`.
pub fn send(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(sent.is_ok_and(|status| status.success()));
}
