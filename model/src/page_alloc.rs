//! mm/page_alloc.c: the free list, the checks on the way out and in, compound
//! pages.

use crate::current::Current;
use crate::page::{
    COMPOUND_TAIL, NO_MAPPING, PAGE_FLAGS_CHECK_AT_FREE, PG_HEAD, PG_WAITERS, Page, TAIL_MAPPING,
};
use crate::violation::{Halt, Kind};

/// Every page flag: none may be set on a page that is being allocated.
const PAGE_FLAGS_CHECK_AT_PREP: u64 = (1 << 41) - 1;

/// The free page frames, last freed first allocated.
pub struct Zone {
    free: Vec<u16>,
}

impl Zone {
    /// A zone whose last listed frame is allocated first.
    pub fn new(free: Vec<u16>) -> Zone {
        Zone { free }
    }

    /// Takes 2^`order` frames in a row, aligned to their number.
    fn take(&mut self, order: u32) -> Option<u16> {
        if order == 0 {
            return self.free.pop();
        }
        let size = 1 << order;
        let is_free = |pfn: &u16| self.free.contains(pfn);
        let head = self
            .free
            .iter()
            .copied()
            .filter(|pfn| pfn % size == 0)
            .find(|head| (*head..head + size).all(|pfn| is_free(&pfn)))?;
        self.free.retain(|pfn| !(head..head + size).contains(pfn));
        Some(head)
    }

    /// Takes this frame, if it is free: nobody gets it any more.
    pub(crate) fn isolate(&mut self, pfn: u16) -> bool {
        let at = self.free.iter().position(|free| *free == pfn);
        at.map(|at| self.free.remove(at)).is_some()
    }
}

/// `alloc_pages`: 2^`order` frames, a compound page if there is more than one.
/// Returns the first; nothing if there are none.
///
/// # Errors
/// [`Kind::BadPage`] if one has flags or references that it must not have.
pub fn alloc_pages(cx: &Current<'_>, order: u32) -> Result<Option<u16>, Halt> {
    let _call = cx.enter("alloc_pages");
    let taken = cx.machine.zone.lock(cx)?.take(order);
    let Some(head) = taken else { return Ok(None) };
    for pfn in head..head + (1 << order) {
        check_new_page(cx, cx.machine.page(pfn))?;
    }
    cx.machine.page(head).refcount.set(cx, 1);
    if order > 0 {
        prep_compound_page(cx, head, order)?;
    }
    Ok(Some(head))
}

fn check_new_page(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("check_new_page");
    if cx.config().debug_vm
        && (page.mapping.load(cx) != NO_MAPPING
            || page.refcount.read(cx) != 0
            || page.flags.test(cx, PAGE_FLAGS_CHECK_AT_PREP))
    {
        return cx.report(Kind::BadPage, page.name());
    }
    Ok(())
}

fn prep_compound_page(cx: &Current<'_>, head: u16, order: u32) -> Result<(), Halt> {
    let _call = cx.enter("prep_compound_page");
    set_flags_nonatomic(cx, cx.machine.page(head), PG_HEAD)?;
    for pfn in head + 1..head + (1 << order) {
        let tail = cx.machine.page(pfn);
        tail.refcount.set(cx, 0);
        tail.mapping.store(cx, TAIL_MAPPING);
        tail.flags.set(cx, COMPOUND_TAIL);
    }
    Ok(())
}

/// `__SetPageFoo`: sets flags of a page that nobody else is thought to use.
///
/// # Errors
/// [`Kind::LostFlagUpdate`] if somebody did.
pub fn set_flags_nonatomic(cx: &Current<'_>, page: &Page, flags: u64) -> Result<(), Halt> {
    update_flags_nonatomic(cx, page, |before| before | flags)
}

/// `__ClearPageFoo`: clears them.
///
/// # Errors
/// [`Kind::LostFlagUpdate`] if somebody else used the page.
pub fn clear_flags_nonatomic(cx: &Current<'_>, page: &Page, flags: u64) -> Result<(), Halt> {
    update_flags_nonatomic(cx, page, |before| before & !flags)
}

/// A load and a store of the whole flags word.
fn update_flags_nonatomic(
    cx: &Current<'_>,
    page: &Page,
    update: impl FnOnce(u64) -> u64,
) -> Result<(), Halt> {
    let before = page.flags.load(cx);
    let (lost, ()) = page
        .flags
        .store_over_and(cx, before, update(before), |_, _| ());
    if lost {
        cx.report(Kind::LostFlagUpdate, page.name())
    } else {
        Ok(())
    }
}

/// `free_unref_page`, or `free_compound_page`: from the last `put_page` on.
///
/// # Errors
/// [`Kind::BadPage`], [`Kind::IoOnFreedPage`].
pub fn free_page(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("free_unref_page");
    let order = if page.flags.test(cx, PG_HEAD) {
        cx.config().huge_order
    } else {
        0
    };
    let frames = page.pfn..page.pfn + (1 << order);
    for pfn in frames.clone().skip(1) {
        cx.machine.page(pfn).mapping.store(cx, NO_MAPPING);
    }
    for pfn in frames.clone() {
        free_pages_prepare(cx, cx.machine.page(pfn))?;
    }
    cx.machine.zone.lock(cx)?.free.extend(frames.rev());
    Ok(())
}

/// Checks the page, then wipes its flags: here the life of this use ends.
fn free_pages_prepare(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("free_pages_prepare");
    if cx.config().debug_vm
        && (page.mapping.load(cx) != NO_MAPPING
            || page.refcount.read(cx) != 0
            || page.flags.test(cx, PAGE_FLAGS_CHECK_AT_FREE))
    {
        return cx.report(Kind::BadPage, page.name());
    }
    let io_in_flight = page.flags.store_and(cx, 0, |ghost, a| ghost.end_life(a));
    if io_in_flight {
        cx.report(Kind::IoOnFreedPage, page.name())
    } else {
        Ok(())
    }
}

/// `__ClearPageWaiters` on the way to the free list: non-atomic, and redundant
/// with the wipe that follows (removed in v5.18).
pub(crate) fn clear_waiters_of_unreferenced(cx: &Current<'_>, page: &Page) {
    page.flags.clear(cx, PG_WAITERS);
}
