//! Verdicts for the tests of reports.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use stalewake_model::release::Release;
use stalewake_model::sync::ThreadId;
use stalewake_model::violation::Kind;

use crate::cell::{Cell, KernelChoice};
use crate::coverage::Coverage;
use crate::explore::Shard;
use crate::scenario;
use crate::verdict::{Expected, Figures, Reachable, Search, Status, Verdict, Witness};

/// The cell of that race on v5.9.
pub(crate) fn cell() -> Cell {
    let scenario = scenario::shipped()
        .into_iter()
        .flatten()
        .find(|scenario| scenario.name == "writeback-reuse")
        .expect("it is shipped");
    let parameters = [("truncate".to_owned(), "wait".to_owned())].into();
    let release = Release::resolve("v5.9").expect("it exists");
    Cell {
        scenario: Arc::new(scenario),
        parameters,
        kernel: KernelChoice::of(release),
    }
}

/// A schedule of three threads.
pub(crate) fn witness() -> Witness {
    Witness {
        schedule: [0, 0, 0, 1, 2, 2].map(ThreadId).to_vec(),
        preemptions: 1,
        execution: None,
    }
}

/// A complete verdict that finds some kinds and expects others.
pub(crate) fn verdict(found: &[Kind], expected: &[Kind]) -> Verdict {
    let reachable = |kind: &Kind| Reachable {
        kind: *kind,
        weak_only: false,
        traces: 3,
        witness: witness(),
    };
    Verdict {
        cell: cell(),
        search: Search::Reduced,
        shard: Shard::default(),
        status: Status::Complete,
        reachable: found.iter().map(reachable).collect(),
        abandoned: BTreeSet::new(),
        coverage: Coverage::default(),
        expected: Some(Expected {
            kinds: expected.iter().copied().collect::<BTreeSet<_>>(),
            because: "of a reason".to_owned(),
        }),
        figures: Figures {
            executions: 1_363,
            redundant: 208,
            foreign: 0,
            operations: 31,
            elapsed: Duration::from_millis(21),
        },
    }
}
