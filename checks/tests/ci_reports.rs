//! The reports for continuous integration, of a scenario that expects
//! something wrong: they must say what the exit code says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

/// A kernel on which `missed-wakeup/waiters=shared` reaches nothing.
const CELL: [&str; 4] = ["--set", "waiters=shared", "--kernel", "v5.8"];

/// A directory of its own for one test, with a copy of a scenario that expects
/// `bad-page` of every cell of which the original expects nothing.
fn wrong_expectation(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the directory can be made");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/missed-wakeup.toml");
    let shipped = fs::read_to_string(shipped).expect("it is shipped");
    let wrong = shipped.replace("kinds = []", "kinds = [\"bad-page\"]");
    fs::write(directory.join("wrong.toml"), wrong).expect("the file can be written");
    directory
}

fn stalewake(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("stalewake").expect("the binary is built with the tests");
    command
        .current_dir(directory)
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn read(directory: &Path, file: &str) -> String {
    fs::read_to_string(directory.join(file)).expect("the report was written")
}

/// The names of the test cases, each with the tag that says how it ended.
fn test_cases(report: &str) -> Vec<(String, Option<String>)> {
    let document = roxmltree::Document::parse(report).expect("it is XML");
    let cases = document
        .descendants()
        .filter(|n| n.has_tag_name("testcase"));
    let told = |case: roxmltree::Node<'_, '_>| {
        let name = case.attribute("name").expect("it has a name").to_owned();
        let ending = case.children().find(|node| node.is_element());
        (name, ending.map(|node| node.tag_name().name().to_owned()))
    };
    cases.map(told).collect()
}

#[test]
fn a_cell_that_differs_fails_in_every_report() {
    let directory = wrong_expectation("ci-differs");
    let mut arguments = vec!["check", "./wrong.toml", "--github"];
    arguments.extend(["--junit", "junit.xml", "--markdown", "summary.md"]);
    arguments.extend(CELL);
    let output = stalewake(&directory, &arguments);
    assert_eq!(output.status.code(), Some(1));

    let cell = "wrong/waiters=shared/v5.8";
    let junit = read(&directory, "junit.xml");
    let failed = (cell.to_owned(), Some("failure".to_owned()));
    assert_eq!(test_cases(&junit), [failed], "{junit}");
    let explain = "stalewake explain ./wrong.toml --kernel v5.8 --set waiters=shared";
    assert!(junit.contains(explain), "{junit}");

    let summary = read(&directory, "summary.md");
    assert!(summary.contains(&format!("\n    {explain}\n")), "{summary}");
    assert!(
        summary.contains("expected, not found: bad-page"),
        "{summary}"
    );

    let text = String::from_utf8(output.stdout).expect("text");
    let annotation = text.lines().find(|line| line.starts_with("::error "));
    let annotation = annotation.unwrap_or_else(|| panic!("{text}"));
    let (_, line) = annotation
        .split_once("file=wrong.toml,line=")
        .unwrap_or_else(|| panic!("{annotation}"));
    let line: usize = line.split(',').next().unwrap().parse().expect("a line");
    let file = read(&directory, "wrong.toml");
    let there = file.lines().nth(line - 1).expect("the file has that line");
    assert!(there.contains("v5.8"), "{there}");
}

#[test]
fn shards_have_their_reports_from_merge() {
    let directory = wrong_expectation("ci-shards");
    for (shard, file) in [("1/2", "1.json"), ("2/2", "2.json")] {
        let mut arguments = vec!["check", "wrong", "--scenarios", ".", "--format", "json"];
        arguments.extend(["--shard", shard, "--junit", "part.xml"]);
        arguments.extend(CELL);
        let output = stalewake(&directory, &arguments);
        assert_eq!(output.status.code(), Some(0), "a part is not judged");
        let part = test_cases(&read(&directory, "part.xml"));
        assert_eq!(part[0].1.as_deref(), Some("skipped"));
        fs::write(directory.join(file), output.stdout).expect("the file can be written");
    }
    let mut arguments = vec!["merge", "1.json", "2.json", "--scenarios", "."];
    arguments.extend(["--junit", "all.xml", "--format", "json", "--github"]);
    let output = stalewake(&directory, &arguments);
    assert_eq!(output.status.code(), Some(1));
    let all = test_cases(&read(&directory, "all.xml"));
    assert_eq!(all[0].1.as_deref(), Some("failure"));
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(text.contains("::error file=wrong.toml,line="), "{text}");
    let json = String::from_utf8(output.stdout).expect("text");
    assert!(json.lines().all(|line| line.starts_with('{')), "{json}");
}

#[test]
fn what_a_budget_cut_short_is_no_pass() {
    let directory = wrong_expectation("ci-incomplete");
    let mut arguments = vec!["check", "missed-wakeup", "--junit", "junit.xml"];
    arguments.extend(["--max-executions", "1"]);
    arguments.extend(CELL);
    let output = stalewake(&directory, &arguments);
    assert_eq!(output.status.code(), Some(3));
    let cases = test_cases(&read(&directory, "junit.xml"));
    assert_eq!(cases[0].1.as_deref(), Some("error"));
}

/// Whoever asks for a report that cannot be written is told before the search,
/// and not after it.
#[test]
fn a_report_that_cannot_be_written_is_refused_at_once() {
    let directory = wrong_expectation("ci-nowhere");
    fs::create_dir(directory.join("taken")).expect("it is writable");
    for (arguments, complaint) in [
        (
            &["check", "./wrong.toml", "--junit", "nowhere/junit.xml"][..],
            "cannot write to nowhere/junit.xml: ",
        ),
        (
            &["check", "./wrong.toml", "--markdown", "taken"],
            "cannot write to taken: is a directory",
        ),
        (
            &["report", "./wrong.toml", "--html", "nowhere/all.html"],
            "cannot write to nowhere/all.html: ",
        ),
        (
            &["explain", "same-page/v5.9", "--svg", "nowhere/race.svg"],
            "cannot write to nowhere/race.svg: ",
        ),
        (
            &["whatif", "same-page", "--svg", "nowhere/whatif.svg"],
            "cannot write to nowhere/whatif.svg: ",
        ),
    ] {
        let output = stalewake(&directory, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(complaint), "{arguments:?}: {told}");
        assert!(!told.contains(" executions, "), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// A limit on the size of files does as a full disk does. Half a report would
/// be worse than the old one.
#[cfg(unix)]
#[test]
fn a_report_is_written_whole_or_not_at_all() {
    let directory = wrong_expectation("ci-full");
    fs::write(directory.join("all.html"), "old").expect("it is writable");
    let program = assert_cmd::cargo::cargo_bin("stalewake");
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec {} report ./wrong.toml --html all.html",
        program.display()
    );
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(&directory)
        .output()
        .expect("there is a shell");
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("cannot write to all.html: "), "{told}");
    assert_eq!(read(&directory, "all.html"), "old");
    let files = fs::read_dir(&directory).expect("it is there");
    assert_eq!(files.count(), 2, "the scenario and the report");
}

/// One of the two would be lost, and nothing would say so.
#[test]
fn a_report_is_no_other_file_of_the_run() {
    let directory = wrong_expectation("ci-apart");
    let scenario = read(&directory, "wrong.toml");
    let check = ["check", "./wrong.toml", "--set", "waiters=shared"];
    let shard = ["--shard", "1/1", "--format", "json", "--kernel", "v5.8"];
    let shard = stalewake(&directory, &[&check[..], &shard].concat());
    fs::write(directory.join("shard"), &shard.stdout).expect("it is writable");
    let merge = ["merge", "shard", "--scenarios", "."];
    for arguments in [
        [&check[..], &["--junit", "r", "--markdown", "./r"]].concat(),
        [&check[..], &["--junit", "wrong.toml"]].concat(),
        [&merge[..], &["--markdown", "./shard"]].concat(),
        vec!["report", "./wrong.toml", "--html", "wrong.toml"],
        vec!["explain", "./wrong.toml", "--svg", "wrong.toml"],
        vec!["explain", "./wrong.toml", "--svg", "r", "--mermaid=r"],
        vec!["whatif", "./wrong.toml", "--svg", "wrong.toml"],
        // Nor one that is read because it is in the directory.
        vec![
            "check",
            "wrong",
            "--scenarios",
            ".",
            "--junit",
            "wrong.toml",
        ],
        [&merge[..], &["--markdown", "wrong.toml"]].concat(),
        vec!["report", "wrong", "--scenarios", ".", "--html=wrong.toml"],
    ] {
        let output = stalewake(&directory, &arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {complaint}");
        let said = "is to be written, and is another";
        assert!(complaint.contains(said), "{arguments:?}: {complaint}");
    }
    assert_eq!(read(&directory, "wrong.toml"), scenario);
    assert_eq!(read(&directory, "shard").as_bytes(), shard.stdout);
    assert!(!directory.join("r").exists());
    // Into a device both can go.
    let nowhere = ["--junit", "/dev/null", "--markdown", "/dev/null"];
    let output = stalewake(&directory, &[&check[..], &nowhere].concat());
    assert_eq!(output.status.code(), Some(1));
}
