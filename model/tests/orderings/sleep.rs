//! Sleeping and waking as a whole. memory-barriers.txt, "Sleep and wake-up
//! functions": the sleeper announces its state, then tests its condition; the
//! waker makes the condition true, then looks at the state. At least one of them
//! sees the other, although both use plain accesses for the condition.

use std::collections::BTreeSet;

use stalewake_model::sync::SleepState::Uninterruptible;
use stalewake_model::sync::{Cpu, Ending, ObjectName};
use stalewake_model::violation::Halt;

use crate::litmus::{Litmus, Memory, Outcome};

const ON: ObjectName = ObjectName {
    field: "condition",
    owner: 0,
};

/// One thread waits, and has something to say when it is done; another wakes it.
fn outcomes(
    waits: fn(&Memory, &Cpu) -> Result<u64, Halt>,
    wakes: fn(&Memory, &Cpu),
) -> BTreeSet<Outcome> {
    Litmus::all_outcomes(|| {
        Litmus::new(0)
            .thread(move |memory, cpu| waits(memory, cpu).map(Some))
            .thread(move |memory, cpu| {
                wakes(memory, cpu);
                Ok(None)
            })
    })
}

/// The kernel's order: state, barrier, condition. Says how often it slept, or was
/// about to.
fn wait_event(memory: &Memory, cpu: &Cpu) -> Result<u64, Halt> {
    let mut slept = 0;
    loop {
        memory.sides[0].task.set_current_state(cpu, Uninterruptible);
        if memory.x.load(cpu) == 1 {
            return Ok(slept);
        }
        memory.sides[0].task.schedule(cpu, ON)?;
        slept += 1;
    }
}

/// The condition is tested first.
fn wait_event_wrongly(memory: &Memory, cpu: &Cpu) -> Result<u64, Halt> {
    if memory.x.load(cpu) == 1 {
        return Ok(0);
    }
    memory.sides[0].task.set_current_state(cpu, Uninterruptible);
    memory.sides[0].task.schedule(cpu, ON)?;
    Ok(1)
}

fn wake(memory: &Memory, cpu: &Cpu) {
    memory.x.store(cpu, 1);
    memory.sides[0].task.wake_up(cpu);
}

/// Both have ended, and the one that waited said this.
fn finished(said: u64) -> Outcome {
    Outcome {
        ending: Ending::Finished,
        seen: vec![Some(said), None],
    }
}

fn lost() -> Outcome {
    Outcome {
        ending: Ending::Lost,
        seen: vec![None, None],
    }
}

#[test]
fn no_wake_up_is_lost_and_who_was_woken_sees_why() {
    let outcomes = outcomes(wait_event, wake);
    assert_eq!(outcomes, [finished(0), finished(1)].into());
}

/// The control: in the wrong order it is.
#[test]
fn a_wake_up_is_lost_if_the_condition_is_tested_first() {
    let outcomes = outcomes(wait_event_wrongly, wake);
    assert!(outcomes.contains(&lost()), "{outcomes:?}");
    assert!(outcomes.contains(&finished(0)) && outcomes.contains(&finished(1)));
}

/// A task that was about to sleep and found that it need not, because somebody
/// had woken it, sees why, as one does that slept: `schedule` is a full barrier.
#[test]
fn who_need_not_sleep_any_more_sees_why() {
    let outcomes = outcomes(
        |memory, cpu| {
            memory.sides[0].task.set_current_state(cpu, Uninterruptible);
            memory.y.store(cpu, 1);
            memory.sides[0].task.schedule(cpu, ON)?;
            Ok(memory.x.load(cpu))
        },
        wake,
    );
    assert!(outcomes.contains(&finished(1)), "{outcomes:?}");
    assert!(!outcomes.contains(&finished(0)), "{outcomes:?}");
}
