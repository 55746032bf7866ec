//! The page lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stalewake_model::current::Current;
use stalewake_model::filemap::{
    Waited, add_to_page_cache_locked, lock_page, lock_page_killable, page_waitqueue, trylock_page,
    unlock_page,
};
use stalewake_model::page::{PG_LOCKED, PG_WRITEBACK};
use stalewake_model::page_alloc::alloc_pages;
use stalewake_model::page_writeback::wait_on_page_writeback;
use stalewake_model::sync::ThreadId;
use stalewake_model::violation::{Halt, Kind};
use stalewake_model::wait::{Listed, WQ_FLAG_CUSTOM};

use crate::support::{all_finish, machine, releases};

#[test]
fn trylock_page_takes_a_free_lock_only() {
    let run = machine("v5.10", 1).cached(0, 0, 1).thread(|cx| {
        let page = cx.machine.page(0);
        assert!(trylock_page(cx, page)?);
        assert!(!trylock_page(cx, page)?);
        unlock_page(cx, page)?;
        assert!(trylock_page(cx, page)?);
        Ok(())
    });
    let execution = run.run();
    assert_eq!(execution.flags, [PG_LOCKED]);
    all_finish(&[execution]);
}

#[test]
fn a_lock_that_nobody_has_cannot_be_released() {
    let run = machine("v5.10", 1)
        .cached(0, 0, 1)
        .thread(|cx| unlock_page(cx, cx.machine.page(0)));
    assert_eq!(run.run().kinds, [Kind::LockNotExclusive]);
}

#[test]
fn the_lock_of_another_task_cannot_be_released() {
    let executions = machine("v5.10", 1)
        .cached(0, 0, 2)
        .thread(|cx| trylock_page(cx, cx.machine.page(0)).map(|_| ()))
        .thread(|cx| unlock_page(cx, cx.machine.page(0)))
        .explore();
    assert!(executions.len() > 1, "both orders are explored");
    for execution in executions {
        assert_eq!(execution.kinds, [Kind::LockNotExclusive]);
    }
}

/// Whoever puts a fresh page into a file takes the lock without looking.
#[test]
fn the_lock_of_a_fresh_page_that_somebody_has_is_not_exclusive() {
    for (is_locked, expected) in [(false, &[][..]), (true, &[Kind::LockNotExclusive])] {
        let run = machine("v5.10", 1).thread(move |cx| {
            alloc_pages(cx, 0)?;
            let page = cx.machine.page(0);
            if is_locked {
                assert!(trylock_page(cx, page)?);
            }
            add_to_page_cache_locked(cx, page, cx.machine.inode(0), 0)?;
            Ok(())
        });
        assert_eq!(run.run().kinds, expected, "{is_locked}");
    }
}

fn lock_and_unlock(cx: &Current<'_>) -> Result<(), Halt> {
    let page = cx.machine.page(0);
    lock_page(cx, page)?;
    unlock_page(cx, page)
}

/// Either may find the lock taken, sleep, and be woken; both get it.
#[test]
fn two_tasks_get_the_lock_one_after_the_other() {
    for release in releases() {
        let executions = machine(release, 1)
            .cached(0, 0, 2)
            .thread(lock_and_unlock)
            .thread(lock_and_unlock)
            .explore();
        all_finish(&executions);
        for thread in 0..2 {
            let woken = executions
                .iter()
                .filter(|execution| execution.woken.iter().any(|woken| woken.0 == thread));
            assert!(woken.count() > 0, "{release}: thread {thread} never slept");
        }
        let unlocked = |flags: &[u64]| flags[0] & PG_LOCKED == 0;
        assert!(
            executions
                .iter()
                .all(|execution| unlocked(&execution.flags))
        );
    }
}

/// Its owner is gone: what is waited for in vain has a name, which is not that
/// of the page's other bit.
#[test]
fn a_lost_wakeup_says_for_which_bit() {
    for release in releases() {
        let page = |bit| machine(release, 1).cached(0, bit, 1);
        let locked = page(PG_LOCKED).thread(|cx| lock_page(cx, cx.machine.page(0)));
        let written =
            page(PG_WRITEBACK).thread(|cx| wait_on_page_writeback(cx, cx.machine.page(0)));
        for (run, about) in [
            (locked, "asleep on PG_locked 0"),
            (written, "asleep on PG_writeback 0"),
        ] {
            let execution = run.run();
            assert_eq!(execution.kinds, [Kind::LostWakeup], "{release}");
            assert_eq!(execution.about, [about], "{release}");
        }
    }
}

/// Killed while it waits for a lock that is never released, or before that.
/// In the end it is off the queue and has no lock.
#[test]
fn a_fatal_signal_ends_a_killable_wait_for_the_lock() {
    for release in releases() {
        let executions = machine(release, 1)
            .cached(0, PG_LOCKED, 1)
            .thread(|cx| {
                let waited = lock_page_killable(cx, cx.machine.page(0))?;
                assert_eq!(waited, Waited::Interrupted);
                Ok(())
            })
            .thread(|cx| {
                cx.machine.task(ThreadId(0)).kill(cx);
                Ok(())
            })
            .explore();
        all_finish(&executions);
        let woken = executions.iter().filter(|run| !run.woken.is_empty());
        assert!(woken.count() > 0, "{release}: it never slept");
    }
}

/// The signal, the lock, or both may come in time. Who returns without an
/// error has the lock, and nobody else does.
#[test]
fn a_killed_waiter_has_the_lock_or_an_error() {
    for release in releases() {
        let interrupted = Arc::new(AtomicUsize::new(0));
        let count = interrupted.clone();
        let executions = machine(release, 1)
            .cached(0, 0, 2)
            .thread(move |cx| {
                let page = cx.machine.page(0);
                match lock_page_killable(cx, page)? {
                    Waited::Done => unlock_page(cx, page),
                    Waited::Interrupted => {
                        count.fetch_add(1, Ordering::Relaxed);
                        Ok(())
                    }
                }
            })
            .thread(|cx| {
                let page = cx.machine.page(0);
                lock_page(cx, page)?;
                cx.machine.task(ThreadId(0)).kill(cx);
                unlock_page(cx, page)
            })
            .explore();
        all_finish(&executions);
        let interrupted = interrupted.load(Ordering::Relaxed);
        assert!(
            0 < interrupted && interrupted < executions.len(),
            "{release}: interrupted in {interrupted} of {}",
            executions.len()
        );
    }
}

/// Somebody else takes the lock again and again. As often as its budget says a
/// waiter queues to be woken, and then to be handed the lock.
#[test]
fn a_waiter_asks_for_the_lock_when_its_budget_is_used_up() {
    for budget in [0, 1, 2] {
        let most = Arc::new(AtomicUsize::new(0));
        let seen = most.clone();
        let executions = machine("v5.10", 1)
            .unfairness(budget)
            .cached(0, 0, 2)
            .thread(lock_and_unlock)
            .thread(move |cx| {
                let page = cx.machine.page(0);
                let mut without_asking = 0;
                for _ in 0..=budget {
                    if !trylock_page(cx, page)? {
                        return Ok(());
                    }
                    let queue = page_waitqueue(cx, page).lock(cx)?;
                    if let Some(Listed::Waiter(waiter)) = queue.first()
                        && waiter.flags & WQ_FLAG_CUSTOM == 0
                    {
                        without_asking += 1;
                    }
                    drop(queue);
                    unlock_page(cx, page)?;
                }
                seen.fetch_max(without_asking, Ordering::Relaxed);
                Ok(())
            })
            .explore_up_to(3);
        all_finish(&executions);
        assert_eq!(most.load(Ordering::Relaxed), usize::from(budget));
    }
}
