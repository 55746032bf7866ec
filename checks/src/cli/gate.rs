//! `gate`: everything a change must pass.

use std::fs::{self, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use miette::{IntoDiagnostic, WrapErr, miette};
use stalewake::explore::Options;
use stalewake::gate::{Baseline, Judgement, Lane, Plan, Run, Tried, judge, reports};
use stalewake::report::html::page;
use stalewake::report::json::{CellLine, line};
use stalewake::report::progress::Bar;
use stalewake::report::{Checked, aside, counted};
use stalewake::verdict::Verdict;

use super::file;
use super::kept::{self, Ended, RunOptions};
use super::output::{print, progress, require_writable, style, write};
use super::paths::{self, keep_apart, named, place};
use super::report::shown;
use super::select::{Catalogue, explain_command};
use super::{Coloured, From, loom_variables};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct GateArgs {
    /// How much is explored.
    #[arg(long, value_enum, value_name = "LANE", default_value = "fast")]
    lane: Speed,
    /// The figures that somebody has looked at.
    #[arg(long, value_name = "FILE", default_value = "ci/baseline.jsonl")]
    baseline: PathBuf,
    /// Write the figures of this run to the baseline, if nothing else is wrong;
    /// what changes is printed, and is yours to look at.
    #[arg(long)]
    bless: bool,
    /// Write cells.jsonl, junit.xml, summary.md and report.html into this
    /// directory, and make it if there is none.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake gate                                  before every commit
  stalewake gate --out gate                       with files for a CI server
  stalewake gate --lane full                      every night
  stalewake gate --resume gate.journal            again and again, until it is done
  stalewake gate --bless                          after a change that was meant
  stalewake gate --scenarios ./mine --baseline ./mine/baseline.jsonl
                                                  a gate for your own scenarios

It fails if a verdict differs from what its scenario expects, in either
direction; if an exploration did not come to its end; if a control is not caught,
or something holds on every kernel without a control; if a step never ran, or
anything reached before is out of reach; if the number of distinct traces of a
cell changed and nobody has blessed that; if nothing ran; and if a variable
LOOM_* is set, for whoever set it expects another search.

The fast lane explores every cell of which a scenario expects something; the
full lane the other rows of the release table, too.

Exit codes: 0 passed, 1 failed, 2 it could not run, 130 interrupted.";

/// The exit code of a run that does not pass.
const FAILED: u8 = 1;

/// [`Lane`], as the command line knows it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Speed {
    Fast,
    Full,
}

/// Runs it.
pub(super) fn run(args: &GateArgs) -> miette::Result<ExitCode> {
    let reports = args
        .out
        .iter()
        .flat_map(|out| REPORTS.map(|name| out.join(name)));
    let reports: Vec<PathBuf> = reports.collect();
    let lock = args.out.iter().map(|out| out.join(LOCK));
    let files: Vec<PathBuf> = reports.iter().cloned().chain(lock).collect();
    let baseline = &*args.baseline;
    let files = || files.iter().map(PathBuf::as_path);
    keep_apart(files().chain([baseline]), args.run.journal())?;
    let out = args.out.as_deref().map(Out::open).transpose()?;
    if args.bless {
        require_writable([&*args.baseline].into_iter())?;
        // It is read before it is written, and a pipe would be waited for.
        if fs::metadata(&args.baseline).is_ok_and(|kind| !kind.is_file()) {
            let name = named(&args.baseline);
            return Err(miette!("cannot bless {name}: it is no regular file"));
        }
    }
    let variables = loom_variables();
    if !variables.is_empty() {
        aside(format_args!(
            "gate: FAILED: {} set. A verdict must not depend on the environment: unset it.",
            match &variables[..] {
                [one] => format!("{one} is"),
                more => format!("{} are", more.join(", ")),
            }
        ));
        return Ok(FAILED.into());
    }
    let mut catalogue = Catalogue::read(args.from.directory.as_deref())?;
    if catalogue.complain() {
        aside(format_args!("gate: FAILED: not every scenario can be read"));
        return Ok(FAILED.into());
    }
    let lane = match args.lane {
        Speed::Fast => Lane::Fast,
        Speed::Full => Lane::Full,
    };
    let baseline = read(&args.baseline)?;
    if baseline.is_none() && !args.bless {
        let name = named(&args.baseline);
        aside(format_args!(
            "warning: there is no baseline {name}; --bless writes one"
        ));
    }
    let started = Instant::now();
    let (run, ended) = explore(Plan::new(&catalogue.scenarios, lane), lane, args)?;
    let judgement = judge(&run, baseline.as_ref());
    let elapsed = started.elapsed();
    ended.code(say(
        &run,
        &judgement,
        baseline.as_ref(),
        elapsed,
        out.as_ref(),
        args,
    ))
}

/// Says what a run comes to, and writes what was asked for. Returns the exit
/// code.
fn say(
    run: &Run,
    judgement: &Judgement,
    baseline: Option<&Baseline>,
    elapsed: Duration,
    out: Option<&Out>,
    args: &GateArgs,
) -> miette::Result<u8> {
    print(&judgement.text(style(args.coloured.color)))?;
    if let Some(out) = out {
        out.write(run, judgement, elapsed)?;
    }
    if args.bless {
        return bless(run, judgement, baseline, args);
    }
    let (lane, seconds) = (run.lane, elapsed.as_secs_f64());
    if judgement.passes() {
        print(&format!("gate: passed ({lane}, {seconds:.1} s)\n"))?;
        return Ok(0);
    }
    let hint = match judgement.can_be_blessed() {
        true => "\nIf that is what the change is meant to do, --bless writes it down.\n",
        false => "",
    };
    print(&format!("{hint}\ngate: FAILED ({lane}, {seconds:.1} s)\n"))?;
    Ok(FAILED)
}

/// Explores all of a plan.
fn explore(plan: Plan, lane: Lane, args: &GateArgs) -> miette::Result<(Run, Ended)> {
    let (cells, options) = (plan.all(), Options::default());
    let explored = kept::Run::new(&cells, &options, &args.run)?;
    let bar = Bar::new(explored.left(), progress());
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(cells.len());
    let ended = explored.explore(&bar, |_, verdict| verdicts.push(verdict));
    let directory = args.from.directory.as_deref();
    let explain =
        |verdict: &Verdict| explain_command(&verdict.cell, &verdict.cell.scenario.name, directory);
    let of_controls = verdicts.split_off(plan.cells.len());
    let checked = verdicts.into_iter().map(|verdict| Checked {
        explain: explain(&verdict),
        verdict,
    });
    let controls = plan.controls.into_iter().zip(of_controls);
    let tried = controls.map(|((control, _), verdict)| Tried {
        explain: control.keeps_steps().then(|| explain(&verdict)),
        control,
        verdict,
    });
    let run = Run {
        lane,
        checked: checked.collect(),
        tried: tried.collect(),
        unguarded: plan.unguarded,
    };
    Ok((run, ended))
}

/// The longest baseline, in bytes: that of all shipped cells is a hundredth.
const LARGEST: u64 = 16 << 20;

/// The baseline; none if there is no such file.
fn read(path: &Path) -> miette::Result<Option<Baseline>> {
    let named = || format!("cannot use the baseline {}", named(path));
    match file::read(path, LARGEST) {
        Ok(text) => Baseline::parse(&text).map(Some).map_err(|error| {
            miette!(
                help = "restore it, or remove it: then `gate --bless` writes another",
                "{}: {error}",
                named()
            )
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).into_diagnostic().wrap_err_with(named),
    }
}

/// Writes the figures down, unless something is wrong that no figure heals.
fn bless(
    run: &Run,
    judgement: &Judgement,
    before: Option<&Baseline>,
    args: &GateArgs,
) -> miette::Result<u8> {
    if !judgement.can_be_blessed() {
        print("\ngate: FAILED, and nothing was blessed: verdicts and controls come first\n")?;
        return Ok(FAILED);
    }
    let changes = judgement.changes.len();
    let now = Baseline::of(run);
    let text = match before.cloned() {
        Some(before) => before.blessed(now, run.lane),
        None => now,
    }
    .text();
    // Another gate that writes it down must see this one's, or be seen.
    let _lock = lock_directory(&args.baseline);
    if read(&args.baseline)?.as_ref() != before {
        return Err(miette!(
            help = "look at what changed there, and bless again",
            "{} has changed while this gate ran, and nothing was written to it",
            named(&args.baseline)
        ));
    }
    file::replace(&args.baseline, &text)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write {}", named(&args.baseline)))?;
    let written = match before {
        Some(_) => counted(changes as u64, "change"),
        None => format!(
            "{} of a new baseline",
            counted(run.checked.len() as u64, "cell")
        ),
    };
    print(&format!(
        "\ngate: blessed, {written} written to {}\n",
        named(&args.baseline)
    ))?;
    Ok(0)
}

/// Waits until nobody else has locked the directory of a file, where the system
/// can do that.
fn lock_directory(file: &Path) -> Option<fs::File> {
    let directory = fs::File::open(paths::directory(&place(file))).ok()?;
    directory.lock().ok()?;
    Some(directory)
}

/// The reports, in the order in which they are written.
const REPORTS: [&str; 4] = ["cells.jsonl", "junit.xml", "summary.md", "report.html"];

/// Says who writes into that directory.
const LOCK: &str = ".lock";

/// The directory of `--out`, which is nobody else's meanwhile. What an earlier
/// run has written there is gone from the beginning: if this one does not come
/// to its reports, nobody is to read those for its own.
struct Out {
    directory: PathBuf,
    _lock: fs::File,
}

impl Out {
    fn open(directory: &Path) -> miette::Result<Out> {
        let wrong = || format!("cannot write into {}", named(directory));
        fs::create_dir_all(directory)
            .into_diagnostic()
            .wrap_err_with(wrong)?;
        let lock = directory.join(LOCK);
        // Where a link leads to is not ours, and a pipe would be waited for.
        if fs::symlink_metadata(&lock).is_ok_and(|kind| !kind.is_file()) {
            return Err(miette!("{} is no regular file", named(&lock))).wrap_err_with(wrong);
        }
        let mut options = fs::OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).open(lock);
        let lock = lock.into_diagnostic().wrap_err_with(wrong)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(miette!(
                    help = "give each run an --out of its own",
                    "another gate is writing into {}",
                    named(directory)
                ));
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).into_diagnostic().wrap_err_with(wrong);
            }
        }
        let out = Out {
            directory: directory.to_owned(),
            _lock: lock,
        };
        if let Some(name) = REPORTS.iter().find(|name| directory.join(name).is_dir()) {
            return Err(miette!("{name} is a directory there")).wrap_err_with(wrong);
        }
        out.clear().into_diagnostic().wrap_err_with(wrong)?;
        Ok(out)
    }

    /// Removes all reports.
    fn clear(&self) -> std::io::Result<()> {
        REPORTS
            .iter()
            .try_for_each(|name| match fs::remove_file(self.directory.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            })
    }

    fn write(&self, run: &Run, judgement: &Judgement, elapsed: Duration) -> miette::Result<()> {
        let cells = run.checked.iter();
        let cells = cells.map(|checked| line(&CellLine::new(&checked.verdict)) + "\n");
        let cells: String = cells.collect();
        let shown = shown(run.checked.clone())?;
        let texts = [
            cells,
            reports::junit(run, judgement),
            reports::summary(run, judgement, elapsed),
            page(&shown, elapsed, None),
        ];
        let mut reports = REPORTS.iter().zip(texts);
        let written = reports.try_for_each(|(name, text)| write(&self.directory.join(name), &text));
        // Some of them would say something else than the exit code.
        if written.is_err() {
            let _ = self.clear();
        }
        written
    }
}
