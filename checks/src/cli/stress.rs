//! `stress`: how often schedules that nobody planned hit the race.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use miette::IntoDiagnostic;
use stalewake::cell::Cell;
use stalewake::explore::{self, Enough, Options, Progress, SampleOptions, Sampler};
use stalewake::report::json::line;
use stalewake::report::sample::{SampleLine, Sampled, legend, table};
use stalewake::verdict::Status;

use super::output::{print, style};
use super::run::Stop;
use super::select::{Selected, Wishes};
use super::{Coloured, Format, From};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StressArgs {
    /// A scenario, some of its cells (`writeback-reuse/truncate=wait/v5.9`), or
    /// the path of a .toml file.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    #[command(flatten)]
    wishes: Wishes,
    /// How long each cell is run by each explorer.
    #[arg(long, value_name = "N", default_value = "5")]
    seconds: u64,
    /// How often each cell is run by each explorer, whatever time it takes;
    /// with --seed, the same executions every time.
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    executions: Option<u64>,
    /// Who chooses the schedules; several make a column each.
    #[arg(
        long,
        value_enum,
        value_name = "WHO",
        value_delimiter = ',',
        default_value = "native"
    )]
    explorer: Vec<Explorer>,
    /// The seed of random and pct [default: another one every time].
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// pct: how many constraints on the order of steps a violation may need.
    #[arg(long, value_name = "D", default_value = "3")]
    depth: NonZeroUsize,
    /// End the search beside it after so many executions.
    #[arg(long, value_name = "N", default_value = "100000")]
    max_executions: u64,
    /// What the answer looks like.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake stress writeback-reuse --kernel v5.9 --seconds 10
  stalewake stress writeback-reuse --kernel v5.9 --explorer native,random,pct
  stalewake stress same-page/v5.10 --explorer pct --seed 7 --executions 100000

Each cell is also searched, so that the table can say how often a sample hit
what the search found. A sample proves nothing: what it has not hit may happen.

Exit codes: 0 nothing unexpected was hit, 1 something was, 2 usage or a bad
file, 130 interrupted.";

/// Who chooses the schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Explorer {
    /// The machine, on threads of its own.
    Native,
    /// At each step any thread, as likely as the others.
    Random,
    /// Random priorities with a few random changes.
    Pct,
}

impl StressArgs {
    fn samplers(&self) -> Vec<Sampler> {
        let seed = self.seed.unwrap_or_else(any_seed);
        let sampler = |explorer: &Explorer| match explorer {
            Explorer::Native => Sampler::Native,
            Explorer::Random => Sampler::Random { seed },
            Explorer::Pct => Sampler::Pct {
                seed,
                depth: self.depth,
            },
        };
        self.explorer.iter().map(sampler).collect()
    }

    fn enough(&self) -> Enough {
        match self.executions {
            Some(executions) => Enough::Executions(executions),
            None => Enough::Time(Duration::from_secs(self.seconds)),
        }
    }
}

/// A seed that is another one every time, and short enough for JSON, whose
/// numbers are exact only up to 53 bits.
fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish() >> 32
}

/// Samples what the arguments name.
pub(super) fn run(args: &StressArgs) -> miette::Result<ExitCode> {
    // What is printed is done; of a sample that is cut off nothing can be said.
    Stop::on_signals()?.over();
    let selected = Selected::by(
        std::slice::from_ref(&args.scenario),
        &args.from,
        &args.wishes,
    )?;
    let is_table = args.format == Format::Table;
    let style = style(args.coloured.color);
    let samplers = args.samplers();
    let mut all = Vec::with_capacity(selected.cells.len());
    for (cell, _) in &selected.cells {
        let sampled = stress(cell, &samplers, args)?;
        let text = match args.format {
            Format::Table => table(&sampled, style) + "\n",
            Format::Json => SampleLine::of(&sampled).map(|l| line(&l) + "\n").collect(),
        };
        print(&text)?;
        all.push(sampled);
    }
    if is_table && !all.is_empty() {
        print(&legend(&all, style))?;
    }
    let surprised = all.iter().any(|sampled| !sampled.surprises().is_empty());
    Ok(ExitCode::from(match (selected.bad_files, surprised) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }))
}

fn stress(cell: &Cell, samplers: &[Sampler], args: &StressArgs) -> miette::Result<Sampled> {
    let options = Options {
        max_executions: Some(args.max_executions),
        ..Options::default()
    };
    let mut verdict = explore::explore(cell, &options, &Arc::<Progress>::default());
    if !args.wishes.with.is_empty() {
        verdict.expected = None;
    }
    if let Status::Error(reason) = &verdict.status {
        return Err(miette::miette!("{cell}: {reason}"));
    }
    let mut samples = Vec::with_capacity(samplers.len());
    for sampler in samplers {
        let options = SampleOptions {
            sampler: *sampler,
            enough: args.enough(),
        };
        samples.push(explore::sample(cell, &options).into_diagnostic()?);
    }
    Ok(Sampled { verdict, samples })
}
