//! What the kernel promises of an operation.

use stalewake_model::sync::Cpu;

use crate::litmus::{Memory, Side};

/// An ordering, as Documentation/atomic_t.txt has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Unordered against other memory locations.
    None,
    /// What comes later in the program stays later.
    Acquire,
    /// What comes earlier in the program stays earlier.
    Release,
    /// As if between two `smp_mb()`.
    Full,
}

impl Ordering {
    pub fn is_acquire(self) -> bool {
        matches!(self, Ordering::Acquire | Ordering::Full)
    }

    pub fn is_release(self) -> bool {
        matches!(self, Ordering::Release | Ordering::Full)
    }
}

/// Something that is done to an object.
#[derive(Clone, Copy)]
pub enum Operation {
    /// Without a result.
    Void(fn(&Side, &Cpu)),
    /// Returns whether it has read [`Row::on`] rather than [`Row::before`].
    Value(fn(&Side, &Cpu) -> bool),
}

impl Operation {
    pub fn run(self, side: &Side, cpu: &Cpu) {
        match self {
            Operation::Void(operation) => operation(side, cpu),
            Operation::Value(operation) => {
                operation(side, cpu);
            }
        }
    }

    /// Runs it, and returns whether it came after the mark was made, at the
    /// operation that gave the object the value [`Row::on`].
    pub fn has_seen(self, memory: &Memory, side: &Side, cpu: &Cpu) -> bool {
        match self {
            Operation::Void(operation) => {
                operation(side, cpu);
                memory.is_marked()
            }
            Operation::Value(operation) => operation(side, cpu),
        }
    }
}

/// The object that an operation is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Word,
    Counter,
}

impl Object {
    /// Gives it a value, by a release.
    pub fn publish(self, side: &Side, cpu: &Cpu, value: u64) {
        match self {
            Object::Word => side.word.store_release(cpu, value),
            Object::Counter => side.counter.unfreeze(cpu, value as i64),
        }
    }

    /// Whether it still has a value, by an acquire, or what is as good.
    pub fn is_still(self, side: &Side, cpu: &Cpu, value: u64) -> bool {
        match self {
            Object::Word => side.word.load_acquire(cpu) == value,
            Object::Counter => {
                let is_still = self.seems_still(side, cpu, value);
                cpu.barrier("smp_mb");
                is_still
            }
        }
    }

    /// The same by a plain load.
    pub fn seems_still(self, side: &Side, cpu: &Cpu, value: u64) -> bool {
        match self {
            Object::Word => side.word.load(cpu) == value,
            Object::Counter => side.counter.read(cpu) == value as i64,
        }
    }
}

/// One operation of the model.
pub struct Row {
    /// Its name in the kernel, and what tells it from others of the same name.
    pub kernel: &'static str,
    pub ordering: Ordering,
    pub object: Object,
    pub operation: Operation,
    /// The value that it is about.
    pub on: u64,
    /// A value that would have another result.
    pub before: u64,
    /// Whether it changes that value: only then can others see that it ran.
    pub changes: bool,
}

impl Row {
    /// An operation that is about the first value, where the other was before.
    pub const fn new(
        object: Object,
        kernel: &'static str,
        ordering: Ordering,
        operation: Operation,
        (on, before): (u64, u64),
        changes: bool,
    ) -> Row {
        Row {
            kernel,
            ordering,
            object,
            operation,
            on,
            before,
            changes,
        }
    }
}
