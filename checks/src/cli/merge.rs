//! `merge`: the shards of a run, put together.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use stalewake::report::json::{CellLine, line};
use stalewake::report::merge::merge;
use stalewake::report::observation::observation;
use stalewake::report::{Checked, Outcome};

use super::check::{BAD_FILE, print_table};
use super::ci::Reports;
use super::output::{print, style};
use super::paths::{keep_apart, named};
use super::select::{Catalogue, explain_command, files_read};
use super::{Coloured, Format, From};

/// How much is read, of all files together, in bytes: they are kept as texts.
const LARGEST: u64 = 64 << 20;

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
    let mut catalogue = Catalogue::read(args.from.directory.as_deref())?;
    let scenarios = files_read(&[], &args.from);
    keep_apart(
        args.reports.files(),
        args.files.iter().chain(&scenarios).map(PathBuf::as_path),
    )?;
    let mut room = LARGEST;
    let files = args.files.iter().map(|path| read(path, &mut room));
    let files: Vec<(String, String)> = files.collect::<miette::Result<_>>()?;
    // The shards have left these out, each of them.
    let bad_files = catalogue.complain();
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
    Ok(match bad_files {
        true => BAD_FILE.into(),
        false => Outcome::of(&checked).code().into(),
    })
}

/// A file or standard input, if that leaves no more than `room` bytes for all
/// others.
fn read(path: &Path, room: &mut u64) -> miette::Result<(String, String)> {
    let name = named(path);
    let cannot = || format!("cannot read {name}");
    let source: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(path).into_diagnostic().wrap_err_with(cannot)?),
    };
    let mut bytes = Vec::new();
    let read = source.take(*room + 1).read_to_end(&mut bytes);
    let read = read.into_diagnostic().wrap_err_with(cannot)?;
    *room = room.checked_sub(read as u64).ok_or_else(|| {
        miette!(
            help = "a shard of all shipped cells is smaller than 1 MiB: is it the right file?",
            "up to {name} there are more than {} MiB to merge",
            LARGEST >> 20
        )
    })?;
    let text = String::from_utf8(bytes);
    let text = text.into_diagnostic().wrap_err_with(cannot)?;
    Ok((name, text))
}
