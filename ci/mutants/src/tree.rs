//! A copy of the project in which every mutant is there.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::mutant::{Code, Mutant};
use crate::rewrite::rewrite;
use crate::survey::Survey;

/// What the copy needs.
const PARTS: [&str; 7] = [
    "Cargo.toml",
    "Cargo.lock",
    "model",
    "checks",
    "scenarios",
    "ci/baseline.jsonl",
    "ci/mutants",
];

/// What no verdict depends on: it estimates, draws, samples, or tells a story.
const NO_VERDICT: [&str; 7] = [
    "explore/estimate.rs",
    "explore/follow.rs",
    "explore/progress.rs",
    "explore/replay.rs",
    "explore/sample.rs",
    "explore/tree.rs",
    "sync/random.rs",
];

/// Chooses a mutant, and says which of them could have been, in the copy only;
/// `COUNT` is how many there are.
const CHOICE: &str = r#"
/// Which change of a step takes place.
pub mod mutant {
    use std::collections::BTreeSet;
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    static CHOSEN: LazyLock<Option<usize>> = LazyLock::new(|| {
        std::env::var("STALEWAKE_MUTANT").ok()?.parse().ok()
    });

    /// The one that is chosen, if all else is known: nobody wants to know of others.
    static ONLY: AtomicUsize = AtomicUsize::new(usize::MAX);

    /// A file for all that are reached, if anybody wants to know.
    static FILE: LazyLock<Option<File>> = LazyLock::new(|| {
        let file = std::env::var_os("STALEWAKE_REACHED")?;
        Some(OpenOptions::new().append(true).open(file).expect("it is there"))
    });

    static REACHED: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];

    /// Whether it is this one. It is asked at every step of everything.
    #[inline]
    pub fn is(number: usize) -> bool {
        match ONLY.load(Relaxed) {
            usize::MAX => is_first(number),
            only => only == number,
        }
    }

    #[cold]
    fn is_first(number: usize) -> bool {
        if let (Some(chosen), None) = (*CHOSEN, &*FILE) {
            ONLY.store(chosen, Relaxed);
        }
        if let Some(file) = &*FILE
            && !REACHED[number].load(Relaxed)
            && !REACHED[number].swap(true, Relaxed)
        {
            let line = format!("{number}\n");
            let mut file: &File = file;
            file.write_all(line.as_bytes()).expect("there is room");
        }
        *CHOSEN == Some(number)
    }

    /// What was reached since this was asked last; nothing if nobody wants to know.
    pub fn take_reached() -> Option<BTreeSet<usize>> {
        let reached = (0..COUNT).filter(|number| REACHED[*number].swap(false, Relaxed));
        FILE.is_some().then(|| reached.collect())
    }

    /// Which one is chosen.
    pub fn chosen() -> Option<usize> {
        *CHOSEN
    }
}
"#;

/// Copies the project, and puts every mutant into the copy of the model, of the
/// engine below it and of the explorer above it.
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
        fs::read(root.join("ci/mutants/try_mutant.rs"))?,
    )?;
    let parts = [
        ("model/src", Code::Model),
        ("checks/src/explore", Code::Explorer),
    ];
    let mut sources = Vec::new();
    for (part, _) in parts {
        for file in files(&root.join(part))? {
            sources.push(parsed(&file)?);
        }
    }
    let survey = Survey::of(&sources);
    let mut mutants = Vec::new();
    for (part, code) in parts {
        for file in files(&root.join(part))? {
            // A module of unit tests is what notices.
            let is_tests = file.ends_with("tests.rs");
            if is_tests || NO_VERDICT.iter().any(|name| file.ends_with(name)) {
                continue;
            }
            let below = file.strip_prefix(root)?;
            let name = below.to_string_lossy().into_owned();
            let code = match name.starts_with("model/src/sync") {
                true => Code::Engine,
                false => code,
            };
            let mut syntax = parsed(&file)?;
            let before = mutants.len();
            rewrite(&name, code, &survey, &mut syntax, &mut mutants);
            if mutants.len() > before {
                write(&tree.join(below), prettyplease::unparse(&syntax))?;
            }
        }
    }
    let library = tree.join("model/src/lib.rs");
    let choice = CHOICE.replace("COUNT", &mutants.len().to_string());
    write(&library, fs::read_to_string(&library)? + &choice)?;
    Ok(mutants)
}

/// The source of a file.
fn parsed(file: &Path) -> Result<syn::File> {
    let named = || file.display().to_string();
    let text = fs::read_to_string(file).with_context(named)?;
    syn::parse_file(&text).with_context(named)
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
        return write(to, fs::read(from).with_context(named)?);
    }
    for entry in fs::read_dir(from).with_context(named)? {
        let entry = entry?;
        if entry.file_name() != "target" {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn write(file: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    let named = || file.display().to_string();
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).with_context(named)?;
    }
    fs::write(file, text).with_context(named)
}
