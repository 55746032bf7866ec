//! On every cell that plain loom explores in a moment, it comes to the same
//! final states and the same violations as the reduced search.
//!
//! This is necessary, and not sufficient: a dependence that both overlook is
//! found only by the cross-check with the enumerator.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use stalewake::cell::Cell;
use stalewake::explore::{Findings, Options, explore_program};
use stalewake::program::{CellProgram, Running};
use stalewake::scenario;
use stalewake::verdict::{Search, Status};
use stalewake_model::sync::{Cpu, Ending, Objects, Program};
use stalewake_model::violation::{Halt, Kind, Violation};

/// Cells with at most so many traces are small.
const SMALL: u64 = 12;

/// And are finished by plain loom in fewer executions than this.
const PLAIN: u64 = 10_000;

/// A cell whose final states are written down.
struct Watched {
    program: CellProgram,
    states: Mutex<BTreeSet<String>>,
}

impl Watched {
    fn new(cell: &Cell) -> Arc<Watched> {
        Arc::new(Watched {
            program: CellProgram::new(cell),
            states: Mutex::default(),
        })
    }

    fn states(&self) -> BTreeSet<String> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.clone()
    }
}

/// What is left of every page frame, and where it is in the page cache.
fn state(running: &Running, ending: Ending) -> String {
    let machine = running.machine();
    let pages = machine.pages.iter().map(|page| {
        let holds = machine
            .inodes
            .iter()
            .map(|inode| inode.holds_at_end(page.pfn));
        let flags = page.flags.at_end(|bits, _| bits);
        format!(
            "{flags:x}:{}:{:?}",
            page.refcount.at_end(),
            holds.collect::<Vec<_>>()
        )
    });
    format!("{ending:?} {}", pages.collect::<Vec<_>>().join(" "))
}

impl Program for Watched {
    type State = Running;

    fn threads(&self) -> usize {
        self.program.threads()
    }

    fn start(&self, objects: &mut Objects) -> Running {
        self.program.start(objects)
    }

    fn thread(&self, running: &Running, cpu: &Cpu) -> Result<(), Halt> {
        self.program.thread(running, cpu)
    }

    fn end(&self, running: &Running, ending: Ending) -> Vec<Violation> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(state(running, ending));
        self.program.end(running, ending)
    }
}

/// What a search finds, and the final states that it sees.
fn explore(cell: &Cell, search: Search) -> (Findings, BTreeSet<String>) {
    let program = Watched::new(cell);
    let options = Options {
        search,
        max_executions: Some(PLAIN),
        ..Options::default()
    };
    let findings = explore_program(&program, &options, &Arc::default());
    assert_eq!(findings.status, Status::Complete, "{cell}, {search:?}");
    (findings, program.states())
}

fn kinds(findings: &Findings) -> BTreeSet<Kind> {
    findings.reachable.iter().map(|found| found.kind).collect()
}

#[test]
fn plain_loom_comes_to_the_same_final_states() {
    let scenarios = scenario::shipped().into_iter().flatten().map(Arc::new);
    let cells = scenarios.flat_map(|scenario| Cell::all_of(&scenario));
    let (mut compared, mut with_violations, mut executions) = (0, 0, [0, 0]);
    for cell in cells {
        let options = Options {
            max_executions: Some(10 * SMALL),
            ..Options::default()
        };
        let program = Arc::new(CellProgram::new(&cell));
        let small = explore_program(&program, &options, &Arc::default());
        if small.status != Status::Complete || small.figures.traces() > SMALL {
            continue;
        }
        let (reduced, reduced_states) = explore(&cell, Search::Reduced);
        let (plain, plain_states) = explore(&cell, Search::Plain);
        assert_eq!(kinds(&reduced), kinds(&plain), "{cell}");
        assert_eq!(reduced_states, plain_states, "{cell}");
        assert!(!plain_states.is_empty());
        compared += 1;
        with_violations += usize::from(!kinds(&plain).is_empty());
        executions[0] += plain.figures.executions;
        executions[1] += reduced.figures.executions;
    }
    let [plain, reduced] = executions;
    println!("{compared} cells agree: {plain} executions of plain loom, {reduced} reduced");
    assert!(
        compared >= 10 && with_violations >= 3,
        "only {compared} cells are small, and {with_violations} of them show anything"
    );
}
