//! `spin_lock` is an acquire and `spin_unlock` a release (memory-barriers.txt,
//! "Lock acquisition functions"), and neither is more: a critical section lets
//! accesses in from both sides.

use crate::litmus::Litmus;
use crate::shapes::both_are_stale;

#[test]
fn the_next_holder_sees_what_came_before_the_unlock() {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(|memory, cpu| {
                memory.x.store(cpu, 1);
                *memory.sides[0].lock.lock(cpu)? = true;
                Ok(None)
            })
            .thread(|memory, cpu| {
                let is_next = *memory.sides[0].lock.lock(cpu)?;
                Ok(is_next.then(|| memory.x.load(cpu)))
            })
    });
    assert_eq!(seen, [vec![None, None], vec![None, Some(1)]].into());
}

/// The control: the same stores and loads, with a lock for each thread.
#[test]
fn another_lock_orders_nothing() {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(|memory, cpu| {
                memory.x.store(cpu, 1);
                *memory.sides[0].lock.lock(cpu)? = true;
                memory.mark();
                Ok(None)
            })
            .thread(|memory, cpu| {
                let is_next = {
                    let _held = memory.sides[1].lock.lock(cpu)?;
                    memory.is_marked()
                };
                Ok(is_next.then(|| memory.x.load(cpu)))
            })
    });
    assert!(seen.contains(&[None, Some(0)][..]), "{seen:?}");
    assert!(seen.contains(&[None, Some(1)][..]), "{seen:?}");
}

#[test]
fn taking_a_lock_publishes_nothing() {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(|memory, cpu| {
                memory.x.store(cpu, 1);
                let _held = memory.sides[0].lock.lock(cpu)?;
                memory.y.store(cpu, 1);
                Ok(None)
            })
            .thread(|memory, cpu| {
                let message = memory.y.load_acquire(cpu);
                Ok((message == 1).then(|| memory.x.load(cpu)))
            })
    });
    assert!(seen.contains(&[None, Some(0)][..]), "{seen:?}");
}

#[test]
fn letting_a_lock_go_acquires_nothing() {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(|memory, cpu| {
                memory.x.store(cpu, 1);
                memory.y.store_release(cpu, 1);
                Ok(None)
            })
            .thread(|memory, cpu| {
                let message = {
                    let _held = memory.sides[1].lock.lock(cpu)?;
                    memory.y.load(cpu)
                };
                Ok((message == 1).then(|| memory.x.load(cpu)))
            })
    });
    assert!(seen.contains(&[None, Some(0)][..]), "{seen:?}");
}

#[test]
fn a_critical_section_is_no_full_barrier() {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(|memory, cpu| {
                memory.x.store(cpu, 1);
                drop(memory.sides[0].lock.lock(cpu)?);
                Ok(Some(memory.y.load(cpu)))
            })
            .thread(|memory, cpu| {
                memory.y.store(cpu, 1);
                drop(memory.sides[1].lock.lock(cpu)?);
                Ok(Some(memory.x.load(cpu)))
            })
    });
    assert!(both_are_stale(&seen));
}
