//! Inputs that are in order, or nearly, from which hostile ones are made.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use stalewake::cell::Cell;
use stalewake::explore::{Options, Shard, Split, explore};
use stalewake::gate::Baseline;
use stalewake::journal;
use stalewake::report::json::{CellLine, line};
use stalewake::report::merge::merge;
use stalewake::report::seal::sealed;
use stalewake::report::token::{Token, token};
use stalewake::scenario::{find_shipped, parse, shipped};
use stalewake::verdict::{Search, Verdict, Witness};

use super::inputs::{NEXT_FILE, SMALL};

/// How many cells of the small scenario are explored: two that reach
/// something, and one that holds.
const CELLS: usize = 4;

const BASELINE: &str = r#"{"baseline":1,"branches":["autoremoved","woken"]}
{"cell":"hash-collision/v5.8","lane":"fast","traces":1024,"steps":31,"kinds":{}}
{"cell":"shmem-tail/v5.9","lane":"fast","traces":77,"steps":30,"kinds":{"bug-on-tail":7,"foreign-read":5}}
{"cell":"shmem-tail/v6.7","lane":"full","traces":12,"steps":28,"kinds":{},"never_ran":["B:3"]}
"#;

/// The seeds of a kind of input.
pub fn of(kind: &str) -> Vec<Vec<u8>> {
    let texts = match kind {
        "scenario" => scenarios(),
        "token" => tokens(),
        "shard" => vec![
            shards(2).join(&NEXT_FILE.to_string()),
            shards(3).concat(),
            shards(2)[0].clone(),
            // A change at one place leads from there to a wrong proof.
            shards(2).concat().replace("\"sc\"", "\"c11\""),
        ],
        "journal" => vec![written(), shards(2)[0].clone()],
        "baseline" => vec![BASELINE.to_owned()],
        _ => panic!("there are no seeds of {kind}"),
    };
    texts.into_iter().map(String::into_bytes).collect()
}

/// Fails if what should be in order is not: then its mutants show nothing.
pub fn are_real() {
    let order = scenarios().into_iter();
    let order = order.filter(|text| parse("seed", "seed.toml", text).is_ok());
    assert!(order.count() >= shipped().len());
    let cells = cells();
    let scenarios = [cells[0].scenario.clone()];
    for token in tokens() {
        let token = Token::parse(&token).expect("it was made here");
        assert!(token.cell(&scenarios[0]).is_ok());
    }
    let files = shards(3).into_iter().map(|text| ("x".to_owned(), text));
    let merged = merge(&files.collect::<Vec<_>>(), &scenarios).expect("they are a whole");
    assert_eq!(merged.len(), CELLS);
    assert!(merged.iter().all(Verdict::is_exhaustive));
    let read =
        journal::read(written().as_bytes(), &cells, &Options::default()).expect("it is a journal");
    assert_eq!(read.verdicts.len(), CELLS);
    assert!(Baseline::parse(BASELINE).is_ok());
}

fn scenarios() -> Vec<String> {
    let shipped = shipped().into_iter();
    let mut texts: Vec<String> = shipped
        .map(|scenario| scenario.expect("what is shipped is in order").text)
        .collect();
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenario_errors");
    let mut paths: Vec<_> = fs::read_dir(broken)
        .expect("the broken files are in this crate")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    paths.sort();
    let broken = paths.iter().map(fs::read_to_string);
    texts.extend(broken.map(|text| text.expect("it is text")));
    texts
}

fn cells() -> Vec<Cell> {
    let mut cells = Cell::all_of(&find_shipped(SMALL).expect("it is shipped"));
    cells.truncate(CELLS);
    cells
}

fn tokens() -> Vec<String> {
    let mut tokens = Vec::new();
    for cell in cells() {
        let verdict = explore(&cell, &Options::default(), &Arc::default());
        let witnesses = verdict.reachable.iter().map(|found| &found.witness);
        tokens.extend(witnesses.map(|witness| token(&cell, Search::Reduced, witness)));
        let first = Witness {
            schedule: Vec::new(),
            preemptions: 1,
            execution: Some(1),
        };
        let search = Search::Weak {
            bound: Some(1),
            companions: true,
        };
        tokens.push(token(&cell, search, &first));
    }
    tokens
}

/// What each of so many shards prints.
fn shards(of: u32) -> Vec<String> {
    let shard = |index| {
        let options = Options {
            split: Split::of(Shard::new(index, of).expect("there is such a shard")),
            ..Options::default()
        };
        let lines = cells().into_iter().map(|cell| {
            let verdict = explore(&cell, &options, &Arc::default());
            sealed("", &line(&CellLine::of_shard(&verdict, CELLS))) + "\n"
        });
        lines.collect()
    };
    (1..=of).map(shard).collect()
}

fn written() -> String {
    let options = Options::default();
    let first = journal::first_line(&options);
    let lines = cells().into_iter().map(|cell| {
        let verdict = explore(&cell, &options, &Arc::default());
        journal::cell_line(&first, &verdict)
    });
    first.clone() + &lines.collect::<String>()
}
