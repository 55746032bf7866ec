//! What continuous integration reads beside the answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use stalewake::report::Checked;
use stalewake::report::aside;
use stalewake::report::github::annotations;
use stalewake::report::junit::junit;
use stalewake::report::markdown::markdown;

use super::Format;
use super::output::{print, write};

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
