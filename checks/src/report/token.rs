//! A witness as a short text, for a log or a report of a bug.
//!
//! ```text
//! writeback-reuse/truncate=wait/v5.9@2:sc.2.58q34b.01.debhma.gy7ke0.1c7v
//! ```
//!
//! Before the `@` stands the cell, as everywhere, with the mechanisms that were
//! changed in its kernel. After it stand the version of the format, how memory
//! behaves, the number of preemptions, the schedule up to what it shows, how
//! the execution runs out after that, and then three sums. A schedule is a
//! list of runs, one digit or more for each: which thread, how many steps.
//!
//! Where memory is weak, a schedule does not say what was read. There the
//! token has the options of the search in place of `sc`, such as `c11-2c` for
//! at most two preemptions and with companions, and the number of the execution
//! in place of the schedule: the search is run again up to it.
//!
//! The sums are there so that a token never shows anything else than it did
//! when it was made. The last one is over the token itself, against slips. The
//! first is over the scenario and the kernel. The second is over the execution
//! as it was recorded: every step with what it was done to, what was there
//! before and after, every barrier and every violation. So a change of the
//! model is noticed where it matters to this execution, whatever has changed
//! and whether or not anybody thought of it, and where it does not matter the
//! token remains good. Of the functions around a step only the names would be
//! lost, so these may change.

mod runs;
mod sum;
#[cfg(test)]
mod tests;

use std::fmt::{self, Write};
use std::sync::Arc;

use miette::Diagnostic;
use stalewake_model::release::Release;
use stalewake_model::sync::ThreadId;
use stalewake_model::violation::Kind;

use self::runs::{decode, encode};
pub(super) use self::sum::cell_sum;
pub(crate) use self::sum::line_sum;
use self::sum::{check_sum, execution_sum};
use crate::cell::{Cell, KernelChoice, Parameters};
use crate::explore::{Event, Recording, ReplayError, replay, replay_weak};
use crate::printable;
use crate::scenario::Scenario;
use crate::verdict::{Search, Witness};

/// The version of the format.
const VERSION: u32 = 2;

/// The longest part of a token that an error quotes, in characters.
const LONGEST_QUOTE: usize = 200;

/// How memory behaves, and what else decides what an execution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Sequentially consistent: a schedule says it all.
    Sc,
    /// The number of an execution in this search.
    C11 { bound: Option<u8>, companions: bool },
}

impl Mode {
    fn of(search: Search) -> Mode {
        match search {
            Search::Weak { bound, companions } => Mode::C11 { bound, companions },
            Search::Reduced | Search::Plain | Search::Bounded(_) => Mode::Sc,
        }
    }

    fn parse(text: &str) -> Option<Mode> {
        if text == "sc" {
            return Some(Mode::Sc);
        }
        let options = text.strip_prefix("c11-")?;
        let bound = options.strip_suffix('c').unwrap_or(options);
        Some(Mode::C11 {
            bound: (!bound.is_empty())
                .then(|| bound.parse())
                .transpose()
                .ok()?,
            companions: options.ends_with('c'),
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Sc => f.write_str("sc"),
            Mode::C11 { bound, companions } => {
                let bound = bound.map_or(String::new(), |bound| bound.to_string());
                write!(f, "c11-{bound}{}", if *companions { "c" } else { "" })
            }
        }
    }
}

/// Why a token is not replayed.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum TokenError {
    /// It is no token at all.
    #[error("this is not a replay token: {missing}")]
    #[diagnostic(help(
        "`stalewake explain` and `stalewake check --format json` print tokens; copy all of it"
    ))]
    Malformed {
        /// What is not there.
        missing: &'static str,
    },
    /// It is of another format.
    #[error("the token is of format {found}, and this program reads format {VERSION}")]
    #[diagnostic(help(
        "replay it with the version of stalewake that made it, or get a new one from `stalewake explain`"
    ))]
    Format {
        /// The format it is of.
        found: u32,
    },
    /// It is not as it was printed.
    #[error("the token is damaged: the sum at its end does not fit")]
    #[diagnostic(help("copy all of it once more"))]
    Damaged,
    /// It is about memory that this program does not have.
    #[error("the token is of memory mode `{found}`, and this program knows only `sc` and `c11`")]
    Mode {
        /// The mode it is of.
        found: String,
    },
    /// There is no such cell.
    #[error("the token names a cell that does not exist: {why}")]
    #[diagnostic(help("`stalewake list` and `stalewake kernels` show what does"))]
    NoCell {
        /// What is wrong with it.
        why: String,
    },
    /// Something in the cell has changed.
    #[error("scenario or kernel of {cell} are not what they were when the token was made")]
    #[diagnostic(help(
        "if the scenario was a file of your own, name its directory with --scenarios; if not, get a new token from `stalewake explain`"
    ))]
    OtherCell {
        /// The cell.
        cell: String,
    },
    /// Something in the model has changed so that there is no such schedule.
    #[error("the model is not what it was when the token was made")]
    #[diagnostic(help("get a new token from `stalewake explain`"))]
    CannotFollow(#[source] ReplayError),
    /// Something in the model has changed.
    #[error(
        "the model is not what it was when the token was made: the same schedule does something else"
    )]
    #[diagnostic(help("get a new token from `stalewake explain`"))]
    OtherExecution,
    /// The execution is as it was, and nothing happens in it.
    #[error("nothing goes wrong in the execution of the token")]
    Harmless,
}

/// The token of a witness, as text.
pub fn token(cell: &Cell, search: Search, witness: &Witness) -> String {
    Token::new(cell, search, witness).to_string()
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    scenario: String,
    parameters: Parameters,
    /// The name of the kernel, as typed.
    kernel: String,
    /// The mechanisms that were changed, and to what.
    changes: Vec<(String, String)>,
    mode: Mode,
    witness: Witness,
    /// Who takes the steps that come after what the witness shows.
    rest: Vec<ThreadId>,
    cell_sum: String,
    execution_sum: String,
}

/// What a token shows.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What goes wrong where the witness ends; the worst if there are several.
    pub kind: Kind,
    /// The witness.
    pub witness: Witness,
    /// The whole execution.
    pub recording: Recording,
}

impl Token {
    /// The token of a witness that was found by such a search. The witness is
    /// run again for it; a token is made even if that is not possible, and its
    /// own replay will say why.
    pub fn new(cell: &Cell, search: Search, witness: &Witness) -> Token {
        let recording = record(cell, search, witness).unwrap_or_default();
        let mode = Mode::of(search);
        let rest = match mode {
            Mode::Sc => steps(&recording).skip(witness.schedule.len()).collect(),
            Mode::C11 { .. } => Vec::new(),
        };
        Token {
            scenario: cell.scenario.name.clone(),
            parameters: cell.parameters.clone(),
            kernel: cell.kernel.typed.clone(),
            changes: cell
                .kernel
                .changes()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            mode,
            witness: witness.clone(),
            rest,
            cell_sum: cell_sum(cell),
            execution_sum: execution_sum(&recording),
        }
    }

    /// Reads a token.
    ///
    /// # Errors
    /// When the text is not one, in every detail as this version writes it.
    pub fn parse(text: &str) -> Result<Token, TokenError> {
        let malformed = |missing| TokenError::Malformed { missing };
        let (name, rest) = text
            .rsplit_once('@')
            .ok_or(malformed("there is no `@` after the cell's name"))?;
        let (version, rest) = rest
            .split_once(':')
            .ok_or(malformed("there is no `:` after the version of the format"))?;
        match version.parse() {
            Ok(VERSION) => {}
            Ok(found) => return Err(TokenError::Format { found }),
            Err(_) => return Err(malformed("there is no version of the format")),
        }
        let (summed, check) = text
            .rsplit_once('.')
            .ok_or(malformed("there is no sum at its end"))?;
        if check != check_sum(summed) {
            return Err(TokenError::Damaged);
        }
        let fields: Vec<&str> = rest.split('.').collect();
        let &[mode, preemptions, shown, rest, cell_sum, execution_sum, _] = fields.as_slice()
        else {
            return Err(malformed("there are not seven parts after the `:`"));
        };
        let Some(mode) = Mode::parse(mode) else {
            let found = printable(mode, LONGEST_QUOTE);
            return Err(TokenError::Mode { found });
        };
        let (scenario, parameters, kernel, changes) =
            parse_name(name).ok_or(malformed("what stands before the `@` is no cell"))?;
        let schedule = |text| decode(text).ok_or(malformed("what should be a schedule is none"));
        let number = |text: &str| text.parse().map_err(|_| malformed("there is no number"));
        let (schedule, execution, rest) = match mode {
            Mode::Sc => (schedule(shown)?, None, schedule(rest)?),
            Mode::C11 { .. } => (Vec::new(), Some(number(shown)?), Vec::new()),
        };
        let token = Token {
            scenario,
            parameters,
            kernel,
            changes,
            mode,
            witness: Witness {
                schedule,
                execution,
                preemptions: preemptions
                    .parse()
                    .map_err(|_| malformed("there is no number of preemptions"))?,
            },
            rest,
            cell_sum: cell_sum.to_owned(),
            execution_sum: execution_sum.to_owned(),
        };
        // Whatever can be written in two ways is accepted in one.
        if token.to_string() == text {
            Ok(token)
        } else {
            Err(malformed("it is not written as this program writes it"))
        }
    }

    /// The name of the scenario.
    pub fn scenario(&self) -> &str {
        &self.scenario
    }

    /// The schedule up to what it shows.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// The cell, given the scenario of that name.
    ///
    /// # Errors
    /// When the scenario has no such parameters, or there is no such kernel,
    /// or either is not what it was.
    pub fn cell(&self, scenario: &Arc<Scenario>) -> Result<Cell, TokenError> {
        let no_cell = |why: String| TokenError::NoCell {
            why: printable(&why, LONGEST_QUOTE),
        };
        if !scenario.combinations().contains(&self.parameters) {
            let name = &scenario.name;
            return Err(no_cell(format!(
                "scenario `{name}` has no such combination of parameters"
            )));
        }
        let release =
            Release::resolve(&self.kernel).map_err(|unknown| no_cell(unknown.to_string()))?;
        let mut kernel = release.kernel;
        for (mechanism, alternative) in &self.changes {
            kernel
                .set(mechanism, alternative)
                .map_err(|unknown| no_cell(unknown.to_string()))?;
        }
        let cell = Cell {
            scenario: scenario.clone(),
            parameters: self.parameters.clone(),
            kernel: KernelChoice {
                typed: self.kernel.clone(),
                release,
                kernel,
            },
        };
        if cell_sum(&cell) == self.cell_sum {
            Ok(cell)
        } else {
            Err(TokenError::OtherCell {
                cell: cell.to_string(),
            })
        }
    }

    /// How many executions its [replay](Token::replay) takes: where memory is
    /// weak, all those before its own are run first.
    pub fn executions(&self) -> u64 {
        self.witness.execution.unwrap_or(1)
    }

    /// Runs the execution of the token again, in its cell.
    ///
    /// # Errors
    /// When the cell has no such execution any more, or another one, or one in
    /// which nothing goes wrong.
    pub fn replay(&self, cell: &Cell) -> Result<Replayed, TokenError> {
        let whole = Witness {
            schedule: [self.witness.schedule.as_slice(), &self.rest].concat(),
            ..self.witness
        };
        let search = match self.mode {
            Mode::Sc => Search::Reduced,
            Mode::C11 { bound, companions } => Search::Weak { bound, companions },
        };
        let recording = record(cell, search, &whole).map_err(TokenError::CannotFollow)?;
        if execution_sum(&recording) != self.execution_sum {
            return Err(TokenError::OtherExecution);
        }
        let at = match self.mode {
            Mode::Sc => Some(self.witness.schedule.len()),
            Mode::C11 { .. } => None,
        };
        let kind = shown(&recording, at).ok_or(TokenError::Harmless)?;
        Ok(Replayed {
            kind,
            witness: self.witness.clone(),
            recording,
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.scenario.clone();
        for (name, value) in &self.parameters {
            write!(text, "/{name}={value}")?;
        }
        write!(text, "/{}", self.kernel)?;
        for (name, value) in &self.changes {
            write!(text, "+{name}={value}")?;
        }
        let Witness {
            schedule,
            preemptions,
            execution,
        } = &self.witness;
        let shown = execution.map_or_else(|| encode(schedule), |number| number.to_string());
        let (mode, rest) = (self.mode, encode(&self.rest));
        let (cell, execution) = (&self.cell_sum, &self.execution_sum);
        write!(
            text,
            "@{VERSION}:{mode}.{preemptions}.{shown}.{rest}.{cell}.{execution}"
        )?;
        write!(f, "{text}.{}", check_sum(&text))
    }
}

/// The parts of a cell's name: scenario, parameters, kernel and changes to it.
type Name = (String, Parameters, String, Vec<(String, String)>);

fn parse_name(name: &str) -> Option<Name> {
    let choice = |text: &str| {
        let (name, value) = text.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let (scenario, rest) = name.split_once('/')?;
    let (parameters, kernel) = rest.rsplit_once('/').unwrap_or(("", rest));
    let parameters = parameters.split('/').filter(|part| !part.is_empty());
    let mut kernel = kernel.split('+');
    let typed = kernel.next()?;
    Some((
        scenario.to_owned(),
        parameters.map(choice).collect::<Option<_>>()?,
        typed.to_owned(),
        kernel.map(choice).collect::<Option<_>>()?,
    ))
}

/// Runs a witness again that was found by such a search.
///
/// # Errors
/// When the cell has no such execution.
pub fn record(cell: &Cell, search: Search, witness: &Witness) -> Result<Recording, ReplayError> {
    match (search, witness.execution) {
        (Search::Weak { bound, companions }, Some(number)) => {
            replay_weak(cell, bound, companions, number)
        }
        _ => replay(cell, &witness.schedule),
    }
}

/// Who takes each step.
fn steps(recording: &Recording) -> impl Iterator<Item = ThreadId> {
    recording.events.iter().filter_map(|event| match event {
        Event::Step { thread, .. } => Some(*thread),
        _ => None,
    })
}

/// The worst that is reported after so many steps, and before the next, or at
/// any time.
fn shown(recording: &Recording, steps: Option<usize>) -> Option<Kind> {
    let mut taken = 0;
    let mut worst: Option<Kind> = None;
    for event in &recording.events {
        match event {
            Event::Step { .. } => taken += 1,
            Event::Violation(violation) if steps.is_none_or(|steps| taken == steps) => {
                let kinds = worst.into_iter().chain([violation.kind]);
                worst = kinds.min_by_key(|kind| (kind.class(), *kind));
            }
            Event::Barrier { .. } | Event::Violation(_) => {}
        }
    }
    worst
}
