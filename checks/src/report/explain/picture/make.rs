//! From a recorded execution to what is drawn of it.

use std::collections::BTreeSet;

use stalewake_model::page::{COMPOUND_TAIL, NO_MAPPING, PG_LOCKED, PG_WRITEBACK, TAIL_MAPPING};
use stalewake_model::sync::Detail;
use stalewake_model::violation::{Kind, Violation};

use super::{Frame, Late, Picture, Row, Use, Wake, What};
use crate::explore::Event;
use crate::report::explain::names::{
    ENTRY, ENTRY_FLAGS, FLAGS, MAPPING, Names, REFCOUNT, TASK, flags, signed,
};
use crate::report::explain::words::finds_signal;
use crate::report::explain::{Story, thread_of};
use crate::scenario::Variant;

/// The functions in which uses of a page frame begin and end.
const ALLOCATION: &str = "alloc_pages";
const FREEING: &str = "free_unref_page";
const WIPE: &str = "free_pages_prepare";
const REMOVAL: &str = "remove_memory";

/// A thread while rows are made of what it does.
#[derive(Clone, Default)]
struct Lane {
    outermost: Option<&'static str>,
    /// How many outermost functions it has entered.
    calls: usize,
    /// The innermost function that was last said.
    said: Option<&'static str>,
    /// It has decided on a stale wake-up, and has not carried it out yet.
    stale: bool,
}

impl Picture {
    pub(super) fn of(story: &Story<'_>) -> Picture {
        let (scenario, recording) = (&story.cell.scenario, story.recording);
        let variant = scenario.variant(&story.cell.parameters);
        let mut maker = Maker {
            names: Names::new(variant, &recording.threads),
            events: &recording.events,
            lanes: vec![Lane::default(); recording.threads.len()],
            picture: Picture {
                title: format!("{}: {}", story.cell, story.kind),
                subtitle: format!("{} ({})", scenario.title, scenario.source),
                caption: story.caption(),
                threads: recording.threads.clone(),
                frames: frames(variant, &recording.events),
                rows: Vec::new(),
                late: Vec::new(),
            },
        };
        let is_violation = |event: &Event| matches!(event, Event::Violation(_));
        let end = recording.events.iter().rposition(is_violation);
        let end = end.map_or(recording.events.len(), |last| last + 1);
        for (place, event) in recording.events[..end].iter().enumerate() {
            let matters = match event {
                Event::Step { detail, .. } => {
                    is_drawn(detail) && story.matters(place, thread_of(event), detail, false)
                }
                Event::Barrier { .. } | Event::Violation(_) => false,
            };
            maker.event(place, event, matters);
        }
        maker.picture
    }
}

struct Maker<'a> {
    names: Names<'a>,
    events: &'a [Event],
    lanes: Vec<Lane>,
    picture: Picture,
}

impl Maker<'_> {
    fn event(&mut self, place: usize, event: &Event, matters: bool) {
        let thread = thread_of(event).index();
        match event {
            Event::Barrier { .. } => {}
            Event::Violation(violation) => self.violation(thread, violation),
            Event::Step {
                detail,
                wakes,
                sleeps,
                stale,
                ..
            } => {
                let lane = &mut self.lanes[thread];
                let outermost = detail.calls.first().copied();
                if lane.outermost != outermost {
                    lane.outermost = outermost;
                    lane.calls += 1;
                    lane.said = None;
                }
                if !(matters || wakes.is_some() || *sleeps || *stale) {
                    return;
                }
                let innermost = detail.calls.last().copied();
                let within = innermost.filter(|_| detail.calls.len() > 1 && lane.said != innermost);
                lane.said = innermost;
                let call = outermost.map(|name| (name, lane.calls));
                let wake = wakes.map(|whom| Wake {
                    whom: whom.index(),
                    stale: std::mem::take(&mut lane.stale),
                });
                self.uses(place, detail);
                let what = What::Step {
                    text: self.names.operation(detail, *wakes, *sleeps),
                    effect: self.effect(detail),
                    sleeps: *sleeps,
                    wake,
                };
                self.picture.rows.push(Row {
                    thread,
                    call,
                    within,
                    what,
                });
            }
        }
    }

    fn violation(&mut self, thread: usize, violation: &Violation) {
        let lane = &mut self.lanes[thread];
        let call = lane.outermost.map(|name| (name, lane.calls));
        if violation.kind == Kind::StaleWakeup {
            lane.stale = true;
            self.late(thread, &violation.about);
        }
        self.picture.rows.push(Row {
            thread,
            call,
            within: None,
            what: What::Violation {
                kind: violation.kind,
                about: self.names.about(&violation.about),
            },
        });
    }

    /// A stale wake-up was earned when its thread last gave up a bit of the
    /// frame that other threads wait for.
    fn late(&mut self, thread: usize, about: &str) {
        let frames = &self.picture.frames;
        let is_meant = |frame: &Frame| about == format!("page frame {}", frame.number);
        let Some(frame) = frames.iter().position(is_meant) else {
            return;
        };
        let gives_up = |row: &Row| {
            let What::Step { effect, .. } = &row.what else {
                return false;
            };
            row.thread == thread
                && matches!(effect, Some(effect) if effect.frame == frame && effect.gives_up)
        };
        if let Some(from) = self.picture.rows.iter().rposition(gives_up) {
            let to = self.picture.rows.len();
            self.picture.late.push(Late { frame, from, to });
        }
    }

    /// What a step did to a page frame.
    fn effect(&self, detail: &Detail) -> Option<super::Effect> {
        let frames = &self.picture.frames;
        let is_this = |frame: &Frame| frame.number == detail.object.owner;
        let (before, after) = (detail.before, detail.after);
        let text = match detail.object.field {
            FLAGS if is_wipe(detail) => "flags wiped".to_owned(),
            FLAGS if before == after => format!("flags: {}", flags(before)),
            FLAGS => format!("flags: {} → {}", flags(before), flags(after)),
            REFCOUNT => format!("refs: {} → {}", signed(before), signed(after)),
            MAPPING => {
                let value = |value| self.names.value(detail.object, value);
                format!("mapping: {} → {}", value(before), value(after))
            }
            _ => return None,
        };
        Some(super::Effect {
            frame: frames.iter().position(is_this)?,
            // Flags that are too many for a line are broken between two.
            text: text.replace('|', " "),
            gives_up: detail.object.field == FLAGS
                && before & !after & (PG_WRITEBACK | PG_LOCKED) != 0,
        })
    }

    /// Uses of a page frame end and begin with the row that comes next.
    fn uses(&mut self, place: usize, detail: &Detail) {
        let row = self.picture.rows.len();
        let is_this = |frame: &&mut Frame| frame.number == detail.object.owner;
        let Some(frame) = self.picture.frames.iter_mut().find(is_this) else {
            return;
        };
        let is_in_use = frame.uses.last().is_some_and(|last| last.ends.is_none());
        if is_in_use && is_wipe(detail) {
            let last = frame.uses.last_mut().expect("it is in use");
            last.ends = Some(row);
        } else if !is_in_use && is_allocation(detail) {
            let number = frame.uses.len() + 1;
            let of = next_mapping(&self.events[place..], frame.number);
            let of = match of {
                Some(TAIL_MAPPING) => Some("tail page".to_owned()),
                _ if detail.object.field == FLAGS => Some("tail page".to_owned()),
                Some(mapping) => {
                    let mut object = detail.object;
                    object.field = MAPPING;
                    Some(format!("page of {}", self.names.value(object, mapping)))
                }
                None => None,
            };
            let label = of.map_or_else(
                || format!("use {number}"),
                |of| format!("use {number}: {of}"),
            );
            frame.uses.push(Use {
                label,
                begins: Some(row),
                ends: None,
            });
        }
    }
}

/// The frames that have a page or get one, and what is in them at first.
fn frames(variant: &Variant, events: &[Event]) -> Vec<Frame> {
    let allocated = events.iter().filter_map(|event| match event {
        Event::Step { detail, .. } if is_allocation(detail) => Some(detail.object.owner),
        _ => None,
    });
    let numbers: BTreeSet<u16> = variant
        .pages
        .iter()
        .map(|page| page.frame)
        .chain(allocated)
        .collect();
    let frame = |number| {
        let page = variant.pages.iter().find(|page| page.frame == number);
        let first = page.map(|page| Use {
            label: format!("use 1: page of {}", variant.inodes[page.inode]),
            begins: None,
            ends: None,
        });
        Frame {
            number,
            page: page.map(|page| page.name.clone()),
            uses: first.into_iter().collect(),
        }
    };
    numbers.into_iter().map(frame).collect()
}

/// Whether a step is about pages and waiters, and not about the marks in the
/// page cache, locks, or the checks of the page allocator.
fn is_drawn(detail: &Detail) -> bool {
    if is_wipe(detail) || is_allocation(detail) {
        return true;
    }
    let changes = detail.before != detail.after;
    let allocator = |call: &&str| [ALLOCATION, FREEING].contains(call);
    match detail.object.field {
        FLAGS => changes || !detail.calls.iter().any(allocator),
        REFCOUNT | MAPPING | ENTRY | ENTRY_FLAGS => changes,
        // A signal, by who sends it and by who sees it.
        TASK if detail.operation == "set_bit" || finds_signal(detail) => true,
        _ => matches!(detail.operation, "submit" | "complete" | "schedule"),
    }
}

/// Whether a use of the frame ends here: it is freed, or its struct page goes.
pub(in crate::report::explain) fn is_wipe(detail: &Detail) -> bool {
    is_removal(detail) || overwrites(detail, WIPE)
}

/// Whether the struct page goes, with the memory that it stands for.
pub(in crate::report::explain) fn is_removal(detail: &Detail) -> bool {
    overwrites(detail, REMOVAL)
}

fn overwrites(detail: &Detail, by: &str) -> bool {
    detail.object.field == FLAGS
        && detail.operation == "store"
        && detail.calls.last().is_some_and(|call| *call == by)
}

/// Whether a use of the frame begins here.
pub(in crate::report::explain) fn is_allocation(detail: &Detail) -> bool {
    detail.calls.contains(&ALLOCATION)
        && match detail.object.field {
            REFCOUNT => detail.operation == "atomic_set" && detail.after == 1,
            FLAGS => detail.after & !detail.before & COMPOUND_TAIL != 0,
            _ => false,
        }
}

/// The file that the frame belongs to next.
pub(in crate::report::explain) fn next_mapping(events: &[Event], frame: u16) -> Option<u64> {
    events.iter().find_map(|event| match event {
        Event::Step { detail, .. } => {
            let sets = detail.object.field == MAPPING
                && detail.object.owner == frame
                && detail.before != detail.after
                && detail.after != NO_MAPPING;
            sets.then_some(detail.after)
        }
        _ => None,
    })
}
