//! `completions`: what a shell completes.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::Cli;
use super::output::print;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// For which shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  stalewake completions bash > ~/.local/share/bash-completion/completions/stalewake
  stalewake completions fish > ~/.config/fish/completions/stalewake.fish
  source <(stalewake completions zsh)            this shell only";

/// Prints the script for a shell.
pub(super) fn run(args: &CompletionsArgs) -> miette::Result<ExitCode> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "stalewake", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
