//! Programs on loom's own atomics, without the `sync` layer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::SeqCst;
use stalewake_model::sync::{Ending, MAX_THREADS};

use super::program::{Bits, End, LOCKS, Op, Outcome, Place, Script};

/// How a word is read and overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `load` and `store`.
    Plain,
    /// `fetch_or(0)` and `swap`.
    ReadModifyWrite,
}

/// The outcomes that loom finds.
pub fn outcomes(script: &Script, access: Access) -> BTreeSet<Outcome> {
    let outcomes = Arc::new(Mutex::new(BTreeSet::new()));
    let (found, script) = (outcomes.clone(), Arc::new(script.clone()));
    // Every field is set: loom takes its defaults from the environment.
    let mut builder = loom::model::Builder::new();
    builder.max_threads = loom::MAX_THREADS;
    builder.max_branches = 1_000;
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = None;
    builder.checkpoint_file = None;
    builder.checkpoint_interval = usize::MAX;
    builder.expect_explicit_explore = false;
    builder.location = false;
    builder.log = false;
    builder.check(move || {
        let words: Arc<Vec<AtomicU64>> = Arc::new(
            script
                .words
                .iter()
                .map(|bits| AtomicU64::new(*bits))
                .collect(),
        );
        let handles: Vec<_> = (0..script.threads.len())
            .map(|thread| {
                let (words, script) = (words.clone(), script.clone());
                loom::thread::spawn(move || {
                    let mut seen = Vec::new();
                    for op in &script.threads[thread] {
                        operate(&words, op, access, &mut seen);
                    }
                    seen
                })
            })
            .collect();
        let threads = handles
            .into_iter()
            .map(|handle| (handle.join().expect("no thread panics"), End::Returned))
            .collect();
        let outcome = Outcome {
            threads,
            words: words
                .iter()
                .map(|word| (word.fetch_or(0, SeqCst), 0))
                .collect(),
            made: vec![Vec::new(); script.threads.len()],
            counter: script.counter,
            pinned: 1 + MAX_THREADS as i64,
            locks: vec![(0, None); LOCKS],
            ending: Ending::Finished,
            kinds: BTreeSet::new(),
        };
        found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(outcome);
    });
    std::mem::take(&mut outcomes.lock().unwrap_or_else(PoisonError::into_inner))
}

fn operate(words: &[AtomicU64], op: &Op, access: Access, seen: &mut Vec<i64>) {
    let read = |word: usize| match access {
        Access::Plain => words[word].load(SeqCst),
        Access::ReadModifyWrite => words[word].fetch_or(0, SeqCst),
    };
    let Op::Bits {
        word: Place::Shared(word),
        op,
    } = *op
    else {
        unreachable!("only words that are there from the start are raw atomics");
    };
    match op {
        Bits::Test { mask } => seen.push((read(word) & mask != 0).into()),
        Bits::Load => seen.push(read(word) as i64),
        Bits::Set { mask } => {
            words[word].fetch_or(mask, SeqCst);
        }
        Bits::Store { value } => match access {
            Access::Plain => words[word].store(value, SeqCst),
            Access::ReadModifyWrite => {
                words[word].swap(value, SeqCst);
            }
        },
        _ => unreachable!("only loads and stores are run on raw atomics"),
    }
}
