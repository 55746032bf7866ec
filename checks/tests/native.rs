//! The same cells on real operating-system threads, with whatever schedules
//! come: a run ends, and shows nothing that the file does not expect.
//!
//! This checks the model's own synchronisation, which loom takes for granted,
//! and that no verdict rests on something only loom does.

use std::collections::BTreeSet;

use assert_cmd::Command;
use stalewake::cell::Cell;
use stalewake::explore::{self, Enough, SampleOptions, Sampler};
use stalewake::scenario::find_shipped;
use stalewake_model::violation::Kind;

/// How often each cell is run.
const EXECUTIONS: u64 = 300;

/// Runs every cell of a scenario.
fn stress(name: &str) {
    let scenario = find_shipped(name).unwrap_or_else(|| panic!("{name} is shipped and in order"));
    let cells = Cell::all_of(&scenario);
    assert!(!cells.is_empty(), "{name} has no cell");
    cells.iter().for_each(stress_cell);
}

fn stress_cell(cell: &Cell) {
    let options = SampleOptions {
        sampler: Sampler::Native,
        enough: Enough::Executions(EXECUTIONS),
    };
    let findings = explore::sample(cell, &options)
        .unwrap_or_else(|error| panic!("{cell} broke down: {error}"));
    assert_eq!(findings.executions, EXECUTIONS, "{cell}");
    let expected = cell
        .scenario
        .expected(&cell.parameters, cell.kernel.release)
        .unwrap_or_else(|| panic!("{cell} is listed"));
    let found: BTreeSet<Kind> = findings.found.into_keys().collect();
    let unexpected: BTreeSet<Kind> = found.difference(&expected.kinds).copied().collect();
    assert!(
        unexpected.is_empty(),
        "{cell}: {unexpected:?} on native threads, which the file does not expect"
    );
}

#[test]
fn writeback_reuse() {
    stress("writeback-reuse");
}

#[test]
fn writeback_reuse_irq() {
    stress("writeback-reuse-irq");
}

#[test]
fn shmem_tail() {
    stress("shmem-tail");
}

#[test]
fn same_page() {
    stress("same-page");
}

#[test]
fn missed_wakeup() {
    stress("missed-wakeup");
}

#[test]
fn a_machine_that_gives_no_thread_is_named() {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    // More than any address space has.
    command.env("RUST_MIN_STACK", (1_u64 << 60).to_string());
    let cell = "writeback-reuse/truncate=wait/v5.9";
    let output = command.args(["stress", cell, "--executions", "1"]);
    let output = output.output().expect("the binary starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(
        complaint.contains("no thread can be started"),
        "{complaint}"
    );
}
