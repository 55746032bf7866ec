//! `check`: explore cells and compare.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use stalewake::cell::Cell;
use stalewake::explore::{Options, Shard, Split};
use stalewake::report::json::{CellLine, line};
use stalewake::report::observation::observation;
use stalewake::report::progress::{Bar, Shown};
use stalewake::report::seal::sealed;
use stalewake::report::summary::{coverage, differences, legend};
use stalewake::report::table::table;
use stalewake::report::{Checked, Outcome, Style};
use stalewake::verdict::Search;

use super::ci::Reports;
use super::error::BadQuestion;
use super::kept::{Ended, Run, RunOptions};
use super::output::{print, progress, require_writable, style};
use super::paths::keep_apart;
use super::select::{Selected, Wishes, files_read};
use super::{Coloured, Format, From, MemoryOptions, duration};

/// The exit code when a file was bad.
pub(super) const BAD_FILE: u8 = 2;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    /// A scenario, some of its cells (`writeback-reuse/truncate=wait/v5.9`), or
    /// the path of a .toml file; all scenarios if none is given.
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    #[command(flatten)]
    pub(super) options: CheckOptions,
}

const EXAMPLES: &str = "\
Examples:
  stalewake check                                        all scenarios, all kernels
  stalewake check writeback-reuse --kernel v5.9,v5.10    one scenario, two kernels
  stalewake check writeback-reuse/truncate=wait/v5.9     one cell
  stalewake check same-page --kernel v5.9 --with wait-on-writeback=while
                                                         what one fix alone does
  stalewake check --commits 2a9127fcf229,073861ed77      a backport of two commits
  stalewake check writeback-reuse --kernel v5.10 --memory c11 --bound 2 \
                  --with woken-publish=relaxed           seen in weak memory only
  stalewake check ./mine.toml --budget 5m                a file, in five minutes
  stalewake check --resume run.json                      again and again, until done
  stalewake check --cell-timeout 10m --cell-memory 1G    no cell may take all of it
  stalewake check --shard 1/4 --format json > 1.json     a quarter; see `merge`
  stalewake check --format json | jq 'select(.holds == false) | .kernel'

A search is exhaustive, and says so, only without --bound, --no-reduction and
--memory c11, and if no budget runs out. What was found until then is printed all the same,
but what was not found may still be there. Variables named LOOM_* are ignored:
a verdict does not depend on the environment.

A run of more than ten seconds says on standard error how far it is. How many
executions there will be is an estimate: too low at the very start, after that
often several times too high.

Ctrl-C ends a run in order: it prints what is finished, and --resume goes on.
A second one ends it at once. Only cells that were explored to their end are
kept in the file; those that a budget cut short or that broke down are repeated.

Exit codes: 0 all as expected, 1 something differs, 2 usage or a bad file,
3 a budget ran out, 130 interrupted.";

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    memory: MemoryOptions,
    /// Give up on a cell after so many executions.
    #[arg(long, value_name = "N")]
    max_executions: Option<u64>,
    /// End the whole run after this time, such as 30s, 5m or 2h; what is not
    /// done then is incomplete.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    budget: Option<Duration>,
    /// Explore with plain loom, to see what the reduction saves.
    #[arg(long, conflicts_with_all = ["bound", "memory"])]
    no_reduction: bool,
    /// What the answer looks like.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    from: From,
    /// Do only one of several parts, such as 1/4; `merge` puts the results of
    /// all parts together.
    #[arg(
        long,
        value_name = "I/N",
        conflicts_with_all = ["bound", "no_reduction", "companions", "max_executions"]
    )]
    shard: Option<Shard>,
    #[command(flatten)]
    run: RunOptions,
    /// Also print a line for each cell and kind: never, sometimes or always,
    /// in how many traces, and in how many not.
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// No progress and no table: only what differs, and the exit code.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

impl CheckOptions {
    fn search(&self) -> Search {
        match self.memory.search() {
            Search::Reduced if self.no_reduction => Search::Plain,
            search => search,
        }
    }
}

/// Checks what the arguments name.
pub(super) fn run(arguments: &[String], asked: &CheckOptions) -> miette::Result<ExitCode> {
    let read = files_read(arguments, &asked.from);
    let others = read.iter().map(PathBuf::as_path).chain(asked.run.journal());
    keep_apart(asked.reports.files(), others)?;
    let selected = Selected::by(arguments, &asked.from, &asked.wishes)?;
    let bad_files = selected.bad_files;
    let (cells, commands) = selected.with_commands(&asked.from);
    if cells.is_empty() {
        return Ok(BAD_FILE.into());
    }
    let (outcome, ended) = check(&cells, &commands, asked)?;
    ended.code(outcome.map(|outcome| match bad_files {
        true => BAD_FILE,
        false => outcome.code(),
    }))
}

/// Explores, and prints what was found, as far as that is possible.
fn check(
    cells: &[Cell],
    commands: &[String],
    asked: &CheckOptions,
) -> miette::Result<(miette::Result<Outcome>, Ended)> {
    if asked.shard.is_some() && asked.search().is_weak() {
        return Err(BadQuestion::WeakShard.into());
    }
    require_writable(asked.reports.files())?;
    let started = Instant::now();
    let options = Options {
        search: asked.search(),
        max_executions: asked.max_executions,
        // A moment that the clock cannot tell does not come.
        deadline: asked.budget.and_then(|budget| started.checked_add(budget)),
        split: Split::of(asked.shard.unwrap_or_default()),
    };
    let is_table = asked.format == Format::Table;
    let run = Run::new(cells, &options, &asked.run)?;
    let bar = Bar::new(
        run.left(),
        match progress() {
            _ if asked.quiet => Shown::Nothing,
            // Whoever reads JSON from a terminal has it there line by line.
            Shown::Bar if !is_table => Shown::Nothing,
            shown => shown,
        },
    );
    let mut checked: Vec<Checked> = Vec::with_capacity(cells.len());
    let mut printed = Ok(());
    let ended = run.explore(&bar, |place, mut verdict| {
        if asked.search().is_weak() {
            verdict.expected = None;
        }
        let text = match asked.format {
            Format::Json if asked.shard.is_some() => {
                sealed("", &line(&CellLine::of_shard(&verdict, cells.len()))) + "\n"
            }
            Format::Json => line(&CellLine::new(&verdict)) + "\n",
            Format::Table if asked.verbose => observation(&verdict),
            Format::Table => String::new(),
        };
        if printed.is_ok() {
            printed = bar.beside(|| print(&text));
        }
        checked.push(Checked {
            verdict,
            explain: commands[place].clone(),
        });
    });
    let answered = printed.and_then(|()| answer(&checked, started.elapsed(), asked));
    Ok((answered, ended))
}

/// Prints what comes after the last cell, and writes the reports.
fn answer(checked: &[Checked], elapsed: Duration, asked: &CheckOptions) -> miette::Result<Outcome> {
    if asked.format == Format::Table {
        if asked.verbose {
            print("\n")?;
        }
        print_table(checked, elapsed, asked.quiet, style(asked.coloured.color))?;
    }
    asked.reports.write(checked, elapsed, asked.format)?;
    Ok(Outcome::of(checked))
}

/// The table of all cells with what stands below it; only what differs if that
/// is all that is wanted.
pub(super) fn print_table(
    checked: &[Checked],
    elapsed: Duration,
    quiet: bool,
    style: Style,
) -> miette::Result<()> {
    let differences = differences(checked, style);
    let scenarios = checked.iter().map(|c| &c.verdict.cell.scenario.name);
    let covered = if scenarios.collect::<BTreeSet<_>>().len() > 1 {
        coverage(checked, style)
    } else {
        String::new()
    };
    match quiet {
        false => print(&format!(
            "{}\n{}{covered}\n{differences}",
            table(checked, style),
            legend(checked, elapsed, style),
        )),
        true if Outcome::of(checked) == Outcome::Differs => print(&differences),
        true => Ok(()),
    }
}
