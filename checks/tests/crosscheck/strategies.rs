//! How random programs are made.
//!
//! Every sort of program draws from few words, bits and locks, so that its
//! threads get in each other's way as often as possible.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use stalewake_model::violation::Kind;

use super::program::{ALL_BITS, LOCKS, Op, Script, SleepKind, WORDS};

/// How large a program may get.
#[derive(Clone, Copy)]
pub struct Size {
    pub threads: usize,
    /// Operations of one thread, at the top level.
    pub operations: usize,
}

fn word() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0), 1 => Just(WORDS - 1)]
}

fn mask() -> impl Strategy<Value = u64> {
    select(vec![1, 2, 3, 4, ALL_BITS])
}

fn bit() -> impl Strategy<Value = u64> {
    select(vec![1, 2])
}

/// Operations on the bits of a word.
fn bits() -> BoxedStrategy<Op> {
    prop_oneof![
        (word(), mask()).prop_map(|(word, mask)| Op::Test { word, mask }),
        word().prop_map(|word| Op::Load { word }),
        (word(), mask()).prop_map(|(word, mask)| Op::Set { word, mask }),
        (word(), mask()).prop_map(|(word, mask)| Op::Clear { word, mask }),
        (word(), 0..=ALL_BITS).prop_map(|(word, value)| Op::Store { word, value }),
        (word(), bit()).prop_map(|(word, mask)| Op::TestAndSet { word, mask }),
        (word(), mask(), bit()).prop_map(|(word, mask, unless)| Op::SetUnless {
            word,
            mask,
            unless
        }),
        (word(), mask(), bit()).prop_map(|(word, mask, unless)| Op::ClearUnless {
            word,
            mask,
            unless
        }),
        (word(), 0..=ALL_BITS, 0..=ALL_BITS).prop_map(|(word, expected, value)| Op::StoreOver {
            word,
            expected,
            value
        }),
        (word(), bit()).prop_map(|(word, mask)| Op::TestAndClear { word, mask }),
        (word(), bit(), bit()).prop_map(|(word, clear, test)| Op::ClearUnlockAndTest {
            word,
            clear,
            test
        }),
    ]
    .boxed()
}

/// What plain atomics have as well: reads and overwrites of the whole word.
fn loads_and_stores() -> BoxedStrategy<Op> {
    prop_oneof![
        (word(), mask()).prop_map(|(word, mask)| Op::Test { word, mask }),
        word().prop_map(|word| Op::Load { word }),
        (word(), mask()).prop_map(|(word, mask)| Op::Set { word, mask }),
        (word(), 0..=ALL_BITS).prop_map(|(word, value)| Op::Store { word, value }),
    ]
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

fn sleeps() -> BoxedStrategy<Op> {
    let states = vec![SleepKind::Uninterruptible, SleepKind::Killable];
    prop_oneof![
        3 => (select(states), word(), bit())
            .prop_map(|(state, word, mask)| Op::Sleep { state, word, mask }),
        4 => (0_usize..2).prop_map(|distance| Op::Wake { distance }),
        1 => (0_usize..2).prop_map(|distance| Op::Kill { distance }),
        1 => Just(Op::SignalPending),
        2 => (word(), mask()).prop_map(|(word, mask)| Op::Set { word, mask }),
        1 => (word(), mask()).prop_map(|(word, mask)| Op::Clear { word, mask }),
    ]
    .boxed()
}

fn mail() -> BoxedStrategy<Op> {
    prop_oneof![
        3 => (1_i64..4).prop_map(|item| Op::Send { item }),
        3 => Just(Op::Receive),
        1 => bits(),
    ]
    .boxed()
}

/// Sections under a lock around `inside`, sometimes one in another, in any
/// order: deadlocks are outcomes as well.
fn locked(inside: BoxedStrategy<Op>) -> BoxedStrategy<Op> {
    let section = |lock: usize, body: BoxedStrategy<Op>| {
        (1_i64..3, vec(body, 0..=2)).prop_map(move |(add, mut body)| {
            // Locks are let go together with a step of their holder, but a
            // sleeper goes on with the step of its waker. Code that sleeps
            // under a lock is wrong anyway; here it always does one thing more.
            if let Some(Op::Sleep { word, .. }) = body.last() {
                body.push(Op::Load { word: *word });
            }
            Op::Locked { lock, add, body }
        })
    };
    (0..LOCKS)
        .prop_flat_map(move |lock| {
            let inner = section((lock + 1) % LOCKS, inside.clone()).boxed();
            section(lock, prop_oneof![4 => inside.clone(), 1 => inner].boxed())
        })
        .boxed()
}

fn anything() -> BoxedStrategy<Op> {
    prop_oneof![bits(), ghosts(), counts(), sleeps(), mail()].boxed()
}

fn script(size: Size, op: BoxedStrategy<Op>) -> BoxedStrategy<Script> {
    let threads = vec(vec(op, 1..=size.operations), size.threads);
    (0..=ALL_BITS, 0..=ALL_BITS, 0_i64..3, threads)
        .prop_map(|(first, second, counter, threads)| Script {
            words: [first, second],
            counter,
            threads,
        })
        .boxed()
}

/// Programs of everything that the language has.
pub fn scripts(size: Size) -> BoxedStrategy<Script> {
    let of = |op| script(size, op);
    prop_oneof![
        of(bits()),
        of(ghosts()),
        of(counts()),
        of(sleeps()),
        of(mail()),
        of(prop_oneof![locked(anything()), anything()].boxed()),
        of(prop_oneof![2 => locked(ghosts()), 1 => ghosts()].boxed()),
        of(prop_oneof![1 => locked(sleeps()), 2 => sleeps()].boxed()),
        of(prop_oneof![1 => locked(mail()), 2 => mail(), 1 => sleeps()].boxed()),
        of(anything()),
    ]
    .boxed()
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
