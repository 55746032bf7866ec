//! Which steps of an execution happen before which.
//!
//! Two steps are dependent if they are on one object and their footprints do
//! not commute. Beside that, a step happens before another if it made it
//! possible at all: a wake-up and what the woken thread does next, the last
//! step under a lock and the next taking of it. Such a pair cannot be reversed
//! and is no race. That a thread goes to sleep and that it is woken are not in
//! any order: whichever comes first, it can go on after both.

use std::borrow::Cow;

use stalewake_model::sync::{Footprint, MAX_THREADS, ObjectId, Step, StepKind, ThreadId};

use super::clock::{Clock, ThreadSet};

/// A step, and what happens before it.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) step: Step,
    /// The steps that happen before it, itself included.
    pub(super) clock: Clock,
    /// The how-many-eth of its thread, from 1.
    pub(super) number: u16,
}

impl Event {
    /// Whether it happens before a point with this clock.
    pub(super) fn happens_before(&self, clock: &Clock) -> bool {
        clock.covers(self.step.thread, self.number)
    }
}

/// The steps that another one races with, the latest first: at most one of
/// each thread, since the earlier ones of a thread happen before its later.
pub(super) type Races = [Option<usize>; MAX_THREADS];

/// The steps of an execution in the order in which they happened, and the
/// order among them that matters.
#[derive(Clone, Debug, Default)]
pub(super) struct Causality {
    events: Vec<Event>,
    /// How many of them the current execution has taken.
    position: usize,
    /// What happens before the next step of each thread.
    frontier: [Clock; MAX_THREADS],
}

impl Causality {
    /// The order of a whole execution.
    pub(super) fn of(steps: impl Iterator<Item = Step>) -> Causality {
        let mut causality = Causality::default();
        for step in steps {
            causality.push(&step);
        }
        causality
    }

    /// The order of which anybody can tell: what only the search must not
    /// exchange is left out.
    pub(super) fn told(&self) -> Cow<'_, Causality> {
        let told = |step: Step| Step {
            footprint: step.footprint.told(),
            ..step
        };
        let steps = || self.events().iter().map(|event| event.step);
        // Who changes what nobody reads is in no order with anybody for it.
        if steps().all(|step| step.footprint.reads == told(step).footprint.reads) {
            Cow::Borrowed(self)
        } else {
            Cow::Owned(Causality::of(steps().map(told)))
        }
    }

    /// Starts an execution that may repeat the steps of the one before.
    pub(super) fn rewind(&mut self) {
        self.position = 0;
        self.frontier = [Clock::default(); MAX_THREADS];
    }

    /// The steps of the current execution.
    pub(super) fn events(&self) -> &[Event] {
        &self.events[..self.position]
    }

    /// The step that came next in the execution before.
    pub(super) fn expected(&self) -> Option<&Step> {
        self.events.get(self.position).map(|event| &event.step)
    }

    /// The next step is the one that was expected.
    pub(super) fn repeat(&mut self) {
        let event = &self.events[self.position];
        let (step, clock) = (event.step, event.clock);
        let next = &mut self.frontier[step.thread.index()];
        *next = clock;
        if let Some(waker) = step.woken_by {
            next.join(&self.events[waker].clock);
        }
        if let Some(woken) = step.wakes {
            self.frontier[woken.index()].join(&clock);
        }
        self.position += 1;
    }

    /// The next step is another one. Returns what it races with.
    pub(super) fn push(&mut self, step: &Step) -> Races {
        self.events.truncate(self.position);
        let mut clock = self.frontier[step.thread.index()];
        let number = clock.tick(step.thread);
        let races = self.races(step.thread, step.object, step.footprint, &mut clock);
        if let Some(enabler) = step.after {
            clock.join(&self.events[enabler].clock);
        }
        self.events.push(Event {
            step: *step,
            clock,
            number,
        });
        self.repeat();
        races
    }

    /// What happens before the next step of a thread, by what it has done.
    pub(super) fn frontier(&self, thread: ThreadId) -> Clock {
        self.frontier[thread.index()]
    }

    /// What a next step like this would race with; that and all before it are
    /// joined to its clock.
    pub(super) fn races(
        &self,
        thread: ThreadId,
        object: ObjectId,
        footprint: Footprint,
        clock: &mut Clock,
    ) -> Races {
        // From the latest on, so that a race with something in between is seen
        // to be covered by that.
        let mut races = Races::default();
        let mut found = races.iter_mut();
        for (earlier, event) in self.events().iter().enumerate().rev() {
            if event.step.object != object
                || event.step.thread == thread
                || event.step.footprint.commutes_with(footprint)
                || event.happens_before(clock)
            {
                continue;
            }
            clock.join(&event.clock);
            *found.next().expect("at most one for each thread") = Some(earlier);
        }
        races
    }

    /// The threads with which an execution can start that goes from just
    /// before step `first` to a step of `racer`, before which `clock` happens,
    /// without `first`. `end` is the number of that step.
    pub(super) fn initials(
        &self,
        first: usize,
        end: usize,
        racer: ThreadId,
        clock: &Clock,
    ) -> ThreadSet {
        let mut initials = ThreadSet::default();
        let reversed = &self.events[first];
        let parts = || {
            let between = &self.events[first + 1..end];
            between
                .iter()
                .filter(|event| !reversed.happens_before(&event.clock))
        };
        let steps = parts().map(|event| (event.step.thread, &event.clock));
        for (at, (thread, clock)) in steps.chain([(racer, clock)]).enumerate() {
            if !parts().take(at).any(|before| before.happens_before(clock)) {
                initials.insert(thread);
            }
        }
        initials
    }

    /// Whether a thread could have taken its next step just before step number
    /// `at`. What it waited for in the end, and did not get, is `blocked`; a
    /// thread of which there is neither has ended, or sleeps for good.
    pub(super) fn could_run(&self, thread: ThreadId, at: usize, blocked: Option<ObjectId>) -> bool {
        let (before, from) = self.events().split_at(at);
        let taken = from.iter().find(|event| event.step.thread == thread);
        let (object, kind, after) = match (taken.map(|event| event.step), blocked) {
            (Some(step), _) => (step.object, step.kind, step.after),
            // The last holder never let go, nothing ever arrived. What others
            // got before is found below.
            (None, Some(object)) => (object, StepKind::Lock, Some(usize::MAX)),
            (None, None) => return false,
        };
        let last = before
            .iter()
            .rfind(|event| event.step.thread == thread || event.step.wakes == Some(thread));
        let sleeps = last.is_some_and(|event| event.step.thread == thread && event.step.sleeps);
        // Whoever gets the lock first, or what has arrived, from here on: it
        // was free, or there, if that needs no later step.
        let first = from
            .iter()
            .map(|event| &event.step)
            .find(|step| step.object == object && step.kind != StepKind::Plain);
        let after = first.map_or(after, |first| first.after);
        !sleeps && (kind == StepKind::Plain || after.is_none_or(|after| after < at))
    }
}

#[cfg(test)]
pub(super) mod tests;
