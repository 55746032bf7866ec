//! What each fix does alone and together with the others: the sixteen
//! combinations of the reference, the wait logic, the loop and the test of
//! PG_waiters, and the designs that were discussed and not merged.
//!
//! The expectations are argued here and not taken from the tool. Every claim
//! that something is out of reach has a neighbour in which it is not.

use std::collections::BTreeSet;
use std::sync::Arc;

use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{self, Options};
use stalewake::scenario::{self, Scenario, find_shipped};
use stalewake_model::release::Release;
use stalewake_model::violation::Kind::{
    self, BugOnTail, BugOnWriteback, ForeignRead, ForeignWrite, Livelock, StaleWakeup,
};

type Change = (&'static str, &'static str);

/// Two writebacks of one page that is never freed, one after the other: the
/// case of `same-page`, made as small as it can be. B's wait for the first
/// writeback can leave PG_waiters set.
const TWO_WRITEBACKS: &str = r#"
title = "Two writebacks of one page"
source = "c2407cf7d22d"
story = "B holds the page throughout, and A ends both writebacks."
[machine]
frames = 1
[[page]]
name = "P"
inode = "file"
flags = ["writeback"]
[[thread]]
name = "A"
steps = ["ext4_finish_bio(P)", "ext4_finish_bio(next bio)"]
[[thread]]
name = "B"
holds = ["P"]
steps = [
    "lock_page(P)", "wait_on_page_writeback(P)", "ext4_writepage(P)",
    "set_page_dirty(P)", "write_cache_pages(file, WB_SYNC_ALL)",
]
"#;

fn parsed(name: &str, text: &str) -> Arc<Scenario> {
    let scenario = scenario::parse(name, "a test", text);
    Arc::new(scenario.unwrap_or_else(|error| panic!("{error:?}")))
}

/// Everything that v5.9 with these changes can show.
fn reachable(
    scenario: &Arc<Scenario>,
    truncate: Option<&str>,
    changes: &[Change],
) -> BTreeSet<Kind> {
    let mut kernel = KernelChoice::of(Release::resolve("v5.9").expect("it is a row"));
    for (mechanism, alternative) in changes {
        let known = kernel.kernel.set(mechanism, alternative);
        known.unwrap_or_else(|unknown| panic!("{unknown}"));
    }
    let parameters = truncate.map(|value| ("truncate".to_owned(), value.to_owned()));
    let cell = Cell {
        scenario: scenario.clone(),
        parameters: parameters.into_iter().collect(),
        kernel,
    };
    let verdict = explore::explore(&cell, &Options::default(), &Arc::default());
    assert!(verdict.is_exhaustive(), "{changes:?}: {:?}", verdict.status);
    verdict.kinds()
}

/// Two waiters, a walk that leaves a bookmark after each entry, and a writer
/// that sets PG_writeback again. The writer's second end need never come.
const SOFT_LOCKUP: &str = r#"
title = "A walk meets its waiters again"
source = "b0b598ee08f9"
story = "A wakes B and C while D sets PG_writeback again."
[machine]
frames = 1
bookmark_every = 0
[[page]]
name = "P"
inode = "file"
flags = ["writeback"]
[[thread]]
name = "A"
steps = ["end_page_writeback(P)"]
[[thread]]
name = "B"
holds = ["P"]
steps = ["wait_on_page_writeback(P)"]
[[thread]]
name = "C"
holds = ["P"]
steps = ["wait_on_page_writeback(P)"]
[[thread]]
name = "D"
holds = ["P"]
steps = ["set_page_writeback(P)"]
"#;

/// The bookmark and the loop make it together; without either the walk ends.
#[test]
fn the_soft_lockup_needs_the_bookmark_and_the_loop() {
    let scenario = parsed("soft-lockup", SOFT_LOCKUP);
    let loops = ("wait-on-writeback", "while");
    for (changes, expected) in [
        (&[loops][..], true),
        (&[loops, ("bookmark", "none")], false),
        (&[], false),
    ] {
        let found = reachable(&scenario, None, changes);
        assert_eq!(
            found.contains(&Livelock),
            expected,
            "{changes:?}: {found:?}"
        );
    }
}

/// The four choices of the lattice.
#[derive(Clone, Copy, Debug)]
struct Choice {
    /// 073861ed77.
    reference: bool,
    /// 2a9127fcf229: the waker does not look at the bit, the waiter not again.
    new_logic: bool,
    /// c2407cf7d22d.
    waits_again: bool,
    /// 2580d554585c.
    same_rmw: bool,
}

impl Choice {
    fn all() -> impl Iterator<Item = Choice> {
        (0..16).map(|n| Choice {
            reference: n & 1 != 0,
            new_logic: n & 2 != 0,
            waits_again: n & 4 != 0,
            same_rmw: n & 8 != 0,
        })
    }

    fn changes(self) -> Vec<Change> {
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
fn tail(choice: Choice, waits: bool) -> BTreeSet<Kind> {
    match (choice.reference, choice.same_rmw, waits) {
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
fn reuse(choice: Choice, waits: bool) -> BTreeSet<Kind> {
    let mut kinds = BTreeSet::new();
    // A reference keeps the old life going. And without a flag at the time of
    // the clear one operation has decided that there is nobody to wake.
    if choice.reference || choice.same_rmw && !waits {
        return kinds;
    }
    // The late test, or the walk's look at the bit on behalf of the old life.
    if !choice.same_rmw || !choice.new_logic {
        kinds.insert(ForeignRead);
    }
    // A leftover flag is cleared late. Without one the walk stops at the new
    // waiter, or wakes it and so empties the queue.
    if waits || choice.new_logic {
        kinds.insert(ForeignWrite);
    }
    if choice.new_logic {
        kinds.insert(StaleWakeup);
        // Only who looks again is not taken in.
        if !choice.waits_again {
            kinds.insert(BugOnWriteback);
        }
    }
    kinds
}

/// The page stays, with the next writeback under way.
fn same_page(choice: Choice) -> BTreeSet<Kind> {
    match (choice.new_logic, choice.waits_again) {
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
    let shipped = |name| find_shipped(name).expect("it is shipped and in order");
    let (shmem_tail, writeback_reuse) = (shipped("shmem-tail"), shipped("writeback-reuse"));
    let two_writebacks = parsed("two-writebacks", TWO_WRITEBACKS);
    for choice in Choice::all() {
        let changes = choice.changes();
        for truncate in ["wait", "skip"] {
            let waits = truncate == "wait";
            let found = reachable(&shmem_tail, Some(truncate), &changes);
            assert_eq!(
                found,
                tail(choice, waits),
                "shmem-tail {truncate} {choice:?}"
            );
            let found = reachable(&writeback_reuse, Some(truncate), &changes);
            assert_eq!(
                found,
                reuse(choice, waits),
                "writeback-reuse {truncate} {choice:?}"
            );
        }
        let found = reachable(&two_writebacks, None, &changes);
        assert_eq!(found, same_page(choice), "two-writebacks {choice:?}");
    }
}

/// What a design leaves reachable where truncate waits: the tail, the reuse,
/// and the page that stays.
struct Design {
    changes: &'static [Change],
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
        changes: &[("write-cache-pages-wait", "while")],
        because: "this caller waits again; what else is late is as late as before",
        tail: &[BugOnTail, ForeignRead, ForeignWrite],
        reuse: &[ForeignRead, ForeignWrite, StaleWakeup],
        same_page: &[StaleWakeup],
    },
];

#[test]
fn the_designs_that_were_discussed_do_what_was_argued() {
    let shipped = |name| find_shipped(name).expect("it is shipped and in order");
    let (shmem_tail, writeback_reuse) = (shipped("shmem-tail"), shipped("writeback-reuse"));
    let two_writebacks = parsed("two-writebacks", TWO_WRITEBACKS);
    let set = |kinds: &[Kind]| kinds.iter().copied().collect::<BTreeSet<_>>();
    for design in DESIGNS {
        let (changes, because) = (design.changes, design.because);
        let found = reachable(&shmem_tail, Some("wait"), changes);
        assert_eq!(found, set(design.tail), "shmem-tail {changes:?}: {because}");
        let found = reachable(&writeback_reuse, Some("wait"), changes);
        assert_eq!(
            found,
            set(design.reuse),
            "writeback-reuse {changes:?}: {because}"
        );
        let found = reachable(&two_writebacks, None, changes);
        assert_eq!(
            found,
            set(design.same_page),
            "two-writebacks {changes:?}: {because}"
        );
    }
}
