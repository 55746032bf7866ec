//! Wake logic that no kernel has yet: your own.
//!
//! A [`WakeLogic`] replaces what a kernel does where it ends writeback, decides
//! about a waiter, and waits. What is not replaced is done as the mechanisms of
//! the [`Kernel`](crate::mechanism::Kernel) say, which is also what the default
//! of each function calls.
//!
//! What such a function is made of is public: the operations of
//! [`Word`](crate::sync::Word) on `page.flags`, each of them one step;
//! [`get_page`](crate::swap::get_page) and [`put_page`](crate::swap::put_page);
//! [`clear_page_writeback`](crate::page_writeback::clear_page_writeback),
//! [`wake_up_page`](crate::filemap::wake_up_page) and
//! [`wake_and_remove`](crate::filemap::wake_and_remove); the queue of a page and
//! the task that waits. Whatever threads share must be reached through these:
//! a variable of your own would be seen by no search.

use crate::current::Current;
use crate::filemap::{self, BitWait, Waited, WakeKey};
use crate::page::Page;
use crate::page_writeback;
use crate::violation::Halt;
use crate::wait::{Locked, Queued, Woken};

/// What a kernel does where it wakes and waits for page bits.
pub trait WakeLogic: Send + Sync {
    /// What reports call it.
    fn name(&self) -> &'static str;

    /// `end_page_writeback`: the I/O is over. The caller holds no reference.
    ///
    /// # Errors
    /// What it meets; passed on by `?`.
    fn end_page_writeback(&self, cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
        filemap::end_writeback(cx, page)
    }

    /// `wake_page_function`: decides about one waiter in the bucket, with the
    /// lock of the bucket held.
    ///
    /// # Errors
    /// What it meets; passed on by `?`.
    fn wake_page_function(
        &self,
        cx: &Current<'_>,
        list: &mut Locked<'_>,
        queued: &Queued,
        key: &mut WakeKey<'_>,
    ) -> Result<Woken, Halt> {
        filemap::wake_page_function(cx, list, queued, key)
    }

    /// `wait_on_page_bit_common`: sleeps until the bit is clear, or owned.
    ///
    /// # Errors
    /// What it meets; passed on by `?`.
    fn wait_on_page_bit_common(
        &self,
        cx: &Current<'_>,
        wait: &BitWait<'_>,
    ) -> Result<Waited, Halt> {
        filemap::wait_for_bit(cx, wait)
    }

    /// `wait_on_page_writeback`, by someone who holds a reference.
    ///
    /// # Errors
    /// What it meets; passed on by `?`.
    fn wait_on_page_writeback(&self, cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
        page_writeback::wait_for_writeback(cx, page)
    }
}

/// What the mechanisms of the kernel say, and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct AsConfigured;

impl WakeLogic for AsConfigured {
    fn name(&self) -> &'static str {
        "as configured"
    }
}
