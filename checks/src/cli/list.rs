//! `list`: what there is to check.

use std::process::ExitCode;

use clap::Args;
use stalewake::report::json::{ScenarioLine, line};
use stalewake::report::{Tone, counted, wrap};

use super::check::BAD_FILE;
use super::output::{print, style};
use super::select::Catalogue;
use super::{Coloured, Format, From};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArgs {
    /// What the list looks like.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    pub(super) coloured: Coloured,
}

const EXAMPLES: &str = "\
Examples:
  stalewake list                            the shipped scenarios
  stalewake list --scenarios ./scenarios    those of a directory
  stalewake list --format json | jq .scenario";

/// Lists the scenarios.
pub(super) fn run(args: &ListArgs) -> miette::Result<ExitCode> {
    let mut catalogue = Catalogue::read(args.from.directory.as_deref())?;
    let style = style(args.coloured.color);
    let mut text = String::new();
    for scenario in &catalogue.scenarios {
        if args.format == Format::Json {
            text += &(line(&ScenarioLine::new(scenario)) + "\n");
            continue;
        }
        let kernels: Vec<&str> = scenario
            .kernels()
            .iter()
            .map(|release| release.name)
            .collect();
        let cells = scenario.combinations().len() * kernels.len();
        text += &(style.paint(Tone::Strong, &scenario.name) + "\n");
        let mut facts = vec![format!("{} ({})", scenario.title, scenario.source)];
        for parameter in &scenario.parameters {
            facts.push(format!(
                "{} = {}",
                parameter.name,
                parameter.values.join(" | ")
            ));
        }
        facts.push(format!(
            "{} on {}",
            counted(cells as u64, "cell"),
            kernels.join(", ")
        ));
        for fact in facts {
            for line in wrap(&format!("  {fact}"), style.width, 4) {
                text += &(line + "\n");
            }
        }
    }
    print(&text)?;
    Ok(if catalogue.complain() {
        ExitCode::from(BAD_FILE)
    } else {
        ExitCode::SUCCESS
    })
}
