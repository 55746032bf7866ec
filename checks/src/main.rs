//! The command line of stalewake.

// It panics where standard error cannot be written to: see `report::aside`.
#![warn(clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

use stalewake::report::aside;

fn main() -> ExitCode {
    cli::Cli::of_command_line().run().unwrap_or_else(|error| {
        aside(format_args!("{error:?}"));
        ExitCode::from(2)
    })
}
