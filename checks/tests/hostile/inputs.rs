//! What must be true of every text, whoever wrote it: a function for each kind
//! of input, which panics if it is not. The tests call them, and `ci/fuzz`.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde_json::Value;
use stalewake::cell::Cell;
use stalewake::explore::Options;
use stalewake::gate::Baseline;
use stalewake::journal;
use stalewake::program::CellProgram;
use stalewake::report::github::annotations;
use stalewake::report::json::{CellLine, line};
use stalewake::report::junit::junit;
use stalewake::report::markdown::markdown;
use stalewake::report::merge::merge;
use stalewake::report::observation::observation;
use stalewake::report::seal::sealed;
use stalewake::report::summary::{coverage, differences, legend};
use stalewake::report::table::table;
use stalewake::report::token::Token;
use stalewake::report::{Checked, Style};
use stalewake::scenario::{self, Scenario, find_shipped, shipped};
use stalewake::verdict::Verdict;

/// The scenario that shards and journals of the tests are of.
pub const SMALL: &str = "shmem-tail";

/// What separates the files in an input for [`shard`].
pub const NEXT_FILE: char = '\u{1e}';

/// The most of a C11 search that is repeated for a token.
const MOST_EXECUTIONS: u64 = 50;

/// A scenario file.
pub fn scenario(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let scenario = match scenario::parse("hostile", "hostile.toml", &text) {
        Ok(scenario) => Arc::new(scenario),
        Err(error) => return reported(&error, &text),
    };
    assert_eq!(scenario.text, text);
    for prose in [&scenario.title, &scenario.source, &scenario.story] {
        harmless(prose);
    }
    assert!(!scenario.combinations().is_empty());
    for control in &scenario.controls {
        harmless(&control.because);
    }
    let controls = scenario.controls.iter();
    let controls = controls.map(|control| control.cell(&scenario));
    let cells: Vec<Cell> = Cell::all_of(&scenario)
        .into_iter()
        .chain(controls)
        .collect();
    for cell in cells {
        harmless(&cell.to_string());
        if let Some(expected) = scenario.expected(&cell.parameters, cell.kernel.release) {
            harmless(&expected.because);
        }
        let _ = CellProgram::new(&cell);
    }
}

/// A replay token; then the same as somebody would write it who knows how its
/// sum is made.
pub fn token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    one_token(&text);
    if let Some((summed, _)) = text.rsplit_once('.') {
        one_token(&format!("{summed}.{}", sum(summed)));
    }
}

/// FNV-1a, as the last four digits of a token.
fn sum(text: &str) -> String {
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let sum = sum ^ sum >> 32;
    let digits = [15, 10, 5, 0].map(|place| (sum >> place & 31) as usize);
    let digit = |digit| char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[digit]);
    digits.map(digit).iter().collect()
}

fn one_token(text: &str) {
    let token = match Token::parse(text) {
        Ok(token) => token,
        Err(error) => return reported(&error, text),
    };
    assert_eq!(token.to_string(), text, "one token is written in two ways");
    let named = |scenario: &&Arc<Scenario>| scenario.name == token.scenario();
    let Some(scenario) = scenarios().iter().find(named) else {
        return;
    };
    match token.cell(scenario) {
        Err(error) => reported(&error, text),
        Ok(cell) => {
            harmless(&cell.to_string());
            let number = token.witness().execution.unwrap_or_default();
            if number <= MOST_EXECUTIONS
                && let Err(error) = token.replay(&cell)
            {
                reported(&error, text);
            }
        }
    }
}

/// One to three files of what shards print: as they are, and with sums that fit.
pub fn shard(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    shards(&text);
    shards(&resealed(&text));
}

/// The lines with a sum each, as if all of this had been printed so.
pub fn resealed(text: &str) -> String {
    let seal = |line: &str| {
        let object = line.rsplit_once(",\"sum\":").map(|(open, _)| open);
        match object.or(line.strip_suffix('}')) {
            Some(open) => sealed("", open),
            None => line.to_owned(),
        }
    };
    let lines: Vec<String> = text.split('\n').map(seal).collect();
    lines.join("\n")
}

fn shards(text: &str) {
    let files: Vec<(String, String)> = text
        .splitn(3, NEXT_FILE)
        .zip(["1.json", "2.json", "3.json"])
        .map(|(text, name)| (name.to_owned(), text.to_owned()))
        .collect();
    match merge(&files, scenarios()) {
        Err(error) => reported(&error, text),
        Ok(verdicts) => {
            assert!(!verdicts.is_empty(), "nothing was merged, and that passed");
            let lines: Vec<&str> = files.iter().flat_map(|(_, text)| text.lines()).collect();
            for verdict in &verdicts {
                proves(verdict, &lines);
            }
            for line in lines.iter().filter(|line| !line.is_empty()) {
                let line: Value = serde_json::from_str(line).expect("it was taken for one");
                assert_eq!(line["cells"], verdicts.len(), "a cell is missing");
            }
            printed(verdicts);
        }
    }
}

/// A journal.
pub fn journal(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match journal::read(bytes, small_cells(), &Options::default()) {
        Err(error) => reported(&error, &text),
        Ok(journal) => {
            // What comes after that is dropped, so it proves nothing, and need not.
            let whole = String::from_utf8_lossy(&bytes[..journal.whole]);
            let lines: Vec<&str> = whole.lines().collect();
            for verdict in journal.verdicts.values() {
                proves(verdict, &lines);
            }
            printed(journal.verdicts.into_values().collect());
        }
    }
}

/// A baseline of the gate.
pub fn baseline(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Baseline::parse(&text) {
        Err(error) => {
            assert!((1..=text.lines().count().max(1)).contains(&error.line));
            let message = error.to_string();
            harmless(&message);
            assert!(message.len() < 2000, "{message}");
        }
        Ok(baseline) => {
            let again = Baseline::parse(&baseline.text()).expect("it was written here");
            assert_eq!(again, baseline);
        }
    }
}

/// An exhaustive verdict has whole and finished searches behind it that can
/// be exhaustive.
fn proves(verdict: &Verdict, lines: &[&str]) {
    if !verdict.is_exhaustive() {
        return;
    }
    let cell = &verdict.cell;
    let is_of = |line: &Value| {
        line["scenario"] == *cell.scenario.name
            && serde_json::to_value(&cell.parameters).is_ok_and(|p| line["parameters"] == p)
            && line["kernel"] == *cell.kernel.typed
    };
    let lines = lines.iter().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        is_of(&line).then_some(line)
    });
    let lines: Vec<Value> = lines.collect();
    let parts: BTreeSet<&str> = lines.iter().filter_map(|l| l["shard"].as_str()).collect();
    let of = parts.first().and_then(|part| part.split_once('/'));
    let of = of.and_then(|(_, of)| of.parse().ok());
    assert_eq!(of, Some(parts.len()), "{cell}: a part is missing");
    for line in lines {
        assert_eq!(line["memory"], "sc", "{cell}: weak memory proves nothing");
        assert_eq!(line["bound"], Value::Null, "{cell}: a bound proves nothing");
        assert_eq!(line["status"], "complete", "{cell}: it was not finished");
    }
}

/// All that is ever printed of verdicts.
fn printed(verdicts: Vec<Verdict>) {
    let took = Duration::from_secs(1);
    for verdict in &verdicts {
        let line = line(&CellLine::new(verdict));
        harmless(&line);
        let object: Value = serde_json::from_str(&line).expect("a line is an object");
        assert!(object.is_object());
        harmless(&observation(verdict));
    }
    let checked = verdicts.into_iter().map(|verdict| Checked {
        explain: "stalewake explain".to_owned(),
        verdict,
    });
    let checked: Vec<Checked> = checked.collect();
    for text in [
        table(&checked, Style::PLAIN),
        legend(&checked, took, Style::PLAIN),
        coverage(&checked, Style::PLAIN),
        differences(&checked, Style::PLAIN),
        markdown(&checked, took),
        junit(&checked),
        annotations(&checked),
    ] {
        harmless(&text);
    }
}

/// An error can be shown: its report is as long as what it is about, more or
/// less, and a terminal obeys nothing in it.
fn reported(error: &dyn Diagnostic, about: &str) {
    let mut report = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_wrap_lines(false)
        .render_report(&mut report, error)
        .expect("every error can be printed");
    harmless(&report);
    // The lines around the place, with marks below them.
    let most = 8000 + 8 * about.len().min(1 << 20);
    assert!(report.len() < most, "a report of {} bytes", report.len());
    assert!(
        report.contains('×'),
        "a report says what is wrong: {report}"
    );
}

/// Nothing in it that a terminal obeys but the end of a line.
fn harmless(text: &str) {
    let turns = ['\u{202e}', '\u{2066}'];
    let bad = text.find(|c: char| c.is_control() && c != '\n' || turns.contains(&c));
    assert_eq!(bad, None, "a control character in {text:?}");
}

/// The scenarios that shards, journals and tokens can be of.
fn scenarios() -> &'static [Arc<Scenario>] {
    static SCENARIOS: OnceLock<Vec<Arc<Scenario>>> = OnceLock::new();
    SCENARIOS.get_or_init(|| {
        let all = shipped().into_iter();
        all.map(|scenario| Arc::new(scenario.expect("what is shipped is in order")))
            .collect()
    })
}

/// The cells of the journals.
fn small_cells() -> &'static [Cell] {
    static CELLS: OnceLock<Vec<Cell>> = OnceLock::new();
    CELLS.get_or_init(|| Cell::all_of(&find_shipped(SMALL).expect("it is shipped")))
}
