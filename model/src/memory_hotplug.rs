//! mm/memory_hotplug.c: taking memory away for good.

use crate::current::Current;
use crate::page::Page;
use crate::violation::Halt;

/// `offline_pages`, of a block of one frame, and then `remove_memory`: if the
/// frame is free it leaves the free list, and after that its `struct page`
/// ceases to be. Returns whether it did. One attempt: the kernel would migrate
/// what is in use and look again.
///
/// Nothing on this way waits for who merely has the address of the
/// `struct page`.
///
/// # Errors
/// When a holder of the zone's lock halted.
pub fn offline_pages(cx: &Current<'_>, page: &Page) -> Result<bool, Halt> {
    let _call = cx.enter("offline_pages");
    let isolated = cx.machine.zone.lock(cx)?.isolate(page.pfn);
    if isolated {
        remove_memory(cx, page);
    }
    Ok(isolated)
}

/// `remove_memory`, down to `vmemmap_free`: what the flags word was is gone.
fn remove_memory(cx: &Current<'_>, page: &Page) {
    let _call = cx.enter("remove_memory");
    page.flags.store_and(cx, 0, |ghost, a| ghost.hot_remove(a));
}
