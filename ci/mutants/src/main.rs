//! Changes every step of the model, the engine and the explorer, one at a time,
//! and sees whether anything notices: the gate, or a test. What nobody notices
//! must stand in `ci/equivalent-mutants.toml`, with the reason why it makes no
//! difference.

mod mutant;
mod nets;
mod operators;
mod rewrite;
mod step;
mod survey;
mod tree;

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde::Deserialize;

use mutant::{Change, Mutant};
use nets::{Fate, Nets};

/// Changes every step of the model, the engine and the explorer, and sees whether anything notices.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only mutants of which one of these is a part: a file, a function, a change.
    #[arg(value_name = "TEXT")]
    only: Vec<String>,
    /// Every Nth of them only.
    #[arg(long, value_name = "N", default_value_t = NonZero::<usize>::MIN)]
    every: NonZero<usize>,
    /// Leave out so many before the first: who tries every Nth tries all of them in N runs.
    #[arg(long, value_name = "M", default_value_t = 0)]
    from: usize,
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
    /// Which of several that are the same; all of them if it does not say.
    nth: Option<usize>,
    reason: String,
}

impl Equivalent {
    fn is(&self, mutant: &Mutant) -> bool {
        self.file == mutant.file
            && self.function == mutant.function
            && self.change == mutant.change
            && self.step == mutant.step
            && self.nth.is_none_or(|nth| nth == mutant.nth)
    }
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
        .skip(arguments.from)
        .step_by(arguments.every.get())
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
        arguments.jobs,
    )?;
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
    for (at, one) in equivalents.iter().enumerate() {
        let is_new = |mutant: &Mutant| !equivalents[..at].iter().any(|other| other.is(mutant));
        if !mutants
            .iter()
            .any(|mutant| one.is(mutant) && is_new(mutant))
        {
            failed = true;
            println!(
                "no such mutant, or named before: {} {}: {} `{}`",
                one.file, one.function, one.change, one.step
            );
        }
    }
    println!(
        "{} mutants: {caught} caught, {endless} did not end, \
         {known} equivalent with a reason, {} survived",
        fates.len(),
        fates.len() - caught - endless - known
    );
    ExitCode::from(u8::from(failed))
}
