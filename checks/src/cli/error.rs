//! What can be wrong with a question.

use miette::Diagnostic;
use stalewake::printable;
use stalewake::report::wrap;

use super::Choice;

/// How wide a list of names may be, beside what is printed in front of it.
pub(super) const HELP_WIDTH: usize = 70;

/// The longest name that is quoted, in characters: a token may be made by others.
pub(super) const LONGEST_NAME: usize = 200;

/// Names that are at least so similar are suggested.
const SIMILAR: f64 = 0.7;

/// A name that means nothing.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("there is no {what} `{name}`{place}")]
pub(super) struct Unknown {
    what: &'static str,
    name: String,
    place: String,
    #[help]
    help: String,
}

impl Unknown {
    /// `name` is no `what`; these are.
    pub(super) fn new<'a>(
        what: &'static str,
        name: &str,
        existing: impl IntoIterator<Item = &'a str>,
    ) -> Unknown {
        Unknown::within(what, name, String::new(), existing)
    }

    /// `name` is no `what` in a certain place, such as ` of scenario x`.
    pub(super) fn within<'a>(
        what: &'static str,
        name: &str,
        place: String,
        existing: impl IntoIterator<Item = &'a str>,
    ) -> Unknown {
        let existing: Vec<&str> = existing.into_iter().collect();
        let similar = existing
            .iter()
            .map(|candidate| {
                (
                    strsim::jaro_winkler(&name.to_lowercase(), candidate),
                    *candidate,
                )
            })
            .filter(|(similarity, _)| *similarity >= SIMILAR)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let list = if existing.is_empty() {
            "there is none".to_owned()
        } else {
            existing.join(", ")
        };
        let existing = wrap(&format!("existing: {list}"), HELP_WIDTH, 2).join("\n");
        let help = match similar {
            Some((_, candidate)) => format!("did you mean `{candidate}`?\n{existing}"),
            None => existing,
        };
        Unknown {
            what,
            name: printable(name, LONGEST_NAME),
            place,
            help,
        }
    }

    /// The name is part of an argument, which may have been meant otherwise.
    pub(super) fn typed_as(mut self, argument: &str, hint: Option<String>) -> Unknown {
        self.name = printable(argument, LONGEST_NAME);
        if let Some(hint) = hint {
            self.help = format!("{hint}\n{}", self.help);
        }
        self
    }
}

/// A question that makes no sense.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(super) enum BadQuestion {
    /// No cell is left.
    #[error("nothing to run: no cell is left")]
    #[diagnostic(help("`stalewake list` shows the scenarios, their parameters and their kernels"))]
    Nothing,
    /// A scenario is asked for that says of no kernel what to expect.
    #[error("scenario `{scenario}` names no kernel")]
    #[diagnostic(help("add an [[expect]] to it, or choose some with --kernel"))]
    NoKernel {
        /// The scenario.
        scenario: String,
    },
    /// Two files have one name, by which their cells go.
    #[error("{one} and {other} are both called `{name}`, and so are their cells")]
    #[diagnostic(help("ask for them one after the other, or give one another name"))]
    SameName {
        /// The name.
        name: String,
        /// A file.
        one: String,
        /// And another.
        other: String,
    },
    /// A directory is named that has none.
    #[error("there is no scenario file in `{directory}`")]
    #[diagnostic(help("their names end with `.toml`; `stalewake new` writes one to begin with"))]
    NoFiles {
        /// As typed.
        directory: String,
    },
    /// A cell's name has a kernel in it, and another was asked for.
    #[error("`{cell}` names a kernel already")]
    #[diagnostic(help("leave out --kernel, or the last part of the name"))]
    TwoKernels {
        /// The name as typed.
        cell: String,
    },
    /// A scenario's name has a kernel in it, where there is one for all.
    #[error("`{scenario}` is asked for on {kernel}, but one kernel is varied for all scenarios")]
    #[diagnostic(help("leave out the last part of the name; --from says which kernel is varied"))]
    KernelBeside {
        /// The kernel in it.
        kernel: &'static str,
        /// The scenario.
        scenario: String,
    },
    /// An execution of weak memory is no schedule.
    #[error("an execution of weak memory cannot be followed on another kernel")]
    #[diagnostic(help(
        "what a thread reads there is no matter of schedules; leave out --memory c11"
    ))]
    WeakSchedule,
    /// Parts of a search of weak memory make no whole.
    #[error("--shard splits a search that can be exhaustive, and --memory c11 never is")]
    #[diagnostic(help("leave out one of them; give each machine other scenarios instead"))]
    WeakShard,
    /// Part of a cell's name is a value without its parameter.
    #[error("`{}` is no kernel, but a value of `{}`", .0.value, .0.name)]
    #[diagnostic(help("write `{}={}`", .0.name, .0.value))]
    ValueAlone(Choice),
}
