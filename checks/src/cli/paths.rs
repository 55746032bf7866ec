//! Paths, as they are shown and as they are typed.

use std::path::{Path, PathBuf};

use stalewake::printable;

/// The longest path that is printed, in characters: Linux has no longer ones.
const LONGEST: usize = 4096;

/// A path in a message. Its name may have been chosen by somebody else.
pub(super) fn named(path: &Path) -> String {
    printable(&path.display().to_string(), LONGEST)
}

/// A text as a shell takes it for one word.
pub(super) fn quoted(text: &str) -> String {
    let text = printable(text, LONGEST);
    // Only a zero byte cannot be quoted, and that is not printed.
    shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
}

/// Where a file is, also if there is none yet, by whatever name it goes.
pub(super) fn place(file: &Path) -> PathBuf {
    let below = |name| {
        let parent = file.parent().filter(|parent| *parent != Path::new(""));
        let parent = parent.unwrap_or(Path::new(".")).canonicalize();
        parent.map(|parent| parent.join(name))
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
