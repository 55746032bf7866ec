//! The steps that a thread of a scenario can take.
//!
//! One table, [`STEPS`], names each step, writes its signature, says what it
//! does and builds it: parsing, errors and listings all come from there. A new
//! step is a variant of [`Step`] and a row of that table.

use super::call::Call;
use super::error::Result;

/// A page, as a step names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageRef {
    /// A page of the scenario: an index into [`Variant::pages`](super::Variant::pages).
    Page(usize),
    /// A page that an earlier step of the thread returned: an index into
    /// [`ThreadSpec::variables`](super::ThreadSpec::variables).
    Variable(usize),
}

/// A bio, as a step names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BioRef {
    /// The bio that writes this page.
    Page(PageRef),
    /// The next one that was submitted.
    Next,
}

/// Which passes of `truncate_inode_pages_range` run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// Both.
    Both,
    /// The first, which skips pages that are locked or under writeback.
    First,
    /// The second, which waits for them.
    Second,
}

/// `wbc->sync_mode` of `write_cache_pages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMode {
    /// `WB_SYNC_ALL`: wait for a page that is under writeback.
    All,
    /// `WB_SYNC_NONE`: skip it.
    None,
}

/// One step of a thread. [`step_reference`] says how each is written and what
/// it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `ext4_finish_bio`.
    FinishBio(BioRef),
    /// `truncate_inode_pages_range`.
    Truncate {
        /// An index into [`Variant::inodes`](super::Variant::inodes).
        inode: usize,
        /// Which passes run.
        passes: Passes,
    },
    /// `grab_cache_page`.
    GrabCachePage {
        /// What keeps the page: an index into
        /// [`ThreadSpec::variables`](super::ThreadSpec::variables).
        variable: usize,
        /// An index into [`Variant::inodes`](super::Variant::inodes).
        inode: usize,
        /// The page's index in the inode, from 0 to 3.
        index: u16,
    },
    /// `ext4_writepage`.
    Writepage(PageRef),
    /// `set_page_dirty`.
    SetPageDirty(PageRef),
    /// `write_cache_pages`.
    WriteCachePages {
        /// An index into [`Variant::inodes`](super::Variant::inodes).
        inode: usize,
        /// Whether it waits.
        sync: SyncMode,
    },
    /// `mpage_prepare_extent_to_map`, of an inode: an index into
    /// [`Variant::inodes`](super::Variant::inodes).
    MpagePrepareExtentToMap(usize),
    /// `lock_page`.
    LockPage(PageRef),
    /// `lock_page_killable`; after a fatal signal the thread's later steps are
    /// left out.
    LockPageKillable {
        /// The page.
        page: PageRef,
        /// `__lock_page_killable`: from where the lock was busy.
        was_busy: bool,
    },
    /// `unlock_page`.
    UnlockPage(PageRef),
    /// `wait_on_page_writeback`.
    WaitOnPageWriteback(PageRef),
    /// `wait_on_page_locked`.
    WaitOnPageLocked(PageRef),
    /// `put_and_wait_on_page_locked`.
    PutAndWaitOnPageLocked(PageRef),
    /// `set_page_writeback`.
    SetPageWriteback(PageRef),
    /// `end_page_writeback`.
    EndPageWriteback(PageRef),
    /// `put_page`.
    PutPage(PageRef),
    /// `shmem_alloc_hugepage`.
    ShmemAllocHugepage {
        /// What keeps the page, if anything does: an index into
        /// [`ThreadSpec::variables`](super::ThreadSpec::variables).
        variable: Option<usize>,
    },
    /// `shrink_page_list`, of an inode: an index into
    /// [`Variant::inodes`](super::Variant::inodes).
    ShrinkPageList(usize),
    /// `migrate_pages`, of an inode, likewise.
    MigratePages(usize),
    /// `offline_pages`.
    OfflinePages(PageRef),
    /// `__SetPageUptodate`.
    SetPageUptodateNonatomic(PageRef),
    /// `__ClearPageDirty`.
    ClearPageDirtyNonatomic(PageRef),
    /// `send_sig`, of SIGKILL, to a thread: an index into
    /// [`Variant::threads`](super::Variant::threads).
    Kill(usize),
    /// `wake_up_process`, of a thread, likewise.
    WakeUpProcess(usize),
}

/// A step as the reference lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepReference {
    /// The kernel function it calls.
    pub name: &'static str,
    /// How it is written; `[]` holds what may be left out, `|` separates
    /// alternatives.
    pub signature: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
}

/// A row of [`STEPS`]: how a step is written, and how it is built.
pub(super) struct Definition {
    pub reference: StepReference,
    pub build: fn(&mut Call<'_, '_>) -> Result<Step>,
}

macro_rules! steps {
    ($($name:literal, $signature:literal, $summary:literal, $build:expr;)*) => {
        /// Every step there is.
        pub(super) const STEPS: &[Definition] = &[$(Definition {
            reference: StepReference { name: $name, signature: $signature, summary: $summary },
            build: $build,
        },)*];
    };
}

steps! {
    "ext4_finish_bio", "ext4_finish_bio(page | next bio)",
        "the device is done: end the writeback of the page, or of the next submitted bio's (waits for one)",
        |call| Ok(Step::FinishBio(call.bio()?));
    "truncate_inode_pages_range", "truncate_inode_pages_range(inode[, wait | skip])",
        "remove the inode's pages from the page cache; `skip` is the first pass only, `wait` the second",
        |call| {
            let inode = call.inode()?;
            let passes = call.choice("`wait` or `skip`", &[("wait", Passes::Second), ("skip", Passes::First)])?;
            Ok(Step::Truncate { inode, passes: passes.unwrap_or(Passes::Both) })
        };
    "grab_cache_page", "Q = grab_cache_page(inode[, index])",
        "the page at the index (0) of the page cache, allocated and inserted if there is none; keep it locked as Q",
        |call| {
            let inode = call.filled_inode()?;
            let index = call.index()?.unwrap_or(0);
            Ok(Step::GrabCachePage { variable: call.result()?, inode, index })
        };
    "ext4_writepage", "ext4_writepage(page)",
        "start the writeback of a locked page, unlock it and submit its bio",
        |call| Ok(Step::Writepage(call.page()?));
    "set_page_dirty", "set_page_dirty(page)",
        "mark the page as dirty",
        |call| Ok(Step::SetPageDirty(call.page()?));
    "write_cache_pages", "write_cache_pages(inode, WB_SYNC_ALL | WB_SYNC_NONE)",
        "write the inode's dirty pages; WB_SYNC_ALL waits for earlier writeback, WB_SYNC_NONE skips the page",
        |call| {
            let inode = call.inode()?;
            let modes = [("WB_SYNC_ALL", SyncMode::All), ("WB_SYNC_NONE", SyncMode::None)];
            let sync = call.required_choice("`WB_SYNC_ALL` or `WB_SYNC_NONE`", &modes)?;
            Ok(Step::WriteCachePages { inode, sync })
        };
    "mpage_prepare_extent_to_map", "mpage_prepare_extent_to_map(inode)",
        "the same with WB_SYNC_ALL in ext4, up to where the writing would begin",
        |call| Ok(Step::MpagePrepareExtentToMap(call.inode()?));
    "lock_page", "lock_page(page)",
        "take the page lock, sleep until it is free",
        |call| Ok(Step::LockPage(call.page()?));
    "lock_page_killable", "lock_page_killable(page)",
        "the same, unless a fatal signal comes first: then the thread ends here",
        |call| Ok(Step::LockPageKillable { page: call.page()?, was_busy: false });
    "__lock_page_killable", "__lock_page_killable(page)",
        "what follows in it when the lock was busy: whoever had it may have let it go since",
        |call| Ok(Step::LockPageKillable { page: call.page()?, was_busy: true });
    "unlock_page", "unlock_page(page)",
        "release the page lock and wake a waiter",
        |call| Ok(Step::UnlockPage(call.page()?));
    "wait_on_page_writeback", "wait_on_page_writeback(page)",
        "sleep until the page is not under writeback",
        |call| Ok(Step::WaitOnPageWriteback(call.page()?));
    "wait_on_page_locked", "wait_on_page_locked(page)",
        "sleep until the page is not locked",
        |call| Ok(Step::WaitOnPageLocked(call.page()?));
    "put_and_wait_on_page_locked", "put_and_wait_on_page_locked(page)",
        "give up the reference, then sleep until the page is not locked",
        |call| Ok(Step::PutAndWaitOnPageLocked(call.page()?));
    "set_page_writeback", "set_page_writeback(page)",
        "mark the page as under writeback",
        |call| Ok(Step::SetPageWriteback(call.page()?));
    "end_page_writeback", "end_page_writeback(page)",
        "the writeback of the page is over: clear PG_writeback and wake the waiters",
        |call| Ok(Step::EndPageWriteback(call.page()?));
    "put_page", "put_page(page)",
        "give up a reference; the last one frees the page",
        |call| Ok(Step::PutPage(call.page()?));
    "shmem_alloc_hugepage", "[H =] shmem_alloc_hugepage()",
        "allocate a huge page of the machine's huge_order; its tail pages lie in frames that others may have used",
        |call| Ok(Step::ShmemAllocHugepage { variable: call.optional_result()? });
    "shrink_page_list", "shrink_page_list(inode)",
        "reclaim the inode's pages that are clean, idle and held by the page cache only",
        |call| Ok(Step::ShrinkPageList(call.inode()?));
    "migrate_pages", "migrate_pages(inode)",
        "move the inode's pages that are idle and held by the page cache only to other frames",
        |call| Ok(Step::MigratePages(call.inode()?));
    "offline_pages", "offline_pages(page)",
        "take the page's frame away with its struct page, if the frame is free",
        |call| Ok(Step::OfflinePages(call.page()?));
    "__SetPageUptodate", "__SetPageUptodate(page)",
        "set PG_uptodate by a load and a store, as if nobody else knew the page",
        |call| Ok(Step::SetPageUptodateNonatomic(call.page()?));
    "__ClearPageDirty", "__ClearPageDirty(page)",
        "clear PG_dirty in the same way",
        |call| Ok(Step::ClearPageDirtyNonatomic(call.page()?));
    "send_sig", "send_sig(SIGKILL, thread)",
        "send a fatal signal to the thread; only a killable sleep notices",
        |call| {
            call.required_choice("`SIGKILL`", &[("SIGKILL", ())])?;
            Ok(Step::Kill(call.thread()?))
        };
    "wake_up_process", "wake_up_process(thread)",
        "wake the thread, whatever it sleeps for",
        |call| Ok(Step::WakeUpProcess(call.thread()?));
}

/// Every step that a scenario file can name, in the order of the reference.
pub fn step_reference() -> impl Iterator<Item = &'static StepReference> {
    STEPS.iter().map(|definition| &definition.reference)
}
