//! The simplest orders of traces that are made by hand.

use stalewake_model::sync::Footprint;

use super::*;
use crate::explore::causality::Causality;
use crate::explore::causality::tests::{on, step as alone};

const A: ThreadId = ThreadId(0);
const B: ThreadId = ThreadId(1);
const C: ThreadId = ThreadId(2);

/// Objects that several threads use.
const X: ObjectId = ObjectId(10);
const Y: ObjectId = ObjectId(11);
const Z: ObjectId = ObjectId(12);

fn lock(thread: ThreadId, after: Option<usize>) -> Step {
    let kind = StepKind::Lock;
    Step {
        kind,
        after,
        ..on(Z, thread)
    }
}

/// The simplest order that shows what happened in the last of these steps that
/// counts, or of all of them, if it is better than `best`. At the end some
/// threads wait for something.
fn search(
    steps: &[Step],
    waits: &[(ThreadId, ObjectId)],
    last: Option<usize>,
    best: Option<&Witness>,
) -> Option<Witness> {
    let mut waiting = Waiting::default();
    for (thread, object) in waits {
        waiting[thread.index()] = Some(*object);
    }
    let causality = Causality::of(steps.iter().copied());
    simplest(causality.events(), &waiting, last, best)
}

/// Whose turn it is in the simplest order of all these steps, and with how many
/// preemptions.
fn order(steps: &[Step], waits: &[(ThreadId, ObjectId)]) -> (Vec<ThreadId>, usize) {
    let found = search(steps, waits, None, None).expect("a trace can be taken in its own order");
    (found.schedule, found.preemptions)
}

#[test]
fn who_could_have_gone_on_is_preempted() {
    let steps = [on(X, A), on(X, B), on(X, A)];
    assert_eq!(order(&steps, &[]), (vec![A, B, A], 1));
}

#[test]
fn nobody_is_preempted_who_has_ended() {
    let steps = [on(X, A), on(X, B), on(X, C)];
    assert_eq!(order(&steps, &[]), (vec![A, B, C], 0));
}

/// Somebody else has woken it before; what counts is who wakes it now.
#[test]
fn nobody_is_preempted_who_sleeps() {
    let wakes = Some(A);
    let sleeps = [
        Step { wakes, ..on(X, C) },
        Step {
            sleeps: true,
            ..on(X, A)
        },
        Step { wakes, ..on(X, B) },
        alone(A),
    ];
    assert_eq!(order(&sleeps, &[]), (vec![C, A, B, A], 0));
}

/// In this trace it is woken before it looks, but it can as well look first.
#[test]
fn who_does_not_sleep_for_it_was_woken_could_have_slept() {
    let woken = [
        on(X, A),
        on(X, B),
        Step {
            woken_by: Some(1),
            ..alone(A)
        },
        alone(A),
    ];
    assert_eq!(order(&woken, &[]), (vec![A, A, B, A], 0));
}

/// Either the one who wakes it has to stop before, or it is awake and has to
/// stop itself.
#[test]
fn who_was_woken_before_it_sleeps_can_go_on() {
    let steps = [
        on(X, B),
        Step {
            sleeps: true,
            ..on(X, A)
        },
        Step {
            wakes: Some(A),
            ..alone(B)
        },
        on(X, C),
        on(X, A),
    ];
    let (_, preemptions) = order(&steps, &[]);
    assert_eq!(preemptions, 1);
}

#[test]
fn who_was_woken_can_go_on() {
    let woken = [
        Step {
            sleeps: true,
            ..on(X, A)
        },
        Step {
            wakes: Some(A),
            ..on(X, B)
        },
        on(X, A),
        on(X, C),
        on(X, A),
    ];
    assert_eq!(order(&woken, &[]), (vec![A, B, A, C, A], 1));
}

#[test]
fn nobody_is_preempted_who_waits_for_a_lock_that_is_held() {
    let steps = [
        lock(A, None),
        on(X, A),
        on(X, B),
        on(Y, B),
        on(Y, A),
        lock(B, Some(4)),
    ];
    // Only the holder is.
    assert_eq!(order(&steps, &[]), (vec![A, A, B, B, A, B], 1));
}

#[test]
fn nobody_is_preempted_who_waits_for_what_has_not_arrived() {
    let receive = Step {
        kind: StepKind::Receive,
        after: Some(2),
        ..on(Z, B)
    };
    let steps = [on(X, B), on(X, A), on(Z, A), receive];
    assert_eq!(order(&steps, &[]), (vec![B, A, A, B], 0));
}

/// Before the other one has it for ever, it could have had the lock; what was
/// sent comes later.
#[test]
fn who_waits_in_vain_is_preempted_where_it_could_have_had_it() {
    let locked = [on(X, A), on(X, B), lock(B, None)];
    assert_eq!(order(&locked, &[(A, Z)]), (vec![A, B, B], 1));
    let receive = Step {
        kind: StepKind::Receive,
        after: Some(2),
        ..on(Y, C)
    };
    // The lock has nothing to do with it.
    let received = [on(X, A), on(X, B), on(Y, B), receive, lock(C, None)];
    assert_eq!(order(&received, &[(A, Y)]), (vec![A, B, B, C, C], 0));
}

/// One of two is preempted, and the other one runs on to its end, beyond what
/// is needed: the one that has less to do.
#[test]
fn of_as_many_preemptions_the_fewest_steps_count() {
    for (short, long) in [(A, C), (C, A)] {
        let reads = |thread| Step {
            footprint: Footprint::reading(1),
            ..on(X, thread)
        };
        let after = |thread, step| Step {
            after: Some(step),
            ..alone(thread)
        };
        let steps = [
            reads(short),
            reads(long),
            on(X, B),
            after(short, 1),
            after(long, 0),
            alone(long),
        ];
        let found = search(&steps, &[], Some(2), None).expect("there is one");
        let order = (found.schedule, found.preemptions);
        assert_eq!(order, (vec![long, short, short, B], 1));
    }
}

#[test]
fn only_what_is_better_is_found() {
    let steps = [on(X, A), on(X, B), on(X, A)];
    let best = search(&steps, &[], None, None).expect("there is one");
    let is_better = |than: &Witness| search(&steps, &[], None, Some(than)).is_some();
    assert!(!is_better(&best));
    let with = |preemptions, schedule: &[ThreadId]| Witness {
        preemptions,
        schedule: schedule.to_vec(),
        execution: None,
    };
    assert!(is_better(&with(2, &[A])));
    assert!(!is_better(&with(0, &[A; 9])));
    assert!(is_better(&with(1, &[A; 4])));
    assert!(!is_better(&with(1, &[A; 2])));
    assert!(is_better(&with(1, &[A, C, A])));
    assert!(!is_better(&with(1, &[A, A, A])));
}
