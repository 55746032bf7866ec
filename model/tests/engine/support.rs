//! Programs of a few steps, and an observer that keeps what it is told.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use stalewake_model::sync::{
    Alternative, Counter, Cpu, Detail, Ending, Engine, MAX_THREADS, Mailbox, ObjectName, Objects,
    Observer, Program, Scheduler, SpinLock, Step, Task, ThreadId, Word, execute,
};
use stalewake_model::violation::{Halt, Violation};

/// What was told of all executions.
#[derive(Default)]
pub struct Told {
    pub steps: Mutex<Vec<Step>>,
    pub details: Mutex<Vec<Detail>>,
    pub stale_read: AtomicBool,
    pub begun: AtomicU32,
    /// What else is to be explored once the first execution has ended.
    pub asks: Mutex<Vec<Alternative>>,
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
pub struct Memory {
    pub counter: Counter,
    /// Nobody can bring it to zero.
    pub pinned: Counter,
    pub word: Word,
    pub lock: SpinLock<()>,
    pub mailbox: Mailbox<()>,
    /// Of the first thread.
    pub task: Task,
}

/// What a sleeper waits for.
pub const WORD: ObjectName = ObjectName {
    field: "word",
    owner: 0,
};

/// What each thread does.
pub struct Threads<F>(pub Vec<F>);

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

pub const PLAIN: Engine = Engine::Plain { bound: None };
pub const WEAK: Engine = Engine::Weak {
    bound: None,
    companions: true,
};

pub const RANDOM: Engine = Engine::Shuttle(Scheduler::Random { seed: 1 });

/// A step, or a few, on one object.
pub type StepOf<T> = fn(&T, &Cpu);

/// What is told of all executions of a program of these threads.
pub fn told<F>(engine: Engine, threads: &[F]) -> Arc<Told>
where
    F: Fn(&Memory, &Cpu) + Clone + Send + Sync + 'static,
{
    let told = Arc::new(Told::default());
    let observer: Arc<dyn Observer> = told.clone();
    execute(engine, &Arc::new(Threads(threads.to_vec())), &observer)
        .unwrap_or_else(|error| panic!("{error}"));
    told
}

/// Why a program cannot be executed.
pub fn refused<F>(engine: Engine, threads: &[F]) -> String
where
    F: Fn(&Memory, &Cpu) + Clone + Send + Sync + 'static,
{
    let observer: Arc<dyn Observer> = Arc::new(Told::default());
    let refused = execute(engine, &Arc::new(Threads(threads.to_vec())), &observer);
    refused.expect_err("it cannot").to_string()
}
