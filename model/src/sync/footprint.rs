//! What an operation read and changed, bit by bit.

/// The bits of one object that an operation read, set and cleared.
///
/// A footprint is a function of the operation and of the bits it *reads*: a
/// trylock that fails has only read. That makes two neighbouring steps with
/// commuting footprints exchangeable without either noticing.
///
/// Bits that no real word has stand for ghost state ([`GhostCell`]).
///
/// [`GhostCell`]: super::GhostCell
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Footprint {
    /// Bits whose value the operation saw.
    pub reads: u64,
    /// Bits that are set afterwards, whatever they were.
    pub sets: u64,
    /// Bits that are clear afterwards, whatever they were.
    pub clears: u64,
}

impl Footprint {
    /// A bit for a dependence that only the search must know of: two steps may
    /// not be exchanged wherever they stand, but between the two orders of
    /// these two in one execution nobody can tell.
    pub const UNTOLD: u64 = 1 << 63;

    /// What anybody can tell of it.
    #[must_use]
    pub const fn told(self) -> Footprint {
        Footprint {
            reads: self.reads & !Footprint::UNTOLD,
            sets: self.sets & !Footprint::UNTOLD,
            clears: self.clears & !Footprint::UNTOLD,
        }
    }

    /// An operation that only looks at `bits`.
    pub const fn reading(bits: u64) -> Footprint {
        Footprint {
            reads: bits,
            sets: 0,
            clears: 0,
        }
    }

    /// An operation that sets `bits` unseen.
    pub const fn setting(bits: u64) -> Footprint {
        Footprint {
            reads: 0,
            sets: bits,
            clears: 0,
        }
    }

    /// An operation that clears `bits` unseen.
    pub const fn clearing(bits: u64) -> Footprint {
        Footprint {
            reads: 0,
            sets: 0,
            clears: bits,
        }
    }

    /// An operation that overwrites `bits` unseen.
    pub const fn overwriting(bits: u64) -> Footprint {
        Footprint {
            reads: 0,
            sets: bits,
            clears: bits,
        }
    }

    /// An operation that reads and changes `bits`: it commutes with nothing
    /// else on them.
    pub const fn exclusive(bits: u64) -> Footprint {
        Footprint {
            reads: bits,
            sets: bits,
            clears: bits,
        }
    }

    /// Every bit that the operation may have changed.
    pub const fn changes(self) -> u64 {
        self.sets | self.clears
    }

    /// Both at once, as parts of one operation.
    #[must_use]
    pub const fn and(self, other: Footprint) -> Footprint {
        Footprint {
            reads: self.reads | other.reads,
            sets: self.sets | other.sets,
            clears: self.clears | other.clears,
        }
    }

    /// Whether two operations on one object can be exchanged: nobody reads
    /// what the other changes, and no bit is changed in two directions.
    pub const fn commutes_with(self, other: Footprint) -> bool {
        self.reads & other.changes() == 0
            && other.reads & self.changes() == 0
            && self.sets & other.clears == 0
            && self.clears & other.sets == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_pairs_commute() {
        let (read, set, clear) = (
            Footprint::reading(1),
            Footprint::setting(1),
            Footprint::clearing(1),
        );
        let all = [
            read,
            set,
            clear,
            Footprint::exclusive(1),
            Footprint::overwriting(1),
        ];
        let commuting = [(read, read), (set, set), (clear, clear)];
        for a in all {
            for b in all {
                let expected = commuting.contains(&(a, b));
                assert_eq!(a.commutes_with(b), expected, "{a:?} {b:?}");
                assert_eq!(b.commutes_with(a), expected, "{b:?} {a:?}");
            }
        }
    }

    #[test]
    fn what_is_told_is_all_but_the_untold_bit() {
        let all = Footprint::exclusive(5 | Footprint::UNTOLD);
        assert_eq!(all.told(), Footprint::exclusive(5));
        let parts = Footprint {
            reads: 1 | Footprint::UNTOLD,
            sets: 2,
            clears: 4,
        };
        assert_eq!(parts.told(), Footprint { reads: 1, ..parts });
    }

    #[test]
    fn parts_of_one_operation_are_added_up() {
        let parts = Footprint::reading(1).and(Footprint::setting(2));
        let parts = parts
            .and(Footprint::clearing(4))
            .and(Footprint::exclusive(8));
        let all = Footprint {
            reads: 9,
            sets: 10,
            clears: 12,
        };
        assert_eq!(parts, all);
        assert_eq!(parts.changes(), 14);
    }

    #[test]
    fn different_bits_commute() {
        assert!(Footprint::exclusive(1).commutes_with(Footprint::exclusive(2)));
    }
}
