//! mm/shmem.c: huge pages.

use crate::current::Current;
use crate::page::Page;
use crate::page_alloc::alloc_pages;
use crate::violation::Halt;

/// `shmem_alloc_hugepage`: a compound page of the machine's huge order, with
/// one reference; nothing if there are not enough free frames in a row.
///
/// # Errors
/// What allocating pages can meet.
pub fn shmem_alloc_hugepage<'m>(cx: &Current<'m>) -> Result<Option<&'m Page>, Halt> {
    let _call = cx.enter("shmem_alloc_hugepage");
    let head = alloc_pages(cx, cx.config().huge_order)?;
    Ok(head.map(|pfn| cx.machine.page(pfn)))
}
