//! Explores every cell and every control, the small ones first, until one is not
//! as it was: then the mutant is caught, exit code 1. Exit code 0: nothing was
//! noticed. Its arguments are a baseline, and a file with what each cell comes to:
//! it is written if no mutant is chosen, and then saves exploring the cells that
//! do not come to the mutant's place. A number after them leaves out the cells
//! with more traces.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stalewake::cell::Cell;
use stalewake::coverage::Coverage;
use stalewake::explore::{Options, explore};
use stalewake::gate::{Baseline, Lane, Plan};
use stalewake::scenario;
use stalewake_model::coverage::Branch;
use stalewake_model::mutant;

/// What a cell comes to.
#[derive(Deserialize, Serialize)]
struct Reached {
    mutants: BTreeSet<usize>,
    branches: BTreeSet<String>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("the name of a baseline");
    let cells_file = arguments
        .next()
        .expect("a file with what each cell comes to");
    let most_traces: Option<u64> = arguments
        .next()
        .map(|most| most.parse().expect("a number of traces"));
    let text = std::fs::read_to_string(file).expect("the baseline can be read");
    let baseline = Baseline::parse(&text).expect("it is a baseline");
    let known: BTreeMap<String, Reached> = match mutant::chosen() {
        Some(_) => {
            let text = std::fs::read_to_string(&cells_file).expect("it was written");
            serde_json::from_str(&text).expect("it was written here")
        }
        None => BTreeMap::new(),
    };
    let mut cells: Vec<(String, Cell)> = cells();
    cells.sort_by_key(|(name, _)| baseline.traces(name));
    if let Some(most) = most_traces {
        cells.retain(|(name, _)| baseline.traces(name).is_some_and(|traces| traces <= most));
    }
    let mut coverage = Coverage::default();
    let mut all = BTreeMap::new();
    // What matters before any cell matters to all of them.
    let before = mutant::take_reached().unwrap_or_default();
    for (name, cell) in cells {
        if let (Some(chosen), Some(reached)) = (mutant::chosen(), known.get(&name))
            && !reached.mutants.contains(&chosen)
        {
            let branches = reached.branches.iter();
            coverage
                .branches
                .extend(branches.filter_map(|name| Branch::from_name(name)));
            continue;
        }
        // What is far larger than it was is not as it was.
        let most = 3 * baseline.traces(&name).unwrap_or_default() + 1_000;
        let options = Options {
            max_executions: Some(most),
            ..Options::default()
        };
        let verdict = explore(&cell, &options, &Arc::default());
        let is_control = name.contains(" with ");
        let branches = match is_control {
            true => BTreeSet::new(),
            false => verdict.coverage.branches.clone(),
        };
        coverage.branches.extend(&branches);
        let as_expected = is_control || verdict.as_expected() == Some(true);
        if !verdict.is_exhaustive() || !as_expected {
            println!("{name}: {:?}, {:?}", verdict.status, verdict.kinds());
            return ExitCode::FAILURE;
        }
        if let Some(change) = baseline.changes_of(&name, &verdict, Lane::Fast).first() {
            println!("{change}");
            return ExitCode::FAILURE;
        }
        if let Some(mut mutants) = mutant::take_reached() {
            mutants.extend(&before);
            let branches = branches.iter().map(|branch| branch.name().to_owned());
            let branches = branches.collect();
            all.insert(name, Reached { mutants, branches });
        }
    }
    // What is left out may be all that comes to a branch.
    let coverage = most_traces.is_none().then_some(coverage);
    let change = |coverage| baseline.changes_of_coverage(&coverage).into_iter().next();
    if let Some(change) = coverage.and_then(change) {
        println!("{change}");
        return ExitCode::FAILURE;
    }
    if mutant::chosen().is_none() {
        let text = serde_json::to_string(&all).expect("names and numbers");
        std::fs::write(cells_file, text).expect("it can be written");
    }
    println!("nothing was noticed");
    ExitCode::SUCCESS
}

/// Every cell that the gate explores, the controls among them, by name.
fn cells() -> Vec<(String, Cell)> {
    let scenarios: Vec<_> = scenario::shipped()
        .into_iter()
        .map(|scenario| Arc::new(scenario.expect("it is in order")))
        .collect();
    let plan = Plan::new(&scenarios, Lane::Fast);
    let cells = plan.cells.into_iter();
    let cells = cells.map(|cell| (cell.to_string(), cell));
    let controls = plan.controls.into_iter();
    let controls = controls.map(|(control, cell)| (control.named(&cell), cell));
    cells.chain(controls).collect()
}
