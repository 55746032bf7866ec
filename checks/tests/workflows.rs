//! The workflow files: they may read and nothing else, run no code that could
//! change under them, and only call programs that are there.

#![cfg(not(packaged))]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

const GITHUB: &str = ".github/workflows/gate.yml";
const GITLAB: &str = ".gitlab-ci.yml";

/// A file of the repository.
fn at_root(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

fn text(file: &str) -> String {
    fs::read_to_string(at_root(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn yaml(file: &str) -> Value {
    serde_saphyr::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// All values of that key, however deep.
fn all<'v>(value: &'v Value, key: &str) -> Vec<&'v Value> {
    let children: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let here = value.get(key).into_iter();
    here.chain(children.into_iter().flat_map(|child| all(child, key)))
        .collect()
}

#[test]
fn the_workflow_may_only_read() {
    let workflow = yaml(GITHUB);
    let permissions = all(&workflow, "permissions");
    assert_eq!(permissions, [&json!({ "contents": "read" })]);
    assert!(!text(GITHUB).contains("secrets."));
    // With it a pull request would run with the rights of the repository.
    assert!(!text(GITHUB).contains("pull_request_target"));
}

/// A tag can be moved, a hash cannot.
#[test]
fn actions_are_pinned_by_their_hash() {
    let used: Vec<String> = text(GITHUB)
        .lines()
        .filter_map(|line| line.split_once("uses: "))
        .map(|(_, action)| action.to_owned())
        .collect();
    assert_eq!(used.len(), all(&yaml(GITHUB), "uses").len());
    assert!(!used.is_empty());
    for action in used {
        let (name, version) = action.split_once(" # v").expect("its version is a comment");
        let (_, hash) = name.split_once('@').expect("an action has a version");
        let is_hash = hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_hash, "{action}");
        assert_eq!(version.split('.').count(), 3, "{action}");
    }
    for step in all(&yaml(GITHUB), "steps").into_iter().flat_map(|steps| {
        let steps = steps.as_array().expect("steps are a list");
        steps.clone()
    }) {
        let action = step["uses"].as_str().unwrap_or_default();
        if action.starts_with("actions/checkout@") {
            assert_eq!(step["with"]["persist-credentials"], false);
        }
    }
}

#[test]
fn the_programs_that_are_called_are_there() {
    for (file, key) in [(GITHUB, "run"), (GITLAB, "script")] {
        let workflow = yaml(file);
        let lines = all(&workflow, key)
            .into_iter()
            .flat_map(|lines| match lines {
                Value::Array(lines) => lines.clone(),
                line => vec![line.clone()],
            });
        let programs: Vec<String> = lines
            .filter_map(|line| {
                let line = line.as_str().expect("a command is text");
                line.split(' ').next().map(str::to_owned)
            })
            .filter(|word| word.contains('/'))
            .collect();
        for called in ["ci/gate", ".ci/run", "ci/nightly"] {
            assert!(
                programs.iter().any(|program| program == called),
                "{file}: {called}"
            );
        }
        for program in programs {
            let found = fs::metadata(at_root(&program));
            let mode = found
                .unwrap_or_else(|error| panic!("{file}: {program}: {error}"))
                .permissions()
                .mode();
            assert_eq!(mode & 0o111, 0o111, "{file}: {program} cannot be run");
        }
    }
}

/// What is built in continuous integration is built by the oldest compiler that
/// the manifest admits; so what it says is true.
#[test]
fn the_oldest_compiler_is_the_one_that_is_used() {
    let version = env!("CARGO_PKG_RUST_VERSION");
    for (file, words) in [
        (GITHUB, format!("RUSTUP_TOOLCHAIN: \"{version}\"\n")),
        (GITLAB, format!("image: docker.io/library/rust:{version}-")),
        (
            "ci/recipes/Dockerfile",
            format!("FROM docker.io/library/rust:{version}-"),
        ),
        ("README.md", format!("Needs Rust {version}.")),
    ] {
        assert!(text(file).contains(&words), "{file} does not say {words}");
    }
}
