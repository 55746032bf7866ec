//! Running one given schedule again, and writing down what happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stalewake_model::sync::{
    Alternative, Detail, Engine, Observer, Program, Step, ThreadId, execute,
};
use stalewake_model::violation::Violation;

use super::{Event, Recording};
use crate::cell::Cell;
use crate::program::CellProgram;

/// A schedule could not be run again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The thread whose turn it is cannot run.
    #[error("the schedule cannot be followed beyond step {step}: it is not one of this cell")]
    CannotFollow {
        /// The number of the last step that could be taken.
        step: usize,
    },
    /// The search is over before.
    #[error("there is no execution {number}: the search has only {of}")]
    NoExecution {
        /// The number asked for.
        number: u64,
        /// How many there are.
        of: u64,
    },
    /// The engine broke down.
    #[error("the replay broke down: {0}")]
    Broken(String),
}

/// Runs a schedule of a cell again.
///
/// # Errors
/// When the cell has no such schedule.
pub fn replay(cell: &Cell, schedule: &[ThreadId]) -> Result<Recording, ReplayError> {
    let program = Arc::new(CellProgram::new(cell));
    replay_program(&program, thread_names(cell), schedule)
}

/// Runs a schedule of any program again.
///
/// # Errors
/// When the program has no such schedule.
pub fn replay_program<P: Program>(
    program: &Arc<P>,
    threads: Vec<String>,
    schedule: &[ThreadId],
) -> Result<Recording, ReplayError> {
    let script = Arc::new(Script {
        turns: Turns::Schedule(schedule.to_vec()),
        state: Mutex::default(),
    });
    let observer: Arc<dyn Observer> = script.clone();
    execute(Engine::Reduced, program, &observer)
        .map_err(|error| ReplayError::Broken(error.to_string()))?;
    let mut state = script.state();
    if state.abandoned || state.position < schedule.len() {
        return Err(ReplayError::CannotFollow {
            step: state.position,
        });
    }
    Ok(Recording {
        threads,
        events: std::mem::take(&mut state.events),
    })
}

/// Runs the execution of that number, from 1, of a search in weak memory again,
/// after all that come before it: what a thread reads there is loom's choice.
///
/// # Errors
/// When the search has not so many executions.
pub fn replay_weak(
    cell: &Cell,
    bound: Option<u8>,
    companions: bool,
    execution: u64,
) -> Result<Recording, ReplayError> {
    let script = Arc::new(Script {
        turns: Turns::Execution(execution),
        state: Mutex::default(),
    });
    let observer: Arc<dyn Observer> = script.clone();
    let engine = Engine::Weak { bound, companions };
    execute(engine, &Arc::new(CellProgram::new(cell)), &observer)
        .map_err(|error| ReplayError::Broken(error.to_string()))?;
    let mut state = script.state();
    if state.executions < execution {
        return Err(ReplayError::NoExecution {
            number: execution,
            of: state.executions,
        });
    }
    Ok(Recording {
        threads: thread_names(cell),
        events: std::mem::take(&mut state.events),
    })
}

fn thread_names(cell: &Cell) -> Vec<String> {
    let threads = cell.scenario.variant(&cell.parameters).threads.iter();
    threads.map(|thread| thread.name.clone()).collect()
}

/// Which execution to write down.
enum Turns {
    /// The one in which the threads take their steps in this order.
    Schedule(Vec<ThreadId>),
    /// The one of this number, from 1.
    Execution(u64),
}

/// An observer that lets only the thread run whose turn the schedule says it
/// is, if there is one, and writes down what it does.
struct Script {
    turns: Turns,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many have begun.
    executions: u64,
    abandoned: bool,
    position: usize,
    last: Option<Step>,
    /// The step that comes next reads an old value.
    stale: bool,
    events: Vec<Event>,
}

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the current execution is the one that is wanted.
    fn is_written_down(&self) -> bool {
        match self.turns {
            Turns::Schedule(_) => true,
            Turns::Execution(number) => self.state().executions == number,
        }
    }
}

impl Observer for Script {
    fn begin(&self) -> bool {
        let mut state = self.state();
        let last = match self.turns {
            Turns::Schedule(_) => 1,
            Turns::Execution(number) => number,
        };
        let more = state.executions < last;
        state.executions += u64::from(more);
        more
    }

    fn stands_back(&self, thread: ThreadId) -> bool {
        match &self.turns {
            Turns::Schedule(schedule) => schedule
                .get(self.state().position)
                .is_some_and(|next| *next != thread),
            Turns::Execution(_) => false,
        }
    }

    fn step(&self, step: &Step) {
        let mut state = self.state();
        state.position += 1;
        state.last = Some(*step);
    }

    fn wants_detail(&self) -> bool {
        self.is_written_down()
    }

    fn stale_read(&self) {
        self.state().stale = true;
    }

    fn detail(&self, thread: ThreadId, detail: Detail) {
        let mut state = self.state();
        let step = state.last.take();
        let wakes = step.and_then(|step| step.wakes);
        let sleeps = step.is_some_and(|step| step.sleeps);
        let stale = std::mem::take(&mut state.stale);
        state.events.push(Event::Step {
            thread,
            detail,
            wakes,
            sleeps,
            stale,
        });
    }

    fn barrier(&self, thread: ThreadId, name: &'static str, calls: &[&'static str]) {
        if self.is_written_down() {
            self.state().events.push(Event::Barrier {
                thread,
                name,
                calls: calls.to_vec(),
            });
        }
    }

    fn violation(&self, violation: Violation) {
        if self.is_written_down() {
            self.state().events.push(Event::Violation(violation));
        }
    }

    fn abandoned(&self) {
        self.state().abandoned = true;
    }

    fn end(&self) -> Vec<Alternative> {
        Vec::new()
    }
}
