//! `spinlock_t`, and the data that it protects.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::cpu::Effect;
use super::engine::Engine;
use super::object::Object;
use super::run::Wait;
use super::{Cpu, Footprint, Objects, StepKind};
use crate::violation::Halt;

/// What taking a lock reads and changes.
pub(super) const TAKES: Footprint = Footprint::exclusive(1);

/// A spin lock and the data under it.
///
/// Taking it is a step, and never commutes with another taking of it. Letting
/// it go is none: nothing can happen between a thread's last operation under
/// the lock and its release that another thread could notice.
pub struct SpinLock<T> {
    object: Object,
    lock: Mutex<Lock>,
    data: Mutex<T>,
    /// Where memory is weak, loom's own lock: it orders what is done under it.
    /// It blocks by itself, so that locks taken in a circle end the search.
    loom: Option<loom::sync::Mutex<()>>,
    operation: &'static str,
}

#[derive(Default)]
struct Lock {
    held: bool,
    /// The holder halted inside its critical section.
    poisoned: bool,
    /// The last step of the previous holder when it let go.
    released_at: Option<usize>,
}

/// The lock is held until this is dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct SpinGuard<'a, T> {
    lock: &'a SpinLock<T>,
    cpu: &'a Cpu,
    data: MutexGuard<'a, T>,
    /// Given back when the data is.
    _loom: Option<loom::sync::MutexGuard<'a, ()>>,
}

impl<T> SpinLock<T> {
    /// A lock of the initial state; `operation` is the kernel's name for
    /// taking it.
    pub fn new(
        objects: &mut Objects,
        operation: &'static str,
        field: &'static str,
        owner: u16,
        data: T,
    ) -> SpinLock<T> {
        let weak = matches!(objects.engine, Engine::Weak { .. });
        let loom = weak.then(|| loom::sync::Mutex::new(()));
        SpinLock {
            object: objects.lock(field, owner),
            loom,
            lock: Mutex::default(),
            data: Mutex::new(data),
            operation,
        }
    }

    fn state(&self) -> MutexGuard<'_, Lock> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock, waiting for it as long as it takes.
    ///
    /// # Errors
    /// [`Halt::Released`] if a holder halted inside its critical section: what
    /// it left half done is a state that no kernel would show.
    pub fn lock<'a>(&'a self, cpu: &'a Cpu) -> Result<SpinGuard<'a, T>, Halt> {
        loop {
            let loom = self.loom.as_ref().map(|lock| {
                lock.lock()
                    .expect("loom's locks are not poisoned: nothing panics under one")
            });
            cpu.turn(&self.object);
            let mut lock = self.state();
            if !lock.held {
                lock.held = true;
                let (poisoned, enabled_by) = (lock.poisoned, lock.released_at);
                drop(lock);
                let taken = Effect {
                    enabled_by,
                    kind: StepKind::Lock,
                    mask: 1,
                    after_value: 1,
                    ..Effect::new(self.operation, TAKES)
                };
                cpu.announce(self.object.id, self.object.name, &taken);
                let data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
                cpu.note_spin_lock();
                let guard = SpinGuard {
                    lock: self,
                    cpu,
                    data,
                    _loom: loom,
                };
                return if poisoned { cpu.released() } else { Ok(guard) };
            }
            cpu.prepare_to_wait(Wait::Lock(self.object.id));
            drop(lock);
            cpu.block()?;
        }
    }

    /// The data when no thread runs any more.
    pub fn at_end<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.data.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.data
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    fn drop(&mut self) {
        self.cpu.note_spin_unlock();
        let mut lock = self.lock.state();
        lock.held = false;
        lock.poisoned |= self.cpu.is_stopped();
        lock.released_at = self.cpu.last_step();
        let id = self.lock.object.id;
        self.cpu.run.unblock_all(|wait| wait == Wait::Lock(id));
    }
}
