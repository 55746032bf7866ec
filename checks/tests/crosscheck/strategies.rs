//! How random programs are made.
//!
//! Every sort of program draws from few words, bits and locks, so that its
//! threads get in each other's way as often as possible. What is forbidden
//! under a spin lock, to sleep and to wait for mail, is never put there.

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use stalewake_model::sync::MAX_THREADS;
use stalewake_model::violation::Kind;

use super::program::{ALL_BITS, Bits, LOCKS, Op, Place, Script, SleepKind, WORDS};

/// How large a program may get.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub threads: usize,
    /// Operations of one thread, at the top level.
    pub operations: usize,
}

impl Size {
    pub const fn of(threads: usize, operations: usize) -> Size {
        Size {
            threads,
            operations,
        }
    }
}

fn word() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 1 => Just(WORDS - 1)]
}

fn shared() -> BoxedStrategy<Place> {
    word().prop_map(Place::Shared).boxed()
}

fn mask() -> impl Strategy<Value = u64> {
    select(vec![1, 2, 3, 4, ALL_BITS])
}

fn bit() -> impl Strategy<Value = u64> {
    select(vec![1, 2])
}

/// One bit, and others that may forbid to change it.
fn bit_and_unless() -> impl Strategy<Value = (u64, u64)> {
    select(vec![
        (1, 2),
        (2, 1),
        (1, 4),
        (2, 5),
        (1, 6),
        (4, 3),
        (1, 0),
        (2, 0),
    ])
}

/// Operations on the bits of a word.
fn bits_of(word: BoxedStrategy<Place>) -> BoxedStrategy<Op> {
    let op = prop_oneof![
        mask().prop_map(|mask| Bits::Test { mask }),
        Just(Bits::Load),
        mask().prop_map(|mask| Bits::Set { mask }),
        mask().prop_map(|mask| Bits::Clear { mask }),
        (0..=ALL_BITS).prop_map(|value| Bits::Store { value }),
        bit().prop_map(|bit| Bits::TestAndSet { bit }),
        bit().prop_map(|bit| Bits::TestAndClear { bit }),
        bit_and_unless().prop_map(|(bit, unless)| Bits::SetUnless { bit, unless }),
        bit_and_unless().prop_map(|(bit, unless)| Bits::ClearUnless { bit, unless }),
        (0..=ALL_BITS, 0..=ALL_BITS)
            .prop_map(|(expected, value)| Bits::StoreOver { expected, value }),
        (bit(), bit()).prop_map(|(clear, test)| Bits::ClearUnlockAndTest { clear, test }),
    ];
    (word, op)
        .prop_map(|(word, op)| Op::Bits { word, op })
        .boxed()
}

fn bits() -> BoxedStrategy<Op> {
    bits_of(shared())
}

/// What plain atomics have as well: reads and overwrites of the whole word.
fn loads_and_stores() -> BoxedStrategy<Op> {
    let op = prop_oneof![
        mask().prop_map(|mask| Bits::Test { mask }),
        Just(Bits::Load),
        mask().prop_map(|mask| Bits::Set { mask }),
        (0..=ALL_BITS).prop_map(|value| Bits::Store { value }),
    ];
    (shared(), op)
        .prop_map(|(word, op)| Op::Bits { word, op })
        .boxed()
}

fn check() -> BoxedStrategy<Op> {
    let kinds = vec![Kind::BugOnTail, Kind::ForeignRead, Kind::StaleWakeup];
    (word(), mask(), any::<bool>(), select(kinds))
        .prop_map(|(word, mask, clears, kind)| Op::Check {
            word,
            mask,
            clears,
            kind,
        })
        .boxed()
}

fn counts() -> BoxedStrategy<Op> {
    prop_oneof![
        2 => Just(Op::Inc),
        3 => Just(Op::Dec),
        2 => Just(Op::IncUnlessZero),
        1 => Just(Op::Read),
        1 => select(vec![Op::IncPinned, Op::DecPinned, Op::DecPinned, Op::IncPinnedUnlessZero]),
        1 => (0_i64..3).prop_map(|value| Op::SetCounter { value }),
        2 => freezes(),
    ]
    .boxed()
}

/// What reclaim and migration do to a reference count.
fn freezes() -> BoxedStrategy<Op> {
    prop_oneof![
        3 => (1_i64..4).prop_map(|expected| Op::Freeze { expected }),
        1 => (1_i64..3).prop_map(|value| Op::Unfreeze { value }),
    ]
    .boxed()
}

/// Mostly down, from a count that several threads must bring to zero.
fn countdowns() -> BoxedStrategy<Op> {
    prop_oneof![
        8 => Just(Op::Dec),
        2 => word().prop_map(|word| Op::Put { word }),
        1 => Just(Op::Inc),
        2 => Just(Op::IncUnlessZero),
        1 => Just(Op::Read),
        2 => freezes(),
        2 => bits(),
    ]
    .boxed()
}

/// Lives that end by a wipe or with the last reference, and are checked.
fn ghosts() -> BoxedStrategy<Op> {
    prop_oneof![
        3 => word().prop_map(|word| Op::Wipe { word }),
        2 => word().prop_map(|word| Op::Put { word }),
        4 => check(),
        2 => bits(),
        1 => counts(),
    ]
    .boxed()
}

/// Lives that end by a wipe only.
fn wipes() -> BoxedStrategy<Op> {
    prop_oneof![
        3 => word().prop_map(|word| Op::Wipe { word }),
        4 => check(),
        2 => bits(),
    ]
    .boxed()
}

/// Lives that end with the last reference only.
fn puts() -> BoxedStrategy<Op> {
    prop_oneof![
        4 => word().prop_map(|word| Op::Put { word }),
        4 => check(),
        1 => Just(Op::IncUnlessZero),
        1 => bits(),
    ]
    .boxed()
}

fn sleep_kind() -> impl Strategy<Value = SleepKind> {
    select(vec![SleepKind::Uninterruptible, SleepKind::Killable])
}

/// What has to do with sleeping and may be done under a lock.
fn wakes() -> BoxedStrategy<Op> {
    let distance = || 0..MAX_THREADS - 1;
    prop_oneof![
        4 => distance().prop_map(|distance| Op::Wake { distance }),
        2 => distance().prop_map(|distance| Op::Kill { distance }),
        1 => Just(Op::SignalPending),
        1 => sleep_kind().prop_map(|state| Op::SetState { state }),
        1 => Just(Op::SetRunning),
        2 => (shared(), mask()).prop_map(|(word, mask)| {
            let op = Bits::Set { mask };
            Op::Bits { word, op }
        }),
        1 => (shared(), mask()).prop_map(|(word, mask)| {
            let op = Bits::Clear { mask };
            Op::Bits { word, op }
        }),
    ]
    .boxed()
}

fn sleeps() -> BoxedStrategy<Op> {
    prop_oneof![
        3 => (sleep_kind(), word(), bit())
            .prop_map(|(state, word, mask)| Op::Sleep { state, word, mask }),
        1 => Just(Op::Schedule),
        1 => sleep_kind().prop_map(|state| Op::SetState { state }),
        8 => wakes(),
    ]
    .boxed()
}

/// Killable sleeps against signals and wake-ups, which see whether the task
/// was still about to sleep.
fn signals() -> BoxedStrategy<Op> {
    let distance = || 0..MAX_THREADS - 1;
    let state = SleepKind::Killable;
    prop_oneof![
        3 => (word(), bit()).prop_map(move |(word, mask)| Op::Sleep { state, word, mask }),
        1 => Just(Op::SetState { state }),
        1 => Just(Op::Schedule),
        1 => Just(Op::SignalPending),
        3 => distance().prop_map(|distance| Op::Kill { distance }),
        3 => distance().prop_map(|distance| Op::Wake { distance }),
    ]
    .boxed()
}

fn sends() -> BoxedStrategy<Op> {
    prop_oneof![
        3 => (1_i64..4).prop_map(|item| Op::Send { item }),
        1 => bits(),
    ]
    .boxed()
}

fn mail() -> BoxedStrategy<Op> {
    prop_oneof![4 => sends(), 3 => Just(Op::Receive)].boxed()
}

/// Words that a thread makes and uses, or hands over under a lock.
fn made() -> BoxedStrategy<Op> {
    let place = || prop_oneof![1 => Just(Place::Own), 2 => Just(Place::Found)].boxed();
    let section = |body: BoxedStrategy<Vec<Op>>| {
        let lock = prop_oneof![4 => Just(0), 1 => Just(LOCKS - 1)];
        (lock, 1_i64..3, body).prop_map(|(lock, add, body)| Op::Locked { lock, add, body })
    };
    let make = || (0..=ALL_BITS).prop_map(|bits| Op::Make { bits });
    let hand_over = (make(), bits_of(place())).prop_map(|(make, op)| vec![make, Op::Publish, op]);
    let publish = Just(vec![Op::Publish]);
    let find = vec(bits_of(place()), 0..=1)
        .prop_map(|ops| [Op::Find].into_iter().chain(ops).collect::<Vec<_>>());
    prop_oneof![
        1 => make(),
        3 => section(hand_over.boxed()),
        1 => section(publish.boxed()),
        4 => section(find.boxed()),
        5 => bits_of(place()),
        1 => bits(),
    ]
    .boxed()
}

/// Sections under a lock around `inside`, sometimes one in another, in any
/// order, even of the lock that is held: deadlocks are outcomes as well.
fn locked(inside: BoxedStrategy<Op>) -> BoxedStrategy<Op> {
    let section = |lock: usize, body: BoxedStrategy<Op>| {
        (1_i64..3, vec(body, 0..=2))
            .prop_map(move |(add, body)| Op::Locked { lock, add, body })
            .boxed()
    };
    (0..LOCKS)
        .prop_flat_map(move |lock| {
            let other = section((lock + 1) % LOCKS, inside.clone());
            let same = section(lock, inside.clone());
            let body = prop_oneof![20 => inside.clone(), 7 => other, 1 => same];
            section(lock, body.boxed())
        })
        .boxed()
}

/// Everything that may be done under a lock.
fn anything_atomic() -> BoxedStrategy<Op> {
    let inside = select(vec![Op::Publish, Op::Find]);
    prop_oneof![bits(), ghosts(), counts(), wakes(), sends(), inside].boxed()
}

fn anything() -> BoxedStrategy<Op> {
    prop_oneof![bits(), ghosts(), counts(), sleeps(), mail(), made()].boxed()
}

fn script_from(counter: Range<i64>, size: Size, op: BoxedStrategy<Op>) -> BoxedStrategy<Script> {
    let threads = vec(vec(op, 1..=size.operations), size.threads);
    (0..=ALL_BITS, 0..=ALL_BITS, counter, threads)
        .prop_map(|(first, second, counter, threads)| Script {
            words: [first, second],
            counter,
            threads,
        })
        .boxed()
}

fn script(size: Size, op: BoxedStrategy<Op>) -> BoxedStrategy<Script> {
    script_from(0..3, size, op)
}

/// Programs of everything that the language has.
pub fn scripts(size: Size) -> BoxedStrategy<Script> {
    let of = |op| script(size, op);
    prop_oneof![
        of(bits()),
        of(ghosts()),
        of(counts()),
        script_from(2..7, size, countdowns()),
        of(sleeps()),
        of(signals()),
        of(mail()),
        of(made()),
        of(prop_oneof![locked(anything_atomic()), anything()].boxed()),
        of(prop_oneof![2 => locked(ghosts()), 1 => ghosts()].boxed()),
        of(prop_oneof![1 => locked(wakes()), 2 => sleeps()].boxed()),
        of(prop_oneof![1 => locked(sends()), 2 => mail(), 1 => sleeps()].boxed()),
        of(anything()),
    ]
    .boxed()
}

/// Programs that wait, for each other or for a device, and in which something
/// can go wrong on the way.
pub fn waiting_scripts(size: Size) -> BoxedStrategy<Script> {
    let waits = prop_oneof![
        2 => sleeps(),
        1 => signals(),
        2 => mail(),
        1 => locked(prop_oneof![wakes(), sends(), Just(Op::Dec)].boxed()),
    ];
    let op = prop_oneof![4 => waits, 1 => Just(Op::Dec)];
    script_from(0..2, size, op.boxed())
}

/// Programs in which a life ends by a wipe only.
pub fn wipe_scripts(size: Size) -> BoxedStrategy<Script> {
    script(size, wipes())
}

/// Programs in which a life ends with the last reference only.
pub fn put_scripts(size: Size) -> BoxedStrategy<Script> {
    script(size, puts())
}

/// Programs that plain atomics can run.
pub fn load_and_store_scripts(size: Size) -> BoxedStrategy<Script> {
    script(size, loads_and_stores())
}
