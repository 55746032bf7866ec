//! Seeds, changed at random: what a fuzzer does, without one.

use std::fmt;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

use super::seeds;

/// How many inputs of each kind are tried, unless `STALEWAKE_HOSTILE` says so.
const CASES: u32 = 300;

/// What is put in, beside what other seeds have.
const PIECES: [&str; 18] = [
    "[",
    "[[",
    "{",
    "\"",
    "\"\"\"",
    "\\",
    "\n",
    "\r",
    "\u{0}",
    "\u{1b}]0;x\u{7}",
    "\u{9b}31m",
    "\\u001b[2J",
    "\u{202e}",
    "\u{1e}",
    "=",
    "/",
    "+x=y",
    "é",
];

/// What takes the place of a number or a word.
const WORDS: [&str; 14] = [
    "0",
    "-1",
    "1/4294967295",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999999999",
    "1e999",
    "0x7fffffffffffffff",
    "null",
    "c11",
    "incomplete",
    "\\u001b]0;x\\u0007",
    "",
];

/// An input; shown so that it can be copied into a test.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// A change of an input, at a place that is there however long it is.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Cut(Index, Index),
    /// From here on, another seed from there on.
    Splice(Index, Index, Index),
    Insert(Index, String),
    /// In place of a number or a word.
    Word(Index, String),
    /// In place of a word, one of another seed.
    Borrow(Index, Index, Index),
    /// A line once more, at another place.
    Repeat(Index, Index),
}

/// Checks a few mutants of the seeds of a kind of input.
pub fn mutated(kind: &str, check: fn(&[u8])) {
    let cases = match std::env::var("STALEWAKE_HOSTILE") {
        Ok(cases) => cases.parse().expect("STALEWAKE_HOSTILE is a number"),
        Err(_) => CASES,
    };
    let seeds = seeds::of(kind);
    let inputs = (any::<Index>(), prop::collection::vec(changes(), 1..6)).prop_map(
        move |(seed, changes)| {
            let mut bytes = seed.get(&seeds).clone();
            for change in changes {
                change.apply(&mut bytes, &seeds);
            }
            Input(bytes)
        },
    );
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&inputs, |input| {
            check(&input.0);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{kind}: {failure}"));
}

fn changes() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let pieces = (select(&PIECES[..]), select(&[1, 1, 1, 3, 200, 20_000][..]));
    let pieces = pieces.prop_map(|(piece, times)| piece.repeat(times));
    let words = select(&WORDS[..]).prop_map(str::to_owned);
    prop_oneof![
        1 => (at(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        1 => (at(), at()).prop_map(|(one, other)| Change::Cut(one, other)),
        1 => (at(), at(), at()).prop_map(|(at, seed, from)| Change::Splice(at, seed, from)),
        1 => (at(), pieces).prop_map(|(at, piece)| Change::Insert(at, piece)),
        3 => (at(), words).prop_map(|(at, word)| Change::Word(at, word)),
        3 => (at(), at(), at()).prop_map(|(at, seed, from)| Change::Borrow(at, seed, from)),
        1 => (at(), at()).prop_map(|(line, at)| Change::Repeat(line, at)),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let place = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
        match self {
            Change::Flip(at, bit) => {
                let at = place(at, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Change::Cut(one, other) => {
                let (one, other) = (place(one, bytes), place(other, bytes));
                bytes.drain(one.min(other)..one.max(other));
            }
            Change::Splice(at, seed, from) => {
                let seed = seed.get(seeds);
                bytes.truncate(place(at, bytes));
                bytes.extend_from_slice(&seed[place(from, seed)..]);
            }
            Change::Insert(at, piece) => {
                let at = place(at, bytes);
                bytes.splice(at..at, piece.bytes());
            }
            Change::Word(at, word) => {
                if let Some(old) = word_at(at, bytes) {
                    bytes.splice(old, word.bytes());
                }
            }
            Change::Borrow(at, seed, from) => {
                let seed = seed.get(seeds);
                if let (Some(old), Some(new)) = (word_at(at, bytes), word_at(from, seed)) {
                    bytes.splice(old, seed[new].iter().copied());
                }
            }
            Change::Repeat(line, at) => {
                let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
                if !lines.is_empty() {
                    let (line, at) = (line.index(lines.len()), at.index(lines.len()));
                    let (before, after) = lines.split_at(at);
                    *bytes = [before, &[lines[line]], after].concat().concat();
                }
            }
        }
    }
}

/// One of the words and numbers, such as `shmem-tail` or `1/2`.
fn word_at(at: &Index, bytes: &[u8]) -> Option<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./".contains(byte);
    let mut words: Vec<Range<usize>> = Vec::new();
    for (place, _) in bytes.iter().enumerate().filter(|(_, byte)| is_part(byte)) {
        match words.last_mut() {
            Some(last) if last.end == place => last.end += 1,
            _ => words.push(place..place + 1),
        }
    }
    (!words.is_empty()).then(|| words[at.index(words.len())].clone())
}
