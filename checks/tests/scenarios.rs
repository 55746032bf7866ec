//! One trial for each cell of the shipped scenarios, named as the command line
//! names it: what can be reached must be exactly what the file expects, and
//! every schedule must have been explored. Together the cells must reach every
//! step of their scenarios, and every branch of the waking and the waiting.
//!
//! With `--cfg loom` every cell is explored. Without it, the cells that take
//! longest are ignored, and the others are explored all the same, so that a
//! plain `cargo test` checks something real; `-- --include-ignored` explores
//! those, too.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use stalewake::cell::Cell;
use stalewake::explore::{self, Options};
use stalewake::report::{Checked, coverage};
use stalewake::scenario::{self, Control, Scenario};
use stalewake::verdict::{Status, Verdict};
use stalewake_model::coverage::Branch;
use stalewake_model::violation::Kind;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = trials();
    // A filter may leave nothing, and then says so. That there is nothing to
    // filter means that the scenarios got lost.
    if trials.is_empty() {
        eprintln!("error: no scenario is shipped, so nothing is tested");
        return ExitCode::FAILURE;
    }
    let number = trials
        .iter()
        .filter(|trial| trial.kind().is_empty())
        .count();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let checked = CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
    // Of a selection nothing can be said.
    if checked.len() == number && !reaches_everything(&checked) {
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// What was found in the cells so far.
static CHECKED: Mutex<Vec<Checked>> = Mutex::new(Vec::new());

/// Whether there is no step that never ran, and no branch never taken.
fn reaches_everything(checked: &[Checked]) -> bool {
    let vacuous = coverage::vacuous(checked);
    for step in &vacuous {
        eprintln!("error: {step}");
    }
    let taken = checked.iter().flat_map(|c| &c.verdict.coverage.branches);
    let all = taken.collect::<BTreeSet<_>>().len() == Branch::ALL.len();
    println!("{}", coverage::branches(checked));
    vacuous.is_empty() && all
}

fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (number, scenario) in scenario::shipped().into_iter().enumerate() {
        match scenario {
            Ok(scenario) => {
                let scenario = Arc::new(scenario);
                let cells = Cell::all_of(&scenario);
                trials.extend(cells.into_iter().map(trial));
                trials.extend(scenario.controls.iter().map(|c| control(&scenario, c)));
                trials.push(guarded(&scenario));
            }
            Err(error) => {
                let shown = format!("{:?}", miette::Report::new(error));
                let name = format!("broken-scenario-{}", number + 1);
                trials.push(Trial::test(name, || Err(shown.into())));
            }
        }
    }
    trials
}

fn trial(cell: Cell) -> Trial {
    let ignored = !cfg!(loom) && is_large(&cell);
    Trial::test(cell.to_string(), move || check(&cell)).with_ignored_flag(ignored)
}

/// What a control must reach is reached.
fn control(scenario: &Arc<Scenario>, control: &Control) -> Trial {
    let cell = control.cell(scenario);
    let control = control.clone();
    let ignored = !cfg!(loom) && is_large(&cell);
    let trial = Trial::test(format!("{cell} with {control}"), move || {
        let verdict = explore::explore(&cell, &Options::default(), &Arc::default());
        if !verdict.is_exhaustive() {
            return Err(format!("not exhaustive: it ended as {:?}", verdict.status).into());
        }
        match control.kinds.is_subset(&verdict.kinds()) {
            true => Ok(()),
            false => Err(format!(
                "not caught: {:?} must be reachable, and only {:?} is\nthe file's reason: {}",
                control.kinds,
                verdict.kinds(),
                control.because
            )
            .into()),
        }
    });
    trial.with_kind("control").with_ignored_flag(ignored)
}

/// Nothing holds on every kernel without a control.
fn guarded(scenario: &Scenario) -> Trial {
    let unguarded = scenario.unguarded();
    Trial::test(scenario.name.clone(), move || match unguarded.is_empty() {
        true => Ok(()),
        false => Err(format!("holds on every kernel, without a control: {unguarded:?}").into()),
    })
    .with_kind("control")
}

/// Whether exploring the cell takes seconds: three threads on one page.
fn is_large(cell: &Cell) -> bool {
    let large = [
        "bookmark-lockup",
        "killable-lock",
        "same-page",
        "same-page-old-waiter",
    ];
    large.contains(&cell.scenario.name.as_str())
        || cell
            .parameters
            .get("waiters")
            .is_some_and(|waiters| waiters == "two-exclusive")
}

fn check(cell: &Cell) -> Result<(), Failed> {
    let verdict = explore::explore(cell, &Options::default(), &Arc::default());
    let checked = Checked {
        verdict: verdict.clone(),
        explain: String::new(),
    };
    CHECKED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(checked);
    if let Status::Error(reason) = &verdict.status {
        return Err(format!("the exploration broke down: {reason}").into());
    }
    if !verdict.is_exhaustive() {
        return Err(format!("not exhaustive: it ended as {:?}", verdict.status).into());
    }
    match verdict.as_expected() {
        Some(true) => Ok(()),
        Some(false) => Err(difference(verdict).into()),
        None => Err("the file expects nothing of this cell".into()),
    }
}

/// What differs, why the file expects otherwise, and how to see it happen.
fn difference(verdict: Verdict) -> String {
    let explain = format!("cargo run --release -- explain {}", verdict.cell);
    let checked = Checked { verdict, explain };
    let because = checked
        .verdict
        .expected
        .as_ref()
        .map_or("", |expected| expected.because.as_str());
    let mut text = String::new();
    for (what, kinds) in [
        ("found, not expected", checked.unexpected()),
        ("expected, not found", checked.missing()),
    ] {
        if !kinds.is_empty() {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            writeln!(text, "{what}: {}", names.join(", ")).expect("a string can be written to");
        }
    }
    let unexpected = checked.unexpected();
    let kind = unexpected
        .first()
        .map_or(String::new(), |kind: &Kind| format!(" --kind {kind}"));
    format!(
        "{text}the file's reason: {because}\nto see it: {}{kind}",
        checked.explain
    )
}
