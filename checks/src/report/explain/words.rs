//! Operations in words.

use stalewake_model::page::{COMPOUND_TAIL, PG_WAITERS};
use stalewake_model::sync::{Detail, ThreadId};

use super::names::{ENTRY, ENTRY_FLAGS, FLAGS, Names, REFCOUNT, TASK, flags, signed};

/// Whether a step only looked, or found done what it was to do.
pub(super) fn changes_nothing(detail: &Detail) -> bool {
    detail.before == detail.after
        && matches!(
            detail.operation,
            "test_bit" | "load" | "atomic_read" | "set_bit" | "clear_bit"
        )
}

/// Whether a step took a spin lock.
pub(super) fn is_lock(detail: &Detail) -> bool {
    detail.object.field != FLAGS
        && detail.operation.contains("lock")
        && (detail.mask, detail.before, detail.after) == (1, 0, 1)
}

/// Whether a step looks whether somebody waits: on that hangs who is woken.
pub(super) fn looks_for_waiters(detail: &Detail) -> bool {
    detail.object.field == FLAGS
        && matches!(detail.operation, "test_bit" | "load")
        && detail.mask & PG_WAITERS != 0
        && detail.mask.count_ones() <= FEW
}

/// The bit of a task's state that says a fatal signal is pending.
const SIGNAL: u64 = 1 << 2;

/// Whether a step finds that its task has been killed.
pub(super) fn finds_signal(detail: &Detail) -> bool {
    (detail.operation, detail.object.field) == ("test_bit", TASK) && detail.before & SIGNAL != 0
}

/// More bits than this are not listed one by one when they are looked at.
const FEW: u32 = 4;

impl Names<'_> {
    /// What a step did, in words.
    pub(super) fn operation(
        &self,
        detail: &Detail,
        wakes: Option<ThreadId>,
        sleeps: bool,
    ) -> String {
        let Detail {
            operation,
            object,
            mask,
            before,
            ..
        } = *detail;
        if is_lock(detail) {
            return format!("takes {}", self.object(object));
        }
        let owner = self.owner(object);
        match (operation, object.field) {
            ("schedule", _) if sleeps => "schedule()".to_owned(),
            ("schedule", _) if before & SIGNAL != 0 => {
                "schedule(): a signal is pending, does not sleep".to_owned()
            }
            ("schedule", _) => "schedule(): woken already, does not sleep".to_owned(),
            ("wake_up_state", _) if wakes.is_some() => format!("wake_up_state({owner})"),
            ("wake_up_state", _) if before & mask & !SIGNAL != 0 => {
                format!("wake_up_state({owner}): it was about to sleep, and will not")
            }
            ("wake_up_state", _) => format!("wake_up_state({owner}): it is awake"),
            ("set_current_state", TASK) => "is about to sleep".to_owned(),
            ("__set_current_state", TASK) => "will not sleep".to_owned(),
            ("set_bit", TASK) => format!("a fatal signal is pending for {owner}"),
            ("test_bit", TASK) => {
                format!("is a fatal signal pending? {}", yes(before & SIGNAL != 0))
            }
            ("set_bit", ENTRY) => format!("queues {owner}'s entry"),
            ("smp_store_release", ENTRY) => format!("removes {owner}'s entry"),
            ("smp_load_acquire", ENTRY) => {
                format!("is {owner}'s entry queued? {}", yes(before != 0))
            }
            (_, FLAGS) => flags_operation(detail, &owner),
            _ => self.other_operation(detail, &owner),
        }
    }

    fn other_operation(&self, detail: &Detail, owner: &str) -> String {
        let Detail {
            operation,
            object,
            mask,
            before,
            after,
            ..
        } = *detail;
        match operation {
            "atomic_inc" => format!("takes a reference on {owner}"),
            "atomic_dec_and_test" if after == 0 => format!("drops the last reference on {owner}"),
            "atomic_dec_and_test" => format!("drops a reference on {owner}"),
            "atomic_add_unless" if before == after => {
                format!("gets no reference on {owner}: it is free")
            }
            "atomic_add_unless" => format!("gets a reference on {owner}: it is not free"),
            "atomic_read" => format!("reads {}: {}", self.object(object), signed(before)),
            "atomic_set" => format!("sets {} to {}", self.object(object), signed(after)),
            "submit" => "submits I/O".to_owned(),
            "complete" => "an I/O completes".to_owned(),
            "test_bit" | "load" | "smp_load_acquire" => {
                format!(
                    "reads {}: {}",
                    self.object(object),
                    self.value(object, before)
                )
            }
            "store" | "smp_store_release" => format!(
                "sets {} to {}",
                self.object(object),
                self.value(object, after)
            ),
            "set_bit" | "clear_bit" => {
                let (bits, object) = (self.value(object, mask), self.object(object));
                match (operation, before == after) {
                    ("set_bit", false) => format!("sets {bits} in {object}"),
                    ("set_bit", true) => format!("finds {bits} set in {object}"),
                    (_, false) => format!("clears {bits} in {object}"),
                    (_, true) => format!("finds {bits} clear in {object}"),
                }
            }
            _ => format!("{operation} {}", self.object(object)),
        }
    }

    /// What a step changed, before and after. What a task intends, whether an
    /// entry is queued and who holds a lock is said in words already.
    pub(super) fn change(&self, detail: &Detail) -> Option<String> {
        let Detail {
            object,
            before,
            after,
            ..
        } = *detail;
        if before == after || is_lock(detail) || matches!(object.field, TASK | ENTRY) {
            return None;
        }
        let owner = self.owner(object);
        let what = match object.field {
            FLAGS => format!("{owner}:"),
            REFCOUNT => format!("{owner} refs"),
            ENTRY_FLAGS => format!("{owner}'s entry:"),
            field => format!("{owner} {field}"),
        };
        Some(format!(
            "» {what} {} → {}",
            self.value(object, before),
            self.value(object, after)
        ))
    }
}

/// What was done to a page's flags.
fn flags_operation(detail: &Detail, page: &str) -> String {
    let Detail {
        operation,
        mask,
        before,
        after,
        ..
    } = *detail;
    let (set, cleared) = (after & !before, before & !after);
    match operation {
        "test_bit" if mask.is_power_of_two() => {
            format!(
                "is {} set on {page}? {}",
                flags(mask),
                yes(before & mask != 0)
            )
        }
        "test_bit" | "load" if mask.count_ones() > FEW => {
            format!("reads flags of {page}: {}", flags(before & mask))
        }
        "test_bit" | "load" => {
            format!("reads {} of {page}: {}", flags(mask), flags(before & mask))
        }
        "store" => format!("overwrites the flags of {page}"),
        "clear_bit_unlock_is_negative_byte" | "xor_unlock_is_negative_byte" => {
            let tested = mask & !cleared;
            let answer = yes(before & tested != 0);
            format!(
                "clears {} on {page}; {}? {answer}",
                flags(cleared),
                flags(tested)
            )
        }
        _ if set != 0 => format!("sets {} on {page}", flags(set)),
        _ if cleared != 0 => format!("clears {} on {page}", flags(cleared)),
        // It writes all the same.
        "clear_bit" => format!(
            "clears {} on {page}, which is clear",
            flags(mask & !COMPOUND_TAIL)
        ),
        "set_bit" => format!(
            "sets {} on {page}, which is set",
            flags(mask & !COMPOUND_TAIL)
        ),
        _ if before & mask != 0 => format!("finds {} set on {page}", flags(before & mask)),
        _ => format!("finds {} clear on {page}", flags(mask)),
    }
}

/// Whether who does it is told what it has found.
pub(super) fn answers(detail: &Detail) -> bool {
    !matches!(detail.operation, "set_bit" | "clear_bit")
}

fn yes(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use stalewake_model::page::{PG_WAITERS, PG_WRITEBACK};
    use stalewake_model::sync::ObjectName;

    use super::*;

    fn on_flags(operation: &'static str, mask: u64, before: u64, after: u64) -> Detail {
        let object = ObjectName {
            field: FLAGS,
            owner: 0,
        };
        Detail {
            calls: Vec::new(),
            operation,
            object,
            mask,
            before,
            after,
        }
    }

    #[test]
    fn flags_are_named() {
        let both = PG_WAITERS | PG_WRITEBACK;
        let words = |detail: Detail| flags_operation(&detail, "P");
        assert_eq!(
            words(on_flags("test_bit", PG_WRITEBACK, both, both)),
            "is writeback set on P? yes"
        );
        assert_eq!(
            words(on_flags(
                "test_and_clear_bit",
                PG_WRITEBACK,
                both,
                PG_WAITERS
            )),
            "clears writeback on P"
        );
        assert_eq!(
            words(on_flags("test_and_set_bit", PG_WRITEBACK, both, both)),
            "finds writeback set on P"
        );
    }

    #[test]
    fn what_changes_nothing_is_told_from_what_decides() {
        assert!(changes_nothing(&on_flags("test_bit", PG_WAITERS, 0, 0)));
        assert!(changes_nothing(&on_flags(
            "set_bit", PG_WAITERS, PG_WAITERS, PG_WAITERS
        )));
        assert!(!changes_nothing(&on_flags(
            "set_bit", PG_WAITERS, 0, PG_WAITERS
        )));
        assert!(
            !changes_nothing(&on_flags("test_and_set_bit", 1, 1, 1)),
            "a trylock that failed"
        );
    }
}
