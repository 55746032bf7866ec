//! The points at which kernels differ.
//!
//! A [`Kernel`] picks one alternative of every mechanism. Each mechanism is
//! defined alone, so that any combination means something; the few that
//! contradict each other say so ([`Kernel::conflict`]). The first alternative
//! is always v5.8's, except for two that v5.8 has no use for.

use std::fmt;

/// One alternative of a mechanism, for listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The name used on the command line and in JSON.
    pub name: &'static str,
    /// The commit or mail it comes from.
    pub source: &'static str,
    /// What it does.
    pub summary: &'static str,
}

/// A point at which kernels differ, for listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanism {
    /// The name used on the command line and in JSON.
    pub name: &'static str,
    /// What is decided here.
    pub summary: &'static str,
    /// The alternatives; the first is v5.8's.
    pub alternatives: &'static [Alternative],
}

/// A mechanism or an alternative that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownMechanism {
    /// No mechanism has this name.
    #[error("there is no mechanism `{name}`")]
    Mechanism {
        /// The name as typed.
        name: String,
    },
    /// The mechanism has no alternative of this name.
    #[error("mechanism `{mechanism}` has no alternative `{name}`")]
    Alternative {
        /// The mechanism.
        mechanism: &'static str,
        /// The name as typed.
        name: String,
    },
}

macro_rules! mechanisms {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ident = $name:literal {
            $($(#[doc = $variant_doc:literal])+ $variant:ident = $alternative:literal ($source:literal),)+
        }
    )*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $type {
                $($(#[doc = $variant_doc])+ $variant,)+
            }
        )*

        /// One alternative of every mechanism.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct Kernel {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl Kernel {
            /// Every mechanism, in the order of listings.
            pub const MECHANISMS: &'static [Mechanism] = &[$(Mechanism {
                name: $name,
                summary: concat!($($doc),+),
                alternatives: &[$(Alternative {
                    name: $alternative,
                    source: $source,
                    summary: concat!($($variant_doc),+),
                },)+],
            },)*];

            /// The name of the alternative chosen for each mechanism.
            pub fn choices(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
                [$((
                    $name,
                    match self.$field { $($type::$variant => $alternative,)+ },
                ),)*].into_iter()
            }

            /// Chooses an alternative by name.
            ///
            /// # Errors
            /// When the mechanism or the alternative does not exist.
            pub fn set(&mut self, mechanism: &str, alternative: &str) -> Result<(), UnknownMechanism> {
                match mechanism {
                    $($name => self.$field = match alternative {
                        $($alternative => $type::$variant,)+
                        other => return Err(UnknownMechanism::Alternative {
                            mechanism: $name,
                            name: other.to_owned(),
                        }),
                    },)*
                    other => return Err(UnknownMechanism::Mechanism { name: other.to_owned() }),
                }
                Ok(())
            }
        }
    };
}

mechanisms! {
    /// Who holds a page reference while `end_page_writeback` runs.
    end_ref: EndRef = "end-ref" {
        /// Nobody: after the clear the page may be freed and reused.
        None = "none" ("v5.8"),
        /// `end_page_writeback` takes one before the clear, while the page cache still pins
        /// the page, and drops it after the wake-up.
        GetPage = "get-page" ("073861ed77"),
        /// It takes one only if PG_waiters is seen set after the clear, before the i_pages lock
        /// is released and so before the page can be freed; without waiters it costs nothing.
        IfWaiters = "if-waiters" ("Hugh Dickins, 2020-11-23"),
        /// `set_page_writeback` takes it and the wake-up's end drops it, so that I/O pins its
        /// page; refused because much code compares the count with an expected one.
        HeldByWriteback = "held-by-writeback" ("Linus Torvalds, 2020-11-23"),
    }

    /// How `end_page_writeback` learns that PG_waiters is set.
    end_waiters_test: EndWaitersTest = "end-waiters-test" {
        /// By a load of its own, some time after the clear.
        Load = "load" ("v5.8"),
        /// From the operation that clears PG_writeback: whoever queues later is not seen, unless
        /// the flag was set anyway.
        SameRmw = "same-rmw" ("2580d554585c"),
    }

    /// Under which lock `end_page_writeback` wakes.
    end_wake_under_lock: EndWakeUnderLock = "end-wake-under-lock" {
        /// None but the queue's: the i_pages lock is released after the clear.
        No = "no" ("v5.8"),
        /// The i_pages lock of the clear is kept until the wake-up is over, so that nobody can
        /// take the page out of its file or set PG_writeback; a mapping without writeback tags
        /// has no such section.
        IPages = "i-pages" ("Hugh Dickins, 2021-01-04"),
    }

    /// What using PG_waiters of a tail page means to a kernel with CONFIG_DEBUG_VM_PGFLAGS.
    tail_check: TailCheck = "tail-check" {
        /// A BUG: PF_ONLY_HEAD.
        OnlyHead = "only-head" ("v5.8"),
        /// Nothing, PF_ANY: it hides the first crash and none of its cause.
        Skip = "skip" ("Matthew Wilcox, 2020-08-27"),
    }

    /// Whether `wake_page_function` looks at the bit before it wakes a non-exclusive waiter.
    wake_shared_if_set: WakeSharedIfSet = "wake-shared-if-set" {
        /// The bit is set again: stop the walk, wake nobody.
        Stop = "stop" ("v5.8"),
        /// The bit is not examined.
        Wake = "wake" ("2a9127fcf229"),
    }

    /// The wait loop of SHARED and DROP waiters.
    wait_shared: WaitShared = "wait-shared" {
        /// The waiter tests the bit itself after every wake-up, and queues again while it is set.
        Retest = "retest" ("v5.8"),
        /// Being woken is enough: the bit is not looked at again.
        Once = "once" ("2a9127fcf229"),
    }

    /// Whether `wait_on_page_writeback` looks again after its wait.
    wait_on_writeback: WaitOnWriteback = "wait-on-writeback" {
        /// One wait.
        If = "if" ("v5.8"),
        /// Wait until the bit is seen clear.
        While = "while" ("c2407cf7d22d"),
    }

    /// Whether `write_cache_pages` looks again after its wait.
    write_cache_pages_wait: WriteCachePagesWait = "write-cache-pages-wait" {
        /// One call of `wait_on_page_writeback`, then the BUG_ON.
        Once = "once" ("v5.8"),
        /// Calls until the bit is seen clear; withdrawn, since truncate and all other callers
        /// of `wait_on_page_writeback` stay exposed.
        While = "while" ("Matthew Wilcox, 2020-11-24"),
    }

    /// The wait loop of EXCLUSIVE waiters: does the waker hand the lock over?
    lock_handoff: LockHandoff = "lock-handoff" {
        /// Never: a woken waiter tries, and queues again at the tail.
        Never = "never" ("v5.8"),
        /// Always: the waker takes the bit for the waiter.
        Always = "always" ("2a9127fcf229"),
        /// After `page_lock_unfairness` fruitless wake-ups, a parameter of the machine.
        AfterBudget = "after-budget" ("5ef64cc8987a"),
    }

    /// Whether a long walk over a wait queue lets go of the queue's lock.
    bookmark: Bookmark = "bookmark" {
        /// After more than n entries, a parameter of the machine and 64 in the kernel: the walk
        /// leaves a bookmark and goes on behind it, so that the lock is not held for long.
        EveryN = "every-n" ("11a19c7b099f, v4.14"),
        /// One walk, one critical section: it cannot meet a waiter again that it has woken.
        None = "none" ("b0b598ee08f9"),
    }

    /// Where PG_writeback is cleared.
    clear_in_wake: ClearInWake = "clear-in-wake" {
        /// Before the wake-up, which begins later.
        No = "no" ("v5.8"),
        /// In the wake-up: by a compare-and-exchange if PG_waiters is clear, else at the end of
        /// the walk, under the queue's lock; nothing touches the page after that.
        Yes = "yes" ("Linus Torvalds, 2020-11-25"),
    }

    /// How PG_writeback is set.
    set_writeback: SetWriteback = "set-writeback" {
        /// Unseen: who sets it must have waited for its end before.
        Set = "set" ("v5.8"),
        /// Like a lock: who finds it set waits exclusively until it has set it itself, so there
        /// is no gap between a wait and a BUG_ON.
        WaitToSet = "wait-to-set" ("Linus Torvalds, 2021-01-05"),
    }

    /// How WQ_FLAG_WOKEN is published; makes a difference only in weak memory, and here more
    /// than in a kernel: its finish_wait, which is left out, may order what this does not.
    woken_publish: WokenPublish = "woken-publish" {
        /// Store-release by the waker, load-acquire by the waiter.
        Release = "release" ("5ef64cc8987a"),
        /// Plain on both sides.
        Relaxed = "relaxed" ("2a9127fcf229"),
    }

    /// When `end_page_writeback` tests PG_waiters.
    waiters_test_order: WaitersTestOrder = "waiters-test-order" {
        /// After PG_writeback has been cleared.
        AfterClear = "after-clear" ("v5.8"),
        /// Before it is cleared: a negative control, it loses wake-ups.
        BeforeClear = "before-clear" ("negative control"),
    }

    /// When the reference of `end-ref` is dropped; without one there is nothing to drop.
    reference_drop: ReferenceDrop = "reference-drop" {
        /// After the wake-up.
        AfterWake = "after-wake" ("073861ed77"),
        /// Before it: a negative control, it undoes the fix.
        BeforeWake = "before-wake" ("negative control"),
    }
}

impl Kernel {
    /// The mechanism of that name.
    pub fn mechanism(name: &str) -> Option<&'static Mechanism> {
        Kernel::MECHANISMS
            .iter()
            .find(|mechanism| mechanism.name == name)
    }
}

/// The kernel as `mechanism=alternative` pairs, for logs.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (mechanism, alternative)) in self.choices().enumerate() {
            write!(
                f,
                "{}{mechanism}={alternative}",
                if i == 0 { "" } else { " " }
            )?;
        }
        Ok(())
    }
}
