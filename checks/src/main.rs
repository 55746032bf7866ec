//! The command line of stalewake.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::Cli::parse().run().unwrap_or_else(|error| {
        eprintln!("{error:?}");
        ExitCode::from(2)
    })
}
