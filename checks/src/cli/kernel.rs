//! Which kernel is meant: a version, a row with changes, a choice of commits.

use miette::Diagnostic;
use stalewake::cell::KernelChoice;
use stalewake::report::aside;
use stalewake::report::wrap;
use stalewake_model::combination::Conflict;
use stalewake_model::mechanism::{Kernel, UnknownMechanism};
use stalewake_model::release::{
    BadCommits, Commit, NotAVersion, Release, Resolved, UnknownRelease, Why,
};

use super::Choice;
use super::error::{HELP_WIDTH, Unknown};

/// A kernel that cannot be had.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(super) enum BadKernel {
    /// A version that no row covers.
    #[error(transparent)]
    #[diagnostic(help("`stalewake kernels` lists what is covered"))]
    Version(UnknownRelease),
    /// Mechanisms that exclude each other.
    #[error(transparent)]
    #[diagnostic(help("leave out one of them; `stalewake kernels` says what each does"))]
    Conflict(Conflict),
    /// Commits from which no kernel can be built.
    #[error("{error}")]
    Commits {
        /// Why not.
        error: BadCommits,
        /// What to do.
        #[help]
        help: String,
    },
}

/// The release that a version belongs to.
pub(super) fn release(name: &str) -> miette::Result<&'static Release> {
    look_up(name).map(|resolved| resolved.release)
}

/// The same, and how certain that is.
pub(super) fn look_up(name: &str) -> miette::Result<Resolved> {
    Release::look_up(name).map_err(|unknown| match unknown.why {
        Why::NotAVersion(NotAVersion::Malformed) | Why::NeverReleased => {
            let names = Release::ALL.iter().map(|release| release.name);
            Unknown::new("kernel", name, names).into()
        }
        _ => BadKernel::Version(unknown).into(),
    })
}

/// Says on standard error what is uncertain about a version.
pub(super) fn warn_of_doubt(name: &str) {
    if let Ok(resolved) = Release::look_up(name)
        && !resolved.vouched
        && let Some(note) = resolved.note
    {
        aside(format_args!(
            "warning: {name} is taken for {}: {note}",
            resolved.release
        ));
    }
}

/// v5.8 with these commits; the first row that is the same, if there is one.
pub(super) fn of_commits(commits: &[String]) -> miette::Result<KernelChoice> {
    let kernel = Commit::pick(commits).map_err(|error| BadKernel::Commits {
        help: match &error {
            BadCommits::Needs { needs, .. } => format!("add {needs} to --commits"),
            BadCommits::Unknown { .. } | BadCommits::TooShort { .. } => known_commits(),
        },
        error,
    })?;
    Ok(match Release::with(&kernel) {
        Some(release) => KernelChoice::of(release),
        None => KernelChoice {
            kernel,
            ..KernelChoice::of(Release::OLDEST)
        },
    })
}

fn known_commits() -> String {
    let lines = Commit::ALL.iter().flat_map(|commit| {
        let line = format!("  {:<13} {}", commit.hash, commit.summary);
        wrap(&line, HELP_WIDTH, 16)
    });
    let lines: Vec<String> = lines.collect();
    format!("known commits:\n{}", lines.join("\n"))
}

/// Changes mechanisms of a kernel.
pub(super) fn change(kernel: &mut Kernel, changes: &[Choice]) -> miette::Result<()> {
    for change in changes {
        set(kernel, change)?;
    }
    match kernel.conflict() {
        Some(conflict) => Err(BadKernel::Conflict(conflict).into()),
        None => Ok(()),
    }
}

fn set(kernel: &mut Kernel, change: &Choice) -> Result<(), Unknown> {
    kernel.set(&change.name, &change.value).map_err(unknown)
}

/// The complaint about a name, with what exists instead.
pub(super) fn unknown(unknown: UnknownMechanism) -> Unknown {
    match unknown {
        UnknownMechanism::Mechanism { name } => Unknown::new(
            "mechanism",
            &name,
            Kernel::MECHANISMS.iter().map(|m| m.name),
        ),
        UnknownMechanism::Alternative { mechanism, name } => {
            let alternatives = Kernel::mechanism(mechanism).map_or(&[][..], |m| m.alternatives);
            let place = format!(" of mechanism `{mechanism}`");
            Unknown::within(
                "alternative",
                &name,
                place,
                alternatives.iter().map(|a| a.name),
            )
        }
    }
}
