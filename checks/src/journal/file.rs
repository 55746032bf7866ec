//! The file of a journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::JournalError;
use super::cells::{Kept, read};
use super::lines::{cell_line, first_line};
use crate::cell::Cell;
use crate::explore::Options;
use crate::verdict::{Status, Verdict};

/// The largest journal, in bytes; all shipped cells take a hundredth of it.
pub(super) const LARGEST: u64 = 64 << 20;

/// A journal that this run, and no other, writes to.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
    path: PathBuf,
    first_line: String,
    /// How many bytes are on the disk for sure.
    pub(super) length: u64,
}

impl JournalFile {
    /// Opens a journal of these cells, explored in this way, or begins one. Also
    /// returns what is in it, and how many bytes of a torn last line were
    /// dropped.
    ///
    /// # Errors
    /// When it is not a journal of this run, when another run has it, or when it
    /// cannot be read or written to.
    pub fn open(
        path: &Path,
        cells: &[Cell],
        options: &Options,
    ) -> Result<(JournalFile, Kept, usize), JournalError> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(JournalError::Open)?;
        // Devices can be read without end.
        if !file.metadata().map_err(JournalError::Open)?.is_file() {
            return Err(JournalError::NoFile);
        }
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::InUse { by: holder(&file) },
            TryLockError::Error(error) => JournalError::Open(error),
        })?;
        let mut text = Vec::new();
        let whole = (&file).take(LARGEST + 1).read_to_end(&mut text);
        if whole.map_err(JournalError::Open)? as u64 > LARGEST {
            return Err(JournalError::TooLarge);
        }
        let kept = read(&text, cells, options)?;
        let mut journal = JournalFile {
            file,
            path: path.to_owned(),
            first_line: first_line(options),
            length: kept.whole as u64,
        };
        let torn = text.len() - kept.whole;
        if torn > 0 {
            let cut = journal.file.set_len(journal.length);
            cut.map_err(JournalError::Write)?;
        }
        if kept.whole == 0 {
            let line = journal.first_line.clone();
            journal.write(&line)?;
            sync_directory(path);
        }
        Ok((journal, kept, torn))
    }

    /// Adds a cell, if it was explored to its end. It is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// When it cannot be written. Then it is not in the file, and the others
    /// still are; unless the file is gone.
    pub fn append(&mut self, verdict: &Verdict) -> Result<(), JournalError> {
        if verdict.status != Status::Complete {
            return Ok(());
        }
        self.write(&cell_line(&self.first_line, verdict))
    }

    /// Whether the next run would find what this one has written.
    #[cfg(unix)]
    fn is_there(&self) -> bool {
        use std::os::unix::fs::MetadataExt;

        let (named, ours) = (std::fs::metadata(&self.path), self.file.metadata());
        named.ok().zip(ours.ok()).is_some_and(|(named, ours)| {
            (named.dev(), named.ino(), named.len()) == (ours.dev(), ours.ino(), self.length)
        })
    }

    #[cfg(not(unix))]
    fn is_there(&self) -> bool {
        true
    }

    fn write(&mut self, line: &str) -> Result<(), JournalError> {
        // The next run would not read it.
        if self.length + line.len() as u64 > LARGEST {
            return Err(JournalError::Full);
        }
        let written = self.file.write_all(line.as_bytes());
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            // If this fails as well, the next run drops what is left of it.
            let _ = self.file.set_len(self.length);
            return Err(JournalError::Write(error));
        }
        self.length += line.len() as u64;
        match self.is_there() {
            true => Ok(()),
            false => Err(JournalError::Gone),
        }
    }
}

/// A file is only there after a power cut if its directory is on the disk, too.
/// Not every system can do that.
fn sync_directory(file: &Path) {
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}

/// The process that has locked a file, where the system tells.
#[cfg(target_os = "linux")]
fn holder(file: &File) -> Option<u32> {
    use std::os::linux::fs::MetadataExt;

    let inode = file.metadata().ok()?.st_ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 4711 00:2a:123456 0 EOF`
    let process = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        (words.next()? == "FLOCK").then_some(())?;
        let process = words.nth(2)?.parse().ok()?;
        let (_, number) = words.next()?.rsplit_once(':')?;
        (number.parse() == Ok(inode)).then_some(process)
    };
    locks.lines().find_map(process)
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &File) -> Option<u32> {
    None
}
