//! Waiting for a page bit and being woken, on each release.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stalewake_model::coverage::Branch;
use stalewake_model::current::Current;
use stalewake_model::filemap::{
    Behavior, Waited, lock_page, page_waitqueue, put_and_wait_on_page_locked, trylock_page,
    unlock_page, wait_on_page_bit_common, wait_on_page_locked, wake_up_page_bit,
};
use stalewake_model::page::{PG_LOCKED, PG_WAITERS, PG_WRITEBACK, Use, set_page_waiters};
use stalewake_model::page_alloc::alloc_pages;
use stalewake_model::page_writeback::{
    bug_on_writeback, end_page_writeback, wait_on_page_writeback,
};
use stalewake_model::shmem::shmem_alloc_hugepage;
use stalewake_model::sync::{Ending, ObjectName, SleepState, ThreadId};
use stalewake_model::truncate::{Passes, truncate_inode_pages_range};
use stalewake_model::violation::{Halt, Kind};
use stalewake_model::wait::Listed;

use crate::support::{Execution, all_finish, machine, releases};

const WAITER: ThreadId = ThreadId(0);

/// In some executions the waiter slept and was woken, in others it came too
/// late to have to.
fn wakes_sometimes(release: &str, executions: &[Execution]) {
    let slept = |execution: &&Execution| execution.woken.contains(&WAITER);
    let number = executions.iter().filter(slept).count();
    assert!(
        0 < number && number < executions.len(),
        "{release}: woken in {number} of {} executions",
        executions.len()
    );
}

/// Takes the page lock, which is free, and releases it.
fn take_and_release(cx: &Current<'_>) -> Result<(), Halt> {
    let page = cx.machine.page(0);
    assert!(trylock_page(cx, page)?);
    unlock_page(cx, page)
}

/// Waits for a bit of the page; a fatal signal ends it.
fn wait_killable(cx: &Current<'_>, bit: u64, behavior: Behavior) -> Result<Waited, Halt> {
    wait_on_page_bit_common(cx, cx.machine.page(0), bit, behavior, SleepState::Killable)
}

/// Every release, with each behaviour that does not take the bit.
fn waits_that_take_nothing() -> impl Iterator<Item = (&'static str, Behavior)> {
    releases().flat_map(|release| [(release, Behavior::Shared), (release, Behavior::Drop)])
}

#[test]
fn a_shared_waiter_sees_the_end_of_writeback() {
    for release in releases() {
        let executions = machine(release, 1)
            .cached(0, PG_WRITEBACK, 2)
            .thread(|cx| {
                let page = cx.machine.page(0);
                wait_on_page_writeback(cx, page)?;
                assert!(!page.flags.test(cx, PG_WRITEBACK));
                Ok(())
            })
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
            .explore();
        all_finish(&executions);
        wakes_sometimes(release, &executions);
    }
}

#[test]
fn a_shared_waiter_for_the_lock_does_not_take_it() {
    for release in releases() {
        let executions = machine(release, 1)
            .cached(0, 0, 2)
            .thread(|cx| wait_on_page_locked(cx, cx.machine.page(0)))
            .thread(take_and_release)
            .explore();
        all_finish(&executions);
        wakes_sometimes(release, &executions);
    }
}

#[test]
fn a_drop_waiter_gives_its_reference_up() {
    for release in releases() {
        let executions = machine(release, 1)
            .cached(0, 0, 2)
            .thread(|cx| put_and_wait_on_page_locked(cx, cx.machine.page(0)))
            .thread(take_and_release)
            .explore();
        all_finish(&executions);
        wakes_sometimes(release, &executions);
        for execution in executions {
            // The page cache's and the other thread's are left, whether the
            // waiter had to sleep or not.
            assert_eq!(execution.references, [2], "{release}");
        }
    }
}

/// Whether it had to sleep or not.
#[test]
fn a_wait_that_no_signal_ends_ends_with_what_was_waited_for() {
    for (release, behavior) in waits_that_take_nothing() {
        let executions = machine(release, 1)
            .cached(0, 0, 2)
            .thread(move |cx| {
                let waited = wait_killable(cx, PG_LOCKED, behavior)?;
                assert_eq!(waited, Waited::Done, "{release}: {behavior:?}");
                Ok(())
            })
            .thread(take_and_release)
            .explore();
        all_finish(&executions);
        wakes_sometimes(release, &executions);
    }
}

/// The bit stays set: whoever waits for it is killed, before it sleeps or while
/// it does, and is off the queue in the end.
#[test]
fn a_fatal_signal_ends_a_killable_wait() {
    for (release, behavior) in waits_that_take_nothing() {
        let executions = machine(release, 1)
            .cached(0, PG_LOCKED, 1)
            .thread(move |cx| {
                let waited = wait_killable(cx, PG_LOCKED, behavior)?;
                assert_eq!(waited, Waited::Interrupted, "{release}: {behavior:?}");
                Ok(())
            })
            .thread(|cx| {
                cx.machine.task(WAITER).kill(cx);
                Ok(())
            })
            .explore();
        all_finish(&executions);
        wakes_sometimes(release, &executions);
    }
}

/// Woken between the signal and the queue's lock: then it has what it waited
/// for. Before v5.9 a waiter looks at the bit instead.
#[test]
fn a_wake_up_counts_that_comes_after_the_signal() {
    for release in releases() {
        let late = Arc::new(AtomicUsize::new(0));
        let count = late.clone();
        let executions = machine(release, 1)
            .cached(0, PG_WRITEBACK, 2)
            .thread(move |cx| {
                let waited = wait_killable(cx, PG_WRITEBACK, Behavior::Shared)?;
                let branches = cx.machine.marks.branches();
                if branches.contains(&Branch::SignalTooLate) {
                    assert_eq!(waited, Waited::Done, "{release}");
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
            .thread(|cx| {
                cx.machine.task(WAITER).kill(cx);
                end_page_writeback(cx, cx.machine.page(0))
            })
            .explore();
        all_finish(&executions);
        let late = late.load(Ordering::Relaxed);
        assert!(late < executions.len(), "{release}");
        assert_eq!(late > 0, release != "v5.8", "{release}");
    }
}

#[test]
fn a_waiter_whom_nobody_wakes_is_a_lost_wakeup() {
    for release in releases() {
        let execution = machine(release, 1)
            .cached(0, PG_WRITEBACK, 1)
            .thread(|cx| wait_on_page_writeback(cx, cx.machine.page(0)))
            .run();
        assert_eq!(execution.kinds, [Kind::LostWakeup], "{release}");
        assert_eq!(execution.ending, Some(Ending::Lost), "{release}");
        assert_eq!(execution.flags[0] & PG_WAITERS, PG_WAITERS, "{release}");
    }
}

#[test]
fn waiters_may_not_be_set_on_a_tail_page() {
    let run = machine("v5.10", 2).thread(|cx| {
        let head = shmem_alloc_hugepage(cx)?.expect("memory is free");
        set_page_waiters(cx, head)?;
        set_page_waiters(cx, cx.machine.page(head.pfn + 1)).map(|_| ())
    });
    assert_eq!(run.run().kinds, [Kind::BugOnTail]);
}

/// A wait as it must not be: it takes being awake for having been woken.
fn sleep_once(cx: &Current<'_>) -> Result<(), Halt> {
    let page = cx.machine.page(0);
    cx.task().set_current_state(cx, SleepState::Uninterruptible);
    if page.flags.test(cx, PG_WRITEBACK) {
        let (field, owner) = ("PG_writeback", page.pfn);
        cx.task().schedule(cx, ObjectName { field, owner })?;
    }
    bug_on_writeback(cx, page)
}

/// Ends the writeback, and wakes by hand who may have queued nowhere.
fn clear_and_wake(cx: &Current<'_>) -> Result<(), Halt> {
    cx.machine.page(0).flags.clear(cx, PG_WRITEBACK);
    cx.machine.task(WAITER).wake_up(cx);
    Ok(())
}

/// The control for the scenario `spurious-wakeup`: what holds there holds
/// because the kernel's waits are loops.
#[test]
fn a_wait_that_does_not_loop_is_deceived_by_a_spurious_wakeup() {
    let explore = |spurious: bool, wait: fn(&Current<'_>) -> Result<(), Halt>| {
        machine("v5.10", 1)
            .cached(0, PG_WRITEBACK, 2)
            .thread(wait)
            .thread(move |cx| {
                if spurious {
                    cx.machine.task(WAITER).wake_up(cx);
                }
                clear_and_wake(cx)
            })
            .explore()
    };
    all_finish(&explore(false, sleep_once));
    let deceived = |execution: &Execution| execution.kinds == [Kind::BugOnWriteback];
    assert!(explore(true, sleep_once).iter().any(deceived));
}

#[test]
fn the_waits_of_every_release_withstand_a_spurious_wakeup() {
    for release in releases() {
        let executions = machine(release, 1)
            .cached(0, PG_WRITEBACK, 2)
            .thread(|cx| {
                let page = cx.machine.page(0);
                wait_on_page_writeback(cx, page)?;
                bug_on_writeback(cx, page)
            })
            .thread(|cx| {
                cx.machine.task(WAITER).wake_up(cx);
                end_page_writeback(cx, cx.machine.page(0))
            })
            .explore();
        all_finish(&executions);
        wakes_sometimes(release, &executions);
    }
}

/// A waker that comes after it wakes nobody, and must look for another.
#[test]
fn schedule_makes_a_task_with_a_fatal_signal_running() {
    let run = machine("v5.10", 1).thread(|cx| {
        let task = cx.task();
        task.kill(cx);
        task.set_current_state(cx, SleepState::Killable);
        let (field, owner) = ("nothing", 0);
        task.schedule(cx, ObjectName { field, owner })?;
        assert!(!task.wake_up(cx));
        Ok(())
    });
    all_finish(&[run.run()]);
}

/// The lock is not counted as writebacks are: the frame's use alone tells that
/// a wake-up comes too late.
#[test]
fn a_late_wake_up_of_a_lock_is_stale_for_who_waits_in_the_next_use() {
    let executions = machine("v5.10", 1)
        .cached(0, 0, 0)
        .thread(|cx| {
            let page = cx.machine.page(0);
            let before = set_page_waiters(cx, page)?;
            truncate_inode_pages_range(cx, cx.machine.inode(0), Passes::Both)?;
            assert_eq!(alloc_pages(cx, 0)?, Some(0));
            assert!(trylock_page(cx, page)?);
            wake_up_page_bit(cx, page, PG_LOCKED, before)?;
            unlock_page(cx, page)
        })
        .thread(|cx| {
            let page = cx.machine.page(0);
            if page.mapping.load(cx) == 0 {
                wait_on_page_locked(cx, page)?;
            }
            Ok(())
        })
        .explore();
    let is_stale = |one: &Execution| one.kinds.contains(&Kind::StaleWakeup);
    let number = executions.iter().filter(|one| is_stale(one)).count();
    assert!(0 < number && number < executions.len(), "{number}");
}

/// Who is queued for the page's bits, in order.
fn queued(cx: &Current<'_>) -> Result<Vec<ThreadId>, Halt> {
    let queue = page_waitqueue(cx, cx.machine.page(0)).lock(cx)?;
    let waiters = queue.iter().filter_map(|listed| match listed {
        Listed::Waiter(waiter) => Some(waiter.entry.thread),
        Listed::Bookmark(_) => None,
    });
    Ok(waiters.collect())
}

/// Nobody behind one who wants the lock is woken while somebody has it.
#[test]
fn a_walk_ends_at_who_wants_a_bit_that_is_set() {
    for release in releases() {
        let both = Arc::new(AtomicUsize::new(0));
        let count = both.clone();
        machine(release, 1)
            .cached(0, PG_LOCKED, 2)
            .thread(|cx| lock_page(cx, cx.machine.page(0)))
            .thread(|cx| wait_on_page_locked(cx, cx.machine.page(0)))
            .thread(move |cx| {
                let before = queued(cx)?;
                wake_up_page_bit(cx, cx.machine.page(0), PG_LOCKED, Use::default())?;
                if before == [ThreadId(0), ThreadId(1)] {
                    assert_eq!(queued(cx)?, before, "{release}");
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
            .explore_some();
        assert_ne!(both.load(Ordering::Relaxed), 0, "{release}");
    }
}
