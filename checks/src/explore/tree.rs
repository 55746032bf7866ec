//! The executions of a small search, one by one: what there is to see of how
//! the explorer works.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stalewake_model::sync::{
    Alternative, Detail, Engine, Footprint, ObjectId, Observer, Step, ThreadId, execute,
};
use stalewake_model::violation::{Kind, Violation};

use super::observe::Explorer;
use super::{Options, Progress};
use crate::cell::Cell;
use crate::program::CellProgram;
use crate::verdict::Status;

/// One execution of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Its steps, in their order.
    pub steps: Vec<Taken>,
    /// What went wrong in it.
    pub kinds: BTreeSet<Kind>,
    /// It was given up: all that could have followed is equivalent to what has
    /// been explored.
    pub redundant: bool,
}

/// A step of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    /// Who took it.
    pub thread: ThreadId,
    /// The kernel function that it is in, the innermost.
    pub function: &'static str,
    /// What was done.
    pub operation: &'static str,
    /// To which part of an object.
    pub field: &'static str,
}

/// The executions of the reduced search of a cell, in the order in which they
/// are explored, but no more than `most`. The other value is whether these are
/// all of them.
///
/// # Errors
/// With the reason, when the search breaks down.
pub fn paths(cell: &Cell, most: u64) -> Result<(Vec<Path>, bool), String> {
    let options = Options {
        max_executions: Some(most),
        ..Options::default()
    };
    let program = Arc::new(CellProgram::new(cell));
    let recorder = Arc::new(Recorder {
        explorer: Explorer::new(options, Arc::<Progress>::default()),
        state: Mutex::default(),
    });
    let observer: Arc<dyn Observer> = recorder.clone();
    execute(Engine::Reduced, &program, &observer).map_err(|error| error.to_string())?;
    match recorder.explorer.finish().checked().status {
        Status::Error(reason) => Err(reason),
        status => {
            let paths = std::mem::take(&mut recorder.state().paths);
            Ok((paths, status == Status::Complete))
        }
    }
}

/// Explores, and remembers every execution.
struct Recorder {
    explorer: Explorer,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    paths: Vec<Path>,
    current: Path,
}

impl Recorder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Recorder {
    fn begin(&self) -> bool {
        self.state().current = Path::default();
        self.explorer.begin()
    }

    fn stands_back(&self, thread: ThreadId) -> bool {
        self.explorer.stands_back(thread)
    }

    fn step(&self, step: &Step) {
        self.explorer.step(step);
    }

    fn wants_detail(&self) -> bool {
        true
    }

    fn detail(&self, thread: ThreadId, detail: Detail) {
        self.state().current.steps.push(Taken {
            thread,
            function: detail.calls.last().copied().unwrap_or_default(),
            operation: detail.operation,
            field: detail.object.field,
        });
    }

    fn violation(&self, violation: Violation) {
        self.state().current.kinds.insert(violation.kind);
        self.explorer.violation(violation);
    }

    fn blocked(&self, thread: ThreadId, object: ObjectId, footprint: Footprint) {
        self.explorer.blocked(thread, object, footprint);
    }

    fn abandoned(&self) {
        self.state().current.redundant = true;
        self.explorer.abandoned();
    }

    fn end(&self) -> Vec<Alternative> {
        let mut state = self.state();
        let path = std::mem::take(&mut state.current);
        state.paths.push(path);
        drop(state);
        self.explorer.end()
    }
}
