//! `kernels`: what the kernels are, and what they differ in.

use std::process::ExitCode;

use clap::Args;
use stalewake::report::{Style, Tone, wrap};
use stalewake_model::mechanism::{Kernel, Mechanism};
use stalewake_model::release::{Commit, Release, Resolved};

use super::Coloured;
use super::kernel::look_up;
use super::output::{print, style};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct KernelsArgs {
    /// Say which row this version belongs to, and which commits it has.
    #[arg(value_name = "VERSION")]
    version: Option<String>,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake kernels
  stalewake kernels 5.4.251            which row a version belongs to
  stalewake check writeback-reuse --kernel v5.9 --with end-ref=get-page
                                       a kernel with one mechanism changed
  stalewake check writeback-reuse --commits 2a9127fcf229,073861ed77
                                       v5.8 with two commits";

/// Lists kernels and mechanisms, or says what a version is.
pub(super) fn run(args: &KernelsArgs) -> miette::Result<ExitCode> {
    let style = style(args.coloured.color);
    let text = match &args.version {
        None => table(style),
        Some(name) => explain(name, &look_up(name)?, style),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn table(style: Style) -> String {
    let mut text = heading("Kernels", style);
    for release in Release::ALL {
        text += &about(release, style);
    }
    text += "\n";
    text += &heading("Commits (--commits HASH,HASH: v5.8 with these)", style);
    for commit in Commit::ALL {
        let needs = commit
            .needs
            .map_or(String::new(), |needs| format!("; needs {needs}"));
        let row = format!(
            "  {:<13} {} [since {}{needs}]",
            commit.hash, commit.summary, commit.since
        );
        text += &lines(&row, style, 16);
    }
    text += "\n";
    text += &heading("Mechanisms (--with MECHANISM=ALTERNATIVE)", style);
    for mechanism in Kernel::MECHANISMS {
        text += &describe(mechanism, style);
    }
    text
}

fn heading(text: &str, style: Style) -> String {
    style.paint(Tone::Strong, text) + "\n"
}

fn lines(row: &str, style: Style, indent: usize) -> String {
    wrap(row, style.width, indent).join("\n") + "\n"
}

/// A row of the table.
fn about(release: &Release, style: Style) -> String {
    let same = release.same_as().map_or(String::new(), |other| {
        format!("; the same kernel as {other}")
    });
    let row = format!(
        "  {:<9} {:<13} {} [{}{same}]",
        release.name, release.commit, release.summary, release.covers
    );
    lines(&row, style, 26)
}

/// Which row a version belongs to, how certain that is, and what it has.
fn explain(name: &str, resolved: &Resolved, style: Style) -> String {
    let release = resolved.release;
    let same = release.same_as().map_or(String::new(), |other| {
        format!(", the same kernel as {other}")
    });
    let row = format!(
        "{} is {release}{same}: {}",
        style.paint(Tone::Strong, name),
        release.summary
    );
    let mut text = lines(&row, style, 2);
    if let Some(note) = resolved.note {
        let word = if resolved.vouched {
            "Note"
        } else {
            "Uncertain"
        };
        text += &lines(&format!("{word}: {note}."), style, 2);
    }
    text += "\n";
    text += &heading("Commits", style);
    for commit in Commit::ALL {
        let has = if release.commits.contains(&commit.hash) {
            "yes"
        } else {
            "no"
        };
        let row = format!("  {has:<4} {:<13} {}", commit.hash, commit.summary);
        text += &lines(&row, style, 21);
    }
    text += "\n";
    text += &heading("Mechanisms", style);
    for (mechanism, alternative) in release.kernel.choices() {
        text += &lines(&format!("  {mechanism:<23} {alternative}"), style, 26);
    }
    text
}

fn describe(mechanism: &Mechanism, style: Style) -> String {
    let mut text = format!("  {}\n", style.paint(Tone::Strong, mechanism.name));
    text += &lines(&format!("    {}", mechanism.summary.trim()), style, 4);
    for alternative in mechanism.alternatives {
        let has = |release: &&Release| {
            release
                .kernel
                .choices()
                .any(|choice| choice == (mechanism.name, alternative.name))
        };
        let releases: Vec<&str> = Release::ALL
            .iter()
            .filter(|release| release.same_as().is_none())
            .filter(has)
            .map(|release| release.name)
            .collect();
        let releases = if releases.is_empty() {
            "no kernel".to_owned()
        } else {
            releases.join(", ")
        };
        // Where a release is the source, the list of releases says it already.
        let source = match Release::row(alternative.source) {
            Some(_) => String::new(),
            None => format!("{}; ", alternative.source),
        };
        let summary = alternative.summary.trim();
        let row = format!(
            "      {:<18} {summary} [{source}in {releases}]",
            alternative.name
        );
        text += &lines(&row, style, 25);
    }
    text
}
