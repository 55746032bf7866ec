//! From a path, or a text, to a [`Scenario`].

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::Scenario;
use super::control::controls;
use super::error::{Problem, Result, ScenarioError, shorten};
use super::expect::expectations;
use super::machine::{machine, pages};
use super::parameters::Declared;
use super::table::{LONGEST_NAME, Table};
use super::threads::{Cast, threads};
use crate::printable_path;

/// The largest file that is read, in bytes; no more of a larger one is. It is eight
/// times the largest that is shipped; what it is parsed into can take hundreds of
/// bytes for each of these.
const LARGEST: u64 = 1 << 16;
/// The longest title or source, in bytes: they are headings of reports.
const LONGEST_HEADING: usize = 400;
/// The longest story, in bytes.
const LONGEST_STORY: usize = 20_000;

/// Reads a scenario from a file; the stem of the file's name is the scenario's.
///
/// # Errors
/// When there is no such file, when it cannot be read, or when it is not a
/// scenario in every detail.
pub fn read(path: &Path) -> Result<Scenario> {
    let bytes = bytes(path).map_err(|error| unreadable(path, error))?;
    decode(path, &printable_path(path), &bytes)
}

/// Reads a scenario from the bytes of a file; `shown` is what errors call it.
pub(super) fn decode(path: &Path, shown: &str, bytes: &[u8]) -> Result<Scenario> {
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy())
        .unwrap_or_default();
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(&name, shown, text),
        Err(_) if bytes.len() as u64 > LARGEST => Err(too_large(shown)),
        Err(error) => {
            let byte = error.valid_up_to();
            // What comes before that byte is the same in the lossy text.
            let text = String::from_utf8_lossy(bytes);
            let error = ScenarioError::at(Problem::NotUtf8 { byte }, byte..byte, "from here");
            Err(error.help("save the file as UTF-8").in_file(shown, &text))
        }
    }
}

fn too_large(file: &str) -> ScenarioError {
    ScenarioError::new(Problem::TooLarge { limit: LARGEST }).in_file(file, "")
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for a writer that may never come.
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(path: &Path, source: io::Error) -> ScenarioError {
    let path = printable_path(path);
    ScenarioError::new(match source.kind() {
        ErrorKind::NotFound => Problem::NotFound { path },
        ErrorKind::IsADirectory => Problem::Directory { path },
        _ => Problem::Unreadable { path, source },
    })
}

/// Reads every [file](files_in) of a directory. One that is not a scenario does
/// not keep the others from being one.
///
/// # Errors
/// When the directory itself cannot be read.
pub fn read_dir(dir: &Path) -> Result<Vec<Result<Scenario>>> {
    Ok(files_in(dir)?.iter().map(|path| read(path)).collect())
}

/// Every `*.toml` file of a directory, in the order of their names.
///
/// # Errors
/// When the directory cannot be read.
pub fn files_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    let entries = fs::read_dir(dir).map_err(|error| match error.kind() {
        ErrorKind::NotFound => ScenarioError::new(Problem::NoDirectory {
            path: printable_path(dir),
        }),
        _ => unreadable(dir, error),
    });
    for entry in entries? {
        let path = entry.map_err(|error| unreadable(dir, error))?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort_by(|a, b| a.file_stem().cmp(&b.file_stem()));
    Ok(paths)
}

/// Reads a scenario of that name from a text; `file` is what errors call it.
///
/// # Errors
/// When the text is not a scenario in every detail.
pub fn parse(name: &str, file: &str, text: &str) -> Result<Scenario> {
    if text.len() as u64 > LARGEST {
        return Err(too_large(file));
    }
    scenario(name, file, text, true).map_err(|error| error.in_file(file, text))
}

/// The same, of a text whose controls do not matter.
pub(super) fn parse_uncontrolled(name: &str, file: &str, text: &str) -> Result<Scenario> {
    scenario(name, file, text, false).map_err(|error| error.in_file(file, text))
}

fn scenario(name: &str, file: &str, text: &str, controlled: bool) -> Result<Scenario> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
        let problem = Problem::BadName {
            name: shorten(name),
        };
        return Err(ScenarioError::new(problem).help(
            "the file's name is the scenario's: lower-case letters, digits and `-`, then `.toml`",
        ));
    }
    if text.trim().is_empty() {
        return Err(ScenarioError::at(
            Problem::Empty,
            0..0,
            "a `title` would be first",
        ));
    }
    let document = DeTable::parse(text).map_err(|error| {
        let error = first_error(text).unwrap_or(error);
        let message = error.message().replace('\n', ", ");
        let is_twice = message.starts_with("duplicate key");
        let problem = Problem::Syntax { message };
        let error = ScenarioError::at(problem, error.span().unwrap_or(0..0), "here");
        match is_twice {
            true => error.help(
                "a table `[expect.\"v5.9\"]` belongs to the `[[expect]]` above it: if that is \
                 misspelt, it is the same table again",
            ),
            false => error,
        }
    })?;

    let keys = [
        "title",
        "source",
        "story",
        "machine",
        "parameters",
        "page",
        "thread",
        "expect",
        "control",
    ];
    let root = Table::root(document.get_ref(), &keys)?;
    let prose = |key, most| root.required(key)?.prose(&format!("`{key}`"), most);
    let title = prose("title", LONGEST_HEADING)?;
    let source = prose("source", LONGEST_HEADING)?;
    let story = prose("story", LONGEST_STORY)?;
    let declared = Declared::read(root.optional("parameters"))?;
    let machine = machine(root.optional("machine"), &declared)?;
    let pages = pages(root.optional("page"), machine.fixed)?;
    pages.check_names()?;
    let threads = threads(root.required("thread")?, &declared, &pages)?;
    let cast = Cast {
        file: text,
        declared: &declared,
        machine: &machine,
        pages: &pages,
        threads: &threads,
    };
    let variants = cast.variants()?;
    declared.check_used()?;
    let expectations = expectations(root.optional("expect"), &declared)?;
    let mut scenario = Scenario {
        name: name.to_owned(),
        file: file.to_owned(),
        title,
        source,
        story,
        text: text.to_owned(),
        parameters: declared.parameters.clone(),
        variants,
        expectations,
        controls: Vec::new(),
    };
    if controlled {
        let node = root.optional("control");
        scenario.controls = controls(node, &scenario, &declared, &threads)?;
    }
    Ok(scenario)
}

/// The error that comes first in the text: `toml` reports those of the
/// structure before those of strings, and an open string ruins the structure.
fn first_error(text: &str) -> Option<toml::de::Error> {
    let (_, errors) = DeTable::parse_recoverable(text);
    errors
        .into_iter()
        .min_by_key(|error| error.span().map_or(usize::MAX, |span| span.start))
}
