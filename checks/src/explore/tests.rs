//! Searches of programs that are hardly any, or not always the same.

use std::sync::atomic::{AtomicU64, Ordering};

use stalewake_model::release::Release;
use stalewake_model::sync::{Cpu, Ending, Objects};
use stalewake_model::violation::{Halt, Kind, Violation};

use super::*;
use crate::cell::KernelChoice;
use crate::program::Running;
use crate::scenario::find_shipped;

/// A thread that takes no step, or breaks down.
struct Nothing {
    panics: bool,
}

impl Program for Nothing {
    type State = ();

    fn threads(&self) -> usize {
        1
    }

    fn start(&self, _objects: &mut Objects) {}

    fn thread(&self, (): &(), _cpu: &Cpu) -> Result<(), Halt> {
        assert!(!self.panics, "it breaks down");
        Ok(())
    }

    fn end(&self, (): &(), _ending: Ending) -> Vec<Violation> {
        Vec::new()
    }
}

fn search(panics: bool, options: &Options) -> Findings {
    explore_program(&Arc::new(Nothing { panics }), options, &Arc::default())
}

#[test]
fn a_search_that_broke_down_is_none() {
    for search_of in [Search::Reduced, Search::Plain] {
        let options = Options {
            search: search_of,
            ..Options::default()
        };
        assert_eq!(search(false, &options).status, Status::Complete);
        let Status::Error(reason) = search(true, &options).status else {
            panic!("{search_of:?}: it broke down");
        };
        assert!(reason.contains("it breaks down"), "{reason}");
    }
}

/// A part may have nothing to explore. A whole may not.
#[test]
fn only_a_whole_must_have_something_to_explore() {
    let shards = [1, 2].map(|index| {
        let options = Options {
            split: Split::of(Shard::new(index, 2).expect("there is one")),
            ..Options::default()
        };
        search(false, &options)
    });
    let mut traces = shards.each_ref().map(|findings| findings.figures.traces());
    traces.sort_unstable();
    assert_eq!(traces, [0, 1], "there is one trace, for one of them");
    assert!(
        shards
            .iter()
            .all(|findings| findings.status == Status::Complete)
    );
    let options = Options {
        max_executions: Some(0),
        ..Options::default()
    };
    assert_ne!(search(false, &options).status, Status::Complete);
}

/// A small cell, one execution of which shows what no other does.
struct Odd {
    cell: CellProgram,
    /// The number of that execution, from 1.
    odd: u64,
    started: AtomicU64,
}

/// Nothing else shows it.
const ODD: Kind = Kind::ForeignWrite;

impl Program for Odd {
    type State = (Running, bool);

    fn threads(&self) -> usize {
        self.cell.threads()
    }

    fn start(&self, objects: &mut Objects) -> Self::State {
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        (self.cell.start(objects), number == self.odd)
    }

    fn thread(&self, (state, is_odd): &Self::State, cpu: &Cpu) -> Result<(), Halt> {
        if *is_odd {
            cpu.report(ODD, "")?;
        }
        self.cell.thread(state, cpu)
    }

    fn end(&self, (state, _): &Self::State, ending: Ending) -> Vec<Violation> {
        self.cell.end(state, ending)
    }
}

/// What only an execution shows that was then given up, the reduction has lost:
/// the whole search is no result.
#[test]
fn a_whole_that_has_lost_something_is_none() {
    let cell = Cell {
        scenario: find_shipped("migration").expect("it is shipped and in order"),
        parameters: [].into(),
        kernel: KernelChoice::of(Release::resolve("v5.8").expect("it has a row")),
    };
    let search = |odd| {
        let program = Odd {
            cell: CellProgram::new(&cell),
            odd,
            started: AtomicU64::default(),
        };
        explore_program(&Arc::new(program), &Options::default(), &Arc::default())
    };
    let shows_it = |findings: &Findings| findings.reachable.iter().any(|found| found.kind == ODD);
    let usual = search(0);
    assert_eq!(usual.status, Status::Complete);
    assert!(!shows_it(&usual));
    let mut lost = 0;
    for number in 1..=usual.figures.executions {
        let findings = search(number);
        match findings.status {
            Status::Error(_) => lost += 1,
            _ => assert!(shows_it(&findings), "execution {number}"),
        }
    }
    assert_eq!(lost, usual.figures.redundant);
    assert!((1..usual.figures.executions).contains(&lost));
}
