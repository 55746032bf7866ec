//! Runs that lose nothing: what is finished is kept, and what breaks down or is
//! interrupted is said to be unfinished.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use miette::{WrapErr, miette};
use stalewake::cell::Cell;
use stalewake::explore::Options;
use stalewake::journal::{JournalError, JournalFile};
use stalewake::report::aside;
use stalewake::report::progress::Bar;
use stalewake::report::wrap;
use stalewake::verdict::{Status, Verdict};
use stalewake::worker::knows_memory;

use super::error::HELP_WIDTH;
use super::paths::named;
use super::run::{Crew, INTERRUPTED, InOrder, Limits, Stop, available, complain_of, explore_each};
use super::{at_least_one, duration, size};

/// How a run is done, whatever it searches.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    /// Write every finished cell to this file, at once, and do not repeat those
    /// that are in it already: after a run that was interrupted or killed, the
    /// same command goes on. A file that is not there is begun.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// How many processes explore [default: as the machine can].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    jobs: Option<NonZeroUsize>,
    /// Give up on a cell after this time, such as 30s: that is an error, and
    /// the others go on.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    cell_timeout: Option<Duration>,
    /// Give up on a cell if a process needs more memory for it than this, such
    /// as 512M: that is an error, and the others go on.
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    cell_memory: Option<u64>,
    /// Give up on a cell if a process says nothing for this time.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "60s")]
    hung_after: Duration,
}

impl RunOptions {
    /// The journal, if there is to be one.
    pub(super) fn journal(&self) -> Option<&Path> {
        self.resume.as_deref()
    }

    fn crew(&self) -> miette::Result<Crew> {
        if self.cell_memory.is_some() && !knows_memory() {
            return Err(miette!(
                help = "leave out --cell-memory",
                "this system does not tell in /proc how much memory a process has"
            ));
        }
        Ok(Crew {
            jobs: self.jobs.unwrap_or_else(available),
            limits: Limits {
                time: self.cell_timeout,
                memory: self.cell_memory,
                silence: self.hung_after,
            },
            stop: Stop::on_signals()?,
        })
    }
}

/// A run over some cells, of which some may have been finished before.
pub(super) struct Run<'c> {
    cells: &'c [Cell],
    options: &'c Options,
    crew: Crew,
    finished: HashMap<usize, Verdict>,
    journal: Option<(JournalFile, &'c Path)>,
}

/// How a run has ended.
#[must_use]
pub(super) struct Ended {
    finished: usize,
    of: usize,
    interrupted: bool,
    journal: Option<PathBuf>,
    /// Why the journal has not got everything, and which finished cells are
    /// not in it.
    unwritten: Option<(JournalError, Vec<String>)>,
}

impl<'c> Run<'c> {
    /// Makes ready, and says what was finished before.
    ///
    /// # Errors
    /// When the journal is of something else, in use, or cannot be written to.
    pub(super) fn new(
        cells: &'c [Cell],
        options: &'c Options,
        asked: &'c RunOptions,
    ) -> miette::Result<Run<'c>> {
        let mut run = Run {
            cells,
            options,
            crew: asked.crew()?,
            finished: HashMap::new(),
            journal: None,
        };
        if let Some(path) = &asked.resume {
            if path == Path::new("-") {
                return Err(miette!(
                    help = "name a file: the next run reads what this one has written",
                    "cannot go on with journal -: it is no regular file"
                ));
            }
            let name = named(path);
            let (file, kept, torn) = JournalFile::open(path, cells, options)
                .map_err(miette::Report::from)
                .wrap_err_with(|| format!("cannot go on with journal {name}"))?;
            if torn > 0 {
                aside(format_args!(
                    "warning: the last line of {name} was cut off and is dropped"
                ));
            }
            if kept.others > 0 {
                aside(format_args!(
                    "note: {} of {name} are of other cells, and are kept",
                    kept.others
                ));
            }
            if kept.whole > 0 {
                let (finished, of) = (kept.verdicts.len(), cells.len());
                aside(format_args!(
                    "note: {finished} of {of} cells were in {name}"
                ));
            }
            run.finished = kept.verdicts;
            run.journal = Some((file, path));
        }
        Ok(run)
    }

    /// How many cells had been finished before.
    pub(super) fn resumed(&self) -> usize {
        self.finished.len()
    }

    /// How many cells there are to explore.
    pub(super) fn left(&self) -> usize {
        self.cells.len() - self.finished.len()
    }

    /// Explores what is left, and hands over all verdicts in the order of the
    /// cells, each as soon as those before it are there. One that is finished
    /// is in the journal before that.
    pub(super) fn explore(mut self, bar: &Bar, mut verdict: impl FnMut(usize, Verdict)) -> Ended {
        let mut ended = Ended {
            finished: self.finished.len(),
            of: self.cells.len(),
            interrupted: false,
            journal: self.journal.as_ref().map(|(_, path)| path.to_path_buf()),
            unwritten: None,
        };
        let places = (0..self.cells.len()).filter(|place| !self.finished.contains_key(place));
        let (places, left): (Vec<usize>, Vec<Cell>) = places
            .map(|place| (place, self.cells[place].clone()))
            .unzip();
        let mut order = InOrder::default();
        for (place, found) in self.finished.drain() {
            order.add(place, found, &mut verdict);
        }
        explore_each(&left, self.options, &self.crew, bar, |place, found| {
            complain_of(&found, bar);
            if found.status == Status::Complete {
                ended.finished += 1;
                if let Some((file, _)) = &mut self.journal {
                    ended.keep(file, &found, &self.crew.stop);
                }
            }
            order.add(places[place], found, &mut verdict);
        });
        let stopped = self.crew.stop.over();
        ended.interrupted = stopped && ended.unwritten.is_none() && ended.finished < ended.of;
        ended
    }
}

impl Ended {
    /// Writes a finished cell. If that fails, the run is of no use any more.
    fn keep(&mut self, file: &mut JournalFile, verdict: &Verdict, stop: &Stop) {
        let name = verdict.cell.to_string();
        match &mut self.unwritten {
            Some((_, cells)) => cells.push(name),
            None => {
                if let Err(error) = file.append(verdict) {
                    self.unwritten = Some((error, vec![name]));
                    stop.ask();
                }
            }
        }
    }

    /// Says what has happened beside the answer. The exit code is `code`, the
    /// one that the answer has, if that was nothing.
    ///
    /// # Errors
    /// When the journal could not be written to, or the answer not be given.
    pub(super) fn code(self, code: miette::Result<u8>) -> miette::Result<ExitCode> {
        let Ended { finished, of, .. } = self;
        let journal = self.journal.map(|path| named(&path));
        let journal = journal.as_deref().unwrap_or_default();
        if let Some((error, lost)) = self.unwritten {
            if let Err(other) = code {
                aside(format_args!("{other:?}"));
            }
            let kept = finished - lost.len();
            let lost = format!("finished, but not in it: {}", lost.join(", "));
            match error {
                JournalError::Gone => aside(format_args!(
                    "the run was ended: {finished} of {of} cells were finished"
                )),
                _ => {
                    aside(format_args!(
                        "the run was ended: {kept} of {of} cells are in journal {journal}"
                    ));
                    aside(format_args!("{}", wrap(&lost, HELP_WIDTH, 2).join("\n")));
                }
            }
            return Err(miette::Report::from(error))
                .wrap_err_with(|| format!("cannot go on with journal {journal}"));
        }
        if !self.interrupted {
            return Ok(code?.into());
        }
        aside(format_args!(
            "interrupted: {finished} of {of} cells were finished"
        ));
        match journal {
            "" => aside(format_args!(
                "to go on after an interruption, a run needs --resume FILE"
            )),
            file => aside(format_args!(
                "they are in {file}: the same command goes on with the others"
            )),
        }
        code?;
        Ok(INTERRUPTED.into())
    }
}
