//! `new`: the file that it writes, and when it writes none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::run::{code, directory, kinds, objects, stalewake, stderr, stdout};

fn new_in(directory: &Path, arguments: &[&str]) -> Output {
    let directory = directory.to_str().expect("text");
    stalewake(&[&["new"], arguments, &["--dir", directory]].concat())
}

/// A directory with a file that was just written.
fn written(name: &str) -> PathBuf {
    let directory = directory(name);
    let output = new_in(&directory, &["mine"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    directory.join("mine.toml")
}

#[test]
fn the_file_runs_as_it_is_and_is_as_it_expects() {
    let file = written("new-runs");
    let output = stalewake(&["check", file.to_str().expect("text"), "--format", "json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let cells = objects(&output);
    assert_eq!(cells.len(), 10);
    for cell in &cells {
        assert_eq!(cell["as_expected"], true, "{cell}");
        assert_eq!(cell["exhaustive"], true, "{cell}");
        assert_eq!(cell["scenario"], "mine");
        let fails = ["v5.9", "v5.10"].contains(&cell["kernel"].as_str().expect("a name"));
        assert_eq!(cell["holds"], !fails, "{cell}");
        assert_eq!(kinds(cell).contains(&"bug-on-writeback"), fails, "{cell}");
    }
}

/// What it tells to type next does what it says, word for word.
#[test]
fn the_commands_that_it_prints_work() {
    let directory = directory("new says 'hello'");
    let output = new_in(&directory, &["mine"]);
    let text = stdout(&output);
    let commands: Vec<Vec<String>> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("stalewake "))
        .map(|command| shlex::split(command).expect("a command of a shell"))
        .collect();
    let verbs: Vec<&str> = commands.iter().map(|words| words[0].as_str()).collect();
    assert_eq!(verbs, ["check", "explain", "watch"], "{text}");
    for mut words in commands {
        if words[0] == "watch" {
            words.extend(["--changes".to_owned(), "0".to_owned()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = stalewake(&words);
        assert_eq!(code(&output), 0, "{words:?}: {}", stderr(&output));
        if words[0] == "explain" {
            let story = stdout(&output);
            assert!(story.contains("!! bug-on-writeback"), "{story}");
        }
    }
}

#[test]
fn a_file_that_is_there_is_left_alone_unless_forced() {
    let file = written("new-force");
    fs::write(&file, "# mine\n").expect("it can be written");
    let directory = file.parent().expect("it is in one");
    let output = new_in(directory, &["mine"]);
    assert_eq!(code(&output), 2);
    let complaint = stderr(&output);
    assert!(complaint.contains("mine.toml` already"), "{complaint}");
    assert!(complaint.contains("--force"), "{complaint}");
    assert_eq!(stdout(&output), "");
    let text = || fs::read_to_string(&file).expect("it is there");
    assert_eq!(text(), "# mine\n");
    assert_eq!(code(&new_in(directory, &["mine", "--force"])), 0);
    assert!(text().contains("[[expect]]"));
}

#[test]
fn bad_names_are_refused_and_nothing_is_written() {
    let directory = directory("new-names");
    let inner = directory.join("inner");
    fs::create_dir(&inner).expect("it can be made");
    let long = "a".repeat(65);
    let names = [
        "",
        "../mine",
        "a/b",
        "Mine",
        "mine.toml",
        "mïne",
        ".",
        &long,
    ];
    for name in names {
        let output = new_in(&inner, &[name]);
        assert_eq!(code(&output), 2, "{name:?}");
        let complaint = stderr(&output);
        assert!(
            complaint.contains("is no name for a scenario"),
            "{name:?}: {complaint}"
        );
        assert!(
            complaint.contains("lower-case letters"),
            "{name:?}: {complaint}"
        );
    }
    let shipped = new_in(&inner, &["same-page", "--force"]);
    assert_eq!(code(&shipped), 2);
    assert!(stderr(&shipped).contains("shipped"), "{}", stderr(&shipped));
    let files = |path| fs::read_dir(path).expect("it is there").count();
    assert_eq!((files(&directory), files(&inner)), (1, 0));
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let directory = directory("new-places");
    let output = new_in(&directory.join("no such place"), &["mine"]);
    assert_eq!(code(&output), 2);
    let complaint = stderr(&output);
    assert!(complaint.contains("there is no directory"), "{complaint}");
    assert!(complaint.contains("mkdir -p '"), "{complaint}");
    let file = directory.join("file");
    fs::write(&file, "").expect("it can be written");
    let output = new_in(&file, &["mine"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("cannot write"),
        "{}",
        stderr(&output)
    );
}
