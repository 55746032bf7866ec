//! Running a cell on some of its schedules, and counting what they show.
//!
//! A sample finds what an exploration cannot hold, and proves nothing: what it
//! has not seen may still happen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stalewake_model::sync::{Alternative, Engine, EngineError, Observer, Step, execute};
use stalewake_model::violation::{Kind, Violation};

use crate::cell::Cell;
use crate::program::CellProgram;

/// When a sample is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// After so many executions.
    Executions(u64),
    /// After so much time; an execution that has begun is finished.
    Time(Duration),
}

/// What a sample of the schedules of a cell has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How many executions there were. Several may have had the same schedule.
    pub executions: u64,
    /// In how many of them each kind happened.
    pub found: BTreeMap<Kind, u64>,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// Runs one cell on native threads, again and again: the machine chooses the
/// schedules.
///
/// # Errors
/// When a thread panics.
pub fn stress(cell: &Cell, enough: Enough) -> Result<Sample, EngineError> {
    let program = Arc::new(CellProgram::new(cell));
    let tally = Arc::new(Tally {
        start: Instant::now(),
        enough,
        counts: Mutex::default(),
    });
    let observer: Arc<dyn Observer> = tally.clone();
    execute(Engine::Native, &program, &observer)?;
    let mut counts = tally.counts();
    Ok(Sample {
        executions: counts.executions,
        found: std::mem::take(&mut counts.found),
        elapsed: tally.start.elapsed(),
    })
}

/// An observer that only counts.
struct Tally {
    start: Instant,
    enough: Enough,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    executions: u64,
    /// The kinds that the current execution has shown.
    kinds: BTreeSet<Kind>,
    found: BTreeMap<Kind, u64>,
}

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Tally {
    fn begin(&self) -> bool {
        match self.enough {
            Enough::Executions(most) => self.counts().executions < most,
            Enough::Time(time) => self.start.elapsed() < time,
        }
    }

    fn step(&self, _step: &Step) {}

    fn violation(&self, violation: Violation) {
        self.counts().kinds.insert(violation.kind);
    }

    fn end(&self) -> Vec<Alternative> {
        let mut counts = self.counts();
        counts.executions += 1;
        for kind in std::mem::take(&mut counts.kinds) {
            *counts.found.entry(kind).or_default() += 1;
        }
        Vec::new()
    }
}
