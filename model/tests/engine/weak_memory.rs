//! What a thread reads where memory is weak.

use std::sync::atomic::Ordering;

use stalewake_model::sync::{Counter, Cpu, Detail, SleepState, Task, Word};

use crate::support::{Memory, PLAIN, StepOf, WEAK, WORD, told};

#[test]
fn a_read_that_is_not_of_the_latest_value_is_told() {
    let of_counter: [fn(&Memory, &Cpu); 2] = [
        |memory, cpu| memory.counter.set(cpu, 2),
        |memory, cpu| _ = memory.counter.read(cpu),
    ];
    let of_word: [fn(&Memory, &Cpu); 2] = [
        |memory, cpu| memory.word.store(cpu, 2),
        |memory, cpu| _ = memory.word.load(cpu),
    ];
    let is_stale = |engine, threads: &[fn(&Memory, &Cpu)]| {
        told(engine, threads).stale_read.load(Ordering::Relaxed)
    };
    for threads in [of_counter, of_word] {
        assert!(is_stale(WEAK, &threads));
        assert!(!is_stale(PLAIN, &threads));
        assert!(!is_stale(WEAK, &threads[..1]));
    }
}

/// The state becomes running without a barrier: who does that has seen the
/// wake-up, and need not see what was done before the wake-up.
#[test]
fn to_be_running_orders_nothing() {
    let threads: [fn(&Memory, &Cpu); 2] = [
        |memory, cpu| {
            memory
                .task
                .set_current_state(cpu, SleepState::Uninterruptible);
            memory.task.set_running(cpu);
            memory.word.load(cpu);
        },
        |memory, cpu| {
            memory.word.set(cpu, 1);
            memory.task.wake_up(cpu);
        },
    ];
    let details = &told(WEAK, &threads).details;
    let details = details.lock().expect("nobody panics");
    let (executions, rest) = details.as_chunks::<5>();
    assert!(rest.is_empty());
    let is_late = |execution: &[Detail; 5]| {
        let at = |operation| execution.iter().position(|d| d.operation == operation);
        let values =
            |operation| at(operation).map(|at| (execution[at].before, execution[at].after));
        let was_woken = values("__set_current_state") == Some((0, 0));
        was_woken && at("set_bit") < at("load") && values("load") == Some((0, 0))
    };
    assert!(executions.iter().any(is_late));
}

/// Otherwise loom's value of the counter and the latest one would part.
#[test]
fn a_thread_alone_never_reads_a_stale_value() {
    let steps: [StepOf<Counter>; 8] = [
        |counter, cpu| counter.inc(cpu),
        |counter, cpu| counter.inc_unowned(cpu),
        |counter, cpu| _ = counter.dec_and_test(cpu),
        |counter, cpu| _ = counter.dec_unowned_and_test(cpu),
        |counter, cpu| _ = counter.inc_unless_zero(cpu),
        |counter, cpu| counter.set(cpu, 5),
        |counter, cpu| assert!(counter.freeze(cpu, 1)),
        |counter, cpu| counter.unfreeze(cpu, 3),
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let alone = move |memory: &Memory, cpu: &Cpu| {
            step(&memory.counter, cpu);
            assert_eq!(memory.counter.read(cpu), memory.counter.at_end());
        };
        let told = told(WEAK, &[alone]);
        assert!(!told.stale_read.load(Ordering::Relaxed), "{number}");
    }
}

/// The same for words: each step, and what it makes of 3.
#[test]
fn a_thread_alone_sees_every_change_of_a_word() {
    let steps: [(u64, StepOf<Word>); 16] = [
        (5, |word, cpu| word.store(cpu, 5)),
        (5, |word, cpu| word.store_release(cpu, 5)),
        (5, |word, cpu| {
            assert!(word.store_over_and(cpu, 2, 5, |_, _| ()).0);
        }),
        (7, |word, cpu| word.set(cpu, 4)),
        (7, |word, cpu| {
            assert!(!word.set_unless_and(cpu, 4, 8, |_, _| ()).0);
        }),
        (3, |word, cpu| {
            assert!(word.set_unless_and(cpu, 4, 1, |_, _| ()).0);
        }),
        (2, |word, cpu| word.clear(cpu, 1)),
        (2, |word, cpu| word.clear_release(cpu, 1)),
        (2, |word, cpu| {
            assert!(!word.clear_unless_and(cpu, 1, 8, |_, _| ()).0);
        }),
        (3, |word, cpu| {
            assert!(word.clear_unless_and(cpu, 1, 2, |_, _| ()).0);
        }),
        (7, |word, cpu| assert!(!word.test_and_set(cpu, 4))),
        (2, |word, cpu| assert!(word.test_and_clear(cpu, 1))),
        (2, |word, cpu| {
            assert!(word.clear_unlock_and_test_and(cpu, 1, 2, |_, _| ()).0);
        }),
        (2, |word, cpu| word.clear_unlock_and(cpu, 1, |_, _| ())),
        (2, |word, cpu| {
            assert_eq!(word.cmpxchg_clear_unless_and(cpu, 1, 8, |_, _, _| ()).0, 1);
        }),
        (3, |word, cpu| {
            assert_eq!(word.cmpxchg_clear_unless_and(cpu, 1, 2, |_, _, _| ()).0, 3);
        }),
    ];
    for (number, (after, step)) in steps.into_iter().enumerate() {
        let alone = move |memory: &Memory, cpu: &Cpu| {
            memory.word.store(cpu, 3);
            step(&memory.word, cpu);
            assert_eq!(memory.word.load(cpu), after, "{number}");
        };
        let told = told(WEAK, &[alone]);
        assert!(!told.stale_read.load(Ordering::Relaxed), "{number}");
    }
}

/// The same for its own state: each step, and whether it still wants to sleep.
#[test]
fn a_thread_alone_sees_every_change_of_its_state() {
    let steps: [(bool, StepOf<Task>); 6] = [
        (true, |_, _| ()),
        (false, |task, cpu| task.set_running(cpu)),
        (true, |task, cpu| {
            task.set_current_state(cpu, SleepState::Uninterruptible);
        }),
        (false, |task, cpu| {
            task.set_current_state(cpu, SleepState::Uninterruptible);
            task.set_running(cpu);
        }),
        (false, |task, cpu| assert!(task.wake_up(cpu))),
        (false, |task, cpu| {
            task.kill(cpu);
            task.set_current_state(cpu, SleepState::Killable);
            assert_eq!(task.schedule(cpu, WORD), Ok(()));
        }),
    ];
    for (number, (sleeps, step)) in steps.into_iter().enumerate() {
        let alone = move |memory: &Memory, cpu: &Cpu| {
            memory.task.set_current_state(cpu, SleepState::Killable);
            step(&memory.task, cpu);
            assert_eq!(memory.task.wake_up(cpu), sleeps, "{number}");
        };
        let told = told(WEAK, &[alone]);
        assert!(!told.stale_read.load(Ordering::Relaxed), "{number}");
    }
}
