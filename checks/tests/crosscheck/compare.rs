//! One program under the explorer, compared with its enumeration.

use std::collections::BTreeSet;
use std::sync::Arc;

use stalewake::explore::{
    Event, Findings, Options, Shard, Split, explore_part, explore_program, replay_program,
};
use stalewake::verdict::{Reachable, Search, Status};
use stalewake_model::violation::Kind;

use super::enumerate::{Enumeration, follow};
use super::explored::Explored;
use super::program::{Ghost, Outcome, Script};

/// Explores a program without a trunk: what is to be proved is the reduction,
/// and in a trunk there is none.
pub fn explore(script: &Script, ghost: Ghost, search: Search) -> (Findings, BTreeSet<Outcome>) {
    let program = Arc::new(Explored::new(script, ghost));
    let options = Options {
        search,
        split: Split::default().with_trunk(0),
        ..Options::default()
    };
    let findings = explore_program(&program, &options, &Arc::default());
    (findings, program.take_outcomes())
}

/// What so many shards find together, if the trunk has so many steps.
pub fn explore_parts(script: &Script, steps: usize, parts: u32) -> Findings {
    let program = Arc::new(Explored::new(script, Ghost::AtHome));
    let part = |index| {
        let shard = Shard::new(index, parts).expect("it is one of them");
        let options = Options {
            split: Split::of(shard).with_trunk(steps),
            ..Options::default()
        };
        explore_part(&program, &options, &Arc::default())
    };
    (1..=parts)
        .map(part)
        .reduce(Findings::and)
        .expect("there is at least one part")
        .checked()
}

/// Says how the results of two ways to do the same search differ, if they do.
pub fn same_results(one: &Findings, other: &Findings) -> Result<(), String> {
    let results = |of: &Findings| (of.status.clone(), of.reachable.clone(), of.figures.traces());
    same(results(one) == results(other), one, other)
}

/// Says so if one of them had other executions.
pub fn same_executions(one: &Findings, other: &Findings) -> Result<(), String> {
    same_results(one, other)?;
    let executions = |of: &Findings| (of.figures.executions, of.figures.operations);
    same(executions(one) == executions(other), one, other)
}

fn same(is_same: bool, one: &Findings, other: &Findings) -> Result<(), String> {
    let differ = || format!("{one:#?}\nis not the same as\n{other:#?}");
    is_same.then_some(()).ok_or_else(differ)
}

/// Says how an exploration differs from the enumeration, if it does.
pub fn compare(
    findings: &Findings,
    outcomes: &BTreeSet<Outcome>,
    expected: &BTreeSet<Outcome>,
) -> Result<(), String> {
    if findings.status != Status::Complete {
        return Err(format!("the search ended as {:?}", findings.status));
    }
    let show = |outcomes: Vec<&Outcome>| {
        outcomes
            .iter()
            .map(|outcome| format!("    {outcome:?}\n"))
            .collect::<String>()
    };
    let missing: Vec<_> = expected.difference(outcomes).collect();
    if !missing.is_empty() {
        return Err(format!(
            "{} outcomes are missing:\n{}",
            missing.len(),
            show(missing)
        ));
    }
    let invented: Vec<_> = outcomes.difference(expected).collect();
    if !invented.is_empty() {
        return Err(format!(
            "{} outcomes are invented:\n{}",
            invented.len(),
            show(invented)
        ));
    }
    let kinds: BTreeSet<Kind> = findings.reachable.iter().map(|found| found.kind).collect();
    let expected_kinds: BTreeSet<Kind> = expected
        .iter()
        .flat_map(|outcome| outcome.kinds.iter().copied())
        .collect();
    if kinds != expected_kinds {
        return Err(format!(
            "{kinds:?} were found, {expected_kinds:?} are reachable"
        ));
    }
    Ok(())
}

/// Says of which kind the witness does not show the kind, if of any.
pub fn check_witnesses(
    script: &Script,
    findings: &Findings,
    expected: &BTreeSet<Outcome>,
) -> Result<(), String> {
    findings
        .reachable
        .iter()
        .try_for_each(|found| about(found, shows_again(script, found, expected)).map(drop))
}

/// Says which witness does not have as few preemptions as it says, or could do
/// with fewer, or with fewer steps, if any.
pub fn check_simplest(
    script: &Script,
    findings: &Findings,
    enumeration: &Enumeration,
) -> Result<(), String> {
    let simplest = enumeration.simplest();
    findings.reachable.iter().try_for_each(|found| {
        let preemptions = about(found, shows_again(script, found, &enumeration.outcomes))?;
        let steps = found.witness.schedule.len();
        let (said, has, least) = (
            (found.witness.preemptions, steps),
            (preemptions, steps),
            simplest[&found.kind],
        );
        let reason = format!("it has {has:?} preemptions and steps, {least:?} are enough");
        let agree = said == has && said == least;
        about(found, if agree { Ok(()) } else { Err(reason) })
    })
}

fn about<T>(found: &Reachable, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|reason| format!("the witness of {}: {reason}\n{found:?}", found.kind))
}

/// Runs a witness again, and has the enumerator follow it too: both must come
/// to show the kind. Returns how many preemptions the schedule has.
fn shows_again(
    script: &Script,
    found: &Reachable,
    outcomes: &BTreeSet<Outcome>,
) -> Result<usize, String> {
    let schedule = &found.witness.schedule;
    let program = Arc::new(Explored::new(script, Ghost::AtHome));
    let names = (0..script.threads.len()).map(|thread| format!("T{thread}"));
    let recording = replay_program(&program, names.collect(), schedule)
        .map_err(|error| format!("no replay: {error}"))?;
    let (mut steps, mut shown) = (Vec::new(), BTreeSet::new());
    for event in recording.events {
        match event {
            Event::Step { thread, .. } => steps.push(thread),
            Event::Violation(violation) => {
                shown.insert(violation.kind);
            }
            Event::Barrier { .. } => {}
        }
    }
    if !steps.starts_with(schedule) {
        return Err(format!("the replay ran {steps:?}"));
    }
    if !shown.contains(&found.kind) {
        return Err(format!("the replay shows only {shown:?}"));
    }
    let replayed = program.take_outcomes();
    if replayed.len() != 1 || !replayed.is_subset(outcomes) {
        return Err(format!("the replay came to {replayed:?}"));
    }
    let followed = follow(script, Ghost::AtHome, schedule)
        .ok_or("the enumerator does not know this schedule")?;
    if !followed.kinds.contains(&found.kind) {
        return Err("the schedule ends before it is shown".to_owned());
    }
    Ok(followed.preemptions)
}
