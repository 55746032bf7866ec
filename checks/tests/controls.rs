//! What must not be claimed is not claimed, and a difference is noticed. A
//! checker that cannot fail proves nothing. What must be caught of changed
//! kernels stands in the scenarios, as `[[control]]`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{self, Options};
use stalewake::scenario::{self, Scenario, find_shipped};
use stalewake::verdict::{Search, Status, Verdict};
use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

fn shipped(name: &str) -> Arc<Scenario> {
    find_shipped(name).unwrap_or_else(|| panic!("{name} is shipped and in order"))
}

/// A cell of a scenario with at most one parameter, given as `name=value`.
fn cell(scenario: &Arc<Scenario>, parameter: &str, kernel: &str) -> Cell {
    let parameters = parameter
        .split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    Cell {
        scenario: scenario.clone(),
        parameters: parameters.into_iter().collect(),
        kernel: KernelChoice::of(Release::resolve(kernel).expect("the kernel exists")),
    }
}

/// The same cell with one mechanism changed.
fn with(mut cell: Cell, mechanism: &str, alternative: &str) -> Cell {
    cell.kernel
        .kernel
        .set(mechanism, alternative)
        .expect("the mechanism and the alternative exist");
    cell
}

fn explore(cell: &Cell, search: Search, max_executions: Option<u64>) -> Verdict {
    let options = Options {
        search,
        max_executions,
        ..Options::default()
    };
    explore::explore(cell, &options, &Arc::default())
}

/// The kinds that an exhaustive search finds.
fn reachable(cell: &Cell) -> BTreeSet<Kind> {
    let verdict = explore(cell, Search::Reduced, None);
    assert!(verdict.is_exhaustive(), "{cell}: {:?}", verdict.status);
    verdict.kinds()
}

#[test]
fn nothing_is_expected_of_a_changed_kernel() {
    let cell = cell(&shipped("missed-wakeup"), "waiters=shared", "v5.10.7");
    assert!(
        explore(&cell, Search::Reduced, None)
            .as_expected()
            .is_some()
    );
    let changed = with(cell, "waiters-test-order", "before-clear");
    let verdict = explore(&changed, Search::Reduced, None);
    assert_eq!(
        (verdict.expected.is_none(), verdict.as_expected()),
        (true, None)
    );
}

/// The shipped `shmem-tail` with other expectations of v5.9.
fn expecting(kinds: &BTreeSet<Kind>) -> Arc<Scenario> {
    let file = "shmem-tail.toml";
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios")
        .join(file);
    let text = fs::read_to_string(path).expect("the shipped file can be read");
    let (before, _) = text
        .split_once("[[expect]]")
        .expect("the file expects something");
    let names: Vec<String> = kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
    let text = format!(
        "{before}[[expect]]\n\"v5.9\" = {{ kinds = [{}], because = \"of a test\" }}\n",
        names.join(", ")
    );
    let scenario = scenario::parse("shmem-tail", file, &text);
    Arc::new(scenario.unwrap_or_else(|error| panic!("{error:?}")))
}

#[test]
fn a_changed_expectation_is_noticed_in_both_directions() {
    let judged = |kinds: &BTreeSet<Kind>| {
        let cell = cell(&expecting(kinds), "truncate=wait", "v5.9");
        explore(&cell, Search::Reduced, None).as_expected()
    };
    let found = reachable(&cell(&shipped("shmem-tail"), "truncate=wait", "v5.9"));
    assert!(!found.is_empty(), "something happens on v5.9");
    assert_eq!(judged(&found), Some(true));
    for kind in &found {
        let mut fewer = found.clone();
        fewer.remove(kind);
        assert_eq!(judged(&fewer), Some(false), "{kind} is found unexpectedly");
    }
    for kind in Kind::ALL.iter().filter(|kind| !found.contains(kind)) {
        let mut more = found.clone();
        more.insert(*kind);
        assert_eq!(judged(&more), Some(false), "{kind} is expected in vain");
    }
}

#[test]
fn only_a_reduced_search_that_came_to_its_end_is_exhaustive() {
    let cell = cell(&shipped("missed-wakeup"), "waiters=shared", "v5.10.7");
    let searches = [
        (Search::Plain, None),
        (Search::Bounded(0), None),
        (Search::Bounded(u8::MAX), None),
        (Search::Reduced, Some(1)),
    ];
    for (search, most) in searches {
        let verdict = explore(&cell, search, most);
        assert!(!verdict.is_exhaustive(), "{search:?}, {most:?}");
        assert_ne!(verdict.holds(), Some(true), "{search:?}, {most:?}");
    }
    assert!(explore(&cell, Search::Reduced, None).is_exhaustive());
}

#[test]
fn a_search_that_runs_out_of_its_budget_is_incomplete() {
    let cell = cell(&shipped("missed-wakeup"), "waiters=shared", "v5.10.7");
    let needed = explore(&cell, Search::Reduced, None).figures.executions;
    for most in [0, 1, needed - 1] {
        let verdict = explore(&cell, Search::Reduced, Some(most));
        assert_eq!(verdict.status, Status::Incomplete, "{most} of {needed}");
        assert_eq!(verdict.figures.executions, most);
    }
    let enough = explore(&cell, Search::Reduced, Some(needed));
    assert_eq!(enough.status, Status::Complete);
    assert!(enough.is_exhaustive());
}

/// Cells that plain loom, too, explores to the end within a second or two.
#[test]
fn the_reduction_finds_what_plain_loom_finds() {
    let small = [
        ("shmem-tail", "truncate=skip", "v5.8"),
        ("shmem-tail", "truncate=skip", "v5.9-rc1"),
        ("shmem-tail", "truncate=skip", "v5.9"),
        ("shmem-tail", "truncate=skip", "v5.10"),
        ("shmem-tail", "truncate=skip", "v5.10.7"),
        ("shmem-tail", "truncate=wait", "v5.9"),
        ("missed-wakeup", "waiters=shared", "v5.8"),
        ("missed-wakeup", "waiters=shared", "v5.9-rc1"),
        ("missed-wakeup", "waiters=shared", "v5.9"),
        ("missed-wakeup", "waiters=shared", "v5.10"),
        ("missed-wakeup", "waiters=shared", "v5.10.7"),
    ];
    for (scenario, parameter, kernel) in small {
        let cell = cell(&shipped(scenario), parameter, kernel);
        let plain = explore(&cell, Search::Plain, Some(200_000));
        assert_eq!(plain.status, Status::Complete, "{cell}, plain loom");
        assert_eq!(plain.kinds(), reachable(&cell), "{cell}");
        // Of equivalent schedules plain loom runs more than one, never fewer.
        let reduced = explore(&cell, Search::Reduced, None);
        assert!(
            reduced.figures.traces() <= plain.figures.executions,
            "{cell}: {:?}, {:?}",
            reduced.figures,
            plain.figures
        );
    }
}

/// The controls have teeth in plain loom, too.
#[test]
fn plain_loom_catches_the_control_that_loses_wakeups() {
    let cell = cell(&shipped("missed-wakeup"), "waiters=shared", "v5.10.7");
    let changed = with(cell, "waiters-test-order", "before-clear");
    let plain = explore(&changed, Search::Plain, Some(200_000));
    assert_eq!(plain.status, Status::Complete);
    assert_eq!(plain.kinds(), reachable(&changed));
    assert!(plain.kinds().contains(&Kind::LostWakeup));
}

/// A shipped scenario with its steps written otherwise.
fn rewritten(name: &str, from: &str, to: &str) -> Arc<Scenario> {
    let file = format!("{name}.toml");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios")
        .join(&file);
    let text = fs::read_to_string(path).expect("the scenario can be read");
    let changed = text.replacen(from, to, 1);
    assert_ne!(changed, text, "{name}: the steps are written as they were");
    Arc::new(scenario::parse(name, &file, &changed).expect("it is in order"))
}

/// An atomic update in the place of the load and the store loses nothing.
#[test]
fn an_atomic_flag_update_loses_nothing() {
    let scenario = rewritten(
        "nonatomic-flags",
        "__ClearPageDirty(P)",
        "set_page_dirty(P)",
    );
    for kernel in ["v5.8", "v5.9-rc1", "v5.10.7"] {
        let cell = cell(&scenario, "case=lost-waiters", kernel);
        assert_eq!(reachable(&cell), BTreeSet::new(), "{cell}");
    }
}
