//! What can go wrong, as data.
//!
//! A violation is never a panic: a model thread that runs into a fatal one
//! returns [`Halt`] and travels home by `?`, the others run on.

use std::fmt;

use crate::sync::ThreadId;

/// How bad a [`Kind`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The kernel dies, hangs or corrupts; it ends the thread it happens in.
    Fatal,
    /// Memory is touched that nobody vouches for; execution goes on.
    Hazard,
    /// Worth knowing, harmless where it is absorbed; a kernel still holds.
    Event,
}

impl Class {
    /// The name used in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Class::Fatal => "fatal",
            Class::Hazard => "hazard",
            Class::Event => "event",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $class:ident, $sentence:literal, $outcome:literal;)*) => {
        /// The kinds of violation that a run can show.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind, in the order of reports.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant,)*];

            /// The name used in scenario files, tables and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }

            /// How bad it is.
            pub const fn class(self) -> Class {
                match self { $(Kind::$variant => Class::$class,)* }
            }

            /// One sentence for people: what has happened.
            pub const fn sentence(self) -> &'static str {
                match self { $(Kind::$variant => $sentence,)* }
            }

            /// One sentence for people: what comes of it in a kernel.
            pub const fn outcome(self) -> &'static str {
                match self { $(Kind::$variant => $outcome,)* }
            }
        }
    };
}

kinds! {
    /// `BUG_ON(PageWriteback)` of whoever is about to write a page, and has
    /// seen to it that an earlier writeback is over.
    BugOnWriteback = "bug-on-writeback", Fatal,
        "BUG_ON(PageWriteback): the page that is about to be written is under writeback",
        "In a kernel this BUG ends the task, which holds the page lock.";
    /// `VM_BUG_ON_PGFLAGS`: PG_waiters used on a tail page.
    BugOnTail = "bug-on-tail", Fatal,
        "VM_BUG_ON_PGFLAGS(PageTail): PG_waiters was used on what is now a tail page",
        "Only a kernel with CONFIG_DEBUG_VM_PGFLAGS has this BUG; any other uses the flags of what is now part of another page.";
    /// `end_page_writeback` on a page that is not under writeback.
    EndNotUnderWriteback = "end-not-under-writeback", Fatal,
        "BUG in end_page_writeback(): the page was not under writeback",
        "In a kernel this BUG hits whoever completes the I/O; in an interrupt that is a panic.";
    /// A page freed or allocated with flags or references it must not have.
    BadPage = "bad-page", Fatal,
        "bad_page: the page was freed or allocated with flags or references it must not have",
        "A kernel complains (bad_page) and takes the page out of use.";
    /// Every live task sleeps and nobody is left to wake them.
    LostWakeup = "lost-wakeup", Fatal,
        "lost wake-up: every live task sleeps and nobody is left to wake them",
        "The task sleeps until something else happens to wake it, if anything ever does.";
    /// A reference was dropped that was not held.
    ReferenceUnderflow = "reference-underflow", Fatal,
        "the reference count went below zero",
        "Somebody still uses a page that others can get by then.";
    /// At the end a page has more or fewer references than it has holders.
    ReferenceLeak = "reference-leak", Fatal,
        "at the end the page has not as many references as it has holders",
        "The page is never freed, or it is while somebody uses it.";
    /// Two owners of PG_locked.
    LockNotExclusive = "lock-not-exclusive", Fatal,
        "the page lock was taken or released by a task while another one owned it",
        "Two tasks change the page, each as if it were alone.";
    /// A page was freed while a device was still writing from it.
    IoOnFreedPage = "io-on-freed-page", Fatal,
        "the page was freed while its I/O was still in flight",
        "The device goes on with memory that may be somebody else's by then.";
    /// A non-atomic flags write wiped a concurrent atomic one.
    LostFlagUpdate = "lost-flag-update", Fatal,
        "a non-atomic write of the flags word wiped a concurrent atomic update",
        "What comes of it depends on the flag: a lock without an owner, a waiter whom nobody wakes.";
    /// A walk over a wait queue that need never end.
    Livelock = "livelock", Fatal,
        "live-lock: a walk over a wait queue has met a waiter again that it had woken, and can go on like that",
        "In a kernel this is a soft lockup, for as long as it goes on.";
    /// A struct page was read without a reference after its use ended.
    ForeignRead = "foreign-read", Hazard,
        "a struct page was read without a reference after that use of the page had ended",
        "Nothing fails here yet, but nobody vouches for what was read.";
    /// A struct page was written without a reference after its use ended.
    ForeignWrite = "foreign-write", Hazard,
        "a struct page was written without a reference after that use of the page had ended",
        "Nothing fails here yet, but it may be somebody else's page that was changed.";
    /// A waiter was woken for an earlier use or an earlier writeback.
    StaleWakeup = "stale-wakeup", Event,
        "a waiter was woken on behalf of an earlier use or an earlier writeback of the page",
        "It is harmless where the waiter looks at the bit again.";
}

impl Kind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether a kernel in which this can happen still "holds".
    pub const fn is_harmless(self) -> bool {
        matches!(self.class(), Class::Event)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One violation in one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What happened.
    pub kind: Kind,
    /// The thread it happened in.
    pub thread: ThreadId,
    /// What it happened to, for people: a page, or who waits for what.
    pub about: String,
}

/// Why a model thread ends before its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// A fatal violation, as an oops ends its task.
    #[error("{}", .0.sentence())]
    Oops(Kind),
    /// The run is over for a thread that could never go on: it waits for a
    /// wake-up, a lock or an I/O that will not come.
    #[error("released: nothing can wake this thread any more")]
    Released,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who looks at the bit again absorbs it; whatever else can happen counts
    /// against the kernel.
    #[test]
    fn only_a_stale_wakeup_is_harmless() {
        for kind in Kind::ALL {
            assert_eq!(kind.is_harmless(), *kind == Kind::StaleWakeup, "{kind}");
        }
    }
}
