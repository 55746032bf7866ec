//! What passes through a device is ordered: who hears of a completion sees what
//! came before the submission. The kernel has no primitive for this; drivers and
//! devices do it with locks, doorbells and interrupts. The model promises that
//! much and no more.

use std::collections::BTreeSet;

use crate::litmus::Litmus;
use crate::shapes::both_are_stale;

#[test]
fn who_receives_sees_what_came_before_the_sending() {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(|memory, cpu| {
                memory.x.store(cpu, 1);
                memory.sides[0].mailbox.send(cpu, ());
                Ok(None)
            })
            .thread(|memory, cpu| {
                memory.sides[0].mailbox.receive(cpu)?;
                Ok(Some(memory.x.load(cpu)))
            })
    });
    assert_eq!(seen, [vec![None, Some(1)]].into());
}

/// The control: the same thread, if it only knows that something was sent.
#[test]
fn who_does_not_receive_may_see_nothing() {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(|memory, cpu| {
                memory.x.store(cpu, 1);
                memory.sides[0].mailbox.send(cpu, ());
                memory.mark();
                Ok(None)
            })
            .thread(|memory, cpu| {
                memory.y.load(cpu);
                Ok(memory.is_marked().then(|| memory.x.load(cpu)))
            })
    });
    let last: BTreeSet<_> = seen.iter().map(|seen| seen[1]).collect();
    assert!(last.contains(&Some(0)), "{last:?}");
}

#[test]
fn a_submission_is_no_full_barrier() {
    let seen = Litmus::seen(|| {
        Litmus::new(0)
            .thread(|memory, cpu| {
                memory.x.store(cpu, 1);
                memory.sides[0].mailbox.send(cpu, ());
                Ok(Some(memory.y.load(cpu)))
            })
            .thread(|memory, cpu| {
                memory.y.store(cpu, 1);
                memory.sides[1].mailbox.send(cpu, ());
                Ok(Some(memory.x.load(cpu)))
            })
    });
    assert!(both_are_stale(&seen));
}
