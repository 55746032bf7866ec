//! The free list, compound pages, and the checks on the way out and in.

use stalewake_model::page::{
    COMPOUND_TAIL, NO_MAPPING, PG_DIRTY, PG_HEAD, PG_LOCKED, PG_LRU, PG_PRIVATE, PG_RECLAIM,
    PG_REFERENCED, PG_UPTODATE, PG_WAITERS, PG_WRITEBACK, TAIL_MAPPING,
};
use stalewake_model::page_alloc::alloc_pages;
use stalewake_model::page_writeback::set_page_writeback;
use stalewake_model::shmem::shmem_alloc_hugepage;
use stalewake_model::swap::put_page;
use stalewake_model::violation::Kind;

use crate::support::{all_finish, machine};

#[test]
fn the_frame_freed_last_is_allocated_first() {
    let run = machine("v5.10", 3).thread(|cx| {
        let first = alloc_pages(cx, 0)?.expect("memory is free");
        let second = alloc_pages(cx, 0)?.expect("memory is free");
        assert_eq!((first, second), (0, 1));
        put_page(cx, cx.machine.page(second))?;
        put_page(cx, cx.machine.page(first))?;
        assert_eq!(alloc_pages(cx, 0)?, Some(first));
        assert_eq!(alloc_pages(cx, 0)?, Some(second));
        Ok(())
    });
    all_finish(&[run.run()]);
}

#[test]
fn memory_that_is_used_up_gives_nothing() {
    let run = machine("v5.10", 1).thread(|cx| {
        assert_eq!(alloc_pages(cx, 0)?, Some(0));
        assert_eq!(alloc_pages(cx, 0)?, None);
        Ok(())
    });
    all_finish(&[run.run()]);
}

#[test]
fn a_huge_page_starts_at_a_multiple_of_its_size() {
    let run = machine("v5.10", 5).thread(|cx| {
        assert_eq!(alloc_pages(cx, 0)?, Some(0));
        assert_eq!(alloc_pages(cx, 1)?, Some(2), "frames 1 and 2 are free, too");
        assert_eq!(
            alloc_pages(cx, 1)?,
            None,
            "frames 1 and 4 are no neighbours"
        );
        assert_eq!(alloc_pages(cx, 0)?, Some(1));
        Ok(())
    });
    all_finish(&[run.run()]);
}

#[test]
fn a_huge_page_has_a_head_with_the_reference_and_tails_without() {
    let run = machine("v5.10", 2).thread(|cx| {
        let head = shmem_alloc_hugepage(cx)?.expect("memory is free");
        let tail = cx.machine.page(head.pfn + 1);
        assert_eq!((head.refcount.read(cx), tail.refcount.read(cx)), (1, 0));
        assert_eq!(head.flags.load(cx), PG_HEAD);
        assert_eq!(tail.flags.load(cx), COMPOUND_TAIL);
        assert_eq!(head.mapping.load(cx), NO_MAPPING);
        assert_eq!(tail.mapping.load(cx), TAIL_MAPPING);
        Ok(())
    });
    all_finish(&[run.run()]);
}

/// Whatever the flag is.
#[test]
fn a_flagged_page_is_bad_when_it_is_allocated() {
    for bit in 0..=COMPOUND_TAIL.trailing_zeros() {
        let run = machine("v5.10", 1).thread(move |cx| {
            cx.machine.page(0).flags.set(cx, 1 << bit);
            alloc_pages(cx, 0).map(|_| ())
        });
        assert_eq!(run.run().kinds, [Kind::BadPage], "{bit}");
    }
}

/// PAGE_FLAGS_CHECK_AT_FREE; PG_waiters and the like are cleared instead.
#[test]
fn some_flags_are_bad_on_a_page_that_is_freed() {
    for (flag, is_bad) in [
        (PG_LOCKED, true),
        (PG_REFERENCED, false),
        (PG_UPTODATE, false),
        (PG_DIRTY, false),
        (PG_LRU, true),
        (PG_WAITERS, false),
        (PG_PRIVATE, true),
        (PG_WRITEBACK, true),
        (PG_RECLAIM, false),
    ] {
        let run = machine("v5.10", 1).thread(move |cx| {
            let pfn = alloc_pages(cx, 0)?.expect("memory is free");
            cx.machine.page(pfn).flags.set(cx, flag);
            put_page(cx, cx.machine.page(pfn))
        });
        let kinds = run.run().kinds;
        assert_eq!(kinds == [Kind::BadPage], is_bad, "{flag:#x}: {kinds:?}");
    }
}

#[test]
fn a_page_that_a_file_still_has_is_bad_when_it_is_freed() {
    let run = machine("v5.10", 1)
        .cached(0, 0, 0)
        .thread(|cx| put_page(cx, cx.machine.page(0)));
    assert_eq!(run.run().kinds, [Kind::BadPage]);
}

#[test]
fn without_checks_a_page_is_freed_while_its_io_is_in_flight() {
    let run = machine("v5.10", 1).without_debug_vm().thread(|cx| {
        let page = cx
            .machine
            .page(alloc_pages(cx, 0)?.expect("memory is free"));
        set_page_writeback(cx, page)?;
        put_page(cx, page)
    });
    assert_eq!(run.run().kinds, [Kind::IoOnFreedPage]);
}
