//! Searches run in worker processes: one that dies, hangs or takes too much
//! costs its cell and nothing else, and none outlives the process that started
//! it.

#![cfg(target_os = "linux")]

mod processes;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use processes::{SHORT_AND_ENDLESS, children, run, send, start, text, until, until_ended, values};
use serde_json::Value;

/// Seven cells, of which the first takes a while.
const SEVEN: [&str; 2] = ["check", "killable-lock/signal=early"];

/// Two cells, of which the first would take longer than anybody waits.
const ENDLESS_AND_SHORT: [&str; 4] = [
    "check",
    "--no-reduction",
    "same-page/v5.10.7",
    "shmem-tail/truncate=skip/v5.8",
];

/// The workers of a run, as soon as there are so many, and each runs a program
/// of its own: before that, whoever starts it waits for it.
fn workers(parent: &Child, count: usize) -> Vec<u32> {
    let started = |worker: &u32| {
        let arguments = fs::read_to_string(format!("/proc/{worker}/cmdline"));
        arguments.is_ok_and(|arguments| arguments.ends_with("\0worker\0"))
    };
    until(|| {
        let workers = children(parent.id());
        (workers.len() >= count && workers.iter().all(started)).then_some(workers)
    })
}

/// The cells of which a run says that they are `status`.
fn of_status<'v>(cells: &'v [Value], status: &str) -> Vec<&'v Value> {
    let cells = cells.iter().filter(|cell| cell["status"] == status);
    cells.collect()
}

/// The reason why the only cell that broke down did so.
fn reason(cells: &[Value]) -> &str {
    let [broken] = of_status(cells, "error")[..] else {
        panic!("one cell is broken: {cells:?}");
    };
    assert_eq!(broken["exhaustive"], false);
    assert_ne!(broken["holds"], true);
    assert_ne!(broken["as_expected"], true);
    broken["reason"].as_str().expect("there is a reason")
}

#[test]
fn a_worker_that_is_killed_costs_its_cell_and_no_other() {
    let run = start(&ENDLESS_AND_SHORT, &["--jobs", "1"]);
    send("-KILL", workers(&run, 1)[0]);
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let cells = values(&output);
    assert_eq!(cells.len(), 2);
    let reason = reason(&cells);
    assert!(
        reason.contains("died") && reason.contains("SIGKILL"),
        "{reason}"
    );
    let [other] = of_status(&cells, "complete")[..] else {
        panic!("{cells:?}");
    };
    assert_eq!(other["as_expected"], true);
    let complaint = text(&output.stderr);
    assert!(complaint.contains("died"), "{complaint}");
}

/// Even where it comes to its end before anybody looks.
#[test]
fn a_cell_that_took_too_long_is_no_pass() {
    let output = run(
        &["check", "shmem-tail/truncate=skip/v5.8"],
        &["--cell-timeout", "0s"],
    );
    assert_eq!(output.status.code(), Some(1));
    let cells = values(&output);
    assert!(
        reason(&cells).starts_with("it ran longer than 0 ms"),
        "{cells:?}"
    );
}

/// `timeout` signals the program and its group: these two are one request.
#[test]
fn two_signals_at_once_are_one_request() {
    let run = start(&ENDLESS_AND_SHORT, &["--jobs", "1"]);
    workers(&run, 1);
    for signal in ["-TERM", "-HUP", "-TERM"] {
        send(signal, run.id());
    }
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(of_status(&values(&output), "incomplete").len(), 2);
}

/// Whoever builds the program anew while a run goes on, or removes it, does not
/// change the run: the next worker is of the same version, too.
#[test]
fn a_worker_is_started_again_from_a_binary_that_is_gone() {
    let directory = tempfile::tempdir().expect("there is room");
    let binary = directory.path().join("stalewake");
    fs::copy(env!("CARGO_BIN_EXE_stalewake"), &binary).expect("it can be copied");
    let run = Command::new(&binary)
        .args(ENDLESS_AND_SHORT)
        .args(["--format", "json", "--jobs", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let worker = workers(&run, 1)[0];
    fs::remove_file(&binary).expect("it is there");
    send("-KILL", worker);
    let cells = values(&run.wait_with_output().expect("it ends"));
    assert!(reason(&cells).contains("SIGKILL"), "{cells:?}");
    assert_eq!(of_status(&cells, "complete").len(), 1);
}

/// How much time a process has had of a processor, in hundredths of a second.
fn processor_time(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The name, in brackets, is the second field; the two times are 14 and 15.
    let (_, rest) = stat.rsplit_once(')').expect("there is a name");
    let times = rest.split_whitespace().skip(11).take(2);
    times
        .map(|time| time.parse::<u64>().expect("a number"))
        .sum()
}

/// Its share of the search is lost, and nobody else knows what was in it.
#[test]
fn a_cell_is_lost_with_any_of_its_workers() {
    for which in [0, 1] {
        let run = start(&["check", "same-page/v5.8"], &["--jobs", "2"]);
        let workers = workers(&run, 2);
        // Who has worked for so long has a share.
        until(|| (processor_time(workers[which]) >= 10).then_some(()));
        send("-KILL", workers[which]);
        let output = run.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(1));
        let cells = values(&output);
        assert_eq!(cells.len(), 1);
        assert!(reason(&cells).contains("SIGKILL"), "{cells:?}");
    }
}

#[test]
fn no_worker_outlives_the_run() {
    let mut run = start(&SEVEN, &["--jobs", "2"]);
    let workers = workers(&run, 2);
    send("-KILL", run.id());
    run.wait().expect("it was killed");
    until_ended(&workers);
}

/// It cannot notice by itself that nobody listens any more.
#[test]
fn not_even_a_stopped_one() {
    let mut run = start(&ENDLESS_AND_SHORT, &["--jobs", "1"]);
    let workers = until(|| {
        let workers = children(run.id());
        let asleep = |worker: &u32| {
            let status = fs::read_to_string(format!("/proc/{worker}/status"));
            status.is_ok_and(|status| status.contains("Threads:\t2"))
        };
        (workers.len() == 1 && asleep(&workers[0])).then_some(workers)
    });
    send("-STOP", workers[0]);
    send("-KILL", run.id());
    run.wait().expect("it was killed");
    until_ended(&workers);
}

#[test]
fn a_worker_that_hangs_is_killed() {
    let run = start(&ENDLESS_AND_SHORT, &["--jobs", "1", "--hung-after", "5s"]);
    send("-STOP", workers(&run, 1)[0]);
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let cells = values(&output);
    assert!(reason(&cells).contains("no word for 5 s"), "{cells:?}");
    assert_eq!(of_status(&cells, "complete").len(), 1);
}

#[test]
fn a_cell_that_takes_too_long_is_given_up() {
    let output = run(
        &ENDLESS_AND_SHORT,
        &["--jobs", "1", "--cell-timeout", "10s"],
    );
    assert_eq!(output.status.code(), Some(1));
    let cells = values(&output);
    let reason = reason(&cells);
    assert_eq!(reason, "it ran longer than 10 s and was killed");
    assert_eq!(of_status(&cells, "complete").len(), 1);
}

#[test]
fn a_worker_that_takes_too_much_memory_is_killed() {
    let output = run(&["check", "shmem-tail/v5.10"], &["--cell-memory", "1M"]);
    assert_eq!(output.status.code(), Some(1));
    for cell in values(&output) {
        assert_eq!(cell["status"], "error");
        assert_eq!(cell["as_expected"], false);
        assert_eq!(
            cell["reason"],
            "a worker used more than 1 MB and was killed"
        );
    }
    let output = run(&["check", "shmem-tail/v5.10"], &["--cell-memory", "2G"]);
    assert!(output.status.success());
}

/// With a little less memory the program does not start, and with a little more
/// it finishes.
#[test]
fn a_worker_without_memory_costs_its_cell_and_says_why() {
    let limited_to = |megabytes: u32| {
        let limit = (megabytes << 10).to_string();
        let output = Command::new("sh")
            .args(["-c", r#"ulimit -v "$0"; exec "$@""#, &limit])
            .arg(env!("CARGO_BIN_EXE_stalewake"))
            .args(["check", "shmem-tail/truncate=skip/v5.8", "--jobs", "1"])
            .args(["--format", "json"])
            .output();
        output.expect("there is a shell")
    };
    let outputs = (4..200).step_by(2).map(limited_to);
    let mut without = outputs.filter(|output| text(&output.stdout).contains("memory allocation"));
    let output = without.next().expect("one of the limits is of the worker");
    assert_eq!(output.status.code(), Some(1));
    let cells = values(&output);
    let reason = reason(&cells);
    assert!(reason.contains("SIGABRT"), "{reason}");
    assert!(reason.ends_with(" bytes failed"), "{reason}");
}

#[test]
fn a_run_that_is_interrupted_says_what_it_has() {
    for signal in ["-INT", "-TERM"] {
        let mut run = start(&SHORT_AND_ENDLESS, &["--jobs", "1"]);
        let mut stdout = BufReader::new(run.stdout.take().expect("it is a pipe"));
        let mut printed = String::new();
        stdout.read_line(&mut printed).expect("a cell is finished");
        let workers = workers(&run, 1);
        send(signal, run.id());
        stdout.read_to_string(&mut printed).expect("it is text");
        let mut output = run.wait_with_output().expect("it ends");
        output.stdout = printed.into_bytes();
        assert_eq!(output.status.code(), Some(130), "{signal}");
        let cells = values(&output);
        let [done] = of_status(&cells, "complete")[..] else {
            panic!("{cells:?}");
        };
        assert_eq!(done["scenario"], "shmem-tail");
        let [open] = of_status(&cells, "incomplete")[..] else {
            panic!("{cells:?}");
        };
        assert_eq!(open["as_expected"], Value::Null);
        assert_eq!(open["holds"], Value::Null);
        let complaint = text(&output.stderr);
        assert!(
            complaint.contains("1 of 2 cells were finished"),
            "{complaint}"
        );
        assert!(complaint.contains("--resume"), "{complaint}");
        until_ended(&workers);
    }
}

/// `nohup` starts a run so, and the terminal may be gone before it is done.
#[test]
fn a_signal_that_is_ignored_ends_nothing() {
    let run = Command::new("env")
        .args(["--ignore-signal=HUP", env!("CARGO_BIN_EXE_stalewake")])
        .args(SEVEN)
        .args(["--format", "json", "--jobs", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    workers(&run, 1);
    send("-HUP", run.id());
    let output = run.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(of_status(&values(&output), "complete").len(), 7);
}

/// Nobody reads what it prints, which is more than a pipe holds.
#[test]
fn a_second_interruption_ends_a_run_at_once() {
    let cells = ["missed-wakeup", "shmem-tail", "unfair-lock"];
    let more = ["spurious-wakeup", "truncate-in-flight", "writeback-reuse"];
    let mut run = start(&[&["check"][..], &cells, &more].concat(), &[]);
    workers(&run, 1);
    until(|| children(run.id()).is_empty().then_some(()));
    assert_eq!(run.try_wait().expect("it is ours"), None);
    // Two that come at the same time are one.
    let status = until(|| {
        send("-INT", run.id());
        run.try_wait().expect("it is ours")
    });
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_worker_refuses_what_it_does_not_understand() {
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
    let answer = text(&output.stdout);
    assert!(answer.starts_with("{\"Refused\":"), "{answer}");
}

/// What it has printed stays; it has no workers and keeps no journal.
#[test]
fn a_signal_ends_stress_with_the_exit_code_of_an_interruption() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut stress = start(&["stress", "writeback-reuse"], &["--executions", "3000"]);
        // After the first line there are cells left for a while.
        let mut stdout = BufReader::new(stress.stdout.take().expect("it is piped"));
        let mut first = String::new();
        stdout.read_line(&mut first).expect("the output is text");
        assert!(first.contains("\"writeback-reuse\""), "{first}");
        send(signal, stress.id());
        let status = stress.wait().expect("it ends");
        assert_eq!(status.code(), Some(130), "{signal}");
    }
}
