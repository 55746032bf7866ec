//! Random schedules: shuttle's schedulers choose who runs.
//!
//! Who cannot run is not left to shuttle. A thread parked there may wake for no
//! reason, and `unpark` is a scheduling point, at which none of the harness's
//! own locks may be held. So a thread that waits stays runnable to shuttle, and
//! is hidden from the scheduler until another thread lets it go on. To the
//! scheduler it looks blocked, which is all that PCT's priorities need.

use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::panic;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Schedule, Task, TaskId};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use super::engine::{Engine, EngineError, MAX_BRANCHES, builder, run_thread};
use super::run::Run;
use super::{Objects, Observer, Program, ThreadId};

/// How the next thread is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// Before each step, any thread that can run, each as likely as the others.
    Random {
        /// The same seed gives the same executions in the same order.
        seed: u64,
    },
    /// Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): the
    /// thread of highest priority runs. Priorities are random, and at a few
    /// random points, one less than `depth`, the running thread gets the
    /// lowest. Of n threads that take k steps, one execution hits a bug of
    /// depth d with a probability of at least 1 / (n k^(d-1)).
    Pct {
        /// The same seed gives the same executions in the same order.
        seed: u64,
        /// How many constraints on the order of steps a bug may need.
        depth: NonZeroUsize,
    },
}

/// shuttle prefers the seed in this variable to the one it is given.
const SEED_VARIABLE: &str = "SHUTTLE_RANDOM_SEED";

/// What a model thread needs at most, with what a report formats.
const STACK_SIZE: usize = 128 * 1024;

/// A seed from the environment would make every reported seed a lie.
pub(super) fn refuse_foreign_seed() -> Result<(), EngineError> {
    match std::env::var_os(SEED_VARIABLE) {
        None => Ok(()),
        Some(_) => Err(EngineError {
            message: format!("{SEED_VARIABLE} is set, and would replace the seed"),
        }),
    }
}

/// A scheduling point. Not `yield_now`, after which PCT gives the thread the
/// lowest priority: shuttle's sleep is a plain switch, and nothing else.
pub(super) fn switch() {
    shuttle::thread::sleep(Duration::ZERO);
}

/// Executes `program` on random schedules until the observer has had enough.
pub(super) fn run<P: Program>(
    scheduler: Scheduler,
    program: &Arc<P>,
    observer: &Arc<dyn Observer>,
) {
    keep_panic_hook();
    let current = Arc::new(Current::default());
    let chooser = Chooser {
        policy: Policy::new(scheduler, program.threads()),
        observer: observer.clone(),
        current: current.clone(),
    };
    let engine = Engine::Shuttle(scheduler);
    let (program, observer) = (program.clone(), observer.clone());
    Runner::new(chooser, config()).run(move || {
        let threads = program.threads();
        let run = Arc::new(Run::new(engine, observer.clone(), threads));
        let state = Arc::new(program.start(&mut Objects::new(engine)));
        *current.run() = Some(run.clone());
        // In order, so that shuttle numbers its tasks as the model numbers its
        // threads; the root is the first, as under loom. An execution lasts
        // until all of them have ended, joined or not.
        for thread in 1..threads {
            let (run, program, state) = (run.clone(), program.clone(), state.clone());
            let body = move || run_thread(&run, &*program, &state, ThreadId(thread as u8));
            shuttle::thread::spawn(body);
        }
        run_thread(&run, &*program, &state, ThreadId(0));
    });
}

/// shuttle puts a panic hook before the one there is, once, which talks of its
/// own tasks whatever has panicked: even loom's way to stop a coroutine, which
/// loom's coroutines have a hook to keep silent. So shuttle gets to install
/// its hook in an execution of nothing, and then the old one is put back. An
/// execution of nothing under loom makes sure that its hook is there before.
fn keep_panic_hook() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| {
        builder(None).check(|| {});
        let hook = panic::take_hook();
        Runner::new(RandomScheduler::new_from_seed(0, 1), config()).run(|| {});
        panic::set_hook(hook);
    });
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_SIZE;
    config.max_steps = MaxSteps::FailAfter(MAX_BRANCHES);
    // A seed and the number of an execution say all that a schedule would.
    config.failure_persistence = FailurePersistence::None;
    config
}

/// The execution that is under way, as the scheduler must know it.
#[derive(Default)]
struct Current(Mutex<Option<Arc<Run>>>);

impl Current {
    fn run(&self) -> MutexGuard<'_, Option<Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// shuttle's schedulers.
enum Policy {
    /// Never dropped: it holds nothing, and its drop takes a search that ends
    /// before its last execution for a failure, and prints so.
    Random(ManuallyDrop<RandomScheduler>),
    Pct(PctScheduler),
}

impl Policy {
    /// One thread alone has one schedule, of which PCT wants to know nothing:
    /// it panics.
    fn new(scheduler: Scheduler, threads: usize) -> Policy {
        match scheduler {
            Scheduler::Pct { seed, depth } if threads > 1 => {
                Policy::Pct(PctScheduler::new_from_seed(seed, depth.get(), usize::MAX))
            }
            Scheduler::Pct { seed, .. } | Scheduler::Random { seed } => Policy::Random(
                ManuallyDrop::new(RandomScheduler::new_from_seed(seed, usize::MAX)),
            ),
        }
    }

    fn scheduler(&mut self) -> &mut dyn shuttle::scheduler::Scheduler {
        match self {
            Policy::Random(random) => &mut **random,
            Policy::Pct(pct) => pct,
        }
    }
}

/// Lets the policy choose among the threads that do not wait.
struct Chooser {
    policy: Policy,
    observer: Arc<dyn Observer>,
    current: Arc<Current>,
}

impl shuttle::scheduler::Scheduler for Chooser {
    fn new_execution(&mut self) -> Option<Schedule> {
        // The root is chosen once before it has made the next run.
        *self.current.run() = None;
        if self.observer.begin() {
            self.policy.scheduler().new_execution()
        } else {
            None
        }
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let run = self.current.run();
        let able: Vec<&Task> = runnable
            .iter()
            .copied()
            .filter(|task| {
                run.as_ref()
                    .is_none_or(|run| run.can_run(usize::from(task.id())))
            })
            .collect();
        // Someone always can: when the last one stops, all who wait are freed.
        self.policy
            .scheduler()
            .next_task(&able, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.policy.scheduler().next_u64()
    }
}
