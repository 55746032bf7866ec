//! The operations on a word of bits.

use stalewake_model::sync::{Cpu, Word};

use crate::litmus::Side;
use crate::rows::Operation::{Value, Void};
use crate::rows::Ordering::{Acquire, Full, None, Release};
use crate::rows::{Object, Operation, Ordering, Row};

const BIT: u64 = 1;
/// What an operation on `BIT` looks at, or leaves alone.
const OTHER: u64 = 2;

/// Sees `BIT` set where it was clear.
const fn load(kernel: &'static str, ordering: Ordering, operation: Operation) -> Row {
    Row::new(Object::Word, kernel, ordering, operation, (BIT, 0), false)
}

/// Changes a word, which had the other value before.
const fn update(
    kernel: &'static str,
    ordering: Ordering,
    operation: Operation,
    values: (u64, u64),
) -> Row {
    Row::new(Object::Word, kernel, ordering, operation, values, true)
}

/// Changes nothing, because of what is in the word.
const fn failed(
    kernel: &'static str,
    ordering: Ordering,
    operation: Operation,
    values: (u64, u64),
) -> Row {
    Row::new(Object::Word, kernel, ordering, operation, values, false)
}

fn word(side: &Side) -> &Word {
    &side.word
}

fn set_unless(side: &Side, cpu: &Cpu) -> bool {
    word(side).set_unless_and(cpu, BIT, OTHER, |_, _| ()).0
}

fn clear_unless(side: &Side, cpu: &Cpu) -> bool {
    word(side).clear_unless_and(cpu, BIT, OTHER, |_, _| ()).0
}

fn cmpxchg_clear_finds_other(side: &Side, cpu: &Cpu) -> bool {
    let ghost = |_: &mut (), _: &mut _, _| ();
    let (found, ()) = word(side).cmpxchg_clear_unless_and(cpu, BIT, OTHER, ghost);
    found & OTHER != 0
}

/// memory-barriers.txt: plain accesses order nothing, `smp_load_acquire` and
/// `smp_store_release` what their names say.
pub const ACCESSES: &[Row] = &[
    load("READ_ONCE", None, Value(|s, c| word(s).load(c) == BIT)),
    load(
        "smp_load_acquire",
        Acquire,
        Value(|s, c| word(s).load_acquire(c) == BIT),
    ),
    load(
        "smp_load_acquire of a bit",
        Acquire,
        Value(|s, c| word(s).test_acquire(c, BIT)),
    ),
    update(
        "WRITE_ONCE",
        None,
        Void(|s, c| word(s).store(c, BIT)),
        (0, OTHER),
    ),
    update(
        "WRITE_ONCE, with a ghost step",
        None,
        Void(|s, c| word(s).store_and(c, BIT, |_, _| ())),
        (0, OTHER),
    ),
    update(
        "the store of __set_bit",
        None,
        Void(|s, c| {
            word(s).store_over_and(c, 0, BIT, |_, _| ());
        }),
        (0, OTHER),
    ),
    update(
        "smp_store_release",
        Release,
        Void(|s, c| word(s).store_release(c, BIT)),
        (0, OTHER),
    ),
    // list_del_init_careful(), as the model has it: the bit says that the entry
    // is on the list.
    update(
        "smp_store_release of a bit",
        Release,
        Void(|s, c| word(s).clear_release(c, BIT)),
        (BIT, OTHER),
    ),
];

/// atomic_bitops.txt: non-RMW operations are unordered, and so are RMWs that
/// return nothing. For `SetPageWaiters` and `ClearPageWaiters` the look at the
/// tail bit is a plain load.
pub const UNORDERED_BITS: &[Row] = &[
    load("test_bit", None, Value(|s, c| word(s).test(c, BIT))),
    load(
        "test_bit, with a ghost step",
        None,
        Value(|s, c| word(s).read_and(c, BIT, |_, _| ()).0 != 0),
    ),
    update(
        "set_bit",
        None,
        Void(|s, c| word(s).set(c, BIT)),
        (0, OTHER),
    ),
    update(
        "clear_bit",
        None,
        Void(|s, c| word(s).clear(c, BIT)),
        (BIT, OTHER),
    ),
    update(
        "SetPageWaiters",
        None,
        Value(|s, c| !set_unless(s, c)),
        (0, OTHER),
    ),
    failed(
        "SetPageWaiters of a tail",
        None,
        Value(set_unless),
        (OTHER, 0),
    ),
    update(
        "ClearPageWaiters",
        None,
        Value(|s, c| !clear_unless(s, c)),
        (BIT, OTHER),
    ),
    failed(
        "ClearPageWaiters of a tail",
        None,
        Value(clear_unless),
        (BIT | OTHER, BIT),
    ),
];

/// atomic_bitops.txt: RMWs that return a value are fully ordered. Until v5.19 it
/// said that `test_and_set_bit` and `test_and_clear_bit` are unordered if they do
/// not change the bit, and the generic ones were. Commit 415d83249709 (v6.0, and
/// stable trees) calls that a mistake: callers rely on the order, and only the
/// `_lock` variant has none when it fails. The model has the corrected order for
/// every release, as x86 always did. It is also the model's `trylock_page`, which is
/// `test_and_set_bit_lock` in the kernel: an acquire if it succeeds, and else nothing.
pub const ORDERED_BITS: &[Row] = &[
    update(
        "test_and_set_bit",
        Full,
        Value(|s, c| !word(s).test_and_set(c, BIT)),
        (0, BIT),
    ),
    failed(
        "test_and_set_bit of a bit that is set",
        Full,
        Value(|s, c| word(s).test_and_set(c, BIT)),
        (BIT, 0),
    ),
    update(
        "test_and_clear_bit",
        Full,
        Value(|s, c| word(s).test_and_clear(c, BIT)),
        (BIT, 0),
    ),
    failed(
        "test_and_clear_bit of a bit that is clear",
        Full,
        Value(|s, c| !word(s).test_and_clear(c, BIT)),
        (0, BIT),
    ),
    // atomic_t.txt: conditional RMWs are unordered if they fail.
    update(
        "try_cmpxchg",
        Full,
        Value(|s, c| !cmpxchg_clear_finds_other(s, c)),
        (BIT, OTHER),
    ),
    failed(
        "try_cmpxchg that is not tried",
        None,
        Value(cmpxchg_clear_finds_other),
        (BIT | OTHER, BIT),
    ),
];

/// atomic_bitops.txt: `clear_bit_unlock` is a release. The two variants that
/// also tell PG_waiters are the same RMW with a result.
pub const UNLOCKS: &[Row] = &[
    update(
        "clear_bit_unlock",
        Release,
        Void(|s, c| word(s).clear_unlock_and(c, BIT, |_, _| ())),
        (BIT, OTHER),
    ),
    update(
        "clear_bit_unlock_is_negative_byte",
        Release,
        Value(|s, c| {
            word(s)
                .clear_unlock_and_test_and(c, BIT, OTHER, |_, _| ())
                .0
        }),
        (BIT | OTHER, BIT),
    ),
    update(
        "xor_unlock_is_negative_byte",
        Release,
        Value(|s, c| {
            let unlock = word(s).xor_unlock_is_negative_byte_and(c, BIT, OTHER, |_, _| ());
            unlock.0
        }),
        (BIT | OTHER, BIT),
    ),
];
