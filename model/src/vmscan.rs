//! mm/vmscan.c: reclaim of pages that only the page cache holds.

use crate::current::Current;
use crate::filemap::{AddressSpace, delete_entry, find_get_page, trylock_page, unlock_page};
use crate::page::{PG_DIRTY, PG_WRITEBACK, Page};
use crate::page_alloc::free_page;
use crate::swap::put_page;
use crate::violation::Halt;

/// The references on a page that can be reclaimed: the page cache's and that
/// of the one who isolated it.
const FREEABLE: i64 = 2;

/// `shrink_page_list`, of a file's pages, each isolated by a reference. What
/// is locked, dirty, under writeback or used by anybody else is kept.
///
/// # Errors
/// What freeing a page can meet.
pub fn shrink_page_list(cx: &Current<'_>, mapping: &AddressSpace) -> Result<(), Halt> {
    let _call = cx.enter("shrink_page_list");
    for index in 0..mapping.blocks() {
        if let Some(page) = find_get_page(cx, mapping, index)?
            && !shrink_page(cx, mapping, index, page)?
        {
            put_page(cx, page)?;
        }
    }
    Ok(())
}

/// One page of the list. Returns whether it is gone, and the isolating
/// reference with it.
fn shrink_page(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    index: u16,
    page: &Page,
) -> Result<bool, Halt> {
    if !trylock_page(cx, page)? {
        return Ok(false);
    }
    let reclaimed = !page.flags.test(cx, PG_WRITEBACK)
        && mapping.owns(cx, page)
        && remove_mapping(cx, mapping, index, page)?;
    unlock_page(cx, page)?;
    if reclaimed {
        // free_unref_page_list: there is no __put_page() on this way.
        free_page(cx, page)?;
    }
    Ok(reclaimed)
}

/// `__remove_mapping`, of a locked page: freezes the reference count at zero
/// and takes the page out of its file, if nobody else has a reference and
/// there is nothing to write.
fn remove_mapping(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    index: u16,
    page: &Page,
) -> Result<bool, Halt> {
    let _call = cx.enter("__remove_mapping");
    let _i_pages = mapping.lock(cx)?;
    if !page.refcount.freeze(cx, FREEABLE) {
        return Ok(false);
    }
    if page.flags.test(cx, PG_DIRTY) {
        page.refcount.unfreeze(cx, FREEABLE);
        return Ok(false);
    }
    delete_entry(cx, page, mapping, index);
    Ok(true)
}
