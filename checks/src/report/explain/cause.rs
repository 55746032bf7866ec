//! How something came about, in a few plain sentences.
//!
//! They are put together from the steps of the recording: who gave up a bit of
//! the page, what became of the page before the wake-up for that bit, whom the
//! wake-up reached, and what that led to. Where these are not found, nothing is
//! said.

use stalewake_model::page::{PG_LOCKED, PG_WAITERS, PG_WRITEBACK};
use stalewake_model::sync::{Detail, ThreadId};
use stalewake_model::violation::{Kind, Violation};

use super::names::{ENTRY, FLAGS, MAPPING, Names, TASK, flags};
use super::picture::{is_allocation, is_removal, is_wipe, next_mapping};
use super::words::{finds_signal, looks_for_waiters};
use super::{Story, Style, paragraph};
use crate::explore::Event;

/// The bits of a page that others wait for.
const AWAITED: u64 = PG_WRITEBACK | PG_LOCKED;

impl Story<'_> {
    /// How it came about, in two to four sentences; nothing if the recording
    /// does not have what they are made of.
    pub fn cause(&self) -> Option<String> {
        let events = &self.recording.events;
        let place = events.iter().position(|event| self.is_shown(event))?;
        let Event::Violation(violation) = &events[place] else {
            return None;
        };
        let variant = self.cell.scenario.variant(&self.cell.parameters);
        let cause = Cause {
            names: Names::new(variant, &self.recording.threads),
            events,
            place,
            violation,
        };
        match violation.kind {
            Kind::LostWakeup => cause.of_lost_wakeup(),
            Kind::LostFlagUpdate => cause.of_lost_flag_update(),
            Kind::Livelock => cause.of_livelock(),
            _ => cause.of_late_wakeup(),
        }
    }

    /// The same as a paragraph, with an empty line below it.
    pub(super) fn in_short(&self, style: Style) -> String {
        let cause = self.cause();
        cause.map_or(String::new(), |cause| {
            paragraph(&format!("In short: {cause}"), 0, style) + "\n"
        })
    }
}

struct Cause<'a> {
    names: Names<'a>,
    events: &'a [Event],
    /// Where the violation is among the events.
    place: usize,
    violation: &'a Violation,
}

/// A step, and where it is among the events.
type Found<'a> = (usize, ThreadId, &'a Detail);

impl<'a> Cause<'a> {
    /// A wake-up, or the look that comes before it, that is late: the page has
    /// another use by then, or another writeback.
    fn of_late_wakeup(&self) -> Option<String> {
        let frame = frame(&self.violation.about)?;
        let (late, by) = self.late(frame)?;
        let (waker, page) = (self.names.thread(by), self.names.page(frame));
        let mut text = self.held_up(late, by, frame)?;
        // The look itself is what goes wrong, or a wake-up that comes just before
        // that is noticed, or after it.
        let is_wake = |found: &Found<'_>| found.2.operation == "wake_up_state";
        let before = self.last(late, |thread, _| thread == by).filter(is_wake);
        let after = || {
            self.first(late, |thread, detail| {
                thread == by && is_wake(&(0, thread, detail))
            })
        };
        let wake = before.or_else(after).filter(|_| self.is_stale(late));
        text += &match wake {
            Some((_, _, detail)) => {
                let reached = self.names.owner(detail.object);
                format!(
                    " The wake-up that {waker} still owed then reaches {reached}, who waits for what began later."
                ) + &self.end(late, &reached, frame)
            }
            None if self.is_removed(late, frame) => {
                format!(" When {waker} goes on, {page} has no struct page any more.")
            }
            None => format!(" When {waker} goes on, {page} is no longer the page that it means."),
        };
        Some(text)
    }

    /// Who gives up a bit of the page is late with what comes next, and
    /// something happens in between.
    fn held_up(&self, late: usize, by: ThreadId, frame: u16) -> Option<String> {
        let (cleared, _, clear) = self.last(late, |thread, detail| {
            thread == by && is_of(detail, frame) && gives_up(detail) != 0
        })?;
        let (waker, page) = (self.names.thread(by), self.names.page(frame));
        let what = flags(gives_up(clear));
        let meanwhile = self.meanwhile(cleared..late, by, frame, gives_up(clear))?;
        let within = within(clear);
        Some(format!(
            "{waker} clears {what} on {page}, {within}, and is held up before it comes to the \
             wake-up. {meanwhile}"
        ))
    }

    fn is_removed(&self, before: usize, frame: u16) -> bool {
        self.last(before, |_, detail| {
            is_of(detail, frame) && is_removal(detail)
        })
        .is_some()
    }

    /// The first thing that came late, and who did it: what is shown, or the
    /// stale wake-up before it.
    fn late(&self, frame: u16) -> Option<(usize, ThreadId)> {
        let before = self.events[..=self.place].iter().enumerate().rev();
        let mut before = before.filter_map(|(place, event)| match event {
            Event::Violation(violation) => Some((place, violation)),
            _ => None,
        });
        let late = match self.violation.kind {
            Kind::StaleWakeup | Kind::ForeignRead | Kind::ForeignWrite | Kind::BugOnTail => {
                before.next()
            }
            _ => before.find(|(_, violation)| {
                violation.kind == Kind::StaleWakeup && self::frame(&violation.about) == Some(frame)
            }),
        };
        late.map(|(place, violation)| (place, violation.thread))
    }

    fn is_stale(&self, place: usize) -> bool {
        matches!(&self.events[place], Event::Violation(late) if late.kind == Kind::StaleWakeup)
    }

    /// What became of the page in between.
    fn meanwhile(
        &self,
        span: std::ops::Range<usize>,
        by: ThreadId,
        frame: u16,
        bits: u64,
    ) -> Option<String> {
        let page = self.names.page(frame);
        let within_span = |found: &Found<'_>| found.0 < span.end;
        let of = |detail: &Detail| detail.object.owner == frame;
        let ended = self.first(span.start, |_, detail| of(detail) && is_wipe(detail));
        if let Some((ended, thread, detail)) = ended.filter(within_span) {
            let who = self.names.thread(thread);
            let mut text = format!("Meanwhile {who} frees {page}, {}", within(detail));
            let begun = self.first(ended, |_, detail| of(detail) && is_allocation(detail));
            if let Some((begun, by, detail)) = begun.filter(within_span) {
                let who = if by == thread {
                    String::new()
                } else {
                    self.names.thread(by) + " "
                };
                let mut object = detail.object;
                object.field = MAPPING;
                // A tail page has got its mapping before.
                let what = match next_mapping(&self.events[begun..], frame) {
                    _ if detail.object.field == FLAGS => " as a tail of a huge page".to_owned(),
                    Some(mapping) => format!(" for file {}", self.names.value(object, mapping)),
                    None => String::new(),
                };
                text += &format!(", and {who}gets the frame again{what}");
            } else if self.is_removed(span.end, frame) {
                text += ", and the memory is taken out of the machine";
            }
            return Some(text + ".");
        }
        let (_, thread, detail) = self
            .first(span.start, |thread, detail| {
                thread != by && is_of(detail, frame) && detail.after & !detail.before & bits != 0
            })
            .filter(within_span)?;
        let who = self.names.thread(thread);
        let what = flags(detail.after & !detail.before & bits);
        Some(format!(
            "Meanwhile {who} sets {what} on {page} again, {}.",
            within(detail)
        ))
    }

    /// What the one who was reached makes of it.
    fn end(&self, late: usize, reached: &str, frame: u16) -> String {
        let page = self.names.page(frame);
        let ended = self.last(self.place, |_, detail| {
            is_of(detail, frame) && detail.before & !detail.after & PG_WRITEBACK != 0
        });
        let ended = ended.filter(|found| found.0 > late);
        match self.violation.kind {
            Kind::BugOnWriteback => {
                format!(
                    " {reached} takes it for its own, and meets {page} under writeback: BUG_ON."
                )
            }
            Kind::IoOnFreedPage => {
                format!(" {reached} takes it for its own, and {page} is freed under its own I/O.")
            }
            Kind::EndNotUnderWriteback => {
                let Some((_, thread, detail)) = ended else {
                    return String::new();
                };
                let (ender, last) = (self.names.thread(thread), self.violation.thread);
                let gone = match is_wipe(detail) {
                    true => format!("{page} is freed under writeback"),
                    false if ender == reached => {
                        format!("ends a writeback of {page}, {}", within(detail))
                    }
                    false => format!("{ender} ends a writeback of {page}, {}", within(detail)),
                };
                format!(
                    " {reached} takes it for its own, and {gone}. When {} comes to end one, there \
                     is none: BUG.",
                    self.names.thread(last)
                )
            }
            _ => String::new(),
        }
    }

    /// A walk over a wait queue meets a waiter again: who it is, and how that
    /// comes.
    fn of_livelock(&self) -> Option<String> {
        let frame = frame(&self.violation.about)?;
        let by = self.violation.thread;
        let requeued = |woken: ThreadId, from| {
            self.first(from, |thread, detail| {
                thread == woken && (detail.operation, detail.object.field) == ("set_bit", ENTRY)
            })
            .filter(|found| found.0 < self.place)
        };
        let wakes = self.events[..self.place].iter().enumerate();
        let mut wakes = wakes.filter_map(|(place, event)| match event {
            Event::Step {
                thread,
                wakes: Some(woken),
                ..
            } if *thread == by => Some((place, *woken)),
            _ => None,
        });
        let (woke, woken) = wakes.find(|(place, woken)| requeued(*woken, *place).is_some())?;
        let (walker, page) = (self.names.thread(by), self.names.page(frame));
        let woken = self.names.thread(woken);
        let held_up = self.held_up(woke, by, frame);
        let held_up = held_up.map_or(String::new(), |text| text + " ");
        Some(format!(
            "{held_up}{walker} walks over the wait queue of {page} and wakes {woken}, then lets go \
             of the queue's lock at its bookmark. {woken} finds the bit that it waits for set, and \
             queues itself again, behind the bookmark. So the walk comes to {woken} once more, and \
             nothing bounds how often."
        ))
    }

    /// Somebody sleeps, and the last wake-up went elsewhere.
    fn of_lost_wakeup(&self) -> Option<String> {
        let asleep = self.violation.about.strip_prefix("asleep on ")?;
        let frame = asleep.rsplit_once(' ')?.1.parse().ok()?;
        let sleeper = self.names.thread(self.violation.thread);
        let page = self.names.page(frame);
        let (cleared, by, clear) = self.last(self.place, |_, detail| {
            is_of(detail, frame) && gives_up(detail) != 0
        })?;
        let what = flags(gives_up(clear));
        let mut text = format!(
            "{} is the last to clear {what} on {page}, {}.",
            self.names.thread(by),
            within(clear)
        );
        let wake = self.last(self.place, |_, detail| {
            detail.operation == "wake_up_state" && detail.object.field == TASK
        });
        text += &match wake {
            Some((place, waker, detail)) => {
                let (waker, reached) = (self.names.thread(waker), self.names.owner(detail.object));
                let when = if place < cleared {
                    "before that"
                } else {
                    "after that"
                };
                format!(
                    " The last wake-up, by {waker} {when}, goes to {reached}{} {sleeper} is left asleep with {what} clear.",
                    self.killed(detail.object.owner)
                )
            }
            None => {
                let looked = self.last(self.place, |thread, detail| {
                    thread == by && is_of(detail, frame) && looks_for_waiters(detail)
                });
                let unseen = looked.filter(|(_, _, detail)| detail.before & PG_WAITERS == 0);
                let when = unseen.map_or("", |(looked, ..)| match looked < cleared {
                    true => " It has looked for waiters before that, and seen none.",
                    false => " It looks for waiters then, and sees none.",
                });
                format!("{when} Nobody is ever woken, and {sleeper} is left asleep.")
            }
        };
        Some(text)
    }

    /// What goes on from a wake-up to who is left asleep. Who has seen that a
    /// fatal signal is pending for it takes nothing any more.
    fn killed(&self, task: u16) -> String {
        let gave_up = self.last(self.place, |_, detail| {
            detail.object.owner == task && finds_signal(detail)
        });
        gave_up.map_or(", and".to_owned(), |(_, thread, _)| {
            let killed = self.names.thread(thread);
            format!(
                ". But {killed} has seen that a fatal signal is pending for it, and is leaving: it \
                 returns -EINTR without the lock, and wakes nobody."
            )
        })
    }

    /// Somebody reads all flags and writes them back, and what others change in
    /// between is undone.
    fn of_lost_flag_update(&self) -> Option<String> {
        let frame = frame(&self.violation.about)?;
        let by = self.violation.thread;
        let (read, _, _) = self.last(self.place, |thread, detail| {
            thread == by && is_of(detail, frame) && detail.operation == "load"
        })?;
        let (_, other, lost) = self
            .first(read, |thread, detail| {
                thread != by && is_of(detail, frame) && detail.before != detail.after
            })
            .filter(|found| found.0 < self.place)?;
        let (writer, other) = (self.names.thread(by), self.names.thread(other));
        let page = self.names.page(frame);
        let (set, cleared) = (lost.after & !lost.before, lost.before & !lost.after);
        let what = match (set, cleared) {
            (0, cleared) => format!("clears {}", flags(cleared)),
            (set, _) => format!("sets {}", flags(set)),
        };
        Some(format!(
            "{writer} reads the flags of {page}, to write them back with a change of its own. \
             Before it does, {other} {what} there, {}. The write of {writer} is not atomic: it \
             undoes that.",
            within(lost)
        ))
    }

    /// The last step before that place that is so.
    fn last(
        &self,
        before: usize,
        is_meant: impl Fn(ThreadId, &Detail) -> bool,
    ) -> Option<Found<'a>> {
        let steps = self.steps().rev().skip_while(|found| found.0 >= before);
        let mut meant = steps.filter(|(_, thread, detail)| is_meant(*thread, detail));
        meant.next()
    }

    /// The first step from that place on that is so.
    fn first(
        &self,
        from: usize,
        is_meant: impl Fn(ThreadId, &Detail) -> bool,
    ) -> Option<Found<'a>> {
        let steps = self.steps().skip_while(|found| found.0 < from);
        let mut meant = steps.filter(|(_, thread, detail)| is_meant(*thread, detail));
        meant.next()
    }

    fn steps(&self) -> impl DoubleEndedIterator<Item = Found<'a>> + use<'a> {
        let events = self.events.iter().enumerate();
        events.filter_map(|(place, event)| match event {
            Event::Step { thread, detail, .. } => Some((place, *thread, detail)),
            Event::Barrier { .. } | Event::Violation(_) => None,
        })
    }
}

/// The page frame that a violation is about.
fn frame(about: &str) -> Option<u16> {
    let number = about.strip_prefix("page frame ")?;
    number.split(',').next()?.parse().ok()
}

fn is_of(detail: &Detail, frame: u16) -> bool {
    detail.object.field == FLAGS && detail.object.owner == frame
}

/// The bits that a step clears and others may wait for. A wipe clears
/// everything, and nobody is woken for that.
fn gives_up(detail: &Detail) -> u64 {
    if is_wipe(detail) {
        return 0;
    }
    detail.before & !detail.after & AWAITED
}

/// `in test_clear_page_writeback()`.
fn within(detail: &Detail) -> String {
    detail.calls.last().map_or_else(
        || "outside any kernel function".to_owned(),
        |function| format!("in {function}()"),
    )
}
