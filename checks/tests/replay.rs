//! What can be taken from one run to the next: tokens, budgets, estimates.

use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;
use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{Options, Progress, Snapshot, explore, replay};
use stalewake::report::token::{Replayed, Token, TokenError, token};
use stalewake::scenario::{self, Scenario};
use stalewake::verdict::{Search, Status, Verdict};

/// How many damaged tokens are tried.
const DAMAGED: usize = 2_000;

/// Of these every witness is found in little time.
const SMALL: [&str; 4] = [
    "writeback-reuse",
    "writeback-reuse-irq",
    "shmem-tail",
    "missed-wakeup",
];

fn scenarios() -> Vec<Arc<Scenario>> {
    let shipped = scenario::shipped().into_iter();
    shipped
        .map(|scenario| Arc::new(scenario.expect("it is shipped")))
        .collect()
}

fn cells(of: impl Fn(&Scenario) -> bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for scenario in scenarios().into_iter().filter(|scenario| of(scenario)) {
        for parameters in scenario.combinations() {
            for release in scenario.kernels() {
                cells.push(Cell {
                    scenario: scenario.clone(),
                    parameters: parameters.clone(),
                    kernel: KernelChoice::of(release),
                });
            }
        }
    }
    cells
}

/// The cell of that name.
fn cell(name: &str) -> Cell {
    let named = |cell: &Cell| cell.to_string() == name;
    cells(|_| true).into_iter().find(named).expect(name)
}

fn explored(cell: &Cell, options: &Options) -> (Verdict, Arc<Snapshot>) {
    let progress = Arc::new(Progress::default());
    let verdict = explore(cell, options, &progress);
    (verdict, progress.load())
}

/// What a token shows, of those scenarios.
fn read(text: &str, scenarios: &[Arc<Scenario>]) -> Result<Replayed, Option<TokenError>> {
    let token = Token::parse(text).map_err(Some)?;
    let scenario = scenarios
        .iter()
        .find(|scenario| scenario.name == token.scenario())
        .ok_or(None)?;
    let cell = token.cell(scenario).map_err(Some)?;
    token.replay(&cell).map_err(Some)
}

fn stalewake(arguments: &[&str]) -> Output {
    Command::cargo_bin("stalewake")
        .expect("the binary is built with the tests")
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn every_witness_has_a_short_token_that_shows_it() {
    let scenarios = scenarios();
    let mut tokens = 0;
    for cell in cells(|scenario| SMALL.contains(&scenario.name.as_str())) {
        for found in explored(&cell, &Options::default()).0.reachable {
            let text = token(&cell, Search::Reduced, &found.witness);
            assert!(text.len() < 200, "{text}");
            let replayed =
                read(&text, &scenarios).unwrap_or_else(|error| panic!("{text}: {error:?}"));
            // Where several kinds show in one step, the worst is told.
            assert!(replayed.kind.class() <= found.kind.class(), "{text}");
            assert_eq!(replayed.witness, found.witness, "{text}");
            let recording = replay(&cell, &found.witness.schedule).expect("it is a witness");
            assert_eq!(replayed.recording, recording, "{text}");
            let again = read(&text, &scenarios).expect("it was replayed before");
            assert_eq!(again.recording, recording, "{text}");
            assert_eq!(token(&cell, Search::Reduced, &found.witness), text);
            tokens += 1;
        }
    }
    assert!(tokens > 20, "only {tokens} tokens were tried");
}

/// A simple generator: the same damage in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit
    }
}

fn damaged(text: &str, random: &mut Random) -> String {
    const OTHERS: [char; 20] = [
        '0',
        '1',
        '2',
        '8',
        '9',
        'a',
        'k',
        'z',
        'A',
        '.',
        ':',
        '@',
        '/',
        '+',
        '=',
        '-',
        ' ',
        'é',
        '\u{0}',
        '\u{10ffff}',
    ];
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(characters.len());
        let other = OTHERS[random.below(OTHERS.len())];
        match random.below(6) {
            0 => characters[at] = other,
            1 => characters.insert(at, other),
            2 => drop(characters.remove(at)),
            3 => characters.truncate(at.max(1)),
            4 => characters.swap(at, 0),
            _ => characters.extend_from_within(at..),
        }
    }
    characters.into_iter().collect()
}

#[test]
fn damaged_tokens_are_refused() {
    let scenarios = scenarios();
    let cell = cell("writeback-reuse/truncate=wait/v5.9");
    let found = explored(&cell, &Options::default()).0.reachable;
    let tokens: Vec<String> = found
        .iter()
        .map(|found| token(&cell, Search::Reduced, &found.witness))
        .collect();
    let mut random = Random(7);
    let mut refused = 0;
    while refused < DAMAGED {
        let token = &tokens[random.below(tokens.len())];
        let text = damaged(token, &mut random);
        if text != *token {
            assert!(
                read(&text, &scenarios).is_err(),
                "{text:?} was made of {token}"
            );
            refused += 1;
        }
    }
}

#[test]
fn another_scenario_of_the_same_name_is_noticed() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scenarios/writeback-reuse.toml"
    );
    let original = std::fs::read_to_string(file).expect("the file can be read");
    let parsed = |text: &str| {
        let scenario = scenario::parse("writeback-reuse", "test", text);
        Arc::new(scenario.expect("it is a scenario"))
    };
    let cell = cell("writeback-reuse/truncate=wait/v5.9");
    let found = explored(&cell, &Options::default()).0.reachable;
    let text = token(&cell, Search::Reduced, &found[0].witness);
    // What is only prose, or expected, has no part in an execution.
    let same = original.replace("A late wake-up", "A very late wake-up");
    assert_ne!(same, original);
    assert!(read(&text, &[parsed(&same)]).is_ok());
    for (before, after) in [
        ("frames = 2", "frames = 3"),
        ("    \"set_page_dirty(Q)\",\n", ""),
        (
            "flags = [\"writeback\"]",
            "flags = [\"writeback\", \"uptodate\"]",
        ),
    ] {
        let other = original.replace(before, after);
        assert_ne!(other, original, "{before}");
        let error = read(&text, &[parsed(&other)]).expect_err("it is another scenario");
        assert!(
            matches!(error, Some(TokenError::OtherCell { .. })),
            "{error:?}"
        );
    }
}

#[test]
fn replay_tells_what_explain_told() {
    for question in [
        &["explain", "writeback-reuse", "--kernel", "v5.9"][..],
        &[
            "explain",
            "writeback-reuse",
            "--kernel",
            "v5.9",
            "--kind",
            "foreign-read",
        ],
        &[
            "explain",
            "missed-wakeup",
            "--kernel",
            "v5.10",
            "--with",
            "waiters-test-order=before-clear",
        ],
    ] {
        let explained = stalewake(question);
        let told = text(&explained.stdout);
        let (story, hint) = told.rsplit_once("\n`stalewake replay`").expect(told);
        let token = hint.lines().nth(1).expect(hint);
        // Only `explain` searches what each commit would make of it.
        let of_commits = |text: &str| text.find("\nWhat ").unwrap_or(text.len());
        let story = &story[..of_commits(story)];
        let replayed = stalewake(&["replay", token]);
        assert_eq!(code(&replayed), 0, "{}", text(&replayed.stderr));
        // Whoever has only the token has not seen all the others.
        let proven = "The simplest of all schedules that show it: ";
        assert!(story.contains(proven), "{question:?}: {story}");
        let story = story.replace(proven, "A schedule that shows it: ");
        let again = text(&replayed.stdout);
        assert_eq!(again[..of_commits(again)], story, "{question:?}");
        let all = stalewake(&["replay", token, "--all", "--color", "always"]);
        assert!(all.stdout.len() > replayed.stdout.len());
        assert!(text(&all.stdout).contains('\x1b'));
    }
}

#[test]
fn a_refusal_gives_the_reason_and_exits_with_2() {
    let json = stalewake(&["check", "shmem-tail/truncate=wait/v5.8", "--format", "json"]);
    let object: Value = serde_json::from_slice(&json.stdout).expect("one object");
    let token = object["reachable"][0]["replay"].as_str().expect("a token");
    assert_eq!(code(&stalewake(&["replay", token])), 0);
    let spaced = format!(" {token}\n");
    assert_eq!(code(&stalewake(&["replay", &spaced])), 0);
    for (token, reason) in [
        (token.replace("@2:", "@1:"), "format 1"),
        (token.replace("shmem-tail", "shmem-tial"), "damaged"),
        (token.replace(".", ""), "not a replay token"),
        (token[1..].to_owned(), "damaged"),
        (String::new(), "not a replay token"),
        ("\u{fffd}@@::..".to_owned(), "not a replay token"),
    ] {
        let output = stalewake(&["replay", &token]);
        assert_eq!(code(&output), 2, "{token}");
        assert_eq!(text(&output.stdout), "", "{token}");
        let stderr = text(&output.stderr);
        assert!(
            stderr.contains(reason) && !stderr.contains("panicked"),
            "{token}: {stderr}"
        );
    }
    let missing = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let output = stalewake(&["replay", token, "--scenarios", missing]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("no scenario `shmem-tail`"));
}

#[test]
fn a_budget_ends_a_search_with_what_was_found() {
    let cell = cell("writeback-reuse/truncate=wait/v5.9");
    let (whole, _) = explored(&cell, &Options::default());
    let most = whole.figures.executions - 1;
    let options = Options {
        max_executions: Some(most),
        ..Options::default()
    };
    let (part, snapshot) = explored(&cell, &options);
    assert_eq!(
        (part.status.clone(), part.figures.executions),
        (Status::Incomplete, most)
    );
    assert!(!part.reachable.is_empty() && part.kinds().is_subset(&whole.kinds()));
    assert_eq!(snapshot.kinds, part.kinds().into_iter().collect::<Vec<_>>());
    assert_eq!(snapshot.traces(), part.figures.traces());
    assert_eq!(snapshot.operations, part.figures.operations);
    // As many as it needs are enough.
    let options = Options {
        max_executions: Some(whole.figures.executions),
        ..Options::default()
    };
    assert_eq!(explored(&cell, &options).0.status, Status::Complete);
}

#[test]
fn a_deadline_ends_every_kind_of_search() {
    let cell = cell("same-page/v5.10.7");
    for search in [Search::Reduced, Search::Plain, Search::Bounded(3)] {
        let options = |deadline| Options {
            search,
            deadline: Some(deadline),
            ..Options::default()
        };
        let (none, snapshot) = explored(&cell, &options(Instant::now()));
        assert_eq!(
            (none.status, none.figures.executions),
            (Status::Incomplete, 0)
        );
        assert_eq!(snapshot.estimate, None);
        let budget = Duration::from_millis(400);
        let (some, _) = explored(&cell, &options(Instant::now() + budget));
        assert_eq!(some.status, Status::Incomplete, "{search:?}");
        assert!(some.figures.executions > 0);
    }
}

#[test]
fn a_run_has_one_budget_for_all_its_cells() {
    let output = stalewake(&[
        "check",
        "missed-wakeup",
        "--budget",
        "0s",
        "--format",
        "json",
    ]);
    assert_eq!(code(&output), 3, "{}", text(&output.stderr));
    let cells = text(&output.stdout).lines().map(|line| {
        let object: Value = serde_json::from_str(line).expect("an object");
        assert_eq!(object["status"], "incomplete", "{object}");
        assert_eq!(object["executions"], 0, "{object}");
    });
    assert_eq!(cells.count(), 35);
    let output = stalewake(&["check", "shmem-tail/v5.10", "--budget", "99999h"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    for malformed in ["5", "5 m", "-5m", "soon", ""] {
        let output = stalewake(&["check", "shmem-tail", "--budget", malformed]);
        assert_eq!(code(&output), 2, "{malformed:?}");
    }
}

#[test]
fn an_estimate_becomes_the_true_number() {
    for name in [
        "writeback-reuse/truncate=wait/v5.9",
        "writeback-reuse-irq/truncate=wait/v5.10",
        "missed-wakeup/waiters=two-exclusive/v5.8",
        "shmem-tail/truncate=skip/v5.10",
    ] {
        let cell = cell(name);
        let (verdict, complete) = explored(&cell, &Options::default());
        let executions = verdict.figures.executions;
        assert_eq!(verdict.status, Status::Complete);
        assert_eq!(complete.executions, executions);
        assert_eq!(complete.estimate, Some(executions as f64));
        assert_eq!(complete.left(), Some(0.0));
        let steps = (1..=10).map(|tenth| (executions * tenth / 10).max(1));
        for most in steps.filter(|most| *most < executions) {
            let options = Options {
                max_executions: Some(most),
                ..Options::default()
            };
            let (_, snapshot) = explored(&cell, &options);
            let estimate = snapshot.estimate.expect("there was an execution");
            assert!(
                estimate.is_finite() && estimate >= most as f64,
                "{name}: {estimate} after {most}"
            );
            assert!(snapshot.per_second() > 0.0);
        }
    }
}

#[test]
fn half_way_the_estimate_has_the_right_size() {
    let cell = cell("missed-wakeup/waiters=two-exclusive/v5.9");
    let (verdict, _) = explored(&cell, &Options::default());
    let executions = verdict.figures.executions;
    for tenth in [1, 3, 5, 7, 9] {
        let options = Options {
            max_executions: Some(executions * tenth / 10),
            ..Options::default()
        };
        let (_, snapshot) = explored(&cell, &options);
        let estimate = snapshot.estimate.expect("there were executions");
        let ratio = estimate / executions as f64;
        println!("{tenth} tenths of {executions} executions: {estimate:.0}");
        assert!(
            tenth < 5 || (0.3..6.0).contains(&ratio),
            "{estimate} of {executions}"
        );
    }
}

#[test]
fn plain_loom_has_no_estimate_before_its_end() {
    let cell = cell("shmem-tail/truncate=skip/v5.10");
    let options = Options {
        search: Search::Plain,
        max_executions: Some(100),
        ..Options::default()
    };
    assert_eq!(explored(&cell, &options).1.estimate, None);
}
