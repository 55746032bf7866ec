//! One execution as an interleaving: a column for each thread.
//!
//! Time runs downwards. In a thread's column stand the kernel functions it
//! enters, nested by indentation, what it does in them, and what that changed.
//! Steps that only look, or only take a lock, are left out unless asked for.

mod cause;
mod columns;
mod compare;
mod names;
mod picture;
mod remedy;
mod states;
mod words;

use std::collections::BTreeSet;

use stalewake_model::sync::{Detail, ObjectName, ThreadId};
use stalewake_model::violation::{Kind, Violation};

use self::columns::{Columns, Line};
use self::names::{FLAGS, MAPPING, Names};
pub use self::picture::STYLE;
pub(super) use self::picture::{Svg, escape};
use self::picture::{is_allocation, is_removal, is_wipe, next_mapping};
use self::remedy::quoted;
pub use self::remedy::{Remedy, sentences};
pub(super) use self::states::Change;
use super::style::grouped;
use super::{Style, Tone, wrap};
use crate::cell::Cell;
use crate::explore::{Event, Recording};
use crate::verdict::{Verdict, Witness};

/// Among which schedules a witness is the simplest: the one with the fewest
/// preemptions, and of these the one with the fewest steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Simplest {
    /// Among all that there are: the search was exhaustive.
    OfAll,
    /// Among those that were run.
    OfThoseRun,
    /// It was given, and compared with no other.
    AsGiven,
}

impl Simplest {
    /// That of a search's witnesses.
    pub fn of(verdict: &Verdict) -> Simplest {
        match verdict.is_exhaustive() {
            true => Simplest::OfAll,
            false => Simplest::OfThoseRun,
        }
    }
}

/// What is to be explained.
pub struct Story<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// What goes wrong in it.
    pub kind: Kind,
    /// The schedule that shows it.
    pub witness: &'a Witness,
    /// Among which schedules it is the simplest.
    pub simplest: Simplest,
    /// What happens under that schedule.
    pub recording: &'a Recording,
    /// Whether the uninteresting steps are shown, too.
    pub all: bool,
}

impl Story<'_> {
    /// The whole story: what is shown, the interleaving, and what it means. The
    /// steps that the remedies quote are in it.
    pub fn tell(&self, remedies: &[Remedy], style: Style) -> String {
        let (rows, folded) = self.rows(&quoted(remedies), style);
        self.header(folded, style)
            + "\n"
            + &rows
            + "\n"
            + &self.in_short(style)
            + &self.closing(style)
    }

    fn header(&self, folded: usize, style: Style) -> String {
        let scenario = &self.cell.scenario;
        let title = format!("{}: {}", self.cell, self.kind);
        let mut text = style.paint(Tone::Strong, &title) + "\n";
        let steps = self.steps();
        let preemptions = match self.witness.preemptions {
            0 => "no preemption".to_owned(),
            1 => "1 preemption".to_owned(),
            n => format!("{n} preemptions"),
        };
        let mut facts = vec![
            format!("{} ({})", scenario.title, scenario.source),
            format!(
                "{} ({}).",
                capitalised(self.kind.sentence()),
                self.kind.class()
            ),
            match self.witness.execution {
                None => {
                    let which = match self.simplest {
                        Simplest::OfAll => "The simplest of all schedules that show it",
                        Simplest::OfThoseRun => {
                            "The witness with the fewest preemptions among the executions run"
                        }
                        Simplest::AsGiven => "A schedule that shows it",
                    };
                    format!("{which}: {preemptions}, {steps} steps.")
                }
                Some(number) => format!(
                    "Execution {} of a search in weak memory, {steps} steps.",
                    grouped(number)
                ),
            },
        ];
        if folded > 0 {
            facts.push(format!(
                "{folded} steps that only look, only take a lock or come after the last violation are left out; --all shows them."
            ));
        }
        for fact in facts {
            for line in wrap(&format!("  {fact}"), style.width, 2) {
                text += &(line + "\n");
            }
        }
        text.push('\n');
        for thread in &self.cell.scenario.variant(&self.cell.parameters).threads {
            let line = format!("  {} runs {}", thread.name, thread.texts.join("; "));
            for line in wrap(&line, style.width, 4) {
                text += &(style.paint(Tone::Faint, &line) + "\n");
            }
        }
        text
    }

    /// How many steps the recording has.
    fn steps(&self) -> usize {
        let events = self.recording.events.iter();
        let steps = events.filter(|event| matches!(event, Event::Step { .. }));
        steps.count()
    }

    /// The interleaving, and how many steps of it were left out.
    fn rows(&self, quoted: &BTreeSet<usize>, style: Style) -> (String, usize) {
        let variant = self.cell.scenario.variant(&self.cell.parameters);
        let names = Names::new(variant, &self.recording.threads);
        let mut columns = Columns::new(&self.recording.threads, self.steps(), style);
        let mut calls: Vec<Vec<&'static str>> = vec![Vec::new(); self.recording.threads.len()];
        let mut folded = 0;
        let mut step = 0;
        let events = &self.recording.events;
        let is_violation = |event: &Event| matches!(event, Event::Violation(_));
        let last = events
            .iter()
            .rposition(is_violation)
            .unwrap_or(events.len());
        for (place, event) in events.iter().enumerate() {
            let thread = thread_of(event);
            let Some(entered) = calls.get_mut(thread.index()) else {
                continue;
            };
            let mut lines = Vec::new();
            match event {
                Event::Step {
                    detail,
                    wakes,
                    sleeps,
                    stale,
                    ..
                } => {
                    step += 1;
                    let shown = self.all
                        || place < last
                            && (*stale
                                || quoted.contains(&place)
                                || self.matters(place, thread, detail, wakes.is_some()));
                    enter(entered, &detail.calls, shown, &mut lines);
                    if shown {
                        let depth = detail.calls.len();
                        let operation = names.operation(detail, *wakes, *sleeps);
                        lines.push(Line::of_step(step, depth, operation));
                        if *stale {
                            let old = "» reads an old value".to_owned();
                            lines.push(Line::new(depth, Tone::Strong, old));
                        }
                        if let Some(change) = names.change(detail) {
                            lines.push(Line::new(depth, Tone::Strong, change));
                        }
                        if let Some(woken) = wakes {
                            let woken = format!("» wakes {}", names.thread(*woken));
                            lines.push(Line::new(depth, Tone::Strong, woken));
                        }
                        if *sleeps {
                            lines.push(Line::new(depth, Tone::Strong, "zzz sleeps".to_owned()));
                        }
                    } else {
                        folded += 1;
                    }
                }
                Event::Barrier { name, calls, .. } => {
                    enter(entered, calls, self.all, &mut lines);
                    if self.all {
                        lines.push(Line::new(calls.len(), Tone::Faint, (*name).to_owned()));
                    }
                }
                Event::Violation(violation) => {
                    let tone = if violation.kind == self.kind {
                        Tone::Bad
                    } else {
                        Tone::of(violation.kind.class())
                    };
                    let Violation { kind, about, .. } = violation;
                    let about = names.about(about);
                    let text = format!("!! {kind}: {} ({about})", kind.sentence());
                    lines.push(Line::new(0, tone, text));
                }
            }
            columns.push(thread.index(), &lines);
            if (self.all || place < last)
                && let Event::Step { detail, .. } = event
                && let Some(use_of_page) = use_of_page(&names, detail, &events[place..])
            {
                columns.rule(&use_of_page);
            }
        }
        (columns.finish(), folded)
    }

    /// Whether a step is part of the story: it changes something or decides
    /// something, or its thread comes no further.
    fn matters(&self, place: usize, thread: ThreadId, detail: &Detail, wakes: bool) -> bool {
        let is_idle = words::changes_nothing(detail) || words::is_lock(detail);
        if wakes || !is_idle || words::finds_signal(detail) || words::looks_for_waiters(detail) {
            return true;
        }
        let next = self.recording.events[place + 1..]
            .iter()
            .find(|event| thread_of(event) == thread);
        match next {
            // What is written is made of what was read.
            Some(Event::Step { detail: next, .. })
                if (detail.operation, next.operation) == ("load", "store")
                    && detail.object == next.object =>
            {
                true
            }
            None | Some(Event::Violation(_)) => true,
            Some(
                Event::Step {
                    detail: Detail { calls, .. },
                    ..
                }
                | Event::Barrier { calls, .. },
            ) => {
                let decides = words::changes_nothing(detail) && words::answers(detail);
                decides && !calls.starts_with(&detail.calls)
            }
        }
    }

    /// Two or three plain sentences: what happened, where, and who caused it.
    fn closing(&self, style: Style) -> String {
        let events = &self.recording.events;
        let found = events
            .iter()
            .enumerate()
            .find_map(|(place, event)| match event {
                Event::Violation(violation) if self.is_shown(event) => Some((place, violation)),
                _ => None,
            });
        let Some((place, violation)) = found else {
            return "The replay did not show it again: this is an error of the program.\n"
                .to_owned();
        };
        let names = Names::new(
            self.cell.scenario.variant(&self.cell.parameters),
            &self.recording.threads,
        );
        let who = names.thread(violation.thread);
        let about = names.about(&violation.about);
        let mut text = format!("{}.", capitalised(self.kind.sentence()));
        text += &match last_calls(&events[..place], violation.thread) {
            Some(calls) => format!(" It happened to thread {who}, {}: {about}.", path(calls)),
            None => format!(" It happened to thread {who}: {about}."),
        };
        let woken = events[..place].iter().rev().find_map(|event| match event {
            Event::Step {
                thread,
                detail,
                wakes: Some(woken),
                ..
            } if *woken == violation.thread => Some((*thread, &detail.calls)),
            _ => None,
        });
        if let Some((waker, calls)) = woken {
            text += &format!(
                " {who} was last woken by {}, {}.",
                names.thread(waker),
                path(calls)
            );
        }
        text += &format!(" {}", self.kind.outcome());
        paragraph(&text, 0, style)
    }

    /// Whether this is what the story is about.
    fn is_shown(&self, event: &Event) -> bool {
        matches!(event, Event::Violation(violation) if violation.kind == self.kind)
    }
}

/// Text broken into lines; all but the first begin with `hanging` spaces.
fn paragraph(text: &str, hanging: usize, style: Style) -> String {
    let lines = wrap(text, style.width, hanging);
    lines.iter().map(|line| line.clone() + "\n").collect()
}

/// What is said across all columns where a use of a page frame ends, or where
/// the next begins; `events` are those from the step on.
fn use_of_page(names: &Names<'_>, detail: &Detail, events: &[Event]) -> Option<String> {
    let frame = detail.object.owner;
    let page = names.page(frame);
    if is_removal(detail) {
        return Some(format!("the struct page of {page} is gone"));
    }
    if is_wipe(detail) {
        return Some(format!("this use of {page} ends"));
    }
    if !is_allocation(detail) {
        return None;
    }
    let object = ObjectName {
        field: MAPPING,
        ..detail.object
    };
    // A tail page has got its mapping before.
    let what = match next_mapping(events, frame) {
        _ if detail.object.field == FLAGS => ", as a tail of a huge page".to_owned(),
        Some(mapping) => format!(", for file {}", names.value(object, mapping)),
        None => String::new(),
    };
    Some(format!("another use of {page} begins{what}"))
}

fn thread_of(event: &Event) -> ThreadId {
    match event {
        Event::Step { thread, .. } | Event::Barrier { thread, .. } => *thread,
        Event::Violation(violation) => violation.thread,
    }
}

/// Follows a thread from the functions it was in to those it is in now. Those
/// that are new are printed; a function that was left and is entered again is
/// new, even if nothing was printed of the steps in between.
fn enter(
    entered: &mut Vec<&'static str>,
    calls: &[&'static str],
    shown: bool,
    lines: &mut Vec<Line>,
) {
    let common = entered
        .iter()
        .zip(calls)
        .take_while(|(a, b)| a == b)
        .count();
    entered.truncate(common);
    if shown {
        for (depth, function) in calls.iter().enumerate().skip(common) {
            lines.push(Line::new(depth, Tone::Strong, format!("{function}()")));
        }
        entered.extend(&calls[common..]);
    }
}

fn last_calls(events: &[Event], thread: ThreadId) -> Option<&[&'static str]> {
    events.iter().rev().find_map(|event| match event {
        Event::Step {
            thread: by, detail, ..
        } if *by == thread => Some(detail.calls.as_slice()),
        _ => None,
    })
}

/// `in wake_page_function(), called from end_page_writeback()`.
fn path(calls: &[&'static str]) -> String {
    match calls {
        [] => "outside any kernel function".to_owned(),
        [only] => format!("in {only}()"),
        [.., caller, function] => format!("in {function}(), called from {caller}()"),
    }
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
