//! A machine, a closure for each thread, and everything that every schedule
//! of them shows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stalewake_model::current::Current;
use stalewake_model::machine::{CachedPage, Config, Disk, Machine};
use stalewake_model::mechanism::Kernel;
use stalewake_model::release::Release;
use stalewake_model::sync::{
    Alternative, Cpu, Detail, Ending, Engine, MAX_THREADS, Objects, Observer, Program, Step,
    ThreadId, execute,
};
use stalewake_model::violation::{Halt, Kind, Violation};

type Body = Box<dyn Fn(&Current<'_>) -> Result<(), Halt> + Send + Sync>;

/// A machine, and what runs on it.
pub struct Setup {
    kernel: Kernel,
    config: Config,
    cached: Vec<CachedPage>,
    bodies: Vec<Body>,
}

/// One execution.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    /// How it ended.
    pub ending: Option<Ending>,
    /// What was reported, in order.
    pub kinds: Vec<Kind>,
    /// What each report was about.
    pub about: Vec<String>,
    /// Who was asleep when somebody woke it.
    pub woken: BTreeSet<ThreadId>,
    /// The operations, each with the field that it was done to.
    pub operations: Vec<(&'static str, &'static str)>,
    /// The reference count of each frame at the end.
    pub references: Vec<i64>,
    /// The flags of each frame at the end.
    pub flags: Vec<u64>,
}

/// A machine of this many frames, all free, under this release.
pub fn machine(release: &str, frames: u16) -> Setup {
    Setup {
        kernel: Release::resolve(release).expect("it exists").kernel,
        config: Config {
            frames,
            wait_table: 1,
            huge_order: 1,
            debug_vm_pgflags: true,
            debug_vm: true,
            disk: Disk::Queued,
            page_lock_unfairness: 5,
            bookmark_every: 64,
        },
        cached: Vec::new(),
        bodies: Vec::new(),
    }
}

/// The names of all releases that differ, for what must be true of each.
pub fn releases() -> impl Iterator<Item = &'static str> {
    Release::ALL
        .iter()
        .filter(|release| release.same_as().is_none())
        .map(|release| release.name)
}

impl Setup {
    /// Frame `pfn` is the first page of file 0, with these flags, and this
    /// many threads, from the first, hold one reference on it each.
    pub fn cached(mut self, pfn: u16, flags: u64, holders: usize) -> Setup {
        let mut held = [0; MAX_THREADS];
        held[..holders].fill(1);
        self.cached.push(CachedPage {
            pfn,
            inode: 0,
            index: 0,
            flags,
            held,
            stays: false,
            writeback_tags: true,
        });
        self
    }

    /// The page that was named last is this page of its file.
    pub fn at(mut self, index: u16) -> Setup {
        let page = self.cached.last_mut().expect("there is one");
        page.index = index;
        self
    }

    /// With mechanisms changed.
    pub fn with(mut self, changes: &[(&str, &str)]) -> Setup {
        for (mechanism, alternative) in changes {
            let known = self.kernel.set(mechanism, alternative);
            known.unwrap_or_else(|unknown| panic!("{unknown}"));
        }
        assert_eq!(self.kernel.conflict(), None, "{changes:?}");
        self
    }

    /// File 0 does not use writeback tags, like the swap cache.
    pub fn untagged(mut self) -> Setup {
        for page in &mut self.cached {
            page.writeback_tags = false;
        }
        self
    }

    /// `page_lock_unfairness`.
    pub fn unfairness(mut self, budget: u16) -> Setup {
        self.config.page_lock_unfairness = budget;
        self
    }

    /// A walk leaves a bookmark after more entries than this.
    pub fn bookmark_every(mut self, entries: u16) -> Setup {
        self.config.bookmark_every = entries;
        self
    }

    /// Without `CONFIG_DEBUG_VM`.
    pub fn without_debug_vm(mut self) -> Setup {
        self.config.debug_vm = false;
        self
    }

    /// One more thread.
    pub fn thread(
        mut self,
        body: impl Fn(&Current<'_>) -> Result<(), Halt> + Send + Sync + 'static,
    ) -> Setup {
        self.bodies.push(Box::new(body));
        self
    }

    /// Every schedule, explored by plain loom: nothing here rests on the
    /// reduction.
    pub fn explore(self) -> Vec<Execution> {
        self.search(None)
    }

    /// Schedules with at most two preemptions, and not even all of them: for
    /// programs of which plain loom cannot run every schedule. What such a
    /// program must never do is checked without a bound by the scenarios.
    pub fn explore_some(self) -> Vec<Execution> {
        self.explore_up_to(2)
    }

    /// The same with so many preemptions, where it takes them to see something.
    pub fn explore_up_to(self, preemptions: u8) -> Vec<Execution> {
        self.search(Some(preemptions))
    }

    fn search(self, bound: Option<u8>) -> Vec<Execution> {
        let recorder = Arc::new(Recorder::default());
        let observer: Arc<dyn Observer> = recorder.clone();
        let program = Arc::new(Running {
            setup: self,
            recorder: recorder.clone(),
        });
        execute(Engine::Plain { bound }, &program, &observer)
            .unwrap_or_else(|error| panic!("{error}"));
        let executions = std::mem::take(&mut recorder.state().past);
        assert!(!executions.is_empty(), "nothing was executed");
        executions
    }

    /// The only execution of a single thread.
    pub fn run(self) -> Execution {
        assert_eq!(self.bodies.len(), 1, "a single thread has one schedule");
        self.explore().remove(0)
    }
}

/// Every execution ended well, with nothing to report.
pub fn all_finish(executions: &[Execution]) {
    for execution in executions {
        assert_eq!(execution.ending, Some(Ending::Finished), "{execution:?}");
        assert_eq!(execution.kinds, [], "{execution:?}");
    }
}

struct Running {
    setup: Setup,
    recorder: Arc<Recorder>,
}

impl Program for Running {
    type State = Machine;

    fn threads(&self) -> usize {
        self.setup.bodies.len()
    }

    fn start(&self, objects: &mut Objects) -> Machine {
        let Setup {
            kernel,
            config,
            cached,
            ..
        } = &self.setup;
        let blocks = cached.iter().map(|page| page.index + 1).max().unwrap_or(1);
        Machine::new(objects, *kernel, *config, 1, blocks, cached)
    }

    fn thread(&self, machine: &Machine, cpu: &Cpu) -> Result<(), Halt> {
        self.setup.bodies[cpu.thread().index()](&Current::new(cpu, machine))
    }

    fn end(&self, machine: &Machine, ending: Ending) -> Vec<Violation> {
        let mut state = self.recorder.state();
        let pages = &machine.pages;
        state.current.ending = Some(ending);
        state.current.references = pages.iter().map(|page| page.refcount.at_end()).collect();
        state.current.flags = pages
            .iter()
            .map(|page| page.flags.at_end(|bits, _| bits))
            .collect();
        Vec::new()
    }
}

#[derive(Default)]
struct Recorder(Mutex<State>);

#[derive(Default)]
struct State {
    current: Execution,
    past: Vec<Execution>,
}

impl Recorder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recorder {
    fn begin(&self) -> bool {
        self.state().current = Execution::default();
        true
    }

    fn step(&self, step: &Step) {
        self.state().current.woken.extend(step.wakes);
    }

    fn wants_detail(&self) -> bool {
        true
    }

    fn detail(&self, _thread: ThreadId, detail: Detail) {
        let operation = (detail.operation, detail.object.field);
        self.state().current.operations.push(operation);
    }

    fn violation(&self, violation: Violation) {
        let mut state = self.state();
        state.current.kinds.push(violation.kind);
        state.current.about.push(violation.about);
    }

    fn end(&self) -> Vec<Alternative> {
        let mut state = self.state();
        let execution = std::mem::take(&mut state.current);
        state.past.push(execution);
        Vec::new()
    }
}
