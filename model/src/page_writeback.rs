//! mm/page-writeback.c: beginning writeback, ending it, waiting for it.

use crate::current::Current;
use crate::filemap::{
    AddressSpace, Behavior, DIRTY_MARK, TOWRITE_MARK, WRITEBACK_MARK, find_get_page_tag, lock_page,
    unlock_page, wait_again_on_page_bit, wait_on_page_bit_common,
};
use crate::mechanism::{
    EndRef, EndWaitersTest, SetWriteback, WaitOnWriteback, WriteCachePagesWait,
};
use crate::page::{PG_DIRTY, PG_WAITERS, PG_WRITEBACK, Page, Use};
use crate::swap::{get_page_for_writeback, put_page};
use crate::sync::{SleepState, SpinGuard, Word};
use crate::violation::{Halt, Kind};
use crate::wait::WaitCall;

pub use crate::filemap::end_page_writeback;

/// What a sync waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// `WB_SYNC_ALL`: waits for writeback that is under way.
    All,
    /// `WB_SYNC_NONE`: skips such pages.
    None,
}

/// The file that a page belongs to and its slot there, if that file uses
/// writeback tags. Called by who knows that the page is in a page cache: it is
/// locked, or under writeback.
fn page_mapping<'m>(cx: &Current<'m>, page: &Page) -> Option<(&'m AddressSpace, &'m Word)> {
    AddressSpace::of(cx, page.mapping.load(cx)).filter(|(mapping, _)| mapping.has_writeback_tags())
}

/// `set_page_writeback`, of a locked page. Returns whether it was under
/// writeback already; never under `set-writeback=wait-to-set`, which waits
/// until it was not.
///
/// # Errors
/// When a holder of the i_pages lock halted; what waiting can meet.
pub fn set_page_writeback(cx: &Current<'_>, page: &Page) -> Result<bool, Halt> {
    let _call = cx.enter("set_page_writeback");
    // Nobody can sleep with the i_pages lock held, so the bit is had before.
    if cx.kernel().set_writeback == SetWriteback::WaitToSet && test_and_set_writeback(cx, page).0 {
        let sleep = SleepState::Uninterruptible;
        wait_on_page_bit_common(cx, page, PG_WRITEBACK, Behavior::Exclusive, sleep)?;
    }
    let mapping = page_mapping(cx, page);
    let _i_pages = mapping.map(|(mapping, _)| mapping.lock(cx)).transpose()?;
    let was_set = match cx.kernel().set_writeback {
        SetWriteback::Set => test_and_set_writeback(cx, page).0,
        SetWriteback::WaitToSet => false,
    };
    if !was_set && cx.kernel().end_ref == EndRef::HeldByWriteback {
        get_page_for_writeback(cx, page);
    }
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

/// One fully ordered RMW; whether PG_writeback was set, and in which use of
/// the frame.
pub(crate) fn test_and_set_writeback(cx: &Current<'_>, page: &Page) -> (bool, u32) {
    page.flags
        .test_and_set_and(cx, PG_WRITEBACK, |ghost, a, was_set| {
            if !was_set {
                ghost.begin_io(a);
            }
            ghost.life(a)
        })
}

/// What the clear of PG_writeback has ended, and seen.
pub(crate) struct Cleared {
    /// Which use and which writeback of the page have ended.
    pub of: Use,
    /// PG_waiters, if the same operation has looked at it.
    pub waiters: Option<bool>,
}

/// `test_clear_page_writeback`: what was cleared, nothing if the bit was not
/// set, and the i_pages lock, still held: until that is released nobody can
/// take the page out of its file. A mapping without writeback tags has no
/// such section.
///
/// # Errors
/// When a holder of the i_pages lock halted.
pub(crate) fn test_clear_page_writeback<'a>(
    cx: &'a Current<'_>,
    page: &Page,
) -> Result<(Option<Cleared>, Option<SpinGuard<'a, ()>>), Halt> {
    let _call = cx.enter("test_clear_page_writeback");
    let mapping = page_mapping(cx, page);
    let i_pages = mapping.map(|(mapping, _)| mapping.lock(cx)).transpose()?;
    let (was_set, waiters, of) = match cx.kernel().end_waiters_test {
        EndWaitersTest::Load => {
            let (was_set, of) = page.flags.test_and_clear_and(cx, PG_WRITEBACK, |ghost, a| {
                ghost.end_io(a);
                ghost.current_use(a)
            });
            (was_set, None, of)
        }
        EndWaitersTest::SameRmw => {
            let (waiters, (was_set, of)) = page.flags.xor_unlock_is_negative_byte_and(
                cx,
                PG_WRITEBACK,
                PG_WAITERS,
                |ghost, a| (ghost.end_io(a), ghost.current_use(a)),
            );
            (was_set, Some(waiters), of)
        }
    };
    if let (true, Some((_, slot))) = (was_set, mapping) {
        slot.clear(cx, WRITEBACK_MARK);
    }
    Ok((was_set.then_some(Cleared { of, waiters }), i_pages))
}

/// Clears PG_writeback, with the mark in the file's index. Returns which use
/// and which writeback of the page have ended, for the wake-up. When it returns,
/// the page may be anybody's.
///
/// # Errors
/// [`Kind::EndNotUnderWriteback`] if the bit was not set; when a holder of the
/// i_pages lock halted.
pub fn clear_page_writeback(cx: &Current<'_>, page: &Page) -> Result<Use, Halt> {
    let (cleared, _i_pages) = test_clear_page_writeback(cx, page)?;
    match cleared {
        Some(cleared) => Ok(cleared.of),
        None => {
            cx.report(Kind::EndNotUnderWriteback, page.name())?;
            Err(Halt::Oops(Kind::EndNotUnderWriteback))
        }
    }
}

/// The part of `test_clear_page_writeback` that `clear-in-wake=yes` leaves
/// there. Returns the i_pages lock, still held.
///
/// # Errors
/// When a holder of the i_pages lock halted.
pub(crate) fn clear_writeback_mark<'a>(
    cx: &'a Current<'_>,
    page: &Page,
) -> Result<Option<SpinGuard<'a, ()>>, Halt> {
    let _call = cx.enter("test_clear_page_writeback");
    let Some((mapping, slot)) = page_mapping(cx, page) else {
        return Ok(None);
    };
    let i_pages = mapping.lock(cx)?;
    slot.clear(cx, WRITEBACK_MARK);
    Ok(Some(i_pages))
}

/// `wait_on_page_writeback`: SHARED, by someone who holds a reference.
///
/// # Errors
/// What waiting can meet.
pub fn wait_on_page_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("wait_on_page_writeback");
    cx.wake_logic().wait_on_page_writeback(cx, page)
}

/// What `wait_on_page_writeback` does in the kernels there are.
///
/// # Errors
/// What waiting can meet.
pub fn wait_for_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let call = WaitCall::new();
    while page.flags.test(cx, PG_WRITEBACK) {
        wait_again_on_page_bit(cx, page, PG_WRITEBACK, &call)?;
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
        SyncMode::All => wait_before_writing(cx, page)?,
        SyncMode::None if page.flags.test(cx, PG_WRITEBACK) => return unlock_page(cx, page),
        SyncMode::None => {}
    }
    if cx.kernel().set_writeback == SetWriteback::Set {
        bug_on_writeback(cx, page)?;
    }
    if !clear_page_dirty_for_io(cx, page) {
        return unlock_page(cx, page);
    }
    writepage(page)
}

/// The wait of `write_cache_pages` for an earlier writeback; none where
/// `set_page_writeback` waits itself.
fn wait_before_writing(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let kernel = cx.kernel();
    if kernel.set_writeback == SetWriteback::WaitToSet {
        return Ok(());
    }
    loop {
        wait_on_page_writeback(cx, page)?;
        let again = kernel.write_cache_pages_wait == WriteCachePagesWait::While
            && page.flags.test(cx, PG_WRITEBACK);
        if !again {
            return Ok(());
        }
    }
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
