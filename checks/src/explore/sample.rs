//! Running a cell on some of its schedules, and counting what they show.
//!
//! A sample finds what an exploration cannot hold, and proves nothing: what it
//! has not seen may still happen.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stalewake_model::sync::{
    Alternative, Engine, EngineError, Observer, Program, Scheduler, Step, execute,
};
use stalewake_model::violation::{Kind, Violation};

use crate::cell::Cell;
use crate::program::CellProgram;

/// Who chooses the schedules of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampler {
    /// The machine: native threads, which offer to stop before each step.
    Native,
    /// Before each step, any thread that can run, each as likely as the others.
    Random {
        /// The same seed gives the same executions in the same order.
        seed: u64,
    },
    /// Probabilistic concurrency testing: priorities, with a few random changes.
    Pct {
        /// The same seed gives the same executions in the same order.
        seed: u64,
        /// How many constraints on the order of steps a violation may need.
        depth: NonZeroUsize,
    },
}

impl Sampler {
    /// The name used on the command line, in tables and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Sampler::Native => "native",
            Sampler::Random { .. } => "random",
            Sampler::Pct { .. } => "pct",
        }
    }

    /// The seed; the machine has none.
    pub const fn seed(self) -> Option<u64> {
        match self {
            Sampler::Native => None,
            Sampler::Random { seed } | Sampler::Pct { seed, .. } => Some(seed),
        }
    }

    /// How many constraints on the order of steps PCT allows for.
    pub const fn depth(self) -> Option<usize> {
        match self {
            Sampler::Pct { depth, .. } => Some(depth.get()),
            Sampler::Native | Sampler::Random { .. } => None,
        }
    }

    fn engine(self) -> Engine {
        match self {
            Sampler::Native => Engine::Native,
            Sampler::Random { seed } => Engine::Shuttle(Scheduler::Random { seed }),
            Sampler::Pct { seed, depth } => Engine::Shuttle(Scheduler::Pct { seed, depth }),
        }
    }
}

/// When a sample is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// After so many executions: with a seed, always the same ones.
    Executions(u64),
    /// After so much time; an execution that has begun is finished.
    Time(Duration),
}

/// How to sample, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleOptions {
    /// Who chooses the schedules.
    pub sampler: Sampler,
    /// When to stop.
    pub enough: Enough,
}

/// What a sample of the schedules of a cell has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Who chose the schedules.
    pub sampler: Sampler,
    /// How many executions there were. Several may have had the same schedule.
    pub executions: u64,
    /// In how many of them each kind happened.
    pub found: BTreeMap<Kind, u64>,
    /// Wall-clock time.
    pub elapsed: Duration,
}

/// Samples the schedules of one cell.
///
/// # Errors
/// When the engine breaks down, or when the environment would replace the seed.
pub fn sample(cell: &Cell, options: &SampleOptions) -> Result<Sample, EngineError> {
    sample_program(&Arc::new(CellProgram::new(cell)), options)
}

/// Samples the schedules of any program of shared operations.
///
/// # Errors
/// When the engine breaks down, or when the environment would replace the seed.
pub fn sample_program<P: Program>(
    program: &Arc<P>,
    options: &SampleOptions,
) -> Result<Sample, EngineError> {
    let tally = Arc::new(Tally {
        start: Instant::now(),
        enough: options.enough,
        counts: Mutex::default(),
    });
    let observer: Arc<dyn Observer> = tally.clone();
    execute(options.sampler.engine(), program, &observer)?;
    let mut counts = tally.counts();
    Ok(Sample {
        sampler: options.sampler,
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
