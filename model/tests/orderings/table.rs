//! Every operation of the table in every litmus test.

use crate::counters::COUNTERS;
use crate::rows::{Ordering, Row};
use crate::shapes::{
    buffers_itself, buffers_stores, observes_stale, passes_on_stale, publishes_stale,
};
use crate::words::{ACCESSES, ORDERED_BITS, UNLOCKS, UNORDERED_BITS};

fn rows() -> impl Iterator<Item = &'static Row> {
    [ACCESSES, UNORDERED_BITS, ORDERED_BITS, UNLOCKS, COUNTERS]
        .into_iter()
        .flatten()
}

/// A shape's forbidden outcome can be reached where the kernel does not forbid
/// it, and nowhere else. One of each sort must be there: without an operation
/// that can reach it, "not reached" would say nothing of the shape.
fn compare(
    rows: impl Iterator<Item = &'static Row>,
    reaches: impl Fn(&Row) -> bool,
    forbids: impl Fn(Ordering) -> bool,
) {
    let (mut wrong, mut forbidden, mut allowed) = (Vec::new(), 0, 0);
    for row in rows {
        let is_forbidden = forbids(row.ordering);
        if is_forbidden {
            forbidden += 1;
        } else {
            allowed += 1;
        }
        match (reaches(row), is_forbidden) {
            (true, true) => wrong.push(format!("{}: weaker than {:?}", row.kernel, row.ordering)),
            (false, false) => {
                wrong.push(format!("{}: stronger than {:?}", row.kernel, row.ordering));
            }
            _ => {}
        }
    }
    assert!(forbidden > 0 && allowed > 0, "there is a control");
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn who_sees_a_release_sees_what_came_before_it() {
    let rows = rows().filter(|row| row.changes);
    compare(rows, publishes_stale, Ordering::is_release);
}

#[test]
fn who_has_acquired_sees_what_was_published() {
    compare(rows(), observes_stale, Ordering::is_acquire);
}

#[test]
fn only_a_full_barrier_orders_a_store_and_a_later_load() {
    compare(rows(), buffers_stores, |ordering| {
        ordering == Ordering::Full
    });
}

#[test]
fn only_a_full_barrier_orders_the_operation_itself_and_a_later_load() {
    let rows = rows().filter(|row| row.changes);
    compare(rows, buffers_itself, |ordering| ordering == Ordering::Full);
}

/// Nothing is said of a release: see `limits`.
#[test]
fn a_full_barrier_passes_on_what_was_only_read() {
    let rows = rows().filter(|row| row.changes && row.ordering != Ordering::Release);
    compare(rows, passes_on_stale, |ordering| ordering == Ordering::Full);
}
