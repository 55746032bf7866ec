//! `check`: explore cells and compare.

use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use stalewake::cell::Cell;
use stalewake::explore::Options;
use stalewake::report::json::{CellLine, line};
use stalewake::report::observation::observation;
use stalewake::report::progress::Bar;
use stalewake::report::summary::{differences, legend};
use stalewake::report::table::table;
use stalewake::report::{Checked, Outcome};
use stalewake::verdict::{Search, Status};

use super::error::BadQuestion;
use super::output::{print, style};
use super::run::{available, explore_all};
use super::select::{Catalogue, Wishes};
use super::{Choice, Coloured, Format, From};

/// The exit code when a file was bad.
const BAD_FILE: u8 = 2;

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
  stalewake check ./mine.toml --max-executions 100000    a file, with a budget
  stalewake check --format json | jq 'select(.holds == false) | .kernel'

A search is exhaustive, and says so, only without --bound, --max-executions
running out, and --no-reduction. Variables named LOOM_* are ignored: a verdict
does not depend on the environment.

Exit codes: 0 all as expected, 1 something differs, 2 usage or a bad file,
3 a budget ran out.";

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// Check these kernels, not those that the scenario lists.
    #[arg(long, value_name = "K", value_delimiter = ',')]
    kernel: Vec<String>,
    /// Only this value of a parameter; may be repeated.
    #[arg(long, value_name = "PARAM=VALUE", value_parser = Choice::parse)]
    set: Vec<Choice>,
    /// Change one mechanism of every kernel; nothing is expected then. See
    /// `stalewake kernels`; may be repeated.
    #[arg(long, value_name = "MECHANISM=ALTERNATIVE", value_parser = Choice::parse)]
    with: Vec<Choice>,
    /// At most so many preemptions: loom's own bound, a partial search.
    #[arg(long, value_name = "N", conflicts_with = "no_reduction")]
    bound: Option<u8>,
    /// Give up on a cell after so many executions.
    #[arg(long, value_name = "N")]
    max_executions: Option<u64>,
    /// Explore with plain loom, to see what the reduction saves.
    #[arg(long)]
    no_reduction: bool,
    /// What the answer looks like.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    from: From,
    /// How many cells are explored at once [default: as the machine can].
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Also print a line for each cell and kind: never, sometimes or always,
    /// in how many traces, and in how many not.
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// No progress and no table: only what differs, and the exit code.
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

impl CheckOptions {
    fn search(&self) -> Search {
        match self.bound {
            Some(bound) => Search::Bounded(bound),
            None if self.no_reduction => Search::Plain,
            None => Search::Reduced,
        }
    }
}

/// Checks what the arguments name.
pub(super) fn run(arguments: &[String], asked: &CheckOptions) -> miette::Result<ExitCode> {
    let mut catalogue = Catalogue::read(asked.from.directory.as_deref())?;
    let chosen = catalogue.choose(arguments)?;
    let wishes = Wishes {
        kernels: asked.kernel.clone(),
        set: asked.set.clone(),
        with: asked.with.clone(),
    };
    let (cells, commands): (Vec<Cell>, Vec<String>) = wishes
        .cells(&chosen)?
        .into_iter()
        .map(|(cell, argument)| {
            let command = explain_command(&cell, &argument, asked);
            (cell, command)
        })
        .unzip();
    let bad_files = !catalogue.broken.is_empty();
    for error in catalogue.broken {
        eprintln!("{:?}", miette::Report::new(error));
    }
    if cells.is_empty() {
        return if bad_files {
            Ok(BAD_FILE.into())
        } else {
            Err(BadQuestion::Nothing.into())
        };
    }
    let outcome = check(&cells, &commands, asked)?;
    Ok(if bad_files { BAD_FILE } else { outcome.code() }.into())
}

fn check(cells: &[Cell], commands: &[String], asked: &CheckOptions) -> miette::Result<Outcome> {
    let style = style(asked.coloured.color);
    let options = Options {
        search: asked.search(),
        max_executions: asked.max_executions,
    };
    let is_table = asked.format == Format::Table;
    let bar = Bar::new(
        cells.len(),
        is_table && !asked.quiet && std::io::stderr().is_terminal(),
    );
    let started = Instant::now();
    let mut checked: Vec<Checked> = Vec::with_capacity(cells.len());
    let mut printed = Ok(());
    explore_all(
        cells,
        &options,
        asked.jobs.unwrap_or_else(available),
        &bar,
        |place, mut verdict| {
            if !asked.with.is_empty() {
                verdict.expected = None;
            }
            if let Status::Error(reason) = &verdict.status {
                bar.beside(|| eprintln!("error: {}: {reason}", verdict.cell));
            }
            let text = match asked.format {
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
        },
    );
    printed?;
    let outcome = Outcome::of(&checked);
    if is_table && asked.quiet {
        if outcome == Outcome::Differs {
            print(&differences(&checked, style))?;
        }
    } else if is_table {
        if asked.verbose {
            print("\n")?;
        }
        print(&format!(
            "{}\n{}\n{}",
            table(&checked, style),
            legend(&checked, started.elapsed(), style),
            differences(&checked, style)
        ))?;
    }
    Ok(outcome)
}

/// The command that explains a cell.
fn explain_command(cell: &Cell, argument: &str, asked: &CheckOptions) -> String {
    let mut command = format!(
        "stalewake explain {argument} --kernel {}",
        cell.kernel.typed
    );
    for (name, value) in &cell.parameters {
        command += &format!(" --set {name}={value}");
    }
    for Choice { name, value } in &asked.with {
        command += &format!(" --with {name}={value}");
    }
    if let Some(directory) = &asked.from.directory {
        command += &format!(" --scenarios {}", directory.display());
    }
    command
}
