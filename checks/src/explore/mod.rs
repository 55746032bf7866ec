//! Exploring every schedule of a cell.
//!
//! The explorer knows nothing of pages: it sees the steps of a program, each
//! with its footprint, and asks loom for the schedules that could show
//! something new.

mod causality;
mod clock;
mod dpor;
mod estimate;
mod follow;
mod observe;
mod progress;
mod recording;
mod replay;
mod sample;
mod split;
mod tree;
mod witness;

use std::sync::Arc;
use std::time::Instant;

use stalewake_model::sync::{Engine, Observer, Program, execute};

pub use follow::{Followed, Instead, Pair, Stop, follow};
pub use observe::Findings;
pub use progress::{Progress, Snapshot};
pub use recording::{Event, Recording};
pub use replay::{ReplayError, replay, replay_program, replay_weak};
pub use sample::{Enough, Sample, SampleOptions, Sampler, sample, sample_program};
pub use split::{Claims, NoShard, Shard, Split};
pub use tree::{Path, Taken, paths};

use crate::cell::Cell;
use crate::program::CellProgram;
use crate::verdict::{Figures, Search, Status, Verdict};
use observe::Explorer;

/// How to explore, and how much.
#[derive(Clone, Debug)]
pub struct Options {
    /// How the schedules are searched.
    pub search: Search,
    /// End the search after so many executions.
    pub max_executions: Option<u64>,
    /// End the search at the first execution that would start later than this.
    /// A moment and not a length of time, so that searches can share it.
    pub deadline: Option<Instant>,
    /// Which part of the search to do, and with whom to share it. Only of the
    /// reduced search.
    pub split: Split,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            search: Search::Reduced,
            max_executions: None,
            deadline: None,
            split: Split::default(),
        }
    }
}

/// Explores one cell.
pub fn explore(cell: &Cell, options: &Options, progress: &Arc<Progress>) -> Verdict {
    let program = Arc::new(CellProgram::new(cell));
    let findings = explore_program(&program, options, progress);
    Verdict::new(cell.clone(), options, findings, program.coverage())
}

/// Explores any program of shared operations. It shares the search with nobody,
/// so that options can be used again.
pub fn explore_program<P: Program>(
    program: &Arc<P>,
    options: &Options,
    progress: &Arc<Progress>,
) -> Findings {
    let alone = Options {
        split: options.split.afresh(),
        ..options.clone()
    };
    let findings = explore_part(program, &alone, progress);
    if alone.split.shard.is_whole() {
        findings.checked()
    } else {
        findings
    }
}

/// Explores what of a program no other worker of the same [`Split`] explores.
/// The findings of all of them are to be put together, and then
/// [checked](Findings::checked).
pub fn explore_part<P: Program>(
    program: &Arc<P>,
    options: &Options,
    progress: &Arc<Progress>,
) -> Findings {
    let engine = match options.search {
        Search::Reduced => Engine::Reduced,
        Search::Plain => Engine::Plain { bound: None },
        Search::Bounded(bound) => Engine::Plain { bound: Some(bound) },
        Search::Weak { bound, companions } => Engine::Weak { bound, companions },
    };
    let start = Instant::now();
    let explorer = Arc::new(Explorer::new(options.clone(), progress.clone()));
    let observer: Arc<dyn Observer> = explorer.clone();
    let ended = execute(engine, program, &observer);
    let mut findings = explorer.finish();
    if let Err(error) = ended {
        findings.status = Status::Error(error.to_string());
    }
    findings.figures = Figures {
        elapsed: start.elapsed(),
        ..findings.figures
    };
    findings
}

#[cfg(test)]
mod tests;
