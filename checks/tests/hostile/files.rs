//! A directory full of hostile scenario files, given to the binary.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;

use super::seeds;

/// How much memory `check` may ask for, in MiB: less than all the large files
/// come to together, and twice what it needs.
const MEMORY: u32 = 64;

/// How many files are as large as a scenario may be.
const LARGE: usize = 64;

/// An empty directory that is this test's alone.
pub fn directory(test: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("hostile")
        .join(test);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the target directory is writable");
    directory
}

/// What the binary says within so many MiB of memory. It is stopped where it
/// would wait for ever.
pub fn stalewake(memory: u32, arguments: &[&OsStr]) -> Output {
    Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {}; exec \"$@\"", memory << 10))
        .args(["sh", env!("CARGO_BIN_EXE_stalewake")])
        .args(arguments)
        .timeout(Duration::from_secs(600))
        .output()
        .expect("it ends")
}

/// An error that can be read, and nothing else.
pub fn refused(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).expect("errors are text");
    let start: String = said.chars().take(4000).collect();
    assert_eq!(output.status.code(), Some(2), "{start}");
    assert!(output.stdout.is_empty());
    assert!(!said.contains("panicked"), "{start}");
    let bad = said.find(|c: char| c.is_control() && c != '\n');
    assert_eq!(bad, None, "a control character in {start:?}");
    said
}

fn check_all(directory: &Path) -> Output {
    let arguments = ["check", "--scenarios"].map(OsStr::new);
    stalewake(MEMORY, &[&arguments[..], &[directory.as_os_str()]].concat())
}

#[test]
fn two_hundred_files_are_refused_one_by_one() {
    let directory = directory("files");
    let files = hostile();
    assert!(files.len() >= 200, "only {}", files.len());
    for (name, bytes) in &files {
        fs::write(directory.join(name), bytes).expect("the directory is writable");
    }
    let said = refused(&check_all(&directory));
    assert_eq!(said.matches("  × ").count(), files.len());
    for name in files.keys() {
        assert!(said.contains(&format!("/{name}")), "{name} is not named");
    }
}

/// What is no file, or has a name that is none.
#[test]
fn what_is_no_file_is_refused_too() {
    let directory = directory("no-files");
    let at = |name: &str| directory.join(name);
    symlink("loop.toml", at("loop.toml")).expect("the directory is writable");
    symlink("one.toml", at("other.toml")).expect("the directory is writable");
    symlink("other.toml", at("one.toml")).expect("the directory is writable");
    symlink("nowhere", at("dangling.toml")).expect("the directory is writable");
    symlink("/dev/zero", at("endless.toml")).expect("the directory is writable");
    fs::create_dir(at("directory.toml")).expect("the directory is writable");
    fs::write(at("unreadable.toml"), "title = 1").expect("the directory is writable");
    let nobody = Permissions::from_mode(0o0);
    fs::set_permissions(at("unreadable.toml"), nobody).expect("it is ours");
    let pipe = std::process::Command::new("mkfifo")
        .arg(at("pipe.toml"))
        .status();
    assert!(pipe.expect("mkfifo is there").success());
    let large = File::create(at("large.toml")).expect("the directory is writable");
    large.set_len(100 << 20).expect("a file can have holes");
    let names: [&[u8]; 4] = [
        b"\x1b]0;x\x07.toml",
        b"a\nb.toml",
        b"\xff\xfe.toml",
        b"-h.toml",
    ];
    for name in names {
        let path = directory.join(OsStr::from_bytes(name));
        fs::write(path, "title = 1").expect("the directory is writable");
    }
    let said = refused(&check_all(&directory));
    for name in [
        "loop",
        "other",
        "one",
        "dangling",
        "endless",
        "directory",
        "unreadable",
        "pipe",
        "large",
        "?]0;x?",
        "a?b",
        "\u{fffd}\u{fffd}",
        "-h",
    ] {
        let count = said.matches(&format!("/{name}.toml")).count();
        assert_eq!(count, 1, "{name} is named {count} times in\n{said}");
    }
}

/// Each of them may be as large as a file can be, but what is kept of it may
/// not: there may be any number of them.
#[test]
fn many_large_files_need_little_memory() {
    let directory = directory("large");
    let mut text = format!("#{}\n", " comment".repeat(127)).repeat(60);
    text += "title = 1\n";
    for number in 0..LARGE {
        // The same file under many names.
        let path = directory.join(format!("large-{number}.toml"));
        match number {
            0 => fs::write(path, &text),
            _ => fs::hard_link(directory.join("large-0.toml"), path),
        }
        .expect("the directory is writable");
    }
    let said = refused(&check_all(&directory));
    assert_eq!(said.matches(":61:9]").count(), LARGE);
}

/// A line as long as the file does not fill the screen.
#[test]
fn a_long_line_is_not_shown_as_a_whole() {
    let directory = directory("long-line");
    let mut text = "x".repeat(60_000);
    text.insert_str(30_000, " = [1] title ");
    fs::write(directory.join("long.toml"), text).expect("the directory is writable");
    let said = refused(&check_all(&directory));
    assert!(said.len() < 10_000, "{} bytes are too many", said.len());
}

/// Files that no scenario is, by their names.
fn hostile() -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let head = "title = \"t\"\nsource = \"s\"\nstory = \"s\"\n";
    let texts = [
        ("empty", String::new()),
        ("blank", " \n".repeat(1000)),
        ("nul", "\0".repeat(1000)),
        ("mark", format!("\u{feff}{head}")),
        ("escape", format!("{head}\u{1b}[2J")),
        (
            "escaped",
            head.replace("\"t\"", "\"\\u001b]0;x\\u0007\"") + "thread = 1",
        ),
        ("return", format!("{head}\r\u{b}\u{c}").replace('\n', "\r")),
        ("brackets", format!("{head}x = {}", "[".repeat(60_000))),
        ("braces", format!("{head}x = {}", "{a=".repeat(20_000))),
        ("dots", format!("{head}{}b = 1", "a.".repeat(30_000))),
        ("tables", format!("{head}{}", "[[thread]]\n".repeat(5_000))),
        (
            "keys",
            (0..5_000).map(|key| format!("k{key} = 1\n")).collect(),
        ),
        // A table for each part of each name.
        (
            "names",
            (0..390)
                .map(|key| format!("k{key}{} = 1\n", ".a".repeat(75)))
                .collect(),
        ),
        (
            "number",
            format!("{head}machine = {{ frames = {} }}", "9".repeat(60_000)),
        ),
        (
            "hex",
            format!("{head}machine = {{ frames = 0x{} }}", "f".repeat(1000)),
        ),
        ("quotes", "\"".repeat(60_001)),
        ("backslashes", format!("title = \"{}", "\\".repeat(60_000))),
        ("prose", format!("title = \"{}\"\n", "é".repeat(30_000))),
        (
            "steps",
            format!(
                "{head}[[thread]]\nname = \"A\"\nsteps = [{}]",
                "\"((((\",".repeat(9_000)
            ),
        ),
        (
            "parameters",
            format!(
                "{head}[parameters]\n{}",
                (0..3000)
                    .map(|p| format!("p{p} = [\"a\", \"b\"]\n"))
                    .collect::<String>()
            ),
        ),
        ("binary", "\u{7f}ELF\u{2}\u{1}\u{1}".to_owned()),
    ];
    for (name, text) in texts {
        files.insert(format!("{name}.toml"), text.into_bytes());
    }
    files.insert("latin.toml".to_owned(), b"title = \"\xe9\"".to_vec());
    files.insert("garbage.toml".to_owned(), b"\xff\xfe\xfd".repeat(10_000));
    files.insert("NAME.toml".to_owned(), b"title = 1".to_vec());
    files.insert("cut.toml".to_owned(), b"title = \"\xe2\x82".to_vec());
    for (number, seed) in seeds::of("scenario").into_iter().enumerate() {
        let half = &seed[..seed.len() / 2];
        files.insert(format!("cut-{number}.toml"), [half, b"\n="].concat());
        let mut bytes = seed.clone();
        bytes.splice(seed.len() / 3..seed.len() / 3, *b"\x1b]0;x\x07\n=\n");
        files.insert(format!("escape-{number}.toml"), bytes);
        files.insert(format!("twice-{number}.toml"), [&seed[..], &seed].concat());
    }
    files
}
