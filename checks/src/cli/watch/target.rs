//! What is watched, and when it was saved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use miette::Diagnostic;
use notify_debouncer_mini::notify::{self, RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};

use super::super::{From, paths};

/// An editor may write a file in several goes; this long after the first it is
/// looked at.
const SETTLED: Duration = Duration::from_millis(100);

/// Why nothing is watched.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(super) enum NotWatched {
    #[error("there is no file and no directory `{name}`")]
    #[diagnostic(help("`stalewake new NAME` writes a scenario file to begin with"))]
    Missing { name: String },
    #[error("`{name}` is no file: the shipped scenarios do not change")]
    #[diagnostic(help("name a .toml file or a directory, or the directory with --scenarios"))]
    NoFile { name: String },
    #[error("`{directory}` was removed, or is another directory now")]
    #[diagnostic(help("nothing in it would be noticed any more: start again"))]
    Gone { directory: String },
    #[error("cannot watch `{directory}`")]
    Refused {
        directory: String,
        source: notify::Error,
    },
}

/// How often it is looked whether the directory is still there.
const LOOK: Duration = Duration::from_secs(1);

/// What is watched.
pub(super) struct Target {
    /// Editors save by renaming, so a file is watched in its directory.
    directory: PathBuf,
    /// Which directory that was in the beginning.
    identity: Option<Identity>,
    /// The name of the only file that matters, if there is one.
    file: Option<PathBuf>,
    /// What names the scenarios, as for `check`.
    pub(super) arguments: Vec<String>,
    /// Where they are looked up.
    pub(super) from: From,
}

impl Target {
    /// What these arguments mean: the same as for `check`, or a directory.
    ///
    /// # Errors
    /// When there is nothing of that name.
    pub(super) fn of(what: &str, directory: Option<&Path>) -> Result<Target, NotWatched> {
        let path = Path::new(what);
        let is_path = what.ends_with(".toml") || what.contains('/');
        let missing = |name: &Path| NotWatched::Missing {
            name: paths::named(name),
        };
        match directory {
            _ if is_path && path.is_file() => Ok(Target {
                directory: paths::directory(path).to_owned(),
                identity: identity(paths::directory(path)),
                file: path.file_name().map(PathBuf::from),
                arguments: vec![what.to_owned()],
                from: From { directory: None },
            }),
            Some(directory) if directory.is_dir() => {
                let scenario = what.split('/').next().unwrap_or(what);
                Ok(Target {
                    file: Some(format!("{scenario}.toml").into()),
                    arguments: vec![what.to_owned()],
                    ..Target::all_of(directory)
                })
            }
            Some(directory) => Err(missing(directory)),
            None if path.is_dir() => Ok(Target::all_of(path)),
            None if is_path => Err(missing(path)),
            None => Err(NotWatched::NoFile {
                name: paths::named(path),
            }),
        }
    }

    fn all_of(directory: &Path) -> Target {
        Target {
            directory: directory.to_owned(),
            identity: identity(directory),
            file: None,
            arguments: Vec::new(),
            from: From {
                directory: Some(directory.to_owned()),
            },
        }
    }

    /// Begins to watch; what happens from here on is told.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub(super) fn watch(
        &self,
    ) -> Result<(Debouncer<RecommendedWatcher>, Receiver<DebounceEventResult>), NotWatched> {
        let (sender, receiver) = mpsc::channel();
        let watching = new_debouncer(SETTLED, sender).and_then(|mut debouncer| {
            let watcher = debouncer.watcher();
            watcher.watch(&self.directory, RecursiveMode::NonRecursive)?;
            Ok(debouncer)
        });
        match watching {
            Ok(debouncer) => Ok((debouncer, receiver)),
            Err(source) => Err(NotWatched::Refused {
                directory: paths::named(&self.directory),
                source,
            }),
        }
    }

    /// Blocks until a file was saved, changed or not, and names those that were.
    ///
    /// # Errors
    /// When nothing can be watched any more.
    pub(super) fn wait_for_save(
        &self,
        events: &Receiver<DebounceEventResult>,
        seen: &mut BTreeMap<PathBuf, Stamp>,
    ) -> miette::Result<Vec<String>> {
        loop {
            let directory = || paths::named(&self.directory);
            let event = events.recv_timeout(LOOK);
            if self.is_gone() {
                let directory = directory();
                return Err(NotWatched::Gone { directory }.into());
            }
            match event {
                Ok(Ok(_)) => {}
                Ok(Err(source)) => {
                    let directory = directory();
                    return Err(NotWatched::Refused { directory, source }.into());
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(miette::miette!("the watcher has ended"));
                }
            }
            // Reading a file is an event, too, and so is another file's.
            let now = self.stamps();
            let all = now.keys().chain(seen.keys()).collect::<BTreeSet<_>>();
            let saved = all
                .into_iter()
                .filter(|file| now.get(*file) != seen.get(*file));
            let saved: Vec<String> = saved.map(|file| paths::named(file)).collect();
            *seen = now;
            if !saved.is_empty() {
                return Ok(saved);
            }
        }
    }

    /// Whether what goes by the directory's name is not what is watched.
    fn is_gone(&self) -> bool {
        identity(&self.directory) != self.identity
    }

    /// When each file that matters was last written.
    pub(super) fn stamps(&self) -> BTreeMap<PathBuf, Stamp> {
        let entries = fs::read_dir(&self.directory)
            .into_iter()
            .flatten()
            .flatten();
        let mut stamps = BTreeMap::new();
        for entry in entries {
            let name = PathBuf::from(entry.file_name());
            let matters = match &self.file {
                Some(file) => name == *file,
                None => name
                    .extension()
                    .is_some_and(|extension| extension == "toml"),
            };
            // By its path, since an entry would not follow a link.
            if matters && let Ok(found) = fs::metadata(entry.path()) {
                stamps.insert(name, (found.modified().ok(), found.len()));
            }
        }
        stamps
    }
}

/// The device that a directory is on, its number there, which may be given again,
/// and when it was made.
type Identity = (u64, u64, Option<SystemTime>);

#[cfg(unix)]
fn identity(directory: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;

    let found = fs::metadata(directory).ok()?;
    Some((found.dev(), found.ino(), found.created().ok()))
}

#[cfg(not(unix))]
fn identity(directory: &Path) -> Option<Identity> {
    directory.is_dir().then_some((0, 0, None))
}

/// When a file was written, and how long it is.
pub(super) type Stamp = (Option<SystemTime>, u64);
