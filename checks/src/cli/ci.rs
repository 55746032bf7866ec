//! What continuous integration reads beside the answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use miette::miette;
use stalewake::report::Checked;
use stalewake::report::aside;
use stalewake::report::github::annotations;
use stalewake::report::junit::junit;
use stalewake::report::markdown::markdown;

use super::Format;
use super::output::{print, write};
use super::paths::{named, place};

/// Reports for programs that run this one. They say the same as the exit code.
#[derive(Debug, Args)]
pub(super) struct Reports {
    /// Also write a JUnit report, with a test case for each cell.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Also write a summary in Markdown: what differs, and a word for each cell.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Also print what differs as annotations for GitHub, which shows them at
    /// the lines of the scenarios; on standard error under --format json.
    #[arg(long)]
    github: bool,
}

impl Reports {
    /// The files that are to be written.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.junit, &self.markdown]
            .into_iter()
            .filter_map(Option::as_deref)
    }

    /// Refuses reports that would be written over each other, or over what is read.
    ///
    /// # Errors
    /// With the file that is meant to be both.
    pub(super) fn keep_apart<'p>(
        &self,
        inputs: impl Iterator<Item = &'p Path>,
    ) -> miette::Result<()> {
        let mut taken: Vec<PathBuf> = inputs.map(place).collect();
        // Into a pipe or a terminal both can go.
        let is_special = |path: &Path| fs::metadata(path).is_ok_and(|kind| !kind.is_file());
        for report in self.files().filter(|report| !is_special(report)) {
            if taken.contains(&place(report)) {
                return Err(miette!(
                    help = "give each report a file of its own",
                    "{} is to be both a report and another file of this run",
                    named(report)
                ));
            }
            taken.push(place(report));
        }
        Ok(())
    }

    /// Writes what was asked for.
    ///
    /// # Errors
    /// When a file cannot be written to.
    pub(super) fn write(
        &self,
        checked: &[Checked],
        elapsed: Duration,
        format: Format,
    ) -> miette::Result<()> {
        if let Some(file) = &self.junit {
            write(file, &junit(checked))?;
        }
        if let Some(file) = &self.markdown {
            write(file, &markdown(checked, elapsed))?;
        }
        match (self.github, format) {
            (false, _) => Ok(()),
            (true, Format::Table) => print(&annotations(checked)),
            (true, Format::Json) => {
                for line in annotations(checked).lines() {
                    aside(line);
                }
                Ok(())
            }
        }
    }
}
