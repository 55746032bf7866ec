//! Searches of programs that are hardly any.

use stalewake_model::sync::{Cpu, Ending, Objects};
use stalewake_model::violation::{Halt, Violation};

use super::*;

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
