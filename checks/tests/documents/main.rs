//! The documents are true: their commands run, their scenarios are as they
//! expect, what they quote is what the files say, and their links lead
//! somewhere.

#![cfg(unix)]

mod commands;
mod findings;
mod format;
mod markdown;
mod quotes;

use std::fs;
use std::path::{Path, PathBuf};

use self::markdown::Block;

/// Every document, from the root of the repository.
const DOCUMENTS: [&str; 5] = [
    "README.md",
    "scenarios/README.md",
    "scenarios/GUIDE.md",
    "checks/README.md",
    "model/README.md",
];

/// A place in the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn blocks(document: &str) -> Vec<Block> {
    markdown::blocks(&read(document))
}

/// A directory of its own for one test.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("documents")
        .join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the directory can be made");
    path
}
