//! What every function of the model does, barriers included, is what
//! `model/README.md` says of it: in this order, nothing more and nothing less.
//!
//! The executions are the first ones of every cell, on kernels as they are and
//! on such that nobody has built. Verdicts play no part: this notices what no
//! verdict depends on, such as a barrier that sequential consistency does not
//! need.

mod automaton;
mod document;
mod follow;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{Event, Recording, paths, replay};
use stalewake::scenario::{Scenario, find_shipped, shipped};
use stalewake_model::mechanism::Kernel;
use stalewake_model::release::Release;
use stalewake_model::violation::Class;

use document::Document;
use follow::{Functions, Thread, thread_of};

/// So many executions of each cell are followed.
const FIRST: u64 = 150;

/// Changes of v5.10.7, beside one mechanism at a time, without which some line
/// is never come to.
const TOGETHER: [[(&str, &str); 2]; 4] = [
    [("clear-in-wake", "yes"), ("end-ref", "if-waiters")],
    [("clear-in-wake", "yes"), ("reference-drop", "before-wake")],
    [("end-ref", "if-waiters"), ("reference-drop", "before-wake")],
    [("set-writeback", "wait-to-set"), ("lock-handoff", "never")],
];

/// What no cell does, by what stands on the line, with the reason.
const NEVER: [(&str, &str); 1] = [(
    "if it was clear: unlock_page; put_page; repeat",
    "whoever clears PG_dirty has the page lock, and who asks has just seen it set",
)];

/// The document.
fn text() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/README.md");
    std::fs::read_to_string(file).expect("it is there")
}

fn scenarios() -> Vec<Arc<Scenario>> {
    let scenarios = shipped().into_iter();
    scenarios
        .map(|scenario| Arc::new(scenario.expect("it is in order")))
        .collect()
}

/// Every cell: on the kernels that its scenario lists, and on some that nobody
/// has built.
fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for scenario in scenarios() {
        cells.extend(Cell::all_of(&scenario));
        for parameters in scenario.combinations() {
            cells.extend(alternatives().into_iter().map(|kernel| Cell {
                scenario: scenario.clone(),
                parameters: parameters.clone(),
                kernel,
            }));
        }
    }
    cells
}

/// Kernels that differ from v5.10.7 in one mechanism, or in two.
fn alternatives() -> Vec<KernelChoice> {
    let single = Kernel::MECHANISMS.iter().flat_map(|mechanism| {
        let alternatives = mechanism.alternatives.iter();
        alternatives.map(|alternative| vec![(mechanism.name, alternative.name)])
    });
    let changes = single.chain(TOGETHER.iter().map(|changes| changes.to_vec()));
    let kernels = changes.map(|changes| {
        let mut kernel = KernelChoice::of(Release::resolve("v5.10.7").expect("it is a row"));
        for (mechanism, alternative) in changes {
            let known = kernel.kernel.set(mechanism, alternative);
            known.expect("there is such an alternative");
        }
        kernel
    });
    let is_another =
        |choice: &KernelChoice| choice.is_changed() && choice.kernel.conflict().is_none();
    kernels.filter(is_another).collect()
}

/// Follows an execution through the document.
fn follow(
    recording: &Recording,
    functions: &Functions<'_>,
    document: &Document,
    lines: &mut BTreeSet<usize>,
) -> Result<(), String> {
    let mut threads: BTreeMap<_, Thread> = BTreeMap::new();
    let mut ends = true;
    for event in &recording.events {
        if let Event::Violation(violation) = event {
            ends &= violation.kind.class() != Class::Fatal;
        }
        if let Some(thread) = thread_of(event) {
            let thread = threads.entry(thread).or_default();
            thread.follow(functions, event, lines)?;
        }
    }
    // Whoever waits for a bio that never comes is in no function.
    let mut threads = threads.values().filter(|_| ends);
    threads.try_for_each(|thread| thread.end(document))
}

/// Follows the first executions of these cells. Returns the lines that say what
/// they do, and how many there were.
fn compare(document: &Document, cells: &[Cell]) -> Result<(BTreeSet<usize>, usize), String> {
    let (mut lines, mut executions) = (BTreeSet::new(), 0);
    for cell in cells {
        let (paths, _) = paths(cell, FIRST).expect("the search does not break down");
        let functions = Functions::new(document, &cell.kernel.kernel);
        for path in paths.iter().filter(|path| !path.redundant) {
            let schedule: Vec<_> = path.steps.iter().map(|step| step.thread).collect();
            let recording = replay(cell, &schedule).expect("it was run before");
            executions += 1;
            follow(&recording, &functions, document, &mut lines)
                .map_err(|why| format!("{cell}, {}: {why}", cell.kernel.kernel))?;
        }
    }
    Ok((lines, executions))
}

#[test]
fn functions_do_what_the_document_says() {
    let document = Document::parse(&text());
    let (lines, executions) = compare(&document, &cells())
        .unwrap_or_else(|why| panic!("not as model/README.md says: {why}"));
    assert!(executions > 1_000, "only {executions} executions");
    let unseen = document.lines.iter().filter(|(line, text)| {
        let never = NEVER.iter().any(|(never, _)| text == never);
        lines.contains(line) == never
    });
    let unseen: Vec<String> = unseen
        .map(|(line, text)| format!("{line}: {text}"))
        .collect();
    assert!(
        unseen.is_empty(),
        "no execution of {executions} does what these lines say, or it is said that none does:\n{}",
        unseen.join("\n")
    );
}

/// What is dropped from the document, put into it, or changed: then a function
/// does what is not said, or not what is said.
#[test]
fn a_wrong_document_is_noticed() {
    let wrong = [
        // A barrier that is not said, one too many, and one in another place.
        (
            "            barrier smp_mb__after_atomic\n        [reference-drop",
            "        [reference-drop",
        ),
        (
            "                barrier smp_mb\n",
            "                barrier smp_mb\n                barrier smp_mb\n",
        ),
        (
            "                set_current_state state\n                barrier smp_mb\n",
            "                barrier smp_mb\n                set_current_state state\n",
        ),
        // Another operation, another object, another bit.
        (
            "        clear_bit_unlock_is_negative_byte flags",
            "        test_and_clear_bit flags",
        ),
        (
            "        atomic_dec_and_test _refcount",
            "        atomic_dec_and_test mapping",
        ),
        (
            "        test_and_set_bit flags(locked)",
            "        test_and_set_bit flags(dirty)",
        ),
        // Two steps the other way round, and one that is left out at the end.
        (
            "        get_page\n        store mapping\n",
            "        store mapping\n        get_page\n",
        ),
        (
            "            ext4_writepage\n            put_page\n",
            "            ext4_writepage\n",
        ),
    ];
    let scenario = find_shipped("writeback-reuse").expect("it is shipped");
    let cells = Cell::all_of(&scenario);
    let text = text();
    compare(&Document::parse(&text), &cells).expect("as it is, it is right");
    for (from, to) in wrong {
        let other = text.replacen(from, to, 1);
        assert_ne!(other, text, "{from}");
        assert!(compare(&Document::parse(&other), &cells).is_err(), "{to}");
    }
}
