//! What closes the window between the clear of PG_writeback and the end of the
//! wake-up, for mappings with writeback tags and without.

use stalewake_model::violation::Kind::{
    self, BadPage, BugOnWriteback, ForeignRead, ForeignWrite, StaleWakeup,
};

use crate::{Choice, reachable, set, shipped};

/// What is left reachable where the page is freed, and where it is written
/// again, each with writeback tags and without.
struct Window {
    changes: &'static [Choice],
    because: &'static str,
    freed: [&'static [Kind]; 2],
    written: [&'static [Kind]; 2],
}

const TOUCHES: &[Kind] = &[ForeignRead, ForeignWrite];
const WOKEN_TOO_EARLY: &[Kind] = &[BugOnWriteback, StaleWakeup];

const WINDOWS: &[Window] = &[
    Window {
        changes: &[],
        because: "nothing closes it",
        freed: [TOUCHES; 2],
        written: [WOKEN_TOO_EARLY; 2],
    },
    Window {
        changes: &[("end-wake-under-lock", "i-pages")],
        because: "deleting the page and setting PG_writeback both take the lock that is held until \
                  the wake-up is over; without tags there is no such lock",
        freed: [&[], TOUCHES],
        written: [&[], WOKEN_TOO_EARLY],
    },
    Window {
        changes: &[("end-ref", "if-waiters")],
        because: "the lock is held until the reference is taken, and not longer. Without tags the \
                  look at PG_waiters can be late, and so can the reference: taken while the page \
                  is being freed, it is found by the check at free",
        freed: [&[], &[BadPage, ForeignRead, ForeignWrite]],
        written: [WOKEN_TOO_EARLY; 2],
    },
    Window {
        changes: &[("end-ref", "held-by-writeback")],
        because: "the reference is there from the start, and concerns freeing alone",
        freed: [&[]; 2],
        written: [WOKEN_TOO_EARLY; 2],
    },
    Window {
        changes: &[("end-ref", "get-page")],
        because: "the same, taken while PG_writeback pins the page",
        freed: [&[]; 2],
        written: [WOKEN_TOO_EARLY; 2],
    },
    Window {
        changes: &[("end-waiters-test", "same-rmw")],
        because: "the late test is gone and the late clear is not; B's first wait has set the flag",
        freed: [&[ForeignWrite]; 2],
        written: [WOKEN_TOO_EARLY; 2],
    },
    Window {
        changes: &[("clear-in-wake", "yes")],
        because: "the clear is the last touch. Who is woken before it and does not look again goes \
                  on while PG_writeback is set: a writer meets the BUG; a truncate has to unlock \
                  the page first, and as PG_waiters is set, to wait for the queue's lock, which \
                  the waker holds until the clear",
        freed: [&[]; 2],
        written: [&[BugOnWriteback]; 2],
    },
    Window {
        changes: &[("clear-in-wake", "yes"), ("wait-on-writeback", "while")],
        because: "who is woken too early looks again",
        freed: [&[]; 2],
        written: [&[]; 2],
    },
];

#[test]
fn the_window_is_closed_by_what_was_argued() {
    let scenario = shipped("i-pages-alternatives");
    for window in WINDOWS {
        for (next, expected) in [("freed", window.freed), ("written", window.written)] {
            for (mapping, expected) in ["tagged", "untagged"].into_iter().zip(expected) {
                let parameters = [("mapping", mapping), ("next", next)];
                let found = reachable(&scenario, &parameters, window.changes);
                let (changes, because) = (window.changes, window.because);
                assert_eq!(
                    found,
                    set(expected),
                    "{mapping} {next} {changes:?}: {because}"
                );
            }
        }
    }
}

/// With one operation that clears and reports, a wake-up can only be late for
/// somebody if PG_waiters was set before: by a waiter for the writeback that
/// ends, by a contended page lock, or by whoever has left it over.
#[test]
fn the_same_operation_helps_where_nobody_has_waited() {
    let scenario = shipped("same-page-old-waiter");
    let same_rmw = [("end-waiters-test", "same-rmw")];
    let found = |old, changes: &[Choice]| reachable(&scenario, &[("old", old)], changes);
    assert_eq!(found("none", &[]), set(WOKEN_TOO_EARLY));
    assert_eq!(found("none", &same_rmw), set(&[]));
    assert_eq!(found("waiting", &same_rmw), set(WOKEN_TOO_EARLY));
}
