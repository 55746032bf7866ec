//! What an exploration has seen so far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stalewake_model::sync::{Alternative, Footprint, ObjectId, Observer, Step, ThreadId};
use stalewake_model::violation::{Kind, Violation};

use super::dpor::Dpor;
use super::{Options, Progress, Snapshot};
use crate::verdict::{Figures, Reachable, Search, Status, Witness};

/// How many executions pass between two snapshots.
const SNAPSHOT_EVERY: u64 = 256;

/// The result of an exploration.
#[derive(Clone, Debug)]
pub struct Findings {
    /// How it ended.
    pub status: Status,
    /// Every kind found, in the order of [`Kind::ALL`].
    pub reachable: Vec<Reachable>,
    /// What it cost.
    pub figures: Figures,
}

/// The observer of an exploration.
pub(super) struct Explorer {
    options: Options,
    progress: Arc<Progress>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    dpor: Dpor,
    /// The steps of the current execution, where the reduction does not keep
    /// them anyway.
    steps: Vec<Step>,
    /// The kinds that the current execution has shown.
    kinds: BTreeSet<Kind>,
    abandoned: bool,
    out_of_budget: bool,
    found: BTreeMap<Kind, (u64, Witness)>,
    /// Kinds that an execution showed which was abandoned later: if no other
    /// shows them, the reduction has lost something.
    found_in_redundant: BTreeSet<Kind>,
    figures: Figures,
}

impl Explorer {
    pub(super) fn new(options: Options, progress: Arc<Progress>) -> Explorer {
        Explorer {
            options,
            progress,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_reduced(&self) -> bool {
        self.options.search == Search::Reduced
    }

    /// The result, once the engine has returned.
    pub(super) fn finish(&self) -> Findings {
        let mut state = self.state();
        self.publish(&state);
        let status = if state.out_of_budget {
            Status::Incomplete
        } else if let Err(error) = state.dpor.finish() {
            Status::Error(error.to_string())
        } else if let Some(kind) = state.lost_kind() {
            Status::Error(format!("`{kind}` was seen only in redundant executions"))
        } else {
            Status::Complete
        };
        let reachable = std::mem::take(&mut state.found)
            .into_iter()
            .map(|(kind, (traces, witness))| Reachable {
                kind,
                traces,
                witness,
            })
            .collect();
        Findings {
            status,
            reachable,
            figures: state.figures,
        }
    }

    fn publish(&self, state: &State) {
        self.progress.store(Snapshot {
            executions: state.figures.executions,
            redundant: state.figures.redundant,
            operations: state.figures.operations,
            kinds: state.found.len(),
        });
    }
}

impl State {
    fn lost_kind(&self) -> Option<Kind> {
        self.found_in_redundant
            .iter()
            .copied()
            .find(|kind| !self.found.contains_key(kind))
    }

    /// Counts the execution that has just ended.
    fn count(&mut self, steps: &[Step]) {
        self.figures.executions += 1;
        self.figures.operations = self.figures.operations.max(steps.len());
        let kinds = std::mem::take(&mut self.kinds);
        if self.abandoned {
            self.figures.redundant += 1;
            self.found_in_redundant.extend(kinds);
            return;
        }
        if kinds.is_empty() {
            return;
        }
        let preemptions = preemptions(steps);
        for kind in kinds {
            let witness = || Witness {
                schedule: steps.iter().map(|step| step.thread).collect(),
                preemptions,
            };
            let (traces, best) = self.found.entry(kind).or_insert_with(|| (0, witness()));
            *traces += 1;
            if (preemptions, steps.len()) < (best.preemptions, best.schedule.len()) {
                *best = witness();
            }
        }
    }
}

/// How often a thread is made to stop that could have gone on.
fn preemptions(steps: &[Step]) -> usize {
    (1..steps.len())
        .filter(|now| {
            let before = steps[now - 1];
            before.thread != steps[*now].thread
                && !before.sleeps
                && steps[*now..]
                    .iter()
                    .find(|later| later.thread == before.thread)
                    // Not possible before something that is yet to come: a
                    // lock is held, a mailbox is empty.
                    .is_some_and(|next| next.after.is_none_or(|enabler| enabler < *now))
        })
        .count()
}

impl Observer for Explorer {
    fn begin(&self) -> bool {
        let mut state = self.state();
        if state.dpor.error().is_some() {
            return false;
        }
        if self
            .options
            .max_executions
            .is_some_and(|most| state.figures.executions >= most)
        {
            state.out_of_budget = true;
            return false;
        }
        state.dpor.begin();
        state.steps.clear();
        state.kinds.clear();
        state.abandoned = false;
        true
    }

    fn stands_back(&self, thread: ThreadId) -> bool {
        self.state().dpor.is_asleep(thread)
    }

    fn step(&self, step: &Step) {
        let mut state = self.state();
        if self.is_reduced() {
            state.dpor.step(step);
        } else {
            state.steps.push(*step);
        }
    }

    fn blocked(&self, thread: ThreadId, object: ObjectId, footprint: Footprint) {
        if self.is_reduced() {
            self.state().dpor.blocked(thread, object, footprint);
        }
    }

    fn violation(&self, violation: Violation) {
        self.state().kinds.insert(violation.kind);
    }

    fn abandoned(&self) {
        self.state().abandoned = true;
    }

    fn end(&self) -> Vec<Alternative> {
        let mut state = self.state();
        let steps = if self.is_reduced() {
            state.dpor.steps().copied().collect()
        } else {
            std::mem::take(&mut state.steps)
        };
        state.count(&steps);
        if state.figures.executions.is_multiple_of(SNAPSHOT_EVERY) {
            self.publish(&state);
        }
        if self.is_reduced() {
            state.dpor.end()
        } else {
            Vec::new()
        }
    }
}
