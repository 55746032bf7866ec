//! mm/filemap.c: the page cache, the page lock, waiting for a page bit.

mod cache;
mod lock;
mod wait;
mod wake;
mod writeback;

pub use cache::{
    AddressSpace, DIRTY_MARK, TOWRITE_MARK, WRITEBACK_MARK, add_to_page_cache_locked, delete_entry,
    delete_from_page_cache, find_get_page, find_get_page_tag, grab_cache_page,
};
pub use lock::{__lock_page_killable, lock_page, lock_page_killable, trylock_page, unlock_page};
pub(crate) use wait::wait_again_on_page_bit;
pub use wait::{
    Behavior, BitWait, Waited, put_and_wait_on_page_locked, wait_for_bit, wait_on_page_bit,
    wait_on_page_bit_common, wait_on_page_locked,
};
pub use wake::{WakeKey, wake_and_remove, wake_page_function, wake_up_page, wake_up_page_bit};
pub use writeback::{end_page_writeback, end_writeback};

use crate::current::Current;
use crate::page::Page;
use crate::wait::WaitQueue;

/// `page_waitqueue`: the bucket that a page's waiters queue in, which it
/// shares with other pages, and keeps across its lives.
pub fn page_waitqueue<'m>(cx: &Current<'m>, page: &Page) -> &'m WaitQueue {
    let table = &cx.machine.page_wait_table;
    &table[usize::from(page.pfn) % table.len()]
}
