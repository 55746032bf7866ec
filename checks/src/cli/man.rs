//! `man`: the manual, made from what `--help` says.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use miette::{IntoDiagnostic, WrapErr};

use super::Cli;
use super::output::print;
use super::paths::named;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ManArgs {
    /// Write the page of every command into this directory, which is made if
    /// it is not there; without it, the first page is printed.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  stalewake man | man -l -
  stalewake man ~/.local/share/man/man1    then `man stalewake-check`";

/// Prints the first page, or writes all of them.
pub(super) fn run(args: &ManArgs) -> miette::Result<ExitCode> {
    let command = Cli::command();
    if let Some(directory) = &args.directory {
        let written = std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(command, directory));
        written
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot write to {}", named(directory)))?;
    } else {
        let mut page = Vec::new();
        let manual = clap_mangen::Man::new(command);
        manual.render(&mut page).into_diagnostic()?;
        print(&String::from_utf8_lossy(&page))?;
    }
    Ok(ExitCode::SUCCESS)
}
