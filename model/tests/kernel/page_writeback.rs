//! Beginning and ending writeback.

use stalewake_model::filemap::{lock_page, unlock_page};
use stalewake_model::page::{PG_DIRTY, PG_WAITERS, PG_WRITEBACK, set_page_waiters};
use stalewake_model::page_alloc::free_page;
use stalewake_model::page_writeback::{
    SyncMode, bug_on_writeback, end_page_writeback, set_page_writeback, write_cache_pages,
};
use stalewake_model::violation::Kind;

use crate::support::{Execution, all_finish, machine, releases};

#[test]
fn writeback_of_a_clean_page_cannot_end() {
    for release in releases() {
        let run = machine(release, 1)
            .cached(0, 0, 1)
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)));
        assert_eq!(run.run().kinds, [Kind::EndNotUnderWriteback], "{release}");
    }
}

#[test]
fn writeback_begins_once_and_ends_once() {
    for release in releases() {
        let run = machine(release, 1).cached(0, 0, 1).thread(|cx| {
            let page = cx.machine.page(0);
            assert!(!set_page_writeback(cx, page)?);
            assert!(set_page_writeback(cx, page)?);
            assert_eq!(set_page_waiters(cx, page)?.writeback, 1);
            end_page_writeback(cx, page)
        });
        let execution = run.run();
        let marks = |step: &&_| **step == ("set_bit", "i_pages slot");
        assert_eq!(execution.operations.iter().filter(marks).count(), 1);
        assert_eq!(
            (&execution.flags, &execution.references),
            (&vec![0], &vec![2])
        );
        all_finish(&[execution]);
    }
}

/// Its life is over, and what was in flight with it.
#[test]
fn a_page_that_is_freed_under_writeback_is_under_none() {
    for release in releases() {
        let executions = machine(release, 1)
            .without_debug_vm()
            .cached(0, PG_WRITEBACK, 1)
            .thread(|cx| free_page(cx, cx.machine.page(0)))
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
            .explore();
        let is_freed = |run: &&Execution| run.kinds.contains(&Kind::IoOnFreedPage);
        let freed: Vec<_> = executions.iter().filter(is_freed).collect();
        assert!(!freed.is_empty(), "{release}");
        for run in freed {
            assert!(
                run.kinds.contains(&Kind::EndNotUnderWriteback),
                "{release}: {:?}",
                run.kinds
            );
        }
    }
}

#[test]
fn a_page_under_writeback_must_not_be_written() {
    let run = machine("v5.10", 1)
        .cached(0, PG_WRITEBACK, 1)
        .thread(|cx| bug_on_writeback(cx, cx.machine.page(0)));
    assert_eq!(run.run().kinds, [Kind::BugOnWriteback]);
}

#[test]
fn waiters_that_are_not_there_are_forgotten() {
    let flags = PG_WRITEBACK | PG_WAITERS;
    for release in releases() {
        let run = machine(release, 1)
            .cached(0, flags, 1)
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)));
        let execution = run.run();
        assert_eq!(execution.flags, [0], "{release}");
        all_finish(&[execution]);
    }
}

/// What the kernel does between looking at PG_reclaim and the end, without
/// any waiter: with 073861ed77 the same, inside a reference; since v6.7 without
/// a look at PG_waiters, but with an assertion before all else.
#[test]
fn end_page_writeback_takes_its_steps_in_order() {
    let clear = [
        ("load", "mapping"),
        ("xa_lock_irq", "i_pages"),
        ("test_and_clear_bit", "flags"),
        ("clear_bit", "i_pages slot"),
    ];
    let test = ("test_bit", "flags");
    let (inc, dec) = (
        ("atomic_inc", "_refcount"),
        ("atomic_dec_and_test", "_refcount"),
    );
    for release in releases() {
        let run = machine(release, 1)
            .cached(0, PG_WRITEBACK, 1)
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)));
        let expected = match release {
            "v5.8" | "v5.9-rc1" | "v5.9" => [&[test], &clear[..], &[test]].concat(),
            "v6.7" => {
                let mut clear = clear;
                clear[2].0 = "xor_unlock_is_negative_byte";
                [&[test, test, inc], &clear[..], &[dec]].concat()
            }
            _ => [&[test, inc], &clear[..], &[test, dec]].concat(),
        };
        assert_eq!(run.run().operations, expected, "{release}");
    }
}

#[test]
fn a_sync_writes_dirty_pages_only() {
    for (flags, written) in [(PG_DIRTY, 1), (0, 0)] {
        let run = machine("v5.10", 1).cached(0, flags, 1).thread(move |cx| {
            let count = std::cell::Cell::new(0);
            write_cache_pages(cx, cx.machine.inode(0), SyncMode::All, |page| {
                count.set(count.get() + 1);
                unlock_page(cx, page)
            })?;
            assert_eq!(count.get(), written);
            Ok(())
        });
        let execution = run.run();
        assert_eq!(
            (&execution.flags, &execution.references),
            (&vec![0], &vec![2])
        );
        all_finish(&[execution]);
    }
}

#[test]
fn a_locked_page_is_not_written_until_it_is_unlocked() {
    for release in releases() {
        let executions = machine(release, 1)
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
                bug_on_writeback(cx, page)?;
                unlock_page(cx, page)
            })
            .explore();
        // Whoever is second finds the writeback ended; who is first does not.
        let bugs = executions
            .iter()
            .filter(|execution| execution.kinds == [Kind::BugOnWriteback])
            .count();
        assert!(0 < bugs && bugs < executions.len(), "{release}");
    }
}
