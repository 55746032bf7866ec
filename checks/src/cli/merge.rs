//! `merge`: the shards of a run, put together.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use miette::{IntoDiagnostic, WrapErr};
use stalewake::report::json::{CellLine, line};
use stalewake::report::merge::merge;
use stalewake::report::observation::observation;
use stalewake::report::{Checked, Outcome};

use super::check::print_table;
use super::ci::Reports;
use super::output::{print, style};
use super::select::{Catalogue, explain_command};
use super::{Coloured, Format, From};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MergeArgs {
    /// What each shard has printed; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What the answer looks like.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    from: From,
    /// Also print a line for each cell and kind, as `check --verbose` does.
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake check --shard 1/2 --format json > 1.json     on one machine
  stalewake check --shard 2/2 --format json > 2.json     on another
  stalewake merge 1.json 2.json                          what one run would say

A shard that is missing, there twice, cut off, or of another version or another
scenario is an error: the result is that of the whole run or there is none.

Exit codes: as of check; 2 if the shards do not make a whole.";

/// Puts the shards together.
pub(super) fn run(args: &MergeArgs) -> miette::Result<ExitCode> {
    let catalogue = Catalogue::read(args.from.directory.as_deref())?;
    let files = args.files.iter().map(|path| read(path));
    let files: Vec<(String, String)> = files.collect::<miette::Result<_>>()?;
    let checked: Vec<Checked> = merge(&files, &catalogue.scenarios)?
        .into_iter()
        .map(|verdict| {
            let directory = args.from.directory.as_deref();
            let explain = explain_command(&verdict.cell, &verdict.cell.scenario.name, directory);
            Checked { verdict, explain }
        })
        .collect();
    for Checked { verdict, .. } in &checked {
        match args.format {
            Format::Json => print(&(line(&CellLine::new(verdict)) + "\n"))?,
            Format::Table if args.verbose => print(&observation(verdict))?,
            Format::Table => {}
        }
    }
    // Machines that ran beside each other: the slowest shard of each cell.
    let elapsed: Duration = checked.iter().map(|c| c.verdict.figures.elapsed).sum();
    if args.format == Format::Table {
        print_table(&checked, elapsed, false, style(args.coloured.color))?;
    }
    args.reports.write(&checked, elapsed, args.format)?;
    Ok(Outcome::of(&checked).code().into())
}

fn read(path: &Path) -> miette::Result<(String, String)> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut text)
            .into_diagnostic()?;
    } else {
        text = std::fs::read_to_string(path)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot read {}", path.display()))?;
    }
    Ok((path.display().to_string(), text))
}
