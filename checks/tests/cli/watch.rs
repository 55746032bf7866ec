//! `watch`: what it says when a file is saved, in whatever way.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

use super::run::{code, directory, stalewake, stderr, stdout};

/// Two threads, three kernels, a handful of executions.
const SCENARIO: &str = r#"
title = "The page is freed before its wake-up is over"
source = "073861ed77"
story = "A ends the writeback of P, B truncates the file."

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
"v5.8, v5.9" = { kinds = ["foreign-read"], because = "A is late." }
"v5.10" = { kinds = [], because = "A has a reference." }
"#;

/// A `stalewake watch` that runs, and what it has printed.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    complaints: Option<JoinHandle<String>>,
}

impl Watching {
    fn start(arguments: &[&str]) -> Watching {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stalewake"))
            .arg("watch")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut stderr = child.stderr.take().expect("it is piped");
        let complaints = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("text");
            text
        });
        Watching {
            child,
            lines,
            complaints: Some(complaints),
        }
    }

    /// What is printed up to a line that begins so, that line included.
    fn until(&self, beginning: &str) -> String {
        let mut text = String::new();
        loop {
            let line = self.lines.recv();
            let line = line.unwrap_or_else(|_| panic!("no line `{beginning}` in:\n{text}"));
            text += &format!("{line}\n");
            if line.starts_with(beginning) {
                return text;
            }
        }
    }

    /// How it ends, and what it has complained about.
    fn end(mut self) -> (i32, String) {
        let complaints = self.complaints.take().expect("it ends once");
        // It closes standard error when it ends.
        let text = complaints.join().expect("the reader does not panic");
        let status = self.child.wait().expect("it can be waited for");
        (status.code().expect("it was not killed"), text)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file with the scenario, in a directory of its own.
fn file(name: &str) -> PathBuf {
    let path = directory(name).join("mine.toml");
    save(&path, SCENARIO);
    path
}

/// In place, and never empty in between.
fn save(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(path);
    let mut file = file.expect("it can be opened");
    file.write_all(text.as_bytes()).expect("it can be written");
    file.set_len(text.len() as u64).expect("it can be cut");
}

/// As editors do who would not lose a file: write another, and rename it.
fn save_by_rename(path: &Path, text: &str) {
    let other = path.with_extension("toml~");
    save(&other, text);
    fs::rename(other, path).expect("it can be renamed");
}

/// The scenario with B waiting.
fn waiting() -> String {
    SCENARIO.replace("(file, skip)", "(file, wait)")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn a_save_shows_what_has_changed_and_only_that() {
    let file = file("watch-write");
    let watching = Watching::start(&[text(&file), "--changes", "1"]);
    let first = watching.until("Watching ");
    assert!(first.contains("All as expected."), "{first}");
    assert!(first.contains("mine"), "{first}");
    save(&file, &waiting());
    let changed = watching.until("3 changed, of 3 cells, 3 explored; not all as expected.");
    assert!(changed.contains("1: mine.toml was saved"), "{changed}");
    assert!(
        changed.contains("~ mine/v5.9: hazard, as before"),
        "{changed}"
    );
    assert!(changed.contains("foreign-write: "), "{changed}");
    assert!(changed.contains(", was never"), "{changed}");
    assert!(
        changed.contains("≠ found, not expected: foreign-write"),
        "{changed}"
    );
    assert!(!changed.contains("scenario  "), "no table: {changed}");
    assert_eq!(watching.end(), (1, String::new()));
}

#[test]
fn a_save_by_renaming_is_noticed_and_one_that_changes_nothing_is_said_so() {
    let file = file("watch-rename");
    let watching = Watching::start(&[text(&file), "--changes", "3"]);
    watching.until("Watching ");
    save_by_rename(&file, &waiting());
    watching.until("3 changed, of 3 cells, 3 explored; not all as expected.");
    save_by_rename(&file, &(waiting() + "# a comment\n"));
    let same = watching.until("Nothing changed, of 3 cells, 0 explored; not all as expected.");
    assert!(same.contains("2: mine.toml was saved"), "{same}");
    // Only what is expected changes: something to say, nothing to explore.
    let corrected = waiting().replace(
        r#"["foreign-read"]"#,
        r#"["foreign-read", "foreign-write"]"#,
    );
    save_by_rename(&file, &corrected);
    let corrected = watching.until("2 changed, of 3 cells, 0 explored; all as expected.");
    assert!(corrected.contains("    as expected now"), "{corrected}");
    assert_eq!(watching.end(), (0, String::new()));
}

#[test]
fn a_broken_file_is_complained_about_and_watched_on() {
    let file = file("watch-broken");
    let watching = Watching::start(&[text(&file), "--changes", "2"]);
    watching.until("Watching ");
    save(
        &file,
        &SCENARIO.replace("ext4_finish_bio", "ext4_finsh_bio"),
    );
    watching.until("Nothing was checked.");
    save(&file, SCENARIO);
    let healed = watching.until("Nothing changed, of 3 cells, 0 explored; all as expected.");
    assert!(healed.contains("mine.toml can be read again."), "{healed}");
    let (code, complaints) = watching.end();
    assert_eq!(code, 0);
    assert!(complaints.contains("unknown_step"), "{complaints}");
    assert!(
        complaints.contains("did you mean `ext4_finish_bio`?"),
        "{complaints}"
    );
}

/// It is called by its name, and not by what was wrong with it.
#[test]
fn a_file_that_is_removed_and_comes_back_is_called_by_its_name() {
    let file = file("watch-removed");
    let watching = Watching::start(&[text(&file), "--changes", "2"]);
    watching.until("Watching ");
    std::fs::remove_file(&file).expect("it is there");
    watching.until("Nothing was checked.");
    save(&file, SCENARIO);
    let healed = watching.until("Nothing changed, of 3 cells, 0 explored; all as expected.");
    let named = format!("{} can be read again.", text(&file));
    assert!(healed.lines().any(|line| line == named), "{healed}");
    assert_eq!(watching.end().0, 0);
}

#[test]
fn a_file_that_is_broken_from_the_start_is_watched_too() {
    let file = file("watch-broken-first");
    save(&file, "title = \"half a");
    let watching = Watching::start(&[text(&file), "--changes", "1"]);
    watching.until("Watching ");
    save(&file, SCENARIO);
    let healed = watching.until("3 changed, of 3 cells, 3 explored; all as expected.");
    assert!(healed.contains("mine.toml can be read again."), "{healed}");
    assert!(healed.contains("+ mine/v5.8: hazard (new)"), "{healed}");
    let (code, complaints) = watching.end();
    assert_eq!(code, 0);
    assert!(
        complaints.contains("stalewake::scenario::syntax"),
        "{complaints}"
    );
}

#[test]
fn in_a_directory_files_come_and_go() {
    let file = file("watch-directory");
    let directory = file.parent().expect("it is in one");
    let watching = Watching::start(&[text(directory), "--kernel", "v5.9", "--changes", "2"]);
    watching.until("Watching ");
    save_by_rename(&directory.join("other.toml"), SCENARIO);
    let new = watching.until("1 changed, of 2 cells, 1 explored; all as expected.");
    assert!(new.contains("1: other.toml was saved"), "{new}");
    assert!(new.contains("+ other/v5.9: hazard (new)"), "{new}");
    fs::remove_file(&file).expect("it can be removed");
    let gone = watching.until("1 changed, of 1 cell, 0 explored; all as expected.");
    assert!(gone.contains("- mine/v5.9: gone"), "{gone}");
    assert_eq!(watching.end(), (0, String::new()));
}

#[test]
fn one_scenario_of_a_directory_is_watched_by_its_name() {
    let file = file("watch-scenario");
    let directory = file.parent().expect("it is in one");
    let other = directory.join("other.toml");
    save(&other, SCENARIO);
    let arguments = ["mine", "--scenarios", text(directory), "--changes", "1"];
    let watching = Watching::start(&arguments);
    watching.until("Watching ");
    save(&other, &waiting());
    save(&file, &waiting());
    let changed = watching.until("3 changed, of 3 cells, 3 explored");
    assert!(changed.contains("1: mine.toml was saved"), "{changed}");
    assert!(!changed.contains("other"), "{changed}");
    assert_eq!(watching.end().0, 1);
}

#[test]
fn what_cannot_be_watched_is_said() {
    let questions: [(&[&str], &str); 5] = [
        (&["watch", "no-such-file.toml"], "no-such-file.toml"),
        (&["watch", "no/such/place"], "no/such/place"),
        (&["watch", "same-page"], "shipped scenarios do not change"),
        (
            &["watch", "mine", "--scenarios", "no-such-place"],
            "no-such-place",
        ),
        (&["watch"], "<FILE|DIR|SCENARIO>"),
    ];
    for (arguments, reason) in questions {
        let output = stalewake(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            stderr(&output).contains(reason),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_question_that_makes_no_sense_ends_it_at_the_start() {
    let file = file("watch-question");
    let output = stalewake(&["watch", text(&file), "--kernel", "v5.9-rc11"]);
    assert_eq!(code(&output), 2);
    let complaint = stderr(&output);
    assert!(
        complaint.contains("did you mean `v5.9-rc1`?"),
        "{complaint}"
    );
}

/// Nothing is expected under `--with`, before and after a save.
#[test]
fn under_with_a_save_does_not_bring_expectations_back() {
    let file = file("watch-with");
    let with = ["--kernel", "v5.10", "--with", "end-ref=none"];
    let watching = Watching::start(&[&[text(&file), "--changes", "1"], &with[..]].concat());
    watching.until("Watching ");
    save_by_rename(&file, &format!("{SCENARIO}# a comment\n"));
    watching.until("Nothing changed, of 1 cell, 0 explored; nothing is expected of them.");
    assert_eq!(watching.end(), (0, String::new()));
}

/// Nobody would be told of what is saved in the new one.
#[test]
fn a_directory_that_is_replaced_is_not_watched_in_silence() {
    let file = file("watch-replaced/inner");
    let directory = file.parent().expect("it is in one");
    let watching = Watching::start(&[text(directory)]);
    watching.until("Watching ");
    fs::remove_dir_all(directory).expect("it is ours");
    fs::create_dir(directory).expect("there is room");
    let (code, complaint) = watching.end();
    assert_eq!(code, 2, "{complaint}");
    assert!(
        complaint.contains("was removed, or is another directory now"),
        "{complaint}"
    );
}

#[cfg(unix)]
#[test]
fn a_terminal_obeys_nothing_in_a_file_name() {
    let file = file("watch-hostile");
    let directory = file.parent().expect("it is in one");
    let watching = Watching::start(&[text(directory), "--changes", "1"]);
    watching.until("Watching ");
    save(&directory.join("\u{1b}[31mred\u{7}.toml"), SCENARIO);
    let told = watching.until("1: ");
    assert!(told.contains("?[31mred?.toml was saved"), "{told:?}");
    watching.end();
}
