//! Ending writeback: `end_page_writeback` and what kernels do differently in it.

use crate::current::Current;
use crate::filemap::wake::{wake_up_and_clear, wake_up_page, wake_up_page_bit};
use crate::mechanism::{
    ClearInWake, EndRef, EndWaitersTest, EndWakeUnderLock, ReferenceDrop, WaitersTestOrder,
};
use crate::page::{PG_RECLAIM, PG_WAITERS, PG_WRITEBACK, Page, Use, page_waiters};
use crate::page_writeback::{clear_writeback_mark, test_clear_page_writeback};
use crate::swap::{get_page, put_page, put_page_of_writeback};
use crate::violation::{Halt, Kind};

/// `end_page_writeback`: the I/O is over. Called with no reference held.
///
/// # Errors
/// [`Kind::EndNotUnderWriteback`], and what the wake-up can meet.
pub fn end_page_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("end_page_writeback");
    cx.wake_logic().end_page_writeback(cx, page)
}

/// What `end_page_writeback` does in the kernels there are.
///
/// # Errors
/// As for [`end_page_writeback`].
pub fn end_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let kernel = cx.kernel();
    let asserts = kernel.canonical().end_waiters_test == EndWaitersTest::SameRmw;
    if asserts && cx.config().debug_vm && !page.flags.test(cx, PG_WRITEBACK) {
        return not_under_writeback(cx, page);
    }
    if page.flags.test(cx, PG_RECLAIM) {
        page.flags.clear(cx, PG_RECLAIM);
    }
    let mut ending = Ending {
        cx,
        page,
        waiters: None,
        reference: match kernel.end_ref {
            EndRef::None | EndRef::IfWaiters => Reference::None,
            EndRef::GetPage => Reference::Own,
            EndRef::HeldByWriteback => Reference::OfWriteback,
        },
    };
    if kernel.waiters_test_order == WaitersTestOrder::BeforeClear {
        ending.waiters = Some(page.flags.test(cx, PG_WAITERS));
    }
    if kernel.end_ref == EndRef::GetPage {
        get_page(cx, page);
    }
    match kernel.clear_in_wake {
        ClearInWake::No => ending.clear_and_wake()?,
        ClearInWake::Yes => ending.clear_in_wake()?,
    }
    ending.put()
}

fn not_under_writeback(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    cx.report(Kind::EndNotUnderWriteback, page.name())
}

/// Which reference `end_page_writeback` has to drop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reference {
    None,
    /// The one that it has taken.
    Own,
    /// The one that `set_page_writeback` has taken.
    OfWriteback,
}

/// `end_page_writeback` on its way.
struct Ending<'c, 'm> {
    cx: &'c Current<'m>,
    page: &'c Page,
    /// PG_waiters, where it is not left to `wake_up_page` to test it.
    waiters: Option<bool>,
    reference: Reference,
}

impl Ending<'_, '_> {
    /// Clears the bit, then wakes: in between anything can happen, except that
    /// nobody takes the page out of its file before the i_pages lock is free.
    fn clear_and_wake(&mut self) -> Result<(), Halt> {
        let (cx, page, kernel) = (self.cx, self.page, self.cx.kernel());
        let (cleared, i_pages) = test_clear_page_writeback(cx, page)?;
        let Some(cleared) = cleared else {
            return not_under_writeback(cx, page);
        };
        self.waiters = self.waiters.or(cleared.waiters);
        if kernel.end_ref == EndRef::IfWaiters {
            self.take_reference_if_waiters(cleared.of)?;
        }
        let _i_pages = i_pages.filter(|_| kernel.end_wake_under_lock != EndWakeUnderLock::No);
        if kernel.end_waiters_test == EndWaitersTest::Load && kernel.end_ref != EndRef::IfWaiters {
            cx.barrier("smp_mb__after_atomic");
        }
        self.put_before_wake()?;
        match self.waiters {
            None => wake_up_page(cx, page, PG_WRITEBACK, cleared.of)?,
            Some(true) => wake_up_page_bit(cx, page, PG_WRITEBACK, cleared.of)?,
            Some(false) => {}
        }
        Ok(())
    }

    /// PG_waiters is tested here and not again: the reference is there only if
    /// the wake-up is to be.
    fn take_reference_if_waiters(&mut self, of: Use) -> Result<(), Halt> {
        let waiters = match self.waiters {
            Some(waiters) => waiters,
            None => {
                self.cx.barrier("smp_mb__after_atomic");
                page_waiters(self.cx, self.page, of)?
            }
        };
        self.waiters = Some(waiters);
        if waiters {
            get_page(self.cx, self.page);
            self.reference = Reference::Own;
        }
        Ok(())
    }

    /// Wakes, then clears the bit, under the queue's lock; without waiters only
    /// clears it. The mark in the file's index goes first, since after the
    /// clear the page may be anybody's.
    fn clear_in_wake(&mut self) -> Result<(), Halt> {
        let (cx, page, kernel) = (self.cx, self.page, self.cx.kernel());
        let i_pages = clear_writeback_mark(cx, page)?;
        let _i_pages = i_pages.filter(|_| kernel.end_wake_under_lock != EndWakeUnderLock::No);
        let (before, of) = page.flags.cmpxchg_clear_unless_and(
            cx,
            PG_WRITEBACK,
            PG_WAITERS,
            |ghost, a, before| {
                if before & (PG_WAITERS | PG_WRITEBACK) == PG_WRITEBACK {
                    ghost.end_io(a);
                }
                ghost.current_use(a)
            },
        );
        if before & PG_WRITEBACK == 0 {
            return not_under_writeback(cx, page);
        }
        if before & PG_WAITERS != 0 {
            if kernel.end_ref == EndRef::IfWaiters {
                get_page(cx, page);
                self.reference = Reference::Own;
            }
            self.put_before_wake()?;
            wake_up_and_clear(cx, page, of)?;
        }
        Ok(())
    }

    fn put_before_wake(&mut self) -> Result<(), Halt> {
        match self.cx.kernel().reference_drop {
            ReferenceDrop::BeforeWake => self.put(),
            ReferenceDrop::AfterWake => Ok(()),
        }
    }

    /// Drops the reference, if there is one to drop.
    fn put(&mut self) -> Result<(), Halt> {
        match std::mem::replace(&mut self.reference, Reference::None) {
            Reference::None => Ok(()),
            Reference::Own => put_page(self.cx, self.page),
            Reference::OfWriteback => put_page_of_writeback(self.cx, self.page),
        }
    }
}
