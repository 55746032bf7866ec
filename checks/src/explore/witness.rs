//! The simplest schedule that shows a violation.
//!
//! A violation depends only on the steps that happen before it: its past. Of
//! all orders in which these can be taken, the best has the fewest preemptions,
//! switches away from a thread that could have gone on, and of those the fewest
//! steps. Switching is free where a thread sleeps, waits for a lock or for a
//! device, or has ended; so it can pay to let a thread run on, beyond what the
//! violation needs of it, until it does.
//!
//! A complete exploration sees every trace, so the best over all violating
//! traces is the best there is. The order among the steps of a trace is here that of which
//! anybody can tell ([`Footprint::told`](stalewake_model::sync::Footprint::told)):
//! of traces that differ only in the rest, one need not be explored.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use stalewake_model::sync::{MAX_THREADS, ObjectId, Step, StepKind, ThreadId};

use super::causality::Event;
use crate::verdict::Witness;

/// How many steps each thread has taken.
type Progress = [u16; MAX_THREADS];

/// What each thread still waits for when the execution is over: a lock, or
/// something to arrive.
pub(super) type Waiting = [Option<ObjectId>; MAX_THREADS];

/// A point in an order of steps, and who took the last one.
type Point = (Progress, Option<ThreadId>);

/// The best order that shows what happened in step number `last` of a trace,
/// or that takes all its steps if there is none. Nothing if it is not better
/// than `best`. It is the same whatever the order of `events` was.
pub(super) fn simplest(
    events: &[Event],
    waiting: &Waiting,
    last: Option<usize>,
    best: Option<&Witness>,
) -> Option<Witness> {
    Trace::new(events, waiting, last).search(best)
}

/// A trace, thread by thread.
struct Trace<'e> {
    events: &'e [Event],
    waiting: &'e Waiting,
    /// The numbers of each thread's steps.
    steps: [Vec<usize>; MAX_THREADS],
    /// How many of them are in the past of the violation.
    past: Progress,
}

impl<'e> Trace<'e> {
    fn new(events: &'e [Event], waiting: &'e Waiting, last: Option<usize>) -> Trace<'e> {
        let mut steps: [Vec<usize>; MAX_THREADS] = Default::default();
        let mut past = Progress::default();
        for (number, event) in events.iter().enumerate() {
            steps[event.step.thread.index()].push(number);
            if last.is_none_or(|last| event.happens_before(&events[last].clock)) {
                past[event.step.thread.index()] += 1;
            }
        }
        Trace {
            events,
            waiting,
            steps,
            past,
        }
    }

    /// How long an order is at least that continues from here.
    fn least_steps(&self, progress: &Progress) -> usize {
        let both = progress.iter().zip(&self.past);
        both.map(|(taken, needed)| usize::from(*taken.max(needed)))
            .sum()
    }

    fn is_done(&self, progress: &Progress) -> bool {
        progress
            .iter()
            .zip(&self.past)
            .all(|(taken, needed)| taken >= needed)
    }

    /// Breadth first by preemptions: from each point first all that can be
    /// reached without one more.
    fn search(&self, best: Option<&Witness>) -> Option<Witness> {
        let mut came_from: FxHashMap<Point, Point> = FxHashMap::default();
        let mut open: Vec<Point> = vec![(Progress::default(), None)];
        let mut preempting: Vec<(Point, Point)> = Vec::new();
        for preemptions in 0..=best.map_or(usize::MAX, |best| best.preemptions) {
            let mut shortest: Option<Point> = None;
            let mut most = best
                .filter(|best| best.preemptions == preemptions)
                .map_or(usize::MAX, |best| best.schedule.len());
            while let Some(point) = open.pop() {
                if self.least_steps(&point.0) > most {
                    continue;
                }
                if self.is_done(&point.0) {
                    most = self.least_steps(&point.0) - 1;
                    shortest = Some(point);
                    continue;
                }
                for thread in (0..MAX_THREADS as u8).map(ThreadId) {
                    let Some(next) = self.take(&point, thread) else {
                        continue;
                    };
                    let to: Point = (next, Some(thread));
                    if self.is_preempted(&point, thread) {
                        preempting.push((point, to));
                    } else if let Entry::Vacant(unseen) = came_from.entry(to) {
                        unseen.insert(point);
                        open.push(to);
                    }
                }
            }
            if let Some(point) = shortest {
                let found = Witness {
                    schedule: schedule(&came_from, point),
                    preemptions,
                    execution: None,
                };
                return best
                    .is_none_or(|best| found.rank() < best.rank())
                    .then_some(found);
            }
            for (from, to) in preempting.drain(..) {
                if let Entry::Vacant(unseen) = came_from.entry(to) {
                    unseen.insert(from);
                    open.push(to);
                }
            }
            if open.is_empty() {
                break;
            }
        }
        None
    }

    /// The next step of a thread, whether it can be taken or not.
    fn next(&self, progress: &Progress, thread: ThreadId) -> Option<usize> {
        self.steps[thread.index()]
            .get(usize::from(progress[thread.index()]))
            .copied()
    }

    /// The thread takes its next step, if everything that happens before it
    /// has happened, and if that is any use: beyond the past a thread only
    /// runs on where it is.
    fn take(&self, (progress, last): &Point, thread: ThreadId) -> Option<Progress> {
        let mut after = *progress;
        after[thread.index()] += 1;
        let event = &self.events[self.next(progress, thread)?];
        let useful = after[thread.index()] <= self.past[thread.index()] || *last == Some(thread);
        (useful && event.clock.is_covered_by(&after)).then_some(after)
    }

    fn is_taken(&self, progress: &Progress, step: usize) -> bool {
        let event = &self.events[step];
        progress[event.step.thread.index()] >= event.number
    }

    /// Whether it is a preemption to let `thread` take the next step: somebody
    /// else took the last one and could have gone on.
    fn is_preempted(&self, (progress, last): &Point, thread: ThreadId) -> bool {
        let Some(last) = last.filter(|last| *last != thread) else {
            return false;
        };
        let taken = usize::from(progress[last.index()]);
        let is_asleep = self.is_asleep(progress, self.steps[last.index()][taken - 1]);
        let could_go_on = match self.next(progress, last) {
            Some(next) => {
                let step = &self.events[next].step;
                self.could_go_on(progress, step.object, step.kind)
            }
            // It never took its next step, but perhaps it could have here.
            None => self.waiting[last.index()].is_some_and(|object| {
                let is_lock = |event: &Event| {
                    event.step.object == object && event.step.kind == StepKind::Lock
                };
                let kind = if self.events.iter().any(is_lock) {
                    StepKind::Lock
                } else {
                    StepKind::Receive
                };
                self.could_go_on(progress, object, kind)
            }),
        };
        !is_asleep && could_go_on
    }

    /// Whether a thread that has just taken this step sleeps: it goes to sleep
    /// there, unless it has been woken before.
    fn is_asleep(&self, progress: &Progress, step: usize) -> bool {
        let Step {
            thread,
            sleeps,
            woken_by,
            ..
        } = self.events[step].step;
        let wakes = |later: &usize| self.events[*later].step.wakes == Some(thread);
        let waker = match sleeps {
            true => (step + 1..self.events.len()).find(wakes),
            false => woken_by,
        };
        let awake = waker.is_some_and(|waker| self.is_taken(progress, waker));
        (sleeps || woken_by.is_some()) && !awake
    }

    /// Whether nothing but the choice of this trace keeps a thread from a next
    /// step of this kind on this object.
    fn could_go_on(&self, progress: &Progress, object: ObjectId, kind: StepKind) -> bool {
        let others = || {
            let same = |number: &usize| self.events[*number].step.object == object;
            (0..self.events.len()).filter(same)
        };
        match kind {
            StepKind::Plain => true,
            // The lock is held if it was taken, and not yet let go for the
            // one who takes it after that, or never.
            StepKind::Lock => {
                let mut takers = others().skip_while(|taker| self.is_taken(progress, *taker));
                takers.next().is_some_and(|taker| {
                    let released = self.events[taker].step.after;
                    released.is_none_or(|released| self.is_taken(progress, released))
                })
            }
            StepKind::Receive => {
                let count = |receives: bool| {
                    let kind = |at: &usize| self.events[*at].step.kind == StepKind::Receive;
                    let taken = others().filter(|at| self.is_taken(progress, *at));
                    taken.filter(|at| kind(at) == receives).count()
                };
                count(false) > count(true)
            }
        }
    }
}

fn schedule(came_from: &FxHashMap<Point, Point>, end: Point) -> Vec<ThreadId> {
    let before = |point: &Point| came_from.get(point).copied();
    let points = std::iter::successors(Some(end), before);
    let mut schedule: Vec<ThreadId> = points.filter_map(|(_, thread)| thread).collect();
    schedule.reverse();
    schedule
}

#[cfg(test)]
mod tests;
