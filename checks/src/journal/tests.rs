use std::sync::Arc;

use super::file::LARGEST;
use super::*;
use crate::cell::{Cell, KernelChoice};
use crate::explore::{Options, Progress, Shard, Split, explore};
use crate::report::json::VERSION;
use crate::report::token::line_sum;
use crate::scenario::{find_shipped, parse};
use crate::verdict::Search;

fn cells() -> Vec<Cell> {
    Cell::all_of(&find_shipped("shmem-tail").expect("it is shipped"))
}

/// A journal of these cells.
fn written(cells: &[Cell], options: &Options) -> String {
    let first = first_line(options);
    let explored = cells.iter().map(|cell| {
        let verdict = explore(cell, options, &Arc::new(Progress::default()));
        cell_line(&first, &verdict)
    });
    let lines: String = explored.collect();
    first + &lines
}

fn reread(text: &str, cells: &[Cell]) -> Result<Kept, JournalError> {
    read(text.as_bytes(), cells, &Options::default())
}

/// The journal with other words in it, and with the sums that belong to them.
fn forged(text: &str, from: &str, to: &str) -> String {
    let mut first = String::new();
    let lines = text.lines().map(|line| {
        let changed = line.replace(from, to);
        let (open, _) = changed.rsplit_once(",\"sum\":").unwrap_or((&changed, ""));
        let line = format!("{open},\"sum\":\"{}\"}}\n", line_sum(&first, open));
        if first.is_empty() {
            first.clone_from(&line);
        }
        line
    });
    let forged: String = lines.collect();
    assert_ne!(forged, text, "{from}");
    forged
}

#[test]
fn what_was_written_comes_back() {
    let cells = cells();
    let kept = reread(&written(&cells[..2], &Options::default()), &cells).expect("it is one");
    assert_eq!((kept.verdicts.len(), kept.others), (2, 0));
    for (place, again) in &kept.verdicts {
        let verdict = explore(&cells[*place], &Options::default(), &Arc::default());
        assert!(again.is_exhaustive());
        assert_eq!(again.reachable, verdict.reachable);
        assert_eq!(again.coverage, verdict.coverage);
        assert_eq!(again.cell.kernel, cells[*place].kernel);
    }
}

#[test]
fn how_a_kernel_is_called_does_not_matter() {
    let cells = cells();
    let text = written(&cells[..1], &Options::default());
    let mut renamed = cells[0].clone();
    renamed.kernel = KernelChoice {
        typed: "v4.19".to_owned(),
        ..renamed.kernel
    };
    let both = [cells[0].clone(), renamed];
    let kept = reread(&text, &both).expect("it is one");
    assert_eq!(kept.verdicts[&1].cell.kernel.typed, "v4.19");
    assert_eq!((kept.verdicts.len(), kept.others), (2, 0));
    let kept = reread(&text, &cells[1..]).expect("it is one");
    assert_eq!((kept.verdicts.len(), kept.others), (0, 1));
}

#[test]
fn scenarios_of_one_name_are_kept_apart() {
    let cells = cells();
    let scenario = &cells[0].scenario;
    let text = scenario.text.replace("frames = 2", "frames = 3");
    let other = parse(&scenario.name, "other", &text).expect("it is well-formed");
    let other = Cell::all_of(&Arc::new(other));
    let both = [other[0].clone(), cells[0].clone()];
    let kept = reread(&written(&cells[..1], &Options::default()), &both).expect("it is one");
    let places: Vec<_> = kept.verdicts.keys().collect();
    assert_eq!(places, [&1]);
}

#[test]
fn a_weak_search_comes_back() {
    let cells = &cells()[..1];
    let options = Options {
        search: Search::Weak {
            bound: Some(1),
            companions: false,
        },
        ..Options::default()
    };
    let text = written(cells, &options);
    let kept = read(text.as_bytes(), cells, &options).expect("it is one");
    assert_eq!(
        cell_line(&first_line(&options), &kept.verdicts[&0]),
        text.lines().last().expect("a line").to_owned() + "\n"
    );
}

#[test]
fn other_searches_are_refused() {
    let cells = &cells()[..1];
    let of = |search, shard| Options {
        search,
        split: Split::of(shard),
        ..Options::default()
    };
    let (whole, half) = (Shard::default(), Shard::new(1, 2).expect("there is one"));
    let weak = |companions| Search::Weak {
        bound: Some(1),
        companions,
    };
    let options = [
        (of(Search::Reduced, whole), ""),
        (of(Search::Plain, whole), "--no-reduction"),
        (of(Search::Bounded(2), whole), "--bound 2"),
        (of(weak(false), whole), "--memory c11 --bound 1"),
        (of(weak(true), whole), "--memory c11 --bound 1 --companions"),
        (of(Search::Reduced, half), "--shard 1/2"),
    ];
    for (one, typed) in &options {
        let text = first_line(one);
        for (other, asked) in &options {
            match read(text.as_bytes(), cells, other) {
                Ok(_) => assert_eq!(typed, asked),
                Err(JournalError::OtherOptions { found, asked: told }) => {
                    assert_eq!((found.as_str(), told.as_str()), (*typed, *asked));
                    assert_ne!(typed, asked);
                }
                Err(error) => panic!("{typed} and {asked}: {error}"),
            }
        }
    }
}

#[test]
fn a_file_of_somebody_else_is_no_torn_journal() {
    for text in [
        "x",
        "\n",
        "{}",
        "{\"stalewake_journal\":x",
        "{\"schema\":1}\n",
    ] {
        let refused = reread(text, &[]).expect_err(text);
        assert!(matches!(refused, JournalError::NoJournal), "{text:?}");
    }
    let refused = reread("{\"stalewake_journal\":2,\"new\":true}", &[]).expect_err("newer");
    assert!(matches!(refused, JournalError::OtherFormat { found: 2 }));
}

#[test]
fn what_is_of_something_else_is_refused() {
    let cells = cells();
    let text = written(&cells[..1], &Options::default());
    let refused = |from: &str, to: &str| reread(&forged(&text, from, to), &cells).expect_err(to);
    type E = JournalError;
    let version = format!("\"version\":\"{VERSION}\"");
    assert!(matches!(
        refused(&version, "\"version\":\"0.0.1\""),
        E::OtherVersion { .. }
    ));
    for (from, to) in [
        ("\"cell_sum\":\"", "\"cell_sum\":\"0"),
        ("only-head", "skip"),
    ] {
        assert!(matches!(refused(from, to), E::OtherCell { line: 2, .. }));
    }
    for (from, to) in [
        ("\"schema\"", "schema"),
        ("\"shard\":\"1/1\"", "\"shard\":\"1/2\""),
        ("\"complete\"", "\"incomplete\""),
    ] {
        assert!(matches!(refused(from, to), E::NoCell { line: 2, .. }));
    }
}

/// What the next run would not read is not written.
#[test]
fn a_journal_does_not_grow_beyond_what_is_read() {
    let (cells, options) = (cells(), Options::default());
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("journal");
    let (mut journal, ..) = JournalFile::open(&path, &cells, &options).expect("it is new");
    let verdict = explore(&cells[0], &options, &Arc::default());
    journal.append(&verdict).expect("there is room");
    let before = std::fs::read(&path).expect("it is there");
    journal.length = LARGEST - 10;
    let full = journal.append(&verdict).expect_err("it would be too large");
    assert!(matches!(full, JournalError::Full));
    assert_eq!(std::fs::read(&path).expect("it is there"), before);
}
