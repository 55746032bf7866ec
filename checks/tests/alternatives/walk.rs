//! The walk that meets its waiters again.

use std::sync::Arc;

use stalewake::scenario::Scenario;
use stalewake_model::violation::Kind::{self, Livelock, StaleWakeup};

use crate::{Choice, parsed, reachable, set, shipped};

/// `bookmark-lockup` with another length of a section.
fn lockup(every: u16) -> Arc<Scenario> {
    let shipped = shipped("bookmark-lockup").text.clone();
    let text = shipped.replace(
        "bookmark_every = 0\n",
        &format!("bookmark_every = {every}\n"),
    );
    assert_eq!(text == shipped, every == 0, "the length is in the file");
    parsed("bookmark-lockup", &text)
}

/// The bookmark, the waker that does not look and the waiter that does make it
/// together; without any of them the walk ends.
#[test]
fn a_walk_without_end_needs_the_bookmark_and_the_loop() {
    const LOOP: Choice = ("wait-on-writeback", "while");
    let cases: [(&[Choice], u16, &[Kind]); 6] = [
        (&[LOOP], 0, &[Livelock, StaleWakeup]),
        // A waiter that loops within its one wait is the same.
        (&[("wait-shared", "retest")], 0, &[Livelock, StaleWakeup]),
        // The walk is one section: always, or because it is short.
        (&[LOOP, ("bookmark", "none")], 0, &[StaleWakeup]),
        (&[LOOP], 1, &[StaleWakeup]),
        // Who is woken goes on. If it waits again that is another wait.
        (&[], 0, &[StaleWakeup]),
        // The walk stops at a bit that is set.
        (&[LOOP, ("wake-shared-if-set", "stop")], 0, &[]),
    ];
    for (changes, every, expected) in cases {
        let found = reachable(&lockup(every), &[], changes);
        assert_eq!(found, set(expected), "{changes:?}, {every}");
    }
}
