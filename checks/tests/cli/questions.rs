//! Questions that make no sense: what is said, and exit code 2.

use std::fs;

use assert_cmd::Command;

use super::run::{code, directory, objects, stalewake, stderr, stdout};

#[test]
fn an_unknown_name_is_explained_and_exits_with_2() {
    let questions: [(&[&str], &str); 14] = [
        (
            &["check", "./writeback-resue"],
            "there is no scenario `./writeback-resue` and no file of that name",
        ),
        (&["check", "writeback-reuse/skip"], "write `truncate=skip`"),
        (
            &["check", "v5.9"],
            "a kernel is chosen with `--kernel v5.9`",
        ),
        (&["same-page/v5.9"], "'stalewake check same-page/v5.9'"),
        (
            &["check", "--scenarios", "nowhere"],
            "no directory `nowhere`",
        ),
        (
            &["check", "writeback-resue"],
            "did you mean `writeback-reuse`?",
        ),
        (
            &["check", "writeback-resue/truncate=wait"],
            "did you mean `writeback-reuse`?",
        ),
        (
            &["check", "writeback-reuse/truncate=wiat"],
            "did you mean `wait`?",
        ),
        (
            &["check", "writeback-reuse", "--kernel", "v5.9-rc11"],
            "did you mean `v5.9-rc1`?",
        ),
        (
            &["check", "writeback-reuse", "--set", "trunacte=wait"],
            "did you mean `truncate`?",
        ),
        (
            &["check", "writeback-reuse", "--set", "truncate=skp"],
            "did you mean `skip`?",
        ),
        (
            &["check", "writeback-reuse", "--with", "end-refs=none"],
            "did you mean `end-ref`?",
        ),
        (
            &["check", "writeback-reuse", "--with", "end-ref=getpage"],
            "did you mean `get-page`?",
        ),
        (
            &[
                "explain",
                "writeback-reuse",
                "--kernel",
                "v5.9",
                "--kind",
                "bug-on-writebak",
            ],
            "did you mean `bug-on-writeback`?",
        ),
    ];
    for (arguments, hint) in questions {
        let output = stalewake(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            stderr(&output).contains(hint),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

/// A file beside the user, named without its ending; and a directory without
/// any.
#[test]
fn files_are_pointed_at() {
    let directory = directory("pointed-at");
    let run = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("stalewake").expect("it is built with the tests");
        let command = command.current_dir(&directory).args(arguments);
        let output = command.output().expect("it starts");
        assert_eq!(code(&output), 2, "{arguments:?}");
        stderr(&output)
    };
    let none = run(&["check", "--scenarios", "."]);
    assert!(none.contains("there is no scenario file in `.`"), "{none}");
    let race = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scenarios/same-page.toml"
    ));
    let race = race.expect("it is shipped");
    let (asks_nothing, _) = race.split_once("[[expect]]").expect("it expects something");
    fs::write(directory.join("open.toml"), asks_nothing).expect("it can be written");
    let open = run(&["check", "open.toml"]);
    assert!(open.contains("scenario `open` names no kernel"), "{open}");
    fs::write(directory.join("mine.toml"), "").expect("it can be written");
    let mine = run(&["check", "mine"]);
    assert!(
        mine.contains("a file is named as a whole: `mine.toml`"),
        "{mine}"
    );
}

#[test]
fn a_malformed_question_exits_with_2() {
    let questions: [&[&str]; 6] = [
        &["chekc"],
        &["check", "--bound", "many"],
        &["check", "--bound", "2", "--no-reduction"],
        &["check", "--set", "truncate"],
        &["check", "--format", "xml"],
        &["check", "writeback-reuse/v5.9", "--kernel", "v5.10"],
    ];
    for arguments in questions {
        let output = stalewake(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert_ne!(stderr(&output), "", "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_missing_file_exits_with_2() {
    let output = stalewake(&["check", "./no-such-file.toml"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("no-such-file.toml"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_broken_file_is_reported_and_the_others_still_run() {
    let path = directory("broken-file");
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/missed-wakeup.toml");
    fs::copy(shipped, path.join("missed-wakeup.toml")).expect("the file can be copied");
    let huge = vec![b'#'; 10_000_000];
    let nonsense: [(&str, &[u8]); 7] = [
        ("empty.toml", b""),
        ("truncated.toml", b"title = \"half a"),
        ("binary.toml", b"\xff\xfe\x00"),
        ("unknown-key.toml", b"titel = \"x\"\n"),
        ("huge.toml", &huge),
        (
            "five-threads.toml",
            include_bytes!("../scenario_errors/five-threads.toml"),
        ),
        (
            "misspelt-page.toml",
            include_bytes!("../scenario_errors/misspelt-page.toml"),
        ),
    ];
    for (name, content) in nonsense {
        fs::write(path.join(name), content).expect("the file can be written");
    }
    let path = path.to_str().expect("text");
    let output = stalewake(&[
        "check",
        "--scenarios",
        path,
        "--kernel",
        "v5.8",
        "--format",
        "json",
    ]);
    assert_eq!(code(&output), 2);
    assert_eq!(objects(&output).len(), 5, "the cells of missed-wakeup");
    for (name, _) in nonsense {
        assert!(
            stderr(&output).contains(name),
            "{name}: {}",
            stderr(&output)
        );
    }
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    // One error each, and no more.
    let errors = stderr(&output).matches("stalewake::scenario::").count();
    assert_eq!(errors, nonsense.len(), "{}", stderr(&output));
}

#[test]
fn kernels_that_cannot_be_are_refused_with_a_reason() {
    let questions: [(&[&str], &str); 5] = [
        (
            &["check", "shmem-tail", "--commits", "5ef64cc8987a"],
            "2a9127fcf229",
        ),
        (
            &["check", "shmem-tail", "--commits", "deadbeef"],
            "known commits",
        ),
        (
            &["check", "shmem-tail", "--kernel", "4.9"],
            "begins with v4.14",
        ),
        (
            &["check", "shmem-tail", "--kernel", "5.4.0-150-generic"],
            "distribution",
        ),
        (
            &[
                "check",
                "shmem-tail",
                "--kernel",
                "v6.7",
                "--with",
                "waiters-test-order=before-clear",
            ],
            "exclude each other",
        ),
    ];
    for (arguments, reason) in questions {
        let output = stalewake(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            stderr(&output).contains(reason),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}
