//! mm/truncate.c: taking pages out of a file for good.

use crate::current::Current;
use crate::filemap::{
    AddressSpace, delete_from_page_cache, find_get_page, lock_page, trylock_page, unlock_page,
};
use crate::page::{PG_DIRTY, PG_WRITEBACK, Page};
use crate::page_writeback::wait_on_page_writeback;
use crate::swap::put_page;
use crate::violation::Halt;

/// Which passes of `truncate_inode_pages_range` are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// Both, as in the kernel.
    Both,
    /// Only the first, which skips pages that are locked or under writeback.
    First,
    /// Only the second, which waits for them.
    Second,
}

/// `truncate_inode_pages_range`, of the whole file.
///
/// # Errors
/// What waiting for, or freeing, a page can meet.
pub fn truncate_inode_pages_range(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    passes: Passes,
) -> Result<(), Halt> {
    let _call = cx.enter("truncate_inode_pages_range");
    if passes != Passes::Second {
        for index in 0..mapping.blocks() {
            if let Some(page) = find_get_page(cx, mapping, index)? {
                truncate_unless_busy(cx, mapping, index, page)?;
                put_page(cx, page)?;
            }
        }
    }
    if passes != Passes::First {
        while truncate_waiting(cx, mapping)? {}
    }
    Ok(())
}

/// The first pass, of one page.
fn truncate_unless_busy(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    index: u16,
    page: &Page,
) -> Result<(), Halt> {
    if !trylock_page(cx, page)? {
        return Ok(());
    }
    if !page.flags.test(cx, PG_WRITEBACK) {
        truncate_inode_page(cx, mapping, index, page)?;
    }
    unlock_page(cx, page)
}

/// One round of the second pass; whether there was anything left.
fn truncate_waiting(cx: &Current<'_>, mapping: &AddressSpace) -> Result<bool, Halt> {
    let mut found = false;
    for index in 0..mapping.blocks() {
        let Some(page) = find_get_page(cx, mapping, index)? else {
            continue;
        };
        found = true;
        lock_page(cx, page)?;
        wait_on_page_writeback(cx, page)?;
        truncate_inode_page(cx, mapping, index, page)?;
        unlock_page(cx, page)?;
        put_page(cx, page)?;
    }
    Ok(found)
}

/// `truncate_inode_page`, of a locked page: out of the file, unless it is out
/// already.
fn truncate_inode_page(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    index: u16,
    page: &Page,
) -> Result<(), Halt> {
    let _call = cx.enter("truncate_inode_page");
    if !mapping.owns(cx, page) {
        return Ok(());
    }
    // cancel_dirty_page
    page.flags.test_and_clear(cx, PG_DIRTY);
    delete_from_page_cache(cx, page, mapping, index)
}
