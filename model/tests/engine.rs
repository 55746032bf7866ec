//! What the engine tells its observer.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use stalewake_model::sync::{
    Alternative, Counter, Cpu, Detail, Ending, Engine, Footprint, MAX_STEPS, MAX_THREADS, Mailbox,
    ObjectName, Objects, Observer, Program, Scheduler, SleepState, SpinLock, Step, Task, ThreadId,
    Word, execute,
};
use stalewake_model::violation::{Halt, Violation};

/// What was told of all executions.
#[derive(Default)]
struct Told {
    steps: Mutex<Vec<Step>>,
    details: Mutex<Vec<Detail>>,
    stale_read: AtomicBool,
    begun: AtomicU32,
    /// What else is to be explored once the first execution has ended.
    asks: Mutex<Vec<Alternative>>,
}

/// More executions than any search here needs: samples have no end of their own.
const EXECUTIONS: u32 = 1_000;

impl Observer for Told {
    fn begin(&self) -> bool {
        self.begun.fetch_add(1, Ordering::Relaxed) < EXECUTIONS
    }

    fn step(&self, step: &Step) {
        self.steps.lock().expect("nobody panics").push(*step);
    }

    fn wants_detail(&self) -> bool {
        true
    }

    fn detail(&self, _thread: ThreadId, detail: Detail) {
        self.details.lock().expect("nobody panics").push(detail);
    }

    fn stale_read(&self) {
        self.stale_read.store(true, Ordering::Relaxed);
    }

    fn violation(&self, _violation: Violation) {}

    fn end(&self) -> Vec<Alternative> {
        std::mem::take(&mut self.asks.lock().expect("nobody panics"))
    }
}

/// What the threads of these programs share.
struct Memory {
    counter: Counter,
    /// Nobody can bring it to zero.
    pinned: Counter,
    word: Word,
    lock: SpinLock<()>,
    mailbox: Mailbox<()>,
    /// Of the first thread.
    task: Task,
}

/// What a sleeper waits for.
const WORD: ObjectName = ObjectName {
    field: "word",
    owner: 0,
};

/// What each thread does.
struct Threads<F>(Vec<F>);

impl<F: Fn(&Memory, &Cpu) + Send + Sync + 'static> Program for Threads<F> {
    type State = Memory;

    fn threads(&self) -> usize {
        self.0.len()
    }

    fn start(&self, objects: &mut Objects) -> Memory {
        Memory {
            counter: Counter::new(objects, "counter", 0, 1),
            pinned: Counter::pinned(objects, "pinned", 0, 1, [1; MAX_THREADS]),
            word: Word::new(objects, "word", 0, 0, ()),
            lock: SpinLock::new(objects, "spin_lock", "lock", 0, ()),
            mailbox: Mailbox::new(objects, "mailbox", 0),
            task: Task::new(objects, ThreadId(0)),
        }
    }

    fn thread(&self, memory: &Memory, cpu: &Cpu) -> Result<(), Halt> {
        self.0[cpu.thread().index()](memory, cpu);
        Ok(())
    }

    fn end(&self, _memory: &Memory, _ending: Ending) -> Vec<Violation> {
        Vec::new()
    }
}

const PLAIN: Engine = Engine::Plain { bound: None };
const WEAK: Engine = Engine::Weak {
    bound: None,
    companions: true,
};

fn told<F>(engine: Engine, threads: &[F]) -> Arc<Told>
where
    F: Fn(&Memory, &Cpu) + Clone + Send + Sync + 'static,
{
    let told = Arc::new(Told::default());
    let observer: Arc<dyn Observer> = told.clone();
    execute(engine, &Arc::new(Threads(threads.to_vec())), &observer)
        .unwrap_or_else(|error| panic!("{error}"));
    told
}

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

/// A step, or a few, on one object.
type StepOf<T> = fn(&T, &Cpu);

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

/// Why a program cannot be executed.
fn refused<F>(engine: Engine, threads: &[F]) -> String
where
    F: Fn(&Memory, &Cpu) + Clone + Send + Sync + 'static,
{
    let observer: Arc<dyn Observer> = Arc::new(Told::default());
    let refused = execute(engine, &Arc::new(Threads(threads.to_vec())), &observer);
    refused.expect_err("it cannot").to_string()
}

/// Whose steps they were, for each execution of two threads of two steps.
fn orders(asks: &[(u8, usize)]) -> Vec<[u8; 4]> {
    let twice = |memory: &Memory, cpu: &Cpu| {
        memory.word.set(cpu, 1);
        memory.word.set(cpu, 1);
    };
    let asks = asks.iter().map(|&(thread, step)| Alternative {
        step,
        thread: ThreadId(thread),
    });
    let told = Arc::new(Told {
        asks: Mutex::new(asks.collect()),
        ..Told::default()
    });
    let observer: Arc<dyn Observer> = told.clone();
    execute(
        Engine::Reduced,
        &Arc::new(Threads(vec![twice; 2])),
        &observer,
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let steps = told.steps.lock().expect("nobody panics");
    let (executions, rest) = steps.as_chunks();
    assert!(rest.is_empty());
    let order = |steps: &[Step; 4]| steps.map(|step| step.thread.0);
    executions.iter().map(order).collect()
}

#[test]
fn what_is_asked_for_is_explored_and_nothing_else() {
    assert_eq!(orders(&[]), [[0, 0, 1, 1]]);
    // Who runs goes on, and the latest choice is taken first, whatever the order
    // of the questions.
    let two = [[0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]];
    assert_eq!(orders(&[(1, 1), (1, 0)]), two);
    assert_eq!(orders(&[(1, 0), (1, 1)]), two);
}

const RANDOM: Engine = Engine::Shuttle(Scheduler::Random { seed: 1 });

#[test]
fn who_waits_in_vain_is_sent_home() {
    let threads: [fn(&Memory, &Cpu); 3] = [
        |memory, cpu| {
            memory
                .task
                .set_current_state(cpu, SleepState::Uninterruptible);
            assert_eq!(memory.task.schedule(cpu, WORD), Err(Halt::Released));
        },
        |memory, cpu| assert_eq!(memory.mailbox.receive(cpu), Err(Halt::Released)),
        |memory, cpu| memory.word.set(cpu, 1),
    ];
    for engine in [Engine::Reduced, PLAIN, WEAK, RANDOM, Engine::Native] {
        told(engine, &threads);
    }
}

/// And whoever waits for it does not wait for ever.
#[test]
fn an_execution_that_never_ends_is_an_error() {
    let threads: [fn(&Memory, &Cpu); 2] = [
        |memory, cpu| loop {
            memory.word.load(cpu);
        },
        |memory, cpu| _ = memory.mailbox.receive(cpu),
    ];
    for engine in [Engine::Reduced, PLAIN, RANDOM, Engine::Native] {
        let why = refused(engine, &threads);
        assert!(why.contains("more than 4000 steps"), "{engine:?}: {why}");
    }
}

#[test]
fn the_longest_execution_is_no_error() {
    let alone = |memory: &Memory, cpu: &Cpu| {
        (0..MAX_STEPS).for_each(|_| _ = memory.word.load(cpu));
    };
    let told = told(Engine::Reduced, &[alone]);
    assert_eq!(told.steps.lock().expect("nobody panics").len(), MAX_STEPS);
}

#[test]
fn who_sleeps_under_a_spin_lock_is_an_error() {
    let sleep: [fn(&Memory, &Cpu); 2] = [
        |memory, cpu| _ = memory.mailbox.receive(cpu),
        |memory, cpu| {
            _ = memory.task.schedule(cpu, WORD);
        },
    ];
    for sleep in sleep {
        let under_a_lock = move |memory: &Memory, cpu: &Cpu| {
            let _lock = memory.lock.lock(cpu);
            sleep(memory, cpu);
        };
        let why = refused(PLAIN, &[under_a_lock]);
        assert!(why.contains("scheduling while atomic"), "{why}");
        let after_a_lock = move |memory: &Memory, cpu: &Cpu| {
            drop(memory.lock.lock(cpu));
            sleep(memory, cpu);
        };
        told(PLAIN, &[after_a_lock]);
    }
}
