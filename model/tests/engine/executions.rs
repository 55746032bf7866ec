//! Which executions there are, and how they end.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, Mutex};

use stalewake_model::sync::{
    Alternative, Cpu, Engine, MAX_STEPS, Observer, SleepState, Step, ThreadId, execute,
};
use stalewake_model::violation::Halt;

use crate::support::{Memory, PLAIN, RANDOM, Threads, Told, WEAK, WORD, refused, told};

/// Whose steps they were, for each execution of two threads of two steps.
fn orders(engine: Engine, asks: &[(u8, usize)]) -> Vec<[u8; 4]> {
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
    execute(engine, &Arc::new(Threads(vec![twice; 2])), &observer)
        .unwrap_or_else(|error| panic!("{error}"));
    let steps = told.steps.lock().expect("nobody panics");
    let (executions, rest) = steps.as_chunks();
    assert!(rest.is_empty());
    let order = |steps: &[Step; 4]| steps.map(|step| step.thread.0);
    executions.iter().map(order).collect()
}

#[test]
fn what_is_asked_for_is_explored_and_nothing_else() {
    let orders = |asks: &[_]| orders(Engine::Reduced, asks);
    assert_eq!(orders(&[]), [[0, 0, 1, 1]]);
    // Who runs goes on, and the latest choice is taken first, whatever the order
    // of the questions.
    let two = [[0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]];
    assert_eq!(orders(&[(1, 1), (1, 0)]), two);
    assert_eq!(orders(&[(1, 0), (1, 1)]), two);
}

#[test]
fn plain_loom_explores_every_order() {
    let found = BTreeSet::from_iter(orders(PLAIN, &[]));
    let all = [
        [0, 0, 1, 1],
        [0, 1, 0, 1],
        [0, 1, 1, 0],
        [1, 0, 0, 1],
        [1, 0, 1, 0],
        [1, 1, 0, 0],
    ];
    assert_eq!(found, BTreeSet::from(all));
}

/// loom has variables of its own, by which somebody may have asked it for less.
#[test]
fn nothing_in_the_environment_makes_a_search_smaller() {
    let this = std::env::current_exe().expect("a test runs");
    let search = Command::new(&this)
        .args(["--exact", "executions::plain_loom_explores_every_order"])
        .env("LOOM_MAX_PREEMPTIONS", "0")
        .env("LOOM_MAX_BRANCHES", "1")
        .env("LOOM_MAX_PERMUTATIONS", "1")
        .env("LOOM_MAX_DURATION", "0")
        .env("LOOM_CHECKPOINT_INTERVAL", "1")
        .env("LOOM_CHECKPOINT_FILE", &this)
        .output()
        .expect("it can be started again");
    let said = String::from_utf8_lossy(&search.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

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
    let steps = |number| {
        move |memory: &Memory, cpu: &Cpu| (0..number).for_each(|_| _ = memory.word.load(cpu))
    };
    let told = told(Engine::Reduced, &[steps(MAX_STEPS)]);
    assert_eq!(told.steps.lock().expect("nobody panics").len(), MAX_STEPS);
    let why = refused(Engine::Reduced, &[steps(MAX_STEPS + 1)]);
    assert!(why.contains("more than 4000 steps"), "{why}");
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

/// In three gigabytes there is no room for four native threads with stacks of
/// one, but there is for the first: it must not wait for the last.
#[cfg(target_os = "linux")]
#[test]
fn who_cannot_be_started_is_not_waited_for() {
    const STACK: (&str, &str) = ("RUST_MIN_STACK", "1073741824");
    const NAME: &str = "executions::who_cannot_be_started_is_not_waited_for";
    if std::env::var(STACK.0).is_ok_and(|size| size == STACK.1) {
        let threads: [fn(&Memory, &Cpu); 4] = [
            |memory, cpu| _ = memory.mailbox.receive(cpu),
            |_, _| (),
            |_, _| (),
            |memory, cpu| memory.mailbox.send(cpu, ()),
        ];
        let why = refused(Engine::Native, &threads);
        assert!(why.contains("no thread can be started"), "{why}");
        return;
    }
    let confined = Command::new("sh")
        .args(["-c", "ulimit -v 3145728 && exec \"$@\"", "sh"])
        .arg(std::env::current_exe().expect("a test runs"))
        .args(["--exact", NAME, "--test-threads=1"])
        .env(STACK.0, STACK.1)
        .output()
        .expect("there is a shell");
    let said = String::from_utf8_lossy(&confined.stdout);
    assert!(said.contains("1 passed"), "{said}");
}
