//! The command line: what can be asked, and how it is asked.

mod check;
mod ci;
mod completions;
mod duration;
mod error;
mod explain;
mod file;
mod gate;
mod kept;
mod kernel;
mod kernels;
mod list;
mod man;
mod merge;
mod new;
mod output;
mod paths;
mod replay;
mod report;
mod run;
mod select;
mod size;
mod stress;
mod tree;
mod watch;
mod whatif;

use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use self::error::LONGEST_NAME;
use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};
use miette::IntoDiagnostic;
use stalewake::printable;
use stalewake::report::aside;
use stalewake::scenario;
use stalewake::verdict::Search;
use stalewake::worker;

/// Can a page waiter be woken for the wrong reason, or never?
///
/// Explores every schedule of small scenarios around Linux page writeback and
/// the page wait queue, for several kernels, and reports what can go wrong in
/// each. Without a command every scenario is checked on every kernel.
#[derive(Debug, Parser)]
#[command(version = VERSION, args_conflicts_with_subcommands = true, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    check: check::CheckOptions,
}

/// Which version this is, and which loom it explores with. A binary does not
/// know its dependencies; a test compares this with the lock file.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (loom 0.7.3)");

const EXAMPLES: &str = "\
Examples:
  stalewake                                   everything, as a table
  stalewake check writeback-reuse             one scenario
  stalewake explain same-page --kernel v5.9   what goes wrong, step by step
  stalewake kernels                           what the kernels differ in
  stalewake whatif                            which changes are needed, and which not
  stalewake new my-race                       a scenario of your own, to begin with

Exit codes: 0 all as expected, 1 something differs, 2 usage or a bad file,
3 a budget ran out, 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Explore cells and compare what they can reach with what is expected.
    Check(check::CheckArgs),
    /// Put the results of the shards of a run together.
    Merge(merge::MergeArgs),
    /// Explore every combination of some changes: which are needed, and which
    /// are not?
    #[command(name = "whatif")]
    WhatIf(whatif::WhatIfArgs),
    /// List the scenarios, their parameters and the kernels they are for.
    List(list::ListArgs),
    /// Write a scenario file to begin with.
    New(new::NewArgs),
    /// Check a scenario file again whenever it is saved.
    Watch(watch::WatchArgs),
    /// Show step by step how something goes wrong.
    Explain(explain::ExplainArgs),
    /// Show an execution again, by the token that names it.
    Replay(replay::ReplayArgs),
    /// Explore cells and write what was found as one HTML page.
    Report(report::ReportArgs),
    /// Run everything that a change must pass.
    Gate(gate::GateArgs),
    /// List the kernels and the mechanisms in which they differ.
    Kernels(kernels::KernelsArgs),
    /// Explore what is asked on standard input; for `check`'s own use.
    #[command(hide = true)]
    Worker,
    /// Run cells on real threads or random schedules, and count what they hit.
    Stress(stress::StressArgs),
    /// Draw the tree of executions of a small cell, for Graphviz.
    Tree(tree::TreeArgs),
    /// Print what a shell needs to complete commands and options.
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write those of all commands.
    Man(man::ManArgs),
}

/// Where scenarios come from.
#[derive(Debug, Args)]
struct From {
    /// Read the scenarios of this directory instead of the shipped ones.
    #[arg(long = "scenarios", value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// The memory that threads share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Memory {
    /// Sequentially consistent.
    Sc,
    /// C11 atomics with the kernel's orderings.
    C11,
}

/// What is searched: which memory, and with how many preemptions.
#[derive(Debug, Args)]
struct MemoryOptions {
    /// At most so many preemptions: loom's own bound, a partial search.
    #[arg(long, value_name = "N")]
    bound: Option<u8>,
    /// The memory that threads share: sequentially consistent, or C11 atomics
    /// with the kernel's orderings. C11 finds bugs and never proves their
    /// absence; give it a --bound. Nothing is expected of it.
    #[arg(long, value_enum, value_name = "MODEL", default_value = "sc")]
    memory: Memory,
    /// Under C11, let loom see every race of plain loads and stores, by a
    /// companion operation before each access: several times slower.
    #[arg(long)]
    companions: bool,
}

impl MemoryOptions {
    fn search(&self) -> Search {
        match (self.memory, self.bound) {
            (Memory::C11, bound) => Search::Weak {
                bound,
                companions: self.companions,
            },
            (Memory::Sc, Some(bound)) => Search::Bounded(bound),
            (Memory::Sc, None) => Search::Reduced,
        }
    }
}

/// How text is coloured.
#[derive(Debug, Args)]
struct Coloured {
    /// When to use colour; NO_COLOR counts as never.
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: When,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Even in a pipe.
    Always,
    /// Not even on a terminal.
    Never,
}

/// What the answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// One JSON object a line, for programs.
    Json,
}

/// A choice such as `truncate=wait`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    name: String,
    value: String,
}

impl Choice {
    fn parse(text: &str) -> Result<Choice, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(Choice {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("expected NAME=VALUE".to_owned()),
        }
    }
}

impl Cli {
    /// What was typed; says what is wrong with it, or the help that was asked
    /// for, and ends the program.
    pub fn of_command_line() -> Cli {
        Cli::try_parse().unwrap_or_else(|error| {
            let error = with_tip(error);
            let written = error.print().and_then(|()| std::io::stdout().flush());
            // A help that could not be printed helps nobody.
            std::process::exit(match written {
                Err(why) if why.kind() != ErrorKind::BrokenPipe => 2,
                _ => error.exit_code(),
            })
        })
    }

    /// Does what was asked.
    ///
    /// # Errors
    /// When that cannot be done as it was asked: exit code 2.
    pub fn run(&self) -> miette::Result<ExitCode> {
        output::install_error_reports(self.colour())?;
        run::outlive_large_files()?;
        if !matches!(self.command, Some(Command::Worker | Command::Gate(_))) {
            warn_of_loom_variables();
        }
        match &self.command {
            None => check::run(&[], &self.check),
            Some(Command::Check(args)) => check::run(&args.scenarios, &args.options),
            Some(Command::Merge(args)) => merge::run(args),
            Some(Command::WhatIf(args)) => whatif::run(args),
            Some(Command::List(args)) => list::run(args),
            Some(Command::New(args)) => new::run(args),
            Some(Command::Watch(args)) => watch::run(args),
            Some(Command::Explain(args)) => explain::run(args),
            Some(Command::Replay(args)) => replay::run(args),
            Some(Command::Report(args)) => report::run(args),
            Some(Command::Gate(args)) => gate::run(args),
            Some(Command::Kernels(args)) => kernels::run(args),
            Some(Command::Stress(args)) => stress::run(args),
            Some(Command::Tree(args)) => tree::run(args),
            Some(Command::Completions(args)) => completions::run(args),
            Some(Command::Man(args)) => man::run(args),
            Some(Command::Worker) => {
                worker::serve().into_diagnostic()?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn colour(&self) -> When {
        match &self.command {
            None => self.check.coloured.color,
            Some(
                Command::New(_)
                | Command::Report(_)
                | Command::Tree(_)
                | Command::Completions(_)
                | Command::Man(_),
            ) => When::Auto,
            Some(Command::Worker) => When::Never,
            Some(Command::Check(args)) => args.options.coloured.color,
            Some(Command::Merge(args)) => args.coloured.color,
            Some(Command::WhatIf(args)) => args.coloured.color,
            Some(Command::List(args)) => args.coloured.color,
            Some(Command::Watch(args)) => args.coloured.color,
            Some(Command::Explain(args)) => args.coloured.color,
            Some(Command::Replay(args)) => args.coloured.color,
            Some(Command::Gate(args)) => args.coloured.color,
            Some(Command::Kernels(args)) => args.coloured.color,
            Some(Command::Stress(args)) => args.coloured.color,
        }
    }
}

/// Who names a scenario where a command is wanted is told which command.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let name = typed.split('/').next().unwrap_or_default();
    let mut shipped = scenario::shipped().into_iter().flatten();
    if typed.ends_with(".toml") || shipped.any(|scenario| scenario.name == name) {
        let tip = format!("to check a scenario: 'stalewake check {typed}'");
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

/// Users of loom expect its variables to weaken or to resume a search. Here
/// they do not: a verdict must not depend on the environment.
fn warn_of_loom_variables() {
    let names = loom_variables();
    if !names.is_empty() {
        aside(format_args!(
            "warning: ignored here: {} (see `stalewake check --help`)",
            names.join(", ")
        ));
    }
}

/// The variables of loom's that are set.
fn loom_variables() -> Vec<String> {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let names = names.filter(|name| name.starts_with("LOOM_"));
    let mut names: Vec<String> = names.map(|name| printable(&name, LONGEST_NAME)).collect();
    names.sort();
    names
}

/// A number that is not zero, as a command line has it.
fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse().map_err(|_| "it is no number".to_owned())?;
    NonZeroUsize::new(number).ok_or_else(|| "at least 1 is needed".to_owned())
}

/// Whether a variable of the environment is set to something.
fn is_set(variable: impl AsRef<OsStr>) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    /// The lock file is the workspace's, or that of a packaged crate.
    #[test]
    fn the_version_names_the_loom_that_is_locked() {
        let read = |place| {
            let manifest = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(manifest.join(place)).ok()
        };
        let lock = ["../Cargo.lock", "Cargo.lock"].into_iter().find_map(read);
        let lock = lock.expect("there is a lock file");
        let (_, loom) = lock
            .split_once("name = \"loom\"\nversion = \"")
            .expect("loom is a dependency");
        let (version, _) = loom.split_once('"').expect("a version ends");
        let named = format!("{} (loom {version})", env!("CARGO_PKG_VERSION"));
        assert_eq!(VERSION, named);
    }

    #[test]
    fn a_choice_has_a_name_and_a_value() {
        let choice = Choice::parse("truncate=wait").expect("well-formed");
        assert_eq!(
            (choice.name.as_str(), choice.value.as_str()),
            ("truncate", "wait")
        );
        for text in ["", "truncate", "truncate=", "=wait"] {
            assert!(Choice::parse(text).is_err(), "{text:?}");
        }
    }
}
