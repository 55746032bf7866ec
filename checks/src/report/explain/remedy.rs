//! What later commits would have changed in this very execution.
//!
//! Each commit that the kernel does not have is applied to it alone, and the
//! schedule is followed on the result ([`follow`]). What comes of that is said
//! of this one schedule; whether the kernel holds, only exploring it can say.

use stalewake_model::mechanism::Kernel;
use stalewake_model::release::Commit;

use super::names::Names;
use super::{Story, Style, capitalised, paragraph, thread_of};
use crate::cell::{Cell, KernelChoice};
use crate::explore::{Event, Followed, Instead, ReplayError, Stop, follow};

/// A commit that the kernel does not have, followed along a schedule.
pub struct Remedy {
    /// The commit.
    pub commit: &'static Commit,
    /// What it changes in this execution, in sentences; nothing if every step
    /// is the same.
    pub effect: Option<String>,
}

/// A line for each remedy with an effect, and one for all that have none.
pub fn sentences(remedies: &[Remedy]) -> Vec<String> {
    let effects = remedies.iter().filter_map(|remedy| {
        let Commit { hash, summary, .. } = remedy.commit;
        let effect = remedy.effect.as_ref()?;
        Some(format!("{hash} ({summary}): {effect}"))
    });
    let mut lines: Vec<String> = effects.collect();
    let others = remedies.iter().filter(|remedy| remedy.effect.is_none());
    let others: Vec<&str> = others.map(|remedy| remedy.commit.hash).collect();
    if !others.is_empty() {
        lines.push(format!(
            "{}: nothing; every step is the same.",
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
            Ok(Remedy { commit, effect })
        };
        lacking.map(remedy).collect()
    }

    /// The remedies as `explain` prints them, with an empty line above; nothing
    /// if there are none.
    ///
    /// # Errors
    /// When the engine broke down.
    pub fn tell_remedies(&self, style: Style) -> Result<String, ReplayError> {
        let remedies = self.remedies()?;
        if remedies.is_empty() {
            return Ok(String::new());
        }
        let heading = "What the commits that this kernel lacks, each alone, would have changed in \
             this one schedule; `check --commits` and `whatif` explore all of them:";
        let mut text = "\n".to_owned() + &paragraph(heading, 0, style);
        for line in sentences(&remedies) {
            text += &paragraph(&format!("  {line}"), 4, style);
        }
        Ok(text)
    }

    /// The events up to what is shown.
    pub(super) fn until_shown(&self) -> &[Event] {
        let events = &self.recording.events;
        let shown = events.iter().position(|event| self.is_shown(event));
        &events[..shown.map_or(events.len(), |place| place + 1)]
    }

    /// Nothing if every step is the same.
    fn effect_of(&self, followed: &Followed) -> Option<String> {
        let kind = self.kind;
        let mut events = followed.recording.events.iter();
        let occurs = events.any(|event| self.is_shown(event));
        let first = self.first_difference(followed);
        Some(match (first, &followed.stopped) {
            (None, None) => return None,
            (Some(first), _) if occurs => {
                format!("differs first {first}, and {kind} occurs all the same.")
            }
            (Some(first), None) => {
                format!(
                    "differs first {first}. The rest can be followed, and {kind} does not occur."
                )
            }
            (Some(first), Some(stop)) => format!(
                "differs first {first}. {}; {kind} has not occurred by then.",
                capitalised(&self.stop(stop))
            ),
            (None, Some(stop)) => format!(
                "differs first at step {}: {}; {kind} has not occurred by then.",
                number(self.until_shown(), stop.wanted),
                self.stop(stop)
            ),
        })
    }

    /// The step in which two kernels first differ, unless it is the one where
    /// the schedule ends: `before step 1: A takes a reference on P, in
    /// get_page()`.
    fn first_difference(&self, followed: &Followed) -> Option<String> {
        let wanted = self.until_shown();
        let pair = followed.first_difference(wanted)?;
        let there = pair
            .taken
            .map(|place| self.says(&followed.recording.events[place]));
        // A step that is not in the schedule comes before the next that is.
        let mut from_here = followed.pairs.iter().skip_while(|one| **one != pair);
        let next = from_here.find_map(|one| one.wanted);
        let next = next.or(followed.stopped.as_ref().map(|stop| stop.wanted));
        let next = next.map_or(wanted.len(), |place| number(wanted, place));
        Some(match (pair.wanted, there) {
            (Some(_), Some(there)) => format!("at step {next}: {there}"),
            (None, Some(there)) => format!("before step {next}: {there}"),
            (Some(place), None) => {
                format!(
                    "at step {next}, which is left out: {}",
                    self.says(&wanted[place])
                )
            }
            (None, None) => return None,
        })
    }

    /// Where and why the schedule cannot be followed: `the schedule can be followed
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
            "the schedule can be followed until step {} ({}); instead of that, {instead}",
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
