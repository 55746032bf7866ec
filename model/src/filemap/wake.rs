//! Waking those who wait for a page bit.

use crate::coverage::Branch;
use crate::current::Current;
use crate::filemap::lock::set_locked_for;
use crate::filemap::page_waitqueue;
use crate::mechanism::{LockHandoff, WaitShared, WakeSharedIfSet, WokenPublish};
use crate::page::{
    PG_LOCKED, PG_WAITERS, PG_WRITEBACK, Page, Use, clear_page_waiters, page_waiters, touched,
};
use crate::page_writeback::test_and_set_writeback;
use crate::violation::{Halt, Kind};
use crate::wait::{
    Locked, Queued, WQ_FLAG_CUSTOM, WQ_FLAG_DONE, WQ_FLAG_EXCLUSIVE, WQ_FLAG_WOKEN, WaitCall,
    Woken, list_del_init, wake_up_locked,
};

/// `struct wait_page_key`: who is to be woken, and, for the judge, on behalf
/// of which use and which writeback of the page.
pub struct WakeKey<'p> {
    page: &'p Page,
    bit: u64,
    page_match: bool,
    on_behalf_of: Use,
    /// The bit is still that of the writeback that ends: nobody has set it
    /// again (`clear-in-wake=yes`).
    bit_is_ours: bool,
    /// The calls of which this walk has woken the waiter, for the judge.
    woken: Vec<WaitCall>,
}

impl<'p> WakeKey<'p> {
    /// `wake_page_match`: whether the entry waits for this bit of this page.
    pub fn matches(&mut self, cx: &Current<'_>, queued: &Queued) -> bool {
        if queued.entry.pfn != self.page.pfn {
            cx.takes(Branch::OtherPage);
            return false;
        }
        self.page_match = true;
        if queued.entry.bit != self.bit {
            cx.takes(Branch::OtherBit);
            return false;
        }
        true
    }

    /// A plain look at the bit that was cleared a while ago: whether it is set
    /// again.
    ///
    /// # Errors
    /// None as it is: a page that is not the waker's any more is a hazard.
    pub fn bit_is_set(&self, cx: &Current<'_>) -> Result<bool, Halt> {
        let (bits, life) = self
            .page
            .flags
            .read_and(cx, self.bit, |ghost, a| ghost.life(a));
        touched(cx, self.page, self.on_behalf_of, life, Kind::ForeignRead)?;
        Ok(bits != 0)
    }

    fn new(page: &'p Page, bit: u64, on_behalf_of: Use) -> WakeKey<'p> {
        WakeKey {
            page,
            bit,
            page_match: false,
            on_behalf_of,
            bit_is_ours: false,
            woken: Vec::new(),
        }
    }
}

/// `wake_up_page`: wakes those who wait for `bit`, if PG_waiters says that
/// there may be any. The caller need not hold a reference; `of` is the use of
/// the frame that its business is with.
///
/// # Errors
/// [`Kind::BugOnTail`], and what the walk can meet.
pub fn wake_up_page(cx: &Current<'_>, page: &Page, bit: u64, of: Use) -> Result<(), Halt> {
    let _call = cx.enter("wake_up_page");
    if page_waiters(cx, page, of)? {
        wake_up_page_bit(cx, page, bit, of)
    } else {
        Ok(())
    }
}

/// `wake_up_page_bit`: walks the page's bucket, and clears PG_waiters if no
/// entry of this page was seen or the bucket is empty now.
///
/// # Errors
/// [`Kind::BugOnTail`], and what waking can meet.
pub fn wake_up_page_bit(cx: &Current<'_>, page: &Page, bit: u64, of: Use) -> Result<(), Halt> {
    let _call = cx.enter("wake_up_page_bit");
    let mut key = WakeKey::new(page, bit, of);
    let list = walk(cx, &mut key)?;
    if list.is_empty() || !key.page_match {
        clear_page_waiters(cx, page, of)?;
    }
    Ok(())
}

/// `wake_up_page_bit` as `clear-in-wake=yes` has it: PG_writeback is cleared at
/// the end of the walk, together with PG_waiters if that is due, by the last
/// operation on the page. Who was woken may see the bit still set until then.
///
/// # Errors
/// What waking can meet.
pub(super) fn wake_up_and_clear(cx: &Current<'_>, page: &Page, of: Use) -> Result<(), Halt> {
    let _call = cx.enter("wake_up_page_bit");
    let mut key = WakeKey {
        bit_is_ours: true,
        ..WakeKey::new(page, PG_WRITEBACK, of)
    };
    let list = walk(cx, &mut key)?;
    let mut bits = PG_WRITEBACK;
    if list.is_empty() || !key.page_match {
        bits |= PG_WAITERS;
    }
    page.flags
        .clear_unlock_and(cx, bits, |ghost, a| ghost.end_io(a));
    Ok(())
}

/// Walks the page's bucket. Returns its lock, still held.
fn walk<'a>(cx: &'a Current<'_>, key: &mut WakeKey<'_>) -> Result<Locked<'a>, Halt> {
    let queue = page_waitqueue(cx, key.page);
    wake_up_locked(cx, queue, |list, queued| {
        let _call = cx.enter("wake_page_function");
        cx.wake_logic().wake_page_function(cx, list, queued, key)
    })
}

/// `wake_page_function` of the kernels there are: decides about one entry of
/// the bucket.
///
/// # Errors
/// What taking the bit for the waiter can meet.
pub fn wake_page_function(
    cx: &Current<'_>,
    list: &mut Locked<'_>,
    queued: &Queued,
    key: &mut WakeKey<'_>,
) -> Result<Woken, Halt> {
    if !key.matches(cx, queued) {
        return Ok(Woken::GoOn);
    }
    if queued.flags & WQ_FLAG_EXCLUSIVE != 0 {
        wake_exclusive(cx, list, queued, key)
    } else {
        wake_shared(cx, list, queued, key)
    }
}

fn wake_shared(
    cx: &Current<'_>,
    list: &mut Locked<'_>,
    queued: &Queued,
    key: &mut WakeKey<'_>,
) -> Result<Woken, Halt> {
    let looks = cx.kernel().wake_shared_if_set == WakeSharedIfSet::Stop && !key.bit_is_ours;
    if looks && key.bit_is_set(cx)? {
        cx.takes(Branch::SharedStop);
        return Ok(Woken::Stop);
    }
    judge_walk(cx, queued, key)?;
    let woken = match cx.kernel().wait_shared {
        WaitShared::Retest => autoremove_wake(cx, list, queued, key)?,
        WaitShared::Once => {
            cx.takes(Branch::SharedWoken);
            wake_and_remove(cx, list, queued, key, WQ_FLAG_WOKEN)?;
            Woken::One
        }
    };
    if woken == Woken::One {
        key.woken.push(queued.call.clone());
    }
    Ok(woken)
}

fn wake_exclusive(
    cx: &Current<'_>,
    list: &mut Locked<'_>,
    queued: &Queued,
    key: &WakeKey<'_>,
) -> Result<Woken, Halt> {
    let handoff = cx.kernel().lock_handoff;
    if handoff != LockHandoff::Always && key.bit_is_set(cx)? {
        cx.takes(Branch::ExclusiveStop);
        return Ok(Woken::Stop);
    }
    let mut flags = queued.flags | WQ_FLAG_WOKEN;
    let hands_over = match handoff {
        LockHandoff::Never => return autoremove_wake(cx, list, queued, key),
        LockHandoff::Always => true,
        LockHandoff::AfterBudget => queued.flags & WQ_FLAG_CUSTOM != 0,
    };
    if hands_over {
        if !take_for_waiter(cx, queued, key)? {
            cx.takes(Branch::HandoverFailed);
            return Ok(Woken::Stop);
        }
        cx.takes(Branch::HandedOver);
        if handoff == LockHandoff::AfterBudget {
            flags |= WQ_FLAG_DONE;
        }
    } else {
        cx.takes(Branch::ExclusiveWoken);
    }
    wake_and_remove(cx, list, queued, key, flags)?;
    Ok(Woken::One)
}

/// Hands the bit over: takes it in the waiter's name.
fn take_for_waiter(cx: &Current<'_>, queued: &Queued, key: &WakeKey<'_>) -> Result<bool, Halt> {
    let (taken, life) = match key.bit {
        PG_LOCKED => set_locked_for(cx, key.page, queued.entry.thread)?,
        _ => {
            let (was_set, life) = test_and_set_writeback(cx, key.page);
            (!was_set, life)
        }
    };
    touched(cx, key.page, key.on_behalf_of, life, Kind::ForeignWrite)?;
    Ok(taken)
}

/// `autoremove_wake_function`: wakes the task; only if it had to be woken is
/// the entry removed.
fn autoremove_wake(
    cx: &Current<'_>,
    list: &mut Locked<'_>,
    queued: &Queued,
    key: &WakeKey<'_>,
) -> Result<Woken, Halt> {
    let _call = cx.enter("autoremove_wake_function");
    if !cx.machine.task(queued.entry.thread).wake_up(cx) {
        cx.takes(Branch::AutoremoveRunning);
        return Ok(Woken::GoOn);
    }
    cx.takes(Branch::AutoremoveWoken);
    judge_wakeup(cx, queued, key)?;
    list_del_init(cx, list, &queued.entry);
    Ok(Woken::One)
}

/// Tells the waiter that it has been woken, by these flags of its entry, wakes
/// it, and takes the entry off the list: after that the entry may be gone.
///
/// # Errors
/// None as it is: a wake-up for another use of the page is an event.
pub fn wake_and_remove(
    cx: &Current<'_>,
    list: &mut Locked<'_>,
    queued: &Queued,
    key: &WakeKey<'_>,
    flags: u64,
) -> Result<(), Halt> {
    match cx.kernel().woken_publish {
        WokenPublish::Release => queued.entry.flags.store_release(cx, flags),
        WokenPublish::Relaxed => queued.entry.flags.store(cx, flags),
    }
    judge_wakeup(cx, queued, key)?;
    cx.machine.task(queued.entry.thread).wake_up(cx);
    list_del_init(cx, list, &queued.entry);
    Ok(())
}

/// A walk need never end if it is about to wake a waiter whom it has woken
/// before, in the same call. Since then that call has found the bit set and
/// queued again, behind the bookmark; a waiter of v5.8 that was woken after its
/// last look, and queues again before the next, does not count. So the walk is
/// where it was: it holds the queue's lock, and the same task sleeps in the same
/// place, for the same bit. Neither side counts its rounds: SHARED and DROP
/// waiters have no budget. The same steps can follow again, as often as others
/// set the bit between a wake-up and the waiter's look. The walk is bounded by
/// what writers do and not by anything of its own, and no more than that is
/// claimed. Under `clear-in-wake=yes` not even a writer is needed, as the bit is
/// cleared only when the walk is over.
///
/// Without a bookmark nobody can queue during the walk, and an EXCLUSIVE waiter
/// ends it. Whom it has woken the walk alone knows, and what is queued is
/// protected by the lock that it holds: no step's footprint is concerned.
fn judge_walk(cx: &Current<'_>, queued: &Queued, key: &WakeKey<'_>) -> Result<(), Halt> {
    if key.woken.contains(&queued.call) {
        cx.report(Kind::Livelock, key.page.name())
    } else {
        Ok(())
    }
}

/// A wake-up is stale if the waiter waits for a later use of the frame, or a
/// later writeback of it, than the one that has ended.
fn judge_wakeup(cx: &Current<'_>, queued: &Queued, key: &WakeKey<'_>) -> Result<(), Halt> {
    let (waits_for, ended) = (queued.waits_for, key.on_behalf_of);
    let stale = ended.life < waits_for.life
        || (key.bit == PG_WRITEBACK && ended.writeback < waits_for.writeback);
    if stale {
        cx.report(Kind::StaleWakeup, key.page.name())
    } else {
        Ok(())
    }
}
