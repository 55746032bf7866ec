//! `man`: the manual, made from what `--help` says.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
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
        write_all(command, directory)
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

/// Every page whole or not at all.
fn write_all(command: Command, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let beside = tempfile::tempdir_in(directory)?;
    clap_mangen::generate_to(command, beside.path())?;
    for page in fs::read_dir(beside.path())? {
        let page = page?;
        fs::rename(page.path(), directory.join(page.file_name()))?;
    }
    Ok(())
}
