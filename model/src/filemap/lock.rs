//! The page lock: PG_locked.

use crate::current::Current;
use crate::filemap::wait::{Behavior, Waited, wait_on_page_bit_common};
use crate::filemap::wake::wake_up_page_bit;
use crate::page::{PG_LOCKED, PG_WAITERS, Page, Use};
use crate::sync::{SleepState, ThreadId};
use crate::violation::{Halt, Kind};

/// `trylock_page`: takes the lock if nobody has it.
///
/// # Errors
/// [`Kind::LockNotExclusive`] if somebody thinks that it has it all the same.
pub fn trylock_page(cx: &Current<'_>, page: &Page) -> Result<bool, Halt> {
    let _call = cx.enter("trylock_page");
    Ok(set_locked_for(cx, page, cx.thread())?.0)
}

/// Takes PG_locked for `owner`, who is another task when a waker hands the
/// lock over. One fully ordered RMW; whether it was free, and in which use of
/// the frame.
pub(super) fn set_locked_for(
    cx: &Current<'_>,
    page: &Page,
    owner: ThreadId,
) -> Result<(bool, u32), Halt> {
    let (was_locked, (exclusive, life)) =
        page.flags
            .test_and_set_and(cx, PG_LOCKED, |ghost, a, was_locked| {
                (was_locked || ghost.take_lock(a, owner), ghost.life(a))
            });
    if !exclusive {
        cx.report(Kind::LockNotExclusive, page.name())?;
    }
    Ok((!was_locked, life))
}

/// `lock_page`: takes the lock, sleeping for it if need be.
///
/// # Errors
/// What waiting can meet.
pub fn lock_page(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("lock_page");
    if trylock_page(cx, page)? {
        return Ok(());
    }
    let sleep = SleepState::Uninterruptible;
    wait_on_page_bit_common(cx, page, PG_LOCKED, Behavior::Exclusive, sleep)?;
    Ok(())
}

/// `lock_page_killable`: the same, unless a fatal signal comes first: then
/// the caller does not have the lock.
///
/// # Errors
/// What waiting can meet.
pub fn lock_page_killable(cx: &Current<'_>, page: &Page) -> Result<Waited, Halt> {
    let _call = cx.enter("lock_page_killable");
    if trylock_page(cx, page)? {
        return Ok(Waited::Done);
    }
    __lock_page_killable(cx, page)
}

/// `__lock_page_killable`: what follows when the lock was busy.
///
/// # Errors
/// What waiting can meet.
#[allow(non_snake_case, reason = "the kernel's name")]
pub fn __lock_page_killable(cx: &Current<'_>, page: &Page) -> Result<Waited, Halt> {
    let _call = cx.enter("__lock_page_killable");
    let sleep = SleepState::Killable;
    wait_on_page_bit_common(cx, page, PG_LOCKED, Behavior::Exclusive, sleep)
}

/// `unlock_page`: one RMW that also says whether anybody may be waiting.
///
/// # Errors
/// [`Kind::LockNotExclusive`] if the lock is not this task's; what the wake-up
/// can meet.
pub fn unlock_page(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("unlock_page");
    let me = cx.thread();
    let (waiters, (owned, life)) =
        page.flags
            .clear_unlock_and_test_and(cx, PG_LOCKED, PG_WAITERS, |ghost, a| {
                (ghost.release_lock(a, me), ghost.life(a))
            });
    if !owned {
        cx.report(Kind::LockNotExclusive, page.name())?;
    }
    if waiters {
        wake_up_page_bit(cx, page, PG_LOCKED, Use { life, writeback: 0 })?;
    }
    Ok(())
}
