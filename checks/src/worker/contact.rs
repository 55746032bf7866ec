//! A worker at work, as seen by those who do not talk to it.

use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::proc::peak_memory;

/// A process that others than its owner can look at and end.
#[derive(Clone, Debug)]
pub(super) struct Leash(Arc<Mutex<Child>>);

impl Leash {
    pub(super) fn new(child: Child) -> Leash {
        Leash(Arc::new(Mutex::new(child)))
    }

    pub(super) fn child(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The most memory that it has ever had at once, in bytes; nothing where
    /// the system does not tell.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        // As long as nobody else can wait for it, the number is its own.
        let child = self.child();
        peak_memory(&child.id().to_string())
    }
}

/// Whether the system tells how much memory a process has.
pub fn knows_memory() -> bool {
    peak_memory("self").is_some()
}

/// The work of one worker on one cell. Whoever watches over it asks whether the
/// worker is alive, and can end it.
#[derive(Debug, Default)]
pub struct Contact {
    heard: AtomicBool,
    work: Mutex<Work>,
}

#[derive(Debug, Default)]
enum Work {
    #[default]
    ToBegin,
    Begun(Leash),
    Ended,
    Killed,
}

impl Contact {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the worker has said anything since this was last asked, or has
    /// nothing to say: its work has not begun, or is over.
    pub fn take_heard(&self) -> bool {
        let heard = self.heard.swap(false, Ordering::Relaxed);
        heard || !matches!(*self.work(), Work::Begun(_))
    }

    /// The most memory that the worker has ever had at once, in bytes; nothing
    /// if it is not at work, or where the system does not tell.
    pub fn peak_memory(&self) -> Option<u64> {
        match &*self.work() {
            Work::Begun(leash) => leash.peak_memory(),
            _ => None,
        }
    }

    /// Ends the worker, if its work is not over; one that has not begun will
    /// not begin.
    pub fn kill(&self) {
        let mut work = self.work();
        match &*work {
            Work::ToBegin => {}
            Work::Begun(leash) => {
                // It fails if the worker has ended by itself, which is as good.
                let _ = leash.child().kill();
            }
            Work::Ended | Work::Killed => return,
        }
        *work = Work::Killed;
    }

    /// Begins, if that is still wanted.
    pub(super) fn begin(&self, leash: &Leash) -> bool {
        let mut work = self.work();
        let wanted = matches!(*work, Work::ToBegin);
        if wanted {
            *work = Work::Begun(leash.clone());
        }
        wanted
    }

    pub(super) fn hear(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Ends, and says whether the worker was not killed meanwhile.
    pub(super) fn end(&self) -> bool {
        let mut work = self.work();
        let survived = matches!(*work, Work::Begun(_));
        if survived {
            *work = Work::Ended;
        }
        survived
    }
}
