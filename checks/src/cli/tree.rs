//! `tree`: what the explorer does with a small cell, as a picture.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::miette;
use stalewake::explore::paths;
use stalewake::report::dot::dot;

use super::From;
use super::check::BAD_FILE;
use super::output::write;
use super::select::{Selected, Wishes};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct TreeArgs {
    /// A scenario, one of its cells (`reclaim/v5.10`), or the path of a .toml
    /// file; of several cells the first is drawn.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// Write the tree into this file; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    dot: PathBuf,
    /// A cell with more executions is not drawn: nobody could read it.
    #[arg(long, value_name = "N", default_value = "300")]
    most: u64,
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    from: From,
}

const EXAMPLES: &str = "\
Examples:
  stalewake tree reclaim/v5.10 | dot -Tsvg > tree.svg
  stalewake tree shmem-tail/truncate=skip/v5.9 --dot tree.dot

Every execution of the reduced search is a way from the left to an ellipse, which
says what went wrong in it. Dashed ones were given up: whatever could have
followed is equivalent to what had been explored. `dot` is part of Graphviz.";

/// Draws it.
pub(super) fn run(args: &TreeArgs) -> miette::Result<ExitCode> {
    let named = std::slice::from_ref(&args.scenario);
    let selected = Selected::by(named, &args.from, &args.wishes)?;
    let Some((cell, _)) = selected.cells.first() else {
        return Ok(BAD_FILE.into());
    };
    let small = paths(cell, args.most).and_then(|(paths, are_all)| {
        let reason = || format!("it has more than {} executions", args.most);
        are_all.then_some(paths).ok_or_else(reason)
    });
    let paths = small.map_err(|reason| {
        miette!(
            help = "`stalewake check --verbose` says how many executions a cell has; `explain` \
                    draws one of them",
            "{cell} cannot be drawn: {reason}"
        )
    })?;
    write(&args.dot, &dot(cell, &paths))?;
    Ok(ExitCode::SUCCESS)
}
