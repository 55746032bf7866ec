//! Waking those who wait for a page bit.

use crate::current::Current;
use crate::filemap::lock::set_locked_for;
use crate::filemap::page_waitqueue;
use crate::mechanism::{LockHandoff, WaitShared, WakeSharedIfSet, WokenPublish};
use crate::page::{PG_LOCKED, PG_WRITEBACK, Page, Use, clear_page_waiters, page_waiters, touched};
use crate::violation::{Halt, Kind};
use crate::wait::{
    Locked, Queued, WQ_FLAG_CUSTOM, WQ_FLAG_DONE, WQ_FLAG_EXCLUSIVE, WQ_FLAG_WOKEN, Woken,
    list_del_init, wake_up_common,
};

/// `struct wait_page_key`: who is to be woken, and, for the judge, on behalf
/// of which use and which writeback of the page.
pub struct WakeKey<'p> {
    page: &'p Page,
    bit: u64,
    page_match: bool,
    on_behalf_of: Use,
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
    let mut key = WakeKey {
        page,
        bit,
        page_match: false,
        on_behalf_of: of,
    };
    let mut list = page_waitqueue(cx, page).lock(cx)?;
    wake_up_common(cx, &mut list, |list, queued| {
        wake_page_function(cx, list, queued, &mut key)
    })?;
    if list.is_empty() || !key.page_match {
        clear_page_waiters(cx, page, of)?;
    }
    Ok(())
}

/// `wake_page_function`: decides about one entry of the bucket.
///
/// # Errors
/// What taking the bit for the waiter can meet.
pub fn wake_page_function(
    cx: &Current<'_>,
    list: &mut Locked<'_>,
    queued: &Queued,
    key: &mut WakeKey<'_>,
) -> Result<Woken, Halt> {
    let _call = cx.enter("wake_page_function");
    if queued.entry.pfn != key.page.pfn {
        return Ok(Woken::GoOn);
    }
    key.page_match = true;
    if queued.entry.bit != key.bit {
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
    key: &WakeKey<'_>,
) -> Result<Woken, Halt> {
    if cx.kernel().wake_shared_if_set == WakeSharedIfSet::Stop && bit_is_set(cx, key)? {
        return Ok(Woken::Stop);
    }
    match cx.kernel().wait_shared {
        WaitShared::Retest => autoremove_wake(cx, list, queued, key),
        WaitShared::Once => {
            wake_and_remove(cx, list, queued, key, WQ_FLAG_WOKEN)?;
            Ok(Woken::GoOn)
        }
    }
}

fn wake_exclusive(
    cx: &Current<'_>,
    list: &mut Locked<'_>,
    queued: &Queued,
    key: &WakeKey<'_>,
) -> Result<Woken, Halt> {
    let mut flags = queued.flags | WQ_FLAG_WOKEN;
    match cx.kernel().lock_handoff {
        LockHandoff::Never => {
            if bit_is_set(cx, key)? {
                return Ok(Woken::Stop);
            }
            return autoremove_wake(cx, list, queued, key);
        }
        LockHandoff::Always => {
            if !take_for_waiter(cx, queued, key)? {
                return Ok(Woken::Stop);
            }
        }
        LockHandoff::AfterBudget => {
            if bit_is_set(cx, key)? {
                return Ok(Woken::Stop);
            }
            if queued.flags & WQ_FLAG_CUSTOM != 0 {
                if !take_for_waiter(cx, queued, key)? {
                    return Ok(Woken::Stop);
                }
                flags |= WQ_FLAG_DONE;
            }
        }
    }
    wake_and_remove(cx, list, queued, key, flags)?;
    Ok(Woken::One)
}

/// A plain look at the bit that was cleared a while ago.
fn bit_is_set(cx: &Current<'_>, key: &WakeKey<'_>) -> Result<bool, Halt> {
    let (bits, life) = key
        .page
        .flags
        .read_and(cx, key.bit, |ghost, a| ghost.life(a));
    touched(cx, key.page, key.on_behalf_of, life, Kind::ForeignRead)?;
    Ok(bits != 0)
}

/// Hands the bit over: takes it in the waiter's name.
fn take_for_waiter(cx: &Current<'_>, queued: &Queued, key: &WakeKey<'_>) -> Result<bool, Halt> {
    debug_assert_eq!(
        key.bit, PG_LOCKED,
        "only the page lock is waited for exclusively"
    );
    let (taken, life) = set_locked_for(cx, key.page, queued.entry.thread)?;
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
        return Ok(Woken::GoOn);
    }
    judge_wakeup(cx, queued, key)?;
    list_del_init(cx, list, &queued.entry);
    Ok(Woken::One)
}

/// Tells the waiter that it has been woken, wakes it, and takes its entry off
/// the list: after that the entry may be gone.
fn wake_and_remove(
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
