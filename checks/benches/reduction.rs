//! What the reduction saves, and what the default run costs.
//!
//! `cargo bench` prints ratios of two searches of the same cell in the same
//! run, which do not depend on the machine; then executions per trace of every
//! cell, two workers against one, and time and memory of a whole run of the
//! command without arguments.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stalewake::cell::Cell;
use stalewake::explore::{self, Options};
use stalewake::scenario;
use stalewake::verdict::{Figures, Search, Status, Verdict};

/// How often something is measured that takes less than a second.
const REPETITIONS: usize = 5;

/// Cells that plain loom explores to the end: in seconds, in some more, and in
/// minutes. The last is the largest that was found to end within ten minutes.
const FINISHED_BY_PLAIN_LOOM: [&str; 3] = [
    "shmem-tail/truncate=wait/v5.10",
    "page-cache/race=grab/v5.10",
    "page-cache/race=lookup/v5.10",
];

/// Larger cells, of which only a lower bound of the ratio is known: plain loom
/// is stopped at [`BUDGET`] executions.
const NOT_FINISHED: [&str; 2] = [
    "writeback-reuse/truncate=wait/v5.9",
    "missed-wakeup/waiters=two-shared/v5.9",
];
const BUDGET: u64 = 100_000;

/// The largest cell of all.
const LARGEST: &str = "same-page/v5.8";

/// How often one worker and two take turns on it.
const TURNS: usize = 3;

/// The whole default run is to be bounded by this: half a minute on two cores.
const MOST_SECONDS: f64 = 30.0;
/// And by this, in kilobytes.
const MOST_MEMORY: u64 = 50_000;

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this, too, but measures nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("measures only under `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let cells = cells();
    if cells.is_empty() {
        eprintln!("error: no scenario is shipped, so there is nothing to measure");
        return ExitCode::FAILURE;
    }
    reduction(&cells);
    traces(&cells);
    two_workers();
    default_run();
    ExitCode::SUCCESS
}

/// Every cell of the shipped scenarios, by name.
fn cells() -> BTreeMap<String, Cell> {
    let scenarios = scenario::shipped().into_iter().flatten().map(Arc::new);
    let cells = scenarios.flat_map(|scenario| Cell::all_of(&scenario));
    cells.map(|cell| (cell.to_string(), cell)).collect()
}

fn explore(cell: &Cell, search: Search, max_executions: Option<u64>) -> Verdict {
    let options = Options {
        search,
        max_executions,
        ..Options::default()
    };
    explore::explore(cell, &options, &Arc::default())
}

/// The figures of a search, with the median of its times.
fn measure(cell: &Cell, search: Search, max_executions: Option<u64>) -> (Figures, Status) {
    let mut times = Vec::new();
    loop {
        let verdict = explore(cell, search, max_executions);
        times.push(verdict.figures.elapsed);
        let is_slow = verdict.figures.elapsed > Duration::from_secs(1);
        if times.len() == REPETITIONS || is_slow {
            times.sort();
            let elapsed = times[times.len() / 2];
            let figures = Figures {
                elapsed,
                ..verdict.figures
            };
            return (figures, verdict.status);
        }
    }
}

/// Executions and time without the reduction and with it.
fn reduction(cells: &BTreeMap<String, Cell>) {
    println!("without the reduction, with it, and how many times more");
    let rows = FINISHED_BY_PLAIN_LOOM
        .iter()
        .map(|name| (name, None))
        .chain(NOT_FINISHED.iter().map(|name| (name, Some(BUDGET))));
    for (name, budget) in rows {
        let Some(cell) = cells.get(*name) else {
            println!("  {name}: there is no such cell any more");
            continue;
        };
        let (reduced, _) = measure(cell, Search::Reduced, None);
        let (plain, status) = measure(cell, Search::Plain, budget);
        let ratio = plain.executions as f64 / reduced.executions as f64;
        let slower = plain.elapsed.as_secs_f64() / reduced.elapsed.as_secs_f64();
        let at_least = if status == Status::Complete {
            ""
        } else {
            ", not finished: at least"
        };
        println!("  {name}{at_least}");
        println!(
            "    executions {:>9} {:>9} {ratio:>9.0} x",
            plain.executions, reduced.executions
        );
        println!(
            "    seconds    {:>9.3} {:>9.4} {slower:>9.0} x",
            plain.elapsed.as_secs_f64(),
            reduced.elapsed.as_secs_f64()
        );
    }
}

/// How many executions each distinct trace costs: one, if no work is wasted.
fn traces(cells: &BTreeMap<String, Cell>) {
    println!("\nexecutions for each distinct trace");
    let mut all = Figures::default();
    for (name, cell) in cells {
        let figures = explore(cell, Search::Reduced, None).figures;
        let (executions, traces) = (figures.executions, figures.traces());
        println!(
            "  {name:<42} {executions:>7} / {traces:>7} = {:.3}",
            executions as f64 / traces as f64
        );
        all.executions += figures.executions;
        all.redundant += figures.redundant;
        all.elapsed += figures.elapsed;
    }
    println!(
        "  all: {} / {} = {:.3}, {:.0} executions a second",
        all.executions,
        all.traces(),
        all.executions as f64 / all.traces() as f64,
        all.executions as f64 / all.elapsed.as_secs_f64()
    );
}

/// How much faster two workers are than one, and how many more executions that
/// costs.
fn two_workers() {
    println!("\ntwo workers against one, on {LARGEST}");
    let mut ratios = Vec::new();
    for turn in 1..=TURNS {
        let [one, two] = ["1", "2"].map(|jobs| {
            let started = Instant::now();
            let status = Command::new(env!("CARGO_BIN_EXE_stalewake"))
                .args(["check", LARGEST, "--jobs", jobs, "--quiet"])
                .status();
            assert!(status.is_ok_and(|status| status.success()), "{LARGEST}");
            started.elapsed().as_secs_f64()
        });
        println!("  turn {turn}: {one:.2} s, {two:.2} s");
        ratios.push(one / two);
    }
    ratios.sort_by(f64::total_cmp);
    println!("  {:.2} times as fast (median)", ratios[TURNS / 2]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        println!("  this machine has one core: that says nothing");
    }
}

/// Time and peak memory of the command without arguments.
fn default_run() {
    println!("\nthe whole default run");
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_stalewake"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary is built with the benches");
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    let reader = std::thread::spawn(move || {
        let mut table = Vec::new();
        stdout.read_to_end(&mut table).map(|_| table)
    });
    let mut memory = None;
    let status = loop {
        memory = peak_memory(child.id()).max(memory);
        if let Some(status) = child.try_wait().expect("the child can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let seconds = started.elapsed().as_secs_f64();
    let table = reader.join().expect("the reader does not panic");
    assert!(
        table.is_ok_and(|table| !table.is_empty()),
        "the default run prints a table"
    );
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "  {seconds:.1} s on {threads} cores, {:.0} % of half a minute; {status}",
        100.0 * seconds / MOST_SECONDS
    );
    match memory {
        Some(kilobytes) => println!(
            "  peak memory of its processes {:.1} MB, {:.0} % of 50 MB",
            kilobytes as f64 / 1_000.0,
            100.0 * kilobytes as f64 / MOST_MEMORY as f64
        ),
        None => println!("  peak memory: only Linux says"),
    }
}

/// The most memory that a process and those that it has started have had so
/// far, in kilobytes.
fn peak_memory(process: u32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let children = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("children")).ok()?;
        Some(
            text.split_whitespace()
                .flat_map(str::parse)
                .collect::<Vec<u32>>(),
        )
    });
    let processes = std::iter::once(process).chain(children.flatten());
    processes.map(peak_memory_of_one).sum()
}

fn peak_memory_of_one(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
