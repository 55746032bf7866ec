//! One execution as a sequence of states: what every step changed.

use std::collections::BTreeMap;

use stalewake_model::violation::Kind;

use super::names::{ENTRY, ENTRY_FLAGS, FLAGS, Names, REFCOUNT, TASK};
use super::words::is_lock;
use super::{Story, thread_of};
use crate::explore::Event;

/// What there is, and how it changes.
pub(in crate::report) struct States {
    /// Everything that ever changes, and what it is at first.
    pub(in crate::report) objects: Vec<(String, String)>,
    /// What happens, in order.
    pub(in crate::report) changes: Vec<Change>,
}

/// Something that happens.
pub(in crate::report) struct Change {
    /// The place of the thread.
    pub(in crate::report) thread: usize,
    /// The kernel functions around it, outermost first.
    pub(in crate::report) calls: Vec<&'static str>,
    /// What, in words.
    pub(in crate::report) text: String,
    /// What changes by it: the place among the objects, and its new value.
    pub(in crate::report) values: Vec<(usize, String)>,
    /// What goes wrong, if this is not a step.
    pub(in crate::report) violation: Option<Kind>,
    /// Which step it is, from 1, if it is one.
    pub(in crate::report) step: Option<usize>,
}

impl Story<'_> {
    /// The states that the execution runs through.
    pub(in crate::report) fn states(&self) -> States {
        let variant = self.cell.scenario.variant(&self.cell.parameters);
        let names = Names::new(variant, &self.recording.threads);
        let mut places = BTreeMap::new();
        let mut states = States {
            objects: Vec::new(),
            changes: Vec::new(),
        };
        let mut place_of = |objects: &mut Vec<(String, String)>, name: String, first: &str| {
            *places.entry(name).or_insert_with_key(|name| {
                objects.push((name.clone(), first.to_owned()));
                objects.len() - 1
            })
        };
        let mut steps = 0;
        for event in &self.recording.events {
            let thread = thread_of(event);
            let mut change = Change {
                thread: thread.index(),
                calls: Vec::new(),
                text: String::new(),
                values: Vec::new(),
                violation: None,
                step: None,
            };
            match event {
                Event::Barrier { name, calls, .. } => {
                    change.calls.clone_from(calls);
                    (*name).clone_into(&mut change.text);
                }
                Event::Violation(violation) => {
                    let about = names.about(&violation.about);
                    change.text = format!("{} ({about})", violation.kind.sentence());
                    change.violation = Some(violation.kind);
                }
                Event::Step {
                    detail,
                    wakes,
                    sleeps,
                    ..
                } => {
                    steps += 1;
                    change.step = Some(steps);
                    change.calls.clone_from(&detail.calls);
                    change.text = names.operation(detail, *wakes, *sleeps);
                    let object = detail.object;
                    if detail.before != detail.after && !is_lock(detail) && object.field != TASK {
                        let owner = names.owner(object);
                        let name = match object.field {
                            FLAGS => format!("{owner} flags"),
                            REFCOUNT => format!("{owner} references"),
                            ENTRY => format!("{owner} in the wait queue"),
                            ENTRY_FLAGS => format!("{owner} wait entry"),
                            field => format!("{owner} {field}"),
                        };
                        let value = |value| match object.field {
                            ENTRY if value == 0 => "no".to_owned(),
                            ENTRY => "queued".to_owned(),
                            _ => names.value(object, value),
                        };
                        let place = place_of(&mut states.objects, name, &value(detail.before));
                        change.values.push((place, value(detail.after)));
                    }
                    let moved = [
                        (Some(thread).filter(|_| *sleeps), "asleep"),
                        (*wakes, "runs"),
                    ];
                    for (whom, what) in moved {
                        if let Some(whom) = whom {
                            let name = format!("{} task", names.thread(whom));
                            let place = place_of(&mut states.objects, name, "runs");
                            change.values.push((place, what.to_owned()));
                        }
                    }
                }
            }
            states.changes.push(change);
        }
        states
    }
}
