//! kernel/sched/wait.c: wait queues, the walk over one, leaving one.

use std::sync::Arc;

use crate::current::Current;
use crate::page::Use;
use crate::sync::{Cpu, Objects, SpinGuard, SpinLock, ThreadId, Word};
use crate::violation::Halt;

/// The entry wants the bit, and counts as the one exclusive wake-up.
pub const WQ_FLAG_EXCLUSIVE: u64 = 0x01;
/// The entry has been woken and is being removed.
pub const WQ_FLAG_WOKEN: u64 = 0x02;
/// The entry wants the bit handed over by its waker.
pub const WQ_FLAG_CUSTOM: u64 = 0x08;
/// The entry's task owns the bit.
pub const WQ_FLAG_DONE: u64 = 0x10;

/// The entry is on a list: what `list_empty_careful` looks at.
const QUEUED: u64 = 1;

/// `struct wait_page_queue`, on the waiter's stack.
pub struct WaitEntry {
    /// The page waited for.
    pub pfn: u16,
    /// Its bit that is waited for, as a mask.
    pub bit: u64,
    /// Who waits.
    pub thread: ThreadId,
    /// The entry's `flags`.
    pub flags: Word,
    list: Word,
}

impl WaitEntry {
    /// An entry that is not queued yet.
    pub fn new(cpu: &Cpu, pfn: u16, bit: u64) -> Arc<WaitEntry> {
        let thread = cpu.thread();
        Arc::new(WaitEntry {
            pfn,
            bit,
            thread,
            flags: Word::made_by(cpu, "wait.flags", u16::from(thread.0), 0),
            list: Word::made_by(cpu, "wait.entry", u16::from(thread.0), 0),
        })
    }
}

/// A queued entry, and what only the judge knows of it.
#[derive(Clone)]
pub struct Queued {
    /// The entry.
    pub entry: Arc<WaitEntry>,
    /// Its flags when it was queued. Until it is woken nobody changes them.
    pub flags: u64,
    /// Which use and which writeback of the page it waits for.
    pub waits_for: Use,
}

/// What a wake function says to the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Nobody, or not the one that counts: go on.
    GoOn,
    /// One: enough, if it was an exclusive one.
    One,
    /// The bit is taken again: stop the walk.
    Stop,
}

/// A wait-queue head: a spin lock and a list, first in first out.
pub struct WaitQueue {
    list: SpinLock<Vec<Queued>>,
}

/// The list, while its lock is held.
pub type Locked<'a> = SpinGuard<'a, Vec<Queued>>;

impl WaitQueue {
    /// An empty queue of the initial state.
    pub fn new(objects: &mut Objects, bucket: u16) -> WaitQueue {
        WaitQueue {
            list: SpinLock::new(objects, "spin_lock", "q->lock", bucket, Vec::new()),
        }
    }

    /// `spin_lock_irqsave(&q->lock)`.
    ///
    /// # Errors
    /// When a holder of the lock halted.
    pub fn lock<'a>(&'a self, cpu: &'a Cpu) -> Result<Locked<'a>, Halt> {
        self.list.lock(cpu)
    }
}

/// `__add_wait_queue_entry_tail`.
pub fn add_wait_queue_entry_tail(cx: &Current<'_>, list: &mut Locked<'_>, queued: Queued) {
    queued.entry.list.set(cx, QUEUED);
    list.push(queued);
}

/// `list_del_init_careful`: the waker's last access to the entry.
pub fn list_del_init(cx: &Current<'_>, list: &mut Locked<'_>, entry: &Arc<WaitEntry>) {
    list.retain(|queued| !Arc::ptr_eq(&queued.entry, entry));
    entry.list.clear_release(cx, QUEUED);
}

/// Whether the entry is on the list, by someone who holds its lock.
pub fn is_queued(list: &Locked<'_>, entry: &Arc<WaitEntry>) -> bool {
    list.iter().any(|queued| Arc::ptr_eq(&queued.entry, entry))
}

/// `__wake_up_common`, with at most one exclusive wake-up and no bookmark,
/// which needs more than 64 entries.
///
/// # Errors
/// What the wake function meets.
pub fn wake_up_common<'a>(
    cx: &Current<'_>,
    list: &mut Locked<'a>,
    mut wake: impl FnMut(&mut Locked<'a>, &Queued) -> Result<Woken, Halt>,
) -> Result<(), Halt> {
    let _call = cx.enter("__wake_up_common");
    let entries: Vec<Queued> = list.to_vec();
    for queued in entries {
        let woken = wake(list, &queued)?;
        let exclusive = queued.flags & WQ_FLAG_EXCLUSIVE != 0;
        if woken == Woken::Stop || (woken == Woken::One && exclusive) {
            break;
        }
    }
    Ok(())
}

/// `finish_wait`: leaves the queue, unless a waker has removed the entry.
///
/// Only for who was not told to be woken. Whoever has seen WQ_FLAG_WOKEN knows
/// that its waker removes the entry before it lets go of the queue's lock; all
/// that the kernel's look at the list can find there is that it has nothing to
/// do, or that it has to wait for that lock to find it out.
///
/// # Errors
/// When a holder of the lock halted.
pub fn finish_wait(
    cx: &Current<'_>,
    queue: &WaitQueue,
    entry: &Arc<WaitEntry>,
) -> Result<(), Halt> {
    let _call = cx.enter("finish_wait");
    cx.task().set_running(cx);
    if entry.list.test_acquire(cx, QUEUED) {
        let mut list = queue.lock(cx)?;
        if is_queued(&list, entry) {
            list_del_init(cx, &mut list, entry);
        }
    }
    Ok(())
}
