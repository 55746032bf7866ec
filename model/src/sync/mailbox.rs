//! What arrives from a device.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::cpu::Effect;
use super::object::Object;
use super::run::Wait;
use super::{Cpu, Footprint, Objects, StepKind};
use crate::violation::Halt;

/// Senders change the tail, receivers the head; neither sees the other's end.
const TAIL: u64 = 1;
const HEAD: u64 = 2;

/// What a receiver reads and changes.
pub(super) const RECEIVES: Footprint = Footprint::exclusive(HEAD);

/// A queue of things that are under way: first sent, first received.
///
/// A thread that waits here is idle rather than asleep: if nothing ever
/// arrives, nobody has lost a wake-up.
pub struct Mailbox<T> {
    object: Object,
    /// What is under way, each with the step that sent it.
    queue: Mutex<VecDeque<(T, usize)>>,
}

impl<T> Mailbox<T> {
    /// A mailbox of the initial state, empty.
    pub fn new(objects: &mut Objects, field: &'static str, owner: u16) -> Mailbox<T> {
        Mailbox {
            object: objects.mailbox(field, owner),
            queue: Mutex::default(),
        }
    }

    /// Sends something on its way.
    pub fn send(&self, cpu: &Cpu, item: T) {
        cpu.turn(&self.object);
        let sent = Effect::new("submit", Footprint::exclusive(TAIL));
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let step = cpu.announce(self.object.id, self.object.name, &sent);
        queue.push_back((item, step));
        drop(queue);
        let id = self.object.id;
        cpu.run.unblock_all(|wait| wait == Wait::Idle(id));
    }

    /// Waits for something to arrive.
    ///
    /// # Errors
    /// [`Halt::Released`] when nothing will.
    pub fn receive(&self, cpu: &Cpu) -> Result<T, Halt> {
        assert!(
            !cpu.holds_spin_lock(),
            "scheduling while atomic: a spin lock is held"
        );
        loop {
            cpu.turn(&self.object);
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((item, sent)) = queue.pop_front() {
                let arrived = Effect {
                    enabled_by: Some(sent),
                    kind: StepKind::Receive,
                    ..Effect::new("complete", RECEIVES)
                };
                cpu.announce(self.object.id, self.object.name, &arrived);
                return Ok(item);
            }
            cpu.prepare_to_wait(Wait::Idle(self.object.id));
            drop(queue);
            cpu.block()?;
        }
    }
}
