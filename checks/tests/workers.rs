//! Searches run in worker processes: one that dies costs its cell and nothing
//! else, and none outlives the process that started it.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// More than any of this takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run of seven cells, of which the first takes a second or more.
fn start(jobs: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_stalewake"))
        .args(["check", "killable-lock/signal=early", "--format", "json"])
        .args(["--jobs", jobs])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<u32> {
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

/// Waits until something is there.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(process: u32) {
    let killed = Command::new("kill")
        .args(["-9", &process.to_string()])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
}

fn worker(parent: &Child) -> u32 {
    until("a worker starts", || children(parent.id()).first().copied())
}

#[test]
fn a_worker_that_is_killed_costs_its_cell_and_no_other() {
    let run = start("1");
    kill(worker(&run));
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).expect("text");
    let cells: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    assert_eq!(cells.len(), 7);
    let (broken, others): (Vec<&Value>, Vec<&Value>) =
        cells.iter().partition(|cell| cell["status"] == "error");
    let [broken] = broken[..] else {
        panic!("one cell is broken: {text}");
    };
    let reason = broken["reason"].as_str().expect("there is a reason");
    assert!(
        reason.contains("died") && reason.contains("SIGKILL"),
        "{reason}"
    );
    assert_eq!(broken["exhaustive"], false);
    assert_ne!(broken["holds"], true);
    for cell in others {
        assert_eq!(cell["status"], "complete");
        assert_eq!(cell["as_expected"], true);
    }
    let complaint = String::from_utf8(output.stderr).expect("text");
    assert!(complaint.contains("died"), "{complaint}");
}

#[test]
fn no_worker_outlives_the_run() {
    let mut run = start("2");
    let workers = until("two workers start", || {
        let workers = children(run.id());
        (workers.len() == 2).then_some(workers)
    });
    kill(run.id());
    run.wait().expect("it was killed");
    until("the workers end", || {
        let alive = |worker: &&u32| {
            let status = fs::read_to_string(format!("/proc/{worker}/status"));
            status.is_ok_and(|status| !status.contains("State:\tZ"))
        };
        workers.iter().find(alive).is_none().then_some(())
    });
    assert!(Path::new("/proc/self").exists(), "/proc says who lives");
}

#[test]
fn a_worker_refuses_what_it_does_not_understand() {
    use std::io::Write;
    let mut worker = Command::new(env!("CARGO_BIN_EXE_stalewake"))
        .arg("worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = worker.stdin.take().expect("it is a pipe");
    writeln!(stdin, "explore everything").expect("it listens");
    drop(stdin);
    let output = worker.wait_with_output().expect("it ends");
    assert!(output.status.success());
    let answer = String::from_utf8(output.stdout).expect("text");
    assert!(answer.starts_with("{\"Refused\":"), "{answer}");
}
