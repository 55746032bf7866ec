//! What of a scenario and of the model was reached at all.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use stalewake_model::coverage::Branch;
use stalewake_model::sync::{MAX_THREADS, ThreadId};

/// A step of a scenario: a thread and the number of the step there, from 0.
pub type StepPlace = (ThreadId, usize);

/// What was reached in some execution of a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The branches that were taken.
    pub branches: BTreeSet<Branch>,
    /// The steps that never came to their end, nor to a fatal one.
    pub never_ran: BTreeSet<StepPlace>,
}

impl Coverage {
    /// What was reached in either of two parts of the same cell, or in either
    /// of two kernels.
    pub fn join(&mut self, other: &Coverage) {
        self.branches.extend(&other.branches);
        self.never_ran.retain(|step| other.never_ran.contains(step));
    }
}

/// The steps that ran, a bit for each step of each thread.
#[derive(Debug, Default)]
pub(crate) struct Steps([AtomicU32; MAX_THREADS]);

impl Steps {
    pub(crate) fn note(&self, (thread, step): StepPlace) {
        self.0[thread.index()].fetch_or(1 << step, Ordering::Relaxed);
    }

    pub(crate) fn has(&self, (thread, step): StepPlace) -> bool {
        self.0[thread.index()].load(Ordering::Relaxed) & 1 << step != 0
    }

    /// Adds the steps that ran in another execution.
    pub(crate) fn add(&self, other: &Steps) {
        for (mine, theirs) in self.0.iter().zip(&other.0) {
            mine.fetch_or(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}
