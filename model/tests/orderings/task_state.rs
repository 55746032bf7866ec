//! The single operations on a task's state. memory-barriers.txt, "Sleep and
//! wake-up functions": `set_current_state` is a store with a full barrier behind
//! it, `__set_current_state` a plain one, and a waker has a full barrier before
//! it looks at the state; that the model's has one behind that look as well is
//! more than is promised. "Miscellaneous functions": `schedule` implies a full
//! barrier.

use std::collections::BTreeSet;

use stalewake_model::sync::SleepState::Killable;
use stalewake_model::sync::{Cpu, ObjectName};
use stalewake_model::violation::Halt;

use crate::barrier::{Between, NOTHING, SMP_MB};
use crate::litmus::{Litmus, Seen, Side};
use crate::shapes::both_are_stale;

const ON: ObjectName = ObjectName {
    field: "condition",
    owner: 0,
};

/// Store buffering with `operation`, on the thread's own task, in between;
/// `prepare` comes before all of it.
fn store_buffering(
    prepare: fn(&Side, &Cpu),
    operation: fn(&Side, &Cpu) -> Result<(), Halt>,
) -> bool {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(move |memory, cpu| {
                prepare(&memory.sides[0], cpu);
                memory.x.store(cpu, 1);
                operation(&memory.sides[0], cpu)?;
                Ok(Some(memory.y.load(cpu)))
            })
            .thread(move |memory, cpu| {
                prepare(&memory.sides[1], cpu);
                memory.y.store(cpu, 1);
                operation(&memory.sides[1], cpu)?;
                Ok(Some(memory.x.load(cpu)))
            })
    });
    both_are_stale(&seen)
}

fn nothing(_side: &Side, _cpu: &Cpu) {}

fn set_current_state(side: &Side, cpu: &Cpu) {
    side.task.set_current_state(cpu, Killable);
}

fn wake_up_state(side: &Side, cpu: &Cpu) -> Result<(), Halt> {
    side.task.wake_up(cpu);
    Ok(())
}

#[test]
fn set_current_state_is_followed_by_a_full_barrier() {
    assert!(!store_buffering(nothing, |side, cpu| {
        set_current_state(side, cpu);
        Ok(())
    }));
}

/// The control of all that is said of store buffering here.
#[test]
fn __set_current_state_is_no_barrier() {
    assert!(store_buffering(nothing, |side, cpu| {
        side.task.set_running(cpu);
        Ok(())
    }));
}

#[test]
fn wake_up_state_is_a_full_barrier_whether_or_not_it_wakes() {
    assert!(!store_buffering(nothing, wake_up_state));
    assert!(!store_buffering(set_current_state, wake_up_state));
}

#[test]
fn schedule_is_a_full_barrier_even_if_it_does_not_sleep() {
    assert!(!store_buffering(nothing, |side, cpu| side
        .task
        .schedule(cpu, ON)));
}

/// The store of a state, which a waker then meets: what the waker sees of what
/// came before it.
fn state_passes_message(
    owner: fn(&Side, &Cpu),
    has_met: fn(&Side, &Cpu) -> bool,
) -> BTreeSet<Vec<Seen>> {
    Litmus::seen(|| {
        Litmus::new(0)
            .thread(move |memory, cpu| {
                memory.x.store(cpu, 1);
                owner(&memory.sides[0], cpu);
                memory.mark();
                Ok(None)
            })
            .thread(move |memory, cpu| {
                let has_met = has_met(&memory.sides[0], cpu) && memory.is_marked();
                Ok(has_met.then(|| memory.x.load(cpu)))
            })
    })
}

#[test]
fn __set_current_state_publishes_nothing() {
    let seen = state_passes_message(
        |side, cpu| side.task.set_running(cpu),
        |side, cpu| {
            side.task.wake_up(cpu);
            true
        },
    );
    assert!(seen.contains(&[None, Some(0)][..]), "{seen:?}");
    assert!(seen.contains(&[None, Some(1)][..]), "{seen:?}");
}

#[test]
#[ignore = "no other thread runs between a store and the barrier behind it, and \
            to loom the order in which barriers run is their order: on x86, \
            where it is an xchg, nothing is missed"]
fn set_current_state_publishes_nothing() {
    let seen = state_passes_message(set_current_state, |side, cpu| side.task.wake_up(cpu));
    assert!(seen.contains(&[None, Some(0)][..]), "{seen:?}");
}

/// The control: with a barrier before the store it does.
#[test]
fn a_barrier_before_the_store_of_a_state_publishes() {
    let seen = state_passes_message(
        |side, cpu| {
            cpu.barrier("smp_mb");
            set_current_state(side, cpu);
        },
        |side, cpu| side.task.wake_up(cpu),
    );
    assert_eq!(seen, [vec![None, None], vec![None, Some(1)]].into());
}

/// A signal becomes pending by `set_bit`, and `fatal_signal_pending` is a plain
/// test: each may be the one that orders nothing.
fn signal_passes_message(sender: Between, receiver: Between) -> bool {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(move |memory, cpu| {
                memory.x.store(cpu, 1);
                sender(cpu);
                memory.sides[1].task.kill(cpu);
                Ok(None)
            })
            .thread(move |memory, cpu| {
                let is_pending = memory.sides[1].task.fatal_signal_pending(cpu);
                receiver(cpu);
                Ok(is_pending.then(|| memory.x.load(cpu)))
            })
    });
    assert!(seen.contains(&[None, Some(1)][..]), "{seen:?}");
    !seen.contains(&[None, Some(0)][..])
}

#[test]
fn a_pending_signal_orders_nothing() {
    assert!(!signal_passes_message(NOTHING, SMP_MB));
    assert!(!signal_passes_message(SMP_MB, NOTHING));
    assert!(signal_passes_message(SMP_MB, SMP_MB));
}
