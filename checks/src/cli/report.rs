//! `report`: explore cells and write a page about them.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use miette::IntoDiagnostic;
use stalewake::explore::Options;
use stalewake::report::html::{Shown, page};
use stalewake::report::progress::Bar;
use stalewake::report::summary::differences;
use stalewake::report::token::record;
use stalewake::report::{Checked, Outcome};
use stalewake::verdict::{Search, Verdict};

use super::check::BAD_FILE;
use super::output::{print, progress, require_writable, style, write};
use super::paths::keep_apart;
use super::run::{available, complain_of, explore_all};
use super::select::{Selected, Wishes, files_read};
use super::whatif::lattice;
use super::{From, When, at_least_one};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReportArgs {
    /// A scenario, some of its cells (`writeback-reuse/truncate=wait/v5.9`), or
    /// the path of a .toml file; all scenarios if none is given.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Write one page with everything into this file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
    #[command(flatten)]
    wishes: Wishes,
    /// Give up on a cell after so many executions.
    #[arg(long, value_name = "N")]
    max_executions: Option<u64>,
    /// Also explore the combinations that `whatif` without more explores, of changes
    /// to v5.9, and draw which of them hold; exit code 1 if that breaks down.
    #[arg(long)]
    lattice: bool,
    /// How many worker processes explore [default: as the machine can].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    from: From,
}

const EXAMPLES: &str = "\
Examples:
  stalewake report --html all.html                        all scenarios, all kernels
  stalewake report --html race.html writeback-reuse       one scenario
  stalewake report --html two.html same-page --kernel v5.9,v5.10.7
  stalewake report --html mine.html ./mine.toml
  stalewake report --html all.html --lattice              with which changes are needed

The page needs no network and no other file. It has the table of all cells and,
for each kind that a cell can reach, the simplest execution: as a picture, as
`explain` tells it, and step by step. A cell can be linked:
all.html#/writeback-reuse/truncate=wait/v5.9

The exit codes are those of `check`.";

/// Explores what the arguments name, and writes the page.
pub(super) fn run(args: &ReportArgs) -> miette::Result<ExitCode> {
    let started = Instant::now();
    let selected = Selected::by(&args.scenarios, &args.from, &args.wishes)?;
    let bad_files = selected.bad_files;
    let (cells, commands) = selected.with_commands(&args.from);
    if cells.is_empty() {
        return Ok(ExitCode::from(BAD_FILE));
    }
    keep_apart([&*args.html], files_read(&args.scenarios, &args.from))?;
    require_writable([&*args.html].into_iter())?;
    let options = Options {
        search: Search::Reduced,
        max_executions: args.max_executions,
        ..Options::default()
    };
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(cells.len());
    let bar = Bar::new(cells.len(), progress());
    let jobs = args.jobs.unwrap_or_else(available);
    explore_all(&cells, &options, jobs, &bar, |_, verdict| {
        complain_of(&verdict, &bar);
        verdicts.push(verdict);
    });
    let checked = verdicts.into_iter().zip(commands);
    let checked = checked.map(|(verdict, explain)| Checked { verdict, explain });
    let shown = shown(checked.collect())?;
    let lattice = match args.lattice {
        true => Some(lattice(&args.scenarios, &args.from, jobs)?),
        false => None,
    };
    let picture = lattice.as_ref().map(|lattice| lattice.svg.as_str());
    write(&args.html, &page(&shown, started.elapsed(), picture))?;
    let checked: Vec<Checked> = shown.into_iter().map(|one| one.checked).collect();
    if args.html != Path::new("-") {
        print(&differences(&checked, style(When::Auto)))?;
    }
    let is_broken = lattice.is_some_and(|lattice| lattice.is_broken);
    Ok(ExitCode::from(match Outcome::of(&checked) {
        _ if bad_files => BAD_FILE,
        _ if is_broken => Outcome::Differs.code(),
        outcome => outcome.code(),
    }))
}

/// The cells, with the simplest execution of each kind.
pub(super) fn shown(checked: Vec<Checked>) -> miette::Result<Vec<Shown>> {
    let shown = |checked: Checked| {
        let verdict = &checked.verdict;
        let recordings = verdict
            .reachable
            .iter()
            .map(|found| record(&verdict.cell, verdict.search, &found.witness))
            .collect::<Result<_, _>>()
            .into_diagnostic()?;
        Ok(Shown {
            checked,
            recordings,
        })
    };
    checked.into_iter().map(shown).collect()
}
