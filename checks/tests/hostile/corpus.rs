//! What fuzzers have found worth keeping.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use super::KINDS;

/// The most that is kept of all kinds together, in bytes.
const LARGEST: u64 = 400_000;

fn corpus(kind: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    root.join("ci/fuzz/corpus").join(kind)
}

#[test]
fn what_was_found_before_is_harmless_now() {
    let mut size = 0;
    for (kind, check) in KINDS {
        let files = fs::read_dir(corpus(kind)).expect("every kind has a corpus");
        let mut count = 0;
        for file in files {
            let path = file.expect("it can be listed").path();
            let bytes = fs::read(&path).expect("it can be read");
            (count, size) = (count + 1, size + bytes.len() as u64);
            let checked = catch_unwind(|| check(&bytes));
            assert!(checked.is_ok(), "{kind}: {}", path.display());
        }
        assert!(count >= 10, "the corpus of {kind} has {count} files");
    }
    assert!(size <= LARGEST, "the corpus has {size} bytes");
}

/// A target that is not there is not fuzzed.
#[test]
fn every_kind_is_fuzzed() {
    let targets = corpus("../fuzz_targets");
    let names = fs::read_dir(targets).expect("they are beside the corpus");
    let names = names.map(|entry| {
        let path = entry.expect("it can be listed").path();
        let stem = path.file_stem().expect("a target has a name");
        stem.to_string_lossy().into_owned()
    });
    let mut names: Vec<String> = names.collect();
    let mut kinds = KINDS.map(|(kind, _)| kind.to_owned());
    names.sort();
    kinds.sort();
    assert_eq!(names, kinds);
}
