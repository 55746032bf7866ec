//! How a program is executed: under loom, under shuttle, or on native threads.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, OnceLock};

use super::random::{self, Scheduler};
use super::run::Run;
use super::{Cpu, Objects, Observer, Program, ThreadId};

/// What executes a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// loom, branching only where the observer asks for it.
    Reduced,
    /// loom with one loom object per shared object, branching wherever two
    /// threads use the same one.
    Plain {
        /// loom's preemption bound, which makes the search partial.
        bound: Option<u8>,
    },
    /// loom with weak memory: loads and stores are loom's own, with the
    /// kernel's orderings. loom's search misses schedules of plain loads.
    Weak {
        /// loom's preemption bound, which makes the search partial.
        bound: Option<u8>,
        /// Do a relaxed RMW of a companion atomic before each access of a
        /// word, so that loom sees every race between threads.
        companions: bool,
    },
    /// shuttle, one schedule an execution, chosen at random.
    Shuttle(Scheduler),
    /// Native threads, one schedule an execution, whichever comes.
    Native,
}

/// Why an exploration ended that should not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What the panic said.
    pub message: String,
}

/// The payload with which a search is ended from inside.
struct Enough;

/// A path is as long as the steps of an execution, with what lies between
/// them: blocked attempts, the ends of threads, the asking for alternatives.
pub(super) const MAX_BRANCHES: usize = 4 * super::MAX_STEPS;

/// Executes `program` again and again, until every schedule that is to be
/// explored was, or until the observer has had enough.
///
/// # Errors
/// When the program, loom or shuttle panics, or when the environment would
/// replace the seed of a random search.
pub fn execute<P: Program>(
    engine: Engine,
    program: &Arc<P>,
    observer: &Arc<dyn Observer>,
) -> Result<(), EngineError> {
    if matches!(engine, Engine::Shuttle(_)) {
        random::refuse_foreign_seed()?;
    }
    let search = || match engine {
        Engine::Reduced => explore(engine, None, program, observer),
        Engine::Plain { bound } | Engine::Weak { bound, .. } => {
            explore(engine, bound, program, observer);
        }
        Engine::Shuttle(scheduler) => random::run(scheduler, program, observer),
        Engine::Native => run_native(program, observer),
    };
    match catch_unwind(AssertUnwindSafe(search)) {
        Ok(()) => Ok(()),
        Err(payload) if payload.is::<Enough>() => Ok(()),
        Err(payload) => Err(EngineError {
            message: message_of(payload.as_ref()),
        }),
    }
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("the exploration panicked")
        .to_owned()
}

fn explore<P: Program>(
    engine: Engine,
    bound: Option<u8>,
    program: &Arc<P>,
    observer: &Arc<dyn Observer>,
) {
    let (program, observer) = (program.clone(), observer.clone());
    builder(bound).check(move || {
        if !observer.begin() {
            resume_unwind(Box::new(Enough));
        }
        let threads = program.threads();
        let run = Arc::new(Run::new(engine, observer.clone(), threads));
        let state = Arc::new(program.start(&mut Objects::new(engine)));
        // The first thread is loom's root: each thread costs loom a fresh
        // coroutine, which is most of the cost of a short execution.
        let others = (1..threads).map(|thread| {
            let (run, program, state) = (run.clone(), program.clone(), state.clone());
            let body = move || run_thread(&run, &*program, &state, ThreadId(thread as u8));
            loom::thread::spawn(body).thread().clone()
        });
        run.set_handles(
            [loom::thread::current()]
                .into_iter()
                .chain(others)
                .collect(),
        );
        run_thread(&run, &*program, &state, ThreadId(0));
    });
}

pub(super) fn run_thread<P: Program>(
    run: &Arc<Run>,
    program: &P,
    state: &P::State,
    thread: ThreadId,
) {
    let cpu = Cpu::new(run.clone(), thread);
    // How the thread ended was reported where it happened.
    let _ = program.thread(state, &cpu);
    run.finish(thread, |ending| program.end(state, ending));
}

/// loom's own defaults come from `LOOM_*` variables of the environment, which
/// would silently weaken a search: every field is set here.
pub(super) fn builder(bound: Option<u8>) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.max_threads = loom::MAX_THREADS;
    builder.max_branches = MAX_BRANCHES;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = bound.map(usize::from);
    builder.checkpoint_file = None;
    builder.checkpoint_interval = usize::MAX;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder
}

fn run_native<P: Program>(program: &Arc<P>, observer: &Arc<dyn Observer>) {
    while observer.begin() {
        let threads = program.threads();
        let run = Arc::new(Run::new(Engine::Native, observer.clone(), threads));
        let state = program.start(&mut Objects::new(Engine::Native));
        // Who waits for a thread that could not be started would wait for ever:
        // nobody begins before all of them are there.
        let all_there = OnceLock::<bool>::new();
        std::thread::scope(|scope| {
            let (run, state, all_there) = (&run, &state, &all_there);
            let start = |thread| {
                let thread = ThreadId(thread as u8);
                let body = move || {
                    if !*all_there.wait() {
                        return Ok(());
                    }
                    let body = || run_thread(run, &**program, state, thread);
                    catch_unwind(AssertUnwindSafe(body)).inspect_err(|_| run.panicked(thread))
                };
                std::thread::Builder::new().spawn_scoped(scope, body)
            };
            let started: io::Result<Vec<_>> = (0..threads).map(start).collect();
            all_there.get_or_init(|| started.is_ok());
            match started {
                Ok(threads) => threads
                    .into_iter()
                    .try_for_each(|thread| thread.join().flatten()),
                Err(error) => Err(Box::new(format!("no thread can be started: {error}")) as _),
            }
        })
        .unwrap_or_else(|payload| resume_unwind(payload));
    }
}
