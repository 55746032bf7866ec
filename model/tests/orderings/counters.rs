//! The operations on a reference count.

use crate::rows::Operation::{Value, Void};
use crate::rows::Ordering::{Full, None, Release};
use crate::rows::{Object, Row};

/// atomic_t.txt: non-RMW operations are unordered, RMWs without a result are
/// unordered, RMWs with one are fully ordered, but for conditional ones that
/// fail. `_release` is a release.
pub const COUNTERS: &[Row] = &[
    Row::new(
        Object::Counter,
        "atomic_read",
        None,
        Value(|s, c| s.counter.read(c) == 2),
        (2, 1),
        false,
    ),
    Row::new(
        Object::Counter,
        "atomic_set",
        None,
        Void(|s, c| s.counter.set(c, 3)),
        (2, 1),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_set_release",
        Release,
        Void(|s, c| s.counter.unfreeze(c, 3)),
        (0, 1),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_inc",
        None,
        Void(|s, c| s.counter.inc(c)),
        (2, 1),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_inc of a count of nobody's",
        None,
        Void(|s, c| s.counter.inc_unowned(c)),
        (2, 1),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_dec_and_test",
        Full,
        Value(|s, c| s.counter.dec_and_test(c).is_eq()),
        (1, 2),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_dec_and_test that leaves some",
        Full,
        Value(|s, c| s.counter.dec_and_test(c).is_gt()),
        (2, 1),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_dec_and_test of a count of nobody's",
        Full,
        Value(|s, c| s.counter.dec_unowned_and_test(c).is_eq()),
        (1, 2),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_add_unless",
        Full,
        Value(|s, c| s.counter.inc_unless_zero(c)),
        (1, 0),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_add_unless that fails",
        None,
        Value(|s, c| !s.counter.inc_unless_zero(c)),
        (0, 1),
        false,
    ),
    Row::new(
        Object::Counter,
        "atomic_cmpxchg",
        Full,
        Value(|s, c| s.counter.freeze(c, 2)),
        (2, 1),
        true,
    ),
    Row::new(
        Object::Counter,
        "atomic_cmpxchg that fails",
        None,
        Value(|s, c| !s.counter.freeze(c, 2)),
        (1, 2),
        false,
    ),
];
