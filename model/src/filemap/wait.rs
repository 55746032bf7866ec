//! Waiting for a page bit.

use std::sync::Arc;

use crate::coverage::Branch;
use crate::current::Current;
use crate::filemap::lock::trylock_page;
use crate::filemap::page_waitqueue;
use crate::mechanism::{LockHandoff, WaitShared, WokenPublish};
use crate::page::{PG_LOCKED, Page, Use, set_page_waiters};
use crate::page_writeback::test_and_set_writeback;
use crate::swap::put_page;
use crate::sync::{ObjectName, SleepState};
use crate::violation::Halt;
use crate::wait::{
    Listed, Queued, WQ_FLAG_CUSTOM, WQ_FLAG_DONE, WQ_FLAG_EXCLUSIVE, WQ_FLAG_WOKEN, WaitCall,
    WaitEntry, WaitQueue, add_wait_queue_entry_tail, finish_wait, is_queued,
};

/// What a waiter wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// To own the bit.
    Exclusive,
    /// To see it cleared.
    Shared,
    /// The same, and to drop its reference before it sleeps: it does not touch
    /// the page afterwards.
    Drop,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// With what was waited for.
    Done,
    /// `-EINTR`: with a fatal signal.
    Interrupted,
}

/// `wait_on_page_bit`: until the bit has been cleared.
///
/// # Errors
/// What waiting can meet.
pub fn wait_on_page_bit(cx: &Current<'_>, page: &Page, bit: u64) -> Result<(), Halt> {
    wait_again_on_page_bit(cx, page, bit, &WaitCall::new())
}

/// The same within a call that may have waited before.
pub(crate) fn wait_again_on_page_bit(
    cx: &Current<'_>,
    page: &Page,
    bit: u64,
    call: &WaitCall,
) -> Result<(), Halt> {
    let _call = cx.enter("wait_on_page_bit");
    let wait = BitWait {
        page,
        bit,
        behavior: Behavior::Shared,
        sleep: SleepState::Uninterruptible,
        call,
    };
    wait_within(cx, &wait)?;
    Ok(())
}

/// `wait_on_page_locked`.
///
/// # Errors
/// What waiting can meet.
pub fn wait_on_page_locked(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("wait_on_page_locked");
    if page.flags.test(cx, PG_LOCKED) {
        wait_on_page_bit(cx, page, PG_LOCKED)
    } else {
        Ok(())
    }
}

/// `put_and_wait_on_page_locked`: gives the reference up and waits.
///
/// # Errors
/// What waiting can meet.
pub fn put_and_wait_on_page_locked(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let _call = cx.enter("put_and_wait_on_page_locked");
    let sleep = SleepState::Uninterruptible;
    wait_on_page_bit_common(cx, page, PG_LOCKED, Behavior::Drop, sleep)?;
    Ok(())
}

/// `wait_on_page_bit_common`.
///
/// # Errors
/// When the wake-up never comes; what dropping a reference can meet.
pub fn wait_on_page_bit_common(
    cx: &Current<'_>,
    page: &Page,
    bit: u64,
    behavior: Behavior,
    sleep: SleepState,
) -> Result<Waited, Halt> {
    let wait = BitWait {
        page,
        bit,
        behavior,
        sleep,
        call: &WaitCall::new(),
    };
    wait_within(cx, &wait)
}

/// A wait for a page bit, as it is asked for.
#[derive(Clone, Copy)]
pub struct BitWait<'c> {
    /// The page; the caller holds a reference on it.
    pub page: &'c Page,
    /// The bit, as a mask.
    pub bit: u64,
    /// What is wanted of it.
    pub behavior: Behavior,
    /// What can wake the task beside its waker.
    pub sleep: SleepState,
    /// The call that waits, which may have waited before.
    pub call: &'c WaitCall,
}

fn wait_within(cx: &Current<'_>, wait: &BitWait<'_>) -> Result<Waited, Halt> {
    let _call = cx.enter("wait_on_page_bit_common");
    cx.wake_logic().wait_on_page_bit_common(cx, wait)
}

/// What `wait_on_page_bit_common` does in the kernels there are.
///
/// # Errors
/// As for [`wait_on_page_bit_common`].
pub fn wait_for_bit(cx: &Current<'_>, asked: &BitWait<'_>) -> Result<Waited, Halt> {
    let BitWait {
        page,
        bit,
        behavior,
        sleep,
        call,
    } = *asked;
    let wait = PageWait {
        cx,
        page,
        bit,
        behavior,
        sleep,
        queue: page_waitqueue(cx, page),
        entry: WaitEntry::new(cx, page.pfn, bit),
        call,
    };
    match (behavior, cx.kernel().wait_shared, cx.kernel().lock_handoff) {
        (Behavior::Exclusive, _, LockHandoff::Never)
        | (Behavior::Shared | Behavior::Drop, WaitShared::Retest, _) => wait.until_seen_clear(),
        (Behavior::Exclusive, _, handoff) => wait.until_owned(handoff),
        (Behavior::Shared | Behavior::Drop, WaitShared::Once, _) => wait.until_woken(),
    }
}

/// A wait, with the entry on its task's stack.
struct PageWait<'c, 'm> {
    cx: &'c Current<'m>,
    page: &'c Page,
    bit: u64,
    behavior: Behavior,
    sleep: SleepState,
    queue: &'m WaitQueue,
    entry: Arc<WaitEntry>,
    call: &'c WaitCall,
}

impl PageWait<'_, '_> {
    /// v5.8: queue, test, sleep, test again; queue again while the bit is set.
    fn until_seen_clear(&self) -> Result<Waited, Halt> {
        let (cx, task) = (self.cx, self.cx.task());
        let exclusive = self.behavior == Behavior::Exclusive;
        let flags = if exclusive { WQ_FLAG_EXCLUSIVE } else { 0 };
        let mut call = self.call.clone();
        let mut looked_since = true;
        let waited = loop {
            {
                let mut list = self.queue.lock(cx)?;
                if !is_queued(&list, &self.entry) {
                    cx.takes(Branch::Queued);
                    if !looked_since {
                        call = WaitCall::new();
                    }
                    let queued = self.queued(flags, Use::default(), &call);
                    add_wait_queue_entry_tail(cx, &mut list, queued);
                    let now = set_page_waiters(cx, self.page)?;
                    if let Some(Listed::Waiter(queued)) = list.last_mut() {
                        queued.waits_for = now;
                    }
                }
                task.set_current_state(cx, self.sleep);
            }
            let is_set = self.page.flags.test(cx, self.bit);
            if self.behavior == Behavior::Drop {
                put_page(cx, self.page)?;
            }
            if is_set {
                task.schedule(cx, self.waits_on())?;
            }
            // Who has not called schedule() may be woken after its last look. If
            // it queues again then, that is for the judge as if it came anew:
            // it will look, and may well find the bit clear.
            looked_since = is_set;
            let done = match self.behavior {
                Behavior::Exclusive => self.try_to_own()?,
                Behavior::Shared => !self.page.flags.test(cx, self.bit),
                Behavior::Drop => false,
            };
            if done {
                cx.takes(Branch::Retested);
                break Waited::Done;
            }
            if self.is_interrupted() {
                cx.takes(Branch::Interrupted);
                break Waited::Interrupted;
            }
            if self.behavior == Behavior::Drop {
                cx.takes(Branch::Dropped);
                break Waited::Done;
            }
            cx.takes(Branch::RetestFailed);
        };
        finish_wait(cx, self.queue, &self.entry)?;
        Ok(waited)
    }

    /// v5.9, SHARED and DROP: being woken is enough.
    fn until_woken(&self) -> Result<Waited, Halt> {
        let clear = self.queue_unless_clear(0)?;
        if self.behavior == Behavior::Drop {
            put_page(self.cx, self.page)?;
        }
        if clear {
            return Ok(Waited::Done);
        }
        if self.sleep_until_woken()? != 0 {
            self.cx.takes(Branch::Woken);
            return Ok(Waited::Done);
        }
        self.give_up(WQ_FLAG_WOKEN)
    }

    /// v5.9-rc1 and later, EXCLUSIVE: woken with the bit (handed over), or
    /// woken to try for it.
    fn until_owned(&self, handoff: LockHandoff) -> Result<Waited, Halt> {
        let mut budget = self.cx.config().page_lock_unfairness;
        loop {
            let mut flags = WQ_FLAG_EXCLUSIVE;
            if handoff == LockHandoff::AfterBudget {
                flags |= if budget == 0 { WQ_FLAG_CUSTOM } else { 0 };
                budget = budget.saturating_sub(1);
            }
            if self.queue_unless_clear(flags)? {
                return Ok(Waited::Done);
            }
            // Without a budget, WOKEN implies ownership.
            let owner = match handoff {
                LockHandoff::AfterBudget => WQ_FLAG_DONE,
                LockHandoff::Never | LockHandoff::Always => WQ_FLAG_WOKEN,
            };
            let woken = self.sleep_until_woken()?;
            if woken == 0 {
                return self.give_up(owner);
            }
            if woken & owner != 0 {
                self.cx.takes(Branch::WokenAsOwner);
                return Ok(Waited::Done);
            }
            if self.try_to_own()? {
                self.cx.takes(Branch::WokenAndTook);
                return Ok(Waited::Done);
            }
            self.cx.takes(Branch::WokenTooLate);
        }
    }

    /// After a signal: off the queue, and then a last look whether a waker has
    /// set this flag meanwhile, which still counts.
    fn give_up(&self, flag: u64) -> Result<Waited, Halt> {
        finish_wait(self.cx, self.queue, &self.entry)?;
        let (branch, waited) = if self.entry.flags.test(self.cx, flag) {
            (Branch::SignalTooLate, Waited::Done)
        } else {
            (Branch::Interrupted, Waited::Interrupted)
        };
        self.cx.takes(branch);
        Ok(waited)
    }

    /// Under the queue's lock: PG_waiters, then the last chance to get what is
    /// waited for without sleeping, then the queue. Returns whether it was
    /// got: then the entry is not queued, and nobody knows of it.
    fn queue_unless_clear(&self, flags: u64) -> Result<bool, Halt> {
        let cx = self.cx;
        let mut list = self.queue.lock(cx)?;
        self.entry.flags.store(cx, flags);
        let now = set_page_waiters(cx, self.page)?;
        let (got, waits_for) = if self.behavior == Behavior::Exclusive {
            (self.try_to_own()?, now)
        } else {
            let (bits, now) = self
                .page
                .flags
                .read_and(cx, self.bit, |ghost, a| ghost.current_use(a));
            (bits == 0, now)
        };
        if got {
            cx.takes(Branch::LastChance);
        } else {
            cx.takes(Branch::Queued);
            add_wait_queue_entry_tail(cx, &mut list, self.queued(flags, waits_for, self.call));
        }
        Ok(got)
    }

    /// Sleeps until WOKEN is set, and returns the entry's flags; zero after a
    /// fatal signal.
    fn sleep_until_woken(&self) -> Result<u64, Halt> {
        let (cx, task) = (self.cx, self.cx.task());
        loop {
            task.set_current_state(cx, self.sleep);
            let flags = match cx.kernel().woken_publish {
                WokenPublish::Release => self.entry.flags.load_acquire(cx),
                WokenPublish::Relaxed => self.entry.flags.load(cx),
            };
            if flags & WQ_FLAG_WOKEN != 0 {
                return Ok(flags);
            }
            if self.is_interrupted() {
                return Ok(0);
            }
            task.schedule(cx, self.waits_on())?;
        }
    }

    /// Takes the bit if it is clear.
    fn try_to_own(&self) -> Result<bool, Halt> {
        match self.bit {
            PG_LOCKED => trylock_page(self.cx, self.page),
            _ => Ok(!test_and_set_writeback(self.cx, self.page).0),
        }
    }

    /// The entry, as it is queued.
    fn queued(&self, flags: u64, waits_for: Use, call: &WaitCall) -> Queued {
        Queued {
            entry: self.entry.clone(),
            flags,
            waits_for,
            call: call.clone(),
        }
    }

    fn is_interrupted(&self) -> bool {
        self.sleep == SleepState::Killable && self.cx.task().fatal_signal_pending(self.cx)
    }

    fn waits_on(&self) -> ObjectName {
        let field = if self.bit == PG_LOCKED {
            "PG_locked"
        } else {
            "PG_writeback"
        };
        ObjectName {
            field,
            owner: self.page.pfn,
        }
    }
}
