//! Explores every cell and every control, the small ones first, until one is not
//! as it was: then the mutant is caught, exit code 1. Exit code 0: nothing was
//! noticed. The name of a baseline is the only argument.

use std::process::ExitCode;
use std::sync::Arc;

use stalewake::cell::Cell;
use stalewake::coverage::Coverage;
use stalewake::explore::{Options, explore};
use stalewake::gate::{Baseline, Lane, Plan};
use stalewake::scenario;

fn main() -> ExitCode {
    let file = std::env::args().nth(1).expect("the name of a baseline");
    let text = std::fs::read_to_string(file).expect("the baseline can be read");
    let baseline = Baseline::parse(&text).expect("it is a baseline");
    let scenarios: Vec<_> = scenario::shipped()
        .into_iter()
        .map(|scenario| Arc::new(scenario.expect("it is in order")))
        .collect();
    let plan = Plan::new(&scenarios, Lane::Fast);
    let mut cells: Vec<(String, Cell)> = plan
        .cells
        .into_iter()
        .map(|cell| (cell.to_string(), cell))
        .collect();
    let controls = plan.controls.into_iter();
    cells.extend(controls.map(|(control, cell)| (control.named(&cell), cell)));
    cells.sort_by_key(|(name, _)| baseline.traces(name));
    let mut coverage = Coverage::default();
    for (name, cell) in cells {
        // What is far larger than it was is not as it was.
        let most = 3 * baseline.traces(&name).unwrap_or_default() + 1_000;
        let options = Options {
            max_executions: Some(most),
            ..Options::default()
        };
        let verdict = explore(&cell, &options, &Arc::default());
        if !name.contains(" with ") {
            coverage.branches.extend(&verdict.coverage.branches);
        }
        let as_expected = name.contains(" with ") || verdict.as_expected() == Some(true);
        if !verdict.is_exhaustive() || !as_expected {
            println!("{name}: {:?}, {:?}", verdict.status, verdict.kinds());
            return ExitCode::FAILURE;
        }
        if let Some(change) = baseline.changes_of(&name, &verdict, Lane::Fast).first() {
            println!("{change}");
            return ExitCode::FAILURE;
        }
    }
    if let Some(change) = baseline.changes_of_coverage(&coverage).first() {
        println!("{change}");
        return ExitCode::FAILURE;
    }
    println!("nothing was noticed");
    ExitCode::SUCCESS
}
