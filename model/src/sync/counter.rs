//! `atomic_t` as a reference count.

use std::cmp::Ordering;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::cpu::Effect;
use super::object::{Atomic, Object};
use super::rmw::Order;
use super::{Cpu, Footprint, MAX_THREADS, Objects};

/// Going up sets this, going down clears it: steps in one direction commute,
/// steps in opposite directions do not, since their order decides who sees a
/// zero.
const VALUE: u64 = 1;
/// Whether the counter is zero.
const ZERO: u64 = 2;
const ALL: u64 = VALUE | ZERO;

/// One more, of a counter that is not zero.
const UP: Footprint = Footprint::setting(VALUE);
/// One less, with two or more left: in either order, two of these leave one.
const DOWN: Footprint = Footprint::clearing(VALUE | Footprint::UNTOLD);
/// One less, with one left: another thread's would now be the last, so two
/// that start from the same value do not commute. From three on they do, and
/// nobody could tell in which order they came.
const DOWN_TO_ONE: Footprint = Footprint::reading(Footprint::UNTOLD).and(DOWN);
/// A look at whether the counter is zero.
const IS_ZERO: Footprint = Footprint::reading(ZERO);
/// A step to or from zero, or somewhere below: it commutes with nothing.
const EDGE: Footprint = Footprint::exclusive(ALL);

/// A counter that threads share. Every method is one atomic step.
pub struct Counter {
    object: Object,
    /// Where memory is weak, loom's own value.
    weak: Option<Atomic>,
    state: Mutex<State>,
}

struct State {
    /// The latest value.
    value: i64,
    /// Of a counter that nobody can bring to zero, how much of it each thread
    /// owns.
    owned: Option<[i64; MAX_THREADS]>,
}

impl Counter {
    /// A counter of the initial state.
    pub fn new(objects: &mut Objects, field: &'static str, owner: u16, value: i64) -> Counter {
        Counter::with(objects, field, owner, State { value, owned: None })
    }

    /// A counter of which one count is never taken: `unowned` is that one, and
    /// what goes with flags; the rest is what threads own at the start. That no
    /// thread takes more than it owns is checked thread by thread, so it does
    /// not depend on the schedule; then nobody ever sees a zero, and going up
    /// and down commute.
    pub fn pinned(
        objects: &mut Objects,
        field: &'static str,
        owner: u16,
        unowned: i64,
        owned: [i64; MAX_THREADS],
    ) -> Counter {
        let value = unowned + owned.iter().sum::<i64>();
        Counter::with(
            objects,
            field,
            owner,
            State {
                value,
                owned: Some(owned),
            },
        )
    }

    fn with(objects: &mut Objects, field: &'static str, owner: u16, state: State) -> Counter {
        let object = objects.word(field, owner);
        let weak = object.atomic(state.value as u64);
        Counter {
            object,
            weak,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step: `weak` does it to loom's value and returns what it was before,
    /// `update` does it to the latest value, given what was seen.
    fn operate<R>(
        &self,
        cpu: &Cpu,
        operation: &'static str,
        weak: impl FnOnce(&Atomic) -> u64,
        update: impl FnOnce(&mut State, i64) -> (Footprint, R),
    ) -> R {
        cpu.turn(&self.object);
        let seen = self.weak.as_ref().map(weak);
        let mut state = self.state();
        let before = seen.map_or(state.value, |seen| seen as i64);
        if before != state.value {
            cpu.note_stale_read();
        }
        let (footprint, result) = update(&mut state, before);
        let effect = Effect {
            mask: u64::MAX,
            before: before as u64,
            after_value: state.value as u64,
            ..Effect::new(operation, footprint)
        };
        cpu.announce(self.object.id, self.object.name, &effect);
        result
    }

    /// `atomic_inc`, relaxed: adds one, sees nothing.
    pub fn inc(&self, cpu: &Cpu) {
        let me = cpu.thread().index();
        let weak = |value: &Atomic| value.fetch_add(1, Relaxed);
        self.operate(cpu, "atomic_inc", weak, |state, _| (state.up(me), ()));
    }

    /// [`Counter::inc`] of a count that no thread owns, so that another one may
    /// take it: for whoever has set a flag that says that the count is there.
    pub fn inc_unowned(&self, cpu: &Cpu) {
        let weak = |value: &Atomic| value.fetch_add(1, Relaxed);
        self.operate(cpu, "atomic_inc", weak, |state, _| (state.up_unowned(), ()));
    }

    /// [`Counter::dec_and_test`] of such a count, for whoever has cleared the
    /// flag: so no more are taken than were there.
    pub fn dec_unowned_and_test(&self, cpu: &Cpu) -> Ordering {
        let weak = |value: &Atomic| Order::Full.fenced(|| value.fetch_sub(1, AcqRel));
        self.operate(cpu, "atomic_dec_and_test", weak, |state, _| {
            state.down_unowned()
        })
    }

    /// `atomic_dec_and_test`, fully ordered: takes one, and returns whether
    /// what is left is more than zero, zero, or less.
    pub fn dec_and_test(&self, cpu: &Cpu) -> Ordering {
        let me = cpu.thread().index();
        let weak = |value: &Atomic| Order::Full.fenced(|| value.fetch_sub(1, AcqRel));
        self.operate(cpu, "atomic_dec_and_test", weak, |state, _| state.down(me))
    }

    /// `atomic_add_unless(1, 0)`, fully ordered on success: adds one unless
    /// the counter is zero, and returns whether it did.
    pub fn inc_unless_zero(&self, cpu: &Cpu) -> bool {
        let me = cpu.thread().index();
        self.operate(
            cpu,
            "atomic_add_unless",
            add_unless_zero,
            |state, seen| match seen {
                _ if state.owned.is_some() => (state.up(me), true),
                0 => (IS_ZERO, false),
                _ => (IS_ZERO.and(state.up(me)), true),
            },
        )
    }

    /// `atomic_read`, relaxed. Not of a pinned counter, whose value is nobody's
    /// business while threads run.
    pub fn read(&self, cpu: &Cpu) -> i64 {
        let weak = |value: &Atomic| value.load(Relaxed);
        self.operate(cpu, "atomic_read", weak, |state, seen| {
            assert!(
                state.owned.is_none(),
                "the value of a pinned counter is not looked at"
            );
            (Footprint::reading(ALL), seen)
        })
    }

    /// `atomic_set`, relaxed. Not of a pinned counter.
    pub fn set(&self, cpu: &Cpu, new: i64) {
        let weak = |value: &Atomic| value.swap(new as u64, Relaxed);
        self.operate(cpu, "atomic_set", weak, |state, _| {
            assert!(state.owned.is_none(), "a pinned counter is not set");
            state.value = new;
            (Footprint::overwriting(ALL), ())
        });
    }

    /// `page_ref_freeze`, a compare-and-exchange to zero, fully ordered on
    /// success: nobody gets a reference any more, if there are exactly as many
    /// as `expected`. Returns whether there were; if not, this has only read.
    /// Not of a pinned counter, of which nobody takes the last one.
    pub fn freeze(&self, cpu: &Cpu, expected: i64) -> bool {
        let weak = |value: &Atomic| exchange_for_zero(value, expected as u64);
        self.operate(cpu, "atomic_cmpxchg", weak, |state, seen| {
            assert!(state.owned.is_none(), "a pinned counter is not frozen");
            if seen != expected {
                return (Footprint::reading(ALL), false);
            }
            state.value = 0;
            (EDGE, true)
        })
    }

    /// `page_ref_unfreeze`, RELEASE: so many references again, by who has
    /// frozen the counter.
    pub fn unfreeze(&self, cpu: &Cpu, new: i64) {
        let weak = |value: &Atomic| value.swap(new as u64, Release);
        self.operate(cpu, "atomic_set_release", weak, |state, _| {
            assert!(state.owned.is_none(), "a pinned counter is not frozen");
            state.value = new;
            (Footprint::overwriting(ALL), ())
        });
    }

    /// The value when no thread runs any more.
    pub fn at_end(&self) -> i64 {
        self.state().value
    }
}

/// The kernel's loop: a plain load, then compare-and-exchange until it is done
/// or zero. Returns the value before.
fn add_unless_zero(value: &Atomic) -> u64 {
    let mut seen = value.load(Relaxed);
    while seen != 0 {
        let exchange = || value.compare_exchange(seen, seen.wrapping_add(1), AcqRel, Relaxed);
        match Order::Full.fenced(exchange) {
            Ok(_) => break,
            Err(now) => seen = now,
        }
    }
    seen
}

/// A compare-and-exchange to zero. It orders nothing if it fails, so whether it
/// will is known before the barriers around it. Returns the value before.
fn exchange_for_zero(value: &Atomic, expected: u64) -> u64 {
    let seen = value.fetch_add(0, Relaxed);
    if seen != expected {
        return seen;
    }
    let exchange = || value.compare_exchange(expected, 0, AcqRel, Relaxed);
    match Order::Full.fenced(exchange) {
        Ok(seen) | Err(seen) => seen,
    }
}

impl State {
    fn up(&mut self, thread: usize) -> Footprint {
        if let Some(owned) = &mut self.owned {
            owned[thread] += 1;
        }
        self.up_unowned()
    }

    fn up_unowned(&mut self) -> Footprint {
        let before = self.value;
        self.value += 1;
        match self.owned {
            Some(_) => Footprint::default(),
            None if before > 0 => UP,
            None => EDGE,
        }
    }

    fn down(&mut self, thread: usize) -> (Footprint, Ordering) {
        let mut overdrawn = false;
        if let Some(owned) = &mut self.owned {
            owned[thread] -= 1;
            overdrawn = owned[thread] < 0;
        }
        let (footprint, left) = self.down_unowned();
        (footprint, if overdrawn { Ordering::Less } else { left })
    }

    fn down_unowned(&mut self) -> (Footprint, Ordering) {
        self.value -= 1;
        match self.owned {
            Some(_) => (Footprint::default(), Ordering::Greater),
            None if self.value > 1 => (DOWN, Ordering::Greater),
            None if self.value == 1 => (DOWN_TO_ONE, Ordering::Greater),
            None => (EDGE, self.value.cmp(&0)),
        }
    }
}
