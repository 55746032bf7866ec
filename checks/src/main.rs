//! The command line of stalewake.

// It panics where standard error cannot be written to: see `report::aside`.
#![warn(clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

use clap::Parser;
use stalewake::report::aside;

fn main() -> ExitCode {
    cli::Cli::parse().run().unwrap_or_else(|error| {
        aside(format_args!("{error:?}"));
        ExitCode::from(2)
    })
}
