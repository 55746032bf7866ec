//! The walk over a wait queue, with and without a bookmark.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stalewake_model::current::Current;
use stalewake_model::filemap::wake_up_page_bit;
use stalewake_model::page::{PG_WAITERS, PG_WRITEBACK, Use};
use stalewake_model::page_writeback::{end_page_writeback, wait_on_page_writeback};
use stalewake_model::violation::{Halt, Kind};
use stalewake_model::wait::{Listed, Queued, WaitCall, WaitEntry, add_wait_queue_entry_tail};

use crate::support::{Execution, all_finish, machine};

const FIRST: Use = Use {
    life: 0,
    writeback: 1,
};

/// An entry on the queue that nobody stands behind any more.
fn queue_an_entry(cx: &Current<'_>) -> Result<(), Halt> {
    queue_an_entry_of(cx, &WaitCall::new())
}

fn queue_an_entry_of(cx: &Current<'_>, call: &WaitCall) -> Result<(), Halt> {
    let queued = Queued {
        entry: WaitEntry::new(cx, 0, PG_WRITEBACK),
        flags: 0,
        waits_for: FIRST,
        call: call.clone(),
    };
    let queue = &cx.machine.page_wait_table[0];
    add_wait_queue_entry_tail(cx, &mut queue.lock(cx)?, queued);
    Ok(())
}

fn wake(cx: &Current<'_>) -> Result<(), Halt> {
    wake_up_page_bit(cx, cx.machine.page(0), PG_WRITEBACK, FIRST)
}

/// How often a walk over this many entries takes the queue's lock.
fn sections(bookmark: &str, every: u16, entries: usize) -> usize {
    let execution = machine("v5.9", 1)
        .with(&[("bookmark", bookmark)])
        .bookmark_every(every)
        .cached(0, PG_WAITERS, 0)
        .thread(move |cx| {
            for _ in 0..entries {
                queue_an_entry(cx)?;
            }
            wake(cx)
        })
        .run();
    assert_eq!(execution.kinds, []);
    assert_eq!(execution.flags, [0], "PG_waiters is cleared at the end");
    let is_lock = |(_, field): &&(&str, &str)| *field == "q->lock";
    execution.operations.iter().filter(is_lock).count() - entries
}

/// After more than n entries, and only if there is another one.
#[test]
fn a_long_walk_lets_go_of_the_lock() {
    for (every, entries, expected) in [
        (64, 3, 1),
        (2, 3, 1),
        (2, 4, 2),
        (1, 3, 2),
        (1, 4, 2),
        (1, 5, 3),
        (0, 3, 3),
    ] {
        let found = sections("every-n", every, entries);
        assert_eq!(found, expected, "{entries} entries, {every} at a time");
        assert_eq!(sections("none", every, entries), 1);
    }
}

/// Whoever walks meanwhile passes over a bookmark that is not its own, and
/// leaves nobody behind it out.
#[test]
fn a_walk_goes_on_behind_the_bookmark_of_another() {
    let met = Arc::new(AtomicBool::new(false));
    let executions = machine("v5.9", 1)
        .bookmark_every(0)
        .cached(0, PG_WAITERS, 0)
        .thread(wake)
        .thread({
            let met = Arc::clone(&met);
            move |cx| {
                queue_an_entry(cx)?;
                queue_an_entry(cx)?;
                wake(cx)?;
                let list = cx.machine.page_wait_table[0].lock(cx)?;
                let is_waiter = |listed: &Listed| matches!(listed, Listed::Waiter(_));
                assert!(!list.iter().any(is_waiter), "left out");
                met.fetch_or(!list.is_empty(), Ordering::Relaxed);
                Ok(())
            }
        })
        .explore();
    all_finish(&executions);
    assert!(met.load(Ordering::Relaxed), "no walk met the other");
}

/// The soft lockup of v5.10.7 to v6.6: the waiter is woken, finds the bit set,
/// and queues behind the bookmark. The bit stays set here, as it does where a
/// writer sets it again at once; then the writeback ends. The scenario
/// `bookmark-lockup` shows when this cannot be.
#[test]
fn a_walk_with_a_bookmark_can_meet_a_waiter_again() {
    let executions = machine("v5.10.7", 1)
        .bookmark_every(0)
        .cached(0, PG_WRITEBACK, 1)
        .thread(|cx| wait_on_page_writeback(cx, cx.machine.page(0)))
        .thread(|cx| {
            queue_an_entry(cx)?;
            wake(cx)?;
            end_page_writeback(cx, cx.machine.page(0))
        })
        .explore_some();
    let meets_again = |run: &Execution| run.kinds.contains(&Kind::Livelock);
    assert!(executions.iter().any(meets_again));
}

/// On v5.8 a task that runs anyway is not woken, and its entry stays. Whoever
/// takes it off later, and has it queue again behind the bookmark, is another.
#[test]
fn only_a_waiter_that_was_woken_is_not_to_be_met_again() {
    for (kernel, expected) in [("v5.8", &[][..]), ("v5.10.7", &[Kind::Livelock])] {
        let execution = machine(kernel, 1)
            .cached(0, PG_WAITERS, 0)
            .thread(|cx| {
                let call = WaitCall::new();
                queue_an_entry_of(cx, &call)?;
                queue_an_entry_of(cx, &call)?;
                wake(cx)
            })
            .run();
        assert_eq!(execution.kinds, expected, "{kernel}");
    }
}
