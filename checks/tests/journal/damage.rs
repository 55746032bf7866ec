//! What is read of a journal that is not as it was written.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::sample::Index;
use stalewake::cell::Cell;
use stalewake::explore::{Options, explore};
use stalewake::journal::{JournalError, Kept, cell_line, first_line, read};
use stalewake::scenario::find_shipped;

/// A small journal, and what it is about.
struct Small {
    cells: Vec<Cell>,
    text: Vec<u8>,
    /// The line of each cell.
    lines: Vec<String>,
}

static SMALL: LazyLock<Small> = LazyLock::new(|| {
    let mut cells = Cell::all_of(&find_shipped("shmem-tail").expect("it is shipped"));
    cells.truncate(3);
    let first = first_line(&Options::default());
    let line = |cell| cell_line(&first, &explore(cell, &Options::default(), &Arc::default()));
    let lines: Vec<String> = cells.iter().map(line).collect();
    let text = (first.clone() + &lines.concat()).into_bytes();
    Small { cells, text, lines }
});

impl Small {
    /// What is kept of a text, which nothing but what was written may be.
    fn read(&self, text: &[u8]) -> Result<Kept, JournalError> {
        let kept = read(text, &self.cells, &Options::default())?;
        let first = first_line(&Options::default());
        for (place, verdict) in &kept.verdicts {
            assert_eq!(cell_line(&first, verdict), self.lines[*place]);
        }
        assert_eq!(kept.others, 0);
        Ok(kept)
    }
}

#[test]
fn cut_anywhere_it_keeps_every_whole_line() {
    let small = &*SMALL;
    for cut in 0..=small.text.len() {
        let text = &small.text[..cut];
        let whole = text.iter().filter(|byte| **byte == b'\n').count();
        let kept = small.read(text).expect("it was only cut");
        assert_eq!(kept.verdicts.len(), whole.saturating_sub(1), "at {cut}");
        let end = text.iter().rposition(|byte| *byte == b'\n');
        assert_eq!(kept.whole, end.map_or(0, |at| at + 1));
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let small = &*SMALL;
    let last = small.text.len() - small.lines[2].len();
    let mut outcomes = BTreeMap::<_, usize>::new();
    for at in 0..small.text.len() {
        for bit in 0..8 {
            let mut text = small.text.clone();
            text[at] ^= 1 << bit;
            let outcome = match small.read(&text) {
                Ok(kept) => {
                    // What is gone is the last line, or the last two if they
                    // have become one.
                    assert!(kept.whole <= last && kept.verdicts.len() < 3, "{at}.{bit}");
                    "dropped"
                }
                Err(JournalError::Damaged { .. }) => "damaged",
                Err(JournalError::NoJournal | JournalError::OtherFormat { .. }) => "foreign",
                Err(error) => panic!("{at}.{bit}: {error}"),
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
    }
    assert_eq!(outcomes.len(), 3, "{outcomes:?}");
}

/// Something that may happen to a file.
#[derive(Clone, Debug)]
enum Harm {
    Change(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Repeat(Index, Index),
    SwapLines(Index, Index),
}

impl Harm {
    fn any() -> impl Strategy<Value = Harm> {
        prop_oneof![
            any::<(Index, u8)>().prop_map(|(at, byte)| Harm::Change(at, byte)),
            (any::<Index>(), prop::collection::vec(any::<u8>(), 1..40))
                .prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
            any::<(Index, Index)>().prop_map(|(from, to)| Harm::Remove(from, to)),
            any::<(Index, Index)>().prop_map(|(from, to)| Harm::Repeat(from, to)),
            any::<(Index, Index)>().prop_map(|(one, other)| Harm::SwapLines(one, other)),
        ]
    }

    fn to(&self, text: &mut Vec<u8>) {
        let end = text.len() + 1;
        let range = |from: &Index, to: &Index| {
            let (from, to) = (from.index(end), to.index(end));
            from.min(to)..from.max(to)
        };
        match self {
            Harm::Change(at, byte) => {
                if let Some(place) = text.get_mut(at.index(end)) {
                    *place = *byte;
                }
            }
            Harm::Insert(at, bytes) => {
                let at = at.index(end);
                text.splice(at..at, bytes.iter().copied());
            }
            Harm::Remove(from, to) => {
                text.drain(range(from, to));
            }
            Harm::Repeat(from, to) => text.extend_from_within(range(from, to)),
            Harm::SwapLines(one, other) => {
                let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
                if !lines.is_empty() {
                    let (one, other) = (one.index(lines.len()), other.index(lines.len()));
                    lines.swap(one, other);
                }
                *text = lines.concat();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_to_it_nothing_else_is_read(
        harm in prop::collection::vec(Harm::any(), 1..5),
    ) {
        let mut text = SMALL.text.clone();
        for harm in harm {
            harm.to(&mut text);
        }
        // Anything may be refused, but what is read is what was written.
        let _ = SMALL.read(&text);
    }
}
