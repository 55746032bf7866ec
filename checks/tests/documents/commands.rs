//! Every command in a document is run, in the order of the document, in a
//! directory where the reader would stand. Where a block is marked `console`,
//! commands stand behind `$ `, and below each what it prints, in parts.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use stalewake::scenario::TEMPLATE;

use super::{DOCUMENTS, blocks, directory, repository};

/// A command that is not run as it stands.
struct Instead {
    document: &'static str,
    command: &'static str,
    /// Why not.
    because: &'static str,
    /// In what it differs where it is run.
    but: But,
    /// How that ends.
    code: i32,
}

/// In what a command differs from what a document says.
enum But {
    /// It has this, too.
    With(&'static str),
    /// It has the second in place of the first.
    Replaced(&'static str, &'static str),
}

impl Instead {
    fn run(&self) -> String {
        match self.but {
            But::With(more) => format!("{} {more}", self.command),
            But::Replaced(old, new) => self.command.replace(old, new),
        }
    }
}

/// Commands that take more than five seconds in a build for tests, or that do
/// not end. All their other arguments are tried.
const INSTEAD: &[Instead] = &[
    Instead {
        document: "README.md",
        command: "stalewake",
        because: "explores every cell",
        but: But::With("--max-executions 1"),
        code: 3,
    },
    Instead {
        document: "README.md",
        command: "stalewake report --html all.html",
        because: "explores every cell",
        but: But::With("--max-executions 1"),
        code: 3,
    },
    Instead {
        document: "README.md",
        command: "stalewake watch ./my-race.toml",
        because: "ends with Ctrl-C",
        but: But::With("--changes 0"),
        code: 0,
    },
    Instead {
        document: "checks/README.md",
        command: "stalewake stress writeback-reuse/truncate=wait/v5.9 \
                  --explorer native,random,pct --seconds 10",
        because: "takes ten seconds for each explorer",
        but: But::Replaced("--seconds 10", "--executions 100"),
        code: 0,
    },
    Instead {
        document: "checks/README.md",
        command: "stalewake check --junit cells.xml --markdown summary.md --github",
        because: "explores every cell",
        but: But::With("--max-executions 1"),
        code: 3,
    },
    Instead {
        document: "scenarios/GUIDE.md",
        command: "stalewake watch ./my-race.toml",
        because: "ends with Ctrl-C",
        but: But::With("--changes 0"),
        code: 0,
    },
];

/// Commands that end with another exit code than 0, as their document says.
const CODES: &[(&str, &str, i32)] = &[
    ("scenarios/README.md", "stalewake check ./bad.toml 2>&1", 2),
    ("scenarios/GUIDE.md", "stalewake check ./no-wait.toml", 1),
];

/// Scenario files that a document takes for granted.
const FILES: &[(&str, &str)] = &[
    ("README.md", "path/to/my-scenario.toml"),
    ("scenarios/README.md", "mine.toml"),
    ("scenarios/README.md", "DIR/mine.toml"),
];

#[test]
fn the_commands_of_readme_run() {
    run_all("README.md");
}

#[test]
fn the_commands_of_the_format_run() {
    run_all("scenarios/README.md");
}

#[test]
fn the_commands_of_the_guide_run() {
    run_all("scenarios/GUIDE.md");
}

#[test]
fn the_commands_of_the_checks_run() {
    run_all("checks/README.md");
}

#[test]
fn the_commands_of_the_model_run() {
    run_all("model/README.md");
}

/// Whoever takes a command out of a document takes it off the lists, too.
#[test]
fn every_exception_is_in_its_document() {
    let all = |document| {
        commands(document)
            .into_iter()
            .map(|command| command.normal())
    };
    let instead = INSTEAD.iter().map(|one| (one.document, one.command));
    let codes = CODES
        .iter()
        .map(|(document, command, _)| (*document, *command));
    for (document, command) in instead.chain(codes) {
        let found = all(document).any(|found| found == normal(command));
        assert!(found, "{document} has no `{command}`");
    }
    for (document, file) in FILES {
        let name = file.split('/').next().expect("there is a first part");
        let found = all(document).any(|command| command.contains(name));
        assert!(found, "{document} has no use for {file}");
    }
}

/// A document without its commands would pass.
#[test]
fn the_documents_have_commands() {
    let numbers = DOCUMENTS.map(|document| commands(document).len());
    let [readme, format, guide, checks, _] = numbers;
    assert!(
        readme >= 10 && format >= 2 && guide >= 10 && checks >= 10,
        "{numbers:?}"
    );
}

/// A command in a document.
struct Typed {
    document: &'static str,
    /// The line of its block.
    line: usize,
    /// As it is typed.
    text: String,
    /// What it prints, in parts; nothing if the document does not say.
    prints: Vec<String>,
}

impl Typed {
    fn normal(&self) -> String {
        normal(&self.text)
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.document, self.line, self.text)
    }
}

fn run_all(document: &'static str) {
    let place = directory(&document.replace('/', "-"));
    for (_, file) in FILES.iter().filter(|(of, _)| *of == document) {
        let path = place.join(file);
        fs::create_dir_all(path.parent().expect("it is in the directory")).expect("it can be made");
        fs::write(path, TEMPLATE).expect("it can be written");
    }
    for command in commands(document) {
        match in_shell(&command.text) {
            Some(text) => run_one(&command, &text, &place),
            None => understood(&command.text).unwrap_or_else(|what| panic!("{command}: {what}")),
        }
    }
}

fn run_one(command: &Typed, text: &str, place: &Path) {
    let (document, normal) = (command.document, command.normal());
    let of_this = |(of, listed, _): &&(&str, &str, i32)| *of == document && *listed == normal;
    let code = CODES.iter().find(of_this).map_or(0, |(_, _, code)| *code);
    let instead = INSTEAD
        .iter()
        .find(|one| one.document == document && self::normal(one.command) == normal);
    let (run, code, because) = match instead {
        Some(instead) => (instead.run(), instead.code, instead.because),
        None => (text.to_owned(), code, "as it stands"),
    };
    let binary = Path::new(env!("CARGO_BIN_EXE_stalewake"));
    let mut path = vec![binary.parent().expect("it is in a directory").to_owned()];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LOOM_") {
            shell.env_remove(name);
        }
    }
    let output = shell
        .args(["-c", &run])
        .current_dir(place)
        .env(
            "PATH",
            std::env::join_paths(path).expect("there is no `:` in them"),
        )
        .output()
        .expect("there is a shell");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command}\n({because}: {run})\n{complaint}"
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let mut rest = &*lines.join("\n");
    for part in &command.prints {
        let at = rest
            .find(part)
            .unwrap_or_else(|| panic!("{command}\nno\n{part}\nin\n{rest}"));
        rest = &rest[at + part.len()..];
    }
}

/// The commands of a document.
fn commands(document: &'static str) -> Vec<Typed> {
    let mut commands: Vec<Typed> = Vec::new();
    for block in blocks(document) {
        let console = block.info == "console";
        let mut open = false;
        for line in block.text.lines() {
            if open && let Some(last) = commands.last_mut() {
                last.text += &format!("\n{line}");
            } else if let Some(text) = command(line, console) {
                commands.push(Typed {
                    document,
                    line: block.line,
                    text: text.to_owned(),
                    prints: vec![String::new()],
                });
            } else if let (true, Some(last)) = (console, commands.last_mut()) {
                print(&mut last.prints, line);
                continue;
            } else {
                continue;
            }
            open = line.ends_with('\\');
        }
        assert!(!open, "{document}:{}: a command does not end", block.line);
    }
    commands
}

/// The command that a line is, or begins.
fn command(line: &str, console: bool) -> Option<&str> {
    if console {
        return line.strip_prefix("$ ");
    }
    (line.starts_with("stalewake ") || cargo(line).is_some()).then_some(line)
}

/// Another line of what a command prints; `...` ends a part.
fn print(parts: &mut Vec<String>, line: &str) {
    match (line, parts.last_mut()) {
        ("...", _) => parts.push(String::new()),
        (_, Some(part)) if !part.is_empty() => *part += &format!("\n{}", line.trim_end()),
        (_, Some(part)) => line.trim_end().clone_into(part),
        (_, None) => parts.push(line.trim_end().to_owned()),
    }
}

/// A command of cargo, without the variables before it.
fn cargo(line: &str) -> Option<&str> {
    let mut line = line;
    while let Some((name, rest)) = line.split_once('=')
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    {
        // A quoted value may have spaces in it.
        let end = match rest.strip_prefix('"') {
            Some(quoted) => quoted.find('"')? + 2,
            None => rest.find(' ')?,
        };
        line = rest[end..].trim_start();
    }
    line.starts_with("cargo ").then_some(line)
}

/// The command as a shell runs it here; nothing if that would be a build.
fn in_shell(command: &str) -> Option<String> {
    const FROM_SOURCE: &str = "cargo run --release";
    if cargo(command).is_none() {
        return Some(command.to_owned());
    }
    let rest = command.strip_prefix(FROM_SOURCE)?.trim_start();
    match rest.strip_prefix("-- ") {
        Some(arguments) => Some(format!("stalewake {arguments}")),
        None if rest.is_empty() || rest.starts_with('#') => Some("stalewake".to_owned()),
        None => None,
    }
}

/// A command in one line, without its comment.
fn normal(command: &str) -> String {
    let words = shlex::split(command).expect("a command of a shell");
    let words = words.join(" ");
    in_shell(&words).unwrap_or(words)
}

/// Commands of cargo that the test runs of this repository do anyway: only
/// what they name is looked for.
fn understood(command: &str) -> Result<(), String> {
    let words = shlex::split(cargo(command).ok_or("no command of cargo")?);
    let words = words.ok_or("no command of a shell")?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let targets = |kind: &str, name: &str| {
        let places = [
            format!("checks/{kind}/{name}.rs"),
            format!("checks/{kind}/{name}/main.rs"),
        ];
        match places.iter().any(|place| repository(place).exists()) {
            true => Ok(()),
            false => Err(format!("there is no {kind}/{name}")),
        }
    };
    match words[..] {
        ["cargo", "test"] => Ok(()),
        ["cargo", "test", "-p", "stalewake", "--test", name]
        | [
            "cargo",
            "test",
            "-p",
            "stalewake",
            "--test",
            name,
            "--",
            "--nocapture",
        ]
        | ["cargo", "test", "--test", name] => targets("tests", name),
        ["cargo", "run", "--release", "--example", name] => targets("examples", name),
        ["cargo", "install", "--path", "checks"] => Ok(()),
        ["cargo", "run", "-p", "stalewake-mutants", "--", _] => {
            match repository("ci/mutants/src/main.rs").exists() {
                true => Ok(()),
                false => Err("there are no mutants".to_owned()),
            }
        }
        _ => Err("a command that no test knows: it is not checked".to_owned()),
    }
}
