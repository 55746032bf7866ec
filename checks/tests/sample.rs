//! Samples of schedules: they show nothing that cannot happen, and what they
//! show under a seed they show again.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use assert_cmd::Command;
use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{Enough, Sample, SampleOptions, Sampler, sample};
use stalewake::scenario;
use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

/// Any seed: the odds are such that all of these tests pass with most.
const SEED: u64 = 7;

const RANDOM: Sampler = Sampler::Random { seed: SEED };

/// Two priority changes an execution.
const DEPTH: NonZeroUsize = NonZeroUsize::new(3).expect("three is not zero");

const PCT: Sampler = Sampler::Pct {
    seed: SEED,
    depth: DEPTH,
};

/// So many random executions hit a page of another life several times.
const RARE: u64 = 40_000;

/// Every cell of a shipped scenario on one kernel.
fn cells(name: &str, kernel: &str) -> Vec<Cell> {
    let scenario = scenario::shipped()
        .into_iter()
        .map(|scenario| scenario.expect("shipped scenarios are well-formed"))
        .find(|scenario| scenario.name == name)
        .expect("it is shipped");
    let scenario = Arc::new(scenario);
    let release = Release::resolve(kernel).expect("it exists");
    scenario
        .combinations()
        .into_iter()
        .map(|parameters| Cell {
            scenario: scenario.clone(),
            parameters,
            kernel: KernelChoice::of(release),
        })
        .collect()
}

/// `writeback-reuse` on v5.9, where truncate waits for writeback.
fn waiting_cell() -> &'static Cell {
    static CELL: OnceLock<Cell> = OnceLock::new();
    CELL.get_or_init(|| {
        cells("writeback-reuse", "v5.9")
            .into_iter()
            .find(|cell| cell.parameters["truncate"] == "wait")
            .expect("it is one of two")
    })
}

fn executions(cell: &Cell, sampler: Sampler, executions: u64) -> Sample {
    let options = SampleOptions {
        sampler,
        enough: Enough::Executions(executions),
    };
    let sample = sample(cell, &options).unwrap_or_else(|error| panic!("{cell}: {error}"));
    assert_eq!(sample.executions, executions, "{cell}");
    sample
}

fn shows_only_what_is_expected(sampler: Sampler, most: u64) {
    let all = [
        cells("writeback-reuse", "v5.9"),
        cells("writeback-reuse", "v5.10"),
        cells("shmem-tail", "v5.9"),
        cells("shmem-tail", "v5.10"),
    ];
    for cell in all.iter().flatten() {
        let expected = cell
            .scenario
            .expected(&cell.parameters, cell.kernel.release)
            .expect("these kernels are listed");
        let found: BTreeSet<Kind> = executions(cell, sampler, most).found.into_keys().collect();
        assert!(
            found.is_subset(&expected.kinds),
            "{cell}: {found:?}, expected at most {:?}",
            expected.kinds
        );
    }
}

#[test]
fn native_threads_show_only_what_is_expected() {
    shows_only_what_is_expected(Sampler::Native, 300);
}

#[test]
fn random_schedules_show_only_what_is_expected() {
    shows_only_what_is_expected(RANDOM, 1_000);
}

#[test]
fn pct_schedules_show_only_what_is_expected() {
    shows_only_what_is_expected(PCT, 1_000);
}

#[test]
fn pct_hits_the_late_wake_up() {
    for cell in cells("writeback-reuse", "v5.9") {
        let found = executions(&cell, PCT, 5_000).found;
        assert!(
            found.contains_key(&Kind::BugOnWriteback),
            "{cell}: {found:?}"
        );
    }
}

/// A waker that stands still while the other thread takes dozens of steps must
/// lose dozens of tosses in a row: a hit in thousands of executions, and none
/// of the BUG that comes last.
#[test]
fn random_hits_a_page_that_is_not_the_wakers_own() {
    let found = executions(waiting_cell(), RANDOM, RARE).found;
    assert!(
        found.contains_key(&Kind::ForeignRead) || found.contains_key(&Kind::ForeignWrite),
        "{found:?}"
    );
}

#[test]
fn a_seed_makes_a_sample_repeatable() {
    for (sampler, most) in [(RANDOM, RARE), (PCT, 2_000)] {
        let first = executions(waiting_cell(), sampler, most).found;
        assert_eq!(first, executions(waiting_cell(), sampler, most).found);
        assert!(!first.is_empty(), "{}", sampler.name());
    }
}

#[test]
fn another_seed_makes_another_sample() {
    let other = Sampler::Pct {
        seed: SEED + 1,
        depth: DEPTH,
    };
    assert_ne!(
        executions(waiting_cell(), PCT, 2_000).found,
        executions(waiting_cell(), other, 2_000).found
    );
}

#[test]
fn a_sample_ends_in_time() {
    for sampler in [Sampler::Native, RANDOM, PCT] {
        let options = SampleOptions {
            sampler,
            enough: Enough::Time(Duration::from_millis(50)),
        };
        let sample = sample(waiting_cell(), &options).unwrap_or_else(|error| panic!("{error}"));
        assert!(sample.executions > 0, "{}", sampler.name());
        assert!(
            sample.elapsed >= Duration::from_millis(50),
            "{}",
            sampler.name()
        );
    }
}

#[test]
fn a_seed_of_the_environment_is_refused_where_there_is_a_seed() {
    for (explorer, code) in [("random", 2), ("pct", 2), ("native", 0)] {
        let mut command = Command::cargo_bin("stalewake").expect("it is built with the tests");
        let output = command
            .args(["stress", "shmem-tail/truncate=skip/v5.9"])
            .args(["--explorer", explorer, "--executions", "10", "--seed", "7"])
            .env("SHUTTLE_RANDOM_SEED", "3")
            .output()
            .expect("the binary starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{complaint}");
        let is_named = complaint.contains("SHUTTLE_RANDOM_SEED");
        assert_eq!(is_named, code == 2, "{explorer}: {complaint}");
    }
}

#[test]
fn a_table_of_samples_claims_nothing() {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    let output = command
        .args(["stress", "writeback-reuse/v5.9", "--explorer", "random,pct"])
        .args(["--executions", "1000", "--seed", "7"])
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("bug-on-writeback"), "{text}");
    assert!(
        text.contains(", 1 in ") && text.contains("unseen"),
        "{text}"
    );
    for claim in ["xhaustive", "hold", "proof", "safe"] {
        assert!(!text.contains(claim), "{claim}: {text}");
    }
    assert!(output.stderr.is_empty());
}
