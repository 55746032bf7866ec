//! The page that `report` writes: as text, and in a browser.

mod browser;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

use self::browser::Browser;

/// Writes the page about these scenarios, and returns where it is.
fn report(name: &str, arguments: &[&str]) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let output = Command::cargo_bin("stalewake")
        .expect("the binary is built with the tests")
        .args(["report", "--html"])
        .arg(&file)
        .args(arguments)
        .output()
        .expect("the binary starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    file
}

/// The data that the page carries.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once(r#"id="data">"#).expect("it has data");
    let (data, _) = rest.split_once("</script>").expect("which end");
    serde_json::from_str(data).expect("JSON")
}

#[test]
fn the_page_has_every_cell_and_needs_nothing_else() {
    let page = fs::read_to_string(report("page.html", &["shmem-tail", "dropped-reference"]))
        .expect("it was written");
    assert_eq!(page.matches("<th scope=\"row\"").count(), 3);
    assert_eq!(page.matches("<th scope=\"col\"").count(), 8);
    assert_eq!(page.matches("data-id=").count(), 21);
    for loads in ["src=", "<link", "@import", "url(", "fetch("] {
        assert!(!page.contains(loads), "{loads}");
    }
    let data = data(&page);
    let cells = data["cells"].as_array().expect("a list");
    assert_eq!(cells.len(), 21);
    let cell = cells
        .iter()
        .find(|cell| cell["id"] == "shmem-tail/truncate=wait/v5.9")
        .expect("it is there");
    assert_eq!(cell["word"], "FATAL");
    assert_eq!(cell["kinds"][0]["kind"], "bug-on-tail");
    assert_eq!(cell["as_expected"], true);
    let executions = data["executions"].as_array().expect("a list").len();
    let shown: usize = cells
        .iter()
        .map(|cell| cell["kinds"].as_array().map_or(0, Vec::len))
        .sum();
    assert!(executions < shown, "v5.9-rc1 and v5.9 share theirs");
}

/// The lattice is the one that `whatif --svg` draws of the same scenarios.
#[test]
fn the_page_has_the_lattice_if_it_is_asked_for() {
    let scenarios = ["shmem-tail", "unreferenced-touch"];
    let read = |file| fs::read_to_string(file).expect("it was written");
    let without = read(report("no-lattice.html", &scenarios));
    assert!(!without.contains("id=\"lattice\""));
    let with = [&scenarios[..], &["--lattice"]].concat();
    let page = read(report("lattice.html", &with));
    let mut whatif = Command::cargo_bin("stalewake").expect("the binary is built with this");
    whatif.arg("whatif").args(scenarios).args(["--svg", "-"]);
    let drawn = whatif.output().expect("it starts").stdout;
    let drawn = String::from_utf8(drawn).expect("it is text");
    assert!(drawn.contains("minimal"), "{drawn}");
    let (_, lattice) = page.split_once("id=\"lattice\">").expect("it is there");
    assert!(lattice.starts_with(drawn.trim_end()), "{lattice}");
}

const HOSTILE: &str = r#"
title = "<script>alert(1)</script>"
source = "\"><img src=x onerror=alert(2)>"
story = "</script><script>alert(3)</script>"
[machine]
frames = 1
[[page]]
name = "P"
inode = "file"
flags = ["writeback"]
[[thread]]
name = "A"
steps = ["ext4_finish_bio(P)"]
[[thread]]
name = "B"
steps = ["truncate_inode_pages_range(file, wait)"]
[[expect]]
"v5.9" = { kinds = ["foreign-read", "foreign-write"], because = "<!-- <script> & 'so on'" }
"#;

fn hostile() -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile.toml");
    fs::write(&file, HOSTILE).expect("it can be written");
    report("hostile.html", &[file.to_str().expect("text")])
}

#[test]
fn what_a_scenario_says_is_never_markup() {
    let page = fs::read_to_string(hostile()).expect("it was written");
    for markup in ["<script>alert", "<img", "<!-- "] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert_eq!(page.matches("</script>").count(), 2);
    assert_eq!(
        data(&page)["cells"][0]["title"],
        "<script>alert(1)</script>"
    );
}

/// What is asked of the page.
const HEADING: &str = "document.querySelector('#cell h1').textContent";
const STATE: &str = "document.querySelector('.states tbody').textContent";
const BACKGROUND: &str = "getComputedStyle(document.body).backgroundColor";

#[test]
fn a_browser_shows_cells_and_steps() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let page = report("driven.html", &["shmem-tail", "dropped-reference"]);
    browser.open(&page, "");
    browser.shows("document.querySelectorAll('#matrix tbody tr').length", 3);

    // By mouse.
    browser.click("[data-id='shmem-tail/truncate=wait/v5.9']");
    browser.shows(HEADING, "shmem-tail/truncate=wait/v5.9 FATAL");
    browser.shows("document.getElementById('overview').hidden", true);
    browser.shows(
        "document.querySelectorAll('#cell svg.sw text').length > 20",
        true,
    );
    browser.shows("document.querySelectorAll('[role=tab]').length", 3);

    // The slider moves, and the state with it.
    let position = "document.querySelector('.bar output').textContent.split(' ')[1]";
    browser.shows(position, "0");
    let first = browser.value(STATE);
    browser.run("document.querySelector('.bar input').focus()");
    browser.press(browser::END);
    browser.shows_other_than(STATE, &first);
    browser.press(browser::HOME);
    browser.shows(STATE, first);
    let changed = "for (let i = 0; i < 400; i++) {
        document.querySelector('[aria-label=\"one step on\"]').click();
        if (document.querySelector('.states .changed')) return true;
    } return false";
    assert_eq!(browser.run(changed), true);

    // By keyboard: back, one cell to the right, and open that.
    browser.press(browser::ESCAPE);
    browser.shows("document.getElementById('cell').hidden", true);
    browser.press(browser::RIGHT);
    browser.press(browser::ENTER);
    browser.shows(HEADING, "shmem-tail/truncate=wait/v5.10 holds");

    // By a link.
    browser.open(&page, "#/dropped-reference/v5.8");
    browser.shows(HEADING, "dropped-reference/v5.8 holds");

    // A link that leads nowhere says so.
    browser.open(&page, "#/nothing/here");
    browser.shows(
        "document.getElementById('missing').textContent",
        "There is no cell nothing/here on this page.",
    );

    let before = browser.value(BACKGROUND);
    browser.click("#theme");
    browser.shows_other_than(BACKGROUND, &before);

    // What a scenario says is shown as it is.
    browser.open(&hostile(), "#/hostile/v5.9");
    browser.shows(
        "document.getElementById('cell').textContent.includes('<script>alert(1)</script>')",
        true,
    );
    browser.shows("document.querySelectorAll('img').length", 0);

    assert_eq!(browser.complaints(), Vec::<String>::new());
}
