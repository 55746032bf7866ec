//! The pictures of `explain`: what is in them, and that it can be read.

use assert_cmd::Command;
use roxmltree::{Document, Node};

const RACE: &str = "writeback-reuse/truncate=wait/v5.9";

fn explain(arguments: &[&str]) -> String {
    let output = Command::cargo_bin("stalewake")
        .expect("the binary is built with the tests")
        .arg("explain")
        .args(arguments)
        .output()
        .expect("the binary starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

fn svg(cell: &str, kind: &str) -> String {
    explain(&[cell, "--kind", kind, "--svg", "-"])
}

fn texts<'a>(document: &'a Document<'_>) -> Vec<&'a str> {
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    texts.filter_map(|node| node.text()).collect()
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    let value = node.attribute(name).expect("it has one");
    value.parse().expect("a number")
}

#[test]
fn a_picture_shows_threads_lives_sleep_wake_ups_and_violations() {
    let text = svg(RACE, "bug-on-writeback");
    let document = Document::parse(&text).expect("well-formed");
    let texts = texts(&document);
    for label in [
        "thread A",
        "thread B",
        "P in frame 0",
        "use 1: page of old",
        "freed: this use is over",
        "use 2: page of new",
        "ext4_finish_bio()",
        "write_cache_pages()",
        "clears writeback on P",
        "schedule(): sleeps",
        "stale wake-up",
        "late wake-up",
        "stale-wakeup (event)",
        "bug-on-writeback (fatal)",
    ] {
        assert!(texts.contains(&label), "{label} is not in {texts:#?}");
    }
    let count = |class: &str| {
        document
            .descendants()
            .filter(|node| {
                node.tag_name().name() == "path" && node.attribute("class") == Some(class)
            })
            .count()
    };
    assert_eq!(count("z"), 1, "one thread sleeps once");
    assert_eq!(count("s"), 2, "the stale wake-up, and how late it is");
}

#[test]
fn texts_neither_overlap_nor_leave_the_picture() {
    for (cell, kind) in [
        (RACE, "bug-on-writeback"),
        ("shmem-tail/truncate=wait/v5.9", "bug-on-tail"),
        ("writeback-reuse-irq/truncate=skip/v5.9", "stale-wakeup"),
        ("killable-lock/signal=early/v5.10", "lost-wakeup"),
    ] {
        let text = svg(cell, kind);
        let document = Document::parse(&text).expect("well-formed");
        let root = document.root_element();
        let (width, height) = (number(root, "width"), number(root, "height"));
        let mut boxes: Vec<(f64, f64, f64, &str)> = Vec::new();
        for node in root.descendants().filter(|node| {
            node.tag_name().name() == "text" && node.attribute("transform").is_none()
        }) {
            let (x, y) = (number(node, "x"), number(node, "y"));
            let text = node.text().unwrap_or_default();
            // The prose above the lanes has another width.
            let is_prose = matches!(node.attribute("class"), Some("t" | "c"));
            let wide = if is_prose { 0.0 } else { 6.65 };
            let end = x + wide * text.chars().count() as f64;
            assert!(
                end <= width && y <= height,
                "{cell}: {text} ends at {end}, {y}"
            );
            for (left, right, other, what) in &boxes {
                let apart = end <= *left || *right <= x || (y - other).abs() >= 11.0;
                assert!(apart, "{cell}: {text} is over {what} at {x}, {y}");
            }
            boxes.push((x, end, y, text));
        }
        assert!(boxes.len() > 20, "{cell}: {}", boxes.len());
    }
}

#[test]
fn a_picture_is_the_same_every_time() {
    assert_eq!(svg(RACE, "stale-wakeup"), svg(RACE, "stale-wakeup"));
}

#[test]
fn mermaid_has_every_participant_and_closes_what_it_opens() {
    let text = explain(&[RACE, "--kind", "bug-on-writeback", "--mermaid"]);
    assert!(text.starts_with("sequenceDiagram\n"), "{text}");
    for line in [
        "participant T0 as thread A",
        "participant T1 as thread B",
        "participant F0 as P in frame 0",
        "T0-xT1: STALE: wake_up_state(B)",
        "Note over F0: use 1: page of old is over",
    ] {
        let is_there = text.lines().any(|one| one.trim() == line);
        assert!(is_there, "{line} is not in\n{text}");
    }
    let count = |word: &str| {
        text.lines()
            .filter(|line| line.trim().starts_with(word))
            .count()
    };
    assert_eq!(count("activate "), count("deactivate "));
}

/// What of Mermaid's grammar is used, after its documentation of sequence
/// diagrams: every line is one of these, with participants that were declared.
fn check_mermaid(text: &str) {
    let mut lines = text.lines().map(str::trim);
    assert_eq!(lines.next(), Some("sequenceDiagram"));
    let mut declared: Vec<&str> = Vec::new();
    let mut active: Vec<&str> = Vec::new();
    for line in lines {
        let (head, said) = line.split_once(": ").unwrap_or((line, ""));
        let words: Vec<&str> = head.split(' ').collect();
        let known = |name: &str| assert!(declared.contains(&name), "{name} in {line}");
        match words[..] {
            ["title", ..] => continue,
            ["participant", name, "as", _, ..] => {
                assert!(active.is_empty(), "declared late: {line}");
                declared.push(name);
                continue;
            }
            ["Note", "over", name] => known(name),
            ["activate", name] => {
                known(name);
                active.push(name);
                continue;
            }
            ["deactivate", name] => {
                let at = active.iter().position(|one| *one == name);
                active.remove(at.unwrap_or_else(|| panic!("never activated: {line}")));
                continue;
            }
            [arrow] => {
                let arrows = ["->>", "-x", "-)"];
                let ends = arrows.iter().find_map(|sign| arrow.split_once(sign));
                let (from, to) = ends.unwrap_or_else(|| panic!("no arrow: {line}"));
                known(from);
                known(to);
            }
            _ => panic!("not of the grammar: {line}"),
        }
        assert!(!said.is_empty(), "nothing is said: {line}");
        // Either would end the line there; `#59;` is a character by its number.
        let mut rest = said;
        while let Some(at) = rest.find(['#', ';']) {
            let number: String = rest[at..]
                .chars()
                .skip(1)
                .take_while(char::is_ascii_digit)
                .collect();
            let end = at + 1 + number.len();
            assert!(
                rest[at..].starts_with('#') && rest[end..].starts_with(';'),
                "{line}"
            );
            rest = &rest[end + 1..];
        }
    }
    assert!(
        declared.len() > 1 && active.is_empty(),
        "left open: {active:?}"
    );
}

#[test]
fn mermaid_is_of_its_grammar() {
    for (cell, kind) in [
        (RACE, "bug-on-writeback"),
        ("shmem-tail/truncate=wait/v5.9", "bug-on-tail"),
        ("writeback-reuse-irq/truncate=skip/v5.9", "stale-wakeup"),
        ("killable-lock/signal=early/v5.10", "lost-wakeup"),
    ] {
        check_mermaid(&explain(&[cell, "--kind", kind, "--mermaid"]));
    }
}

#[test]
fn a_picture_goes_into_the_file_that_is_named() {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/picture.svg");
    let printed = explain(&[RACE, "--svg", file]);
    assert_eq!(printed, "");
    let text = std::fs::read_to_string(file).expect("it was written");
    assert!(Document::parse(&text).is_ok());
}
