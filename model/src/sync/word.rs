//! One word of bits, and the ghost state that lives with it.

use std::sync::{Mutex, PoisonError};

use super::cpu::Effect;
use super::run::{Object, Wait};
use super::{Cpu, Footprint, Objects, ThreadId};

/// Bits from here on are not the machine's: each stands for one [`GhostCell`].
pub(super) const GHOST_BITS: u32 = 48;

/// All the bits that a machine word has here.
const ALL: u64 = (1 << GHOST_BITS) - 1;

/// A word of bits that threads share, and ghost state `G` whose home it is.
///
/// Every method is one atomic step. The names and the orderings are the
/// kernel's; under loom's sequentially consistent search the order of steps is
/// all that counts. Methods ending in `_and` also take a ghost step, which
/// happens together with the operation and whose footprint becomes part of it.
pub struct Word<G = ()> {
    object: Object,
    state: Mutex<State<G>>,
}

struct State<G> {
    bits: u64,
    ghost: G,
}

/// The permission to look at ghost state, as part of an operation on its home.
pub struct Access {
    footprint: Footprint,
    wakes: Option<ThreadId>,
    sleeps: bool,
}

/// What the machine does not know and the judge must.
///
/// A cell belongs to one word, its home, and can only be reached through an
/// operation on that word: [`Access`] exists nowhere else. The operation's
/// footprint then says what it read or changed here, so that no reduction can
/// exchange two operations whose order decides a verdict.
#[derive(Clone, Copy, Debug, Default)]
pub struct GhostCell<T, const BIT: u32> {
    value: T,
}

impl<T: Copy, const BIT: u32> GhostCell<T, BIT> {
    const MASK: u64 = {
        assert!(BIT < 64 - GHOST_BITS, "a word has room for 16 ghost cells");
        1 << (GHOST_BITS + BIT)
    };

    /// A cell with its initial value.
    pub const fn new(value: T) -> Self {
        GhostCell { value }
    }

    /// Its value.
    pub fn get(&self, access: &mut Access) -> T {
        access.footprint = access.footprint.and(Footprint::reading(Self::MASK));
        self.value
    }

    /// Changes it.
    pub fn set(&mut self, access: &mut Access, value: T) {
        access.footprint = access.footprint.and(Footprint::overwriting(Self::MASK));
        self.value = value;
    }

    /// Its value when no thread runs any more.
    pub fn at_end(&self) -> T {
        self.value
    }
}

/// What an operation does to the bits.
#[derive(Clone, Copy)]
enum Update {
    Keep,
    Set(u64),
    Clear(u64),
    /// Sets the first, clears the second.
    Replace(u64, u64),
    Store(u64),
}

impl Update {
    fn apply(self, bits: u64) -> u64 {
        match self {
            Update::Keep => bits,
            Update::Set(mask) => bits | mask,
            Update::Clear(mask) => bits & !mask,
            Update::Replace(set, clear) => bits & !clear | set,
            Update::Store(value) => value,
        }
    }

    fn footprint(self) -> Footprint {
        match self {
            Update::Keep => Footprint::default(),
            Update::Set(mask) => Footprint::setting(mask),
            Update::Clear(mask) => Footprint::clearing(mask),
            Update::Replace(set, clear) => Footprint::setting(set).and(Footprint::clearing(clear)),
            Update::Store(_) => Footprint::overwriting(ALL),
        }
    }
}

impl<G> Word<G> {
    /// A word of the initial state.
    pub fn new(
        objects: &mut Objects,
        field: &'static str,
        owner: u16,
        bits: u64,
        ghost: G,
    ) -> Self {
        Word::with(objects.object(field, owner), bits, ghost)
    }

    fn with(object: Object, bits: u64, ghost: G) -> Self {
        debug_assert_eq!(bits & !ALL, 0, "a machine word has {GHOST_BITS} bits here");
        Word {
            object,
            state: Mutex::new(State { bits, ghost }),
        }
    }

    /// One step: reads the bits in `reads`, decides by them what to do, and
    /// takes the ghost step.
    fn operate<R>(
        &self,
        cpu: &Cpu,
        operation: &'static str,
        reads: u64,
        update: impl FnOnce(u64) -> Update,
        ghost: impl FnOnce(&mut G, &mut Access, u64) -> R,
    ) -> (u64, R) {
        cpu.turn(&self.object);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.bits;
        let update = update(before & reads);
        state.bits = update.apply(before);
        let after = state.bits;
        let changed = update.footprint();
        let footprint = Footprint::reading(reads).and(changed);
        let mut access = Access {
            footprint,
            wakes: None,
            sleeps: false,
        };
        let result = ghost(&mut state.ghost, &mut access, before);
        let effect = Effect {
            mask: (reads | changed.changes()) & ALL,
            before,
            after_value: after,
            wakes: access.wakes,
            sleeps: access.sleeps,
            ..Effect::new(operation, access.footprint)
        };
        cpu.announce(self.object.id, self.object.name, &effect);
        (before, result)
    }

    /// Plain load of some bits: whether any of them is set.
    pub fn test(&self, cpu: &Cpu, mask: u64) -> bool {
        self.read_and(cpu, mask, |_, _| ()).0 != 0
    }

    /// Plain load of some bits, with a ghost step.
    pub fn read_and<R>(
        &self,
        cpu: &Cpu,
        mask: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (u64, R) {
        let (bits, result) = self.operate(
            cpu,
            "test_bit",
            mask,
            |_| Update::Keep,
            |g, access, _| ghost(g, access),
        );
        (bits & mask, result)
    }

    /// Plain load of the whole word.
    pub fn load(&self, cpu: &Cpu) -> u64 {
        self.operate(cpu, "load", ALL, |_| Update::Keep, |_, _, _| ())
            .0
    }

    /// Store of the whole word.
    pub fn store(&self, cpu: &Cpu, value: u64) {
        self.operate(cpu, "store", 0, |_| Update::Store(value), |_, _, _| ());
    }

    /// Store of the whole word, with a ghost step.
    pub fn store_and<R>(
        &self,
        cpu: &Cpu,
        value: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> R {
        self.operate(
            cpu,
            "store",
            0,
            |_| Update::Store(value),
            |g, access, _| ghost(g, access),
        )
        .1
    }

    /// Store of the whole word by someone who has loaded `expected` and thinks
    /// that nobody has changed it since: the second half of a non-atomic
    /// update. Returns whether it wiped out a change.
    pub fn store_over_and<R>(
        &self,
        cpu: &Cpu,
        expected: u64,
        value: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (bool, R) {
        let (bits, result) = self.operate(
            cpu,
            "store",
            ALL,
            |_| Update::Store(value),
            |g, access, _| ghost(g, access),
        );
        (bits != expected, result)
    }

    /// RMW without a result, relaxed: sets bits.
    pub fn set(&self, cpu: &Cpu, mask: u64) {
        self.operate(cpu, "set_bit", 0, |_| Update::Set(mask), |_, _, _| ());
    }

    /// [`Word::set`] of one bit, unless one of those in `unless` is set;
    /// returns whether one is. With a ghost step. Of a bit that is set already
    /// this is no change: then it has only read.
    pub fn set_unless_and<R>(
        &self,
        cpu: &Cpu,
        mask: u64,
        unless: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (bool, R) {
        let update = |bits| {
            if bits == 0 {
                Update::Set(mask)
            } else {
                Update::Keep
            }
        };
        let (bits, result) = self.operate(cpu, "set_bit", mask | unless, update, |g, access, _| {
            ghost(g, access)
        });
        (bits & unless != 0, result)
    }

    /// RMW without a result, relaxed: clears bits.
    pub fn clear(&self, cpu: &Cpu, mask: u64) {
        self.operate(cpu, "clear_bit", 0, |_| Update::Clear(mask), |_, _, _| ());
    }

    /// [`Word::clear`] of one bit, unless one of those in `unless` is set;
    /// returns whether one is. With a ghost step. Of a bit that is clear
    /// already this is no change: then it has only read.
    pub fn clear_unless_and<R>(
        &self,
        cpu: &Cpu,
        mask: u64,
        unless: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (bool, R) {
        let update = |bits| {
            if bits == mask {
                Update::Clear(mask)
            } else {
                Update::Keep
            }
        };
        let (bits, result) =
            self.operate(cpu, "clear_bit", mask | unless, update, |g, access, _| {
                ghost(g, access)
            });
        (bits & unless != 0, result)
    }

    /// RMW, fully ordered when the bit changes: sets one bit and returns
    /// whether it was set before. If it was, this has only read.
    pub fn test_and_set(&self, cpu: &Cpu, mask: u64) -> bool {
        self.test_and_set_and(cpu, mask, |_, _, _| ()).0
    }

    /// [`Word::test_and_set`] with a ghost step, which is told whether the bit
    /// was set before.
    pub fn test_and_set_and<R>(
        &self,
        cpu: &Cpu,
        mask: u64,
        ghost: impl FnOnce(&mut G, &mut Access, bool) -> R,
    ) -> (bool, R) {
        debug_assert!(mask.is_power_of_two(), "one bit at a time");
        let update = |bits| {
            if bits & mask == 0 {
                Update::Set(mask)
            } else {
                Update::Keep
            }
        };
        let (bits, result) =
            self.operate(cpu, "test_and_set_bit", mask, update, |g, access, old| {
                ghost(g, access, old & mask != 0)
            });
        (bits & mask != 0, result)
    }

    /// RMW, fully ordered when the bit changes: clears one bit and returns
    /// whether it was set before. If it was not, this has only read.
    pub fn test_and_clear(&self, cpu: &Cpu, mask: u64) -> bool {
        self.test_and_clear_and(cpu, mask, |_, _, _| ()).0
    }

    /// [`Word::test_and_clear`] with a ghost step, which is told whether the
    /// bit was set before.
    pub fn test_and_clear_and<R>(
        &self,
        cpu: &Cpu,
        mask: u64,
        ghost: impl FnOnce(&mut G, &mut Access, bool) -> R,
    ) -> (bool, R) {
        debug_assert!(mask.is_power_of_two(), "one bit at a time");
        let update = |bits| {
            if bits & mask != 0 {
                Update::Clear(mask)
            } else {
                Update::Keep
            }
        };
        let (bits, result) =
            self.operate(cpu, "test_and_clear_bit", mask, update, |g, access, old| {
                ghost(g, access, old & mask != 0)
            });
        (bits & mask != 0, result)
    }

    /// One RMW, RELEASE: clears some bits and returns another, as
    /// `clear_bit_unlock_is_negative_byte` does.
    pub fn clear_unlock_and_test_and<R>(
        &self,
        cpu: &Cpu,
        clear: u64,
        test: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (bool, R) {
        let (bits, result) = self.operate(
            cpu,
            "clear_bit_unlock_is_negative_byte",
            test,
            |_| Update::Clear(clear),
            |g, access, _| ghost(g, access),
        );
        (bits & test != 0, result)
    }

    /// The bits and the ghost state when no thread runs any more.
    pub fn at_end<R>(&self, look: impl FnOnce(u64, &G) -> R) -> R {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        look(state.bits, &state.ghost)
    }
}

impl Word<()> {
    /// The last look before sleeping, at the bits in `mask`: if they say so,
    /// the running thread counts as waiting from this step on. Returns whether.
    pub(super) fn sleep(
        &self,
        cpu: &Cpu,
        mask: u64,
        wants_to: impl FnOnce(u64) -> bool,
        wait: Wait,
    ) -> bool {
        let (_, sleeps) = self.operate(
            cpu,
            "schedule",
            mask,
            |_| Update::Keep,
            |(), access, bits| {
                access.sleeps = wants_to(bits & mask);
                if access.sleeps {
                    cpu.prepare_to_wait(wait);
                }
                access.sleeps
            },
        );
        sleeps
    }

    /// Store of some bits of the word: sets those in `set`, clears those in
    /// `clear`.
    pub(super) fn replace(&self, cpu: &Cpu, operation: &'static str, set: u64, clear: u64) {
        self.operate(
            cpu,
            operation,
            0,
            |_| Update::Replace(set, clear),
            |(), _, _| (),
        );
    }

    /// If one of the bits in `mask` is set, clears them all and lets `thread`
    /// go on if it really sleeps. Returns whether a bit was set.
    pub(super) fn wake(&self, cpu: &Cpu, mask: u64, thread: ThreadId) -> bool {
        let (bits, ()) = self.operate(
            cpu,
            "wake_up_state",
            mask,
            |bits| {
                if bits == 0 {
                    Update::Keep
                } else {
                    Update::Clear(mask)
                }
            },
            |(), access, bits| {
                let woken = bits & mask != 0
                    && cpu
                        .run
                        .unblock(thread, |wait| matches!(wait, Wait::Asleep(_)));
                access.wakes = woken.then_some(thread);
            },
        );
        bits & mask != 0
    }

    /// A word that a running thread makes, such as a wait entry on its stack.
    pub fn made_by(cpu: &Cpu, field: &'static str, owner: u16, bits: u64) -> Self {
        Word::with(Object::made_by(cpu, field, owner), bits, ())
    }
}
