//! The step parser, the coverage rule, and files that are none.

use miette::Diagnostic;
use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

use super::*;

mod hostile;

const GOOD: &str = r#"
title  = "Late wake-up hits the page's next life"
source = "073861ed77"
story  = """
The page is freed and used again before the wake-up."""

[machine]
frames = 3
device = "queue"

[parameters]
truncate = ["wait", "skip"]
sync = ["WB_SYNC_ALL", "WB_SYNC_NONE"]

[[page]]
name = "P"
inode = "old"
flags = ["writeback", "uptodate"]

[[page]]
name = "R"
frame = 2
inode = "old"
index = 1

[[thread]]
name = "A"
holds = ["P", "R", "P"]
steps = ["ext4_finish_bio(P)", "ext4_finish_bio( next  bio )"]

[[thread]]
name = "B"
steps = [
    "truncate_inode_pages_range(old, $truncate)",
    "Q = grab_cache_page(new, 3)",
    "ext4_writepage(Q)",
    "write_cache_pages(new, $sync)",
]

[[thread]]
name = "C"
when = { truncate = "skip", sync = ["WB_SYNC_ALL", "WB_SYNC_NONE"] }
steps = ['H=shmem_alloc_hugepage()', "shmem_alloc_hugepage()", "put_page(H)"]

[[expect]]
when = { truncate = "wait" }
"v5.8" = { kinds = ["foreign-read", "stale-wakeup"], because = "nobody holds a reference" }
"v5.10, v5.10.7" = { kinds = [], because = "a reference is held" }

[[expect]]
when = { truncate = ["skip"] }
"v5.10, v5.10.7,5.8" = { kinds = [], because = "the page is skipped" }
"#;

fn good() -> Scenario {
    parse("reuse", "reuse.toml", GOOD).expect("the example is in order")
}

fn code(text: &str) -> String {
    let error = parse("broken", "broken.toml", text).expect_err("the text is broken");
    error.code().expect("every error has a code").to_string()
}

/// The code of the good file with one part of it replaced.
fn code_with(part: &str, by: &str) -> String {
    assert!(GOOD.contains(part), "`{part}` is part of the example");
    code(&GOOD.replacen(part, by, 1)).replace("stalewake::scenario::", "")
}

#[test]
fn every_combination_has_its_variant_and_expectations() {
    let scenario = good();
    let combinations = scenario.combinations();
    assert_eq!(combinations.len(), 4);
    assert_eq!(combinations[0]["truncate"], "wait");
    assert_eq!(
        combinations[1]["truncate"], "wait",
        "the last parameter changes fastest"
    );
    assert_eq!(combinations[1]["sync"], "WB_SYNC_NONE");
    assert_eq!(
        scenario
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
            .collect::<Vec<_>>(),
        ["truncate", "sync"],
        "in the order of the file"
    );

    let kernels: Vec<&str> = scenario
        .kernels()
        .iter()
        .map(|release| release.name)
        .collect();
    assert_eq!(kernels, ["v5.8", "v5.10", "v5.10.7"]);
    let release = |name| Release::resolve(name).expect("a row of the table");
    let expected = scenario
        .expected(&combinations[0], release("v5.8"))
        .expect("it is covered");
    assert_eq!(
        expected.kinds,
        [Kind::ForeignRead, Kind::StaleWakeup].into()
    );
    let expected = scenario
        .expected(&combinations[2], release("v5.8"))
        .expect("it is covered");
    assert_eq!(expected.because, "the page is skipped");
    assert_eq!(scenario.expected(&combinations[0], release("v5.9")), None);
}

#[test]
fn steps_are_parsed_after_substitution() {
    let scenario = good();
    let combinations = scenario.combinations();
    let first = scenario.variant(&combinations[1]);
    assert_eq!(first.inodes, ["old", "new"]);
    assert_eq!(first.pages[1].frame, 2);
    assert_eq!(
        first.pages[0].flags,
        [PageFlag::Writeback, PageFlag::Uptodate]
    );
    assert_eq!(first.threads.len(), 2);
    assert_eq!(first.threads[0].holds, [0, 1, 0]);
    assert_eq!(
        first.threads[0].steps,
        [
            Step::FinishBio(BioRef::Page(PageRef::Page(0))),
            Step::FinishBio(BioRef::Next)
        ]
    );
    assert_eq!(
        first.threads[1].steps,
        [
            Step::Truncate {
                inode: 0,
                passes: Passes::Second
            },
            Step::GrabCachePage {
                variable: 0,
                inode: 1,
                index: 3
            },
            Step::Writepage(PageRef::Variable(0)),
            Step::WriteCachePages {
                inode: 1,
                sync: SyncMode::None
            },
        ]
    );
    assert_eq!(
        first.threads[1].texts[0],
        "truncate_inode_pages_range(old, wait)"
    );
    assert_eq!(first.threads[1].variables, ["Q"]);

    let last = scenario.variant(&combinations[3]);
    assert_eq!(
        last.threads[2].steps,
        [
            Step::ShmemAllocHugepage { variable: Some(0) },
            Step::ShmemAllocHugepage { variable: None },
            Step::PutPage(PageRef::Variable(0)),
        ]
    );
}

#[test]
fn a_file_without_parameters_has_one_combination() {
    let text =
        "title='t'\nsource='s'\nstory='w'\n[[thread]]\nname='A'\nsteps=['shmem_alloc_hugepage()']";
    let scenario = parse("plain", "plain.toml", text).expect("it is in order");
    assert_eq!(scenario.combinations(), [Parameters::new()]);
    assert_eq!(
        scenario.variant(&Parameters::new()).machine,
        MachineSpec::default()
    );
    assert!(scenario.kernels().is_empty());
}

/// Every row of the table can be written as its signature says, with and
/// without what may be left out.
#[test]
fn signatures_are_what_the_parser_accepts() {
    for step in step_reference() {
        let shortest = match (step.signature.find('['), step.signature.find(']')) {
            (Some(from), Some(to)) => {
                format!("{}{}", &step.signature[..from], &step.signature[to + 1..])
            }
            _ => step.signature.to_owned(),
        };
        let longest = step.signature.replace(['[', ']'], "");
        for form in [shortest, longest] {
            let (head, arguments) = form
                .trim()
                .trim_end_matches(')')
                .split_once('(')
                .expect("a call");
            assert!(head.ends_with(step.name), "{form}");
            // The alternatives of each argument, one of them at a time.
            let lists: Vec<Vec<&str>> = arguments
                .split(',')
                .map(|argument| argument.split('|').map(str::trim).collect())
                .collect();
            for choice in 0..lists.iter().map(Vec::len).max().unwrap_or(1) {
                let arguments: Vec<&str> = lists
                    .iter()
                    .map(|list| match list[choice.min(list.len() - 1)] {
                        "page" => "P",
                        "inode" => "old",
                        "index" => "2",
                        "thread" => "B",
                        word => word,
                    })
                    .collect();
                let written = format!("{head}({})", arguments.join(", "));
                let text = GOOD.replacen("ext4_finish_bio(P)", &written, 1);
                parse("reference", "reference.toml", &text)
                    .unwrap_or_else(|error| panic!("{written}: {error:?}"));
            }
        }
    }
}

#[test]
fn broken_steps() {
    let step = |text: &str| code_with("ext4_finish_bio(P)", text);
    assert_eq!(step("ext4_finish_bio"), "step_syntax");
    assert_eq!(step("ext4_finish_bio(P"), "step_syntax");
    assert_eq!(step(")("), "step_syntax");
    assert_eq!(step(""), "step_syntax");
    assert_eq!(step("put_page(P,)"), "step_syntax");
    assert_eq!(step("put_page((P))"), "step_syntax");
    assert_eq!(step("put_pagé(P)"), "unknown_step");
    assert_eq!(step("(P)"), "unknown_step");
    assert_eq!(step("put_page()"), "missing_argument");
    assert_eq!(step("write_cache_pages(old)"), "missing_argument");
    assert_eq!(step("put_page(P, P)"), "extra_argument");
    assert_eq!(step("put_page(3)"), "wrong_argument");
    assert_eq!(step("put_page(next bio)"), "wrong_argument");
    assert_eq!(step("ext4_finish_bio(last bio)"), "wrong_argument");
    assert_eq!(step("truncate_inode_pages_range(P)"), "wrong_argument");
    assert_eq!(
        step("truncate_inode_pages_range(old, never)"),
        "wrong_argument"
    );
    assert_eq!(step("truncate_inode_pages_range(odl)"), "unknown_inode");
    assert_eq!(step("Q = grab_cache_page(old, 9)"), "out_of_range");
    assert_eq!(
        step("Q = grab_cache_page(old, 99999999999999999999)"),
        "out_of_range"
    );
    assert_eq!(step("Q = grab_cache_page(old, -1)"), "wrong_argument");
    assert_eq!(step("grab_cache_page(old)"), "missing_result");
    assert_eq!(step("Q = put_page(P)"), "no_result");
    assert_eq!(step("P = grab_cache_page(old)"), "name_taken");
    assert_eq!(step("old = grab_cache_page(old)"), "wrong_argument");
    assert_eq!(step("Q Q = grab_cache_page(old)"), "wrong_argument");
    assert_eq!(step("put_page(X)"), "unknown_page");
    assert_eq!(
        code_with("ext4_writepage(Q)", "Q = grab_cache_page(new)"),
        "name_taken"
    );
    assert_eq!(
        code_with("Q = grab_cache_page(new, 3)", "put_page(Q)"),
        "unknown_page"
    );
    assert_eq!(
        code_with(
            "\"ext4_writepage(Q)\"",
            "\"put_page(S)\", \"S = grab_cache_page(new)\""
        ),
        "unassigned_variable"
    );
    assert_eq!(step("put_page($page)"), "unknown_parameter");
    assert_eq!(step("put_page($)"), "unknown_parameter");
}

#[test]
fn every_cell_is_covered_exactly_once() {
    let skip = "when = { truncate = [\"skip\"] }";
    assert_eq!(code_with(skip, ""), "covered_twice");
    assert_eq!(
        code_with(
            skip,
            "when = { truncate = [\"skip\"], sync = \"WB_SYNC_ALL\" }"
        ),
        "not_covered"
    );
    assert_eq!(
        code_with(skip, "when = { truncate = [\"wait\"] }"),
        "covered_twice"
    );
    assert_eq!(
        code_with("v5.10.7,5.8", "v5.10.7,5.8, v5.8"),
        "covered_twice"
    );
    assert_eq!(code_with("v5.10.7,5.8", "v5.10.7"), "not_covered");
    assert_eq!(code_with("v5.10.7,5.8", "v5.10.7,5.8,v5.9"), "not_covered");
}

#[test]
fn files_that_are_none() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = |path: &std::path::Path| {
        read(path)
            .expect_err("no scenario")
            .code()
            .expect("a code")
            .to_string()
    };
    assert_eq!(
        code(&here.join("no-such.toml")),
        "stalewake::scenario::not_found"
    );
    assert_eq!(code(here), "stalewake::scenario::directory");
    let directory = std::env::temp_dir().join(format!("stalewake-scenario-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("the temporary directory can be written");
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        std::fs::write(&path, bytes).expect("the temporary directory can be written");
        path
    };
    let latin = write("c-latin.toml", b"# one\ntitle = \"caf\xe9\"");
    assert_eq!(code(&latin), "stalewake::scenario::not_utf8");
    assert_eq!(read(&latin).expect_err("not UTF-8").line(), Some(2));
    assert_eq!(
        code(&write("b-empty.toml", b" \n\t\n")),
        "stalewake::scenario::empty"
    );
    assert_eq!(
        code(&write("d-large.toml", &vec![b'\n'; 10 << 20])),
        "stalewake::scenario::too_large"
    );
    assert_eq!(
        code(&write("E.toml", GOOD.as_bytes())),
        "stalewake::scenario::bad_name"
    );
    write("a-good.toml", GOOD.as_bytes());
    write("notes.txt", b"no scenario");
    let all = read_dir(&directory).expect("the directory can be read");
    assert_eq!(
        all.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [false, true, false, false, false]
    );
    std::fs::remove_dir_all(&directory).expect("nobody else uses it");
    assert!(read_dir(&directory).is_err());
}

#[test]
fn shipped_files_are_in_order() {
    for scenario in shipped() {
        scenario.unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    }
}
