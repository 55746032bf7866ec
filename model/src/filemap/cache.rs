//! The page cache: which page of which file is where.

use crate::current::Current;
use crate::filemap::lock::{lock_page, unlock_page};
use crate::machine::CachedPage;
use crate::page::{NO_MAPPING, PG_DIRTY, PG_LOCKED, PG_WRITEBACK, Page};
use crate::page_alloc::alloc_pages;
use crate::swap::{get_page, get_page_unless_zero, put_page};
use crate::sync::{Objects, SpinGuard, SpinLock, Word};
use crate::violation::{Halt, Kind};

/// The page is dirty (PAGECACHE_TAG_DIRTY).
pub const DIRTY_MARK: u64 = 1 << 16;
/// The page is under writeback (PAGECACHE_TAG_WRITEBACK).
pub const WRITEBACK_MARK: u64 = 1 << 17;
/// The page was dirty when this sync began (PAGECACHE_TAG_TOWRITE).
pub const TOWRITE_MARK: u64 = 1 << 18;

/// The part of a page's `mapping` word that says which file it belongs to; the
/// rest is its `index` there, which changes together with it.
const MAPPING: u64 = 0xff;
const INDEX_SHIFT: u32 = 8;

/// The page in a slot, as its frame number plus one; zero if there is none.
const ENTRY: u64 = 0xffff;

/// `struct address_space`: a file's page cache.
pub struct AddressSpace {
    number: u16,
    writeback_tags: bool,
    i_pages: SpinLock<()>,
    /// One slot for each page of the file: the entry and its marks. Changed
    /// only under the lock, looked up without it.
    slots: Vec<Word>,
}

impl AddressSpace {
    /// The page cache of a file of the initial state.
    pub fn new(
        objects: &mut Objects,
        inode: u16,
        blocks: u16,
        cached: &[CachedPage],
    ) -> AddressSpace {
        let writeback_tags = cached
            .iter()
            .filter(|page| page.inode == inode)
            .all(|page| page.writeback_tags);
        let slot_of = |index: u16| {
            let page = cached
                .iter()
                .find(|page| page.inode == inode && page.index == index);
            page.map_or(0, |page| {
                let mark = |flag, mark| {
                    if writeback_tags && page.flags & flag != 0 {
                        mark
                    } else {
                        0
                    }
                };
                entry_of(page.pfn) | mark(PG_DIRTY, DIRTY_MARK) | mark(PG_WRITEBACK, WRITEBACK_MARK)
            })
        };
        AddressSpace {
            number: inode,
            writeback_tags,
            i_pages: SpinLock::new(objects, "xa_lock_irq", "i_pages", inode, ()),
            slots: (0..blocks)
                .map(|index| Word::new(objects, "i_pages slot", inode, slot_of(index), ()))
                .collect(),
        }
    }

    /// What a page's `mapping` word holds if it is page `index` of this file.
    pub const fn mapping_of(inode: u16, index: u16) -> u64 {
        (inode as u64 + 1) | (index as u64) << INDEX_SHIFT
    }

    /// The file that a `mapping` word stands for, and the page's slot there.
    pub fn of<'m>(cx: &Current<'m>, word: u64) -> Option<(&'m AddressSpace, &'m Word)> {
        let inode = usize::try_from(word & MAPPING).ok()?.checked_sub(1)?;
        let mapping = cx.machine.inodes.get(inode)?;
        let index = usize::try_from(word >> INDEX_SHIFT).ok()?;
        Some((mapping, mapping.slots.get(index)?))
    }

    /// `mapping_use_writeback_tags`: whether the state of its pages is marked in
    /// `i_pages`, under that lock. Otherwise the page flags are all there is.
    pub fn has_writeback_tags(&self) -> bool {
        self.writeback_tags
    }

    /// `page->mapping == mapping`.
    pub fn owns(&self, cx: &Current<'_>, page: &Page) -> bool {
        page.mapping.load(cx) & MAPPING == AddressSpace::mapping_of(self.number, 0)
    }

    /// `xa_lock_irq(&mapping->i_pages)`.
    ///
    /// # Errors
    /// When a holder of the lock halted.
    pub fn lock<'a>(&'a self, cx: &'a Current<'_>) -> Result<SpinGuard<'a, ()>, Halt> {
        self.i_pages.lock(cx)
    }

    /// How many pages the file may have.
    pub fn blocks(&self) -> u16 {
        u16::try_from(self.slots.len()).expect("a file has few pages here")
    }

    /// What the `mapping` word of its page `index` holds.
    pub fn word_at(&self, index: u16) -> u64 {
        AddressSpace::mapping_of(self.number, index)
    }

    /// Puts another page into a slot, under the lock; the marks stay.
    pub fn replace_entry(&self, cx: &Current<'_>, index: u16, page: &Page) {
        let marks = DIRTY_MARK | WRITEBACK_MARK | TOWRITE_MARK;
        let slot = self.slot(index);
        let (kept, ()) = slot.read_and(cx, marks, |(), _| ());
        slot.store(cx, entry_of(page.pfn) | kept);
    }

    /// One slot.
    pub fn slot(&self, index: u16) -> &Word {
        &self.slots[usize::from(index)]
    }

    /// How many references the page cache of this file holds on a frame when
    /// no thread runs any more.
    pub fn holds_at_end(&self, pfn: u16) -> i64 {
        self.slots
            .iter()
            .map(|slot| slot.at_end(|bits, ()| i64::from(bits & ENTRY == entry_of(pfn))))
            .sum()
    }
}

fn entry_of(pfn: u16) -> u64 {
    u64::from(pfn) + 1
}

fn page_in<'m>(cx: &Current<'m>, slot: u64) -> Option<&'m Page> {
    let pfn = u16::try_from((slot & ENTRY).checked_sub(1)?).ok()?;
    Some(cx.machine.page(pfn))
}

/// `find_get_page`: looks a page up without any lock and takes a reference.
///
/// # Errors
/// What dropping a reference again can meet.
pub fn find_get_page<'m>(
    cx: &Current<'m>,
    mapping: &AddressSpace,
    index: u16,
) -> Result<Option<&'m Page>, Halt> {
    find_get_entry(cx, mapping, index, ENTRY)
}

/// The same, of a page that has a mark.
///
/// # Errors
/// What dropping a reference again can meet.
pub fn find_get_page_tag<'m>(
    cx: &Current<'m>,
    mapping: &AddressSpace,
    index: u16,
    mark: u64,
) -> Result<Option<&'m Page>, Halt> {
    find_get_entry(cx, mapping, index, mark)
}

/// Looks at one slot: if one of `wanted` is set there, the page is taken, with
/// a reference; and only if the slot still has it then.
fn find_get_entry<'m>(
    cx: &Current<'m>,
    mapping: &AddressSpace,
    index: u16,
    wanted: u64,
) -> Result<Option<&'m Page>, Halt> {
    let _call = cx.enter("find_get_entry");
    let slot = mapping.slot(index);
    loop {
        let (found, ()) = slot.read_and(cx, ENTRY | wanted, |(), _| ());
        let Some(page) = page_in(cx, found).filter(|_| found & wanted != 0) else {
            return Ok(None);
        };
        if !get_page_unless_zero(cx, page) {
            continue;
        }
        let (again, ()) = slot.read_and(cx, ENTRY, |(), _| ());
        if again & ENTRY == found & ENTRY {
            return Ok(Some(page));
        }
        put_page(cx, page)?;
    }
}

/// `__add_to_page_cache_locked`: a fresh page becomes part of a file, locked.
/// Returns whether it did; not if the file has a page there by now.
///
/// # Errors
/// [`Kind::LostFlagUpdate`] if somebody changed the flags of the fresh page.
pub fn add_to_page_cache_locked(
    cx: &Current<'_>,
    page: &Page,
    mapping: &AddressSpace,
    index: u16,
) -> Result<bool, Halt> {
    let _call = cx.enter("add_to_page_cache_locked");
    set_page_locked_nonatomic(cx, page)?;
    get_page(cx, page);
    page.mapping
        .store(cx, AddressSpace::mapping_of(mapping.number, index));
    {
        let _i_pages = mapping.lock(cx)?;
        if !mapping.slot(index).test(cx, ENTRY) {
            mapping.slot(index).store(cx, entry_of(page.pfn));
            return Ok(true);
        }
    }
    page.mapping.store(cx, NO_MAPPING);
    put_page(cx, page)?;
    unlock_page(cx, page)?;
    Ok(false)
}

/// `__SetPageLocked`.
fn set_page_locked_nonatomic(cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
    let me = cx.thread();
    let before = page.flags.load(cx);
    let (lost, free) = page
        .flags
        .store_over_and(cx, before, before | PG_LOCKED, |ghost, a| {
            ghost.take_lock(a, me)
        });
    if lost {
        cx.report(Kind::LostFlagUpdate, page.name())?;
    }
    if free {
        Ok(())
    } else {
        cx.report(Kind::LockNotExclusive, page.name())
    }
}

/// `grab_cache_page`: the page of the file, locked, with a reference for the
/// caller; a fresh one if there is none, and nothing if memory is used up.
///
/// # Errors
/// What allocating, inserting or locking it can meet.
pub fn grab_cache_page<'m>(
    cx: &Current<'m>,
    mapping: &AddressSpace,
    index: u16,
) -> Result<Option<&'m Page>, Halt> {
    let _call = cx.enter("grab_cache_page");
    loop {
        if let Some(page) = find_get_page(cx, mapping, index)? {
            lock_page(cx, page)?;
            if mapping.owns(cx, page) {
                return Ok(Some(page));
            }
            unlock_page(cx, page)?;
            put_page(cx, page)?;
            continue;
        }
        let Some(pfn) = alloc_pages(cx, 0)? else {
            return Ok(None);
        };
        let page = cx.machine.page(pfn);
        if add_to_page_cache_locked(cx, page, mapping, index)? {
            return Ok(Some(page));
        }
        put_page(cx, page)?;
    }
}

/// `delete_from_page_cache`, of a locked page: out of the file, and the page
/// cache's reference with it.
///
/// # Errors
/// What freeing the page can meet.
pub fn delete_from_page_cache(
    cx: &Current<'_>,
    page: &Page,
    mapping: &AddressSpace,
    index: u16,
) -> Result<(), Halt> {
    let _call = cx.enter("delete_from_page_cache");
    {
        let _i_pages = mapping.lock(cx)?;
        delete_entry(cx, page, mapping, index);
    }
    put_page(cx, page)
}

/// `__delete_from_page_cache`, under the lock: the reference stays.
pub fn delete_entry(cx: &Current<'_>, page: &Page, mapping: &AddressSpace, index: u16) {
    mapping.slot(index).store(cx, 0);
    page.mapping.store(cx, NO_MAPPING);
}
