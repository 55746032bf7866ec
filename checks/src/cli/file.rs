//! Files: read with a limit, and written as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::paths::{self, directory};

/// Reads a text of at most so many bytes.
///
/// # Errors
/// When it cannot be read, is no UTF-8, or is longer than that.
pub(super) fn read(path: &Path, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    let source = File::open(path)?.take(limit + 1);
    match { source }.read_to_string(&mut text)? as u64 > limit {
        true => Err(ErrorKind::FileTooLarge.into()),
        false => Ok(text),
    }
}

/// Puts a text in the place of a file, so that nobody ever reads half of it.
///
/// # Errors
/// When it cannot be written. What was there before still is.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    match place(path) {
        Place::Stream => fs::write(path, text),
        Place::File(path) => {
            written_beside(&path, text)?.persist(&path)?;
            Ok(())
        }
    }
}

/// Makes a file that was not there, with this text.
///
/// # Errors
/// When there is one, or it cannot be written. Then there is none.
pub(super) fn create(path: &Path, text: &str) -> io::Result<()> {
    written_beside(path, text)?.persist_noclobber(path)?;
    Ok(())
}

/// Whether a file could be [replaced](replace) now.
///
/// # Errors
/// Why not.
pub(super) fn could_be_replaced(path: &Path) -> io::Result<()> {
    match place(path) {
        // Who reads from it would take that for the end.
        Place::Stream if is_fifo(path) => Ok(()),
        Place::Stream => fs::OpenOptions::new().write(true).open(path).map(drop),
        Place::File(path) if path.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Place::File(path) => beside(&path).map(drop),
    }
}

/// Where a text goes.
enum Place {
    /// To be replaced.
    File(PathBuf),
    /// A pipe, a terminal: what is written cannot be taken back.
    Stream,
}

/// Where that is; of a link, where it leads to.
fn place(path: &Path) -> Place {
    let is_other = |kind: fs::Metadata| !kind.is_file() && !kind.is_dir();
    // `/dev/stdout` may be a file, of which the shell has a handle.
    if path.starts_with("/dev") || fs::metadata(path).is_ok_and(is_other) {
        return Place::Stream;
    }
    Place::File(paths::place(path))
}

#[cfg(unix)]
fn is_fifo(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;

    fs::metadata(path).is_ok_and(|kind| kind.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_fifo(_: &Path) -> bool {
    false
}

fn written_beside(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut file = beside(path)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    if let Ok(before) = fs::metadata(path) {
        file.as_file().set_permissions(before.permissions())?;
    }
    Ok(file)
}

/// A new file in the same directory, which is gone unless it is kept.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    // As any other new file: what the user's mask leaves of it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("it is there").flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("report");
        for text in ["first", "second"] {
            could_be_replaced(&path).expect("it can be written");
            replace(&path, text).expect("it can be written");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
        }
        assert!(create(&path, "third").is_err(), "there is one");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "second");
        assert_eq!(names(directory.path()), ["report"]);
    }

    /// As any program that writes into a file would: its mode, and where a link
    /// leads to.
    #[cfg(unix)]
    #[test]
    fn its_mode_and_links_to_it_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let directory = tempfile::tempdir().expect("there is room");
        let [path, link] = ["report", "link"].map(|name| directory.path().join(name));
        fs::write(&path, "").expect("it can be written");
        let mode = fs::Permissions::from_mode(0o640);
        fs::set_permissions(&path, mode).expect("it is ours");
        symlink(&path, &link).expect("a link can be made");
        replace(&link, "new").expect("it can be written");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "new");
        let mode = fs::metadata(&path).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o640);
    }

    #[test]
    fn what_cannot_be_replaced_is_known_before() {
        let directory = tempfile::tempdir().expect("there is room");
        let nowhere = directory.path().join("nowhere").join("report");
        assert!(could_be_replaced(directory.path()).is_err(), "a directory");
        assert!(could_be_replaced(&nowhere).is_err(), "there is none");
        assert_eq!(names(directory.path()), Vec::<String>::new());
    }

    #[test]
    fn a_text_without_end_is_not_read() {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("text");
        fs::write(&path, "12345").expect("it can be written");
        assert_eq!(read(&path, 5).expect("it fits"), "12345");
        assert!(read(&path, 4).is_err());
        #[cfg(unix)]
        assert!(read(Path::new("/dev/zero"), 1 << 20).is_err());
    }
}
