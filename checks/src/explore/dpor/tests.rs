//! The books, kept against an engine that does not do as it is asked.

use super::*;
use crate::explore::causality::tests::on;

const A: ThreadId = ThreadId(0);
const B: ThreadId = ThreadId(1);
const C: ThreadId = ThreadId(2);

/// A thread's only step, which commutes with nobody's.
fn step(thread: ThreadId) -> Step {
    on(ObjectId(0), thread)
}

/// A search with a trunk of so many steps, and what it asked for after these
/// executions, each a schedule.
fn searched(trunk: usize, executions: &[&[ThreadId]]) -> (Dpor, Vec<Vec<(usize, ThreadId)>>) {
    let mut dpor = Dpor::new(Split::default().with_trunk(trunk));
    let asked = executions.iter().map(|execution| {
        dpor.begin();
        execution
            .iter()
            .for_each(|thread| dpor.step(&step(*thread)));
        let asked = dpor.end().into_iter();
        asked.map(|asked| (asked.step, asked.thread)).collect()
    });
    let asked = asked.collect();
    (dpor, asked)
}

/// Why a search of these executions is no result.
fn error(trunk: usize, executions: &[&[ThreadId]]) -> SearchError {
    let (mut dpor, _) = searched(trunk, executions);
    dpor.finish().expect_err("the books do not balance")
}

#[test]
fn a_race_is_explored_both_ways_and_then_it_is_over() {
    for trunk in [0, 2] {
        let (mut dpor, asked) = searched(trunk, &[&[A, B], &[B, A]]);
        assert_eq!(asked, [vec![(0, B)], vec![]], "{trunk}");
        assert_eq!(dpor.finish(), Ok(()), "{trunk}");
    }
}

#[test]
fn what_was_asked_for_and_never_comes_is_missed() {
    let threads = vec![B];
    let forgotten = SearchError::Forgotten { step: 0, threads };
    for trunk in [0, 2] {
        assert_eq!(error(trunk, &[&[A, B]]), forgotten, "{trunk}");
    }
}

/// loom goes back further than to the last choice that has something open.
#[test]
fn what_is_passed_over_is_missed() {
    let (_, asked) = searched(0, &[&[A, B, C]]);
    assert_eq!(asked[0], [(0, B), (1, C)]);
    let threads = vec![C];
    let forgotten = SearchError::Forgotten { step: 1, threads };
    assert_eq!(error(0, &[&[A, B, C], &[B, A, C]]), forgotten);
}

#[test]
fn what_was_explored_before_is_not_counted_again() {
    for again in [&[A, B][..], &[A, B, A]] {
        assert_eq!(error(0, &[&[A, B], again]), SearchError::Repeated);
    }
}

#[test]
fn who_was_not_asked_for_is_noticed() {
    let (step, thread) = (0, C);
    let unasked = SearchError::Unasked { step, thread };
    assert_eq!(error(0, &[&[A, B, C], &[C, A, B]]), unasked);
}

#[test]
fn an_execution_that_ends_early_leaves_what_was_to_come_open() {
    let threads = vec![C];
    let forgotten = SearchError::Forgotten { step: 1, threads };
    // The second comes no further than the first choice.
    assert_eq!(error(0, &[&[A, B, C], &[A]]), SearchError::Repeated);
    assert_eq!(error(0, &[&[A, B, C], &[B]]), forgotten);
}

#[test]
fn the_same_choices_must_lead_to_the_same_step() {
    let mut dpor = Dpor::default();
    dpor.begin();
    dpor.step(&step(A));
    dpor.end();
    dpor.begin();
    dpor.step(&on(ObjectId(1), A));
    let error = dpor.finish().expect_err("it is another step");
    assert!(matches!(
        error,
        SearchError::NotDeterministic { step: 0, .. }
    ));
}

/// What the steps mean that come after what went wrong nobody knows: here it
/// is one that needs another which was not taken.
#[test]
fn after_what_went_wrong_nothing_is_looked_at() {
    let (mut dpor, _) = searched(0, &[&[A, B, C]]);
    dpor.begin();
    dpor.step(&step(C));
    dpor.step(&step(B));
    dpor.step(&Step {
        after: Some(1),
        ..step(A)
    });
    dpor.end();
    let (step, thread) = (0, C);
    let unasked = SearchError::Unasked { step, thread };
    assert_eq!(dpor.error(), Some(&unasked));
    assert_eq!(dpor.finish(), Err(unasked));
}
