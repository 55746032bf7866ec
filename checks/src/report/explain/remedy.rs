//! What later commits would have changed in this very execution.
//!
//! Each commit that the kernel does not have is applied to it alone, and the
//! schedule is followed on the result ([`follow`]). What comes of that is said
//! of this one schedule; whether the kernel holds, only exploring it can say.

use std::collections::BTreeSet;

use stalewake_model::mechanism::Kernel;
use stalewake_model::release::Commit;
use stalewake_model::violation::Kind;

use super::names::Names;
use super::{Story, Style, capitalised, paragraph, thread_of};
use crate::cell::{Cell, KernelChoice};
use crate::explore::{Event, Followed, Instead, ReplayError, Stop, follow};

/// A commit that the kernel does not have, followed along a schedule.
pub struct Remedy {
    /// The commit.
    pub commit: &'static Commit,
    /// The same cell with it.
    pub cell: Cell,
    /// What it changes in this execution; nothing if no step that changes
    /// anything is another.
    pub effect: Option<Effect>,
    /// Whether a search of every schedule finds the same kind in that cell;
    /// nothing if there was none.
    pub reachable: Option<bool>,
}

/// A difference, up to where the schedule can be followed.
pub struct Effect {
    /// In sentences.
    text: String,
    /// The steps that are quoted in them, by their places.
    quoted: Vec<usize>,
}

impl Remedy {
    fn sentence(&self, kind: Kind) -> Option<String> {
        let Commit { hash, summary, .. } = self.commit;
        let effect = &self.effect.as_ref()?.text;
        Some(match self.reachable {
            None => format!("{hash} ({summary}): {effect}"),
            Some(reachable) => {
                let can = if reachable { "can still" } else { "cannot" };
                let effect = capitalised(effect);
                format!("{hash} ({summary}): {kind} {can} happen. {effect}")
            }
        })
    }
}

/// The places of the steps that the sentences quote.
pub(super) fn quoted(remedies: &[Remedy]) -> BTreeSet<usize> {
    let effects = remedies.iter().filter_map(|remedy| remedy.effect.as_ref());
    effects.flat_map(|effect| &effect.quoted).copied().collect()
}

/// A line for each remedy with an effect, and one for all that have none.
pub fn sentences(remedies: &[Remedy], kind: Kind) -> Vec<String> {
    let effects = remedies.iter().filter_map(|remedy| remedy.sentence(kind));
    let mut lines: Vec<String> = effects.collect();
    let others = remedies.iter().filter(|remedy| remedy.effect.is_none());
    let others: Vec<&str> = others.map(|remedy| remedy.commit.hash).collect();
    if !others.is_empty() {
        lines.push(format!(
            "{}: no difference in this schedule.",
            others.join(", ")
        ));
    }
    lines
}

impl Story<'_> {
    /// What each commit that the kernel lacks would have changed. Executions
    /// of weak memory cannot be followed on another kernel: what a thread reads
    /// there is no matter of schedules.
    ///
    /// # Errors
    /// When the engine broke down.
    pub fn remedies(&self) -> Result<Vec<Remedy>, ReplayError> {
        if self.witness.execution.is_some() {
            return Ok(Vec::new());
        }
        let lacking = lacking(&self.cell.kernel.kernel).into_iter();
        let remedy = |(commit, kernel)| {
            let cell = Cell {
                kernel: KernelChoice {
                    kernel,
                    ..self.cell.kernel.clone()
                },
                ..self.cell.clone()
            };
            let followed = follow(&cell, self.until_shown())?;
            let effect = self.effect_of(&followed);
            Ok(Remedy {
                commit,
                cell,
                effect,
                reachable: None,
            })
        };
        lacking.map(remedy).collect()
    }

    /// The remedies as `explain` prints them, with an empty line above; nothing
    /// if there are none.
    pub fn tell_remedies(&self, remedies: &[Remedy], style: Style) -> String {
        if remedies.is_empty() {
            return String::new();
        }
        let is_searched = remedies.iter().any(|remedy| remedy.reachable.is_some());
        let heading = match is_searched {
            true => format!(
                "What each of the commits that this kernel lacks makes of it: whether {} can happen \
                 in this cell, by a search of every schedule, and what becomes of this schedule.",
                self.kind
            ),
            false => "What the commits that this kernel lacks, each alone, would have changed in \
                      this one schedule; `check --commits` and `whatif` explore all of them:"
                .to_owned(),
        };
        let mut text = "\n".to_owned() + &paragraph(&heading, 0, style);
        for line in sentences(remedies, self.kind) {
            text += &paragraph(&format!("  {line}"), 4, style);
        }
        text
    }

    /// The events up to what is shown.
    pub(super) fn until_shown(&self) -> &[Event] {
        let events = &self.recording.events;
        let shown = events.iter().position(|event| self.is_shown(event));
        &events[..shown.map_or(events.len(), |place| place + 1)]
    }

    /// Nothing if no step that changes anything is another.
    fn effect_of(&self, followed: &Followed) -> Option<Effect> {
        let kind = self.kind;
        let mut events = followed.recording.events.iter();
        let occurs = events.any(|event| self.is_shown(event));
        let first = self.first_difference(followed);
        let stop = followed.stopped.as_ref();
        let text = match (&first, stop) {
            (None, None) => return None,
            (Some(first), _) if occurs => {
                format!(
                    "it differs first {}, and {kind} happens all the same.",
                    first.text
                )
            }
            (Some(first), None) => format!(
                "it differs first {}. The rest can be followed, and {kind} does not happen in it.",
                first.text
            ),
            (Some(first), Some(stop)) => {
                format!(
                    "it differs first {}. {}.",
                    first.text,
                    capitalised(&self.stop(stop))
                )
            }
            (None, Some(stop)) => format!("{}.", self.stop(stop)),
        };
        let stopped = stop.map(|stop| stop.wanted);
        let quoted = first
            .and_then(|first| first.quoted)
            .into_iter()
            .chain(stopped);
        Some(Effect {
            text,
            quoted: quoted.collect(),
        })
    }

    /// The step in which two kernels first differ, unless it is the one where
    /// the schedule ends: `before step 1: A takes a reference on P, in
    /// get_page()`.
    fn first_difference(&self, followed: &Followed) -> Option<Difference> {
        let wanted = self.until_shown();
        let pair = followed.first_difference(wanted)?;
        let there = pair
            .taken
            .map(|place| self.says(&followed.recording.events[place]));
        // A step that is not in the schedule comes before the next that is.
        let mut from_here = followed.pairs.iter().skip_while(|one| **one != pair);
        let next = from_here.find_map(|one| one.wanted);
        let next = next.or(followed.stopped.as_ref().map(|stop| stop.wanted));
        let step = next.map_or(wanted.len(), |place| number(wanted, place));
        let text = match (pair.wanted, there) {
            (Some(_), Some(there)) => format!("at step {step}: {there}"),
            (None, Some(there)) => format!("before step {step}: {there}"),
            (Some(place), None) => {
                let left_out = self.says(&wanted[place]);
                format!("at step {step}, which is not taken: {left_out}")
            }
            (None, None) => return None,
        };
        Some(Difference { text, quoted: next })
    }

    /// Where and why the schedule cannot be followed: `it can be followed
    /// until step 44 (...); instead of that, B sleeps`.
    pub(super) fn stop(&self, stop: &Stop) -> String {
        let wanted = self.until_shown();
        let event = &wanted[stop.wanted];
        let mut steps = stop.instead.steps().iter();
        let first = steps.find(|event| matches!(event, Event::Step { .. }));
        let then = match &stop.instead {
            Instead::Steps(_) => "",
            Instead::Sleeps(_) => "sleeps",
            Instead::Waits(_) => "waits for a lock or for I/O",
            Instead::Ends(_) => "comes to its end",
        };
        let instead = match first {
            Some(first) if then.is_empty() => self.says(first),
            // The step by which it falls asleep may be all that it does.
            Some(first) => format!("{}, and soon {then}", self.says(first)),
            None => format!("{} {then}", self.names().thread(thread_of(event))),
        };
        format!(
            "it can be followed until step {} ({}); instead of that, {instead}",
            number(wanted, stop.wanted),
            self.says(event)
        )
    }

    /// A step in words: `A takes a reference on P, in get_page()`.
    fn says(&self, event: &Event) -> String {
        let names = self.names();
        let Event::Step {
            thread,
            detail,
            wakes,
            sleeps,
            ..
        } = event
        else {
            return String::new();
        };
        let what = names.operation(detail, *wakes, *sleeps);
        // What is no verb of the thread's follows a colon.
        let first = what.split(' ').next().unwrap_or_default();
        let is_question = first == "is" && what.contains('?');
        let colon = if is_question || first == "an" || first.contains(['_', '(']) {
            ":"
        } else {
            ""
        };
        let within = detail
            .calls
            .last()
            .map_or(String::new(), |call| format!(", in {call}()"));
        format!("{}{colon} {what}{within}", names.thread(*thread))
    }

    pub(super) fn names(&self) -> Names<'_> {
        let variant = self.cell.scenario.variant(&self.cell.parameters);
        Names::new(variant, &self.recording.threads)
    }
}

/// Where two kernels first differ.
struct Difference {
    text: String,
    /// The place of the step that is named.
    quoted: Option<usize>,
}

/// The number of a step, from 1, by its place among events.
pub(super) fn number(events: &[Event], place: usize) -> usize {
    let steps = events[..=place].iter();
    steps
        .filter(|event| matches!(event, Event::Step { .. }))
        .count()
}

/// The commits that a kernel does not have and could have, each with what it
/// makes of that kernel.
fn lacking(kernel: &Kernel) -> Vec<(&'static Commit, Kernel)> {
    let find = |hash| Commit::ALL.iter().find(|commit| commit.hash == hash);
    let could = Commit::ALL.iter().filter(|commit| {
        let needs = commit.needs.and_then(find);
        !is_applied(kernel, commit) && needs.is_none_or(|needs| is_applied(kernel, needs))
    });
    let with = could.map(|commit| {
        let mut changed = *kernel;
        for (mechanism, alternative) in changes(commit) {
            let known = changed.set(mechanism, alternative);
            known.expect("a kernel's own choices have names");
        }
        (commit, changed)
    });
    with.filter(|(_, changed)| changed.conflict().is_none())
        .collect()
}

/// Whether a kernel has all that a commit changes, or what a later commit makes
/// of that.
fn is_applied(kernel: &Kernel, commit: &Commit) -> bool {
    let later = Commit::ALL
        .iter()
        .filter(|one| one.needs == Some(commit.hash));
    let later: Vec<_> = later.flat_map(changes).collect();
    changes(commit).into_iter().all(|(mechanism, alternative)| {
        kernel.choices().any(|choice| {
            choice.0 == mechanism && (choice.1 == alternative || later.contains(&choice))
        })
    })
}

/// The mechanisms that a commit changes, and to what.
fn changes(commit: &Commit) -> Vec<(&'static str, &'static str)> {
    let pick = |hashes: Vec<&str>| Commit::pick(&hashes).expect("it is one, with what it needs");
    let before: Vec<&str> = commit.needs.into_iter().collect();
    let after = [&before[..], &[commit.hash]].concat();
    let (before, after) = (pick(before), pick(after));
    let both = before.choices().zip(after.choices());
    both.filter(|(before, after)| before != after)
        .map(|(_, after)| after)
        .collect()
}

#[cfg(test)]
mod tests {
    use stalewake_model::release::Release;

    use super::*;

    fn hashes(name: &str) -> Vec<&'static str> {
        let release = Release::resolve(name).expect("it is a row");
        let lacking = lacking(&release.kernel).into_iter();
        lacking.map(|(commit, _)| commit.hash).collect()
    }

    #[test]
    fn a_release_lacks_what_its_row_does_not_list() {
        for release in Release::ALL {
            for hash in hashes(release.name) {
                assert!(!release.commits.contains(&hash), "{release}: {hash}");
            }
        }
        assert_eq!(
            hashes("v5.9"),
            ["073861ed77", "c2407cf7d22d", "b0b598ee08f9", "2580d554585c"]
        );
        assert!(hashes("v6.7").is_empty(), "nothing came later");
    }

    #[test]
    fn what_builds_on_a_missing_commit_cannot_be_applied() {
        let lacking = hashes("v5.8");
        assert!(lacking.contains(&"2a9127fcf229"));
        assert!(
            !lacking.contains(&"5ef64cc8987a"),
            "it builds on 2a9127fcf229"
        );
    }
}
