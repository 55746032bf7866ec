//! Paths, as they are shown and as they are typed.

use std::path::{Path, PathBuf};

pub(super) use stalewake::printable_path as named;

/// A text as a shell takes it for one word.
pub(super) fn quoted(text: &str) -> String {
    let text = named(Path::new(text));
    // Only a zero byte cannot be quoted, and that is not printed.
    shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
}

/// The directory that a file is in.
pub(super) fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Where a file is, also if there is none yet, by whatever name it goes.
pub(super) fn place(file: &Path) -> PathBuf {
    let below = |name| {
        let directory = directory(file).canonicalize();
        directory.map(|directory| directory.join(name))
    };
    let place = file.canonicalize().ok();
    let place = place.or_else(|| below(file.file_name()?).ok());
    place.unwrap_or_else(|| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_more_to_a_shell() {
        assert_eq!(quoted("./my-race.toml"), "./my-race.toml");
        assert_eq!(quoted("$(touch x)/a.toml"), "'$(touch x)/a.toml'");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a\nb\u{1b}[31m"), "'a?b?[31m'");
    }
}
