//! fs/ext4/page-io.c: writing a page, and the end of that.

use crate::current::Current;
use crate::filemap::unlock_page;
use crate::machine::Disk;
use crate::page::Page;
use crate::page_writeback::{bug_on_writeback, end_page_writeback, set_page_writeback};
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
    bug_on_writeback(cx, page)?;
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
