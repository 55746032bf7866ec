//! Which branches of the waking and the waiting were taken.
//!
//! A scenario that holds because nothing ever came to the interesting place
//! proves nothing. So the places are numbered, and who comes by leaves a mark.
//! Marks are no shared memory of the model: leaving one is no step.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! branches {
    ($($(#[doc = $what:literal])+ $branch:ident = $name:literal in $function:literal,)*) => {
        /// A branch of `wake_page_function` or `wait_on_page_bit_common`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Branch {
            $($(#[doc = $what])+ $branch,)*
        }

        impl Branch {
            /// Every branch, in the order of the code.
            pub const ALL: &'static [Branch] = &[$(Branch::$branch,)*];

            /// The name used in reports and in JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Branch::$branch => $name,)* }
            }

            /// The kernel function that it is a branch of.
            pub const fn function(self) -> &'static str {
                match self { $(Branch::$branch => $function,)* }
            }
        }
    };
}

branches! {
    /// The entry is of another page in the same bucket.
    OtherPage = "other-page" in "wake_page_function",
    /// The entry is of this page and of another bit.
    OtherBit = "other-bit" in "wake_page_function",
    /// A non-exclusive waiter, and the bit is set again: the walk stops.
    SharedStop = "shared-stop" in "wake_page_function",
    /// A non-exclusive waiter is woken and taken off the queue by the waker.
    SharedWoken = "shared-woken" in "wake_page_function",
    /// An exclusive waiter, and the bit is set again: the walk stops.
    ExclusiveStop = "exclusive-stop" in "wake_page_function",
    /// An exclusive waiter is woken to try for the bit itself.
    ExclusiveWoken = "exclusive-woken" in "wake_page_function",
    /// The bit is handed over to an exclusive waiter.
    HandedOver = "handed-over" in "wake_page_function",
    /// The bit was to be handed over, and was taken meanwhile.
    HandoverFailed = "handover-failed" in "wake_page_function",
    /// A waiter of v5.8 was asleep, or about to be, and is taken off the queue.
    AutoremoveWoken = "autoremove-woken" in "wake_page_function",
    /// A waiter of v5.8 was running already, and stays in the queue.
    AutoremoveRunning = "autoremove-running" in "wake_page_function",
    /// The bit was free at the last look before queueing.
    LastChance = "last-chance" in "wait_on_page_bit_common",
    /// The waiter queued.
    Queued = "queued" in "wait_on_page_bit_common",
    /// A waiter of v5.8 has got, or seen, what it wanted.
    Retested = "retested" in "wait_on_page_bit_common",
    /// A waiter of v5.8 has not, and goes round again.
    RetestFailed = "retest-failed" in "wait_on_page_bit_common",
    /// A waiter that was woken does not look again.
    Woken = "woken" in "wait_on_page_bit_common",
    /// An exclusive waiter was woken, and owns the bit.
    WokenAsOwner = "woken-as-owner" in "wait_on_page_bit_common",
    /// An exclusive waiter was woken, and took the bit itself.
    WokenAndTook = "woken-and-took" in "wait_on_page_bit_common",
    /// An exclusive waiter was woken, and another one was faster.
    WokenTooLate = "woken-too-late" in "wait_on_page_bit_common",
    /// A waiter without a reference returns without another look.
    Dropped = "dropped" in "wait_on_page_bit_common",
    /// A fatal signal ended the wait.
    Interrupted = "interrupted" in "wait_on_page_bit_common",
    /// A fatal signal came, but the wake-up, or the bit, was there before.
    SignalTooLate = "signal-too-late" in "wait_on_page_bit_common",
}

const _: () = assert!(Branch::ALL.len() <= 64, "a mark is a bit of a word");

impl Branch {
    /// The branch of that name.
    pub fn from_name(name: &str) -> Option<Branch> {
        Branch::ALL
            .iter()
            .copied()
            .find(|branch| branch.name() == name)
    }

    const fn mark(self) -> u64 {
        1 << self as u64
    }
}

/// The branches that the threads of an execution have taken.
#[derive(Debug, Default)]
pub struct Marks(AtomicU64);

impl Marks {
    /// Leaves a mark.
    pub fn leave(&self, branch: Branch) {
        self.0.fetch_or(branch.mark(), Ordering::Relaxed);
    }

    /// Adds the marks of another execution.
    pub fn add(&self, other: &Marks) {
        self.0
            .fetch_or(other.0.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// The branches with a mark.
    pub fn branches(&self) -> BTreeSet<Branch> {
        let marks = self.0.load(Ordering::Relaxed);
        let all = Branch::ALL.iter().copied();
        all.filter(|branch| marks & branch.mark() != 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_branch_has_a_mark_and_a_name_of_its_own() {
        for branch in Branch::ALL {
            let marks = Marks::default();
            marks.leave(*branch);
            assert_eq!(marks.branches(), BTreeSet::from([*branch]));
            assert_eq!(Branch::from_name(branch.name()), Some(*branch));
        }
    }
}
