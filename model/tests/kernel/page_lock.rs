//! The page lock.

use stalewake_model::current::Current;
use stalewake_model::filemap::{lock_page, trylock_page, unlock_page};
use stalewake_model::page::PG_LOCKED;
use stalewake_model::violation::{Halt, Kind};

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
