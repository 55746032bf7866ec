//! Hostile shards, and what is wrong with them.

use std::ffi::OsStr;
use std::fs;

use stalewake::report::json::VERSION;

use super::files::{directory, refused, stalewake};
use super::inputs::resealed;
use super::seeds;

/// How much memory `merge` may ask for, in MiB: a few times what it reads.
const MEMORY: u32 = 400;

/// The complaint about one shard, whose line was changed, and its sum with it.
fn complaint(test: &str, change: impl Fn(String) -> String) -> String {
    let seed = seeds::of("shard").swap_remove(2);
    let seed = String::from_utf8(seed).expect("it is text");
    let changed = resealed(&change(seed.clone()));
    assert_ne!(seed, changed);
    let file = directory(test).join("\u{1b}]0;x\u{7}.json");
    fs::write(&file, changed).expect("the directory is writable");
    refused(&stalewake(MEMORY, &[OsStr::new("merge"), file.as_os_str()]))
}

#[test]
fn a_terminal_obeys_nothing_in_a_shard() {
    let hostile = "\\u001b]0;x\\u0007".repeat(100);
    let version = format!("\"{VERSION}\"");
    for (test, from) in [
        ("version", version.as_str()),
        ("scenario", "\"shmem-tail\""),
        ("kernel", "\"kernel\":\"v5.8\""),
        ("status", "\"complete\""),
        ("kind", "\"bug-on-tail\""),
        ("memory", "\"sc\""),
        ("replay", "@2:sc"),
    ] {
        let to = match from.rsplit_once(':') {
            Some(("@2", _)) => format!("@2:{hostile}"),
            Some((key, _)) => format!("{key}:\"{hostile}\""),
            None => format!("\"{hostile}\""),
        };
        let said = complaint(test, |text| text.replace(from, &to));
        assert!(said.len() < 2000, "{test}: {said}");
    }
}

#[test]
fn a_search_that_proves_nothing_is_no_part_of_a_proof() {
    for (test, from, to) in [
        ("weak", "\"memory\":\"sc\"", "\"memory\":\"c11\""),
        ("bounded", "\"bound\":null", "\"bound\":2"),
    ] {
        let said = complaint(test, |text| text.replace(from, to));
        assert!(said.contains("weak or bounded"), "{said}");
    }
    let arguments = ["check", "shmem-tail", "--shard", "1/2", "--memory", "c11"];
    let said = refused(&stalewake(MEMORY, &arguments.map(OsStr::new)));
    assert!(said.contains("--memory c11"), "{said}");
}

#[test]
fn no_number_is_believed() {
    let said = complaint("shards", |text| text.replace("1/2\"", "1/4294967295\""));
    assert!(said.contains("and 4294967286 more"), "{said}");
    for figure in ["executions", "redundant", "foreign", "elapsed_ms", "traces"] {
        let key = format!("\"{figure}\":");
        let huge = format!("{key}{}", u64::MAX);
        let replaced = |text: String| {
            let mut parts = text.split(&key);
            let first = parts.next().expect("there is one").to_owned();
            parts.fold(first, |text, part| {
                text + &huge + part.trim_start_matches(|c: char| c.is_ascii_digit())
            })
        };
        complaint(figure, replaced);
    }
}

#[test]
fn a_shard_without_an_end_is_not_read_to_it() {
    let said = refused(&stalewake(MEMORY, &["merge", "/dev/zero"].map(OsStr::new)));
    assert!(said.contains("MiB to merge"), "{said}");
    let line = "x".repeat(2 << 20);
    let said = complaint("long-line", |text| text + &line);
    assert!(said.contains("longer than any"), "{said}");
}
