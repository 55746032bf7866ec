//! The sixteen combinations of four fixes.

use std::collections::BTreeSet;

use stalewake_model::violation::Kind::{
    self, BugOnTail, BugOnWriteback, ForeignRead, ForeignWrite, StaleWakeup,
};

use crate::{Choice, reachable, shipped, two_writebacks};

/// Which of the four fixes a kernel of the lattice has.
#[derive(Clone, Copy, Debug)]
struct Fixes {
    /// 073861ed77.
    reference: bool,
    /// 2a9127fcf229: the waker does not look at the bit, the waiter not again.
    new_logic: bool,
    /// c2407cf7d22d.
    waits_again: bool,
    /// 2580d554585c.
    same_rmw: bool,
}

impl Fixes {
    fn all() -> impl Iterator<Item = Fixes> {
        (0..16).map(|n| Fixes {
            reference: n & 1 != 0,
            new_logic: n & 2 != 0,
            waits_again: n & 4 != 0,
            same_rmw: n & 8 != 0,
        })
    }

    fn changes(self) -> Vec<Choice> {
        let pick =
            |new, name, alternatives: [&'static str; 2]| (name, alternatives[usize::from(new)]);
        vec![
            pick(self.reference, "end-ref", ["none", "get-page"]),
            pick(self.new_logic, "wake-shared-if-set", ["stop", "wake"]),
            pick(self.new_logic, "wait-shared", ["retest", "once"]),
            pick(self.waits_again, "wait-on-writeback", ["if", "while"]),
            pick(self.same_rmw, "end-waiters-test", ["load", "same-rmw"]),
        ]
    }
}

/// The page becomes a tail, in `shmem-tail`.
fn tail(fixes: Fixes, waits: bool) -> BTreeSet<Kind> {
    match (fixes.reference, fixes.same_rmw, waits) {
        // The page cannot be freed before the wake-up is over.
        (true, _, _) => [].into(),
        // The late test of PG_waiters finds a tail. If truncate has waited, a
        // leftover PG_waiters leads to a late clear as well.
        (false, false, true) => [BugOnTail, ForeignRead, ForeignWrite].into(),
        (false, false, false) => [BugOnTail, ForeignRead].into(),
        // There is no test, but the clear of what truncate has left over; and
        // nobody is queued in the next life at whose bit the walk could look.
        (false, true, true) => [BugOnTail, ForeignWrite].into(),
        // The flag was clear when the bit was cleared: nothing follows.
        (false, true, false) => [].into(),
    }
}

/// The page gets a next life in a file, in `writeback-reuse`.
fn reuse(fixes: Fixes, waits: bool) -> BTreeSet<Kind> {
    let mut kinds = BTreeSet::new();
    // A reference keeps the old life going. And without a flag at the time of
    // the clear one operation has decided that there is nobody to wake.
    if fixes.reference || fixes.same_rmw && !waits {
        return kinds;
    }
    // The late test, or the walk's look at the bit on behalf of the old life.
    if !fixes.same_rmw || !fixes.new_logic {
        kinds.insert(ForeignRead);
    }
    // A leftover flag is cleared late. Without one the walk stops at the new
    // waiter, or wakes it and so empties the queue.
    if waits || fixes.new_logic {
        kinds.insert(ForeignWrite);
    }
    if fixes.new_logic {
        kinds.insert(StaleWakeup);
        // Only who looks again is not taken in.
        if !fixes.waits_again {
            kinds.insert(BugOnWriteback);
        }
    }
    kinds
}

/// The page stays, with the next writeback under way.
fn same_page(fixes: Fixes) -> BTreeSet<Kind> {
    match (fixes.new_logic, fixes.waits_again) {
        // The waker looks at the bit, and it is set until A itself clears it.
        (false, _) => [].into(),
        // The reference has nothing to protect, and the flag that B's first
        // wait has left over is all that the one operation needs.
        (true, false) => [BugOnWriteback, StaleWakeup].into(),
        (true, true) => [StaleWakeup].into(),
    }
}

#[test]
fn the_sixteen_combinations_do_what_was_argued() {
    let (shmem_tail, writeback_reuse) = (shipped("shmem-tail"), shipped("writeback-reuse"));
    let two_writebacks = two_writebacks();
    for fixes in Fixes::all() {
        let changes = fixes.changes();
        for truncate in ["wait", "skip"] {
            let waits = truncate == "wait";
            let parameters = [("truncate", truncate)];
            let found = reachable(&shmem_tail, &parameters, &changes);
            assert_eq!(found, tail(fixes, waits), "shmem-tail {truncate} {fixes:?}");
            let found = reachable(&writeback_reuse, &parameters, &changes);
            let expected = reuse(fixes, waits);
            assert_eq!(found, expected, "writeback-reuse {truncate} {fixes:?}");
        }
        let found = reachable(&two_writebacks, &[], &changes);
        assert_eq!(found, same_page(fixes), "two-writebacks {fixes:?}");
    }
}
