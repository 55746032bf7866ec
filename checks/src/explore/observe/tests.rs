//! What the parts of a search come to together, and what one of them makes of
//! what an engine tells it.

use std::time::Duration;

use super::*;
use crate::explore::causality::tests::{on, step as alone};

const A: ThreadId = ThreadId(0);
const B: ThreadId = ThreadId(1);

/// A thread's only step, which commutes with nobody's.
fn step(thread: ThreadId) -> Step {
    on(ObjectId(0), thread)
}

/// An exploration that is told what there is by a test.
struct Told {
    explorer: Explorer,
    progress: Arc<Progress>,
}

impl Told {
    fn new(options: Options) -> Told {
        let progress = Arc::<Progress>::default();
        Told {
            explorer: Explorer::new(options, progress.clone()),
            progress,
        }
    }

    fn of(search: Search) -> Told {
        Told::new(Options {
            search,
            ..Options::default()
        })
    }

    /// An execution of two steps, in which nothing happens.
    fn execution(&self, threads: [ThreadId; 2]) {
        self.execution_with(threads, || ());
    }

    /// An execution of two steps, at the end of which something happens.
    fn execution_with(&self, threads: [ThreadId; 2], end: impl FnOnce()) {
        assert!(self.explorer.begin());
        threads
            .iter()
            .for_each(|thread| self.explorer.step(&step(*thread)));
        end();
        self.explorer.end();
    }

    fn violation(&self, thread: ThreadId) {
        self.explorer.violation(Violation {
            kind: Kind::BadPage,
            thread,
            about: String::new(),
        });
    }

    /// What it says of the one kind that it was told of.
    fn found(&self) -> Reachable {
        let mut reachable = self.explorer.finish().reachable;
        assert_eq!(reachable.len(), 1);
        reachable.remove(0)
    }
}

fn part(status: Status, traces: u64, abandoned: &[Kind]) -> Findings {
    Findings {
        status,
        reachable: Vec::new(),
        abandoned: abandoned.iter().copied().collect(),
        figures: Figures {
            executions: traces,
            ..Figures::default()
        },
    }
}

#[test]
fn all_is_as_bad_as_the_worst_part() {
    let broken = || part(Status::Error("why".to_owned()), 0, &[]);
    let complete = || part(Status::Complete, 1, &[]);
    let incomplete = || part(Status::Incomplete, 1, &[]);
    for (one, other, all) in [
        (complete(), complete(), Status::Complete),
        (complete(), incomplete(), Status::Incomplete),
        (incomplete(), complete(), Status::Incomplete),
        (complete(), broken(), Status::Error("why".to_owned())),
        (broken(), incomplete(), Status::Error("why".to_owned())),
    ] {
        assert_eq!(one.and(other).status, all);
    }
}

#[test]
fn a_search_of_nothing_is_no_result() {
    let nothing = part(Status::Complete, 0, &[]).checked();
    assert_eq!(
        nothing.status,
        Status::Error("nothing was explored".to_owned())
    );
    assert_eq!(
        part(Status::Complete, 1, &[]).checked().status,
        Status::Complete
    );
    // That it is not finished is worse to know than that there is nothing yet.
    let early = part(Status::Incomplete, 0, &[]).checked();
    assert_eq!(early.status, Status::Incomplete);
}

#[test]
fn what_only_an_abandoned_execution_has_seen_is_missed() {
    let lost = |one: &[Kind], other: &[Kind]| {
        let (one, other) = (
            part(Status::Complete, 1, one),
            part(Status::Complete, 1, other),
        );
        one.and(other).checked().status
    };
    assert_eq!(lost(&[], &[]), Status::Complete);
    for status in [lost(&[Kind::BadPage], &[]), lost(&[], &[Kind::BadPage])] {
        let reason = "`bad-page` was seen only in redundant executions".to_owned();
        assert_eq!(status, Status::Error(reason));
    }
}

#[test]
fn after_what_went_wrong_nothing_is_explored() {
    let told = Told::of(Search::Reduced);
    told.execution([A, B]);
    told.execution([A, B]);
    assert!(!told.explorer.begin(), "the same schedule came twice");
    assert!(matches!(told.explorer.finish().status, Status::Error(_)));
}

#[test]
fn a_budget_is_kept() {
    let told = Told::new(Options {
        max_executions: Some(1),
        ..Options::default()
    });
    told.execution([A, B]);
    assert!(!told.explorer.begin(), "one is enough");
    assert_eq!(told.explorer.finish().status, Status::Incomplete);
    let hour = Duration::from_secs(3_600);
    for (deadline, goes_on) in [
        (Instant::now().checked_sub(hour), false),
        (Instant::now().checked_add(hour), true),
    ] {
        let told = Told::new(Options {
            deadline: Some(deadline.expect("a clock knows an hour")),
            ..Options::default()
        });
        assert_eq!(told.explorer.begin(), goes_on);
    }
}

/// The first step of two that can be taken in both orders leaves as much to do
/// as it has done.
#[test]
fn what_is_to_come_is_estimated_where_it_can_be() {
    let estimate = |told: &Told| told.progress.load().estimate;
    let stopped = |most: u64| {
        let told = Told::new(Options {
            max_executions: Some(most),
            ..Options::default()
        });
        (0..most).for_each(|_| told.execution([A, B]));
        assert!(!told.explorer.begin());
        assert_eq!(told.explorer.finish().status, Status::Incomplete);
        estimate(&told)
    };
    assert_eq!(stopped(0), None, "of nothing nothing is known");
    assert_eq!(stopped(1), Some(2.0));
    for (search, early) in [(Search::Reduced, Some(2.0)), (Search::Plain, None)] {
        let told = Told::of(search);
        told.execution([A, B]);
        assert_eq!(estimate(&told), early, "{search:?}");
        told.execution([B, A]);
        assert_eq!(told.explorer.finish().status, Status::Complete);
        assert_eq!(estimate(&told), Some(2.0), "{search:?}: it is over");
    }
    let told = Told::of(Search::Reduced);
    told.execution([A, B]);
    assert!(matches!(told.explorer.finish().status, Status::Error(_)));
    assert_eq!(estimate(&told), None, "it went wrong");
}

#[test]
fn there_is_a_picture_often_at_first_and_then_now_and_then() {
    let told = Told::of(Search::Plain);
    let is_shown = |number: &u64| {
        told.execution([A, B]);
        told.progress.load().executions == *number
    };
    let shown: Vec<u64> = (1..=800).filter(is_shown).collect();
    assert_eq!(shown, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 768]);
    told.execution_with([A, B], || told.violation(B));
    assert_eq!(told.progress.load().kinds, []);
    told.explorer.finish();
    let last = told.progress.load();
    assert_eq!((last.executions, last.operations), (801, 2));
    assert_eq!(last.kinds, [Kind::BadPage], "the last picture is of all");
}

#[test]
fn what_one_execution_shows_without_a_stale_read_is_not_of_weak_memory() {
    for (stale, weak_only) in [
        ([false, false], false),
        ([false, true], false),
        ([true, false], false),
        ([true, true], true),
    ] {
        let told = Told::of(Search::Plain);
        for stale in stale {
            told.execution_with([A, B], || {
                if stale {
                    told.explorer.stale_read();
                }
                told.violation(B);
            });
        }
        assert_eq!(told.found().weak_only, weak_only, "{stale:?}");
    }
}

#[test]
fn what_an_execution_shows_that_is_given_up_is_kept_apart() {
    let told = Told::of(Search::Plain);
    told.execution_with([A, B], || {
        told.violation(B);
        told.explorer.abandoned();
    });
    told.execution([A, B]);
    let findings = told.explorer.finish();
    assert_eq!(
        (findings.figures.executions, findings.figures.redundant),
        (2, 1)
    );
    assert!(findings.reachable.is_empty());
    assert_eq!(findings.abandoned, BTreeSet::from([Kind::BadPage]));
}

/// With the reduction and without, of what comes later and of other threads no
/// step is in a witness.
#[test]
fn a_witness_ends_where_it_shows_what_it_shows() {
    for search in [Search::Reduced, Search::Plain] {
        let told = Told::of(search);
        assert!(told.explorer.begin());
        told.explorer.step(&alone(B));
        told.explorer.step(&alone(A));
        told.violation(A);
        told.explorer.step(&alone(A));
        told.explorer.end();
        assert_eq!(told.found().witness.schedule, [A], "{search:?}");
    }
}
