//! What is told of a step.

use stalewake_model::sync::{Cpu, Footprint, SleepState, Task};

use crate::support::{Memory, PLAIN, StepOf, WORD, told};

/// What the one step of a program of one thread read and changed.
fn footprint(step: fn(&Memory, &Cpu)) -> Footprint {
    let steps = &told(PLAIN, &[step]).steps;
    let steps = steps.lock().expect("nobody panics");
    let [step] = steps[..] else {
        panic!("{steps:?}")
    };
    step.footprint
}

#[test]
fn nobody_sees_whether_a_pinned_counter_is_zero() {
    let of_pinned: [fn(&Memory, &Cpu); 3] = [
        |memory, cpu| assert!(memory.pinned.inc_unless_zero(cpu)),
        |memory, cpu| memory.pinned.inc(cpu),
        |memory, cpu| assert!(memory.pinned.dec_and_test(cpu).is_gt()),
    ];
    for step in of_pinned {
        assert_eq!(footprint(step), Footprint::default());
    }
    let seen = footprint(|memory, cpu| assert!(memory.counter.inc_unless_zero(cpu)));
    assert_ne!(seen.reads, 0);
}

#[test]
fn a_load_sees_every_bit() {
    let loads: [fn(&Memory, &Cpu); 2] = [
        |memory, cpu| _ = memory.word.load(cpu),
        |memory, cpu| _ = memory.word.load_acquire(cpu),
    ];
    let store = footprint(|memory, cpu| memory.word.store(cpu, 0));
    for load in loads {
        assert_eq!(footprint(load), Footprint::reading(store.changes()));
    }
}

/// That shows even where no other thread could see a zero.
#[test]
fn who_takes_more_of_a_pinned_counter_than_is_his_is_told() {
    let alone = |memory: &Memory, cpu: &Cpu| {
        memory.pinned.inc(cpu);
        assert!(memory.pinned.inc_unless_zero(cpu));
        // One at the start, and two that were added.
        for _ in 0..3 {
            assert!(memory.pinned.dec_and_test(cpu).is_gt());
        }
        assert!(memory.pinned.dec_and_test(cpu).is_lt());
    };
    told(PLAIN, &[alone]);
}

/// Whoever looks at the order of steps must know that, for the two do not conflict.
#[test]
fn who_was_woken_before_the_look_is_told_by_which_step() {
    let before: [(Option<usize>, StepOf<Task>); 3] = [
        (Some(1), |_, _| ()),
        (None, |task, cpu| task.set_running(cpu)),
        (None, |task, cpu| {
            task.set_current_state(cpu, SleepState::Uninterruptible);
        }),
    ];
    for (number, (woken_by, before)) in before.into_iter().enumerate() {
        let alone = move |memory: &Memory, cpu: &Cpu| {
            memory
                .task
                .set_current_state(cpu, SleepState::Uninterruptible);
            memory.task.wake_up(cpu);
            before(&memory.task, cpu);
            // Nobody is there who could wake it again.
            let slept = memory.task.schedule(cpu, WORD).is_err();
            assert_eq!(slept, number == 2);
        };
        let steps = &told(PLAIN, &[alone]).steps;
        let steps = steps.lock().expect("nobody panics");
        let look = steps.last().expect("there are steps");
        assert_eq!(look.woken_by, woken_by, "{number}");
    }
}

#[test]
fn a_step_shows_the_bits_that_it_is_about_and_their_values() {
    let alone = |memory: &Memory, cpu: &Cpu| {
        memory.counter.inc(cpu);
        memory.word.set(cpu, 4);
        memory.word.set(cpu, 1);
        memory.word.test(cpu, 6);
        drop(memory.lock.lock(cpu).expect("it is free"));
        memory.mailbox.send(cpu, ());
        memory.mailbox.receive(cpu).expect("something was sent");
    };
    let told = told(PLAIN, &[alone]);
    let details = told.details.lock().expect("nobody panics");
    let values = details
        .iter()
        .map(|d| (d.operation, d.mask, d.before, d.after));
    let all = [
        ("atomic_inc", u64::MAX, 1, 2),
        ("set_bit", 4, 0, 4),
        ("set_bit", 1, 4, 5),
        ("test_bit", 6, 5, 5),
        ("spin_lock", 1, 0, 1),
        ("submit", 0, 0, 0),
        ("complete", 0, 0, 0),
    ];
    assert_eq!(values.collect::<Vec<_>>(), all);
}
