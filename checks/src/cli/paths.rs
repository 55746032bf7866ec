//! Paths, as they are shown and as they are typed, and what they lead to.

use std::fs;
use std::path::{Path, PathBuf};

use miette::miette;

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

/// How many links to what is not there are followed, as by Linux.
const MOST_LINKS: usize = 40;

/// Where a file is, also if there is none yet, by whatever name it goes; of a
/// link, where it leads to.
pub(super) fn place(file: &Path) -> PathBuf {
    let mut file = file.to_owned();
    for _ in 0..MOST_LINKS {
        match file.read_link() {
            Ok(to) => file = directory(&file).join(to),
            Err(_) => break,
        }
    }
    let below = |name| {
        let directory = directory(&file).canonicalize();
        directory.map(|directory| directory.join(name))
    };
    let place = file.canonicalize().ok();
    let place = place.or_else(|| below(file.file_name()?).ok());
    place.unwrap_or(file)
}

/// Refuses to write over another file of the same run: one that is read or
/// kept, or one that is written, too.
///
/// # Errors
/// With the file that is meant to be both.
pub(super) fn keep_apart<'p>(
    written: impl IntoIterator<Item = &'p Path>,
    others: impl IntoIterator<Item: AsRef<Path>>,
) -> miette::Result<()> {
    let others = others.into_iter();
    let mut taken: Vec<PathBuf> = others.map(|file| place(file.as_ref())).collect();
    // Into a pipe or a terminal several can go.
    let is_special = |path: &&Path| fs::metadata(path).is_ok_and(|kind| !kind.is_file());
    for file in written.into_iter().filter(|file| !is_special(file)) {
        let place = place(file);
        if taken.contains(&place) {
            return Err(miette!(
                help = "give each file that is written a name of its own",
                "{} is to be written, and is another file of this run, too",
                named(file)
            ));
        }
        taken.push(place);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_is_where_it_leads_to_also_if_nothing_is_there() {
        use std::os::unix::fs::symlink;

        let directory = tempfile::tempdir().expect("there is room");
        let [link, further, file, round] =
            ["link", "further", "file", "round"].map(|name| directory.path().join(name));
        symlink("further", &link).expect("a link can be made");
        symlink(&file, &further).expect("a link can be made");
        symlink("round", &round).expect("a link can be made");
        assert_eq!(place(&link), place(&file));
        assert_eq!(place(&round), place(&round));
        std::fs::write(&file, "").expect("it can be written");
        assert_eq!(place(&link), place(&file));
    }

    #[test]
    fn no_word_is_more_to_a_shell() {
        assert_eq!(quoted("./my-race.toml"), "./my-race.toml");
        assert_eq!(quoted("$(touch x)/a.toml"), "'$(touch x)/a.toml'");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a\nb\u{1b}[31m"), "'a?b?[31m'");
    }
}
