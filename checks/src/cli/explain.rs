//! `explain`: how something goes wrong, step by step.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::IntoDiagnostic;
use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::Options;
use stalewake::report::aside;
use stalewake::report::explain::{Remedy, Simplest, Story};
use stalewake::report::progress::Bar;
use stalewake::report::token::{record, token};
use stalewake::report::wrap;
use stalewake::report::{Style, counted};
use stalewake::verdict::{Reachable, Status, Verdict};
use stalewake_model::violation::{Class, Kind};

use super::check::BAD_FILE;
use super::error::{BadQuestion, Unknown};
use super::kernel::{release, warn_of_doubt};
use super::output::{print, progress, require_writable, style, write};
use super::paths::{keep_apart, quoted};
use super::run::{available, explore_all};
use super::select::{Selected, Wishes, files_read};
use super::{Coloured, From, MemoryOptions};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExplainArgs {
    /// A scenario, one of its cells (`writeback-reuse/truncate=wait/v5.9`), or
    /// the path of a .toml file.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    #[command(flatten)]
    wishes: Wishes,
    /// What is to be shown, such as bug-on-writeback; without it, the worst.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    #[command(flatten)]
    memory: MemoryOptions,
    /// Show the steps that only look or only take a lock, and barriers, too.
    #[arg(long)]
    all: bool,
    /// Draw the execution as a sequence diagram into this file instead; `-` is
    /// standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "all")]
    svg: Option<PathBuf>,
    /// Write it as a Mermaid sequence diagram instead, to standard output or
    /// into this file.
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "-",
        conflicts_with = "all"
    )]
    mermaid: Option<PathBuf>,
    /// Follow the schedule on this kernel, too, and show both step by step: how
    /// far it can be followed there, and whether the same happens.
    #[arg(long, value_name = "KERNEL", conflicts_with_all = ["svg", "mermaid"])]
    compare: Option<String>,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake explain writeback-reuse --kernel v5.9
  stalewake explain writeback-reuse --kernel v5.9 --set truncate=skip --all
  stalewake explain same-page --kernel v5.10 --kind stale-wakeup
  stalewake explain writeback-reuse/truncate=wait/v5.9
  stalewake explain writeback-reuse --kernel v5.10 --memory c11 --bound 1 \
                    --with woken-publish=relaxed
  stalewake explain writeback-reuse --kernel v5.9 --svg race.svg
  stalewake explain writeback-reuse --kernel v5.9 --mermaid=race.mmd
  stalewake explain writeback-reuse --kernel v5.9 --compare v5.10

Of several cells, the first is shown in which the worst goes wrong; without
--kernel, of all kernels that the scenario lists.

Time runs downwards, with a column for each thread. `»` shows what a step
changed, `zzz` a thread that goes to sleep, `══` where a use of a page ends or
begins, `!!` what went wrong.

The numbers are those of the steps. Below stands, in short, how it came about, and
what each commit that the kernel lacks would make of it: whether it can still
happen in this cell, which a search of every schedule says, and where this
schedule would first differ.";

/// Explains one cell.
pub(super) fn run(args: &ExplainArgs) -> miette::Result<ExitCode> {
    let kind = args.kind.as_deref().map(kind).transpose()?;
    let selected = Selected::by(
        std::slice::from_ref(&args.scenario),
        &args.from,
        &args.wishes,
    )?;
    let bad_files = selected.bad_files;
    let cells: Vec<Cell> = selected.cells.into_iter().map(|(cell, _)| cell).collect();
    if cells.is_empty() {
        return Ok(ExitCode::from(BAD_FILE));
    }
    let pictures = [&args.svg, &args.mermaid].into_iter().flatten();
    let pictures = pictures.map(PathBuf::as_path);
    keep_apart(
        pictures.clone(),
        files_read(std::slice::from_ref(&args.scenario), &args.from),
    )?;
    require_writable(pictures)?;
    let options = Options {
        search: args.memory.search(),
        ..Options::default()
    };
    let (verdict, others) = worst(&cells, kind, &options);
    if let Status::Error(reason) = &verdict.status {
        aside(format_args!("error: {}: {reason}", verdict.cell));
        return Ok(ExitCode::FAILURE);
    }
    let style = style(args.coloured.color);
    let text = match shown(&verdict, kind) {
        Some(reachable) => {
            let witness = &reachable.witness;
            let recording = record(&verdict.cell, verdict.search, witness).into_diagnostic()?;
            let kind = reachable.kind;
            let story = Story {
                cell: &verdict.cell,
                kind,
                witness,
                simplest: Simplest::of(&verdict),
                recording: &recording,
                all: args.all,
            };
            if let Some(file) = &args.svg {
                write(file, &story.svg())?;
            }
            if let Some(file) = &args.mermaid {
                write(file, &story.mermaid())?;
            }
            if args.svg.is_some() || args.mermaid.is_some() {
                return Ok(exit_code(bad_files));
            }
            if let Some(name) = &args.compare {
                print(&compared(&story, name, style)?)?;
                return Ok(exit_code(bad_files));
            }
            let remedies = story.remedies().into_diagnostic()?;
            print(&story.tell(&remedies, style))?;
            if verdict.holds() == Some(true) {
                let cell = &verdict.cell;
                let holds = format!("{cell} holds: nothing fatal and no hazard is reachable.");
                print(&("\n".to_owned() + &lines(&holds, style)))?;
            }
            let remedies = searched(remedies, kind);
            let token = token(&verdict.cell, verdict.search, witness);
            story.tell_remedies(&remedies, style) + &replay_hint(&token, args)
        }
        None => lines(
            &(nothing_to_show(&verdict, kind) + &nor_elsewhere(&others, kind)),
            style,
        ),
    };
    print(&text)?;
    Ok(exit_code(bad_files))
}

fn lines(text: &str, style: Style) -> String {
    let lines = wrap(text, style.width, 0);
    lines.iter().map(|line| line.clone() + "\n").collect()
}

/// What a search of every schedule says of the commits that change something in
/// the one that is shown.
fn searched(mut remedies: Vec<Remedy>, kind: Kind) -> Vec<Remedy> {
    let all = remedies.iter_mut();
    let mut asked: Vec<&mut Remedy> = all.filter(|remedy| remedy.effect.is_some()).collect();
    let cells: Vec<Cell> = asked.iter().map(|remedy| remedy.cell.clone()).collect();
    let bar = Bar::new(cells.len(), progress());
    explore_all(
        &cells,
        &Options::default(),
        available(),
        &bar,
        |place, verdict| {
            let is_found = verdict.kinds().contains(&kind);
            let is_known = is_found || verdict.is_exhaustive();
            asked[place].reachable = is_known.then_some(is_found);
        },
    );
    remedies
}

/// The schedule of a story on the kernel of that name.
fn compared(story: &Story<'_>, name: &str, style: Style) -> miette::Result<String> {
    if story.witness.execution.is_some() {
        return Err(BadQuestion::WeakSchedule.into());
    }
    let kernel = KernelChoice {
        typed: name.to_owned(),
        ..KernelChoice::of(release(name)?)
    };
    warn_of_doubt(name);
    let other = Cell {
        kernel,
        ..story.cell.clone()
    };
    story.compare(&other, style).into_diagnostic()
}

fn exit_code(bad_files: bool) -> ExitCode {
    if bad_files {
        ExitCode::from(BAD_FILE)
    } else {
        ExitCode::SUCCESS
    }
}

/// How to see the same execution again. The token is alone on its line, which
/// is not broken, so that it can be copied.
fn replay_hint(token: &str, args: &ExplainArgs) -> String {
    let file = args.scenario.ends_with(".toml");
    let directory = if file {
        Path::new(&args.scenario).parent()
    } else {
        args.from.directory.as_deref()
    };
    let option = directory.map_or(String::new(), |directory| {
        let here = directory.as_os_str().is_empty();
        let directory = if here { Path::new(".") } else { directory };
        format!(" --scenarios {}", quoted(&directory.to_string_lossy()))
    });
    format!("\n`stalewake replay{option}` and this token show it again:\n{token}\n")
}

/// The kind of that name.
fn kind(name: &str) -> Result<Kind, Unknown> {
    Kind::from_name(name)
        .ok_or_else(|| Unknown::new("kind", name, Kind::ALL.iter().map(|kind| kind.name())))
}

/// What is shown of a verdict: the kind asked for, or the worst.
fn shown(verdict: &Verdict, kind: Option<Kind>) -> Option<&Reachable> {
    match kind {
        Some(kind) => verdict
            .reachable
            .iter()
            .find(|reachable| reachable.kind == kind),
        None => verdict
            .reachable
            .iter()
            .min_by_key(|reachable| reachable.kind.class()),
    }
}

/// Explores the cells until one shows what is asked for, and returns the verdict
/// in which the worst was found, the first among equals, and the others.
fn worst(cells: &[Cell], kind: Option<Kind>, options: &Options) -> (Verdict, Vec<Verdict>) {
    let badness = |verdict: &Verdict| {
        shown(verdict, kind).map_or(u8::MAX, |reachable| match reachable.kind.class() {
            _ if kind.is_some() => 0,
            Class::Fatal => 0,
            Class::Hazard => 1,
            Class::Event => 2,
        })
    };
    let mut verdicts: Vec<Verdict> = Vec::new();
    for cell in cells {
        let bar = Bar::new(1, progress());
        let cell = std::slice::from_ref(cell);
        explore_all(cell, options, available(), &bar, |_, verdict| {
            verdicts.push(verdict);
        });
        if verdicts.last().is_some_and(|verdict| badness(verdict) == 0) {
            break;
        }
    }
    let places = 0..verdicts.len();
    let worst = places.min_by_key(|place| badness(&verdicts[*place]));
    let worst = verdicts.remove(worst.expect("there is a cell, and each has a verdict"));
    (worst, verdicts)
}

/// What is not to be seen in a cell is not in the others either.
fn nor_elsewhere(others: &[Verdict], kind: Option<Kind>) -> String {
    let what = kind.map_or("anything", Kind::name);
    let (exhaustive, open): (Vec<&Verdict>, Vec<&Verdict>) =
        others.iter().partition(|verdict| verdict.is_exhaustive());
    let of = |cells: &[&Verdict]| counted(cells.len() as u64, "other cell");
    let mut text = String::new();
    if !exhaustive.is_empty() {
        text += &format!(" Nor is {what} reachable in {}.", of(&exhaustive));
    }
    if !open.is_empty() {
        text += &format!(
            " Nor was {what} found in {}, where not every schedule was explored.",
            of(&open)
        );
    }
    text
}

/// The answer when there is nothing to draw.
fn nothing_to_show(verdict: &Verdict, kind: Option<Kind>) -> String {
    let cell = &verdict.cell;
    let figures = &verdict.figures;
    let searched = format!(
        "{} traces in {} executions",
        figures.traces(),
        figures.executions
    );
    let rests_on = if verdict.is_exhaustive() {
        format!("Exhaustive: sequentially consistent, unbounded, every schedule ({searched}).")
    } else {
        format!("Not every schedule was explored ({searched}).")
    };
    let found: Vec<&str> = verdict
        .reachable
        .iter()
        .map(|reachable| reachable.kind.name())
        .collect();
    match kind {
        _ if !verdict.is_exhaustive() && found.is_empty() => {
            format!("{cell}: nothing was found. {rests_on} What was not found may still be there.")
        }
        Some(kind) if !verdict.is_exhaustive() => {
            format!(
                "{cell}: {kind} was not found; what was: {}. {rests_on}",
                found.join(", ")
            )
        }
        Some(kind) if !found.is_empty() => {
            format!(
                "{cell}: {kind} is not reachable; what is: {}. {rests_on}",
                found.join(", ")
            )
        }
        Some(kind) => {
            format!("{cell} holds: neither {kind} nor anything else is reachable. {rests_on}")
        }
        None => format!("{cell} holds: nothing is reachable. {rests_on}"),
    }
}
