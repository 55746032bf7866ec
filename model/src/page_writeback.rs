//! mm/page-writeback.c: beginning writeback, ending it, waiting for it.

use crate::current::Current;
use crate::filemap::{
    AddressSpace, DIRTY_MARK, TOWRITE_MARK, WRITEBACK_MARK, find_get_page_tag, lock_page,
    unlock_page, wait_on_page_bit, wake_up_page, wake_up_page_bit,
};
use crate::mechanism::{EndRef, ReferenceDrop, WaitOnWriteback, WaitersTestOrder};
use crate::page::{PG_DIRTY, PG_RECLAIM, PG_WAITERS, PG_WRITEBACK, Page, Use};
use crate::swap::{get_page, put_page};
use crate::sync::Word;
use crate::violation::{Halt, Kind};

/// What a sync waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// `WB_SYNC_ALL`: waits for writeback that is under way.
    All,
    /// `WB_SYNC_NONE`: skips such pages.
    None,
}

/// The file that a page belongs to, and its slot there. Called by who knows
/// that the page is in a page cache: it is locked, or under writeback.
fn page_mapping<'m>(cx: &Current<'m>, page: &Page) -> Option<(&'m AddressSpace, &'m Word)> {
    AddressSpace::of(cx, page.mapping.load(cx))
}

/// `set_page_writeback`, of a locked page. Returns whether it was under
/// writeback already.
///
/// # Errors
/// When a holder of the i_pages lock halted.
pub fn set_page_writeback(cx: &Current<'_>, page: &Page) -> Result<bool, Halt> {
    let _call = cx.enter("set_page_writeback");
    let mapping = page_mapping(cx, page);
    let _i_pages = mapping.map(|(mapping, _)| mapping.lock(cx)).transpose()?;
    let (was_set, ()) = page
        .flags
        .test_and_set_and(cx, PG_WRITEBACK, |ghost, a, was_set| {
            if !was_set {
                ghost.begin_io(a);
            }
        });
    if let Some((_, slot)) = mapping {
        if !was_set {
            slot.set(cx, WRITEBACK_MARK);
        }
        if !page.flags.test(cx, PG_DIRTY) {
            slot.clear(cx, DIRTY_MARK);
        }
        slot.clear(cx, TOWRITE_MARK);
    }
    Ok(was_set)
}

/// `test_clear_page_writeback`. Returns whether it was set, and which use and
/// which writeback of the page have ended. The clear is under the i_pages
/// lock: until that is released nobody can take the page out of its file.
///
/// # Errors
/// When a holder of the i_pages lock halted.
pub fn test_clear_page_writeback(cx: &Current<'_>, page: &Page) -> Result<(bool, Use), Halt> {
    let _call = cx.enter("test_clear_page_writeback");
    let mapping = page_mapping(cx, page);
    let _i_pages = mapping.map(|(mapping, _)| mapping.lock(cx)).transpose()?;
    let (was_set, of) = page
        .flags
        .test_and_clear_and(cx, PG_WRITEBACK, |ghost, a, was_set| {
            if was_set {
                ghost.end_io(a);
            }
            ghost.current_use(a)
        });
    if let (true, Some((_, slot))) = (was_set, mapping) {
        slot.clear(cx, WRITEBACK_MARK);
    }
    Ok((was_set, of))
}

/// `end_page_writeback`: the I/O is over. Called with no reference held.
///
/// # Errors
/// [`Kind::EndNotUnderWriteback`], and what the wake-up can meet.
pub fn end_page_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("end_page_writeback");
    let kernel = cx.kernel();
    if page.flags.test(cx, PG_RECLAIM) {
        page.flags.clear(cx, PG_RECLAIM);
    }
    let waiters_before = match kernel.waiters_test_order {
        WaitersTestOrder::AfterClear => None,
        WaitersTestOrder::BeforeClear => Some(waiters_while_under_writeback(cx, page)),
    };
    if kernel.end_ref == EndRef::GetPage {
        get_page(cx, page);
    }
    let (was_set, of) = test_clear_page_writeback(cx, page)?;
    if !was_set {
        return cx.report(Kind::EndNotUnderWriteback, page.name());
    }
    cx.barrier("smp_mb__after_atomic");
    let holds_reference = kernel.end_ref == EndRef::GetPage;
    if holds_reference && kernel.reference_drop == ReferenceDrop::BeforeWake {
        put_page(cx, page)?;
    }
    match waiters_before {
        None => wake_up_page(cx, page, PG_WRITEBACK, of)?,
        Some(true) => wake_up_page_bit(cx, page, PG_WRITEBACK, of)?,
        Some(false) => {}
    }
    if holds_reference && kernel.reference_drop == ReferenceDrop::AfterWake {
        put_page(cx, page)?;
    }
    Ok(())
}

/// The negative control's look at PG_waiters, too early.
fn waiters_while_under_writeback(cx: &Current<'_>, page: &Page) -> bool {
    page.flags.test(cx, PG_WAITERS)
}

/// `wait_on_page_writeback`: SHARED, by someone who holds a reference.
///
/// # Errors
/// What waiting can meet.
pub fn wait_on_page_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("wait_on_page_writeback");
    while page.flags.test(cx, PG_WRITEBACK) {
        wait_on_page_bit(cx, page, PG_WRITEBACK)?;
        if cx.kernel().wait_on_writeback == WaitOnWriteback::If {
            break;
        }
    }
    Ok(())
}

/// `set_page_dirty`, of a page that the caller holds a reference on.
///
/// # Errors
/// When a holder of the i_pages lock halted.
pub fn set_page_dirty(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("set_page_dirty");
    if page.flags.test_and_set(cx, PG_DIRTY) {
        return Ok(());
    }
    if let Some((mapping, slot)) = page_mapping(cx, page) {
        let _i_pages = mapping.lock(cx)?;
        slot.set(cx, DIRTY_MARK);
    }
    Ok(())
}

/// `clear_page_dirty_for_io`: whether there is anything to write.
fn clear_page_dirty_for_io(cx: &Current<'_>, page: &Page) -> bool {
    let _call = cx.enter("clear_page_dirty_for_io");
    page.flags.test_and_clear(cx, PG_DIRTY)
}

/// `tag_pages_for_writeback`: what is dirty now is what this sync writes.
fn tag_pages_for_writeback(cx: &Current<'_>, mapping: &AddressSpace) -> Result<(), Halt> {
    let _call = cx.enter("tag_pages_for_writeback");
    let _i_pages = mapping.lock(cx)?;
    for index in 0..mapping.blocks() {
        let slot = mapping.slot(index);
        if slot.test(cx, DIRTY_MARK) {
            slot.set(cx, TOWRITE_MARK);
        }
    }
    Ok(())
}

/// `write_cache_pages`: writes a file's dirty pages, each by `writepage`.
///
/// # Errors
/// [`Kind::BugOnWriteback`], and what `writepage` meets.
pub fn write_cache_pages(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    mode: SyncMode,
    writepage: impl Fn(&Page) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let _call = cx.enter("write_cache_pages");
    let mark = match mode {
        SyncMode::All => {
            tag_pages_for_writeback(cx, mapping)?;
            TOWRITE_MARK
        }
        SyncMode::None => DIRTY_MARK,
    };
    for index in 0..mapping.blocks() {
        if let Some(page) = find_get_page_tag(cx, mapping, index, mark)? {
            write_cache_page(cx, mapping, mode, page, &writepage)?;
            put_page(cx, page)?;
        }
    }
    Ok(())
}

fn write_cache_page(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    mode: SyncMode,
    page: &Page,
    writepage: &impl Fn(&Page) -> Result<(), Halt>,
) -> Result<(), Halt> {
    lock_page(cx, page)?;
    if !mapping.owns(cx, page) || !page.flags.test(cx, PG_DIRTY) {
        return unlock_page(cx, page);
    }
    match mode {
        // The kernel looks at PG_writeback here, too, and then again in
        // wait_on_page_writeback(). That the first look found the bit set and
        // the second clear makes no difference to finding it clear at once.
        SyncMode::All => wait_on_page_writeback(cx, page)?,
        SyncMode::None if page.flags.test(cx, PG_WRITEBACK) => return unlock_page(cx, page),
        SyncMode::None => {}
    }
    bug_on_writeback(cx, page)?;
    if !clear_page_dirty_for_io(cx, page) {
        return unlock_page(cx, page);
    }
    writepage(page)
}

/// `BUG_ON(PageWriteback(page))`, by someone who holds the page lock and has
/// seen to it that the page is not.
///
/// # Errors
/// [`Kind::BugOnWriteback`].
pub fn bug_on_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    if page.flags.test(cx, PG_WRITEBACK) {
        return cx.report(Kind::BugOnWriteback, page.name());
    }
    Ok(())
}
