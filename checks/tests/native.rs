//! The same cells on real operating-system threads, with whatever schedules
//! come: a run ends, and shows nothing that the file does not expect.
//!
//! This checks the model's own synchronisation, which loom takes for granted,
//! and that no verdict rests on something only loom does.

use std::collections::BTreeSet;
use std::sync::Arc;

use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{self, Enough};
use stalewake::scenario::{self, Scenario};
use stalewake_model::violation::Kind;

/// How often each cell is run.
const EXECUTIONS: u64 = 300;

fn shipped(name: &str) -> Arc<Scenario> {
    let found = scenario::shipped()
        .into_iter()
        .flatten()
        .find(|scenario| scenario.name == name);
    Arc::new(found.unwrap_or_else(|| panic!("scenario {name} is shipped and in order")))
}

/// Runs every cell of a scenario.
fn stress(name: &str) {
    let scenario = shipped(name);
    let mut cells = 0;
    for parameters in scenario.combinations() {
        for release in scenario.kernels() {
            let cell = Cell {
                scenario: scenario.clone(),
                parameters: parameters.clone(),
                kernel: KernelChoice::of(release),
            };
            stress_cell(&cell);
            cells += 1;
        }
    }
    assert!(cells > 0, "{name} has no cell");
}

fn stress_cell(cell: &Cell) {
    let findings = explore::stress(cell, Enough::Executions(EXECUTIONS))
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
