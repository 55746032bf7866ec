//! `new`: a scenario file to begin with.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::Diagnostic;
use stalewake::scenario::{self, TEMPLATE};

use super::file;
use super::output::print;
use super::paths::{named, quoted};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct NewArgs {
    /// What the scenario is called: lower-case letters, digits and `-`.
    #[arg(value_name = "NAME")]
    name: String,
    /// Write it into this directory.
    #[arg(long = "dir", value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Replace the file if there is one already.
    #[arg(long)]
    force: bool,
}

const EXAMPLES: &str = "\
Examples:
  stalewake new my-race                 writes ./my-race.toml
  stalewake new my-race --dir races     writes races/my-race.toml
  stalewake watch ./my-race.toml        checks it again whenever it is saved

The file is a small scenario that runs as it is: on some kernels it fails, on
others it holds, and it expects just that. Every part of it is explained in a
comment. A file that is there is left alone, unless --force is given. The name
of a shipped scenario is refused, since reports would not tell the two apart.";

/// Why no file was written.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum NotWritten {
    #[error("`{name}` is the name of a shipped scenario")]
    #[diagnostic(help("choose another name; `stalewake list` shows those that are taken"))]
    Shipped { name: String },
    #[error("there is a file `{path}` already")]
    #[diagnostic(help("choose another name, or replace the file with --force"))]
    Exists { path: String },
    #[error("there is no directory `{directory}`")]
    #[diagnostic(help("make it first: mkdir -p {quoted}"))]
    NoDirectory { directory: String, quoted: String },
    #[error("cannot write `{path}`")]
    #[diagnostic(help("--dir DIR writes it elsewhere"))]
    Unwritable { path: String, source: io::Error },
}

/// Writes the file, and says what can be done with it.
pub(super) fn run(args: &NewArgs) -> miette::Result<ExitCode> {
    let file = format!("{}.toml", args.name);
    // The reader of scenarios knows which names are good.
    scenario::parse(&args.name, &file, TEMPLATE)?;
    if scenario::find_shipped(&args.name).is_some() {
        let name = args.name.clone();
        return Err(NotWritten::Shipped { name }.into());
    }
    let path = args.directory.join(file);
    write(&path, args)?;
    print(&next(&path))?;
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, args: &NewArgs) -> Result<(), NotWritten> {
    let written = match args.force {
        true => file::replace(path, TEMPLATE),
        // Looking first and writing then would leave time for another.
        false => file::create(path, TEMPLATE),
    };
    written.map_err(|source| {
        let path = named(path);
        match source.kind() {
            ErrorKind::AlreadyExists => NotWritten::Exists { path },
            ErrorKind::NotFound => NotWritten::NoDirectory {
                directory: named(&args.directory),
                quoted: quoted(&args.directory.to_string_lossy()),
            },
            _ => NotWritten::Unwritable { path, source },
        }
    })
}

/// What to type next.
fn next(path: &Path) -> String {
    let typed = quoted(&path.to_string_lossy());
    format!(
        "{} is there, and runs as it is:\n\n  \
         stalewake check {typed}\n  \
         stalewake explain {typed} --kernel v5.9\n  \
         stalewake watch {typed}\n\n\
         Every part of it is explained in a comment. `stalewake watch` checks it again\n\
         whenever you save it, and says what has changed.\n",
        named(path)
    )
}
