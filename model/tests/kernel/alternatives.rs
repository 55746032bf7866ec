//! The alternatives that were discussed and not merged, one by one: the steps
//! that they take, and what they protect.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stalewake_model::filemap::{WRITEBACK_MARK, lock_page, trylock_page, unlock_page};
use stalewake_model::page::{PG_DIRTY, PG_REFERENCED, PG_WAITERS, PG_WRITEBACK, set_page_waiters};
use stalewake_model::page_alloc::free_page;
use stalewake_model::page_writeback::{
    end_page_writeback, set_page_writeback, wait_on_page_writeback,
};
use stalewake_model::shmem::shmem_alloc_hugepage;
use stalewake_model::sync::ThreadId;
use stalewake_model::truncate::{Passes, truncate_inode_pages_range};
use stalewake_model::violation::Kind;

use crate::support::{Execution, Setup, all_finish, machine};

type Change = (&'static str, &'static str);

const TEST: (&str, &str) = ("test_bit", "flags");
const LOAD: (&str, &str) = ("load", "mapping");
const I_PAGES: (&str, &str) = ("xa_lock_irq", "i_pages");
const CLEAR: (&str, &str) = ("test_and_clear_bit", "flags");
const MARK: (&str, &str) = ("clear_bit", "i_pages slot");
const QUEUE: (&str, &str) = ("spin_lock", "q->lock");
const FORGET: (&str, &str) = ("clear_bit", "flags");
const UNLOCK: (&str, &str) = ("clear_bit_unlock", "flags");
const INC: (&str, &str) = ("atomic_inc", "_refcount");
const DEC: (&str, &str) = ("atomic_dec_and_test", "_refcount");

fn end(flags: u64, changes: &[Change]) -> Setup {
    machine("v5.9", 1)
        .with(changes)
        .cached(0, PG_WRITEBACK | flags, 1)
        .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
}

fn takes(setup: Setup, steps: &[(&str, &str)]) {
    let execution = setup.run();
    assert_eq!(execution.operations, steps);
    assert_eq!(
        (&execution.flags[..], &execution.references[..]),
        (&[0][..], &[2][..])
    );
    all_finish(&[execution]);
}

#[test]
fn if_waiters_takes_a_reference_only_for_them() {
    let changes = [("end-ref", "if-waiters")];
    let without = [TEST, LOAD, I_PAGES, CLEAR, MARK, TEST];
    takes(end(0, &changes), &without);
    let wake = [INC, QUEUE, FORGET, DEC];
    takes(end(PG_WAITERS, &changes), &[&without[..], &wake].concat());
}

#[test]
fn writeback_that_holds_a_reference_has_it_from_the_start() {
    let changes = [("end-ref", "held-by-writeback")];
    takes(
        end(0, &changes),
        &[TEST, LOAD, I_PAGES, CLEAR, MARK, TEST, DEC],
    );
    let execution = machine("v5.9", 1)
        .with(&changes)
        .cached(0, 0, 1)
        .thread(|cx| set_page_writeback(cx, cx.machine.page(0)).map(|_| ()))
        .run();
    assert_eq!(execution.references, [3], "cache, thread, writeback");
}

#[test]
fn the_clear_returns_pg_waiters() {
    let changes = [("end-waiters-test", "same-rmw")];
    let clear = ("xor_unlock_is_negative_byte", "flags");
    let without = [TEST, TEST, LOAD, I_PAGES, clear, MARK];
    takes(end(0, &changes), &without);
    let wake = [QUEUE, FORGET];
    takes(end(PG_WAITERS, &changes), &[&without[..], &wake].concat());
    // The assertion is that of CONFIG_DEBUG_VM.
    takes(end(0, &changes).without_debug_vm(), &without[1..]);
}

#[test]
fn a_clear_in_the_wake_up_is_the_last_touch() {
    let changes = [("clear-in-wake", "yes")];
    let without = [TEST, LOAD, I_PAGES, MARK, ("try_cmpxchg", "flags")];
    takes(end(0, &changes), &without);
    let wake = [QUEUE, UNLOCK];
    takes(end(PG_WAITERS, &changes), &[&without[..], &wake].concat());
    // A reference for waiters only is there before they are woken.
    let changes = [("clear-in-wake", "yes"), ("end-ref", "if-waiters")];
    takes(end(0, &changes), &without);
    let wake = [INC, QUEUE, UNLOCK, DEC];
    takes(end(PG_WAITERS, &changes), &[&without[..], &wake].concat());
    // One that is dropped too early is gone by then.
    let changes = [
        ("clear-in-wake", "yes"),
        ("end-ref", "held-by-writeback"),
        ("reference-drop", "before-wake"),
    ];
    let wake = [DEC, QUEUE, UNLOCK];
    takes(end(PG_WAITERS, &changes), &[&without[..], &wake].concat());
}

/// Until the bit is cleared the writeback is not over.
#[test]
fn a_page_that_is_freed_before_the_clear_in_the_wake_up_is_under_writeback() {
    let executions = machine("v5.9", 1)
        .with(&[("clear-in-wake", "yes")])
        .without_debug_vm()
        .cached(0, PG_WRITEBACK | PG_WAITERS, 1)
        .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
        .thread(|cx| free_page(cx, cx.machine.page(0)))
        .explore();
    let is_between = |run: &&Execution| {
        let at = |operation| {
            let mut operations = run.operations.iter();
            operations.position(|step| *step == (operation, "flags"))
        };
        at("try_cmpxchg") < at("store") && at("store") < at("clear_bit_unlock")
    };
    let between: Vec<_> = executions.iter().filter(is_between).collect();
    assert!(!between.is_empty());
    for run in between {
        assert!(run.kinds.contains(&Kind::IoOnFreedPage), "{:?}", run.kinds);
    }
}

#[test]
fn a_mapping_without_writeback_tags_has_no_section() {
    takes(end(0, &[]).untagged(), &[TEST, LOAD, CLEAR, TEST]);
}

/// What some schedules show of an end of writeback, with PG_waiters left over,
/// against a truncation that frees the page. Which alternatives protect it is
/// checked in every schedule of the scenario `i-pages-alternatives`.
fn against_truncation(changes: &[Change]) -> BTreeSet<Kind> {
    let executions = machine("v5.9", 1)
        .with(changes)
        .cached(0, PG_WRITEBACK | PG_WAITERS, 0)
        .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
        .thread(|cx| truncate_inode_pages_range(cx, cx.machine.inode(0), Passes::First))
        .explore_some();
    executions
        .iter()
        .flat_map(|execution| execution.kinds.clone())
        .collect()
}

/// The negative control takes the protection of every kind of reference away.
#[test]
fn a_reference_dropped_early_protects_nothing() {
    for end_ref in ["get-page", "held-by-writeback"] {
        let changes = [("end-ref", end_ref), ("reference-drop", "before-wake")];
        let kinds = against_truncation(&changes);
        assert!(kinds.contains(&Kind::ForeignRead), "{end_ref}: {kinds:?}");
    }
}

#[test]
fn a_tail_that_nobody_checks_is_no_bug() {
    for (tail_check, kinds) in [("only-head", vec![Kind::BugOnTail]), ("skip", vec![])] {
        let execution = machine("v5.10", 2)
            .with(&[("tail-check", tail_check)])
            .thread(|cx| {
                let head = shmem_alloc_hugepage(cx)?.expect("memory is free");
                set_page_waiters(cx, cx.machine.page(head.pfn + 1)).map(|_| ())
            })
            .run();
        assert_eq!(execution.kinds, kinds, "{tail_check}");
    }
}

/// Whoever finds PG_writeback set has it afterwards, and the other writeback
/// is over by then, however the bit is handed from one to the other.
#[test]
fn wait_to_set_acquires_the_bit_like_a_lock() {
    for (handoff, budget) in [
        ("never", 5),
        ("always", 5),
        ("after-budget", 0),
        ("after-budget", 5),
    ] {
        let executions = machine("v5.10", 1)
            .with(&[("set-writeback", "wait-to-set"), ("lock-handoff", handoff)])
            .unfairness(budget)
            .cached(0, PG_WRITEBACK, 2)
            .thread(|cx| {
                assert!(!set_page_writeback(cx, cx.machine.page(0))?);
                Ok(())
            })
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
            .explore_some();
        all_finish(&executions);
        let slept = |woken: &BTreeSet<ThreadId>| woken.contains(&ThreadId(0));
        assert!(executions.iter().any(|execution| slept(&execution.woken)));
        for execution in executions {
            assert_eq!(execution.flags[0] & PG_WRITEBACK, PG_WRITEBACK, "{handoff}");
        }
    }
}

/// Whether a task can take the lock again right after it has let it go and
/// woken a waiter, in the schedules that are run. PG_dirty stands for that,
/// PG_referenced for the waiter's turn.
fn can_steal(handoff: &'static str, budget: u16) -> bool {
    let executions = machine("v5.10", 1)
        .with(&[("lock-handoff", handoff)])
        .unfairness(budget)
        .cached(0, 0, 2)
        .thread(|cx| {
            let page = cx.machine.page(0);
            lock_page(cx, page)?;
            page.flags.set(cx, PG_REFERENCED);
            unlock_page(cx, page)
        })
        .thread(|cx| {
            let page = cx.machine.page(0);
            lock_page(cx, page)?;
            // Set under the queue's lock, by who queues before he lets go of it.
            let waits = page.flags.test(cx, PG_WAITERS);
            unlock_page(cx, page)?;
            if trylock_page(cx, page)? {
                if waits && !page.flags.test(cx, PG_REFERENCED) {
                    page.flags.set(cx, PG_DIRTY);
                }
                unlock_page(cx, page)?;
            }
            Ok(())
        })
        .explore_some();
    all_finish(&executions);
    let waited = executions
        .iter()
        .filter(|execution| execution.woken.contains(&ThreadId(0)))
        .collect::<Vec<_>>();
    assert!(!waited.is_empty(), "{handoff}");
    waited
        .iter()
        .any(|execution| execution.flags[0] & PG_DIRTY != 0)
}

#[test]
fn a_lock_that_is_not_handed_over_can_be_stolen() {
    assert!(can_steal("never", 5));
    assert!(can_steal("after-budget", 5));
    assert!(can_steal("after-budget", 1), "the first wait is unfair");
    // Every schedule of this is in the scenario `unfair-lock`.
    assert!(!can_steal("after-budget", 0));
    assert!(!can_steal("always", 5));
}

/// The last operation of the wake-up leaves PG_waiters to those whose bit it is
/// not.
#[test]
fn a_clear_in_the_wake_up_forgets_nobody_who_waits_for_the_lock() {
    let executions = machine("v5.9", 1)
        .with(&[("clear-in-wake", "yes")])
        .cached(0, PG_WRITEBACK, 2)
        .thread(|cx| {
            let page = cx.machine.page(0);
            lock_page(cx, page)?;
            end_page_writeback(cx, page)?;
            unlock_page(cx, page)
        })
        .thread(|cx| {
            let page = cx.machine.page(0);
            lock_page(cx, page)?;
            unlock_page(cx, page)
        })
        .explore_some();
    assert!(
        executions.iter().any(|one| !one.woken.is_empty()),
        "somebody waited"
    );
    all_finish(&executions);
}

/// Nobody is left: then PG_waiters goes with the bit.
#[test]
fn a_clear_in_the_wake_up_of_the_last_waiter_clears_pg_waiters() {
    let executions = machine("v5.9", 1)
        .with(&[("clear-in-wake", "yes")])
        .cached(0, PG_WRITEBACK, 2)
        .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
        .thread(|cx| wait_on_page_writeback(cx, cx.machine.page(0)))
        .explore();
    let woken: Vec<_> = executions
        .iter()
        .filter(|one| !one.woken.is_empty())
        .collect();
    assert!(!woken.is_empty(), "somebody waited");
    for execution in woken {
        assert_eq!(execution.flags, [0], "{execution:?}");
    }
    all_finish(&executions);
}

/// Under the i_pages lock nobody sees the mark gone and the bit still there; if
/// the lock is let go before the wake-up, somebody does.
#[test]
fn a_clear_in_the_wake_up_is_under_the_lock_if_it_says_so() {
    for (under_lock, seen) in [("i-pages", false), ("no", true)] {
        let in_between = Arc::new(AtomicBool::new(false));
        let saw = in_between.clone();
        let executions = machine("v5.9", 1)
            .with(&[
                ("clear-in-wake", "yes"),
                ("end-wake-under-lock", under_lock),
            ])
            .cached(0, PG_WRITEBACK | PG_WAITERS, 1)
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
            .thread(move |cx| {
                let inode = cx.machine.inode(0);
                let _i_pages = inode.lock(cx)?;
                let is_marked = inode.slot(0).test(cx, WRITEBACK_MARK);
                if !is_marked && cx.machine.page(0).flags.test(cx, PG_WRITEBACK) {
                    saw.store(true, Ordering::Relaxed);
                }
                Ok(())
            })
            .explore();
        all_finish(&executions);
        assert_eq!(in_between.load(Ordering::Relaxed), seen, "{under_lock}");
    }
}

#[test]
fn a_clear_in_the_wake_up_ends_no_writeback_that_there_is_not() {
    for flags in [0, PG_WAITERS] {
        let execution = machine("v5.9", 1)
            .with(&[("clear-in-wake", "yes")])
            .cached(0, flags, 1)
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
            .run();
        assert_eq!(execution.kinds, [Kind::EndNotUnderWriteback], "{flags:#x}");
    }
}
