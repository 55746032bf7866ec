//! The identity of shared objects, and the loom objects that go with them.

use std::sync::atomic::Ordering;

use super::engine::Engine;
use super::{Cpu, ObjectId, ObjectName};

/// A word whose value is loom's.
pub(super) type Atomic = loom::sync::atomic::AtomicU64;

/// Hands out the shared objects of a program while its state is made.
pub struct Objects {
    pub(super) engine: Engine,
    next: u16,
}

impl Objects {
    pub(super) fn new(engine: Engine) -> Objects {
        Objects { engine, next: 0 }
    }

    fn next(&mut self) -> ObjectId {
        let id = ObjectId(self.next);
        self.next += 1;
        id
    }

    /// A word or a counter.
    pub(super) fn word(&mut self, field: &'static str, owner: u16) -> Object {
        Object::word(self.engine, self.next(), ObjectName { field, owner })
    }

    /// A lock; where memory is weak it brings loom's own.
    pub(super) fn lock(&mut self, field: &'static str, owner: u16) -> Object {
        let in_turn = matches!(self.engine, Engine::Plain { .. });
        self.in_turn(in_turn, field, owner)
    }

    /// Something that threads use in turn, each seeing all that the others did.
    pub(super) fn mailbox(&mut self, field: &'static str, owner: u16) -> Object {
        let in_turn = matches!(self.engine, Engine::Plain { .. } | Engine::Weak { .. });
        self.in_turn(in_turn, field, owner)
    }

    fn in_turn(&mut self, in_turn: bool, field: &'static str, owner: u16) -> Object {
        let (id, name) = (self.next(), ObjectName { field, owner });
        let passage = if in_turn {
            Passage::turnstile()
        } else {
            Passage::Free
        };
        Object {
            id,
            name,
            engine: self.engine,
            passage,
        }
    }
}

/// The loom object through which every operation on an object passes first.
enum Passage {
    /// None.
    Free,
    /// An opaque access, which conflicts with every other: what an RMW is to
    /// loom's search, without a value.
    Turnstile(loom::sync::Mutex<()>),
    /// A relaxed RMW, which makes loom see every race and orders nothing.
    Companion(loom::sync::atomic::AtomicU8),
}

impl Passage {
    fn turnstile() -> Passage {
        Passage::Turnstile(loom::sync::Mutex::new(()))
    }
}

/// The identity of a shared object.
pub(super) struct Object {
    pub id: ObjectId,
    pub name: ObjectName,
    engine: Engine,
    passage: Passage,
}

impl Object {
    fn word(engine: Engine, id: ObjectId, name: ObjectName) -> Object {
        let passage = match engine {
            Engine::Plain { .. } => Passage::turnstile(),
            Engine::Weak {
                companions: true, ..
            } => Passage::Companion(loom::sync::atomic::AtomicU8::new(0)),
            Engine::Weak { .. } | Engine::Reduced | Engine::Shuttle(_) | Engine::Native => {
                Passage::Free
            }
        };
        Object {
            id,
            name,
            engine,
            passage,
        }
    }

    /// An object that a running thread makes.
    pub(super) fn made_by(cpu: &Cpu, field: &'static str, owner: u16) -> Object {
        Object::word(
            cpu.run.engine,
            cpu.next_object(),
            ObjectName { field, owner },
        )
    }

    /// The loom atomic that has the value, where memory is weak.
    pub(super) fn atomic(&self, value: u64) -> Option<Atomic> {
        matches!(self.engine, Engine::Weak { .. }).then(|| Atomic::new(value))
    }

    /// A scheduling point, unless the operation that follows is one itself.
    pub(super) fn pass(&self) {
        match &self.passage {
            Passage::Free => {}
            Passage::Turnstile(turnstile) => touch(turnstile),
            Passage::Companion(companion) => {
                companion.fetch_or(0, Ordering::Relaxed);
            }
        }
    }
}

/// Uses a loom object in a way that conflicts with every other use of it.
pub(super) fn touch(object: &loom::sync::Mutex<()>) {
    drop(object.try_lock());
}
