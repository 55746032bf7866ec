//! `kernels`: what the kernels are, and what they differ in.

use std::process::ExitCode;

use clap::Args;
use stalewake::report::{Style, Tone, wrap};
use stalewake_model::mechanism::{Kernel, Mechanism};
use stalewake_model::release::Release;

use super::Coloured;
use super::output::{print, style};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct KernelsArgs {
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake kernels
  stalewake check writeback-reuse --kernel v5.9 --with end-ref=get-page
                                       a kernel with one mechanism changed";

/// Lists kernels and mechanisms.
pub(super) fn run(args: &KernelsArgs) -> miette::Result<ExitCode> {
    let style = style(args.coloured.color);
    let mut text = style.paint(Tone::Strong, "Kernels") + "\n";
    for release in Release::ALL {
        let row = format!(
            "  {:<9} {:<13} {}",
            release.name, release.commit, release.summary
        );
        for line in wrap(&row, style.width, 26) {
            text += &(line + "\n");
        }
    }
    text += &format!(
        "\n{}\n",
        style.paint(Tone::Strong, "Mechanisms (--with MECHANISM=ALTERNATIVE)")
    );
    for mechanism in Kernel::MECHANISMS {
        text += &describe(mechanism, style);
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn describe(mechanism: &Mechanism, style: Style) -> String {
    let mut text = format!("  {}\n", style.paint(Tone::Strong, mechanism.name));
    for line in wrap(&format!("    {}", mechanism.summary.trim()), style.width, 4) {
        text += &(line + "\n");
    }
    for alternative in mechanism.alternatives {
        let has = |release: &&Release| {
            release
                .kernel
                .choices()
                .any(|choice| choice == (mechanism.name, alternative.name))
        };
        let releases: Vec<&str> = Release::ALL
            .iter()
            .filter(has)
            .map(|release| release.name)
            .collect();
        let releases = if releases.is_empty() {
            "no kernel".to_owned()
        } else {
            releases.join(", ")
        };
        // Where a release is the source, the list of releases says it already.
        let source = match Release::resolve(alternative.source) {
            Ok(_) => String::new(),
            Err(_) => format!("{}; ", alternative.source),
        };
        let summary = alternative.summary.trim();
        let row = format!(
            "      {:<13} {summary} [{source}in {releases}]",
            alternative.name
        );
        for line in wrap(&row, style.width, 20) {
            text += &(line + "\n");
        }
    }
    text
}
