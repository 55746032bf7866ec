//! fs/ext4/page-io.c, inode.c: writing a page, and the end of that.

use crate::current::Current;
use crate::filemap::{AddressSpace, DIRTY_MARK, find_get_page_tag, lock_page, unlock_page};
use crate::machine::Disk;
use crate::mechanism::SetWriteback;
use crate::page::{PG_DIRTY, Page};
use crate::page_writeback::{
    bug_on_writeback, end_page_writeback, set_page_writeback, wait_on_page_writeback,
};
use crate::swap::put_page;
use crate::violation::Halt;

/// `struct bio`, of one page with one buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bio {
    /// The page that is written.
    pub pfn: u16,
}

/// `ext4_writepage`, of a locked page: sets it under writeback, unlocks it and
/// submits its bio.
///
/// # Errors
/// [`Kind::BugOnWriteback`](crate::violation::Kind), and what unlocking meets.
pub fn ext4_writepage(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("ext4_writepage");
    if cx.kernel().set_writeback == SetWriteback::Set {
        bug_on_writeback(cx, page)?;
    }
    set_page_writeback(cx, page)?;
    unlock_page(cx, page)?;
    submit_bio(cx, Bio { pfn: page.pfn })
}

fn submit_bio(cx: &Current<'_>, bio: Bio) -> Result<(), Halt> {
    let _call = cx.enter("submit_bio");
    match cx.config().disk {
        Disk::Immediate => ext4_end_bio(cx, bio),
        Disk::Queued => {
            cx.machine.bios.send(cx, bio);
            Ok(())
        }
    }
}

/// `mpage_prepare_extent_to_map` under WB_SYNC_ALL: collects a file's dirty
/// pages for writing, where the first crash was seen. It ends with what comes
/// before the writing: the pages are unlocked and stay dirty.
///
/// # Errors
/// [`Kind::BugOnWriteback`](crate::violation::Kind), and what locking and
/// waiting meet.
pub fn mpage_prepare_extent_to_map(cx: &Current<'_>, mapping: &AddressSpace) -> Result<(), Halt> {
    let _call = cx.enter("mpage_prepare_extent_to_map");
    for index in 0..mapping.blocks() {
        if let Some(page) = find_get_page_tag(cx, mapping, index, DIRTY_MARK)? {
            lock_page(cx, page)?;
            if page.flags.test(cx, PG_DIRTY) && mapping.owns(cx, page) {
                wait_on_page_writeback(cx, page)?;
                bug_on_writeback(cx, page)?;
            }
            unlock_page(cx, page)?;
            put_page(cx, page)?;
        }
    }
    Ok(())
}

/// `ext4_end_bio`: the disk says that the bio is done.
///
/// # Errors
/// What ending its writeback meets.
pub fn ext4_end_bio(cx: &Current<'_>, bio: Bio) -> Result<(), Halt> {
    let _call = cx.enter("ext4_end_bio");
    ext4_finish_bio(cx, bio)
}

/// `ext4_finish_bio`: ends the writeback of the bio's page, on which nobody
/// here holds a reference.
///
/// # Errors
/// What ending its writeback meets.
pub fn ext4_finish_bio(cx: &Current<'_>, bio: Bio) -> Result<(), Halt> {
    let _call = cx.enter("ext4_finish_bio");
    end_page_writeback(cx, cx.machine.page(bio.pfn))
}

/// The same, of the next bio that is in flight; waits until there is one.
///
/// # Errors
/// When none ever will be; what ending its writeback meets.
pub fn finish_next_bio(cx: &Current<'_>) -> Result<(), Halt> {
    let bio = cx.machine.bios.receive(cx)?;
    ext4_finish_bio(cx, bio)
}
