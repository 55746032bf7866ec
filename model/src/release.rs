//! Which kernel release has which mechanisms.

mod commit;
mod resolve;
mod version;

use std::fmt;

use crate::mechanism::{
    Bookmark, ClearInWake, EndRef, EndWaitersTest, EndWakeUnderLock, Kernel, LockHandoff,
    ReferenceDrop, SetWriteback, TailCheck, WaitOnWriteback, WaitShared, WaitersTestOrder,
    WakeSharedIfSet, WokenPublish, WriteCachePagesWait,
};

pub use commit::{BadCommits, Commit};
pub use resolve::Resolved;
pub use version::{NotAVersion, Stage, Version};

/// A named set of mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version that names the row, such as `v5.9`.
    pub name: &'static str,
    /// The commit that made the difference to the row before it.
    pub commit: &'static str,
    /// What changed, in one line.
    pub summary: &'static str,
    /// The versions that it stands for.
    pub covers: &'static str,
    /// Those of [`Commit::ALL`] that it has.
    pub commits: &'static [&'static str],
    /// What else to know about it.
    pub note: Option<&'static str>,
    /// The mechanisms.
    pub kernel: Kernel,
}

const V5_8: Kernel = Kernel {
    end_ref: EndRef::None,
    end_waiters_test: EndWaitersTest::Load,
    end_wake_under_lock: EndWakeUnderLock::No,
    tail_check: TailCheck::OnlyHead,
    wake_shared_if_set: WakeSharedIfSet::Stop,
    wait_shared: WaitShared::Retest,
    wait_on_writeback: WaitOnWriteback::If,
    write_cache_pages_wait: WriteCachePagesWait::Once,
    lock_handoff: LockHandoff::Never,
    bookmark: Bookmark::EveryN,
    clear_in_wake: ClearInWake::No,
    set_writeback: SetWriteback::Set,
    woken_publish: WokenPublish::Release,
    waiters_test_order: WaitersTestOrder::AfterClear,
    reference_drop: ReferenceDrop::AfterWake,
};

const V5_9_RC1: Kernel = Kernel {
    wake_shared_if_set: WakeSharedIfSet::Wake,
    wait_shared: WaitShared::Once,
    lock_handoff: LockHandoff::Always,
    woken_publish: WokenPublish::Relaxed,
    ..V5_8
};

const V5_9: Kernel = Kernel {
    lock_handoff: LockHandoff::AfterBudget,
    woken_publish: WokenPublish::Release,
    ..V5_9_RC1
};

const V5_10: Kernel = Kernel {
    end_ref: EndRef::GetPage,
    ..V5_9
};

const V5_10_7: Kernel = Kernel {
    wait_on_writeback: WaitOnWriteback::While,
    ..V5_10
};

const V6_7: Kernel = Kernel {
    end_waiters_test: EndWaitersTest::SameRmw,
    bookmark: Bookmark::None,
    ..V5_10_7
};

const V5_4_249: Kernel = Kernel {
    end_ref: EndRef::GetPage,
    wait_on_writeback: WaitOnWriteback::While,
    ..V5_9_RC1
};

impl Release {
    /// The row without any of the commits.
    pub const OLDEST: &'static Release = &Release::ALL[0];

    /// Every release row, oldest first; then those of stable trees that took
    /// the commits in another order.
    pub const ALL: &'static [Release] = &[
        Release {
            name: "v5.8",
            commit: "-",
            summary: "old wait logic: the waker stops if the bit is set again, the waiter tests it again",
            covers: "v4.14 to v5.8, 5.8.y; 5.4.0 to 5.4.248",
            commits: &[],
            note: None,
            kernel: V5_8,
        },
        Release {
            name: "v5.9-rc1",
            commit: "2a9127fcf229",
            summary: "being woken is enough; the page lock is always handed over",
            covers: "v5.9-rc1 to rc5",
            commits: &["2a9127fcf229"],
            note: None,
            kernel: V5_9_RC1,
        },
        Release {
            name: "v5.9",
            commit: "5ef64cc8987a",
            summary: "the page lock may be stolen, and is handed over after a budget",
            covers: "v5.9-rc6 to 5.9.11; v5.10-rc1 to rc5",
            commits: &["2a9127fcf229", "5ef64cc8987a"],
            note: None,
            kernel: V5_9,
        },
        Release {
            name: "v5.10",
            commit: "073861ed77",
            summary: "end_page_writeback holds a page reference",
            covers: "5.9.12 to 5.9.16; v5.10-rc6 to 5.10.6; v5.11-rc1 and rc2",
            commits: &["2a9127fcf229", "5ef64cc8987a", "073861ed77"],
            note: None,
            kernel: V5_10,
        },
        Release {
            name: "v5.10.7",
            commit: "c2407cf7d22d",
            summary: "wait_on_page_writeback waits until the bit is clear",
            covers: "5.10.7 and later 5.10.y; v5.11-rc3 to v5.15 and their stable trees",
            commits: &["2a9127fcf229", "5ef64cc8987a", "073861ed77", "c2407cf7d22d"],
            note: None,
            kernel: V5_10_7,
        },
        Release {
            name: "v5.16",
            commit: "4268b48077e5",
            summary: "the functions are called folio_*, and do the same",
            covers: "v5.16 to v6.6 and their stable trees",
            commits: &["2a9127fcf229", "5ef64cc8987a", "073861ed77", "c2407cf7d22d"],
            note: None,
            kernel: V5_10_7,
        },
        Release {
            name: "v6.7",
            commit: "2580d554585c",
            summary: "the clear of PG_writeback also says whether there are waiters; no bookmarks",
            covers: "v6.7 to v6.13 and their stable trees",
            commits: &[
                "2a9127fcf229",
                "5ef64cc8987a",
                "073861ed77",
                "c2407cf7d22d",
                "b0b598ee08f9",
                "37acade0ce89",
                "2580d554585c",
            ],
            note: None,
            kernel: V6_7,
        },
        Release {
            name: "v6.14",
            commit: "dropbehind",
            summary: "folio_end_writeback may drop the folio from the page cache afterwards",
            covers: "v6.14 and later",
            commits: &[
                "2a9127fcf229",
                "5ef64cc8987a",
                "073861ed77",
                "c2407cf7d22d",
                "b0b598ee08f9",
                "37acade0ce89",
                "2580d554585c",
            ],
            note: Some(
                "end_page_writeback stands for the outer folio_end_writeback, which holds the \
                 reference; who calls folio_end_writeback_no_dropbehind itself must hold one of \
                 its own (which release brought the split is from memory), and the drop of the \
                 folio is not modelled",
            ),
            kernel: V6_7,
        },
        Release {
            name: "v5.4.249",
            commit: "backports",
            summary: "stable: the new wait logic and its fixes, but the page lock is always handed over",
            covers: "5.4.249 to 5.4.254",
            commits: &["2a9127fcf229", "073861ed77", "c2407cf7d22d"],
            note: None,
            kernel: V5_4_249,
        },
        Release {
            name: "v5.4.255",
            commit: "5ef64cc8987a",
            summary: "stable: the page lock may be stolen",
            covers: "5.4.255 and later 5.4.y",
            commits: &["2a9127fcf229", "073861ed77", "c2407cf7d22d", "5ef64cc8987a"],
            note: None,
            kernel: V5_10_7,
        },
    ];

    /// The row of that name.
    pub fn row(name: &str) -> Option<&'static Release> {
        Release::ALL.iter().find(|release| release.name == name)
    }

    /// The first row with the same mechanisms, if that is another one.
    pub fn same_as(&self) -> Option<&'static Release> {
        Release::with(&self.kernel).filter(|first| first.name != self.name)
    }

    /// The first row with these mechanisms.
    pub fn with(kernel: &Kernel) -> Option<&'static Release> {
        Release::ALL
            .iter()
            .find(|release| release.kernel == *kernel)
    }

    /// The row that a version belongs to.
    ///
    /// # Errors
    /// When it is no version, or none that the table covers.
    pub fn resolve(name: &str) -> Result<&'static Release, UnknownRelease> {
        Release::look_up(name).map(|resolved| resolved.release)
    }

    /// The row that a version belongs to, and how certain that is.
    ///
    /// # Errors
    /// When it is no version, or none that the table covers.
    pub fn look_up(name: &str) -> Result<Resolved, UnknownRelease> {
        resolve::resolve(name)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// A kernel version that no row of the table covers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no kernel `{name}`: {why}")]
pub struct UnknownRelease {
    /// The name as typed.
    pub name: String,
    /// Why not.
    pub why: Why,
}

/// Why a version is not covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It is no version.
    #[error("{0}")]
    NotAVersion(NotAVersion),
    /// There was none of that number.
    #[error("there was never such a release")]
    NeverReleased,
    /// Before v4.14.
    #[error("the table begins with v4.14, and older kernels wait differently")]
    TooOld,
}
