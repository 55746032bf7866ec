//! Bits that are taken: the page lock, and PG_writeback like a lock.

use stalewake_model::coverage::Branch;
use stalewake_model::violation::Kind::{EndNotUnderWriteback, StaleWakeup};

use crate::{Choice, explored, parsed, reachable, set, shipped};

/// In every schedule, whether a woken waiter can find that it was robbed, and
/// whether it can be handed the lock.
#[test]
fn a_lock_that_is_handed_over_cannot_be_stolen() {
    let scenario = shipped("unfair-lock");
    let after_budget = ("lock-handoff", "after-budget");
    let cases: [(Choice, &str, bool, bool); 4] = [
        (("lock-handoff", "always"), "0", false, true),
        (after_budget, "0", false, true),
        // The first wait is unfair, the second is not.
        (after_budget, "1", true, true),
        (("lock-handoff", "never"), "0", true, false),
    ];
    for (handoff, budget, robbed, handed_over) in cases {
        let verdict = explored(&scenario, &[("budget", budget)], &[handoff]);
        let found = verdict.kinds();
        assert_eq!(found, set(&[]), "{handoff:?} {budget}");
        let takes = |branch| verdict.coverage.branches.contains(&branch);
        let too_late = takes(Branch::WokenTooLate) || takes(Branch::RetestFailed);
        assert_eq!(too_late, robbed, "{handoff:?} {budget}");
        assert_eq!(
            takes(Branch::HandedOver),
            handed_over,
            "{handoff:?} {budget}"
        );
    }
}

/// Two tasks that write a page whose writeback ends meanwhile, and do not wait
/// for that.
const TWO_WRITERS: &str = r#"
title = "PG_writeback like a lock"
source = "Linus Torvalds, 2021-01-05"
story = "B and C set PG_writeback and clear it again, and leave the waiting to who sets it."
[machine]
frames = 1
page_lock_unfairness = "$budget"
[parameters]
budget = ["1", "5"]
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
steps = ["lock_page(P)", "set_page_writeback(P)", "unlock_page(P)", "end_page_writeback(P)"]
[[thread]]
name = "C"
holds = ["P"]
steps = ["lock_page(P)", "set_page_writeback(P)", "unlock_page(P)", "end_page_writeback(P)"]
"#;

/// Whoever finds PG_writeback set has it afterwards, and the other writeback is
/// over by then, however the bit goes from one to the other: so each end finds
/// its own. A late walk may still be the one that wakes, once the bit is clear.
#[test]
fn wait_to_set_acquires_the_bit_like_a_lock() {
    let scenario = parsed("two-writers", TWO_WRITERS);
    for (handoff, budget) in [("never", "5"), ("always", "5"), ("after-budget", "1")] {
        let changes = [("set-writeback", "wait-to-set"), ("lock-handoff", handoff)];
        let found = reachable(&scenario, &[("budget", budget)], &changes);
        assert_eq!(found, set(&[StaleWakeup]), "{handoff} {budget}");
    }
    // Who only sets it begins a writeback on top of another.
    let found = reachable(&scenario, &[("budget", "5")], &[]);
    assert_eq!(found, set(&[EndNotUnderWriteback]));
}
