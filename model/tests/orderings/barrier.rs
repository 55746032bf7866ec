//! `smp_mb`, and its controls without one. memory-barriers.txt: a general
//! barrier orders all accesses before it against all accesses behind it.

use stalewake_model::sync::Cpu;

use crate::litmus::Litmus;
use crate::shapes::both_are_stale;

/// What may stand where a barrier belongs.
pub type Between = fn(&Cpu);

pub const NOTHING: Between = |_| ();
pub const SMP_MB: Between = |cpu| cpu.barrier("smp_mb");

fn store_buffering(first: Between, second: Between) -> bool {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(move |memory, cpu| {
                memory.x.store(cpu, 1);
                first(cpu);
                Ok(Some(memory.y.load(cpu)))
            })
            .thread(move |memory, cpu| {
                memory.y.store(cpu, 1);
                second(cpu);
                Ok(Some(memory.x.load(cpu)))
            })
    });
    both_are_stale(&seen)
}

#[test]
fn store_buffering_needs_a_barrier_on_both_sides() {
    assert!(!store_buffering(SMP_MB, SMP_MB));
    for (first, second) in [(NOTHING, NOTHING), (SMP_MB, NOTHING), (NOTHING, SMP_MB)] {
        assert!(store_buffering(first, second));
    }
}

fn message_passing(writer: Between, reader: Between) -> bool {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(move |memory, cpu| {
                memory.x.store(cpu, 1);
                writer(cpu);
                memory.y.store(cpu, 1);
                Ok(None)
            })
            .thread(move |memory, cpu| {
                let message = memory.y.load(cpu);
                reader(cpu);
                Ok((message == 1).then(|| memory.x.load(cpu)))
            })
    });
    assert!(seen.contains(&[None, Some(1)][..]));
    seen.contains(&[None, Some(0)][..])
}

#[test]
fn message_passing_needs_a_barrier_on_both_sides() {
    assert!(!message_passing(SMP_MB, SMP_MB));
    for (writer, reader) in [(NOTHING, NOTHING), (SMP_MB, NOTHING), (NOTHING, SMP_MB)] {
        assert!(message_passing(writer, reader));
    }
}
