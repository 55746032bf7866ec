//! The gate: it passes what is as it was, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// A scenario that fails on one kernel and holds on another.
const RACE: &str = r#"
title = "T"
source = "073861ed77"
story = "S"

[machine]
frames = 1

[[page]]
name = "P"
inode = "file"
flags = ["writeback"]

[[thread]]
name = "A"
steps = ["ext4_finish_bio(P)"]

[[thread]]
name = "B"
steps = ["truncate_inode_pages_range(file, skip)"]

[[expect]]
"v5.9" = { kinds = ["foreign-read"], because = "A holds no reference" }
"v5.10" = { kinds = [], because = "A holds one" }

[[control]]
kernel = "v5.10"
with = { reference-drop = "before-wake" }
kinds = ["foreign-read"]
because = "A holds one too short"
"#;

/// A directory of its own for one test, with that scenario and a blessed
/// baseline.
struct Place(PathBuf);

impl Place {
    fn empty(name: &str) -> Place {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("gate-{name}"));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(directory.join("mine")).expect("the directory can be made");
        Place(directory)
    }

    fn blessed(name: &str) -> Place {
        let place = Place::empty(name);
        place.write("mine/race.toml", RACE);
        let (code, text) = place.gate(&["--bless"]);
        assert_eq!(code, 0, "{text}");
        place
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).expect("the file can be written");
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).expect("the file can be read")
    }

    /// Rewrites a part of a file.
    fn change(&self, file: &str, from: &str, to: &str) {
        let before = self.read(file);
        let after = before.replace(from, to);
        assert_ne!(after, before, "{file} has {from}");
        self.write(file, &after);
    }

    /// Runs the gate on this place, with these arguments beside.
    fn gate(&self, arguments: &[&str]) -> (i32, String) {
        self.gate_with(arguments, |command| command)
    }

    fn gate_with(
        &self,
        arguments: &[&str],
        set_up: impl Fn(&mut Command) -> &mut Command,
    ) -> (i32, String) {
        let mut command = Command::cargo_bin("stalewake").expect("the binary is built with this");
        command.current_dir(&self.0);
        command.args(["gate", "--scenarios", "mine"]);
        if !arguments.contains(&"--baseline") {
            command.args(["--baseline", "baseline.jsonl"]);
        }
        let output = set_up(command.args(arguments)).output().expect("it starts");
        let text = [output.stdout, output.stderr].map(|t| String::from_utf8_lossy(&t).into_owned());
        (
            output.status.code().expect("it ends by itself"),
            text.concat(),
        )
    }

    /// The gate fails, and says so.
    fn fails(&self, arguments: &[&str], said: &[&str]) {
        let (code, text) = self.gate(arguments);
        assert_eq!(code, 1, "{text}");
        for said in said.iter().chain(&["FAILED"]) {
            assert!(text.contains(said), "{said} in:\n{text}");
        }
    }
}

#[test]
fn what_is_as_it_was_passes() {
    let place = Place::blessed("same");
    let (code, text) = place.gate(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("2 cells explored exhaustively"), "{text}");
    assert!(text.contains("1 control caught"), "{text}");
    assert!(text.contains("gate: passed"), "{text}");
    let (code, text) = place.gate(&["--lane", "full"]);
    assert_eq!(code, 1, "nobody has looked at the other rows: {text}");
    assert!(text.contains("    new, "), "{text}");
    assert_eq!(place.gate(&["--lane", "full", "--bless"]).0, 0);
    assert_eq!(place.gate(&["--lane", "full"]).0, 0);
    assert_eq!(place.gate(&[]).0, 0);
}

#[test]
fn a_verdict_that_differs_fails_in_either_direction() {
    let place = Place::blessed("verdict");
    let found = "kinds = [\"foreign-read\"], because = \"A holds no";
    place.change(
        "mine/race.toml",
        found,
        "kinds = [], because = \"A holds no",
    );
    let said = [
        "verdicts: race/v5.9",
        "found, not expected: foreign-read",
        "--kind foreign-read",
    ];
    place.fails(&[], &said);
    place.fails(&["--bless"], &["nothing was blessed"]);
    place.write("mine/race.toml", RACE);
    let holds = "kinds = [], because = \"A holds one\"";
    place.change(
        "mine/race.toml",
        holds,
        "kinds = [\"bad-page\"], because = \"A holds one\"",
    );
    place.fails(
        &[],
        &["verdicts: race/v5.10", "expected, not found: bad-page"],
    );
}

#[test]
fn a_control_that_is_not_caught_fails() {
    let place = Place::blessed("control");
    place.change(
        "mine/race.toml",
        "reference-drop = \"before-wake\"",
        "wait-on-writeback = \"while\"",
    );
    let said = [
        "controls: race/v5.10 with wait-on-writeback=while",
        "not caught: foreign-read",
    ];
    place.fails(&[], &said);
    place.fails(&["--bless"], &["nothing was blessed"]);
}

#[test]
fn what_holds_everywhere_needs_a_control() {
    let place = Place::blessed("unguarded");
    let (race, _) = RACE.split_once("[[control]]").expect("it has one");
    let fails = "\"v5.9\" = { kinds = [\"foreign-read\"], because = \"A holds no reference\" }";
    place.write("mine/race.toml", &race.replace(fails, ""));
    place.fails(
        &[],
        &["controls: race", "no [[control]] shows that it could fail"],
    );
}

#[test]
fn another_number_of_traces_fails_until_it_is_blessed() {
    let place = Place::blessed("traces");
    let before = place.read("baseline.jsonl");
    place.change("baseline.jsonl", "\"traces\":", "\"traces\":1");
    let shown = [
        "baseline: race/v5.9\n    traces 1",
        "--bless writes it down",
    ];
    place.fails(&[], &shown);
    let (code, text) = place.gate(&["--bless"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("    traces 1"),
        "what changes is shown: {text}"
    );
    assert_eq!(place.read("baseline.jsonl"), before);
}

#[test]
fn what_is_reached_no_more_fails() {
    let place = Place::blessed("shrinks");
    let cell = "\"v5.9\" = { kinds = [\"foreign-read\"], because = \"A holds no reference\" }\n";
    place.change("mine/race.toml", cell, "");
    place.fails(&[], &["coverage: race/v5.9\n    gone"]);
    place.write("mine/race.toml", RACE);
    place.change(
        "baseline.jsonl",
        "\"branches\":[]",
        "\"branches\":[\"woken\"]",
    );
    place.fails(
        &[],
        &["coverage: the run\n    branch woken is taken no more"],
    );
}

#[test]
fn a_step_that_never_runs_fails() {
    let place = Place::blessed("vacuous");
    let stuck =
        "holds = [\"P\"]\nsteps = [\"lock_page(P)\", \"lock_page(P)\", \"ext4_finish_bio(P)\"]";
    place.change("mine/race.toml", "steps = [\"ext4_finish_bio(P)\"]", stuck);
    place.fails(&[], &["coverage: race", "never ran"]);
}

#[test]
fn nothing_is_no_pass() {
    let place = Place::empty("nothing");
    place.fails(&[], &["nothing ran"]);
    place.fails(&["--bless"], &["nothing was blessed"]);
    place.write("mine/broken.toml", "title = 3\n");
    place.fails(&[], &["broken.toml"]);
}

#[test]
fn without_a_baseline_it_fails() {
    let place = Place::blessed("no-baseline");
    fs::remove_file(place.0.join("baseline.jsonl")).expect("it was written");
    place.fails(&[], &["there is none"]);
}

/// An empty file is none that was forgotten, but one that was lost.
#[test]
fn with_a_broken_baseline_it_fails_and_says_what_helps() {
    let place = Place::blessed("broken");
    let whole = place.read("baseline.jsonl");
    for (broken, line) in [
        ("", 1),
        ("{}\n", 1),
        (&whole[..whole.len() - 20], whole.lines().count()),
    ] {
        place.write("baseline.jsonl", broken);
        for arguments in [&[][..], &["--bless"]] {
            let (code, text) = place.gate(arguments);
            assert_eq!(code, 2, "{text}");
            assert!(text.contains(&format!("line {line} is no line")), "{text}");
            assert!(text.contains("restore it, or remove it"), "{text}");
            assert_eq!(place.read("baseline.jsonl"), broken);
        }
    }
}

#[test]
fn the_environment_must_not_weaken_it() {
    let place = Place::blessed("environment");
    let (code, text) = place.gate_with(&[], |command| command.env("LOOM_MAX_PREEMPTIONS", "2"));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("LOOM_MAX_PREEMPTIONS is set"), "{text}");
}

#[test]
fn its_files_say_what_it_says() {
    let place = Place::blessed("files");
    assert_eq!(place.gate(&["--out", "out"]).0, 0);
    let junit = place.read("out/junit.xml");
    assert!(junit.contains("failures=\"0\""), "{junit}");
    assert_eq!(place.read("out/cells.jsonl").lines().count(), 2);
    assert!(
        place
            .read("out/summary.md")
            .contains("# Gate (fast): passed")
    );
    assert!(place.read("out/report.html").contains("</html>"));
    place.change("baseline.jsonl", "\"traces\":", "\"traces\":1");
    place.fails(&["--out", "out"], &[]);
    let junit = place.read("out/junit.xml");
    let document = roxmltree::Document::parse(&junit).expect("it is XML");
    let failed = document
        .descendants()
        .filter(|node| node.has_tag_name("failure"));
    let failed: Vec<&str> = failed
        .filter_map(|failure| failure.parent()?.attribute("name"))
        .collect();
    let all = [
        "race/v5.10",
        "race/v5.10 with reference-drop=before-wake",
        "race/v5.9",
    ];
    assert_eq!(failed, all);
    assert!(place.read("out/summary.md").contains("FAILED"));
}

#[test]
fn two_gates_do_not_write_into_one_directory() {
    let place = Place::blessed("twice");
    fs::create_dir_all(place.0.join("out")).expect("it can be made");
    let lock = fs::File::create(place.0.join("out/.lock")).expect("it can be made");
    lock.lock().expect("nobody has it");
    let (code, text) = place.gate(&["--out", "out"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("another gate"), "{text}");
}

#[test]
fn what_is_not_explored_is_no_pass() {
    let place = Place::blessed("open");
    let too_little = ["--cell-memory", "1K"];
    let said = "the exploration broke down: a worker used more than 1 KB";
    place.fails(&too_little, &[said]);
    let bless = [&["--bless"], &too_little[..]].concat();
    place.fails(&bless, &["nothing was blessed"]);
}

#[test]
fn a_gate_goes_on_where_it_was() {
    let place = Place::blessed("resume");
    let resume = ["--resume", "gate.journal"];
    assert_eq!(place.gate(&resume).0, 0);
    let whole = place.read("gate.journal");
    assert_eq!(whole.lines().count(), 1 + 3, "two cells and a control");
    let cut = &whole[..whole.len() - 20];
    place.write("gate.journal", cut);
    let (code, text) = place.gate(&resume);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("2 of 3 cells were in gate.journal"), "{text}");
}

/// What it writes is in nobody's way: nor is what others have put there in its.
#[cfg(unix)]
#[test]
fn no_file_of_the_gate_is_another_one_too() {
    let place = Place::blessed("apart");
    place.write("precious", "precious");
    fs::create_dir(place.0.join("linked")).expect("it is writable");
    std::os::unix::fs::symlink("../precious", place.0.join("linked/.lock"))
        .expect("it is writable");
    place.write("cells.jsonl", &place.read("baseline.jsonl"));
    for (arguments, said) in [
        (&["--out", "linked"][..], "linked/.lock is no regular file"),
        (
            &["--out", "reports", "--resume", "reports/.lock"],
            "reports/.lock is to be written, and is another",
        ),
        (
            &["--bless", "--resume", "baseline.jsonl"],
            "baseline.jsonl is to be written, and is another",
        ),
        (
            &["--bless", "--baseline", "/dev/stdout"],
            "cannot bless /dev/stdout: it is no regular file",
        ),
        (
            &["--out", ".", "--baseline", "./cells.jsonl"],
            "./cells.jsonl is to be written, and is another",
        ),
    ] {
        let (code, text) = place.gate(arguments);
        assert_eq!(code, 2, "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
    }
    assert_eq!(place.read("precious"), "precious");
    assert_eq!(place.read("cells.jsonl"), place.read("baseline.jsonl"));
}

/// Two that nobody could tell apart would share one line of the baseline.
#[test]
fn a_control_that_is_there_twice_fails() {
    let place = Place::blessed("twice");
    let (_, control) = RACE.split_once("[[control]]").expect("it has one");
    place.write("mine/race.toml", &format!("{RACE}\n[[control]]{control}"));
    place.fails(&[], &["this control is there twice"]);
}

/// A control that need not show as much as before is weaker, though it is caught.
#[test]
fn a_control_that_demands_something_else_fails() {
    let place = Place::blessed("demand");
    let (before, control) = RACE.split_once("[[control]]").expect("it has one");
    let weaker = control.replace("foreign-read", "stale-wakeup");
    place.write("mine/race.toml", &format!("{before}[[control]]{weaker}"));
    let (code, text) = place.gate(&[]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("it need no more show foreign-read"), "{text}");
}

/// Nobody can say of a control that was not tried that it is caught, nor what
/// is out of reach in a search that was not finished.
#[test]
fn what_did_not_run_is_not_judged() {
    let place = Place::blessed("unfinished");
    let (code, text) = place.gate(&["--cell-memory", "1K", "--out", "reports"]);
    assert_eq!(code, 1, "{text}");
    assert!(!text.contains(" caught"), "{text}");
    assert!(!text.contains("every step ran"), "{text}");
    assert!(!text.contains("are as blessed"), "{text}");
    let junit = place.read("reports/junit.xml");
    for net in ["controls", "coverage", "baseline"] {
        let suite = format!("<testsuite name=\"{net}\"");
        let (_, suite) = junit.split_once(&suite).expect("it is there");
        let (head, _) = suite.split_once('>').expect("it has a head");
        let is_clean = head.contains("errors=\"0\"") && head.contains("failures=\"0\"");
        assert!(!is_clean, "{net}: {head}");
    }
}

/// A run that is refused leaves no report of an earlier one behind.
#[test]
fn an_old_report_is_nobodys() {
    let place = Place::blessed("old-report");
    assert_eq!(place.gate(&["--out", "reports"]).0, 0);
    assert!(place.read("reports/summary.md").contains("passed"));
    let (code, text) = place.gate_with(&["--out", "reports"], |command| {
        command.env("LOOM_LOG", "1")
    });
    assert_eq!(code, 1, "{text}");
    assert!(!place.0.join("reports/summary.md").exists());
}

/// A control is called by its whole name, which has a colon in it.
#[test]
fn what_is_new_is_called_by_its_name() {
    let place = Place::blessed("names");
    let first = place.read("baseline.jsonl");
    let first = first.lines().next().expect("a head").to_owned();
    let steps = "steps = { B = [\"lock_page(P)\", \"lock_page(P)\"] }\nkinds = [\"lost-wakeup\"]";
    place.change(
        "mine/race.toml",
        "with = { reference-drop = \"before-wake\" }\nkinds = [\"foreign-read\"]",
        steps,
    );
    place.write("baseline.jsonl", &(first + "\n"));
    let said = "baseline: race/v5.10 with B: lock_page(P); lock_page(P)\n    new, ";
    place.fails(&[], &[said]);
}

/// The reports of an earlier run go before this one begins: the journal that it
/// goes on from must not be among them.
#[test]
fn a_journal_is_no_old_report() {
    let place = Place::blessed("journal-is-report");
    let journal = ["--resume", "reports/cells.jsonl"];
    fs::create_dir(place.0.join("reports")).expect("it can be made");
    assert_eq!(place.gate(&journal).0, 0);
    let before = place.read("reports/cells.jsonl");
    let (code, text) = place.gate(&[&journal[..], &["--out", "reports"]].concat());
    assert_eq!(code, 2, "{text}");
    assert_eq!(place.read("reports/cells.jsonl"), before);
}
