//! Drops, doubles and swaps every step of the model, drops every call and every
//! condition of the engine and the explorer, and changes every operator, one at a
//! time, and sees whether anything notices: the gate, or a test. What nobody notices must stand
//! in `ci/equivalent-mutants.toml`, with the reason why it makes no difference.

mod mutant;
mod operators;
mod rewrite;
mod step;
mod tree;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use wait_timeout::ChildExt;

use mutant::{Change, Mutant};

/// Changes every step of the model, the engine and the explorer, and sees whether anything notices.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only mutants of which one of these is a part: a file, a function, a change.
    #[arg(value_name = "TEXT")]
    only: Vec<String>,
    /// Every Nth of them only.
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,
    /// Only list them.
    #[arg(long)]
    list: bool,
    /// How many are tried at once.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// A mutant that takes longer in one of the tests is caught, and named: it does not end.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
}

/// What makes no difference, and why.
#[derive(Debug, Default, Deserialize)]
struct Equivalents {
    #[serde(default)]
    mutant: Vec<Equivalent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Equivalent {
    file: String,
    function: String,
    change: Change,
    step: String,
    reason: String,
}

impl Equivalent {
    fn is(&self, mutant: &Mutant) -> bool {
        self.file == mutant.file
            && self.function == mutant.function
            && self.change == mutant.change
            && self.step == mutant.step
    }
}

/// How a mutant ended.
#[derive(Clone, Debug)]
enum Fate {
    /// By what it was noticed.
    Caught(String),
    /// So it was noticed, too; or the time was too short for this machine.
    Endless(String),
    Survived,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let place = root.join("target/mutants");
    let mutants = tree::grow(&root, &place.join("tree"))?;
    let meant = |mutant: &Mutant| {
        let name = mutant.to_string();
        let mut only = arguments.only.iter();
        arguments.only.is_empty() || only.any(|part| name.contains(part))
    };
    let chosen: Vec<usize> = (0..mutants.len())
        .filter(|number| meant(&mutants[*number]))
        .step_by(arguments.every.max(1))
        .collect();
    if arguments.list {
        let mut stdout = std::io::stdout().lock();
        for number in &chosen {
            // Who reads no further has seen enough.
            if writeln!(stdout, "{number} {}", mutants[*number]).is_err() {
                break;
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let equivalents = equivalents(&root.join("ci/equivalent-mutants.toml"))?;
    let nets = Nets::build(
        &mutants,
        &chosen,
        &place,
        Duration::from_secs(arguments.timeout),
    )?;
    match nets.fate(usize::MAX)? {
        Fate::Survived => {}
        Fate::Caught(by) => bail!("without any mutant something differs: {by}"),
        Fate::Endless(which) => bail!("without any mutant {which} takes longer than --timeout"),
    }
    let fates = nets.fates(&chosen, arguments.jobs)?;
    Ok(report(&mutants, &fates, &equivalents))
}

fn equivalents(file: &Path) -> Result<Vec<Equivalent>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let all: Equivalents = toml::from_str(&text).with_context(|| file.display().to_string())?;
    for one in &all.mutant {
        if one.reason.trim().is_empty() {
            bail!("{}: {} needs a reason", file.display(), one.step);
        }
    }
    Ok(all.mutant)
}

/// What can notice a mutant.
struct Nets<'m> {
    mutants: &'m [Mutant],
    gate: PathBuf,
    baseline: PathBuf,
    of_model: Vec<PathBuf>,
    of_explorer: Vec<PathBuf>,
    timeout: Duration,
}

impl<'m> Nets<'m> {
    /// Builds the tree with all mutants, and the tests of the model in it.
    fn build(
        mutants: &'m [Mutant],
        chosen: &[usize],
        place: &Path,
        timeout: Duration,
    ) -> Result<Nets<'m>> {
        let cargo = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO"));
            command.current_dir(place.join("tree")).args(arguments);
            command.env("CARGO_TARGET_DIR", place.join("build"));
            command.env("RUSTFLAGS", "--cfg loom -Awarnings");
            command
        };
        let judge = ["build", "--package", "stalewake", "--bin", "try_mutant"];
        if !cargo(&judge).status()?.success() {
            bail!(
                "the tree with the mutants does not build: see {}",
                place.display()
            );
        }
        let tests = |arguments: &[&str]| -> Result<Vec<PathBuf>> {
            let build = ["--no-run", "--message-format=json"];
            let mut command = cargo(&[&["test"], arguments, &build].concat());
            let built = command.stderr(Stdio::inherit()).output()?;
            if !built.status.success() {
                bail!("the tests do not build");
            }
            // The program itself is built with its tests, and is none.
            let executable = |line: &str| {
                let message: serde_json::Value = serde_json::from_str(line).ok()?;
                let is_test = message["profile"]["test"].as_bool()?;
                let path = message["executable"].as_str()?;
                is_test.then(|| PathBuf::from(path))
            };
            let text = String::from_utf8(built.stdout)?;
            Ok(text.lines().filter_map(executable).collect())
        };
        let mut of_model = tests(&["--package", "stalewake-model"])?;
        // What no kernel has been, but might be; and what no verdict depends on.
        of_model.extend(tests(&[
            "--package",
            "stalewake",
            "--test",
            "alternatives",
            "--test",
            "steps",
            "--test",
            "own_logic",
        ])?);
        let of_explorer = match chosen.iter().any(|number| !mutants[*number].is_of_model()) {
            true => tests(&[
                "--package",
                "stalewake",
                "--lib",
                "--test",
                "crosscheck",
                "--test",
                "split",
            ])?,
            false => Vec::new(),
        };
        Ok(Nets {
            mutants,
            gate: place.join("build/debug/try_mutant"),
            baseline: place.join("tree/ci/baseline.jsonl"),
            of_model,
            of_explorer,
            timeout,
        })
    }

    fn fates(&self, chosen: &[usize], jobs: usize) -> Result<BTreeMap<usize, Fate>> {
        let bar = ProgressBar::new(chosen.len() as u64).with_style(ProgressStyle::with_template(
            "{pos}/{len} mutants, {elapsed_precise}, about {eta} left",
        )?);
        // In a log there is no bar.
        let tell = |done: u64| {
            if bar.is_hidden() && done.is_multiple_of(20) {
                eprintln!("{done} of {} mutants", chosen.len());
            }
        };
        // One that survives takes a minute: who waits wants to know of it.
        let survived = |number: usize| {
            let text = format!("not caught: {}", self.mutants[number]);
            match bar.is_hidden() {
                true => eprintln!("{text}"),
                false => bar.println(text),
            }
        };
        let (next, fates) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || -> Result<()> {
            while let Some(number) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                let fate = self.fate(*number)?;
                if matches!(fate, Fate::Survived) {
                    survived(*number);
                }
                fates
                    .lock()
                    .expect("no worker panics")
                    .insert(*number, fate);
                bar.inc(1);
                tell(bar.position());
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
            let mut joined = workers
                .into_iter()
                .map(|w| w.join().expect("no worker panics"));
            joined.try_for_each(|result| result)
        })?;
        bar.finish_and_clear();
        Ok(fates.into_inner().expect("no worker panics"))
    }

    /// The cells first: the smallest of them take no time.
    fn fate(&self, number: usize) -> Result<Fate> {
        let gate = self.tries(&self.gate, &[self.baseline.as_ref()], number)?;
        if !matches!(gate, Fate::Survived) {
            return Ok(gate);
        }
        // Without any mutant, all of them must pass.
        let mutant = self.mutants.get(number);
        let more = match mutant.is_some_and(Mutant::is_of_model) {
            true => &[][..],
            false => &self.of_explorer,
        };
        for test in self.of_model.iter().chain(more) {
            let fate = self.tries(test, &["--quiet".as_ref()], number)?;
            if !matches!(fate, Fate::Survived) {
                return Ok(fate);
            }
        }
        Ok(Fate::Survived)
    }

    /// How the mutant ends with this program.
    fn tries(&self, program: &Path, arguments: &[&std::ffi::OsStr], number: usize) -> Result<Fate> {
        let mut child = Command::new(program)
            .args(arguments)
            .env("STALEWAKE_MUTANT", number.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let mut stdout = child.stdout.take().context("it was piped")?;
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = std::io::Read::read_to_end(&mut stdout, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let status = child.wait_timeout(self.timeout)?;
        if status.is_none() {
            child.kill()?;
            child.wait()?;
        }
        let text = reader.join().expect("reading does not panic");
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let failed = lines.clone().find(|line| line.contains("FAILED"));
        let said = failed.or(lines.next_back()).unwrap_or("it said nothing");
        let name = program.file_stem().unwrap_or_default().to_string_lossy();
        Ok(match status {
            Some(status) if status.success() => Fate::Survived,
            Some(status) if status.code().is_some() => Fate::Caught(format!("{name}: {said}")),
            Some(status) => Fate::Caught(format!("{name}: it died: {status}")),
            None => Fate::Endless(name.into_owned()),
        })
    }
}

/// Says what survived without a reason, and which reasons are of no use.
fn report(
    mutants: &[Mutant],
    fates: &BTreeMap<usize, Fate>,
    equivalents: &[Equivalent],
) -> ExitCode {
    let (mut caught, mut endless, mut known, mut failed) = (0, 0, 0, false);
    for (number, fate) in fates {
        let mutant = &mutants[*number];
        let reason = equivalents.iter().find(|one| one.is(mutant));
        match (fate, reason) {
            (Fate::Caught(_), None) => caught += 1,
            (Fate::Endless(which), None) => {
                endless += 1;
                println!("did not end: {mutant}\n    in {which}");
            }
            (Fate::Survived, Some(_)) => known += 1,
            (Fate::Survived, None) => {
                failed = true;
                println!("survived: {mutant}");
            }
            (Fate::Caught(by) | Fate::Endless(by), Some(one)) => {
                failed = true;
                println!(
                    "caught after all: {mutant}\n    by {by}\n    said to be equivalent: {}",
                    one.reason
                );
            }
        }
    }
    let stale = |one: &&Equivalent| !mutants.iter().any(|mutant| one.is(mutant));
    for one in equivalents.iter().filter(stale) {
        failed = true;
        println!(
            "no such mutant: {} {}: {} `{}`",
            one.file, one.function, one.change, one.step
        );
    }
    println!(
        "{} mutants: {caught} caught, {endless} did not end, \
         {known} equivalent with a reason, {} survived",
        fates.len(),
        fates.len() - caught - endless - known
    );
    ExitCode::from(u8::from(failed))
}
