//! The running thread's view of a run.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::run::{Run, Wait};
use super::{Detail, Footprint, ObjectId, ObjectName, Step, StepKind, ThreadId};
use crate::violation::{Class, Halt, Kind, Violation};

/// The thread that runs: every shared operation is done by one.
///
/// It knows the kernel functions it is in, for explanations.
pub struct Cpu {
    pub(super) run: Arc<Run>,
    thread: ThreadId,
    calls: RefCell<Vec<&'static str>>,
    /// Set once the thread has met a fatal violation or was released: the
    /// guards that are dropped on its way out know by it.
    stopped: Cell<bool>,
    /// The number of the last step of this thread.
    last_step: Cell<Option<usize>>,
    /// How many objects this thread has made.
    objects: Cell<u16>,
    /// How many spin locks this thread holds.
    spin_locks: Cell<u32>,
}

/// A kernel function that is being executed; it is left when this is dropped.
#[must_use = "the function is left when this is dropped"]
pub struct Call<'a>(&'a Cpu);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.calls.borrow_mut().pop();
    }
}

/// An effect as an object describes it to [`Cpu::announce`].
pub(super) struct Effect {
    pub operation: &'static str,
    pub footprint: Footprint,
    pub kind: StepKind,
    pub mask: u64,
    pub before: u64,
    pub after_value: u64,
    pub enabled_by: Option<usize>,
    pub wakes: Option<ThreadId>,
    pub sleeps: bool,
    pub woken_by: Option<usize>,
}

impl Effect {
    pub(super) fn new(operation: &'static str, footprint: Footprint) -> Effect {
        Effect {
            operation,
            footprint,
            kind: StepKind::Plain,
            mask: 0,
            before: 0,
            after_value: 0,
            enabled_by: None,
            wakes: None,
            sleeps: false,
            woken_by: None,
        }
    }
}

impl Cpu {
    pub(super) fn new(run: Arc<Run>, thread: ThreadId) -> Cpu {
        Cpu {
            run,
            thread,
            calls: RefCell::new(Vec::with_capacity(16)),
            stopped: Cell::new(false),
            last_step: Cell::new(None),
            objects: Cell::new(0),
            spin_locks: Cell::new(0),
        }
    }

    /// The thread.
    pub fn thread(&self) -> ThreadId {
        self.thread
    }

    /// Enters a kernel function, until the returned guard is dropped.
    pub fn enter(&self, function: &'static str) -> Call<'_> {
        self.calls.borrow_mut().push(function);
        Call(self)
    }

    /// Passes a full memory barrier. It is no step, but part of what is announced,
    /// so that the sequence of a function's operations can be checked.
    pub fn barrier(&self, name: &'static str) {
        self.run.barrier(self.thread, name, &self.calls.borrow());
    }

    /// Reports a violation.
    ///
    /// # Errors
    /// When it is fatal: the thread must end, by `?`, without another shared
    /// operation.
    pub fn report(&self, kind: Kind, about: impl Into<String>) -> Result<(), Halt> {
        self.run.violation(Violation {
            kind,
            thread: self.thread,
            about: about.into(),
        });
        if kind.class() == Class::Fatal {
            self.stopped.set(true);
            self.run.note_halt();
            return Err(Halt::Oops(kind));
        }
        Ok(())
    }

    /// What was just read was not the latest value.
    pub(super) fn note_stale_read(&self) {
        self.run.note_stale_read();
    }

    /// A scheduling point, and this thread's turn when it returns.
    pub(super) fn turn(&self, object: &super::object::Object) {
        self.run.turn(self.thread, object);
    }

    /// Tells the observer of an effect that has just happened.
    pub(super) fn announce(&self, object: ObjectId, name: ObjectName, effect: &Effect) -> usize {
        let step = Step {
            thread: self.thread,
            object,
            footprint: effect.footprint,
            kind: effect.kind,
            after: effect.enabled_by,
            wakes: effect.wakes,
            sleeps: effect.sleeps,
            woken_by: effect.woken_by,
        };
        let number = self.run.step(&step, || Detail {
            calls: self.calls.borrow().clone(),
            operation: effect.operation,
            object: name,
            mask: effect.mask,
            before: effect.before,
            after: effect.after_value,
        });
        self.last_step.set(Some(number));
        number
    }

    /// From here on this thread counts as waiting. Called while the object is
    /// locked, so that nobody who makes it runnable can come too early.
    pub(super) fn prepare_to_wait(&self, wait: Wait) {
        self.run.prepare_to_wait(self.thread, wait);
    }

    /// Waits until another thread lets this one go on.
    pub(super) fn block(&self) -> Result<(), Halt> {
        match self.run.block(self.thread) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => self.released(),
        }
    }

    /// The way out of a thread that can never go on.
    pub(super) fn released<T>(&self) -> Result<T, Halt> {
        self.stopped.set(true);
        Err(Halt::Released)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    pub(super) fn note_spin_lock(&self) {
        self.spin_locks.set(self.spin_locks.get() + 1);
    }

    pub(super) fn note_spin_unlock(&self) {
        self.spin_locks.set(self.spin_locks.get() - 1);
    }

    pub(super) fn holds_spin_lock(&self) -> bool {
        self.spin_locks.get() > 0
    }

    pub(super) fn last_step(&self) -> Option<usize> {
        self.last_step.get()
    }

    /// A number for a new object, the same whatever the other threads do.
    pub(super) fn next_object(&self) -> ObjectId {
        let number = self.objects.get();
        self.objects.set(number + 1);
        assert!(
            number < 0x1000,
            "a model thread made more than 4096 objects"
        );
        ObjectId(0x8000 | u16::from(self.thread.0) << 12 | number)
    }
}
