//! The weak-memory search finds a bug that no sequentially consistent search
//! can find, and claims nothing where it finds none. The bug is the model's and
//! not the kernel's, whose `finish_wait` orders the reads (`model/README.md`,
//! "Steps skipped"); as a control it is as good.

use std::collections::BTreeSet;
use std::sync::Arc;

use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{self, Event, Options};
use stalewake::report::token::{Token, token};
use stalewake::scenario::find_shipped;
use stalewake::verdict::{Search, Status, Verdict};
use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

/// `writeback-reuse` on v5.10, with mechanisms changed.
fn cell(changes: &[(&str, &str)]) -> Cell {
    let mut kernel = KernelChoice::of(Release::resolve("v5.10").expect("it has a row"));
    for (mechanism, alternative) in changes {
        kernel
            .kernel
            .set(mechanism, alternative)
            .expect("they exist");
    }
    Cell {
        scenario: find_shipped("writeback-reuse").expect("it is shipped and in order"),
        parameters: [("truncate".to_owned(), "wait".to_owned())].into(),
        kernel,
    }
}

fn explore(changes: &[(&str, &str)], search: Search) -> Verdict {
    let options = Options {
        search,
        ..Options::default()
    };
    let verdict = explore::explore(&cell(changes), &options, &Arc::default());
    assert_eq!(verdict.status, Status::Complete);
    verdict
}

const RELAXED: (&str, &str) = ("woken-publish", "relaxed");
const WHILE: (&str, &str) = ("wait-on-writeback", "while");

/// With and without the companions, which make loom see more races.
const WEAK: [Search; 2] = [
    Search::Weak {
        bound: Some(2),
        companions: false,
    },
    Search::Weak {
        bound: Some(1),
        companions: true,
    },
];

#[test]
fn a_relaxed_wake_up_flag_lets_a_waiter_read_the_old_writeback_bit() {
    for search in WEAK {
        let verdict = explore(&[RELAXED], search);
        assert_eq!(verdict.kinds(), BTreeSet::from([Kind::BugOnWriteback]));
        assert!(
            verdict
                .reachable
                .iter()
                .all(|reachable| reachable.weak_only)
        );
        assert_eq!(verdict.holds(), Some(false));
    }
}

#[test]
fn no_sequentially_consistent_search_finds_that() {
    let verdict = explore(&[RELAXED], Search::Reduced);
    assert_eq!(
        (verdict.kinds(), verdict.is_exhaustive()),
        (BTreeSet::new(), true)
    );
}

#[test]
fn waiting_until_the_bit_is_clear_heals_it() {
    for search in WEAK {
        let verdict = explore(&[RELAXED, WHILE], search);
        assert_eq!(verdict.kinds(), BTreeSet::new());
    }
}

#[test]
fn finding_nothing_proves_nothing() {
    for search in WEAK {
        let verdict = explore(&[], search);
        assert_eq!(verdict.kinds(), BTreeSet::new());
        assert_eq!((verdict.is_exhaustive(), verdict.holds()), (false, None));
    }
}

/// A schedule does not say what was read, so a token names the number of the
/// execution, and shows it again.
#[test]
fn a_witness_of_weak_memory_is_shown_again() {
    for search in WEAK {
        let verdict = explore(&[RELAXED], search);
        let [found] = &verdict.reachable[..] else {
            panic!("one kind is reachable: {:?}", verdict.reachable);
        };
        let text = token(&verdict.cell, search, &found.witness);
        let token = Token::parse(&text).expect("it is a token");
        assert_eq!(token.to_string(), text);
        assert_eq!(Some(token.executions()), found.witness.execution);
        let replayed = token.replay(&verdict.cell).expect("nothing has changed");
        assert_eq!(replayed.kind, Kind::BugOnWriteback);
        let is_stale = |event: &Event| matches!(event, Event::Step { stale: true, .. });
        assert!(replayed.recording.events.iter().any(is_stale));
        let other = cell(&[RELAXED, WHILE]);
        token
            .replay(&other)
            .expect_err("another kernel has another execution of that number");
    }
}
