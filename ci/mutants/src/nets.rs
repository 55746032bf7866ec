//! What can notice a mutant: the gate, and tests. Each of them is run once
//! without any, to see what it comes to at all; no mutant of a place that it
//! does not come to is tried with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::mutant::Mutant;

/// How much longer a program may take that also says what it comes to.
const SLOWER: u32 = 10;

/// How many traces a small cell has at most.
const SMALL: &str = "200";

/// How a mutant ended.
#[derive(Clone, Debug)]
pub enum Fate {
    /// By what it was noticed.
    Caught(String),
    /// So it was noticed, too; or the time was too short for this machine.
    Endless(String),
    Survived,
}

/// A program that fails if it notices something.
struct Net {
    program: PathBuf,
    arguments: Vec<OsString>,
    /// Whether it is about the engine and the explorer only.
    is_of_explorer: bool,
    /// The mutants that it comes to the places of.
    reached: BTreeSet<usize>,
    /// How long it takes if nothing is noticed.
    takes: Duration,
}

/// All of them, the quickest first.
pub struct Nets<'m> {
    mutants: &'m [Mutant],
    nets: Vec<Net>,
    timeout: Duration,
}

/// The tests of the model.
const OF_MODEL: &[&str] = &["--package", "stalewake-model"];

/// What no kernel has been, but might be; and what no verdict depends on.
const BESIDE_MODEL: &[&str] = &[
    "--package",
    "stalewake",
    "--test",
    "alternatives",
    "--test",
    "steps",
    "--test",
    "own_logic",
];

/// The search, against brute force and against itself, and what explores
/// without it.
const OF_EXPLORER: &[&str] = &[
    "--package",
    "stalewake",
    "--lib",
    "--test",
    "crosscheck",
    "--test",
    "split",
    "--test",
    "native",
    "--test",
    "sample",
    "--test",
    "weak_memory",
];

impl<'m> Nets<'m> {
    /// Builds the tree with all mutants, and the tests in it, and runs all of it
    /// without any, so many programs at once.
    pub fn build(
        mutants: &'m [Mutant],
        chosen: &[usize],
        place: &Path,
        timeout: Duration,
        jobs: usize,
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
        let net = |program, arguments, is_of_explorer| Net {
            program,
            arguments,
            is_of_explorer,
            reached: BTreeSet::new(),
            takes: Duration::ZERO,
        };
        // The smallest cells take no time, and notice most.
        let gate = |cells: &str, most: &[&str]| {
            let files = ["tree/ci/baseline.jsonl", cells];
            let files = files.map(|file| place.join(file).into_os_string());
            let most = most.iter().map(OsString::from);
            let program = place.join("build/debug/try_mutant");
            net(program, files.into_iter().chain(most).collect(), false)
        };
        let mut nets = vec![gate("cells.txt", &[]), gate("small.txt", &[SMALL])];
        let is_of_model = |number: &usize| mutants[*number].is_of_model();
        let of_explorer = !chosen.iter().all(is_of_model);
        for (which, is_of_explorer) in [
            (OF_MODEL, false),
            (BESIDE_MODEL, false),
            (OF_EXPLORER, true),
        ] {
            if is_of_explorer && !of_explorer {
                continue;
            }
            let programs = tests(which)?.into_iter();
            nets.extend(programs.map(|test| net(test, Vec::new(), is_of_explorer)));
        }
        let mut nets = Nets {
            mutants,
            nets,
            timeout,
        };
        nets.look_around(place, jobs)?;
        Ok(nets)
    }

    /// Runs everything without any mutant, which all of it must pass.
    fn look_around(&mut self, place: &Path, jobs: usize) -> Result<()> {
        let timeout = self.timeout * SLOWER;
        let (all, left) = (
            self.nets.len(),
            Mutex::new(self.nets.iter_mut().enumerate()),
        );
        let next = || left.lock().expect("no worker panics").next();
        let bar = progress(all, "{pos}/{len} programs run without any mutant")?;
        at_once(jobs, || {
            while let Some((number, net)) = next() {
                net.look_around(&place.join(format!("reached-{number}.txt")), timeout)?;
                bar.inc(1);
            }
            Ok(())
        })?;
        bar.finish_and_clear();
        self.nets.sort_by_key(|net| net.takes);
        Ok(())
    }

    /// Tries these mutants, so many at once.
    pub fn fates(&self, chosen: &[usize], jobs: usize) -> Result<BTreeMap<usize, Fate>> {
        let left = "{pos}/{len} mutants, {elapsed_precise}, about {eta} left";
        let bar = progress(chosen.len(), left)?;
        // In a log there is no bar.
        let tell = |done: u64| {
            if bar.is_hidden() && done.is_multiple_of(20) {
                eprintln!("{done} of {} mutants", chosen.len());
            }
        };
        // One that survives takes a minute: who waits wants to know of it.
        let survived = |number: usize| {
            let comes = self.nets.iter().any(|net| net.reached.contains(&number));
            let how = if comes { "not caught" } else { "never reached" };
            let text = format!("{how}: {}", self.mutants[number]);
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
        at_once(jobs, work)?;
        bar.finish_and_clear();
        Ok(fates.into_inner().expect("no worker panics"))
    }

    fn fate(&self, number: usize) -> Result<Fate> {
        let is_of_model = self.mutants[number].is_of_model();
        let chosen = number.to_string();
        for net in &self.nets {
            if !net.reached.contains(&number) || is_of_model && net.is_of_explorer {
                continue;
            }
            let fate = net.run(&[("STALEWAKE_MUTANT", chosen.as_ref())], self.timeout)?;
            if !matches!(fate, Fate::Survived) {
                return Ok(fate);
            }
        }
        Ok(Fate::Survived)
    }
}

/// How far something is, for who looks on.
fn progress(all: usize, template: &str) -> Result<ProgressBar> {
    Ok(ProgressBar::new(all as u64).with_style(ProgressStyle::with_template(template)?))
}

/// Has so many workers do this.
fn at_once(jobs: usize, work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(&work)).collect();
        let mut joined = workers
            .into_iter()
            .map(|worker| worker.join().expect("no worker panics"));
        joined.try_for_each(|result| result)
    })
}

impl Net {
    /// Runs it without any mutant: what it comes to, and how long that takes.
    fn look_around(&mut self, file: &Path, timeout: Duration) -> Result<()> {
        fs::write(file, "")?;
        let began = Instant::now();
        match self.run(&[("STALEWAKE_REACHED", file.as_os_str())], timeout)? {
            Fate::Survived => {}
            Fate::Caught(by) => bail!("without any mutant something differs: {by}"),
            Fate::Endless(which) => bail!("without any mutant {which} does not end"),
        }
        self.takes = began.elapsed();
        let text = fs::read_to_string(file)?;
        let numbers = text.lines().map(str::parse);
        self.reached = numbers.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// How it ends with these variables in its environment.
    fn run(&self, variables: &[(&str, &std::ffi::OsStr)], timeout: Duration) -> Result<Fate> {
        let program = &self.program;
        let mut child = Command::new(program)
            .args(&self.arguments)
            .envs(variables.iter().copied())
            // That something fails is enough: nobody wants the smallest example.
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let stdout = child.stdout.take().context("it was piped")?;
        let (tell, told) = mpsc::channel();
        // It ends with the program.
        std::thread::spawn(move || tell.send(Said::of(stdout)));
        let said = told.recv_timeout(timeout);
        let is_over = matches!(said, Ok(Said::All(_)));
        if !is_over {
            child.kill()?;
        }
        let status = child.wait()?;
        let name = program.file_stem().unwrap_or_default().to_string_lossy();
        Ok(match said {
            Err(_) => Fate::Endless(name.into_owned()),
            Ok(Said::All(_)) if status.success() => Fate::Survived,
            Ok(Said::All(_)) if status.code().is_none() => {
                Fate::Caught(format!("{name}: it died: {status}"))
            }
            Ok(Said::All(line) | Said::Failed(line)) => Fate::Caught(format!("{name}: {line}")),
        })
    }
}

/// What a program has printed.
enum Said {
    /// The line with the first test that failed. The others do not matter.
    Failed(String),
    /// The last line.
    All(String),
}

impl Said {
    fn of(stdout: impl Read) -> Said {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let mut last = "it said nothing".to_owned();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            if line.ends_with("FAILED") {
                return Said::Failed(line);
            }
            last = line;
        }
        Said::All(last)
    }
}
