//! `struct page` (include/linux/mm_types.h) and its flags (page-flags.h).

use crate::current::Current;
use crate::filemap::AddressSpace;
use crate::machine::CachedPage;
use crate::mechanism::{EndRef, Kernel, TailCheck};
use crate::sync::{Access, Counter, GhostCell, Objects, ThreadId, Word};
use crate::violation::{Halt, Kind};

macro_rules! flags {
    ($($(#[$doc:meta])* $flag:ident = $bit:literal, $name:literal;)*) => {
        $($(#[$doc])* pub const $flag: u64 = 1 << $bit;)*

        /// The name of a bit of the flags word.
        pub fn flag_name(bit: u32) -> Option<&'static str> {
            match bit { $($bit => Some($name),)* _ => None }
        }
    };
}

// Bit numbers of v5.10; where recent kernels have moved them makes no
// difference, as long as all are in one word.
flags! {
    /// The page lock.
    PG_LOCKED = 0, "locked";
    /// Used recently.
    PG_REFERENCED = 1, "referenced";
    /// Its content is valid.
    PG_UPTODATE = 2, "uptodate";
    /// Its content must be written back.
    PG_DIRTY = 3, "dirty";
    /// On an LRU list.
    PG_LRU = 4, "lru";
    /// Somebody may be queued for one of its bits.
    PG_WAITERS = 7, "waiters";
    /// `private` is in use, such as by buffer heads.
    PG_PRIVATE = 13, "private";
    /// I/O from it is in flight.
    PG_WRITEBACK = 15, "writeback";
    /// The first page of a compound page.
    PG_HEAD = 16, "head";
    /// To be rotated on the LRU when its writeback ends.
    PG_RECLAIM = 18, "reclaim";
    /// Bit 0 of `compound_head`: this is a tail page. In the kernel it is in
    /// the word behind the flags; see model/README.md for why it may be here.
    COMPOUND_TAIL = 40, "tail";
}

/// The life of a frame whose `struct page` has been taken away: no other life
/// comes after it.
const HOT_REMOVED: u32 = u32::MAX;

/// Flags that a page must not have when it is freed.
pub const PAGE_FLAGS_CHECK_AT_FREE: u64 = PG_LOCKED | PG_LRU | PG_PRIVATE | PG_WRITEBACK;

/// `mapping` of a page that belongs to no file.
pub const NO_MAPPING: u64 = 0;
/// `mapping` of a tail page.
pub const TAIL_MAPPING: u64 = 0xff;

/// Which use of a page frame, and which writeback of it, something concerns.
///
/// Both only ever grow: what compares less is earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// How often the frame had been freed.
    pub life: u32,
    /// How many writebacks of it had begun.
    pub writeback: u32,
}

/// What the flags word does not say: at home there, because everything that
/// decides it is an operation on that word.
pub struct PageGhost {
    life: GhostCell<u32, 0>,
    writeback: GhostCell<u32, 1>,
    io_in_flight: GhostCell<bool, 2>,
    lock_owner: GhostCell<Option<ThreadId>, 3>,
}

impl PageGhost {
    /// Which use of the frame this is.
    pub fn life(&self, access: &mut Access) -> u32 {
        self.life.get(access)
    }

    /// Which use of the frame, and which writeback of it.
    pub fn current_use(&self, access: &mut Access) -> Use {
        Use {
            life: self.life.get(access),
            writeback: self.writeback.get(access),
        }
    }

    /// PG_writeback is being set.
    pub fn begin_io(&mut self, access: &mut Access) {
        let number = self.writeback.get(access);
        self.writeback.set(access, number + 1);
        self.io_in_flight.set(access, true);
    }

    /// PG_writeback is being cleared. Returns whether it was set.
    pub fn end_io(&mut self, access: &mut Access) -> bool {
        let was_in_flight = self.io_in_flight.get(access);
        self.io_in_flight.set(access, false);
        was_in_flight
    }

    /// PG_locked is being taken for `owner`. Returns whether nobody had it.
    pub fn take_lock(&mut self, access: &mut Access, owner: ThreadId) -> bool {
        let free = self.lock_owner.get(access).is_none();
        self.lock_owner.set(access, Some(owner));
        free
    }

    /// PG_locked is being released by `owner`. Returns whether it had it.
    pub fn release_lock(&mut self, access: &mut Access, owner: ThreadId) -> bool {
        let owned = self.lock_owner.get(access) == Some(owner);
        self.lock_owner.set(access, None);
        owned
    }

    /// This use of the frame is over. Returns whether I/O was still in flight.
    pub fn end_life(&mut self, access: &mut Access) -> bool {
        let (life, io) = (self.life.get(access), self.io_in_flight.get(access));
        self.life.set(access, life + 1);
        self.io_in_flight.set(access, false);
        self.lock_owner.set(access, None);
        io
    }

    /// The frame is taken away, with its `struct page`.
    pub fn hot_remove(&mut self, access: &mut Access) {
        self.life.set(access, HOT_REMOVED);
    }
}

/// One page frame. There is exactly one flags word, as in the kernel: the
/// handshake between a waiter and its waker rests on it.
pub struct Page {
    /// Which frame.
    pub pfn: u16,
    /// `flags`, and the ghost state at home there.
    pub flags: Word<PageGhost>,
    /// `_refcount`.
    pub refcount: Counter,
    /// `mapping` and `index`: the number of the file, from 1, and where in it.
    pub mapping: Word,
}

impl Page {
    /// A free frame of the initial state.
    pub fn free(objects: &mut Objects, pfn: u16) -> Page {
        Page::new(objects, pfn, 0, NO_MAPPING, |objects| {
            Counter::new(objects, "_refcount", pfn, 0)
        })
    }

    /// A frame that is in a file's page cache in the initial state.
    ///
    /// If writeback holds a reference and the page is under writeback, that
    /// one is there, too.
    pub fn cached(objects: &mut Objects, kernel: &Kernel, cached: &CachedPage) -> Page {
        let mapping = AddressSpace::mapping_of(cached.inode, cached.index);
        Page::new(objects, cached.pfn, cached.flags, mapping, |objects| {
            let unowned = 1 + held_by_writeback(kernel, cached.flags);
            if cached.stays {
                Counter::pinned(objects, "_refcount", cached.pfn, unowned, cached.held)
            } else {
                let references = unowned + cached.held.iter().sum::<i64>();
                Counter::new(objects, "_refcount", cached.pfn, references)
            }
        })
    }

    fn new(
        objects: &mut Objects,
        pfn: u16,
        flags: u64,
        mapping: u64,
        refcount: impl FnOnce(&mut Objects) -> Counter,
    ) -> Page {
        let under_writeback = flags & PG_WRITEBACK != 0;
        let ghost = PageGhost {
            life: GhostCell::new(0),
            writeback: GhostCell::new(u32::from(under_writeback)),
            io_in_flight: GhostCell::new(under_writeback),
            lock_owner: GhostCell::new(None),
        };
        Page {
            pfn,
            flags: Word::new(objects, "flags", pfn, flags, ghost),
            refcount: refcount(objects),
            mapping: Word::new(objects, "mapping", pfn, mapping, ()),
        }
    }

    /// What to call it in a report.
    pub fn name(&self) -> String {
        format!("page frame {}", self.pfn)
    }
}

/// How many references go with the PG_writeback of a page with these flags.
pub(crate) fn held_by_writeback(kernel: &Kernel, flags: u64) -> i64 {
    i64::from(kernel.end_ref == EndRef::HeldByWriteback && flags & PG_WRITEBACK != 0)
}

/// The bit whose presence makes an access to PG_waiters a BUG
/// (`PF_ONLY_HEAD`); none unless `CONFIG_DEBUG_VM_PGFLAGS`.
fn only_head(cx: &Current<'_>) -> u64 {
    if cx.config().debug_vm_pgflags && cx.kernel().tail_check == TailCheck::OnlyHead {
        COMPOUND_TAIL
    } else {
        0
    }
}

/// `VM_BUG_ON_PGFLAGS(PageTail(page))`.
fn vm_bug_on_tail(cx: &Current<'_>, page: &Page, is_tail: bool) -> Result<(), Halt> {
    if is_tail {
        cx.report(Kind::BugOnTail, page.name())
    } else {
        Ok(())
    }
}

/// `PageWaiters`, by someone whose business is with this use of the frame.
///
/// # Errors
/// [`Kind::BugOnTail`].
pub fn page_waiters(cx: &Current<'_>, page: &Page, of: Use) -> Result<bool, Halt> {
    let tail = only_head(cx);
    let (bits, life) = page
        .flags
        .read_and(cx, PG_WAITERS | tail, |ghost, a| ghost.life(a));
    touched(cx, page, of, life, Kind::ForeignRead)?;
    vm_bug_on_tail(cx, page, bits & tail != 0)?;
    Ok(bits & PG_WAITERS != 0)
}

/// `ClearPageWaiters`, by someone whose business is with this use of the frame.
///
/// # Errors
/// [`Kind::BugOnTail`].
pub fn clear_page_waiters(cx: &Current<'_>, page: &Page, of: Use) -> Result<(), Halt> {
    let clear = |ghost: &mut PageGhost, a: &mut Access| ghost.life(a);
    let (is_tail, life) = page
        .flags
        .clear_unless_and(cx, PG_WAITERS, only_head(cx), clear);
    touched(cx, page, of, life, Kind::ForeignWrite)?;
    vm_bug_on_tail(cx, page, is_tail)
}

/// `SetPageWaiters`. Returns which use and writeback this was.
///
/// # Errors
/// [`Kind::BugOnTail`].
pub fn set_page_waiters(cx: &Current<'_>, page: &Page) -> Result<Use, Halt> {
    let set = |ghost: &mut PageGhost, a: &mut Access| ghost.current_use(a);
    let (is_tail, now) = page
        .flags
        .set_unless_and(cx, PG_WAITERS, only_head(cx), set);
    vm_bug_on_tail(cx, page, is_tail)?;
    Ok(now)
}

/// Judges an access by someone who may hold no reference: it is a hazard if
/// the use that it concerns is over.
pub(crate) fn touched(
    cx: &Current<'_>,
    page: &Page,
    of: Use,
    life: u32,
    hazard: Kind,
) -> Result<(), Halt> {
    if life == of.life {
        Ok(())
    } else if life == HOT_REMOVED {
        cx.report(hazard, format!("{}, after hot-remove", page.name()))
    } else {
        cx.report(hazard, page.name())
    }
}
