//! `watch`: check again whenever a file is saved, and say what has changed.

mod target;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use stalewake::cell::Cell;
use stalewake::explore::{Findings, Options};
use stalewake::report::aside;
use stalewake::report::changes::{changes, tell};
use stalewake::report::progress::Bar;
use stalewake::report::{Checked, Outcome, Style, Tone, counted};
use stalewake::scenario::ScenarioError;
use stalewake::verdict::{Status, Verdict};

use self::target::Target;
use super::check::{BAD_FILE, print_table};
use super::output::{print, progress, style};
use super::paths::named;
use super::run::{available, complain_of, explore_all};
use super::select::{Catalogue, Selected, Wishes};
use super::{Coloured, From};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct WatchArgs {
    /// A .toml file, a directory of them, or a scenario of the directory that
    /// --scenarios names.
    #[arg(value_name = "FILE|DIR|SCENARIO")]
    what: String,
    #[command(flatten)]
    wishes: Wishes,
    #[command(flatten)]
    from: From,
    /// End after so many re-checks; without it, Ctrl-C ends it.
    #[arg(long, value_name = "N")]
    changes: Option<u64>,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake watch ./mine.toml                        one file
  stalewake watch ./mine.toml --kernel v5.9,v5.10    on two kernels only
  stalewake watch ./races                            every file of a directory
  stalewake watch mine --scenarios ./races           one scenario of it

First everything is checked and shown as by `check`. From then on only what a
save has changed is: cells that are new (+), gone (-) or other than before (~). A
file with a mistake in it is complained about, and watched on; when it can be
read again it is compared with what it was before the mistake. A cell of which
only the expectation has changed is not explored again.

Exit codes, with --changes: those of `check`, for the last re-check.";

/// Checks, and again at every change.
pub(super) fn run(args: &WatchArgs) -> miette::Result<ExitCode> {
    let target = Target::of(&args.what, args.from.directory.as_deref())?;
    // What is saved from here on is noticed, also while the first check runs.
    let (_watcher, events) = target.watch()?;
    let mut seen = target.stamps();
    let mut watch = Watch {
        args,
        target: &target,
        style: style(args.coloured.color),
        last: Vec::new(),
        broken: BTreeSet::new(),
    };
    let mut code = watch.first()?;
    let mut done = 0;
    while args.changes.is_none_or(|most| done < most) {
        let saved = target.wait_for_save(&events, &mut seen)?;
        done += 1;
        code = watch.again(done, &saved)?;
    }
    Ok(code.into())
}

/// The state between two checks.
struct Watch<'a> {
    args: &'a WatchArgs,
    target: &'a Target,
    style: Style,
    /// The last result of every cell, those of files that are broken included.
    last: Vec<Checked>,
    /// The files that cannot be read.
    broken: BTreeSet<String>,
}

/// What there is to check.
struct Found {
    cells: Vec<Cell>,
    commands: Vec<String>,
    broken: BTreeSet<String>,
}

impl Watch<'_> {
    /// Checks everything and shows all of it.
    ///
    /// # Errors
    /// When the question makes no sense: nobody has changed a file yet.
    fn first(&mut self) -> miette::Result<u8> {
        let started = Instant::now();
        let found = self.read()?;
        self.broken = found.broken;
        (self.last, _) = self.check(&found.cells, &found.commands);
        if !self.last.is_empty() {
            print_table(&self.last, started.elapsed(), false, self.style)?;
        }
        print(&self.faint(&format!(
            "Watching {}. Ctrl-C ends it.",
            named(Path::new(&self.args.what))
        )))?;
        Ok(self.code())
    }

    /// Checks what has changed, and shows only that.
    fn again(&mut self, number: u64, saved: &[String]) -> miette::Result<u8> {
        print(&self.heading(&format!("{number}: {} was saved", saved.join(", "))))?;
        let found = match self.read() {
            Ok(found) => found,
            // A file may have lost the parameter or the cell that was asked for.
            Err(error) => {
                aside(format_args!("{error:?}"));
                print(&self.faint("Watching on."))?;
                return Ok(BAD_FILE);
            }
        };
        let healed = self.broken.difference(&found.broken);
        let healed: String = healed
            .map(|file| format!("{file} can be read again.\n"))
            .collect();
        print(&healed)?;
        self.broken = found.broken;
        if found.cells.is_empty() && !self.broken.is_empty() {
            print("Nothing was checked.\n")?;
            return Ok(BAD_FILE);
        }
        let (checked, explored) = self.check(&found.cells, &found.commands);
        // What a broken file had stays what it was.
        let broken = |checked: &&Checked| self.broken.contains(&checked.verdict.cell.scenario.file);
        let kept = self.last.iter().filter(broken).cloned();
        let now: Vec<Checked> = checked.into_iter().chain(kept).collect();
        print(&self.summary(&now, explored))?;
        self.last = now;
        Ok(self.code())
    }

    /// The cells that are meant. Complains about files that cannot be read.
    fn read(&self) -> miette::Result<Found> {
        let Target {
            arguments, from, ..
        } = self.target;
        let mut catalogue = Catalogue::read(from.directory.as_deref())?;
        let chosen = catalogue.choose(arguments)?;
        let cells = self.args.wishes.cells(&chosen)?;
        let broken = catalogue.broken.iter().filter_map(ScenarioError::about);
        let broken: BTreeSet<String> = broken.map(str::to_owned).collect();
        let bad_files = catalogue.complain();
        let (cells, commands) = Selected { cells, bad_files }.with_commands(from);
        Ok(Found {
            cells,
            commands,
            broken,
        })
    }

    /// The results of the cells, and how many of these had to be explored: what
    /// runs as before has the same results.
    fn check(&self, cells: &[Cell], commands: &[String]) -> (Vec<Checked>, usize) {
        let mut verdicts: Vec<Option<Verdict>> =
            cells.iter().map(|cell| self.known(cell)).collect();
        let unknown = (0..cells.len()).filter(|place| verdicts[*place].is_none());
        let unknown: Vec<usize> = unknown.collect();
        self.explore(&unknown, cells, |place, verdict| {
            verdicts[place] = Some(verdict);
        });
        let commands = commands.iter().cloned();
        let checked = verdicts.into_iter().flatten().zip(commands);
        let checked = checked.map(|(verdict, explain)| Checked { verdict, explain });
        (checked.collect(), unknown.len())
    }

    /// Explores the cells at these places.
    fn explore(&self, places: &[usize], cells: &[Cell], mut found: impl FnMut(usize, Verdict)) {
        if places.is_empty() {
            return;
        }
        let cells: Vec<Cell> = places.iter().map(|place| cells[*place].clone()).collect();
        let options = Options::default();
        let bar = Bar::new(cells.len(), progress());
        explore_all(&cells, &options, available(), &bar, |place, verdict| {
            complain_of(&verdict, &bar);
            found(places[place], verdict);
        });
    }

    /// What the last run found in a cell that runs the same now. What is
    /// expected of it may be something else.
    fn known(&self, cell: &Cell) -> Option<Verdict> {
        let same = |before: &&Checked| {
            let other = &before.verdict.cell;
            other.to_string() == cell.to_string()
                && other.kernel == cell.kernel
                && other.scenario.variant(&other.parameters)
                    == cell.scenario.variant(&cell.parameters)
        };
        let before = &self.last.iter().find(same)?.verdict;
        let findings = Findings {
            status: before.status.clone(),
            reachable: before.reachable.clone(),
            abandoned: before.abandoned.clone(),
            figures: before.figures,
        };
        let coverage = before.coverage.clone();
        let verdict = Verdict::new(cell.clone(), &Options::default(), findings, coverage);
        (verdict.status == Status::Complete).then_some(verdict)
    }

    /// What has changed, and what all cells come to.
    fn summary(&self, now: &[Checked], explored: usize) -> String {
        let changes = changes(&self.last, now);
        let told = match changes.len() {
            0 => "Nothing changed".to_owned(),
            number => tell(&changes, self.style) + &format!("{number} changed"),
        };
        let (tone, outcome) = match Outcome::of(now) {
            _ if now.is_empty() => (Tone::Plain, "nothing to check"),
            _ if now.iter().all(|one| one.verdict.expected.is_none()) => {
                (Tone::Plain, "nothing is expected of them")
            }
            Outcome::AsExpected => (Tone::Good, "all as expected"),
            Outcome::Incomplete => (Tone::Doubtful, "not finished"),
            Outcome::Differs => (Tone::Bad, "not all as expected"),
        };
        let outcome = self.style.paint(tone, outcome);
        let cells = counted(now.len() as u64, "cell");
        format!("{told}, of {cells}, {explored} explored; {outcome}.\n")
    }

    fn code(&self) -> u8 {
        match self.broken.is_empty() {
            true => Outcome::of(&self.last).code(),
            false => BAD_FILE,
        }
    }

    fn heading(&self, text: &str) -> String {
        format!("\n{}\n", self.style.paint(Tone::Strong, text))
    }

    fn faint(&self, text: &str) -> String {
        self.style.paint(Tone::Faint, text) + "\n"
    }
}
