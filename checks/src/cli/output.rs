//! Standard output and the reports of errors.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use miette::MietteHandlerOpts;
use stalewake::report::Style;
use stalewake::report::progress::Shown;

use super::paths::named;
use super::{When, file, is_set};

/// The width where there is no terminal that has one.
const DEFAULT_WIDTH: usize = 80;

/// Below this no table has room, and beyond that nobody can read it.
const NARROWEST: usize = 40;
const WIDEST: usize = 1_000;

/// Prints text to standard output. A reader that has seen enough, such as
/// `head`, is no error.
///
/// # Errors
/// When standard output cannot be written to.
pub(super) fn print(text: &str) -> miette::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(miette::miette!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// Writes text into a file; `-` is standard output.
///
/// # Errors
/// When it cannot be written to.
pub(super) fn write(file: &Path, text: &str) -> miette::Result<()> {
    if file == Path::new("-") {
        return print(text);
    }
    file::replace(file, text).map_err(|error| unwritable(file, &error))
}

/// Refuses what [`write`] could not do, before the work for it is done.
///
/// # Errors
/// With the file that cannot be written to.
pub(super) fn require_writable<'p>(
    mut files: impl Iterator<Item = &'p Path>,
) -> miette::Result<()> {
    files.try_for_each(|file| match file == Path::new("-") {
        true => Ok(()),
        false => file::could_be_replaced(file).map_err(|error| unwritable(file, &error)),
    })
}

fn unwritable(file: &Path, error: &std::io::Error) -> miette::Report {
    if error.kind() == ErrorKind::NotFound {
        return miette::miette!(
            "cannot write to {}: there is no such directory",
            named(file)
        );
    }
    miette::miette!("cannot write to {}: {error}", named(file))
}

/// How standard output is written to.
pub(super) fn style(when: When) -> Style {
    let asked = std::env::var("COLUMNS").ok();
    let asked = asked.and_then(|columns| columns.parse().ok());
    let of_terminal = || comfy_table::Table::new().width().map(usize::from);
    let width = asked.or_else(of_terminal).unwrap_or(DEFAULT_WIDTH);
    Style {
        colour: is_coloured(when, std::io::stdout().is_terminal()),
        width: width.clamp(NARROWEST, WIDEST),
    }
}

/// How progress is shown on standard error.
pub(super) fn progress() -> Shown {
    if std::io::stderr().is_terminal() {
        Shown::Bar
    } else {
        Shown::Lines
    }
}

fn is_coloured(when: When, is_terminal: bool) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => {
            is_terminal
                && !is_set("NO_COLOR")
                && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
        }
    }
}

/// Makes errors be printed with the place they are about.
///
/// # Errors
/// When another hook was installed before.
pub(super) fn install_error_reports(when: When) -> miette::Result<()> {
    let colour = is_coloured(when, std::io::stderr().is_terminal());
    miette::set_hook(Box::new(move |_| {
        // Lines would be broken inside of names, at their hyphens.
        let options = MietteHandlerOpts::new()
            .color(colour)
            .terminal_links(false)
            .unicode(true)
            .wrap_lines(false);
        Box::new(options.build())
    }))?;
    Ok(())
}
