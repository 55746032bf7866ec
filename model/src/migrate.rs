//! mm/migrate.c: moving a file's page to another frame.

use crate::current::Current;
use crate::filemap::{AddressSpace, find_get_page, trylock_page, unlock_page};
use crate::page::{NO_MAPPING, PG_DIRTY, PG_WRITEBACK, Page};
use crate::page_alloc::alloc_pages;
use crate::swap::{get_page, put_page};
use crate::violation::Halt;

/// The references on a page that can be moved: the page cache's and that of
/// the one who isolated it.
const EXPECTED: i64 = 2;

/// `migrate_pages` with `MIGRATE_ASYNC`, of a file's pages, each isolated by a
/// reference; one attempt, of the ten that the kernel makes. What is locked,
/// under writeback or used by anybody else stays where it is.
///
/// # Errors
/// What allocating, locking or freeing a page can meet.
pub fn migrate_pages(cx: &Current<'_>, mapping: &AddressSpace) -> Result<(), Halt> {
    let _call = cx.enter("migrate_pages");
    for index in 0..mapping.blocks() {
        if let Some(page) = find_get_page(cx, mapping, index)? {
            if let Some(new) = alloc_pages(cx, 0)? {
                let new = cx.machine.page(new);
                unmap_and_move(cx, mapping, index, page, new)?;
                put_page(cx, new)?;
            }
            put_page(cx, page)?;
        }
    }
    Ok(())
}

fn unmap_and_move(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    index: u16,
    page: &Page,
    new: &Page,
) -> Result<(), Halt> {
    let _call = cx.enter("__unmap_and_move");
    if !trylock_page(cx, page)? {
        return Ok(());
    }
    if !page.flags.test(cx, PG_WRITEBACK) && mapping.owns(cx, page) {
        // Nobody else knows of the new page yet.
        trylock_page(cx, new)?;
        if move_mapping(cx, mapping, index, page, new)? {
            page.mapping.store(cx, NO_MAPPING);
        }
        unlock_page(cx, new)?;
    }
    unlock_page(cx, page)
}

/// `migrate_page_move_mapping`, of a locked page: puts `new` in its place, with
/// the page cache's reference, if nobody but the caller has another. While the
/// count is frozen at zero no lookup gets the page. Returns whether it did.
fn move_mapping(
    cx: &Current<'_>,
    mapping: &AddressSpace,
    index: u16,
    page: &Page,
    new: &Page,
) -> Result<bool, Halt> {
    let _call = cx.enter("migrate_page_move_mapping");
    let _i_pages = mapping.lock(cx)?;
    if !page.refcount.freeze(cx, EXPECTED) {
        return Ok(false);
    }
    new.mapping.store(cx, mapping.word_at(index));
    get_page(cx, new);
    if page.flags.test(cx, PG_DIRTY) {
        page.flags.clear(cx, PG_DIRTY);
        new.flags.set(cx, PG_DIRTY);
    }
    mapping.replace_entry(cx, index, new);
    page.refcount.unfreeze(cx, EXPECTED - 1);
    Ok(true)
}
