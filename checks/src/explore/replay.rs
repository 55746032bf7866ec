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
    /// The engine broke down.
    #[error("the replay broke down: {0}")]
    Broken(String),
}

/// Runs a schedule of a cell again.
///
/// # Errors
/// When the cell has no such schedule.
pub fn replay(cell: &Cell, schedule: &[ThreadId]) -> Result<Recording, ReplayError> {
    let names = cell.scenario.variant(&cell.parameters).threads.iter();
    let threads = names.map(|thread| thread.name.clone()).collect();
    replay_program(&Arc::new(CellProgram::new(cell)), threads, schedule)
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
        schedule: schedule.to_vec(),
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

/// An observer that lets only the thread run whose turn the schedule says it
/// is, and writes down what it does.
struct Script {
    schedule: Vec<ThreadId>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    started: bool,
    abandoned: bool,
    position: usize,
    last: Option<Step>,
    events: Vec<Event>,
}

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Script {
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.state().started, true)
    }

    fn stands_back(&self, thread: ThreadId) -> bool {
        self.schedule
            .get(self.state().position)
            .is_some_and(|next| *next != thread)
    }

    fn step(&self, step: &Step) {
        let mut state = self.state();
        state.position += 1;
        state.last = Some(*step);
    }

    fn wants_detail(&self) -> bool {
        true
    }

    fn detail(&self, thread: ThreadId, detail: Detail) {
        let mut state = self.state();
        let step = state.last.take();
        let wakes = step.and_then(|step| step.wakes);
        let sleeps = step.is_some_and(|step| step.sleeps);
        state.events.push(Event::Step {
            thread,
            detail,
            wakes,
            sleeps,
        });
    }

    fn barrier(&self, thread: ThreadId, name: &'static str, calls: &[&'static str]) {
        self.state().events.push(Event::Barrier {
            thread,
            name,
            calls: calls.to_vec(),
        });
    }

    fn violation(&self, violation: Violation) {
        self.state().events.push(Event::Violation(violation));
    }

    fn abandoned(&self) {
        self.state().abandoned = true;
    }

    fn end(&self) -> Vec<Alternative> {
        Vec::new()
    }
}
