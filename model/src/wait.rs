//! kernel/sched/wait.c: wait queues, the walk over one, leaving one.

use std::sync::Arc;

use crate::current::Current;
use crate::mechanism;
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

/// One call that waits, for the judge: whoever is woken and has to queue again
/// does so within the same call.
#[derive(Clone)]
pub struct WaitCall(Arc<()>);

impl WaitCall {
    /// A call that begins.
    #[expect(clippy::new_without_default, reason = "no two calls are alike")]
    pub fn new() -> WaitCall {
        WaitCall(Arc::new(()))
    }
}

/// Whether it is one call, and not two of the same function.
impl PartialEq for WaitCall {
    fn eq(&self, other: &WaitCall) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

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
    /// The call that waits.
    pub call: WaitCall,
}

/// What is on the list of a queue.
#[derive(Clone)]
pub enum Listed {
    /// A waiter.
    Waiter(Queued),
    /// `WQ_FLAG_BOOKMARK`: here the walk of this thread goes on.
    Bookmark(ThreadId),
}

impl Listed {
    fn is(&self, entry: &Arc<WaitEntry>) -> bool {
        matches!(self, Listed::Waiter(queued) if Arc::ptr_eq(&queued.entry, entry))
    }
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
    list: SpinLock<Vec<Listed>>,
}

/// The list, while its lock is held.
pub type Locked<'a> = SpinGuard<'a, Vec<Listed>>;

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
    list.push(Listed::Waiter(queued));
}

/// `list_del_init_careful`: the waker's last access to the entry.
pub fn list_del_init(cx: &Current<'_>, list: &mut Locked<'_>, entry: &Arc<WaitEntry>) {
    list.retain(|listed| !listed.is(entry));
    entry.list.clear_release(cx, QUEUED);
}

/// Whether the entry is on the list, by someone who holds its lock.
pub fn is_queued(list: &Locked<'_>, entry: &Arc<WaitEntry>) -> bool {
    list.iter().any(|listed| listed.is(entry))
}

/// `__wake_up_locked_key_bookmark`, with at most one exclusive wake-up, until
/// there is no bookmark left. Returns the lock, still held.
///
/// # Errors
/// What the wake function meets; when a holder of the lock halted.
pub fn wake_up_locked<'a>(
    cx: &'a Current<'_>,
    queue: &'a WaitQueue,
    mut wake: impl FnMut(&mut Locked<'a>, &Queued) -> Result<Woken, Halt>,
) -> Result<Locked<'a>, Halt> {
    let mut list = queue.lock(cx)?;
    while wake_up_common(cx, &mut list, &mut wake)? {
        drop(list);
        list = queue.lock(cx)?;
    }
    Ok(list)
}

/// `__wake_up_common`, from this thread's bookmark on, or from the first entry.
/// Returns whether it has left a bookmark: there is more to walk.
///
/// # Errors
/// What the wake function meets.
fn wake_up_common<'a>(
    cx: &Current<'_>,
    list: &mut Locked<'a>,
    wake: &mut impl FnMut(&mut Locked<'a>, &Queued) -> Result<Woken, Halt>,
) -> Result<bool, Halt> {
    let _call = cx.enter("__wake_up_common");
    let me = cx.thread();
    let bookmark = |listed: &Listed| matches!(listed, Listed::Bookmark(of) if *of == me);
    let mut at = list.iter().position(bookmark).unwrap_or(0);
    list.retain(|listed| !bookmark(listed));
    let mut processed = 0;
    while let Some(listed) = list.get(at).cloned() {
        let Listed::Waiter(queued) = listed else {
            at += 1;
            continue;
        };
        let woken = wake(list, &queued)?;
        let exclusive = queued.flags & WQ_FLAG_EXCLUSIVE != 0;
        if woken == Woken::Stop || (woken == Woken::One && exclusive) {
            return Ok(false);
        }
        if list.get(at).is_some_and(|listed| listed.is(&queued.entry)) {
            at += 1;
        }
        processed += 1;
        let is_long = cx.kernel().bookmark == mechanism::Bookmark::EveryN
            && processed > cx.config().bookmark_every;
        if is_long && at < list.len() {
            list.insert(at, Listed::Bookmark(me));
            return Ok(true);
        }
    }
    Ok(false)
}

/// `finish_wait`: leaves the queue, unless a waker has removed the entry.
///
/// Only for who was not told to be woken. Whoever has seen WQ_FLAG_WOKEN knows
/// that its waker removes the entry before it lets go of the queue's lock; all
/// that the kernel's look at the list can find there is that it has nothing to
/// do, or that it has to wait for that lock to find it out. What that look
/// orders in weak memory is lost by not calling this.
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
