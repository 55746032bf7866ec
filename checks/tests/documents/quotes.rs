//! What a document shows: scenarios that are as they expect, quotes that are
//! in their files, links and paths that lead somewhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::markdown::{code, links};
use super::{DOCUMENTS, blocks, directory, read, repository};

/// How many whole scenarios, fragments of scenarios and pieces of Rust a
/// document shows. A block that loses its mark is missed here.
const SHOWN: [(&str, [usize; 3]); 5] = [
    ("README.md", [0, 0, 0]),
    ("scenarios/README.md", [1, 1, 0]),
    ("scenarios/GUIDE.md", [0, 4, 2]),
    ("checks/README.md", [0, 0, 0]),
    ("model/README.md", [0, 0, 0]),
];

/// A block that is marked `toml` is a whole scenario.
#[test]
fn every_scenario_is_as_it_expects() {
    for document in DOCUMENTS {
        let place = directory(&format!("scenarios-of-{}", document.replace('/', "-")));
        for block in blocks(document).iter().filter(|block| block.info == "toml") {
            let at = format!("{document}:{}", block.line);
            let name = block
                .text
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("# "));
            let file = place.join(name.unwrap_or_else(|| panic!("{at}: `# NAME.toml` is missing")));
            fs::write(&file, &block.text).expect("it can be written");
            let mut stalewake = Command::new(env!("CARGO_BIN_EXE_stalewake"));
            let output = stalewake.arg("check").arg(file).output();
            let output = output.expect("the binary starts");
            let complaint = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{at}: {complaint}");
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.contains("All as expected."), "{at}: {text}");
        }
    }
}

/// A block that is marked `toml fragment PATH` or `rust PATH` is in that file,
/// line by line.
#[test]
fn every_quote_is_in_its_file() {
    for (document, expected) in SHOWN {
        let mut shown = [0; 3];
        for block in blocks(document) {
            let at = format!("{document}:{}", block.line);
            let words: Vec<&str> = block.info.split_whitespace().collect();
            let file = match words[..] {
                ["toml"] => {
                    shown[0] += 1;
                    continue;
                }
                ["toml", "fragment", file] => {
                    shown[1] += 1;
                    file
                }
                ["rust", file] => {
                    shown[2] += 1;
                    file
                }
                // Its commands are run, and print what it says.
                ["console"] | [] => continue,
                _ => panic!("{at}: `{}` is no mark of a block", block.info),
            };
            let text = read(file);
            assert!(
                text.contains(&block.text),
                "{at}: this is not in {file}:\n{}",
                block.text
            );
        }
        assert_eq!(shown, expected, "{document}: scenarios, fragments, Rust");
    }
}

#[test]
fn every_link_leads_to_a_file() {
    for document in DOCUMENTS {
        let place = repository(document);
        let beside = place.parent().expect("it is in a directory");
        for link in links(&read(document)) {
            if link.starts_with("https://") {
                continue;
            }
            let file = link.split('#').next().unwrap_or_default();
            assert!(
                beside.join(file).exists(),
                "{document}: {link} leads nowhere"
            );
        }
    }
}

/// Paths that are only named, from the root, the document or its sources.
#[test]
fn every_path_that_is_named_exists() {
    let is_path = |text: &str| {
        let ending = Path::new(text)
            .extension()
            .and_then(|ending| ending.to_str());
        let ours = ["md", "rs", "json"].contains(&ending.unwrap_or_default());
        ours && text.contains('/') && !text.contains([' ', '*', '$'])
    };
    let mut number = 0;
    for document in DOCUMENTS {
        let place = repository(document);
        let beside = place.parent().expect("it is in a directory");
        let roots = [repository("."), beside.to_owned(), beside.join("src")];
        for path in code(&read(document)).iter().filter(|text| is_path(text)) {
            let exists = roots.iter().any(|root| root.join(path).exists());
            assert!(exists, "{document}: there is no {path}");
            number += 1;
        }
    }
    assert!(number >= 10, "{number}");
}

/// The first column of the table of shipped scenarios is what is shipped.
#[test]
fn every_shipped_scenario_is_in_the_table() {
    let text = read("scenarios/README.md");
    for scenario in stalewake::scenario::shipped() {
        let name = scenario.expect("it is not broken").name;
        assert!(text.contains(&format!("\n| `{name}` | ")), "{name}");
    }
}
