//! Which kernel release has which mechanisms.

use std::fmt;

use crate::mechanism::{
    EndRef, Kernel, LockHandoff, ReferenceDrop, WaitOnWriteback, WaitShared, WaitersTestOrder,
    WakeSharedIfSet, WokenPublish,
};

/// A named set of mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version that names the row, such as `v5.9`.
    pub name: &'static str,
    /// The commit that made the difference to the row before it.
    pub commit: &'static str,
    /// What changed, in one line.
    pub summary: &'static str,
    /// The mechanisms.
    pub kernel: Kernel,
}

const V5_8: Kernel = Kernel {
    end_ref: EndRef::None,
    wake_shared_if_set: WakeSharedIfSet::Stop,
    wait_shared: WaitShared::Retest,
    wait_on_writeback: WaitOnWriteback::If,
    lock_handoff: LockHandoff::Never,
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

impl Release {
    /// Every release row, oldest first.
    pub const ALL: &'static [Release] = &[
        Release {
            name: "v5.8",
            commit: "-",
            summary: "old wait logic: the waker stops if the bit is set again, the waiter tests it again",
            kernel: V5_8,
        },
        Release {
            name: "v5.9-rc1",
            commit: "2a9127fcf229",
            summary: "being woken is enough; the page lock is always handed over",
            kernel: V5_9_RC1,
        },
        Release {
            name: "v5.9",
            commit: "5ef64cc8987a",
            summary: "the page lock may be stolen, and is handed over after a budget",
            kernel: V5_9,
        },
        Release {
            name: "v5.10",
            commit: "073861ed77",
            summary: "end_page_writeback holds a page reference",
            kernel: V5_10,
        },
        Release {
            name: "v5.10.7",
            commit: "c2407cf7d22d",
            summary: "wait_on_page_writeback waits until the bit is clear",
            kernel: V5_10_7,
        },
    ];

    /// The release of that name, with or without the leading `v`.
    ///
    /// # Errors
    /// When the name is not that of a row.
    pub fn resolve(name: &str) -> Result<&'static Release, UnknownRelease> {
        let bare = name.strip_prefix('v').unwrap_or(name);
        Release::ALL
            .iter()
            .find(|release| release.name[1..] == *bare)
            .ok_or_else(|| UnknownRelease {
                name: name.to_owned(),
            })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// A kernel version that no row of the table covers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no kernel `{name}`")]
pub struct UnknownRelease {
    /// The name as typed.
    pub name: String,
}
