//! A copy of the project in which every mutant is there.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::rewrite::{Mutant, rewrite};

/// What the copy needs.
const PARTS: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "model",
    "checks",
    "scenarios",
    "ci",
];

/// Chooses a mutant, in the copy only.
const CHOICE: &str = "
/// Which change of a step takes place.
pub mod mutant {
    use std::sync::LazyLock;

    static CHOSEN: LazyLock<Option<usize>> = LazyLock::new(|| {
        std::env::var(\"STALEWAKE_MUTANT\").ok()?.parse().ok()
    });

    /// Whether it is this one.
    pub fn is(number: usize) -> bool {
        *CHOSEN == Some(number)
    }
}
";

/// Copies the project, and puts every mutant into the copy of the model. The
/// engine below it is not the model, and is left as it is.
pub fn grow(root: &Path, tree: &Path) -> Result<Vec<Mutant>> {
    if tree.exists() {
        fs::remove_dir_all(tree)?;
    }
    for part in PARTS {
        copy(&root.join(part), &tree.join(part))?;
    }
    // A second binary: an example would want everything that tests want.
    write(
        &tree.join("checks/src/bin/try_mutant.rs"),
        &fs::read_to_string(root.join("ci/mutants/try_mutant.rs"))?,
    )?;
    let source = tree.join("model/src");
    let mut mutants = Vec::new();
    for file in files(&root.join("model/src"))? {
        let Ok(below) = file.strip_prefix(root.join("model/src")) else {
            continue;
        };
        let named = || file.display().to_string();
        let text = fs::read_to_string(&file).with_context(named)?;
        if below.starts_with("sync") {
            continue;
        }
        let mut syntax = syn::parse_file(&text).with_context(named)?;
        let before = mutants.len();
        let name = below.to_string_lossy().into_owned();
        rewrite(&name, &mut syntax, &mut mutants);
        let mut changed = match mutants.len() == before {
            true => text,
            false => prettyplease::unparse(&syntax),
        };
        if name == "lib.rs" {
            changed += CHOICE;
        }
        write(&source.join(below), &changed)?;
    }
    Ok(mutants)
}

/// Every Rust file of a directory, in a fixed order.
fn files(directory: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let named = || from.display().to_string();
    if !from.is_dir() {
        return write(to, &fs::read_to_string(from).with_context(named)?);
    }
    for entry in fs::read_dir(from).with_context(named)? {
        let entry = entry?;
        if entry.file_name() != "target" && !from.join(entry.file_name()).ends_with("model/src") {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        if entry.path().ends_with("model/src") {
            copy_engine(&entry.path(), &to.join("src"))?;
        }
    }
    Ok(())
}

/// The engine, which has no mutants; the model's files are written anew.
fn copy_engine(from: &Path, to: &Path) -> Result<()> {
    copy(&from.join("sync"), &to.join("sync"))
}

fn write(file: &Path, text: &str) -> Result<()> {
    let named = || file.display().to_string();
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).with_context(named)?;
    }
    fs::write(file, text).with_context(named)
}
