//! The model of `ci/compare` for Spin, written by hand and without the Rust
//! code, reaches what the scenarios expect, kind by kind.

#![cfg(not(packaged))]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use stalewake::cell::Parameters;
use stalewake::scenario::find_shipped;
use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

/// What pan says of a state in which nothing can go on.
const STUCK: &str = "invalid end state (";

/// The flags of Spin that make a kernel.
const KERNELS: [(&str, &[&str]); 3] = [
    ("v5.9", &[]),
    ("v5.10", &["-DREF"]),
    ("v5.10.7", &["-DREF", "-DWHILE"]),
];

#[test]
fn spin_reaches_the_same_kinds_of_reuse() {
    let truncate = ("truncate".to_owned(), "wait".to_owned());
    assert_same_kinds("writeback-reuse", &[truncate].into(), &[]);
}

#[test]
fn spin_reaches_the_same_kinds_of_one_page() {
    assert_same_kinds("same-page", &Parameters::new(), &["-DSAME"]);
}

/// Otherwise "no lost wake-up" above would say nothing.
#[test]
fn spin_sees_a_wake_up_that_is_lost() {
    let flags = ["-DSAME", "-DREF", "-DWHILE", "-DBEFORE"];
    let Some(said) = spin("before", &flags) else {
        return;
    };
    assert!(said.contains(STUCK), "{said}");
}

#[test]
fn the_script_can_be_read() {
    let script = compare("run");
    let read = output(Command::new("bash").arg("-n").arg(&script));
    assert!(read.status.success(), "{}", shown(&read));
    let unknown = output(Command::new(&script).arg("no-such-tool"));
    assert_eq!(unknown.status.code(), Some(2), "{}", shown(&unknown));
    if is_installed("shellcheck", "--version") {
        let checked = output(Command::new("shellcheck").arg(&script));
        assert!(checked.status.success(), "{}", shown(&checked));
    }
}

fn assert_same_kinds(scenario: &str, parameters: &Parameters, case: &[&str]) {
    let shipped = find_shipped(scenario).expect("it is shipped");
    for (kernel, fixes) in KERNELS {
        let Some(said) = spin(&format!("{scenario}-{kernel}"), &[case, fixes].concat()) else {
            return;
        };
        let release = Release::resolve(kernel).expect("it has a row");
        let expected = shipped.expected(parameters, release).expect("it is listed");
        let expected: BTreeSet<Kind> = expected.kinds.iter().copied().collect();
        assert_eq!(kinds(&said), expected, "{scenario}/{kernel}\n{said}");
        assert!(!said.contains(STUCK), "{scenario}/{kernel}\n{said}");
    }
}

/// The kinds after which assertions are named.
fn kinds(said: &str) -> BTreeSet<Kind> {
    let violated = |line: &str| {
        let (_, rest) = line.split_once("assertion violated  !(")?;
        let (name, _) = rest.split_once(')')?;
        let kind = Kind::from_name(&name.replace('_', "-"));
        Some(kind.unwrap_or_else(|| panic!("there is no kind {name}")))
    };
    said.lines().filter_map(violated).collect()
}

/// What Spin's verifier says of the model after its search of all states;
/// nothing if Spin is not installed.
fn spin(name: &str, flags: &[&str]) -> Option<String> {
    if !is_installed("spin", "-V") {
        let required = std::env::var_os("STALEWAKE_REQUIRE_SPIN").is_some();
        assert!(!required, "Spin is not installed");
        eprintln!("skipped: Spin is not installed");
        return None;
    }
    let directory = directory(name);
    let run = |command: &mut Command| {
        let ran = output(command.current_dir(&directory));
        let text = shown(&ran);
        assert!(ran.status.success(), "{text}");
        text
    };
    run(Command::new("spin")
        .args(flags)
        .arg("-a")
        .arg(compare("stale.pml")));
    run(Command::new("cc").args(["-w", "-o", "pan", "pan.c"]));
    let said = run(Command::new(directory.join("pan")).arg("-c0"));
    let is_whole = !said.contains("Search not completed") && !said.contains("too small");
    assert!(said.contains("errors: ") && is_whole, "{said}");
    Some(said)
}

/// The file of that name in `ci/compare`.
fn compare(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../ci/compare")
        .join(name)
}

/// An empty directory that is this run's alone.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("compare")
        .join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the target directory is writable");
    directory
}

fn is_installed(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok()
}

fn output(command: &mut Command) -> Output {
    command.output().expect("the command starts")
}

/// What it printed on both streams.
fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}
