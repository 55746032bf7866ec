//! A thread's steps, followed through the functions of the document.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use stalewake::explore::Event;
use stalewake_model::filemap::{DIRTY_MARK, TOWRITE_MARK, WRITEBACK_MARK};
use stalewake_model::mechanism::Kernel;
use stalewake_model::page::flag_name;
use stalewake_model::sync::{Detail, ThreadId};

use crate::automaton::{Automaton, States};
use crate::document::{Document, Item};

/// The functions of the document, in one kernel.
pub struct Functions<'d> {
    document: &'d Document,
    ways: BTreeMap<&'d str, Vec<Rc<Automaton>>>,
}

impl<'d> Functions<'d> {
    pub fn new(document: &'d Document, kernel: &Kernel) -> Functions<'d> {
        let ways = document.functions.iter().map(|(name, functions)| {
            let is_meant = functions
                .iter()
                .filter(|function| function.tags.iter().all(|tag| tag.holds(kernel)));
            let ways = is_meant.map(|function| Rc::new(Automaton::new(&function.body, kernel)));
            (name.as_str(), ways.collect())
        });
        Functions {
            document,
            ways: ways.collect(),
        }
    }

    fn enter(&self, name: &'static str) -> Option<Frame> {
        let ways = self.ways.get(name)?.iter();
        Some(Frame {
            name,
            ways: ways.map(|way| (way.clone(), way.start())).collect(),
        })
    }
}

/// A function that is being executed, and where in it.
#[derive(Clone)]
struct Frame {
    name: &'static str,
    ways: Vec<(Rc<Automaton>, States)>,
}

impl Frame {
    /// The same after something that it does; nothing if it does not do that.
    fn after(&self, is: impl Fn(&Item) -> bool, lines: &mut BTreeSet<usize>) -> Option<Frame> {
        let mut frame = Frame {
            name: self.name,
            ways: Vec::new(),
        };
        for (way, states) in &self.ways {
            let (next, said) = way.after(states, &is);
            lines.extend(said);
            if !next.is_empty() {
                frame.ways.push((way.clone(), next));
            }
        }
        (!frame.ways.is_empty()).then_some(frame)
    }

    fn may_end(&self) -> bool {
        self.ways.iter().any(|(way, states)| way.may_end(states))
    }
}

/// What a thread does outside of every function: an operation on a field.
const BY_ITSELF: (&str, &str) = ("complete", "bio");

/// The functions that one thread is in.
#[derive(Default)]
pub struct Thread {
    frames: Vec<Frame>,
}

impl Thread {
    /// Follows what the thread does next, and notes the lines that say so.
    pub fn follow(
        &mut self,
        functions: &Functions<'_>,
        event: &Event,
        lines: &mut BTreeSet<usize>,
    ) -> Result<(), String> {
        let calls = match event {
            Event::Step { detail, .. } => &detail.calls,
            Event::Barrier { calls, .. } => calls,
            Event::Violation(_) => return Ok(()),
        };
        let is = |item: &Item| is_of(item, event);
        let names = self.frames.iter().map(|frame| frame.name);
        let common = names.zip(calls).take_while(|(a, b)| a == *b).count();
        // Two calls of one function in a row look like one: the last one that
        // can be a new one is, if it cannot be the old one.
        for kept in (0..=common).rev() {
            if let Some(frames) = self.entered(functions, &calls[kept..], kept, &is, lines) {
                self.frames = frames;
                return Ok(());
            }
        }
        let what = match event {
            Event::Step { detail, .. } => {
                format!("{} {}", detail.operation, detail.object.field)
            }
            other => format!("{other:?}"),
        };
        Err(format!(
            "{}(): {what}\nafter {}",
            calls.join("() > "),
            self.describe(functions.document)
        ))
    }

    /// The frames after leaving all but so many, entering others, and the
    /// step; none if one of them does not do that.
    fn entered(
        &self,
        functions: &Functions<'_>,
        calls: &[&'static str],
        kept: usize,
        is: &dyn Fn(&Item) -> bool,
        lines: &mut BTreeSet<usize>,
    ) -> Option<Vec<Frame>> {
        let (stay, leave) = self.frames.split_at(kept);
        if !leave.iter().all(Frame::may_end) {
            return None;
        }
        let mut frames = stay.to_vec();
        let mut said = BTreeSet::new();
        for name in calls {
            if let Some(frame) = frames.last_mut() {
                let is_call = |item: &Item| matches!(item, Item::Call(called) if called == name);
                *frame = frame.after(is_call, &mut said)?;
            }
            frames.push(functions.enter(name)?);
        }
        match frames.last_mut() {
            Some(frame) => *frame = frame.after(is, &mut said)?,
            None => {
                let (operation, field) = BY_ITSELF;
                let by_itself = Item::Step {
                    operation,
                    field,
                    bits: Vec::new(),
                };
                is(&by_itself).then_some(())?;
            }
        }
        lines.extend(said);
        Some(frames)
    }

    /// The thread has come to its end: so must every function have.
    pub fn end(&self, document: &Document) -> Result<(), String> {
        match self.frames.iter().all(Frame::may_end) {
            true => Ok(()),
            false => Err(format!("the end\nafter {}", self.describe(document))),
        }
    }

    fn describe(&self, document: &Document) -> String {
        let frames = self.frames.iter().map(|frame| {
            let next = frame.ways.iter().flat_map(|(way, states)| way.next(states));
            let next: BTreeSet<usize> = next.collect();
            let next = next
                .iter()
                .map(|line| format!("{line}: {}", document.lines[line]));
            let end = if frame.may_end() { ", or its end" } else { "" };
            format!(
                "{}(), where next is one of {:?}{end}",
                frame.name,
                next.collect::<Vec<String>>()
            )
        });
        frames.collect::<Vec<String>>().join("\n  in ")
    }
}

/// Whether a line of the document is about this.
fn is_of(item: &Item, event: &Event) -> bool {
    match (item, event) {
        (Item::Barrier(barrier), Event::Barrier { name, .. }) => barrier == name,
        (
            Item::Step {
                operation,
                field,
                bits,
            },
            Event::Step { detail, .. },
        ) => {
            let (what, on) = (detail.operation, detail.object.field);
            *operation == what && *field == on && are_bits(bits, detail)
        }
        _ => false,
    }
}

/// Whether these are the bits. A tail may be looked at together with PG_waiters.
fn are_bits(named: &[String], detail: &Detail) -> bool {
    if named.is_empty() || named == ["bit"] {
        return true;
    }
    let mut bits = names_of(detail);
    if named != ["tail"] {
        bits.remove("tail");
    }
    let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    match detail.object.field {
        // The mark that is looked for comes along with the entry.
        "i_pages slot" => named.is_subset(&bits),
        _ => named == bits,
    }
}

fn names_of(detail: &Detail) -> BTreeSet<&'static str> {
    match detail.object.field {
        "i_pages slot" => {
            let names = [
                (0xffff, "entry"),
                (DIRTY_MARK, "DIRTY"),
                (WRITEBACK_MARK, "WRITEBACK"),
                (TOWRITE_MARK, "TOWRITE"),
            ];
            let is_there = names.iter().filter(|(bits, _)| detail.mask & bits != 0);
            is_there.map(|(_, name)| *name).collect()
        }
        "state" => BTreeSet::from(["signal"]),
        _ => (0..u64::BITS)
            .filter(|bit| detail.mask >> bit & 1 == 1)
            .map(|bit| flag_name(bit).unwrap_or("another"))
            .collect(),
    }
}

/// The thread of an event, if it is a step or a barrier.
pub fn thread_of(event: &Event) -> Option<ThreadId> {
    match event {
        Event::Step { thread, .. } | Event::Barrier { thread, .. } => Some(*thread),
        Event::Violation(_) => None,
    }
}
