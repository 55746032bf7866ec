//! The designs that were discussed and not merged, each alone.

use stalewake_model::violation::Kind::{
    self, BugOnTail, BugOnWriteback, ForeignRead, ForeignWrite, StaleWakeup,
};

use crate::{Choice, reachable, set, shipped, two_writebacks};

/// What a design leaves reachable where truncate waits: the tail, the reuse,
/// and the page that stays.
struct Design {
    changes: &'static [Choice],
    because: &'static str,
    tail: &'static [Kind],
    reuse: &'static [Kind],
    same_page: &'static [Kind],
}

const DESIGNS: &[Design] = &[
    Design {
        changes: &[("tail-check", "skip")],
        because: "only the check is gone: what it has found is there, and so is everything else",
        tail: &[ForeignRead, ForeignWrite],
        reuse: &[BugOnWriteback, ForeignRead, ForeignWrite, StaleWakeup],
        same_page: &[BugOnWriteback, StaleWakeup],
    },
    Design {
        changes: &[("end-ref", "if-waiters")],
        because: "decided under the i_pages lock, when the page is still in its file; \
                  a leftover flag still wakes a later waiter of a page that stays",
        tail: &[],
        reuse: &[],
        same_page: &[BugOnWriteback, StaleWakeup],
    },
    Design {
        changes: &[("end-ref", "held-by-writeback")],
        because: "the page is pinned, the second writeback is not waited for any better",
        tail: &[],
        reuse: &[],
        same_page: &[BugOnWriteback, StaleWakeup],
    },
    Design {
        changes: &[("end-wake-under-lock", "i-pages")],
        because: "neither a deletion nor the next writeback can come between clear and wake-up",
        tail: &[],
        reuse: &[],
        same_page: &[],
    },
    Design {
        changes: &[("clear-in-wake", "yes"), ("wait-on-writeback", "while")],
        because: "nothing is touched after the clear, and who queues later is not walked over",
        tail: &[],
        reuse: &[],
        same_page: &[],
    },
    Design {
        changes: &[("clear-in-wake", "yes")],
        because: "the clear comes after the walk, so a waiter that does not look again goes on \
                  while its own writeback has not been cleared",
        tail: &[],
        reuse: &[BugOnWriteback],
        same_page: &[BugOnWriteback],
    },
    Design {
        changes: &[("set-writeback", "wait-to-set")],
        because: "nobody sets the bit on the strength of a wake-up, and for an exclusive waiter \
                  every waker looks at the bit; but the late touches are left, for it protects \
                  no page",
        tail: &[BugOnTail, ForeignRead, ForeignWrite],
        reuse: &[ForeignRead, ForeignWrite],
        same_page: &[],
    },
    Design {
        changes: &[("wake-shared-if-set", "stop"), ("end-ref", "get-page")],
        because: "a walk that stops at a set bit wakes nobody too early while all setters hold \
                  the page lock",
        tail: &[],
        reuse: &[],
        same_page: &[],
    },
    Design {
        changes: &[("wait-shared", "retest")],
        because: "the waker wakes as before, but whoever waits looks again, in every wait",
        tail: &[BugOnTail, ForeignRead, ForeignWrite],
        reuse: &[ForeignRead, ForeignWrite, StaleWakeup],
        same_page: &[StaleWakeup],
    },
    Design {
        changes: &[("write-cache-pages-wait", "while")],
        because: "this caller waits again; what else is late is as late as before",
        tail: &[BugOnTail, ForeignRead, ForeignWrite],
        reuse: &[ForeignRead, ForeignWrite, StaleWakeup],
        same_page: &[StaleWakeup],
    },
];

#[test]
fn the_designs_that_were_discussed_do_what_was_argued() {
    let (shmem_tail, writeback_reuse) = (shipped("shmem-tail"), shipped("writeback-reuse"));
    let two_writebacks = two_writebacks();
    let waits = [("truncate", "wait")];
    for design in DESIGNS {
        let (changes, because) = (design.changes, design.because);
        for (scenario, parameters, expected) in [
            (&shmem_tail, &waits[..], design.tail),
            (&writeback_reuse, &waits, design.reuse),
            (&two_writebacks, &[], design.same_page),
        ] {
            let found = reachable(scenario, parameters, changes);
            assert_eq!(
                found,
                set(expected),
                "{} {changes:?}: {because}",
                scenario.name
            );
        }
    }
}
