//! `whatif`: every combination of some mechanisms, and what that says.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use stalewake::cell::KernelChoice;
use stalewake::explore::Options;
use stalewake::report::progress::{Bar, Shown};
use stalewake::report::whatif::{WhatIf, json, svg, whatif};
use stalewake::verdict::{Status, Verdict};
use stalewake::whatif::{Answers, Axis, BadAxis, Case, Plan};

use super::check::BAD_FILE;
use super::error::BadQuestion;
use super::kept::{Ended, Run, RunOptions};
use super::kernel::{release, unknown, warn_of_doubt};
use super::output::{print, progress, require_writable, style, write};
use super::paths::keep_apart;
use super::run::{complain_of, explore_all};
use super::select::{Catalogue, Chosen, Wishes, explain_command, files_read};
use super::{Choice, Coloured, Format, From, duration};

/// What upstream has changed in this code, from v5.9 on and back from it.
const VARY: [&str; 4] = [
    "end-ref=none:get-page",
    "wake-shared-if-set+wait-shared",
    "wait-on-writeback",
    "end-waiters-test",
];

/// From where they are counted, if nobody says otherwise.
const KERNEL: &str = "v5.9";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct WhatIfArgs {
    /// A scenario, one with only this value of a parameter
    /// (`writeback-reuse/truncate=wait`), or the path of a .toml file; all
    /// scenarios if none is given.
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Mechanisms to vary, see `stalewake kernels`: all alternatives, or those
    /// after `=`, separated by `:`. What --from has is always among them.
    /// Mechanisms joined by `+` move together. May be repeated.
    #[arg(
        long,
        value_name = "MECHANISM[+..][=ALT[:..]]",
        value_delimiter = ',',
        default_values = VARY,
        hide_default_value = true
    )]
    vary: Vec<String>,
    /// The kernel from which changes are counted.
    #[arg(long = "from", value_name = "KERNEL", default_value = KERNEL)]
    kernel: String,
    /// Only this value of a parameter; may be repeated.
    #[arg(long, value_name = "PARAM=VALUE", value_parser = Choice::parse)]
    set: Vec<Choice>,
    /// End the whole run after this time, such as 30s, 5m or 2h; nothing is
    /// claimed that depends on what is not done then.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    budget: Option<Duration>,
    #[command(flatten)]
    run: RunOptions,
    /// What the answer looks like.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Draw the combinations into this file, too, from none of the changes at
    /// the bottom to all of them at the top; `-` is standard output, instead of
    /// the answer.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    from: From,
    /// Print everything, however long: every combination just outside, with a
    /// witness for each scenario.
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake whatif                             what all scenarios need from v5.9 on
  stalewake whatif writeback-reuse same-page-old-waiter/old=none \\
                   --vary end-ref=get-page,wait-on-writeback
                                               two fixes: is one of them enough?
  stalewake whatif shmem-tail --vary end-ref,tail-check
                                               every way to hold a reference
  stalewake whatif --vary wake-shared-if-set+wait-shared --vary lock-handoff
                                               two mechanisms that move together
  stalewake whatif --from v5.8 --vary end-waiters-test,waiters-test-order
                                               counted from another kernel
  stalewake whatif --budget 10m --resume journal.json
                                               again and again, until it is done
  stalewake whatif writeback-reuse --svg whatif.svg
                                               which sets hold, as a picture
  stalewake whatif --format json | jq 'select(.answer == \"minimal\")'

Without --vary: end-ref=none:get-page, wake-shared-if-set+wait-shared,
wait-on-writeback and end-waiters-test, sixteen combinations.

A picture (--svg) has at most 32 boxes; of more combinations it shows the minimal
sets and what is one change away from them.

A set of changes is only said to hold if every schedule of every cell was
explored, and only said to be minimal if every part of it is known to fail.

Exit codes: 0 answered, 1 an exploration broke down, 2 usage or a bad file,
3 a budget ran out, 130 interrupted.";

/// Explores what the arguments name, and answers.
pub(super) fn run(args: &WhatIfArgs) -> miette::Result<ExitCode> {
    let mut catalogue = Catalogue::read(args.from.directory.as_deref())?;
    let chosen = catalogue.choose(&args.scenarios)?;
    let from = KernelChoice {
        typed: args.kernel.clone(),
        ..KernelChoice::of(release(&args.kernel)?)
    };
    warn_of_doubt(&args.kernel);
    let axes = axes(&args.vary, &from)?;
    let cases = cases(&chosen, &args.set)?;
    let bad_files = catalogue.complain();
    if cases.is_empty() {
        return if bad_files {
            Ok(BAD_FILE.into())
        } else {
            Err(BadQuestion::Nothing.into())
        };
    }
    let pictures = || args.svg.iter().map(PathBuf::as_path);
    let read = files_read(&args.scenarios, &args.from);
    keep_apart(
        pictures(),
        read.iter().map(PathBuf::as_path).chain(args.run.journal()),
    )?;
    require_writable(pictures())?;
    let plan = Plan::new(from, axes, cases)?;
    let started = Instant::now();
    let (verdicts, resumed, ended) = explore(&plan, args)?;
    let answers = Answers::new(&plan.combinations, &plan.findings(&verdicts));
    let explain = |combination: usize, case: usize| {
        let cell = &verdicts[plan.cell_of(combination, case)].cell;
        let argument = &plan.cases[case].argument;
        explain_command(cell, argument, args.from.directory.as_deref())
    };
    let told = WhatIf {
        plan: &plan,
        answers: &answers,
        verdicts: &verdicts,
        resumed,
        elapsed: started.elapsed(),
        explain: &explain,
    };
    ended.code(answer(&told, args).map(|()| match () {
        () if bad_files => BAD_FILE,
        () if verdicts.iter().any(is_broken) => 1,
        () if verdicts.iter().any(|v| !v.is_exhaustive()) => 3,
        () => 0,
    }))
}

/// Prints and draws what was found.
fn answer(told: &WhatIf, args: &WhatIfArgs) -> miette::Result<()> {
    // The answer first: what it took is not lost if it is too much for a picture.
    if args.svg.as_deref() != Some(Path::new("-")) {
        print(&match args.format {
            Format::Table => whatif(told, args.verbose, style(args.coloured.color)),
            Format::Json => json::lines(told),
        })?;
    }
    if let Some(file) = &args.svg {
        write(file, &svg(told)?)?;
    }
    Ok(())
}

/// What `whatif` without more says of some scenarios.
pub(super) struct Lattice {
    /// As a picture. Nothing of it is claimed that was not explored to the end.
    pub(super) svg: String,
    /// A search broke down; that has been said.
    pub(super) is_broken: bool,
}

/// What `whatif` without more says of these scenarios.
///
/// # Errors
/// When a name means nothing, or when an argument names a kernel.
pub(super) fn lattice(
    scenarios: &[String],
    from: &From,
    jobs: NonZeroUsize,
) -> miette::Result<Lattice> {
    let mut catalogue = Catalogue::read(from.directory.as_deref())?;
    let cases = cases(&catalogue.choose(scenarios)?, &[])?;
    let kernel = KernelChoice::of(release(KERNEL)?);
    let axes = axes(&VARY.map(str::to_owned), &kernel)?;
    let plan = Plan::new(kernel, axes, cases)?;
    let (cells, started) = (plan.cells(), Instant::now());
    let mut verdicts = Vec::with_capacity(cells.len());
    let bar = Bar::new(cells.len(), progress());
    explore_all(&cells, &Options::default(), jobs, &bar, |_, verdict| {
        complain_of(&verdict, &bar);
        verdicts.push(verdict);
    });
    let answers = Answers::new(&plan.combinations, &plan.findings(&verdicts));
    Ok(Lattice {
        svg: svg(&WhatIf {
            plan: &plan,
            answers: &answers,
            verdicts: &verdicts,
            resumed: 0,
            elapsed: started.elapsed(),
            explain: &|_, _| String::new(),
        })?,
        is_broken: verdicts.iter().any(is_broken),
    })
}

fn is_broken(verdict: &Verdict) -> bool {
    matches!(verdict.status, Status::Error(_))
}

fn axes(vary: &[String], from: &KernelChoice) -> miette::Result<Vec<Axis>> {
    let parse = |text: &String| {
        Axis::parse(text, &from.kernel).map_err(|error| match error {
            BadAxis::Unknown(name) => unknown(name).into(),
            error => miette::Report::from(error),
        })
    };
    vary.iter().map(parse).collect()
}

/// The scenarios with every value of their parameters that is meant.
fn cases(chosen: &[Chosen], set: &[Choice]) -> miette::Result<Vec<Case>> {
    let wishes = Wishes {
        kernels: Vec::new(),
        commits: Vec::new(),
        set: set.to_vec(),
        with: Vec::new(),
    };
    wishes.require_parameters(chosen)?;
    let mut cases: Vec<Case> = Vec::new();
    for one in chosen {
        if let Some(kernel) = one.kernel {
            return Err(BadQuestion::KernelBeside {
                kernel: kernel.name,
                scenario: one.argument.clone(),
            }
            .into());
        }
        for parameters in one.combinations(&wishes) {
            let there = |case: &Case| {
                Arc::ptr_eq(&case.scenario, &one.scenario) && case.parameters == parameters
            };
            if !cases.iter().any(there) {
                cases.push(Case {
                    scenario: one.scenario.clone(),
                    parameters,
                    argument: one.argument.clone(),
                });
            }
        }
    }
    Ok(cases)
}

/// The verdicts on all cells, how many of them had been finished before, and
/// how the run has ended.
fn explore(plan: &Plan, args: &WhatIfArgs) -> miette::Result<(Vec<Verdict>, usize, Ended)> {
    let cells = plan.cells();
    let options = Options {
        deadline: args
            .budget
            .and_then(|budget| Instant::now().checked_add(budget)),
        ..Options::default()
    };
    let run = Run::new(&cells, &options, &args.run)?;
    let resumed = run.resumed();
    let bar = Bar::new(
        run.left(),
        match progress() {
            Shown::Bar if args.format == Format::Json => Shown::Nothing,
            shown => shown,
        },
    );
    let mut verdicts = Vec::with_capacity(cells.len());
    let ended = run.explore(&bar, |_, verdict| verdicts.push(verdict));
    Ok((verdicts, resumed, ended))
}
