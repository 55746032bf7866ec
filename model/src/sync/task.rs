//! A task's state: going to sleep and being woken.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::run::Wait;
use super::{Cpu, ObjectName, Objects, ThreadId, Word};
use crate::violation::Halt;

/// Ready to sleep, whatever signal comes.
const UNINTERRUPTIBLE: u64 = 1 << 0;
/// Ready to sleep, until a fatal signal comes.
const KILLABLE: u64 = 1 << 1;
const SLEEPING: u64 = UNINTERRUPTIBLE | KILLABLE;
/// A fatal signal is pending.
const SIGNAL: u64 = 1 << 2;

/// How a task sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SleepState {
    /// `TASK_UNINTERRUPTIBLE`.
    Uninterruptible,
    /// `TASK_KILLABLE`: a fatal signal wakes it.
    Killable,
}

impl SleepState {
    const fn bit(self) -> u64 {
        match self {
            SleepState::Uninterruptible => UNINTERRUPTIBLE,
            SleepState::Killable => KILLABLE,
        }
    }
}

/// A task, as its wakers see it.
///
/// The contract is that of `Documentation/memory-barriers.txt`: the sleeper
/// announces its state, then tests its condition, then sleeps; the waker makes
/// the condition true, then looks at the state. Only a task that really sleeps
/// is woken; a task that is about to is made to think better of it.
pub struct Task {
    state: Word,
    thread: ThreadId,
    /// The step by which somebody woke the task since it last announced that
    /// it would sleep.
    woken_by: Mutex<Option<usize>>,
}

impl Task {
    /// The task that `thread` runs.
    pub fn new(objects: &mut Objects, thread: ThreadId) -> Task {
        Task {
            state: Word::new(objects, "state", u16::from(thread.0), 0, ()),
            thread,
            woken_by: Mutex::default(),
        }
    }

    /// The thread that runs it.
    pub fn thread(&self) -> ThreadId {
        self.thread
    }

    fn woken_by(&self) -> MutexGuard<'_, Option<usize>> {
        self.woken_by.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `set_current_state`: from now on a wake-up counts. Followed by a full
    /// barrier.
    pub fn set_current_state(&self, cpu: &Cpu, state: SleepState) {
        debug_assert_eq!(cpu.thread(), self.thread, "a task sets its own state");
        self.state.replace(
            cpu,
            "set_current_state",
            state.bit(),
            SLEEPING & !state.bit(),
        );
        *self.woken_by() = None;
        cpu.barrier("smp_mb");
    }

    /// `__set_current_state(TASK_RUNNING)`: the task does not want to sleep.
    pub fn set_running(&self, cpu: &Cpu) {
        self.state.replace(cpu, "__set_current_state", 0, SLEEPING);
        *self.woken_by() = None;
    }

    /// `schedule`: sleeps if the state still says so, until woken; not if a
    /// signal is pending that would wake it: then the state becomes running
    /// again (`signal_pending_state` in `__schedule`), and who looks at it
    /// afterwards wakes nobody. `on` is what is waited for, to name it if the
    /// wake-up never comes.
    ///
    /// # Errors
    /// [`Halt::Released`] when nobody is left who could wake it.
    pub fn schedule(&self, cpu: &Cpu, on: ObjectName) -> Result<(), Halt> {
        assert!(
            !cpu.holds_spin_lock(),
            "scheduling while atomic: a spin lock is held"
        );
        let wants_to =
            |state: u64| state & UNINTERRUPTIBLE != 0 || state & (KILLABLE | SIGNAL) == KILLABLE;
        let sleeps = self.state.sleep(
            cpu,
            SLEEPING | SIGNAL,
            (KILLABLE, SIGNAL),
            wants_to,
            || *self.woken_by(),
            Wait::Asleep(on),
        );
        if sleeps { cpu.block() } else { Ok(()) }
    }

    /// `wake_up_state`: makes the task runnable if it sleeps or is about to.
    /// Returns whether it did.
    pub fn wake_up(&self, cpu: &Cpu) -> bool {
        self.wake(cpu, SLEEPING)
    }

    /// Sends a fatal signal: it becomes pending, and wakes a killable sleeper.
    pub fn kill(&self, cpu: &Cpu) {
        self.state.set(cpu, SIGNAL);
        self.wake(cpu, KILLABLE);
    }

    fn wake(&self, cpu: &Cpu, states: u64) -> bool {
        let was_sleeping = self.state.wake(cpu, states, self.thread);
        if was_sleeping {
            *self.woken_by() = cpu.last_step();
        }
        was_sleeping
    }

    /// `fatal_signal_pending`.
    pub fn fatal_signal_pending(&self, cpu: &Cpu) -> bool {
        self.state.test(cpu, SIGNAL)
    }
}
