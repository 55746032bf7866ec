//! `replay`: one execution that somebody has seen, once more.

use std::process::ExitCode;

use clap::Args;
use miette::IntoDiagnostic;
use stalewake::report::explain::{Simplest, Story};
use stalewake::report::token::Token;
use stalewake::report::{aside, counted};

use super::error::Unknown;
use super::output::{print, style};
use super::select::Catalogue;
use super::{Coloured, From};

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct ReplayArgs {
    /// What `explain` or `check --format json` has printed.
    #[arg(value_name = "TOKEN")]
    token: String,
    /// Show the steps that only look or only take a lock, and barriers, too.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const AFTER: &str = "\
A token names one execution of one cell. It is shown as `explain` shows it, or
refused with a reason and exit code 2: if the scenario, the kernel or what the
model does in this execution is not what it was when the token was made.

Of a search in weak memory all executions up to that of the token are run: what
that number is, the token says, and nobody vouches for it. Ctrl-C ends it.

A scenario that is a file of your own is found with --scenarios and the name of
its directory.";

/// More executions than this may take so long that who waits wants to know why.
const MANY: u64 = 10_000;

/// Shows the execution of a token.
pub(super) fn run(args: &ReplayArgs) -> miette::Result<ExitCode> {
    let token = Token::parse(args.token.trim())?;
    let catalogue = Catalogue::read(args.from.directory.as_deref())?;
    let scenarios = &catalogue.scenarios;
    let named = scenarios
        .iter()
        .find(|scenario| scenario.name == token.scenario());
    let Some(scenario) = named else {
        for error in catalogue.broken {
            aside(format_args!("{:?}", miette::Report::new(error)));
        }
        let names = scenarios.iter().map(|scenario| scenario.name.as_str());
        return Err(Unknown::new("scenario", token.scenario(), names).into());
    };
    let cell = token.cell(scenario)?;
    let executions = token.executions();
    if executions > MANY {
        let executions = counted(executions, "execution");
        aside(format_args!(
            "replaying {executions}: those of the search up to the token's own"
        ));
    }
    let replayed = token.replay(&cell)?;
    let story = Story {
        cell: &cell,
        kind: replayed.kind,
        witness: &replayed.witness,
        simplest: Simplest::AsGiven,
        recording: &replayed.recording,
        all: args.all,
    };
    let style = style(args.coloured.color);
    let remedies = story.remedies().into_diagnostic()?;
    print(&(story.tell(&remedies, style) + &story.tell_remedies(&remedies, style)))?;
    Ok(ExitCode::SUCCESS)
}
