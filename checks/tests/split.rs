//! A search that is shared among shards or threads comes to the same as one
//! that is not: the parts are disjoint and add up.

use std::sync::Arc;

use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{Findings, Options, Shard, Split, explore_part, explore_program};
use stalewake::program::CellProgram;
use stalewake::scenario::find_shipped;
use stalewake::verdict::Status;
use stalewake_model::release::Release;

/// A cell with something to find in thousands of executions.
fn reuse() -> Arc<CellProgram> {
    program("writeback-reuse-irq", [("truncate", "wait")], "v5.9")
}

/// One of the larger cells, which are worth sharing.
fn same_page() -> Arc<CellProgram> {
    program("same-page", [], "v5.10.7")
}

fn program<const N: usize>(
    name: &str,
    parameters: [(&str, &str); N],
    kernel: &str,
) -> Arc<CellProgram> {
    let owned = |(parameter, value): (&str, &str)| (parameter.to_owned(), value.to_owned());
    let cell = Cell {
        scenario: find_shipped(name).expect("it is shipped and in order"),
        parameters: parameters.map(owned).into(),
        kernel: KernelChoice::of(Release::resolve(kernel).expect("it has a row")),
    };
    Arc::new(CellProgram::new(&cell))
}

fn whole(program: &Arc<CellProgram>) -> Findings {
    explore_program(program, &Options::default(), &Arc::default())
}

fn part(program: &Arc<CellProgram>, split: Split) -> Findings {
    let options = Options {
        split,
        ..Options::default()
    };
    explore_part(program, &options, &Arc::default())
}

fn shards(program: &Arc<CellProgram>, of: u32) -> Vec<Findings> {
    let shard = |index| Shard::new(index, of).expect("it is one of them");
    (1..=of)
        .map(|index| part(program, Split::of(shard(index))))
        .collect()
}

fn together(parts: Vec<Findings>) -> Findings {
    let together = parts.into_iter().reduce(Findings::and);
    together.expect("there is a part").checked()
}

fn assert_same(whole: &Findings, parts: &Findings) {
    assert_eq!(whole.status, Status::Complete);
    assert_eq!(whole.status, parts.status);
    assert_eq!(whole.reachable, parts.reachable);
    assert_eq!(whole.figures.traces(), parts.figures.traces());
    assert_eq!(whole.figures.executions, parts.figures.executions);
    assert_eq!(whole.figures.operations, parts.figures.operations);
}

#[test]
fn shards_add_up() {
    let program = reuse();
    let whole = whole(&program);
    assert!(!whole.reachable.is_empty());
    for of in [2, 3, 8] {
        assert_same(&whole, &together(shards(&program, of)));
    }
}

#[test]
fn a_missing_shard_is_missed() {
    let program = reuse();
    let mut shards = shards(&program, 3);
    shards.pop();
    let (whole, rest) = (whole(&program), together(shards));
    assert!(rest.figures.traces() < whole.figures.traces());
}

#[test]
fn threads_that_share_a_search_add_up() {
    let program = reuse();
    let whole = whole(&program);
    for workers in [1, 2, 4] {
        let split = Split::default();
        let parts = std::thread::scope(|scope| {
            let worker = |_| scope.spawn(|| part(&program, split.clone()));
            let workers: Vec<_> = (0..workers).map(worker).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().expect("a worker does not panic"))
                .collect()
        });
        assert_same(&whole, &together(parts));
    }
}

/// What a search has taken must not be missing in the next.
#[test]
fn options_can_be_used_again() {
    let (program, options) = (reuse(), Options::default());
    let explore = || explore_program(&program, &options, &Arc::default());
    let (first, second) = (explore(), explore());
    assert_same(&first, &second);
    assert!(first.figures.traces() > 0);
}

/// A search in which everything is somebody else's says so, and does not hold.
#[test]
fn a_search_that_explores_nothing_is_an_error() {
    let program = reuse();
    let split = Split::default();
    part(&program, split.clone());
    let nothing = part(&program, split);
    assert_eq!(nothing.figures.traces(), 0);
    assert!(matches!(nothing.checked().status, Status::Error(_)));
}

/// Who splits a search pays for it with executions that only lead to what
/// others explore: not more than one in ten beyond those of a search without a
/// trunk.
#[test]
fn splitting_costs_little() {
    let program = same_page();
    let whole = part(&program, Split::default().with_trunk(0)).figures;
    for of in [2, 4] {
        let parts = shards(&program, of);
        assert!(
            parts.iter().all(|part| part.figures.traces() > 0),
            "an empty shard is no help"
        );
        let parts = together(parts).figures;
        let all = parts.executions + parts.foreign;
        println!(
            "{of} shards: {all} executions instead of {}",
            whole.executions
        );
        assert!(all * 10 <= whole.executions * 11);
    }
}
