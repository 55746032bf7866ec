//! The machine: page frames, free list, files, wait queues, tasks, a disk.

use std::sync::Arc;

use crate::coverage::Marks;
use crate::ext4::Bio;
use crate::filemap::AddressSpace;
use crate::mechanism::Kernel;
use crate::page::{Page, held_by_writeback};
use crate::page_alloc::Zone;
use crate::sync::{MAX_THREADS, Mailbox, Objects, SpinLock, Task, ThreadId};
use crate::violation::{Kind, Violation};
use crate::wait::WaitQueue;
use crate::wake_logic::{AsConfigured, WakeLogic};

/// When a bio completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// Some time after it was submitted, in the context of whoever takes it.
    Queued,
    /// Inside `submit_bio`, as that of a RAM disk does.
    Immediate,
}

/// How a machine is built and its kernel configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many page frames it has.
    pub frames: u16,
    /// How many buckets `page_wait_table` has.
    pub wait_table: u16,
    /// The order of a huge page.
    pub huge_order: u32,
    /// `CONFIG_DEBUG_VM_PGFLAGS`: page-flag policies are checked.
    pub debug_vm_pgflags: bool,
    /// `CONFIG_DEBUG_VM`: every page is checked when it is freed and allocated.
    pub debug_vm: bool,
    /// How its disk completes.
    pub disk: Disk,
    /// `page_lock_unfairness`: so often an EXCLUSIVE waiter is only woken
    /// before the bit is handed over to it; 5 in the kernel.
    pub page_lock_unfairness: u16,
    /// After more entries than this a walk over a wait queue leaves a bookmark
    /// and lets go of the lock; 64 in the kernel.
    pub bookmark_every: u16,
}

/// A page that is in a file's page cache at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedPage {
    /// Its frame.
    pub pfn: u16,
    /// The file.
    pub inode: u16,
    /// Where in the file, in pages.
    pub index: u16,
    /// Its flags.
    pub flags: u64,
    /// References that each thread holds, beside the page cache's own.
    pub held: [i64; MAX_THREADS],
    /// Nothing in the program takes it out of the page cache.
    pub stays: bool,
    /// Its file's mapping uses writeback tags. That of the swap cache does not:
    /// then PG_writeback is set and cleared without the i_pages lock.
    pub writeback_tags: bool,
}

/// The shared state of a model run.
pub struct Machine {
    /// The mechanisms of its kernel.
    pub kernel: Kernel,
    /// How it is built.
    pub config: Config,
    /// `mem_map`: all page frames.
    pub pages: Vec<Page>,
    /// The free list.
    pub zone: SpinLock<Zone>,
    /// The files' address spaces.
    pub inodes: Vec<AddressSpace>,
    /// `page_wait_table`.
    pub page_wait_table: Vec<WaitQueue>,
    /// Bios that are in flight.
    pub bios: Mailbox<Bio>,
    /// What it does where it wakes and waits for page bits.
    pub wake_logic: Arc<dyn WakeLogic>,
    /// The branches that were taken in this execution.
    pub marks: Marks,
    tasks: Vec<Task>,
}

impl Machine {
    /// A machine with `inodes` files of `blocks` pages each, and these pages
    /// in their page cache. All other frames are free.
    pub fn new(
        objects: &mut Objects,
        kernel: Kernel,
        config: Config,
        inodes: u16,
        blocks: u16,
        cached: &[CachedPage],
    ) -> Machine {
        let in_cache = |pfn: u16| cached.iter().find(|page| page.pfn == pfn);
        let pages = (0..config.frames)
            .map(|pfn| match in_cache(pfn) {
                Some(page) => Page::cached(objects, &kernel, page),
                None => Page::free(objects, pfn),
            })
            .collect();
        // Last in, first out: the lowest frame is allocated first, and a
        // frame that has just been freed before all others.
        let free = (0..config.frames)
            .rev()
            .filter(|pfn| in_cache(*pfn).is_none())
            .collect();
        Machine {
            kernel,
            config,
            pages,
            zone: SpinLock::new(objects, "spin_lock", "zone->lock", 0, Zone::new(free)),
            inodes: (0..inodes)
                .map(|inode| AddressSpace::new(objects, inode, blocks, cached))
                .collect(),
            page_wait_table: (0..config.wait_table)
                .map(|bucket| WaitQueue::new(objects, bucket))
                .collect(),
            bios: Mailbox::new(objects, "bio", 0),
            wake_logic: Arc::new(AsConfigured),
            marks: Marks::default(),
            tasks: (0..MAX_THREADS as u8)
                .map(|t| Task::new(objects, ThreadId(t)))
                .collect(),
        }
    }

    /// The task that a thread runs.
    pub fn task(&self, thread: ThreadId) -> &Task {
        &self.tasks[thread.index()]
    }

    /// The frame of that number.
    pub fn page(&self, pfn: u16) -> &Page {
        &self.pages[usize::from(pfn)]
    }

    /// The file of that number.
    pub fn inode(&self, inode: u16) -> &AddressSpace {
        &self.inodes[usize::from(inode)]
    }

    /// Judges the final state: every frame must have as many references as it
    /// has holders. `held` says how many each frame's threads still own.
    pub fn judge(&self, held: impl Fn(u16) -> i64) -> Vec<Violation> {
        let mut violations = Vec::new();
        for page in &self.pages {
            let cached = self
                .inodes
                .iter()
                .map(|inode| inode.holds_at_end(page.pfn))
                .sum::<i64>();
            let writeback = page
                .flags
                .at_end(|flags, _| held_by_writeback(&self.kernel, flags));
            let expected = cached + writeback + held(page.pfn);
            let found = page.refcount.at_end();
            if expected != found {
                violations.push(Violation {
                    kind: Kind::ReferenceLeak,
                    thread: ThreadId(0),
                    about: format!("{}: {found} references, {expected} holders", page.name()),
                });
            }
        }
        violations
    }
}
