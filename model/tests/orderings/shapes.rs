//! The litmus tests that an operation is put into. Each returns whether the
//! outcome that an ordering forbids can be reached.

use std::collections::BTreeSet;

use stalewake_model::sync::Cpu;

use crate::litmus::{Litmus, Memory, Seen};
use crate::rows::Row;

/// Message passing, with the operation on the side that publishes: does who
/// sees the operation, by an acquire, see what was stored before it?
///
///     x = 1            if object has changed (acquire):
///     OPERATION            read x
pub fn publishes_stale(row: &Row) -> bool {
    let (object, operation, on) = (row.object, row.operation, row.on);
    let seen = Litmus::seen(|| {
        Litmus::new(on)
            .thread(move |memory, cpu| {
                memory.x.store(cpu, 1);
                operation.run(&memory.sides[0], cpu);
                Ok(None)
            })
            .thread(move |memory, cpu| {
                let changed = !object.is_still(&memory.sides[0], cpu, on);
                Ok(changed.then(|| memory.x.load(cpu)))
            })
    });
    last_is_stale(row, &seen)
}

/// Message passing, with the operation on the side that observes: does who
/// has seen something by it see what was stored before?
///
///     x = 1                      if OPERATION has read it:
///     publish (release)              read x
pub fn observes_stale(row: &Row) -> bool {
    let (object, operation, on) = (row.object, row.operation, row.on);
    let before = row.before;
    let seen = Litmus::seen(|| {
        Litmus::new(before)
            .thread(move |memory, cpu| {
                memory.x.store(cpu, 1);
                object.publish(&memory.sides[0], cpu, on);
                memory.mark();
                Ok(None)
            })
            .thread(move |memory, cpu| {
                let has_seen = operation.has_seen(memory, &memory.sides[0], cpu);
                Ok(has_seen.then(|| memory.x.load(cpu)))
            })
    });
    last_is_stale(row, &seen)
}

/// Store buffering, with the operation between the store and the load, on an
/// object of the thread's own: can both threads read what was there before?
///
///     x = 1            y = 1
///     OPERATION        OPERATION
///     read y           read x
pub fn buffers_stores(row: &Row) -> bool {
    let (operation, on) = (row.operation, row.on);
    let seen = Litmus::seen(|| {
        Litmus::new(on)
            .thread(move |memory, cpu| {
                memory.x.store(cpu, 1);
                operation.run(&memory.sides[0], cpu);
                Ok(Some(memory.y.load(cpu)))
            })
            .thread(move |memory, cpu| {
                memory.y.store(cpu, 1);
                operation.run(&memory.sides[1], cpu);
                Ok(Some(memory.x.load(cpu)))
            })
    });
    both_are_stale(&seen)
}

/// Store buffering, with the operation as the store: can both threads overlook
/// what the other has done?
///
///     OPERATION on first object      OPERATION on second object
///     look at second object          look at first object
pub fn buffers_itself(row: &Row) -> bool {
    let (object, operation, on) = (row.object, row.operation, row.on);
    let seen = Litmus::seen(|| {
        let thread = |mine: usize, other: usize| {
            move |memory: &Memory, cpu: &Cpu| {
                operation.run(&memory.sides[mine], cpu);
                let is_still = object.seems_still(&memory.sides[other], cpu, on);
                Ok(Some(u64::from(!is_still)))
            }
        };
        Litmus::new(on).thread(thread(0, 1)).thread(thread(1, 0))
    });
    both_are_stale(&seen)
}

/// A message through two hands, of which the one in the middle looks without
/// an acquire: does the operation pass on what it did not order itself?
///
///     x = 1              if y (plain):        if object has changed (acquire):
///     y = 1 (release)        OPERATION            read x
pub fn passes_on_stale(row: &Row) -> bool {
    let (object, operation, on) = (row.object, row.operation, row.on);
    let seen = Litmus::seen(|| {
        Litmus::new(on)
            .thread(move |memory, cpu| {
                memory.x.store(cpu, 1);
                memory.y.store_release(cpu, 1);
                Ok(None)
            })
            .thread(move |memory, cpu| {
                if memory.y.load(cpu) == 1 {
                    operation.run(&memory.sides[0], cpu);
                }
                Ok(None)
            })
            .thread(move |memory, cpu| {
                let changed = !object.is_still(&memory.sides[0], cpu, on);
                Ok(changed.then(|| memory.x.load(cpu)))
            })
    });
    last_is_stale(row, &seen)
}

/// Whether the last thread, which must be able to see the message and not to
/// see it, can see it and read the old value all the same.
fn last_is_stale(row: &Row, seen: &BTreeSet<Vec<Seen>>) -> bool {
    let last: BTreeSet<Seen> = seen
        .iter()
        .filter_map(|seen| seen.last().copied())
        .collect();
    for possible in [None, Some(1)] {
        assert!(last.contains(&possible), "{}: {last:?}", row.kernel);
    }
    last.contains(&Some(0))
}

/// Whether both threads can see the old value, which is zero. What any machine
/// can show must be there, or nothing was tried.
pub fn both_are_stale(seen: &BTreeSet<Vec<Seen>>) -> bool {
    for possible in [[0, 1], [1, 0], [1, 1]] {
        assert!(seen.contains(&possible.map(Some)[..]), "{seen:?}");
    }
    seen.contains(&[Some(0), Some(0)][..])
}
