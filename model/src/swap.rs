//! mm/swap.c, include/linux/mm.h: getting and putting page references.

use std::cmp::Ordering;

use crate::current::Current;
use crate::page::Page;
use crate::page_alloc;
use crate::violation::{Halt, Kind};

/// `get_page`: one more reference, by someone who knows that there is one.
pub fn get_page(cx: &Current<'_>, page: &Page) {
    let _call = cx.enter("get_page");
    page.refcount.inc(cx);
}

/// `get_page` by `set_page_writeback`, whose reference goes with PG_writeback
/// and is dropped by whoever clears that.
pub(crate) fn get_page_for_writeback(cx: &Current<'_>, page: &Page) {
    let _call = cx.enter("get_page");
    page.refcount.inc_unowned(cx);
}

/// `get_page_unless_zero`: a reference to a page that may be gone already.
pub fn get_page_unless_zero(cx: &Current<'_>, page: &Page) -> bool {
    let _call = cx.enter("get_page_unless_zero");
    page.refcount.inc_unless_zero(cx)
}

/// `put_page`: one reference less; frees the page if it was the last.
///
/// # Errors
/// [`Kind::ReferenceUnderflow`], and what freeing the page can meet.
pub fn put_page(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("put_page");
    put(cx, page, page.refcount.dec_and_test(cx))
}

/// The same, of the reference that goes with PG_writeback.
///
/// # Errors
/// [`Kind::ReferenceUnderflow`], and what freeing the page can meet.
pub(crate) fn put_page_of_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("put_page");
    put(cx, page, page.refcount.dec_unowned_and_test(cx))
}

fn put(cx: &Current<'_>, page: &Page, left: Ordering) -> Result<(), Halt> {
    match left {
        Ordering::Less => cx.report(Kind::ReferenceUnderflow, page.name()),
        Ordering::Equal => __put_page(cx, page),
        Ordering::Greater => Ok(()),
    }
}

#[allow(non_snake_case, reason = "the kernel's name")]
fn __put_page(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("__put_page");
    page_alloc::clear_waiters_of_unreferenced(cx, page);
    page_alloc::free_page(cx, page)
}
