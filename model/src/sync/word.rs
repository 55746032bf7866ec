//! One word of bits, and the ghost state that lives with it.

use std::sync::{Mutex, PoisonError};

use super::cpu::Effect;
use super::object::{Atomic, Object};
use super::rmw::{ALL, Order, Rmw};
use super::run::Wait;
use super::{Cpu, Footprint, Objects, ThreadId};

/// Bits from here on are not the machine's: each stands for one [`GhostCell`].
pub(super) const GHOST_BITS: u32 = 48;

/// A word of bits that threads share, and ghost state `G` whose home it is.
///
/// Every method is one atomic step. The names and the orderings are the
/// kernel's; in a sequentially consistent search the order of steps is all that
/// counts. Methods ending in `_and` also take a ghost step, which
/// happens together with the operation and whose footprint becomes part of it.
pub struct Word<G = ()> {
    object: Object,
    /// Where memory is weak the value is loom's, which knows what each thread
    /// may read; everywhere else it is `bits`.
    weak: Option<Atomic>,
    state: Mutex<State<G>>,
}

struct State<G> {
    /// The latest value.
    bits: u64,
    ghost: G,
}

/// The permission to look at ghost state, as part of an operation on its home.
pub struct Access {
    footprint: Footprint,
    wakes: Option<ThreadId>,
    sleeps: bool,
    woken_by: Option<usize>,
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
        assert!(BIT < 63 - GHOST_BITS, "a word has room for 15 ghost cells");
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

impl<G> Word<G> {
    /// A word of the initial state.
    pub fn new(
        objects: &mut Objects,
        field: &'static str,
        owner: u16,
        bits: u64,
        ghost: G,
    ) -> Self {
        Word::with(objects.word(field, owner), bits, ghost)
    }

    fn with(object: Object, bits: u64, ghost: G) -> Self {
        debug_assert_eq!(bits & !ALL, 0, "a machine word has {GHOST_BITS} bits here");
        let weak = object.atomic(bits);
        Word {
            object,
            weak,
            state: Mutex::new(State { bits, ghost }),
        }
    }

    /// One step: the operation, and the ghost step with it.
    fn operate<R>(
        &self,
        cpu: &Cpu,
        operation: &'static str,
        rmw: Rmw,
        order: Order,
        ghost: impl FnOnce(&mut G, &mut Access, u64) -> R,
    ) -> (u64, R) {
        cpu.turn(&self.object);
        let seen = self.weak.as_ref().map(|word| rmw.run(word, order));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = seen.unwrap_or(state.bits);
        if before & rmw.reads() != state.bits & rmw.reads() {
            cpu.note_stale_read();
        }
        let footprint = rmw.footprint(state.bits);
        state.bits = rmw.apply(state.bits);
        let after = state.bits;
        let mut access = Access {
            footprint,
            wakes: None,
            sleeps: false,
            woken_by: None,
        };
        let result = ghost(&mut state.ghost, &mut access, before);
        let effect = Effect {
            mask: (footprint.reads | footprint.changes()) & ALL,
            before,
            after_value: if footprint.changes() == 0 {
                before
            } else {
                after
            },
            wakes: access.wakes,
            sleeps: access.sleeps,
            woken_by: access.woken_by,
            ..Effect::new(operation, access.footprint)
        };
        cpu.announce(self.object.id, self.object.name, &effect);
        (before, result)
    }

    /// One step without a ghost step; the word before.
    fn run(&self, cpu: &Cpu, operation: &'static str, rmw: Rmw, order: Order) -> u64 {
        self.operate(cpu, operation, rmw, order, |_, _, _| ()).0
    }

    /// Plain load of some bits: whether any of them is set.
    pub fn test(&self, cpu: &Cpu, mask: u64) -> bool {
        self.run(cpu, "test_bit", Rmw::Load(mask), Order::Relaxed) & mask != 0
    }

    /// `smp_load_acquire` of some bits: whether any of them is set.
    pub fn test_acquire(&self, cpu: &Cpu, mask: u64) -> bool {
        self.run(cpu, "smp_load_acquire", Rmw::Load(mask), Order::Acquire) & mask != 0
    }

    /// Plain load of some bits, with a ghost step.
    pub fn read_and<R>(
        &self,
        cpu: &Cpu,
        mask: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (u64, R) {
        let ghost = |g: &mut G, access: &mut Access, _| ghost(g, access);
        let (bits, result) = self.operate(cpu, "test_bit", Rmw::Load(mask), Order::Relaxed, ghost);
        (bits & mask, result)
    }

    /// Plain load of the whole word.
    pub fn load(&self, cpu: &Cpu) -> u64 {
        self.run(cpu, "load", Rmw::Load(ALL), Order::Relaxed)
    }

    /// `smp_load_acquire` of the whole word.
    pub fn load_acquire(&self, cpu: &Cpu) -> u64 {
        self.run(cpu, "smp_load_acquire", Rmw::Load(ALL), Order::Acquire)
    }

    /// Store of the whole word.
    pub fn store(&self, cpu: &Cpu, value: u64) {
        self.run(cpu, "store", Rmw::Store(value), Order::Relaxed);
    }

    /// `smp_store_release` of the whole word.
    pub fn store_release(&self, cpu: &Cpu, value: u64) {
        self.run(cpu, "smp_store_release", Rmw::Store(value), Order::Release);
    }

    /// Store of the whole word, with a ghost step.
    pub fn store_and<R>(
        &self,
        cpu: &Cpu,
        value: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> R {
        let ghost = |g: &mut G, access: &mut Access, _| ghost(g, access);
        self.operate(cpu, "store", Rmw::Store(value), Order::Relaxed, ghost)
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
        let ghost = |g: &mut G, access: &mut Access, _| ghost(g, access);
        let (bits, result) = self.operate(cpu, "store", Rmw::Swap(value), Order::Relaxed, ghost);
        (bits != expected, result)
    }

    /// RMW without a result, relaxed: sets bits.
    pub fn set(&self, cpu: &Cpu, mask: u64) {
        self.run(cpu, "set_bit", Rmw::Set(mask), Order::Relaxed);
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
        debug_assert!(mask.is_power_of_two(), "one bit at a time");
        let ghost = |g: &mut G, access: &mut Access, _| ghost(g, access);
        let rmw = Rmw::SetUnless(mask, unless);
        let (bits, result) = self.operate(cpu, "set_bit", rmw, Order::Relaxed, ghost);
        (bits & unless != 0, result)
    }

    /// RMW without a result, relaxed: clears bits.
    pub fn clear(&self, cpu: &Cpu, mask: u64) {
        self.run(cpu, "clear_bit", Rmw::Clear(mask), Order::Relaxed);
    }

    /// The same with RELEASE, as a store that lets go of something.
    pub fn clear_release(&self, cpu: &Cpu, mask: u64) {
        self.run(cpu, "smp_store_release", Rmw::Clear(mask), Order::Release);
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
        debug_assert!(mask.is_power_of_two(), "one bit at a time");
        let ghost = |g: &mut G, access: &mut Access, _| ghost(g, access);
        let rmw = Rmw::ClearUnless(mask, unless);
        let (bits, result) = self.operate(cpu, "clear_bit", rmw, Order::Relaxed, ghost);
        (bits & unless != 0, result)
    }

    /// RMW, fully ordered whether or not the bit changes: sets one bit and
    /// returns whether it was set before. If it was, this has only read.
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
        self.test_and(cpu, "test_and_set_bit", Rmw::TestAndSet(mask), mask, ghost)
    }

    /// RMW, fully ordered whether or not the bit changes: clears one bit and
    /// returns whether it was set before. If it was not, this has only read.
    pub fn test_and_clear(&self, cpu: &Cpu, mask: u64) -> bool {
        self.test_and_clear_and(cpu, mask, |_, _| ()).0
    }

    /// [`Word::test_and_clear`] with a ghost step, whether or not the bit changes.
    pub fn test_and_clear_and<R>(
        &self,
        cpu: &Cpu,
        mask: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (bool, R) {
        let ghost = |g: &mut G, a: &mut Access, _| ghost(g, a);
        self.test_and(
            cpu,
            "test_and_clear_bit",
            Rmw::TestAndClear(mask),
            mask,
            ghost,
        )
    }

    fn test_and<R>(
        &self,
        cpu: &Cpu,
        operation: &'static str,
        rmw: Rmw,
        mask: u64,
        ghost: impl FnOnce(&mut G, &mut Access, bool) -> R,
    ) -> (bool, R) {
        debug_assert!(mask.is_power_of_two(), "one bit at a time");
        let ghost = |g: &mut G, access: &mut Access, bits| ghost(g, access, bits & mask != 0);
        let (bits, result) = self.operate(cpu, operation, rmw, Order::Full, ghost);
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
        self.unlock_and(cpu, "clear_bit_unlock_is_negative_byte", clear, test, ghost)
    }

    /// One RMW, RELEASE: clears a bit that is set and returns another. What the
    /// kernel's exclusive-or does to a bit that is clear, setting it, is left
    /// to the ghost step to notice.
    pub fn xor_unlock_is_negative_byte_and<R>(
        &self,
        cpu: &Cpu,
        clear: u64,
        test: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (bool, R) {
        self.unlock_and(cpu, "xor_unlock_is_negative_byte", clear, test, ghost)
    }

    /// One RMW, RELEASE: clears some bits, with a ghost step.
    pub fn clear_unlock_and<R>(
        &self,
        cpu: &Cpu,
        clear: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> R {
        self.unlock_and(cpu, "clear_bit_unlock", clear, 0, ghost).1
    }

    fn unlock_and<R>(
        &self,
        cpu: &Cpu,
        operation: &'static str,
        clear: u64,
        test: u64,
        ghost: impl FnOnce(&mut G, &mut Access) -> R,
    ) -> (bool, R) {
        let ghost = |g: &mut G, access: &mut Access, _| ghost(g, access);
        let rmw = Rmw::ClearAndTest(clear, test);
        let (bits, result) = self.operate(cpu, operation, rmw, Order::Release, ghost);
        (bits & test != 0, result)
    }

    /// A compare-and-exchange loop, fully ordered if it is done: clears one bit
    /// unless one of those in `unless` is set. Returns all of these as they
    /// were, which the ghost step is told, too.
    pub fn cmpxchg_clear_unless_and<R>(
        &self,
        cpu: &Cpu,
        mask: u64,
        unless: u64,
        ghost: impl FnOnce(&mut G, &mut Access, u64) -> R,
    ) -> (u64, R) {
        debug_assert!(mask.is_power_of_two(), "one bit at a time");
        let ghost = |g: &mut G, access: &mut Access, bits| ghost(g, access, bits);
        let rmw = Rmw::ClearUnless(mask, unless);
        let (bits, result) = self.operate(cpu, "try_cmpxchg", rmw, Order::Full, ghost);
        (bits & (mask | unless), result)
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
    /// Of the two bits in `gives_up` the first, if set, is cleared by the
    /// second.
    ///
    /// Unless that happens, the look does not conflict with a wake-up
    /// ([`Task::schedule`](super::Task::schedule)): the wake-up that came
    /// before it is `woken_by`.
    pub(super) fn sleep(
        &self,
        cpu: &Cpu,
        mask: u64,
        gives_up: (u64, u64),
        wants_to: impl FnOnce(u64) -> bool,
        woken_by: impl FnOnce() -> Option<usize>,
        wait: Wait,
    ) -> bool {
        let (clears, given) = gives_up;
        let look = Rmw::Look {
            mask,
            clears,
            given,
        };
        let fall_asleep = |(): &mut (), access: &mut Access, bits: u64| {
            access.sleeps = wants_to(bits & mask);
            if bits & given == 0 {
                access.footprint = Footprint::reading(given);
                access.woken_by = woken_by();
            }
            if access.sleeps {
                cpu.prepare_to_wait(wait);
            }
            access.sleeps
        };
        self.operate(cpu, "schedule", look, Order::Full, fall_asleep)
            .1
    }

    /// Sets some bits and clears others: a store to a task's state.
    pub(super) fn replace(&self, cpu: &Cpu, operation: &'static str, set: u64, clear: u64) {
        self.run(cpu, operation, Rmw::Replace(set, clear), Order::Relaxed);
    }

    /// If one of the bits in `mask` is set, clears them all and lets `thread`
    /// go on if it really sleeps. Returns whether a bit was set.
    pub(super) fn wake(&self, cpu: &Cpu, mask: u64, thread: ThreadId) -> bool {
        let wake = |(): &mut (), access: &mut Access, bits: u64| {
            let woken = bits & mask != 0
                && cpu
                    .run
                    .unblock(thread, |wait| matches!(wait, Wait::Asleep(_)));
            access.wakes = woken.then_some(thread);
        };
        let (bits, ()) = self.operate(
            cpu,
            "wake_up_state",
            Rmw::ClearIfAny(mask),
            Order::Full,
            wake,
        );
        bits & mask != 0
    }

    /// A word that a running thread makes, such as a wait entry on its stack.
    pub fn made_by(cpu: &Cpu, field: &'static str, owner: u16, bits: u64) -> Self {
        Word::with(Object::made_by(cpu, field, owner), bits, ())
    }
}
