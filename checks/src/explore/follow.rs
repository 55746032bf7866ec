//! The schedule of one kernel on another, for as long as that is possible.
//!
//! Two kernels do not take the same steps, so a schedule of one is no schedule
//! of the other. It is carried over by what it is about: each thread is to do
//! next what it does in the schedule if that changes something. On its way there
//! it may take more steps of the same call than it takes in the schedule, and need
//! not take those that only look or that take locks. Where it cannot do what the
//! schedule asks for, because it sleeps, waits or does something else, the
//! schedule ends; nothing is guessed from there on.

use stalewake_model::sync::{Detail, ThreadId};

use super::replay::{ReplayError, replay};
use super::{Event, Recording};
use crate::cell::Cell;

/// How many steps more, or fewer, a thread may take before it is back.
const DETOUR: usize = 32;

/// How far a schedule could be followed.
#[derive(Clone, Debug)]
pub struct Followed {
    /// What happened, step by step on both sides.
    pub pairs: Vec<Pair>,
    /// What happened on the other kernel, in full.
    pub recording: Recording,
    /// Why it is not the whole schedule, if it is not.
    pub stopped: Option<Stop>,
}

/// A step of the schedule, the step that was taken for it, or both; as the
/// places of their events in the two recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// In the recording that is followed.
    pub wanted: Option<usize>,
    /// In the one of the other kernel.
    pub taken: Option<usize>,
}

/// Where a schedule cannot be followed any further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The place of the step that cannot be taken, in the recording that is
    /// followed.
    pub wanted: usize,
    /// What its thread does instead.
    pub instead: Instead,
}

/// What a thread does that does not do what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// It takes these steps, and is not back after them.
    Steps(Vec<Event>),
    /// It takes these steps and then sleeps, until somebody wakes it.
    Sleeps(Vec<Event>),
    /// It takes these steps and then waits for a lock or for I/O.
    Waits(Vec<Event>),
    /// It takes these steps and then has come to its end.
    Ends(Vec<Event>),
}

impl Instead {
    /// The steps that it takes.
    pub fn steps(&self) -> &[Event] {
        match self {
            Instead::Steps(steps)
            | Instead::Sleeps(steps)
            | Instead::Waits(steps)
            | Instead::Ends(steps) => steps,
        }
    }
}

impl Followed {
    /// The first pair in which the two kernels do not take the same step; one
    /// that only looks makes no difference before something comes of it.
    pub fn first_difference(&self, wanted: &[Event]) -> Option<Pair> {
        let taken = &self.recording.events;
        let is_visible = |event| Step::of(event).is_some_and(Step::is_visible);
        let differs = |pair: &&Pair| match (pair.wanted, pair.taken) {
            (Some(one), Some(other)) => !is_same_operation(&wanted[one], &taken[other]),
            (Some(one), None) => is_visible(&wanted[one]),
            (None, Some(other)) => is_visible(&taken[other]),
            (None, None) => false,
        };
        self.pairs.iter().find(differs).copied()
    }
}

/// Follows the steps among these events, of another kernel, in a cell.
///
/// # Errors
/// When the engine broke down.
pub fn follow(cell: &Cell, wanted: &[Event]) -> Result<Followed, ReplayError> {
    let steps = wanted.iter().enumerate();
    let steps = steps.filter_map(|(place, event)| Some((place, Step::of(event)?)));
    let mut follower = Follower {
        cell,
        schedule: Vec::new(),
        pairs: Vec::new(),
        left: steps.collect(),
    };
    let stopped = follower.follow()?;
    let recording = follower.record(&follower.schedule)?;
    let places = step_places(&recording.events);
    let place = |number: Option<usize>| number.map(|number| places[number]);
    let pairs = follower.pairs.iter().map(|pair| Pair {
        taken: place(pair.taken),
        ..*pair
    });
    Ok(Followed {
        pairs: pairs.collect(),
        recording,
        stopped,
    })
}

/// A step among events.
#[derive(Clone, Copy)]
struct Step<'e> {
    thread: ThreadId,
    detail: &'e Detail,
}

impl<'e> Step<'e> {
    fn of(event: &'e Event) -> Option<Step<'e>> {
        match event {
            Event::Step { thread, detail, .. } => Some(Step {
                thread: *thread,
                detail,
            }),
            Event::Barrier { .. } | Event::Violation(_) => None,
        }
    }

    /// Whether it does more than look. Locks only keep order, and the schedule
    /// does that. What is stored need not be new: a wipe of flags that are clear
    /// still ends a use of the page.
    fn is_visible(self) -> bool {
        match self.detail.operation {
            "spin_lock" => false,
            "store" | "atomic_set" | "schedule" | "submit" | "complete" => true,
            _ => self.detail.before != self.detail.after,
        }
    }

    /// Whether it does what the other does: the same operation, or another that
    /// changes the same bits. To look at another bit is something else.
    fn does_as(self, other: Step<'_>) -> bool {
        let (one, two) = (self.detail, other.detail);
        let changed = one.before ^ one.after;
        let same_change = changed != 0 && changed == two.before ^ two.after;
        let same_bits = one.operation != "test_bit" || one.mask == two.mask;
        self.thread == other.thread
            && one.object == two.object
            && one.calls.last() == two.calls.last()
            && (one.operation == two.operation && same_bits || same_change)
    }

    /// The function that the scenario calls.
    fn call(self) -> Option<&'static str> {
        self.detail.calls.first().copied()
    }
}

fn is_same_operation(one: &Event, other: &Event) -> bool {
    match (Step::of(one), Step::of(other)) {
        (Some(one), Some(other)) => one.detail.operation == other.detail.operation,
        _ => false,
    }
}

/// The places of all steps.
fn step_places(events: &[Event]) -> Vec<usize> {
    let steps = events.iter().enumerate();
    let steps = steps.filter(|(_, event)| Step::of(event).is_some());
    steps.map(|(place, _)| place).collect()
}

struct Follower<'a> {
    cell: &'a Cell,
    /// Who has taken the steps so far.
    schedule: Vec<ThreadId>,
    /// What was taken for what; steps of the other kernel by their number.
    pairs: Vec<Pair>,
    /// What is still wanted, by its place.
    left: Vec<(usize, Step<'a>)>,
}

impl Follower<'_> {
    fn follow(&mut self) -> Result<Option<Stop>, ReplayError> {
        loop {
            self.follow_literally()?;
            let Some((wanted, step)) = self.left.first().copied() else {
                return Ok(None);
            };
            let stop = |instead| Ok(Some(Stop { wanted, instead }));
            let own = self.alone(step.thread)?;
            let Some((more, fewer)) = self.detour(step.thread, &own) else {
                return stop(self.instead(step.thread, own)?);
            };
            for _ in 0..more {
                self.take(None, step.thread);
            }
            for _ in 0..fewer {
                let next = |(_, left): &(usize, Step<'_>)| left.thread == step.thread;
                let place = self.left.iter().position(next).expect("it was counted");
                let (wanted, _) = self.left.remove(place);
                self.pairs.push(Pair {
                    wanted: Some(wanted),
                    taken: None,
                });
            }
        }
    }

    /// Takes as many steps as are the same on both kernels.
    fn follow_literally(&mut self) -> Result<(), ReplayError> {
        let rest = self.left.iter().map(|(_, step)| step.thread);
        let schedule: Vec<ThreadId> = self.schedule.iter().copied().chain(rest).collect();
        let recording = self.record(&schedule)?;
        let taken = recording.events.iter().filter_map(Step::of);
        let taken = taken.skip(self.schedule.len());
        let both = self.left.iter().zip(taken);
        let same = both
            .take_while(|((_, wanted), taken)| wanted.does_as(*taken))
            .count();
        for (place, step) in self.left.drain(..same).collect::<Vec<_>>() {
            self.take(Some(place), step.thread);
        }
        Ok(())
    }

    fn take(&mut self, wanted: Option<usize>, thread: ThreadId) {
        self.pairs.push(Pair {
            wanted,
            taken: Some(self.schedule.len()),
        });
        self.schedule.push(thread);
    }

    /// What a thread does from here if nobody else runs.
    fn alone(&self, thread: ThreadId) -> Result<Vec<Event>, ReplayError> {
        let mut schedule = self.schedule.clone();
        schedule.extend([thread; DETOUR]);
        let mut recording = self.record(&schedule)?;
        let places = step_places(&recording.events);
        let first = places.get(self.schedule.len()).copied();
        Ok(recording
            .events
            .drain(first.unwrap_or(recording.events.len())..)
            .collect())
    }

    /// How many steps more, and how many fewer, the thread takes until it does
    /// again what is wanted of it: as few as possible.
    fn detour(&self, thread: ThreadId, own: &[Event]) -> Option<(usize, usize)> {
        let own: Vec<Step<'_>> = own.iter().filter_map(Step::of).collect();
        // Who has begun with something else has not merely taken a detour.
        let same_call = own.iter().take_while(|step| step.call() == own[0].call());
        let reach = own.len().min(same_call.count() + 1);
        let left = self.left.iter().map(|(_, step)| *step);
        let wanted: Vec<Step<'_>> = left.filter(|step| step.thread == thread).collect();
        let invisible = wanted.iter().take_while(|step| !step.is_visible()).count();
        let detours =
            (0..reach).flat_map(|more| (0..=invisible.min(DETOUR)).map(move |fewer| (more, fewer)));
        detours
            .filter(|(more, fewer)| {
                let back = wanted.get(*fewer);
                back.is_some_and(|step| step.does_as(own[*more]))
            })
            .min_by_key(|(more, fewer)| (more + fewer, *fewer))
    }

    /// What a thread does that does not find back.
    fn instead(&self, thread: ThreadId, own: Vec<Event>) -> Result<Instead, ReplayError> {
        let steps = own.iter().filter_map(Step::of).count();
        if steps == DETOUR {
            return Ok(Instead::Steps(own));
        }
        let of = |event: &&Event| match event {
            Event::Step { thread: by, .. } => *by == thread,
            Event::Barrier { .. } | Event::Violation(_) => false,
        };
        let so_far = self.record(&self.schedule)?;
        let last = own.iter().rev().find(of);
        let last = last.or_else(|| so_far.events.iter().rev().find(of));
        if matches!(last, Some(Event::Step { sleeps: true, .. })) {
            return Ok(Instead::Sleeps(own));
        }
        // Who waits goes on when the others have run.
        let mut schedule = self.schedule.clone();
        schedule.extend(vec![thread; steps]);
        let whole = replay(self.cell, &schedule)?;
        let after = step_places(&whole.events);
        let mut after = after[schedule.len()..]
            .iter()
            .map(|place| &whole.events[*place]);
        Ok(if after.any(|event| of(&event)) {
            Instead::Waits(own)
        } else {
            Instead::Ends(own)
        })
    }

    /// What happens under a schedule, as far as it can be followed: all before
    /// the first step that is not of the schedule.
    fn record(&self, schedule: &[ThreadId]) -> Result<Recording, ReplayError> {
        let (mut recording, steps) = match replay(self.cell, schedule) {
            Err(ReplayError::CannotFollow { step }) => {
                (replay(self.cell, &schedule[..step])?, step)
            }
            other => (other?, schedule.len()),
        };
        if let Some(next) = step_places(&recording.events).get(steps) {
            recording.events.truncate(*next);
        }
        Ok(recording)
    }
}
