//! Which schedules need to be explored: the reduction.
//!
//! Source-DPOR (Abdulla, Aronis, Jonsson, Sagonas: POPL 2014) with sleep sets
//! (Godefroid 1996), over the footprints that the model announces. It never
//! runs anything: it hears of the steps of an execution, finds the pairs that
//! could have happened the other way round, and says where loom must branch.
//!
//! Nothing is taken on trust: every alternative that was asked for is on the
//! books until it has been explored, and a search whose books do not balance
//! is an error, not a result.

use stalewake_model::sync::{Alternative, Footprint, MAX_THREADS, ObjectId, Step, ThreadId};

use super::causality::{Causality, Event, Races};
use super::clock::{Clock, ThreadSet};
use super::split::Split;

/// The search went wrong; nothing can be concluded from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The same choices led to another step than last time.
    #[error("the model is not deterministic: step {step} was {before:?} and is now {now:?}")]
    NotDeterministic {
        /// The number of the step.
        step: usize,
        /// What it was.
        before: Box<Step>,
        /// What it is.
        now: Box<Step>,
    },
    /// loom ran a thread that nobody asked for.
    #[error("loom ran {thread} at step {step}, which nobody asked for")]
    Unasked {
        /// The number of the step.
        step: usize,
        /// Who ran.
        thread: ThreadId,
    },
    /// loom left a choice without exploring everything that was asked for.
    #[error("loom did not explore {threads:?} at step {step}, though it was asked to")]
    Forgotten {
        /// The number of the step.
        step: usize,
        /// Who did not run.
        threads: Vec<ThreadId>,
    },
    /// loom executed the very same schedule twice.
    #[error("loom executed the same schedule twice")]
    Repeated,
}

/// The next step of each thread that sleeps: what a sleep set is made of.
type Asleep = [Option<Step>; MAX_THREADS];

/// What is known of the choice of who takes a step.
struct Choice {
    /// Who took it this time.
    current: ThreadId,
    /// Threads whose next step here leads to nothing new.
    asleep: Asleep,
    /// Threads that were explored here before the current one.
    explored: Asleep,
    /// Threads still to be asked for.
    wanted: ThreadSet,
    /// Threads that loom was asked to explore here, and has not yet.
    asked: ThreadSet,
    /// In the trunk: every thread that can run here is settled.
    branched: bool,
}

impl Choice {
    /// Threads for which nothing more needs to be asked here.
    fn settled(&self) -> ThreadSet {
        let mut settled = self.wanted.union(self.asked);
        settled.insert(self.current);
        for thread in 0..MAX_THREADS {
            if self.asleep[thread].is_some() || self.explored[thread].is_some() {
                settled.insert(ThreadId(thread as u8));
            }
        }
        settled
    }
}

/// The state of a reduced search.
#[derive(Default)]
pub(super) struct Dpor {
    split: Split,
    /// Whether what lies beyond the trunk here is for this worker; not yet
    /// asked if nothing.
    owned: Option<bool>,
    causality: Causality,
    choices: Vec<Choice>,
    /// The sleep set at this point.
    asleep: Asleep,
    /// What the threads wait for at the end of the current execution.
    blocked: [Option<ObjectId>; MAX_THREADS],
    /// Whether the current execution has left the path of the previous one.
    diverged: bool,
    /// The first thing that went wrong.
    error: Option<SearchError>,
}

impl Dpor {
    /// The part of a search that is for one worker.
    pub(super) fn new(split: Split) -> Dpor {
        Dpor {
            split,
            ..Dpor::default()
        }
    }

    /// A new execution starts.
    pub(super) fn begin(&mut self) {
        self.causality.rewind();
        self.asleep = Asleep::default();
        self.blocked = Default::default();
        self.diverged = self.choices.is_empty();
    }

    /// Whether `thread`'s next step leads to nothing new here.
    pub(super) fn is_asleep(&self, thread: ThreadId) -> bool {
        self.asleep[thread.index()].is_some()
    }

    /// The steps of the current execution so far.
    pub(super) fn events(&self) -> &[Event] {
        self.causality.events()
    }

    /// The order among them.
    pub(super) fn causality(&self) -> &Causality {
        &self.causality
    }

    /// For each choice of the latest execution, how many threads were explored
    /// there before the one that it took, and how many are still to be.
    pub(super) fn widths(
        &self,
    ) -> impl ExactSizeIterator<Item = (usize, usize)> + DoubleEndedIterator {
        self.choices.iter().map(|choice| {
            let open = choice.wanted.union(choice.asked);
            (
                choice.explored.iter().flatten().count(),
                open.iter().count(),
            )
        })
    }

    /// Whether the current execution is for this worker: not before it is
    /// beyond the trunk, or at its end.
    pub(super) fn is_owned(&mut self) -> bool {
        let events = self.causality.events();
        *self.owned.get_or_insert_with(|| {
            let trunk = events.iter().take(self.split.trunk);
            let way: Vec<ThreadId> = trunk.map(|event| event.step.thread).collect();
            self.split.owns(&way)
        })
    }

    /// The first thing that went wrong.
    pub(super) fn error(&self) -> Option<&SearchError> {
        self.error.as_ref()
    }

    fn fail(&mut self, error: SearchError) {
        self.error.get_or_insert(error);
    }

    /// The next step of the current execution took effect.
    pub(super) fn step(&mut self, step: &Step) {
        if self.error.is_some() {
            return;
        }
        let position = self.events().len();
        if self.diverged {
            self.choices.push(Choice {
                current: step.thread,
                asleep: self.asleep,
                explored: Asleep::default(),
                wanted: ThreadSet::default(),
                asked: ThreadSet::default(),
                branched: false,
            });
            self.place(step);
        } else if self.causality.expected() == Some(step) {
            self.causality.repeat();
        } else if let Some(before) = self.causality.expected().copied() {
            if before.thread == step.thread {
                let (before, now) = (Box::new(before), Box::new(*step));
                return self.fail(SearchError::NotDeterministic {
                    step: position,
                    before,
                    now,
                });
            }
            self.diverge(position, &before, step);
        } else {
            // Beyond the end of an execution that ended here before.
            return self.fail(SearchError::Repeated);
        }
        self.fall_asleep(position, step);
    }

    /// The execution leaves the path of the previous one: what that did here
    /// has been explored, with everything below it.
    fn diverge(&mut self, position: usize, before: &Step, step: &Step) {
        if !self.choices[position].asked.contains(step.thread) {
            return self.fail(SearchError::Unasked {
                step: position,
                thread: step.thread,
            });
        }
        self.close_from(position + 1);
        let choice = &mut self.choices[position];
        choice.explored[before.thread.index()] = Some(*before);
        choice.asked.remove(step.thread);
        choice.current = step.thread;
        self.diverged = true;
        self.place(step);
    }

    /// Leaves the choices from `position` on for good.
    fn close_from(&mut self, position: usize) {
        for (step, choice) in self.choices.iter().enumerate().skip(position) {
            let open = choice.wanted.union(choice.asked);
            if !open.is_empty() {
                let threads = open.iter().collect();
                self.error
                    .get_or_insert(SearchError::Forgotten { step, threads });
                break;
            }
        }
        self.choices.truncate(position);
    }

    /// Takes a step that is new, and asks for the reversal of every race that
    /// it is part of.
    fn place(&mut self, step: &Step) {
        let end = self.events().len();
        if end < self.split.trunk {
            self.owned = None;
        }
        let races = self.causality.push(step);
        let clock = self.events()[end].clock;
        self.reverse(races, end, step.thread, &clock);
    }

    /// Sees to it that these races with step number `end`, of `racer`, are also
    /// explored the other way round.
    fn reverse(&mut self, races: Races, end: usize, racer: ThreadId, clock: &Clock) {
        // In the trunk every thread is explored anyway.
        let trunk = self.split.trunk;
        for first in races.into_iter().flatten().filter(|first| *first >= trunk) {
            if !self.is_owned() {
                return;
            }
            let initials = self.causality.initials(first, end, racer, clock);
            let choice = &mut self.choices[first];
            if initials.intersects(choice.settled()) {
                continue;
            }
            let racer = initials.contains(racer).then_some(racer);
            if let Some(thread) = racer.or_else(|| initials.iter().next()) {
                choice.wanted.insert(thread);
            }
        }
    }

    /// The execution ends, and `thread` still waits for a step that it cannot
    /// take. It may have lost a race for it: that goes the other way round
    /// too, though no step shows it here.
    pub(super) fn blocked(&mut self, thread: ThreadId, object: ObjectId, footprint: Footprint) {
        if self.error.is_some() {
            return;
        }
        self.blocked[thread.index()] = Some(object);
        let mut clock = self.causality.frontier(thread);
        let races = self.causality.races(thread, object, footprint, &mut clock);
        self.reverse(races, self.events().len(), thread, &clock);
    }

    /// The sleep set after `step`: who was asleep or has been explored there
    /// stays so while nothing happens that matters to it.
    fn fall_asleep(&mut self, position: usize, step: &Step) {
        let choice = &self.choices[position];
        for thread in 0..MAX_THREADS {
            let waiting = choice.explored[thread].or(choice.asleep[thread]);
            self.asleep[thread] = waiting.filter(|waiting| {
                thread != step.thread.index()
                    && (waiting.object != step.object
                        || waiting.footprint.commutes_with(step.footprint))
            });
        }
    }

    /// Sees to it that in the trunk every thread that can run is explored. Who is
    /// asleep at the end was asleep at every choice that is new, and is settled.
    fn branch(&mut self) {
        for at in 0..self.choices.len().min(self.split.trunk) {
            let choice = &mut self.choices[at];
            if std::mem::replace(&mut choice.branched, true) {
                continue;
            }
            let settled = choice.settled();
            for thread in (0..MAX_THREADS as u8).map(ThreadId) {
                let blocked = self.blocked[thread.index()];
                if !settled.contains(thread) && self.causality.could_run(thread, at, blocked) {
                    choice.wanted.insert(thread);
                }
            }
        }
    }

    /// The execution is over. What loom must explore as well: at most one
    /// thread for each step, the others follow when this one has been.
    pub(super) fn end(&mut self) -> Vec<Alternative> {
        if !self.diverged {
            self.fail(SearchError::Repeated);
        }
        self.branch();
        let mut alternatives = Vec::new();
        for (step, choice) in self.choices.iter_mut().enumerate() {
            // In an order that does not depend on how much there is to explore
            // below: the sleep sets of every worker must be the same.
            if choice.asked.is_empty()
                && let Some(thread) = choice.wanted.iter().next()
            {
                choice.wanted.remove(thread);
                choice.asked.insert(thread);
                alternatives.push(Alternative { step, thread });
            }
        }
        alternatives
    }

    /// The search is over.
    ///
    /// # Errors
    /// When something that was asked for was never explored, or anything else
    /// went wrong on the way.
    pub(super) fn finish(&mut self) -> Result<(), SearchError> {
        self.close_from(0);
        self.error.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
