//! Proof by cross-check: the explorer against a brute-force enumerator.
//!
//! Whether the reduction neither misses nor invents anything is not believed
//! but compared, outcome by outcome, on random programs. Two builds with a
//! known mistake, and loom on plain loads, show that the comparison can fail.

mod enumerate;
mod program;
mod raw;
mod strategies;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use stalewake::explore::{Findings, Options, explore_program};
use stalewake::verdict::{Search, Status};
use stalewake_model::sync::Ending;
use stalewake_model::violation::Kind;

use program::{End, Explored, Ghost, Op, Outcome, Script};
use raw::Access;
use strategies::Size;

/// Programs with more states than this are left out: enumerating them would
/// take longer than all the others together.
const MOST_STATES: usize = 200_000;

/// A runner that makes the same programs in every run.
fn runner(programs: u32) -> TestRunner {
    let config = Config {
        cases: programs,
        failure_persistence: None,
        // Every step of shrinking is an exploration and an enumeration.
        max_shrink_iters: 4_000,
        ..Config::default()
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

fn explore(script: &Script, ghost: Ghost, search: Search) -> (Findings, BTreeSet<Outcome>) {
    let program = Arc::new(Explored::new(script, ghost));
    let options = Options {
        search,
        max_executions: None,
    };
    let findings = explore_program(&program, &options, &Arc::default());
    (findings, program.take_outcomes())
}

/// What the programs of a comparison had in them, so that none passes for
/// having been about nothing.
#[derive(Debug, Default)]
struct Tally {
    programs: usize,
    too_large: usize,
    executions: u64,
    redundant: u64,
    outcomes: usize,
    with_ghosts: usize,
    with_locks: usize,
    with_sleeps: usize,
    with_mail: usize,
    with_signals: usize,
    reaching_halts: usize,
    reaching_hazards: usize,
    reaching_lost_wakeups: usize,
    reaching_poisoned_locks: usize,
    reaching_stuck_threads: usize,
}

impl Tally {
    fn count(&mut self, script: &Script, findings: &Findings, outcomes: &BTreeSet<Outcome>) {
        let has = |sort| usize::from(script.contains(sort));
        let reach = |sort: fn(&Outcome) -> bool| usize::from(outcomes.iter().any(sort));
        let is_released =
            |outcome: &Outcome| outcome.threads.iter().any(|(_, end)| *end == End::Released);
        self.programs += 1;
        self.executions += findings.figures.executions;
        self.redundant += findings.figures.redundant;
        self.outcomes += outcomes.len();
        self.with_ghosts += usize::from(
            script.contains(|op| matches!(op, Op::Wipe { .. } | Op::Put { .. }))
                && script.contains(|op| matches!(op, Op::Check { .. })),
        );
        self.with_locks += has(|op| matches!(op, Op::Locked { .. }));
        self.with_sleeps += has(|op| matches!(op, Op::Sleep { .. }));
        self.with_mail += has(|op| matches!(op, Op::Receive));
        self.with_signals += has(|op| matches!(op, Op::Kill { .. }));
        self.reaching_halts += reach(|outcome| outcome.ending == Ending::Halted);
        self.reaching_hazards += reach(|outcome| outcome.kinds.contains(&Kind::ForeignRead));
        self.reaching_lost_wakeups += reach(|outcome| outcome.ending == Ending::Lost);
        if script.contains(|op| matches!(op, Op::Locked { .. })) {
            let poisoned =
                |outcome: &Outcome| outcome.ending == Ending::Halted && is_released(outcome);
            self.reaching_poisoned_locks += usize::from(outcomes.iter().any(poisoned));
        }
        let stuck = |outcome: &Outcome| outcome.ending == Ending::Finished && is_released(outcome);
        self.reaching_stuck_threads += usize::from(outcomes.iter().any(stuck));
    }

    /// Fails if some sort of program hardly came up.
    fn is_not_vacuous(&self) {
        let sorts = [
            ("ghost steps", self.with_ghosts),
            ("locks", self.with_locks),
            ("sleeps", self.with_sleeps),
            ("mail", self.with_mail),
            ("signals", self.with_signals),
            ("halts", self.reaching_halts),
            ("hazards", self.reaching_hazards),
            ("lost wake-ups", self.reaching_lost_wakeups),
            ("poisoned locks", self.reaching_poisoned_locks),
            ("threads that are stuck", self.reaching_stuck_threads),
        ];
        for (sort, number) in sorts {
            assert!(
                number * 50 >= self.programs,
                "only {number} of {} programs have {sort}",
                self.programs
            );
        }
        assert!(
            self.outcomes > 2 * self.programs,
            "the programs hardly depend on the schedule: {self:?}"
        );
    }

    fn print(&self, name: &str) {
        let traces = self.executions - self.redundant;
        println!(
            "{name}: {} programs agree, {} outcomes, {} executions, {traces} traces, {:.3} \
             executions a trace ({self:?})",
            self.programs,
            self.outcomes,
            self.executions,
            self.executions as f64 / traces as f64,
        );
    }
}

/// Says how an exploration differs from the enumeration, if it does.
fn compare(
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

/// Compares a search with the enumerator on random programs, and fails with
/// the smallest program found on which they differ.
fn agrees(search: Search, strategy: &BoxedStrategy<Script>, programs: u32, tally: &mut Tally) {
    let counted = RefCell::new(std::mem::take(tally));
    let ran = runner(programs).run(strategy, |script| {
        let Some(expected) = enumerate::outcomes(&script, Ghost::AtHome, MOST_STATES) else {
            counted.borrow_mut().too_large += 1;
            return Ok(());
        };
        let (findings, outcomes) = explore(&script, Ghost::AtHome, search);
        compare(&findings, &outcomes, &expected).map_err(TestCaseError::fail)?;
        counted.borrow_mut().count(&script, &findings, &expected);
        Ok(())
    });
    match ran {
        Ok(()) => *tally = counted.into_inner(),
        Err(TestError::Fail(reason, script)) => panic!("{search:?}: {reason}\n{script}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// The reduced search finds exactly what the enumerator finds.
pub fn reduction_agrees() {
    let mut tally = Tally::default();
    let programs = programs(1_500);
    for (threads, operations) in [(2, 4), (3, 3), (3, 4)] {
        let scripts = strategies::scripts(Size {
            threads,
            operations,
        });
        agrees(Search::Reduced, &scripts, programs.div_ceil(3), &mut tally);
    }
    tally.print("reduction");
    tally.is_not_vacuous();
    assert!(
        tally.too_large * 20 <= tally.programs,
        "most programs should be compared: {tally:?}"
    );
}

/// Plain loom finds exactly what the enumerator finds.
pub fn plain_agrees() {
    let mut tally = Tally::default();
    for (threads, operations) in [(2, 3), (3, 1)] {
        let scripts = strategies::scripts(Size {
            threads,
            operations,
        });
        agrees(Search::Plain, &scripts, 75, &mut tally);
    }
    tally.print("plain");
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
        let expected = enumerate::outcomes(&script, ghost, MOST_STATES);
        let expected = expected.expect("the programs are small");
        let (findings, outcomes) = explore(&script, ghost, search);
        // An undeclared dependence may also be noticed by the search itself,
        // as a program that is not deterministic.
        findings.status == Status::Complete && !expected.is_subset(&outcomes)
    });
    (lost.count(), programs)
}

/// A wipe that commutes with a clear, although both decide a verdict, is
/// caught: the reduced search loses outcomes.
pub fn commuting_wipe_is_caught() {
    let scripts = strategies::wipe_scripts(Size {
        threads: 2,
        operations: 4,
    });
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
    let scripts = strategies::put_scripts(Size {
        threads: 2,
        operations: 3,
    });
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
    let strategy = strategies::load_and_store_scripts(Size {
        threads: 2,
        operations: 3,
    });
    let programs = 150;
    let mut missed = [0; 2];
    let mut runner = runner(programs);
    for _ in 0..programs {
        let script = strategy
            .new_tree(&mut runner)
            .expect("nothing is rejected")
            .current();
        let expected = enumerate::outcomes(&script, Ghost::AtHome, MOST_STATES);
        let expected = expected.expect("the programs are small");
        for (access, missed) in [Access::Plain, Access::ReadModifyWrite]
            .into_iter()
            .zip(&mut missed)
        {
            if !expected.is_subset(&raw::outcomes(&script, access)) {
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
