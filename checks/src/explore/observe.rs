//! What an exploration has seen so far.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use stalewake_model::sync::{Alternative, Footprint, ObjectId, Observer, Step, ThreadId};
use stalewake_model::violation::{Kind, Violation};

use super::causality::{Causality, Event};
use super::dpor::Dpor;
use super::estimate::Estimator;
use super::witness::{Waiting, simplest};
use super::{Options, Progress, Snapshot};
use crate::verdict::{Figures, Reachable, Search, Status, Witness};

/// How many executions pass between two snapshots. At the beginning, when the
/// picture changes fast, there are more of them.
const SNAPSHOT_EVERY: u64 = 256;

/// The result of an exploration.
#[derive(Clone, Debug)]
pub struct Findings {
    /// How it ended.
    pub status: Status,
    /// Every kind found, in the order of [`Kind::ALL`].
    pub reachable: Vec<Reachable>,
    /// Kinds that an execution showed which was abandoned later: if no other
    /// shows them, the reduction has lost something.
    pub abandoned: BTreeSet<Kind>,
    /// What it cost.
    pub figures: Figures,
}

impl Findings {
    /// Those of a search that broke down.
    pub fn broken(reason: String) -> Findings {
        Findings {
            status: Status::Error(reason),
            reachable: Vec::new(),
            abandoned: BTreeSet::new(),
            figures: Figures::default(),
        }
    }

    /// Those of a search that was ended from outside, after so much: what it
    /// had found is lost.
    pub fn unfinished(latest: &Snapshot) -> Findings {
        Findings {
            status: Status::Incomplete,
            reachable: Vec::new(),
            abandoned: BTreeSet::new(),
            figures: Figures {
                executions: latest.executions,
                redundant: latest.redundant,
                foreign: 0,
                operations: latest.operations,
                elapsed: latest.elapsed,
            },
        }
    }

    /// Puts the parts of one search together.
    #[must_use]
    pub fn and(mut self, other: Findings) -> Findings {
        self.status = self.status.and(other.status);
        for reachable in other.reachable {
            match self
                .reachable
                .binary_search_by_key(&reachable.kind, |r| r.kind)
            {
                Ok(at) => self.reachable[at].join(reachable),
                Err(at) => self.reachable.insert(at, reachable),
            }
        }
        self.abandoned.extend(other.abandoned);
        self.figures = self.figures.and(other.figures);
        self
    }

    /// Fails a search that has seen something only in executions that it then
    /// abandoned, and one that has explored nothing. To be asked of all parts
    /// together.
    #[must_use]
    pub fn checked(mut self) -> Findings {
        if self.status == Status::Complete && self.figures.traces() == 0 {
            self.status = Status::Error("nothing was explored".to_owned());
        }
        let is_reachable = |kind: &&Kind| self.reachable.iter().any(|found| found.kind == **kind);
        let lost = self.abandoned.iter().find(|kind| !is_reachable(kind));
        if let (Some(kind), Status::Complete) = (lost, &self.status) {
            self.status = Status::Error(format!("`{kind}` was seen only in redundant executions"));
        }
        self
    }
}

/// The observer of an exploration.
pub(super) struct Explorer {
    options: Options,
    progress: Arc<Progress>,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    dpor: Dpor,
    /// The steps of the current execution, where the reduction does not keep
    /// them anyway.
    steps: Vec<Step>,
    out_of_budget: bool,
    tally: Tally,
    estimator: Estimator,
}

/// What all executions together have shown.
#[derive(Default)]
struct Tally {
    /// The violations of the current execution, each with the number of steps
    /// that had been taken then.
    violations: Vec<(Violation, usize)>,
    /// What keeps its threads from going on at the end.
    waiting: Waiting,
    abandoned: bool,
    /// The current execution has read a value that was not the latest.
    stale_read: bool,
    /// The current execution is for another worker.
    foreign: bool,
    found: BTreeMap<Kind, Found>,
    found_in_redundant: BTreeSet<Kind>,
    figures: Figures,
}

/// What was found of one kind.
struct Found {
    traces: u64,
    /// No execution without a stale read has shown it.
    weak_only: bool,
    /// The simplest so far.
    witness: Witness,
}

impl Explorer {
    pub(super) fn new(options: Options, progress: Arc<Progress>) -> Explorer {
        Explorer {
            progress,
            started: Instant::now(),
            state: Mutex::new(State {
                dpor: Dpor::new(options.split.clone()),
                ..State::default()
            }),
            options,
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
        let estimate = self.estimate(&state);
        let status = if state.out_of_budget {
            Status::Incomplete
        } else if let Err(error) = state.dpor.finish() {
            Status::Error(error.to_string())
        } else {
            Status::Complete
        };
        let executions = state.tally.figures.executions;
        let estimate = match status {
            Status::Complete => Some(executions as f64),
            Status::Incomplete => estimate,
            Status::Error(_) => None,
        };
        self.publish(&state.tally, estimate);
        let found = std::mem::take(&mut state.tally.found).into_iter();
        let reachable = found.map(
            |(
                kind,
                Found {
                    traces,
                    weak_only,
                    witness,
                },
            )| Reachable {
                kind,
                traces,
                weak_only,
                witness,
            },
        );
        Findings {
            status,
            reachable: reachable.collect(),
            abandoned: std::mem::take(&mut state.tally.found_in_redundant),
            figures: state.tally.figures,
        }
    }

    /// How many executions there will be, as far as is known.
    fn estimate(&self, state: &State) -> Option<f64> {
        let executions = state.tally.figures.executions + state.tally.figures.foreign;
        (self.is_reduced() && executions > 0).then(|| state.estimator.total(state.dpor.widths()))
    }

    fn publish(&self, tally: &Tally, estimate: Option<f64>) {
        self.progress.store(Snapshot {
            executions: tally.figures.executions,
            redundant: tally.figures.redundant,
            operations: tally.figures.operations,
            kinds: tally.found.keys().copied().collect(),
            estimate,
            elapsed: self.started.elapsed(),
        });
    }

    /// Whether the options forbid another execution after so many.
    fn is_out_of_budget(&self, executions: u64) -> bool {
        let Options {
            max_executions,
            deadline,
            ..
        } = self.options;
        max_executions.is_some_and(|most| executions >= most)
            || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Tally {
    /// Counts the execution that has just ended, of so many steps. Their order
    /// is asked for only if there is something to show.
    fn count<'c>(&mut self, steps: usize, weak: bool, order: impl FnOnce() -> Cow<'c, Causality>) {
        if self.foreign {
            self.figures.foreign += 1;
            return;
        }
        self.figures.executions += 1;
        self.figures.operations = self.figures.operations.max(steps);
        let violations = std::mem::take(&mut self.violations);
        if self.abandoned {
            self.figures.redundant += 1;
            self.found_in_redundant
                .extend(violations.iter().map(|(violation, _)| violation.kind));
        } else if !violations.is_empty() {
            self.show(&violations, order().events(), weak);
        }
    }

    fn show(&mut self, violations: &[(Violation, usize)], events: &[Event], weak: bool) {
        let waiting = self.waiting;
        let execution = weak.then_some(self.figures.executions);
        let mut counted = BTreeSet::new();
        for (violation, steps) in violations {
            let last = last_step(violation, &events[..*steps]);
            let found = self.found.get_mut(&violation.kind);
            let witness = simplest(
                events,
                &waiting,
                last,
                found.as_ref().map(|found| &found.witness),
            )
            .map(|witness| Witness {
                execution,
                ..witness
            });
            let traces = u64::from(counted.insert(violation.kind));
            match (found, witness) {
                (Some(found), better) => {
                    found.traces += traces;
                    found.weak_only &= self.stale_read;
                    found.witness = better.unwrap_or_else(|| found.witness.clone());
                }
                (None, witness) => {
                    let witness = witness.expect("a trace can be taken in its own order");
                    self.found.insert(
                        violation.kind,
                        Found {
                            traces,
                            weak_only: self.stale_read,
                            witness,
                        },
                    );
                }
            }
        }
    }
}

/// The number of the step in which a violation happened; nothing if it is one
/// of the whole execution.
fn last_step(violation: &Violation, events: &[Event]) -> Option<usize> {
    match violation.kind {
        Kind::LostWakeup | Kind::ReferenceLeak => None,
        _ => events
            .iter()
            .rposition(|event| event.step.thread == violation.thread),
    }
}

impl Observer for Explorer {
    fn begin(&self) -> bool {
        let mut state = self.state();
        if state.dpor.error().is_some() {
            return false;
        }
        let Figures {
            executions,
            foreign,
            ..
        } = state.tally.figures;
        if self.is_out_of_budget(executions + foreign) {
            state.out_of_budget = true;
            return false;
        }
        state.dpor.begin();
        state.steps.clear();
        state.tally.violations.clear();
        state.tally.waiting = Waiting::default();
        state.tally.abandoned = false;
        state.tally.stale_read = false;
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
        let mut state = self.state();
        state.tally.waiting[thread.index()] = Some(object);
        if self.is_reduced() {
            state.dpor.blocked(thread, object, footprint);
        }
    }

    fn stale_read(&self) {
        self.state().tally.stale_read = true;
    }

    fn violation(&self, violation: Violation) {
        let mut state = self.state();
        let steps = if self.is_reduced() {
            state.dpor.events().len()
        } else {
            state.steps.len()
        };
        state.tally.violations.push((violation, steps));
    }

    fn abandoned(&self) {
        self.state().tally.abandoned = true;
    }

    fn end(&self) -> Vec<Alternative> {
        let mut state = self.state();
        let State {
            dpor,
            steps,
            tally,
            estimator,
            ..
        } = &mut *state;
        let before = tally.figures.executions + tally.figures.foreign;
        tally.foreign = self.is_reduced() && !dpor.is_owned();
        let alternatives = if self.is_reduced() {
            estimator.count(dpor.events().iter().map(|event| event.step.thread), before);
            tally.count(dpor.events().len(), false, || dpor.causality().told());
            dpor.end()
        } else {
            let weak = self.options.search.is_weak();
            tally.count(steps.len(), weak, || {
                Cow::Owned(Causality::of(steps.iter().copied()))
            });
            Vec::new()
        };
        let executions = before + 1;
        if executions.is_power_of_two() || executions.is_multiple_of(SNAPSHOT_EVERY) {
            self.publish(&state.tally, self.estimate(&state));
        }
        alternatives
    }
}

#[cfg(test)]
mod tests;
