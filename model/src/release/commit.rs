//! The commits that make the rows differ, one by one: what a backport can
//! pick from.

use crate::mechanism::{
    Bookmark, EndRef, EndWaitersTest, Kernel, LockHandoff, WaitOnWriteback, WaitShared,
    WakeSharedIfSet, WokenPublish,
};

use super::Release;

/// The shortest prefix of a hash that names a commit.
const SHORTEST_PREFIX: usize = 7;

/// A commit of Linus's tree.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    /// The beginning of its hash.
    pub hash: &'static str,
    /// The first version that has it.
    pub since: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What it builds on: without that it cannot be applied.
    pub needs: Option<&'static str>,
    /// What it does to a kernel.
    apply: fn(&mut Kernel),
}

/// Why a kernel cannot be built from commits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCommits {
    /// No commit that is known here.
    #[error("there is no commit `{prefix}` here")]
    Unknown {
        /// As typed.
        prefix: String,
    },
    /// Too short to name one.
    #[error("`{prefix}` is too short for a commit: at least {SHORTEST_PREFIX} digits")]
    TooShort {
        /// As typed.
        prefix: String,
    },
    /// One that it builds on is missing.
    #[error("{commit} builds on {needs}, which is not among the commits")]
    Needs {
        /// The commit.
        commit: &'static str,
        /// What it needs.
        needs: &'static str,
    },
}

impl Commit {
    /// Every commit, in the order in which they were merged.
    pub const ALL: &'static [Commit] = &[
        Commit {
            hash: "2a9127fcf229",
            since: "v5.9-rc1",
            summary: "being woken is enough; the page lock is always handed over",
            needs: None,
            apply: |kernel| {
                kernel.wake_shared_if_set = WakeSharedIfSet::Wake;
                kernel.wait_shared = WaitShared::Once;
                kernel.lock_handoff = LockHandoff::Always;
                kernel.woken_publish = WokenPublish::Relaxed;
            },
        },
        Commit {
            hash: "5ef64cc8987a",
            since: "v5.9-rc6",
            summary: "the page lock may be stolen, and is handed over after a budget",
            needs: Some("2a9127fcf229"),
            apply: |kernel| {
                kernel.lock_handoff = LockHandoff::AfterBudget;
                kernel.woken_publish = WokenPublish::Release;
            },
        },
        Commit {
            hash: "073861ed77",
            since: "v5.10-rc6",
            summary: "end_page_writeback holds a page reference",
            needs: None,
            apply: |kernel| kernel.end_ref = EndRef::GetPage,
        },
        Commit {
            hash: "c2407cf7d22d",
            since: "v5.11-rc3",
            summary: "wait_on_page_writeback waits until the bit is clear",
            needs: None,
            apply: |kernel| kernel.wait_on_writeback = WaitOnWriteback::While,
        },
        Commit {
            hash: "b0b598ee08f9",
            since: "v6.7-rc1",
            summary: "the walk over the waiters of a page leaves no bookmark",
            needs: None,
            apply: |kernel| kernel.bookmark = Bookmark::None,
        },
        Commit {
            hash: "37acade0ce89",
            since: "v6.7-rc1",
            summary: "wait queues have no bookmarks any more; changes nothing by itself",
            needs: Some("b0b598ee08f9"),
            apply: |_| {},
        },
        Commit {
            hash: "2580d554585c",
            since: "v6.7-rc1",
            summary: "the clear of PG_writeback also says whether there are waiters",
            needs: None,
            apply: |kernel| kernel.end_waiters_test = EndWaitersTest::SameRmw,
        },
    ];

    /// The commit that a prefix of its hash names; it may be longer than what
    /// is known of the hash here.
    ///
    /// # Errors
    /// When none is, or the prefix is too short to be trusted.
    pub fn find(prefix: &str) -> Result<&'static Commit, BadCommits> {
        let typed = prefix.to_ascii_lowercase();
        if typed.len() < SHORTEST_PREFIX {
            return Err(BadCommits::TooShort {
                prefix: prefix.to_owned(),
            });
        }
        Commit::ALL
            .iter()
            .find(|commit| commit.hash.starts_with(&typed) || typed.starts_with(commit.hash))
            .ok_or_else(|| BadCommits::Unknown {
                prefix: prefix.to_owned(),
            })
    }

    /// v5.8 with these commits, in whatever order they are given.
    ///
    /// # Errors
    /// When one is not known, or one that another builds on is missing.
    pub fn pick<S: AsRef<str>>(prefixes: &[S]) -> Result<Kernel, BadCommits> {
        let picked: Vec<&Commit> = prefixes
            .iter()
            .map(|prefix| Commit::find(prefix.as_ref()))
            .collect::<Result<_, _>>()?;
        let has = |hash: &str| picked.iter().any(|commit| commit.hash == hash);
        let mut kernel = Release::OLDEST.kernel;
        for commit in Commit::ALL.iter().filter(|commit| has(commit.hash)) {
            if let Some(needs) = commit.needs.filter(|needs| !has(needs)) {
                return Err(BadCommits::Needs {
                    commit: commit.hash,
                    needs,
                });
            }
            (commit.apply)(&mut kernel);
        }
        Ok(kernel)
    }
}
