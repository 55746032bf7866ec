//! Which schedules need to be explored: the reduction.
//!
//! Source-DPOR (Abdulla, Aronis, Jonsson, Sagonas: POPL 2014) with sleep sets
//! (Godefroid 1996), over the footprints that the model announces. It never
//! runs anything: it hears of the steps of an execution, finds the pairs that
//! could have happened the other way round, and says where loom must branch.
//!
//! Two steps are dependent if they are on one object and their footprints do
//! not commute. Beside that, a step happens before another if it made it
//! possible at all: a wake-up and what the woken thread does next, the last
//! step under a lock and the next taking of it. Such a pair cannot be reversed
//! and is no race.
//!
//! Nothing is taken on trust: every alternative that was asked for is on the
//! books until it has been explored, and a search whose books do not balance
//! is an error, not a result.

use stalewake_model::sync::{Alternative, Footprint, MAX_THREADS, ObjectId, Step, ThreadId};

use super::clock::{Clock, ThreadSet};

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

/// A step that a thread would take: what a sleep set is made of.
type Asleep = [Option<(ObjectId, Footprint)>; MAX_THREADS];

/// One step of the current execution, and what is known of the choice there.
struct Node {
    step: Step,
    /// Which steps happen before it, itself included.
    clock: Clock,
    /// The how-many-eth of its thread, from 1.
    number: u16,
    /// Threads whose next step here leads to nothing new.
    asleep: Asleep,
    /// Threads that were explored here before the current one.
    explored: Asleep,
    /// Threads still to be asked for.
    wanted: ThreadSet,
    /// Threads that loom was asked to explore here, and has not yet.
    asked: ThreadSet,
}

impl Node {
    fn happens_before(&self, clock: &Clock) -> bool {
        clock.covers(self.step.thread, self.number)
    }

    /// Threads for which nothing more needs to be asked here.
    fn settled(&self) -> ThreadSet {
        let mut settled = self.wanted.union(self.asked);
        settled.insert(self.step.thread);
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
pub struct Dpor {
    nodes: Vec<Node>,
    /// The number of the next step of the current execution.
    position: usize,
    /// The sleep set at this point.
    asleep: Asleep,
    /// What happens before the next step of each thread.
    clocks: [Clock; MAX_THREADS],
    /// Whether the current execution has left the path of the previous one.
    diverged: bool,
    /// The first thing that went wrong.
    error: Option<SearchError>,
}

impl Dpor {
    /// A new execution starts.
    pub fn begin(&mut self) {
        self.position = 0;
        self.asleep = Asleep::default();
        self.clocks = [Clock::default(); MAX_THREADS];
        self.diverged = self.nodes.is_empty();
    }

    /// Whether `thread`'s next step leads to nothing new here.
    pub fn is_asleep(&self, thread: ThreadId) -> bool {
        self.asleep[thread.index()].is_some()
    }

    /// The steps of the current execution so far.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &Step> {
        self.nodes[..self.position].iter().map(|node| &node.step)
    }

    /// How many steps the current execution has so far.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The first thing that went wrong.
    pub fn error(&self) -> Option<&SearchError> {
        self.error.as_ref()
    }

    fn fail(&mut self, error: SearchError) {
        self.error.get_or_insert(error);
    }

    /// The next step of the current execution took effect.
    pub fn step(&mut self, step: &Step) {
        if self.error.is_some() {
            return;
        }
        let position = self.position;
        if position == self.nodes.len() {
            if !self.diverged {
                // Beyond the end of an execution that ended here before.
                return self.fail(SearchError::Repeated);
            }
            self.nodes.push(Node {
                step: *step,
                clock: Clock::default(),
                number: 0,
                asleep: self.asleep,
                explored: Asleep::default(),
                wanted: ThreadSet::default(),
                asked: ThreadSet::default(),
            });
            self.place(position);
        } else if self.nodes[position].step == *step {
            self.pass(position);
        } else if self.nodes[position].step.thread == step.thread {
            let before = Box::new(self.nodes[position].step);
            let now = Box::new(*step);
            return self.fail(SearchError::NotDeterministic {
                step: position,
                before,
                now,
            });
        } else {
            self.diverge(position, step);
        }
        self.fall_asleep(position);
        self.position += 1;
    }

    /// The execution leaves the path of the previous one: what that did here
    /// has been explored, with everything below it.
    fn diverge(&mut self, position: usize, step: &Step) {
        if self.diverged || !self.nodes[position].asked.contains(step.thread) {
            return self.fail(SearchError::Unasked {
                step: position,
                thread: step.thread,
            });
        }
        self.close_below(position + 1);
        let node = &mut self.nodes[position];
        node.explored[node.step.thread.index()] = Some((node.step.object, node.step.footprint));
        node.asked.remove(step.thread);
        node.step = *step;
        self.diverged = true;
        self.place(position);
    }

    /// Leaves the nodes from `position` on for good.
    fn close_below(&mut self, position: usize) {
        for (step, node) in self.nodes.iter().enumerate().skip(position) {
            let open = node.wanted.union(node.asked);
            if !open.is_empty() {
                let threads = open.iter().collect();
                self.error
                    .get_or_insert(SearchError::Forgotten { step, threads });
                break;
            }
        }
        self.nodes.truncate(position);
    }

    /// Computes what happens before the new step at `position`, and asks for
    /// the reversal of every race it is part of.
    fn place(&mut self, position: usize) {
        let step = self.nodes[position].step;
        let mut clock = self.clocks[step.thread.index()];
        let number = clock.tick(step.thread);
        self.nodes[position].number = number;
        let races = self.races(step.thread, step.object, step.footprint, &mut clock);
        if let Some(enabler) = step.after {
            clock.join(&self.nodes[enabler].clock);
        }
        self.nodes[position].clock = clock;
        self.pass(position);
        for race in races.into_iter().flatten() {
            self.reverse(race, step.thread, &clock);
        }
    }

    /// The steps before the next one of the current execution with which a
    /// step of `thread` races, the latest first; they are joined to its clock.
    fn races(
        &self,
        thread: ThreadId,
        object: ObjectId,
        footprint: Footprint,
        clock: &mut Clock,
    ) -> [Option<usize>; MAX_THREADS] {
        // From the latest on, so that a race with something in between is
        // seen to be covered by that: so at most one is left for each thread.
        let mut races = [None; MAX_THREADS];
        let mut found = races.iter_mut();
        for (earlier, node) in self.nodes[..self.position].iter().enumerate().rev() {
            if node.step.object != object
                || node.step.thread == thread
                || node.step.footprint.commutes_with(footprint)
                || node.happens_before(clock)
            {
                continue;
            }
            clock.join(&node.clock);
            *found.next().expect("at most one for each thread") = Some(earlier);
        }
        races
    }

    /// The execution ends, and `thread` still waits for a step that it cannot
    /// take. It may have lost a race for it: that goes the other way round
    /// too, though no step shows it here.
    pub fn blocked(&mut self, thread: ThreadId, object: ObjectId, footprint: Footprint) {
        if self.error.is_some() {
            return;
        }
        let mut clock = self.clocks[thread.index()];
        let races = self.races(thread, object, footprint, &mut clock);
        for race in races.into_iter().flatten() {
            self.reverse(race, thread, &clock);
        }
    }

    /// The step at `position` has happened: its thread's next one, and that
    /// of the thread it woke, happen after it.
    fn pass(&mut self, position: usize) {
        let node = &self.nodes[position];
        self.clocks[node.step.thread.index()] = node.clock;
        if let Some(woken) = node.step.wakes {
            self.clocks[woken.index()].join(&node.clock);
        }
    }

    /// Sees to it that the race of the step at `first` with the next step, of
    /// `racer` and with what `clock` says before it, is also explored the
    /// other way round.
    fn reverse(&mut self, first: usize, racer: ThreadId, clock: &Clock) {
        let initials = self.initials(first, racer, clock);
        let node = &mut self.nodes[first];
        if initials.intersects(node.settled()) {
            return;
        }
        let wanted = if initials.contains(racer) {
            Some(racer)
        } else {
            initials.iter().next()
        };
        if let Some(thread) = wanted {
            self.nodes[first].wanted.insert(thread);
        }
    }

    /// The threads with which an execution can start that goes from just
    /// before `first` to the next step, of `racer`, without `first`.
    fn initials(&self, first: usize, racer: ThreadId, clock: &Clock) -> ThreadSet {
        let (mut seen, mut initials) = (ThreadSet::default(), ThreadSet::default());
        let reversed = &self.nodes[first];
        let parts = || {
            let between = &self.nodes[first + 1..self.position];
            between
                .iter()
                .filter(|node| !reversed.happens_before(&node.clock))
        };
        let steps = parts().map(|node| (node.step.thread, &node.clock));
        for (at, (thread, clock)) in steps.chain([(racer, clock)]).enumerate() {
            if seen.contains(thread) {
                continue;
            }
            seen.insert(thread);
            if !parts().take(at).any(|before| before.happens_before(clock)) {
                initials.insert(thread);
            }
        }
        initials
    }

    /// The sleep set after the step at `position`: who was asleep or has been
    /// explored there stays so while nothing happens that matters to it.
    fn fall_asleep(&mut self, position: usize) {
        let node = &self.nodes[position];
        for thread in 0..MAX_THREADS {
            let waiting = node.explored[thread].or(node.asleep[thread]);
            self.asleep[thread] = waiting.filter(|(object, footprint)| {
                thread != node.step.thread.index()
                    && (*object != node.step.object || footprint.commutes_with(node.step.footprint))
            });
        }
    }

    /// The execution is over. What loom must explore as well: at most one
    /// thread for each step, the others follow when this one has been.
    pub fn end(&mut self) -> Vec<Alternative> {
        if !self.diverged {
            self.fail(SearchError::Repeated);
        }
        self.close_below(self.position);
        let mut alternatives = Vec::new();
        for (step, node) in self.nodes.iter_mut().enumerate() {
            if let Some(thread) = node.wanted.iter().next() {
                node.wanted.remove(thread);
                node.asked.insert(thread);
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
    pub fn finish(&mut self) -> Result<(), SearchError> {
        self.close_below(0);
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
