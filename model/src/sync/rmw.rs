//! What an operation does to the bits of a word, and with which ordering.

use loom::sync::atomic::{AtomicU64, fence};
use std::sync::atomic::Ordering;

use super::Footprint;

/// All the bits that a machine word has here; those above stand for ghosts.
pub(super) const ALL: u64 = (1 << super::word::GHOST_BITS) - 1;

/// One atomic operation on a word of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rmw {
    /// Plain load of these bits.
    Load(u64),
    /// The same, of the latest value even in weak memory; and if both of the
    /// others are set, clears the first of them. Both are among those seen.
    Look {
        /// What is seen.
        mask: u64,
        /// What may be cleared.
        clears: u64,
        /// What else must be set for that.
        given: u64,
    },
    /// Sets bits, unseen.
    Set(u64),
    /// Clears bits, unseen.
    Clear(u64),
    /// Sets the first bit unless one of the second is set.
    SetUnless(u64, u64),
    /// Clears the first bit unless one of the second is set.
    ClearUnless(u64, u64),
    /// Sets a bit and returns what it was.
    TestAndSet(u64),
    /// Clears a bit and returns what it was.
    TestAndClear(u64),
    /// Clears the first and returns the second.
    ClearAndTest(u64, u64),
    /// Clears all of these bits if any is set, and returns what they were.
    ClearIfAny(u64),
    /// Sets the first and clears the second, unseen.
    Replace(u64, u64),
    /// Overwrites the word, unseen.
    Store(u64),
    /// Overwrites the word and returns what it was.
    Swap(u64),
}

impl Rmw {
    /// The bits whose value is seen.
    pub(super) fn reads(self) -> u64 {
        match self {
            Rmw::Load(mask) | Rmw::Look { mask, .. } => mask,
            Rmw::Set(_) | Rmw::Clear(_) | Rmw::Replace(..) | Rmw::Store(_) => 0,
            Rmw::SetUnless(mask, unless) | Rmw::ClearUnless(mask, unless) => mask | unless,
            Rmw::TestAndSet(mask) | Rmw::TestAndClear(mask) | Rmw::ClearIfAny(mask) => mask,
            Rmw::ClearAndTest(_, test) => test,
            Rmw::Swap(_) => ALL,
        }
    }

    /// The bits that are set, and those that are cleared before, by what was read.
    fn changes(self, bits: u64) -> (u64, u64) {
        match self {
            Rmw::Load(_) => (0, 0),
            Rmw::Look { clears, given, .. } if bits & given != 0 => (0, clears & bits),
            Rmw::Look { .. } => (0, 0),
            Rmw::Set(mask) => (mask, 0),
            Rmw::Clear(mask) => (0, mask),
            Rmw::SetUnless(_, unless) | Rmw::ClearUnless(_, unless) if bits & unless != 0 => (0, 0),
            Rmw::SetUnless(mask, _) | Rmw::TestAndSet(mask) => (mask & !bits, 0),
            Rmw::ClearUnless(mask, _) | Rmw::TestAndClear(mask) => (0, mask & bits),
            Rmw::ClearAndTest(clear, _) => (0, clear),
            Rmw::ClearIfAny(mask) if bits & mask == 0 => (0, 0),
            Rmw::ClearIfAny(mask) => (0, mask),
            Rmw::Replace(set, clear) => (set, clear),
            Rmw::Store(value) | Rmw::Swap(value) => (value, ALL),
        }
    }

    /// The word afterwards.
    pub(super) fn apply(self, bits: u64) -> u64 {
        let (set, clear) = self.changes(bits);
        bits & !clear | set
    }

    /// What it has read and changed, given the word before. Whoever overwrites
    /// a bit conflicts with everybody else on it.
    pub(super) fn footprint(self, bits: u64) -> Footprint {
        let reads = Footprint::reading(self.reads());
        match self {
            Rmw::Store(_) | Rmw::Swap(_) => reads.and(Footprint::overwriting(ALL)),
            _ => {
                let (set, clear) = self.changes(bits);
                reads
                    .and(Footprint::setting(set))
                    .and(Footprint::clearing(clear))
            }
        }
    }

    /// Does it to a loom atomic, and returns the word before. A store is an
    /// RMW, too: loom does not keep RMWs atomic against plain stores.
    pub(super) fn run(self, word: &AtomicU64, order: Order) -> u64 {
        let rmw = order.of_rmw();
        match self {
            Rmw::Load(_) => word.load(order.of_load()),
            Rmw::Look { .. } => order.fenced(|| {
                let mut seen = word.fetch_or(0, rmw);
                while self.apply(seen) != seen {
                    let after = self.apply(seen);
                    match word.compare_exchange(seen, after, rmw, Ordering::Relaxed) {
                        Ok(_) => break,
                        Err(now) => seen = now,
                    }
                }
                seen
            }),
            Rmw::Set(mask) | Rmw::TestAndSet(mask) => order.fenced(|| word.fetch_or(mask, rmw)),
            Rmw::Clear(mask)
            | Rmw::TestAndClear(mask)
            | Rmw::ClearAndTest(mask, _)
            | Rmw::ClearIfAny(mask) => order.fenced(|| word.fetch_and(!mask, rmw)),
            // Who finds a reason not to do it has only looked, and what is
            // not done orders nothing.
            Rmw::SetUnless(_, unless) | Rmw::ClearUnless(_, unless) => {
                let mut seen = word.fetch_or(0, Ordering::Relaxed);
                while seen & unless == 0 {
                    let after = self.apply(seen);
                    let exchange = || word.compare_exchange(seen, after, rmw, Ordering::Relaxed);
                    match order.fenced(exchange) {
                        Ok(_) => break,
                        Err(now) => seen = now,
                    }
                }
                seen
            }
            Rmw::Replace(set, clear) => {
                let before = word.fetch_or(set, rmw);
                // Two operations where the kernel has one store, but only the
                // owner of a task state does this.
                if before & clear != 0 {
                    word.fetch_and(!clear, rmw);
                }
                before
            }
            Rmw::Store(value) | Rmw::Swap(value) => word.swap(value, rmw),
        }
    }
}

/// The ordering of an operation, in the kernel's terms. It matters only where
/// memory is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// None: a plain load or store, an RMW without a result.
    Relaxed,
    /// `smp_load_acquire`.
    Acquire,
    /// `smp_store_release`, `clear_bit_unlock`.
    Release,
    /// An RMW with a result.
    Full,
}

impl Order {
    fn of_load(self) -> Ordering {
        if self == Order::Acquire {
            Ordering::Acquire
        } else {
            Ordering::Relaxed
        }
    }

    fn of_rmw(self) -> Ordering {
        match self {
            Order::Relaxed => Ordering::Relaxed,
            Order::Acquire => Ordering::Acquire,
            Order::Release => Ordering::Release,
            Order::Full => Ordering::AcqRel,
        }
    }

    /// Full barriers around it, if it is fully ordered.
    pub(super) fn fenced<R>(self, operation: impl FnOnce() -> R) -> R {
        if self != Order::Full {
            return operation();
        }
        fence(Ordering::SeqCst);
        let result = operation();
        fence(Ordering::SeqCst);
        result
    }
}
