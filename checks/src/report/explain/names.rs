//! Objects by their names, and what words of memory hold.

use stalewake_model::filemap::{AddressSpace, DIRTY_MARK, TOWRITE_MARK, WRITEBACK_MARK};
use stalewake_model::page::{NO_MAPPING, TAIL_MAPPING, flag_name};
use stalewake_model::sync::{ObjectName, ThreadId};
use stalewake_model::wait::{WQ_FLAG_CUSTOM, WQ_FLAG_DONE, WQ_FLAG_EXCLUSIVE, WQ_FLAG_WOKEN};

use crate::scenario::Variant;

// The fields by which the model names its objects.
pub(super) const FLAGS: &str = "flags";
pub(super) const REFCOUNT: &str = "_refcount";
pub(super) const MAPPING: &str = "mapping";
pub(super) const TASK: &str = "state";
pub(super) const ENTRY: &str = "wait.entry";
pub(super) const ENTRY_FLAGS: &str = "wait.flags";
const I_PAGES: &str = "i_pages";
const SLOT: &str = "i_pages slot";

/// No file of a scenario has more pages.
const PAGES_OF_A_FILE: u16 = 256;

/// What the objects of a scenario are called.
pub(super) struct Names<'a> {
    variant: &'a Variant,
    threads: &'a [String],
}

impl<'a> Names<'a> {
    /// The names of a scenario's variant and of the threads of a recording.
    pub(super) fn new(variant: &'a Variant, threads: &'a [String]) -> Names<'a> {
        Names { variant, threads }
    }

    /// A thread.
    pub(super) fn thread(&self, thread: ThreadId) -> String {
        self.threads
            .get(thread.index())
            .cloned()
            .unwrap_or_else(|| thread.to_string())
    }

    /// A page frame, by the name of the page that is in it at first.
    pub(super) fn page(&self, frame: u16) -> String {
        let page = self.variant.pages.iter().find(|page| page.frame == frame);
        page.map_or_else(|| format!("frame {frame}"), |page| page.name.clone())
    }

    /// An inode, by its number.
    fn inode(&self, number: u16) -> String {
        let inode = self.variant.inodes.get(usize::from(number));
        inode.cloned().unwrap_or_else(|| format!("inode {number}"))
    }

    /// Whose an object is.
    pub(super) fn owner(&self, object: ObjectName) -> String {
        let owner = object.owner;
        match object.field {
            TASK | ENTRY | ENTRY_FLAGS => {
                let thread = self.threads.get(usize::from(owner));
                thread.cloned().unwrap_or_else(|| format!("thread {owner}"))
            }
            FLAGS | REFCOUNT | MAPPING => self.page(owner),
            "q->lock" => format!("bucket {owner}"),
            I_PAGES | SLOT => self.inode(owner),
            _ => owner.to_string(),
        }
    }

    /// An object: `_refcount of P`.
    pub(super) fn object(&self, object: ObjectName) -> String {
        match object.field {
            // There is only one zone.
            "zone->lock" => object.field.to_owned(),
            field => format!("{field} of {}", self.owner(object)),
        }
    }

    /// What a violation is about, with the page's name beside the frame's.
    pub(super) fn about(&self, about: &str) -> String {
        // What a task sleeps on is named as an object: field and owner.
        let asleep = about
            .strip_prefix("asleep on ")
            .and_then(|object| object.split_once(' '));
        if let Some((bit, frame)) = asleep
            && let Ok(frame) = frame.parse()
        {
            return format!("asleep on {bit} of {}", self.page(frame));
        }
        let mut text = about.to_owned();
        for page in &self.variant.pages {
            let frame = format!("page frame {}", page.frame);
            let longer =
                |at: usize| text[at + frame.len()..].starts_with(|c: char| c.is_ascii_digit());
            if let Some(at) = text.find(&frame).filter(|at| !longer(*at)) {
                text.replace_range(at..at, &format!("{} in ", page.name));
                break;
            }
        }
        text
    }

    /// The value of a word.
    pub(super) fn value(&self, object: ObjectName, value: u64) -> String {
        match (object.field, value) {
            (FLAGS, _) => flags(value),
            (REFCOUNT, _) => signed(value).to_string(),
            (ENTRY_FLAGS, _) => entry_flags(value),
            (MAPPING, NO_MAPPING) => "none".to_owned(),
            (MAPPING, TAIL_MAPPING) => "tail".to_owned(),
            (MAPPING, _) => self.mapping(value),
            (SLOT, _) => self.slot(value),
            // What is small is a number, what is large has bits.
            _ if value < 0x1000 => value.to_string(),
            _ => format!("{value:#x}"),
        }
    }

    /// Which file a page belongs to, and where in it if not at its beginning.
    fn mapping(&self, value: u64) -> String {
        let inodes = 0..u16::try_from(self.variant.inodes.len()).unwrap_or(u16::MAX);
        let places = inodes.flat_map(|inode| (0..PAGES_OF_A_FILE).map(move |index| (inode, index)));
        match places
            .into_iter()
            .find(|(inode, index)| AddressSpace::mapping_of(*inode, *index) == value)
        {
            Some((inode, 0)) => self.inode(inode),
            Some((inode, index)) => format!("{}[{index}]", self.inode(inode)),
            None => format!("{value:#x}"),
        }
    }

    /// Which page is in a slot of the page cache, and its marks there; or only
    /// the marks that an operation concerns.
    fn slot(&self, value: u64) -> String {
        let marks = [
            (DIRTY_MARK, "dirty"),
            (WRITEBACK_MARK, "writeback"),
            (TOWRITE_MARK, "towrite"),
        ];
        let entry = marks.iter().fold(value, |entry, (mark, _)| entry & !mark);
        if entry == 0 && value != 0 {
            return listed(value, &marks);
        }
        // The frame's number plus one; zero is an empty slot.
        let page = match entry.checked_sub(1).map(u16::try_from) {
            Some(Ok(frame)) => self.page(frame),
            Some(Err(_)) => format!("{entry:#x}"),
            None => "empty".to_owned(),
        };
        if entry == value {
            page
        } else {
            format!("{page}+{}", listed(value, &marks))
        }
    }
}

/// Page flags by their names.
pub(super) fn flags(bits: u64) -> String {
    let name = |bit: u32| flag_name(bit).map_or_else(|| format!("bit {bit}"), str::to_owned);
    let names: Vec<String> = (0..u64::BITS)
        .filter(|bit| bits >> bit & 1 == 1)
        .map(name)
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join("|")
    }
}

/// The flags of a wait entry by their names.
fn entry_flags(bits: u64) -> String {
    let names = [
        (WQ_FLAG_EXCLUSIVE, "exclusive"),
        (WQ_FLAG_WOKEN, "woken"),
        (WQ_FLAG_CUSTOM, "custom"),
        (WQ_FLAG_DONE, "done"),
    ];
    listed(bits, &names)
}

/// The bits that are set, by their names.
fn listed(bits: u64, names: &[(u64, &str)]) -> String {
    let names: Vec<&str> = names
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join("|")
    }
}

/// A counter as it was before it became part of a step.
pub(super) fn signed(value: u64) -> i64 {
    value.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::cell;

    #[test]
    fn objects_and_values_are_called_by_the_names_of_the_scenario() {
        let cell = cell();
        let variant = cell.scenario.variant(&cell.parameters);
        let threads = ["A".to_owned(), "B".to_owned()];
        let names = Names::new(variant, &threads);
        let (page, inode) = (&variant.pages[0], &variant.inodes[0]);
        let object = |field, owner| ObjectName { field, owner };
        assert_eq!(
            names.object(object(FLAGS, page.frame)),
            format!("flags of {}", page.name)
        );
        assert_eq!(names.object(object(TASK, 1)), "state of B");
        assert_eq!(
            names.value(object(MAPPING, 0), AddressSpace::mapping_of(0, 0)),
            *inode
        );
        assert_eq!(names.value(object(MAPPING, 0), NO_MAPPING), "none");
        assert_eq!(names.value(object(SLOT, 0), DIRTY_MARK), "dirty");
        assert_eq!(names.value(object(SLOT, 0), 0), "empty");
        assert_eq!(
            names.value(object(ENTRY_FLAGS, 0), WQ_FLAG_EXCLUSIVE | WQ_FLAG_WOKEN),
            "exclusive|woken"
        );
    }

    #[test]
    fn what_a_violation_is_about_has_the_name_of_its_page() {
        let cell = cell();
        let variant = cell.scenario.variant(&cell.parameters);
        let names = Names::new(variant, &[]);
        let page = &variant.pages[0];
        let (frame, name) = (page.frame, &page.name);
        assert_eq!(
            names.about(&format!("page frame {frame}")),
            format!("{name} in page frame {frame}")
        );
        assert_eq!(
            names.about(&format!("page frame {frame}7")),
            format!("page frame {frame}7")
        );
        assert_eq!(
            names.about(&format!("asleep on PG_locked {frame}")),
            format!("asleep on PG_locked of {name}")
        );
    }
}
