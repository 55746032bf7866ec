//! What `cargo package` would publish of both crates: all that is needed to
//! build them, and nothing that only happened to lie there.

#![cfg(not(packaged))]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The largest file that a crate may have, in bytes.
const LARGEST: u64 = 128 * 1024;

/// The endings of what a crate is made of.
const ENDINGS: [&str; 12] = [
    "css", "html", "js", "json", "jsonl", "lock", "md", "rs", "snap", "svg", "toml", "txt",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of a package, as cargo lists them without a complaint.
fn packaged(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .args(["--package", package])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    // That it waits for another cargo is no complaint.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("warning:"), "{package}: {said}");
    assert!(output.status.success(), "{package}: {said}");
    let list = String::from_utf8(output.stdout).expect("the names are text");
    list.lines().map(str::to_owned).collect()
}

/// The files below a directory of a crate, named as in its package.
fn files(directory: &Path, name: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(directory.join(name)).expect("it can be listed");
    entries
        .flat_map(|entry| {
            let entry = entry.expect("it can be listed");
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            match entry.path().is_dir() {
                true => files(directory, &name),
                false => BTreeSet::from([name]),
            }
        })
        .collect()
}

#[test]
fn a_package_has_what_it_needs() {
    let own = ["src", "tests", "scenarios", "schema", "benches", "examples"];
    for (package, directory, parts) in [
        ("stalewake", "checks", &own[..]),
        ("stalewake-model", "model", &own[..2]),
    ] {
        let packaged = packaged(package);
        let files = parts
            .iter()
            .map(|part| files(&root().join(directory), part));
        let mut needed: BTreeSet<String> = files.flatten().collect();
        assert!(needed.len() > 20);
        for file in [
            "Cargo.lock",
            "Cargo.toml",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "README.md",
        ] {
            needed.insert(file.to_owned());
        }
        let missing: Vec<&String> = needed.difference(&packaged).collect();
        assert!(missing.is_empty(), "{package} lacks {missing:?}");
    }
}

#[test]
fn a_package_has_nothing_else() {
    for (package, directory) in [("stalewake", "checks"), ("stalewake-model", "model")] {
        for file in packaged(package) {
            let made_by_cargo = [".cargo_vcs_info.json", "Cargo.toml.orig"];
            if made_by_cargo.contains(&file.as_str()) || file.starts_with("LICENSE-") {
                continue;
            }
            let path = Path::new(&file);
            let ending = path.extension().and_then(|ending| ending.to_str());
            let known = ending.is_some_and(|ending| ENDINGS.contains(&ending));
            assert!(known, "{package}: what is {file}?");
            // The lock file is the workspace's.
            if let Ok(file) = fs::metadata(root().join(directory).join(path)) {
                assert!(file.len() <= LARGEST, "{package}: {path:?} is too large");
            }
        }
    }
}

/// Both licences ask that their text goes with every copy.
#[test]
fn the_licences_are_those_of_the_repository() {
    for directory in ["checks", "model"] {
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let read = |path: PathBuf| fs::read_to_string(path).expect("it is there");
            assert_eq!(
                read(root().join(directory).join(licence)),
                read(root().join(licence))
            );
        }
    }
}
