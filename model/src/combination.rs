//! Which combinations of mechanisms contradict themselves, and which are the
//! same kernel under two descriptions.

use crate::mechanism::{
    ClearInWake, EndRef, EndWaitersTest, Kernel, LockHandoff, ReferenceDrop, SetWriteback,
    WaitShared, WaitersTestOrder, WokenPublish, WriteCachePagesWait,
};

/// A mechanism and one of its alternatives, by their names.
type Named = (&'static str, &'static str);

/// Two alternatives that no kernel can have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}={}` and `{}={}` exclude each other: {reason}", .first.0, .first.1, .second.0, .second.1)]
pub struct Conflict {
    /// One.
    pub first: Named,
    /// The other.
    pub second: Named,
    /// Why not both.
    pub reason: &'static str,
}

impl Kernel {
    /// Why this kernel cannot be, if it cannot.
    pub fn conflict(&self) -> Option<Conflict> {
        let early = (
            self.waiters_test_order == WaitersTestOrder::BeforeClear,
            ("waiters-test-order", "before-clear"),
        );
        let clear_in_wake = (
            self.clear_in_wake == ClearInWake::Yes,
            ("clear-in-wake", "yes"),
        );
        let same_rmw = (
            self.end_waiters_test == EndWaitersTest::SameRmw,
            ("end-waiters-test", "same-rmw"),
        );
        let if_waiters = (self.end_ref == EndRef::IfWaiters, ("end-ref", "if-waiters"));
        let wait_to_set = (
            self.set_writeback == SetWriteback::WaitToSet,
            ("set-writeback", "wait-to-set"),
        );
        let conflicts = [
            (early, same_rmw, "the clear itself returns PG_waiters"),
            (
                early,
                clear_in_wake,
                "the clear itself depends on PG_waiters",
            ),
            (
                early,
                if_waiters,
                "the reference depends on PG_waiters as it is after the clear",
            ),
            (
                clear_in_wake,
                wait_to_set,
                "the waker does not know whether it has handed the bit over, and so not whether to clear it",
            ),
        ];
        conflicts
            .into_iter()
            .find(|(first, second, _)| first.0 && second.0)
            .map(|(first, second, reason)| Conflict {
                first: first.1,
                second: second.1,
                reason,
            })
    }

    /// The same kernel with its mechanism's first alternative wherever the
    /// choice has no effect. Kernels with one canonical form take the same
    /// steps in every program.
    #[must_use]
    pub fn canonical(mut self) -> Kernel {
        // Without a reference there is none to drop early.
        if self.end_ref == EndRef::None {
            self.reference_drop = ReferenceDrop::AfterWake;
        }
        // The compare-and-exchange has seen PG_waiters.
        if self.clear_in_wake == ClearInWake::Yes {
            self.end_waiters_test = EndWaitersTest::Load;
        }
        // Nobody waits before setting the bit.
        if self.set_writeback == SetWriteback::WaitToSet {
            self.write_cache_pages_wait = WriteCachePagesWait::Once;
        }
        // The old wait loops have no WQ_FLAG_WOKEN.
        if self.wait_shared == WaitShared::Retest && self.lock_handoff == LockHandoff::Never {
            self.woken_publish = WokenPublish::Release;
        }
        self
    }
}
