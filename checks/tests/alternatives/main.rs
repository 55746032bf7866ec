//! What each fix does alone and together with the others: the sixteen
//! combinations of the reference, the wait logic, the loop and the test of
//! PG_waiters, and the designs that were discussed and not merged.
//!
//! The expectations are argued here and not taken from the tool. Every claim
//! that something is out of reach has a neighbour in which it is not.

mod designs;
mod lattice;
mod lock;
mod walk;
mod window;

use std::collections::BTreeSet;
use std::sync::Arc;

use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{self, Options};
use stalewake::scenario::{self, Scenario, find_shipped};
use stalewake::verdict::Verdict;
use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

/// A mechanism and the alternative that is chosen, or a parameter and its value.
type Choice = (&'static str, &'static str);

/// Two writebacks of one page that is never freed, one after the other: the
/// case of `same-page`, made as small as it can be. B's wait for the first
/// writeback can leave PG_waiters set.
const TWO_WRITEBACKS: &str = r#"
title = "Two writebacks of one page"
source = "c2407cf7d22d"
story = "B holds the page throughout, and A ends both writebacks."
[machine]
frames = 1
[[page]]
name = "P"
inode = "file"
flags = ["writeback"]
[[thread]]
name = "A"
steps = ["ext4_finish_bio(P)", "ext4_finish_bio(next bio)"]
[[thread]]
name = "B"
holds = ["P"]
steps = [
    "lock_page(P)", "wait_on_page_writeback(P)", "ext4_writepage(P)",
    "set_page_dirty(P)", "write_cache_pages(file, WB_SYNC_ALL)",
]
"#;

fn two_writebacks() -> Arc<Scenario> {
    parsed("two-writebacks", TWO_WRITEBACKS)
}

fn shipped(name: &str) -> Arc<Scenario> {
    find_shipped(name).expect("it is shipped and in order")
}

fn parsed(name: &str, text: &str) -> Arc<Scenario> {
    let scenario = scenario::parse(name, "a test", text);
    Arc::new(scenario.unwrap_or_else(|error| panic!("{error:?}")))
}

/// Every schedule of v5.9 with these changes.
fn explored(scenario: &Arc<Scenario>, parameters: &[Choice], changes: &[Choice]) -> Verdict {
    let mut kernel = KernelChoice::of(Release::resolve("v5.9").expect("it is a row"));
    for (mechanism, alternative) in changes {
        let known = kernel.kernel.set(mechanism, alternative);
        known.unwrap_or_else(|unknown| panic!("{unknown}"));
    }
    let owned = |(name, value): &Choice| ((*name).to_owned(), (*value).to_owned());
    let cell = Cell {
        scenario: scenario.clone(),
        parameters: parameters.iter().map(owned).collect(),
        kernel,
    };
    let verdict = explore::explore(&cell, &Options::default(), &Arc::default());
    assert!(verdict.is_exhaustive(), "{changes:?}: {:?}", verdict.status);
    verdict
}

/// Everything that v5.9 with these changes can show.
fn reachable(
    scenario: &Arc<Scenario>,
    parameters: &[Choice],
    changes: &[Choice],
) -> BTreeSet<Kind> {
    explored(scenario, parameters, changes).kinds()
}

fn set(kinds: &[Kind]) -> BTreeSet<Kind> {
    kinds.iter().copied().collect()
}
