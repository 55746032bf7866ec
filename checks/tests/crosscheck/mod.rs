//! Proof by cross-check: the explorer against a brute-force enumerator.
//!
//! Whether the reduction neither misses nor invents anything is not believed
//! but compared, outcome by outcome, on random programs. Two builds with a
//! known mistake, and loom on plain loads, show that the comparison can fail.

mod compare;
mod enumerate;
mod explored;
mod program;
mod raw;
mod strategies;
mod tally;

use std::cell::{Cell, RefCell};

use proptest::strategy::{BoxedStrategy, Just, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use stalewake::verdict::{Search, Status};

use compare::{
    check_simplest, check_witnesses, compare, explore, explore_parts, same_executions, same_results,
};
use enumerate::{Enumeration, enumerate};
use program::{Ghost, Op, Script, WORDS};
use raw::Access;
use strategies::Size;
use tally::Tally;

/// Programs with more states than this are left out: enumerating them would
/// take longer than all the others together.
const MOST_STATES: usize = 200_000;

/// A runner that makes the same programs in every run.
fn runner(programs: u32) -> TestRunner {
    let asked = Config::default();
    let config = Config {
        cases: programs,
        failure_persistence: None,
        // Every step of shrinking is an exploration and an enumeration.
        max_shrink_iters: asked.max_shrink_iters.min(4_000),
        ..asked
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// How many programs to run: `least`, or more if `STALEWAKE_CROSSCHECK` says
/// so.
fn programs(least: u32) -> u32 {
    match std::env::var("STALEWAKE_CROSSCHECK") {
        Ok(number) => {
            let number: u32 = number
                .parse()
                .expect("STALEWAKE_CROSSCHECK is a number of programs");
            number.max(least)
        }
        Err(_) => least,
    }
}

/// Compares something with the enumerator on random programs, and fails with
/// the smallest program found on which they differ.
fn agree(
    strategy: &BoxedStrategy<Script>,
    programs: u32,
    compare: impl Fn(&Script, &Enumeration) -> Result<(), String>,
) -> usize {
    let too_large = Cell::new(0);
    let ran = runner(programs).run(strategy, |script| {
        let Some(expected) = enumerate(&script, Ghost::AtHome, MOST_STATES) else {
            too_large.set(too_large.get() + 1);
            return Ok(());
        };
        compare(&script, &expected).map_err(TestCaseError::fail)
    });
    match ran {
        Ok(()) => too_large.get(),
        Err(TestError::Fail(reason, script)) => panic!("{reason}\n{script}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// Compares everything that a search finds.
fn search_agrees(search: Search, size: Size, programs: u32, tally: &mut Tally) {
    let counted = RefCell::new(std::mem::take(tally));
    let too_large = agree(&strategies::scripts(size), programs, |script, expected| {
        let (findings, outcomes) = explore(script, Ghost::AtHome, search);
        let expected = &expected.outcomes;
        compare(&findings, &outcomes, expected)?;
        check_witnesses(script, &findings, expected)?;
        counted.borrow_mut().count(script, &findings, expected);
        Ok(())
    });
    *tally = counted.into_inner();
    tally.too_large += too_large;
}

/// The sizes of programs that the reduced search is compared on.
const SIZES: [Size; 4] = [
    Size::of(2, 4),
    Size::of(3, 3),
    Size::of(3, 4),
    Size::of(4, 2),
];

/// The reduced search finds exactly what the enumerator finds, and its
/// witnesses show what they are for.
pub fn reduction_agrees() {
    let mut tally = Tally::default();
    let programs = programs(5_000);
    for size in SIZES {
        let share = programs.div_ceil(SIZES.len() as u32);
        search_agrees(Search::Reduced, size, share, &mut tally);
    }
    tally.print("reduction");
    tally.is_not_vacuous();
    assert!(
        tally.too_large * 20 <= tally.programs,
        "most programs should be compared: {tally:?}"
    );
}

/// A search with a trunk finds what one without finds, and its parts are
/// disjoint and add up.
pub fn parts_add_up() {
    let programs = programs(600);
    let (traces, foreign) = (Cell::new(0), Cell::new(0));
    for (size, trunk) in SIZES.into_iter().zip([2, 3, 4, 6]) {
        let share = programs.div_ceil(SIZES.len() as u32);
        agree(&strategies::scripts(size), share, |script, _| {
            let (whole, _) = explore(script, Ghost::AtHome, Search::Reduced);
            let with_trunk = explore_parts(script, trunk, 1);
            same_results(&whole, &with_trunk)?;
            let parts = explore_parts(script, trunk, 3);
            same_executions(&with_trunk, &parts)?;
            traces.set(traces.get() + whole.figures.traces());
            foreign.set(foreign.get() + parts.figures.foreign);
            Ok(())
        });
    }
    let (traces, foreign) = (traces.get(), foreign.get());
    println!("{traces} traces in three parts, {foreign} executions on the way to them");
    assert!(foreign > 0, "nothing was split");
}

/// Plain loom finds exactly what the enumerator finds.
pub fn plain_agrees() {
    let mut tally = Tally::default();
    for size in [Size::of(2, 3), Size::of(3, 1)] {
        search_agrees(Search::Plain, size, 75, &mut tally);
    }
    tally.print("plain");
}

/// No schedule shows a kind with fewer preemptions than the witness has, and of
/// those that have as few none with fewer steps.
pub fn witnesses_are_simplest() {
    let programs = programs(400);
    let witnesses = Cell::new(0);
    let compare = |script: &Script, expected: &Enumeration| {
        let (findings, _) = explore(script, Ghost::AtHome, Search::Reduced);
        witnesses.set(witnesses.get() + findings.reachable.len());
        check_simplest(script, &findings, expected)
    };
    // The order in which a count goes down from three to one is one that nobody can
    // tell: without that the witness of this program has a preemption too many.
    let counting_down = Script {
        words: [0; WORDS],
        counter: 3,
        threads: vec![
            vec![Op::Dec, Op::Dec, Op::IncUnlessZero],
            vec![Op::IncUnlessZero, Op::Dec],
            vec![Op::Dec],
        ],
    };
    agree(&Just(counting_down).boxed(), 1, compare);
    for size in SIZES {
        let share = programs.div_ceil(SIZES.len() as u32);
        agree(&strategies::scripts(size), share, compare);
        agree(&strategies::waiting_scripts(size), share, compare);
    }
    println!("{} witnesses are the simplest", witnesses.get());
}

/// The search in weak memory finds every sequentially consistent outcome, and
/// more, if every access has a companion; without, it may miss some. Programs
/// with locks are left out, since loom's own locks end a search that takes them
/// in a circle.
pub fn companions_close_looms_hole() {
    let strategy = strategies::scripts(Size::of(2, 3));
    let (mut compared, mut weaker, mut missed) = (0, 0, [0; 2]);
    let mut runner = runner(400);
    for _ in 0..400 {
        let tree = strategy.new_tree(&mut runner);
        let script = tree.expect("nothing is rejected").current();
        if script.contains(|op| matches!(op, Op::Locked { .. })) {
            continue;
        }
        let expected = enumerate(&script, Ghost::AtHome, MOST_STATES);
        let expected = expected.expect("the programs are small").outcomes;
        let ran = [true, false].map(|companions| {
            let search = Search::Weak {
                bound: None,
                companions,
            };
            explore(&script, Ghost::AtHome, search)
        });
        for (findings, _) in &ran {
            assert_eq!(findings.status, Status::Complete, "{script}");
        }
        compared += 1;
        for ((_, outcomes), missed) in ran.iter().zip(&mut missed) {
            *missed += usize::from(!expected.is_subset(outcomes));
        }
        weaker += usize::from(!ran[0].1.is_subset(&expected));
    }
    let [with, without] = missed;
    println!(
        "weak memory: of {compared} programs {weaker} have outcomes beyond sequential ones; \
         sequential ones are missed in {with} with companions, in {without} without"
    );
    assert!(compared >= 150 && weaker > 0, "{compared}, {weaker}");
    assert_eq!(with, 0, "companions do not close the hole");
}

/// In how many of the programs a search loses outcomes.
fn losses(
    strategy: &BoxedStrategy<Script>,
    programs: u32,
    ghost: Ghost,
    search: Search,
) -> (usize, u32) {
    let mut runner = runner(programs);
    let lost = (0..programs).filter(|_| {
        let script = strategy
            .new_tree(&mut runner)
            .expect("nothing is rejected")
            .current();
        let expected = enumerate(&script, ghost, MOST_STATES);
        let expected = expected.expect("the programs are small");
        let (findings, outcomes) = explore(&script, ghost, search);
        // An undeclared dependence may also be noticed by the search itself,
        // as a program that is not deterministic.
        findings.status == Status::Complete && !expected.outcomes.is_subset(&outcomes)
    });
    (lost.count(), programs)
}

/// A wipe that commutes with a clear, although both decide a verdict, is
/// caught: the reduced search loses outcomes.
pub fn commuting_wipe_is_caught() {
    let scripts = strategies::wipe_scripts(Size::of(2, 4));
    let (lost, programs) = losses(&scripts, 200, Ghost::WipeCommutes, Search::Reduced);
    println!("wipe that commutes: outcomes lost in {lost} of {programs} programs");
    assert!(
        lost > 0,
        "the cross-check does not notice a wipe that commutes with a clear"
    );
}

/// A life that ends on another object than it is checked on is caught: the
/// reduced search loses outcomes, and so does plain loom.
pub fn life_that_ends_elsewhere_is_caught() {
    let scripts = strategies::put_scripts(Size::of(2, 3));
    for search in [Search::Reduced, Search::Plain] {
        let (lost, programs) = losses(&scripts, 150, Ghost::EndsElsewhere, search);
        println!("life that ends elsewhere, {search:?}: outcomes lost in {lost} of {programs}");
        assert!(
            lost > 0,
            "{search:?} does not show a life that ends on another object"
        );
    }
}

/// loom misses outcomes of programs that use plain loads and stores, and none
/// if every access is a read-modify-write operation.
pub fn plain_loads_miss_outcomes() {
    let strategy = strategies::load_and_store_scripts(Size::of(2, 3));
    let programs = 150;
    let mut missed = [0; 2];
    let mut runner = runner(programs);
    for _ in 0..programs {
        let script = strategy
            .new_tree(&mut runner)
            .expect("nothing is rejected")
            .current();
        let expected = enumerate(&script, Ghost::AtHome, MOST_STATES);
        let expected = expected.expect("the programs are small");
        for (access, missed) in [Access::Plain, Access::ReadModifyWrite]
            .into_iter()
            .zip(&mut missed)
        {
            if !expected.outcomes.is_subset(&raw::outcomes(&script, access)) {
                *missed += 1;
            }
        }
    }
    let [plain, rmw] = missed;
    println!("raw atomics: outcomes missed in {plain} of {programs} programs, with RMWs in {rmw}");
    assert!(
        plain > 0,
        "plain loads miss no outcome: can the comparison fail at all?"
    );
    assert_eq!(
        rmw, 0,
        "loom misses outcomes of read-modify-write operations"
    );
}
