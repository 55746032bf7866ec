//! Reclaim, migration and hot-remove: taking away what nobody else uses.

use stalewake_model::filemap::find_get_page;
use stalewake_model::memory_hotplug::offline_pages;
use stalewake_model::migrate::migrate_pages;
use stalewake_model::page::{PG_DIRTY, PG_LOCKED, PG_WRITEBACK, page_waiters};
use stalewake_model::page_alloc::alloc_pages;
use stalewake_model::page_writeback::end_page_writeback;
use stalewake_model::swap::put_page;
use stalewake_model::violation::Kind;
use stalewake_model::vmscan::shrink_page_list;

use crate::support::{all_finish, machine};

#[test]
fn reclaim_frees_a_page_that_only_the_page_cache_has() {
    let run = machine("v5.10", 1).cached(0, 0, 0).thread(|cx| {
        shrink_page_list(cx, cx.machine.inode(0))?;
        assert_eq!(alloc_pages(cx, 0)?, Some(0));
        Ok(())
    });
    all_finish(&[run.run()]);
}

#[test]
fn reclaim_keeps_a_page_that_is_dirty_busy_or_used() {
    for (flags, holders) in [(PG_DIRTY, 0), (PG_WRITEBACK, 0), (0, 1)] {
        let run = machine("v5.10", 1)
            .cached(0, flags, holders)
            .thread(|cx| shrink_page_list(cx, cx.machine.inode(0)));
        let execution = run.run();
        assert_eq!(execution.flags, [flags], "unlocked again");
        assert_eq!(execution.references, [1 + holders as i64]);
        all_finish(&[execution]);
    }
}

/// The extra reference of 073861ed77 is met by the freezing: the page stays.
#[test]
fn reclaim_skips_a_page_whose_waker_has_a_reference() {
    let frozen = ("atomic_cmpxchg", "_refcount");
    for (release, skips) in [("v5.9", false), ("v5.10", true)] {
        let executions = machine(release, 1)
            .cached(0, PG_WRITEBACK, 0)
            .thread(|cx| end_page_writeback(cx, cx.machine.page(0)))
            .thread(|cx| shrink_page_list(cx, cx.machine.inode(0)))
            .explore();
        let tried = executions
            .iter()
            .filter(|execution| execution.operations.contains(&frozen));
        let (kept, taken): (Vec<_>, Vec<_>) =
            tried.partition(|execution| execution.references == [1]);
        assert!(!taken.is_empty(), "{release}: reclaim never succeeds");
        assert_eq!(!kept.is_empty(), skips, "{release}");
    }
}

#[test]
fn migration_moves_a_page_with_its_dirt() {
    let run = machine("v5.10", 2).cached(0, PG_DIRTY, 0).thread(|cx| {
        let file = cx.machine.inode(0);
        migrate_pages(cx, file)?;
        let page = find_get_page(cx, file, 0)?.expect("it is still in the file");
        assert_eq!(page.pfn, 1);
        assert!(file.owns(cx, page));
        put_page(cx, page)?;
        assert_eq!(alloc_pages(cx, 0)?, Some(0), "the old frame is free");
        Ok(())
    });
    let execution = run.run();
    assert_eq!(execution.references, [1, 1]);
    assert_eq!(execution.flags, [0, PG_DIRTY]);
    all_finish(&[execution]);
}

#[test]
fn migration_leaves_alone_what_is_busy_or_used() {
    for (flags, holders) in [(PG_WRITEBACK, 0), (PG_LOCKED, 0), (0, 1)] {
        let run = machine("v5.10", 2)
            .cached(0, flags, holders)
            .thread(|cx| migrate_pages(cx, cx.machine.inode(0)));
        let execution = run.run();
        assert_eq!(execution.flags, [flags, 0]);
        assert_eq!(execution.references, [1 + holders as i64, 0]);
        all_finish(&[execution]);
    }
}

#[test]
fn only_a_free_frame_is_taken_away() {
    let run = machine("v5.10", 2).thread(|cx| {
        assert_eq!(alloc_pages(cx, 0)?, Some(0));
        assert!(!offline_pages(cx, cx.machine.page(0))?);
        assert!(offline_pages(cx, cx.machine.page(1))?);
        assert_eq!(alloc_pages(cx, 0)?, None);
        Ok(())
    });
    all_finish(&[run.run()]);
}

/// Any other touch of a page that is gone is not.
#[test]
fn a_touch_after_hot_remove_is_called_that() {
    for (removed, about) in [
        (false, "page frame 0"),
        (true, "page frame 0, after hot-remove"),
    ] {
        let run = machine("v5.10", 1).thread(move |cx| {
            alloc_pages(cx, 0)?;
            let page = cx.machine.page(0);
            let of = page
                .flags
                .read_and(cx, 0, |ghost, a| ghost.current_use(a))
                .1;
            put_page(cx, page)?;
            if removed {
                assert!(offline_pages(cx, page)?);
            }
            page_waiters(cx, page, of).map(|_| ())
        });
        let execution = run.run();
        assert_eq!(execution.kinds, [Kind::ForeignRead]);
        assert_eq!(execution.about, [about]);
    }
}
