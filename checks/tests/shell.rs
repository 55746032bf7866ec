//! What shells and manuals get: scripts and pages that their own programs
//! take, where these are installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use assert_cmd::Command as Binary;

fn stalewake(arguments: &[&str]) -> Output {
    let mut command = Binary::cargo_bin("stalewake").expect("the binary is built with the tests");
    let output = command.args(arguments).output().expect("the binary starts");
    assert!(output.status.success(), "{arguments:?}");
    output
}

/// What a program says to a file; nothing if it is not installed.
fn judged_by(program: &str, arguments: &[&str], file: &Path) -> Option<Output> {
    let mut command = Command::new(program);
    let command = command.args(arguments).arg(file).stdin(Stdio::null());
    command.output().ok()
}

#[test]
fn every_shell_completes_every_command() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("completions");
    fs::create_dir_all(&directory).expect("the directory can be made");
    for shell in ["bash", "zsh", "fish"] {
        let script = stalewake(&["completions", shell]).stdout;
        let text = String::from_utf8_lossy(&script);
        for word in ["whatif", "explain", "scenarios", "junit"] {
            assert!(text.contains(word), "{shell}: no {word}");
        }
        let file = directory.join(shell);
        fs::write(&file, &script).expect("the file can be written");
        if let Some(output) = judged_by(shell, &["-n"], &file) {
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{shell}: {complaint}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    let _ = fs::remove_dir_all(&directory);
    stalewake(&["man", directory.to_str().expect("text")]);
    for command in ["check", "merge", "whatif", "list", "explain", "man"] {
        let page = directory.join(format!("stalewake-{command}.1"));
        let text = fs::read_to_string(&page).expect("the page was written");
        assert!(text.contains(".SH SYNOPSIS"), "{command}");
        if let Some(output) = judged_by("mandoc", &["-T", "utf8", "-W", "error"], &page) {
            let complaint = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{command}: {complaint}");
        }
        if let Some(output) = judged_by("man", &["-P", "cat", "-l"], &page)
            && output.status.success()
        {
            let shown = String::from_utf8_lossy(&output.stdout);
            assert!(shown.contains("SYNOPSIS"), "{command}: {shown}");
        }
    }
    let hidden = directory.join("stalewake-worker.1");
    assert!(!hidden.exists(), "the worker is not for people");
}

#[test]
fn the_first_page_is_printed() {
    let page = String::from_utf8(stalewake(&["man"]).stdout).expect("text");
    assert!(page.contains(".TH stalewake 1"), "{page}");
    assert!(page.contains("stalewake\\-check"), "{page}");
}

#[test]
fn the_version_says_which_loom_explores() {
    let version = String::from_utf8(stalewake(&["--version"]).stdout).expect("text");
    let own = concat!("stalewake ", env!("CARGO_PKG_VERSION"), " (loom ");
    assert!(version.starts_with(own), "{version}");
}
