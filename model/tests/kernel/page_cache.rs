//! What the page cache knows of its pages beside their flags: the marks.

use stalewake_model::current::Current;
use stalewake_model::filemap::{
    AddressSpace, DIRTY_MARK, TOWRITE_MARK, WRITEBACK_MARK, add_to_page_cache_locked,
};
use stalewake_model::migrate::migrate_pages;
use stalewake_model::page::{PG_DIRTY, PG_WRITEBACK};
use stalewake_model::page_alloc::alloc_pages;
use stalewake_model::page_writeback::set_page_writeback;
use stalewake_model::swap::put_page;

use crate::support::{all_finish, machine};

/// The marks of page `index` of file 0.
fn marks(cx: &Current<'_>, index: u16) -> Vec<u64> {
    let slot = cx.machine.inode(0).slot(index);
    let all = [DIRTY_MARK, WRITEBACK_MARK, TOWRITE_MARK].into_iter();
    all.filter(|mark| slot.test(cx, *mark)).collect()
}

#[test]
fn a_page_is_marked_as_its_flags_say_if_the_file_marks_at_all() {
    for (flags, expected) in [
        (0, &[][..]),
        (PG_DIRTY, &[DIRTY_MARK]),
        (PG_WRITEBACK, &[WRITEBACK_MARK]),
        (PG_DIRTY | PG_WRITEBACK, &[DIRTY_MARK, WRITEBACK_MARK]),
    ] {
        let tagged = machine("v5.10", 1).cached(0, flags, 0).thread(move |cx| {
            assert_eq!(marks(cx, 0), expected, "{flags:#x}");
            Ok(())
        });
        let untagged = machine("v5.10", 1).cached(0, flags, 0).untagged();
        let untagged = untagged.thread(move |cx| {
            assert_eq!(marks(cx, 0), [], "{flags:#x}");
            Ok(())
        });
        all_finish(&[tagged.run(), untagged.run()]);
    }
}

/// The new page is where the old one was: with its index, its flag and its marks.
#[test]
fn a_page_that_is_migrated_stays_what_it_is_to_its_file() {
    let run = machine("v5.10", 2).cached(0, PG_DIRTY, 0).at(1);
    let run = run.thread(|cx| {
        let inode = cx.machine.inode(0);
        inode.slot(1).set(cx, TOWRITE_MARK);
        migrate_pages(cx, inode)?;
        let [old, new] = [0, 1].map(|pfn| cx.machine.page(pfn).mapping.load(cx));
        assert_eq!((old, new), (0, AddressSpace::mapping_of(0, 1)));
        assert_eq!(marks(cx, 1), [DIRTY_MARK, TOWRITE_MARK]);
        Ok(())
    });
    let execution = run.run();
    assert_eq!(execution.flags, [0, PG_DIRTY]);
    assert_eq!(
        execution.references,
        [0, 1],
        "the page cache holds the new one"
    );
    all_finish(&[execution]);
}

#[test]
fn a_page_is_marked_where_it_is_in_its_file() {
    let run = machine("v5.10", 2).cached(0, 0, 0);
    let run = run.cached(1, PG_DIRTY, 0).at(1).thread(|cx| {
        set_page_writeback(cx, cx.machine.page(1))?;
        assert_eq!(marks(cx, 0), []);
        assert_eq!(marks(cx, 1), [DIRTY_MARK, WRITEBACK_MARK]);
        Ok(())
    });
    all_finish(&[run.run()]);
}

#[test]
fn all_marks_stay_when_another_page_comes_into_the_slot() {
    let run = machine("v5.10", 2).cached(0, PG_DIRTY | PG_WRITEBACK, 0);
    let run = run.thread(|cx| {
        let inode = cx.machine.inode(0);
        inode.slot(0).set(cx, TOWRITE_MARK);
        inode.replace_entry(cx, 0, cx.machine.page(1));
        assert_eq!(marks(cx, 0), [DIRTY_MARK, WRITEBACK_MARK, TOWRITE_MARK]);
        Ok(())
    });
    all_finish(&[run.run()]);
}

#[test]
fn there_is_one_page_in_a_slot_whichever_it_is() {
    for there in [0, 1, 2] {
        let run = machine("v5.10", 3).cached(there, 0, 0).thread(move |cx| {
            let inode = cx.machine.inode(0);
            let fresh = alloc_pages(cx, 0)?.expect("memory is free");
            let fresh = cx.machine.page(fresh);
            assert!(!add_to_page_cache_locked(cx, fresh, inode, 0)?);
            put_page(cx, fresh)
        });
        let mut references = [0; 3];
        references[usize::from(there)] = 1;
        let execution = run.run();
        assert_eq!(execution.references, references);
        all_finish(&[execution]);
    }
}
