//! What can be wrong with a scenario file, and how it is shown.
//!
//! Every problem has a code, a sentence, the place in the file it is about and,
//! where there is one, a way out. A file is judged up to its first problem: what
//! follows a misspelt name is usually its consequence.

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::excerpt::{self, Excerpt};
use crate::printable;
use crate::printable::is_obeyed;

/// Bytes of a file, from where to before where.
pub(super) type Span = Range<usize>;

/// What the functions of this module return.
pub(super) type Result<T> = std::result::Result<T, ScenarioError>;

macro_rules! problems {
    ($($variant:ident $({ $($field:ident: $type:ty),* })? = $code:literal, $message:literal;)*) => {
        /// What is wrong.
        #[derive(Debug, thiserror::Error)]
        pub(super) enum Problem {
            $(#[error($message)] $variant $({ $($field: $type),* })?,)*
        }

        impl Problem {
            fn code(&self) -> &'static str {
                match self {
                    $(Problem::$variant { .. } => concat!("stalewake::scenario::", $code),)*
                }
            }
        }
    };
}

problems! {
    NotFound { path: String } = "not_found", "there is no file `{path}`";
    NoDirectory { path: String } = "no_directory", "there is no directory `{path}`";
    Directory { path: String } = "directory", "`{path}` is a directory, not a scenario file";
    Unreadable { path: String, source: io::Error } = "unreadable", "cannot read `{path}`";
    BadName { name: String } = "bad_name", "`{name}` is no name for a scenario";
    TooLarge { limit: u64 } = "too_large", "the file is larger than {limit} bytes";
    NotUtf8 { byte: usize } = "not_utf8", "the file is not UTF-8: byte {byte} starts no character";
    Empty = "empty", "the file is empty";
    Syntax { message: String } = "syntax", "not valid TOML: {message}";
    UnknownKey { key: String, table: String } = "unknown_key", "{table} has no key `{key}`";
    MissingKey { key: &'static str, table: String } = "missing_key", "{table} needs the key `{key}`";
    WrongType { expected: &'static str, found: &'static str } = "wrong_type", "expected {expected}, found {found}";
    EmptyValue { what: String } = "empty_value", "{what} must not be empty";
    OutOfRange { what: String, least: u16, most: u16 } = "out_of_range", "{what} must be a number from {least} to {most}";
    BadIdentifier { what: String, name: String } = "bad_identifier", "`{name}` cannot be the name of {what}";
    Duplicate { what: String, name: String } = "duplicate", "{what} `{name}` is there twice";
    TooMany { what: String, found: usize, most: usize } = "too_many", "{found} {what} are too many, {most} is the most";
    ControlCharacter { what: String } = "control_character", "{what} has control characters in it";
    TooLong { what: String, most: usize } = "too_long", "{what} is longer than {most} bytes";
    UnknownFlag { name: String } = "unknown_flag", "there is no page flag `{name}`";
    LockedAtStart = "locked_at_start", "a page cannot be locked at the start: no thread would own the lock";
    UnknownDevice { name: String } = "unknown_device", "there is no device `{name}`";
    UnknownKernel { name: String } = "unknown_kernel", "there is no kernel `{name}`";
    UnknownKind { name: String } = "unknown_kind", "there is no kind of violation `{name}`";
    UnknownPage { name: String } = "unknown_page", "there is no page `{name}`";
    UnknownInode { name: String } = "unknown_inode", "no page is ever put into inode `{name}`";
    UnknownThread { name: String, when: String } = "unknown_thread", "no thread `{name}` runs{when}";
    UnknownParameter { name: String } = "unknown_parameter", "there is no parameter `{name}`";
    UnknownValue { parameter: String, name: String } = "unknown_value", "parameter `{parameter}` has no value `{name}`";
    UnusedParameter { name: String } = "unused_parameter", "nothing depends on parameter `{name}`";
    TooManyCombinations { most: usize } = "too_many_combinations", "the parameters have more than {most} combinations";
    NoSuchFrame { frame: usize, frames: u16 } = "no_such_frame", "there is no page frame {frame}: the machine has {frames}";
    FrameTaken { frame: usize } = "frame_taken", "page frame {frame} holds two pages";
    IndexTaken { inode: String, index: u16 } = "index_taken", "inode `{inode}` has two pages at index {index}";
    HugePageTooBig { order: u16, frames: u16 } = "huge_page_too_big", "a huge page of order {order} never fits into {frames} page frames";
    StepSyntax { found: String } = "step_syntax", "`{found}` is not a step";
    UnknownStep { name: String } = "unknown_step", "there is no step `{name}`";
    MissingArgument { step: &'static str, expected: &'static str } = "missing_argument", "`{step}` needs {expected}";
    ExtraArgument { step: &'static str, found: String } = "extra_argument", "`{step}` takes no argument `{found}` here";
    WrongArgument { expected: &'static str, found: String } = "wrong_argument", "expected {expected}, found `{found}`";
    MissingResult { step: &'static str } = "missing_result", "nothing keeps the page that `{step}` returns";
    NoResult { step: &'static str } = "no_result", "`{step}` returns no page";
    NameTaken { name: String, holder: &'static str } = "name_taken", "`{name}` is already the name of {holder}";
    Unassigned { name: String } = "unassigned_variable", "variable `{name}` is used before it is assigned";
    NoThread { when: String } = "no_thread", "no thread runs{when}";
    TooManyThreads { found: usize, most: usize, when: String } = "too_many_threads", "{found} threads run{when}, but loom has room for {most} beside the root";
    UnknownMechanism { name: String } = "unknown_mechanism", "there is no mechanism `{name}`";
    UnknownAlternative { mechanism: String, name: String } = "unknown_alternative", "mechanism `{mechanism}` has no alternative `{name}`";
    NoSuchKernel { reason: String } = "no_such_kernel", "this kernel makes no sense: {reason}";
    ChangesNothing { kernel: String } = "changes_nothing", "{kernel} is so already: the control changes nothing";
    ControlOfNothing { kernel: String } = "control_of_nothing", "nothing is expected of {kernel} without the change";
    ControlExpected { kind: String, kernel: String } = "control_expected", "{kind} is expected of {kernel} without the change, too";
    CoveredTwice { cell: String } = "covered_twice", "cell {cell} is expected twice";
    NotCovered { cell: String } = "not_covered", "nothing is expected of cell {cell}";
}

/// The longest help that is given, in characters: it may list everything there is.
const LONGEST_HELP: usize = 4_000;

/// Why a scenario file cannot be used, with the place in the file: a
/// [`Diagnostic`] that `miette` prints with the line and a caret.
pub struct ScenarioError(Box<Inner>);

struct Inner {
    problem: Problem,
    file: Option<Excerpt>,
    /// The line of the primary label, counted from 1.
    line: Option<usize>,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
}

impl ScenarioError {
    /// A problem with the file as a whole.
    pub(super) fn new(problem: Problem) -> ScenarioError {
        ScenarioError(Box::new(Inner {
            problem,
            file: None,
            line: None,
            labels: Vec::new(),
            help: None,
        }))
    }

    /// A problem at a place; what the label says is printed under the caret.
    pub(super) fn at(problem: Problem, span: Span, label: impl Into<String>) -> ScenarioError {
        let mut error = ScenarioError::new(problem);
        error
            .0
            .labels
            .push(LabeledSpan::new_primary_with_span(Some(label.into()), span));
        error
    }

    /// Another place that has to do with it.
    pub(super) fn and(mut self, span: Span, label: impl Into<String>) -> ScenarioError {
        self.0
            .labels
            .push(LabeledSpan::new_with_span(Some(label.into()), span));
        self
    }

    /// A way out. It may quote the file, as it is or with values put in, so
    /// what a terminal would obey is taken out here, for all of them.
    pub(super) fn help(mut self, help: impl Into<String>) -> ScenarioError {
        let help: String = help.into();
        self.0.help = Some(printable(&help, LONGEST_HELP));
        self
    }

    /// Another sentence of help, before what is there.
    pub(super) fn explain(self, sentence: String) -> ScenarioError {
        let help = match &self.0.help {
            Some(help) => format!("{sentence}; {help}"),
            None => sentence,
        };
        self.help(help)
    }

    /// The same problem where `place` puts its spans: a step knows its own
    /// text only, its thread knows the file.
    pub(super) fn moved(mut self, place: impl Fn(Span) -> Span) -> ScenarioError {
        for label in &mut self.0.labels {
            let span = place(label.offset()..label.offset() + label.len());
            let text = label.label().map(str::to_owned);
            *label = match label.primary() {
                true => LabeledSpan::new_primary_with_span(text, span),
                false => LabeledSpan::new_with_span(text, span),
            };
        }
        self
    }

    /// The problem in its file. Control characters are not passed on to the
    /// terminal, and no label reaches past the end of the text.
    pub(super) fn in_file(mut self, file: &str, text: &str) -> ScenarioError {
        // A control's steps are in a file of their own.
        if self.0.file.is_some() {
            return self;
        }
        // A return alone moves the cursor, and before a newline it is a space.
        let visible = |c: char| !is_obeyed(c) || matches!(c, '\n' | '\t');
        let text: String = match text.chars().all(visible) {
            true => text.to_owned(),
            // One character for each byte, so that the spans stay what they are.
            false => text
                .chars()
                .flat_map(|c| match (visible(c), c) {
                    (true, _) => std::iter::repeat_n(c, 1),
                    (false, '\r') => std::iter::repeat_n(' ', 1),
                    (false, _) => std::iter::repeat_n('?', c.len_utf8()),
                })
                .collect(),
        };
        // Nothing is drawn at the end of the file, so the last character stands
        // for it.
        let end = text.trim_end().len();
        let last = text[..end]
            .char_indices()
            .next_back()
            .map_or(0, |(at, _)| at);
        self = self.moved(|span| match span.start < end {
            true => span.start..span.end.clamp(span.start, end),
            false => last..end,
        });
        self = self.moved(|span| excerpt::shown(&text, span));
        let labels = self.0.labels.iter();
        let places = labels.map(|label| label.offset()..label.offset() + label.len());
        self.0.file = Some(Excerpt::new(file, &text, places));
        let primary = self.0.labels.iter().find(|label| label.primary());
        self.0.line = primary.map(|label| 1 + text[..label.offset()].matches('\n').count());
        self
    }

    /// The file it is in; nothing when no file could be read.
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_ref().map(Excerpt::file)
    }

    /// The file that it is about, also if that could not be read.
    pub fn about(&self) -> Option<&str> {
        match &self.0.problem {
            Problem::NotFound { path }
            | Problem::NoDirectory { path }
            | Problem::Directory { path }
            | Problem::Unreadable { path, .. } => Some(path),
            _ => self.file(),
        }
    }

    /// The line of the primary label, counted from 1.
    pub fn line(&self) -> Option<usize> {
        self.0.line
    }
}

impl fmt::Display for ScenarioError {
    /// Without a place in the file to point at, the message names the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file() {
            Some(file) if self.0.labels.is_empty() => write!(f, "{file}: {}", self.0.problem),
            _ => self.0.problem.fmt(f),
        }
    }
}

/// The problem, and where it is: an `expect` in a test shows all one needs.
impl fmt::Debug for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScenarioError")
            .field("problem", &self.0.problem)
            .field("file", &self.file())
            .field("line", &self.line())
            .finish()
    }
}

impl Error for ScenarioError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.problem.source()
    }
}

impl Diagnostic for ScenarioError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.0.problem.code()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0
            .help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.file.as_ref().map(|file| file as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.0.labels.iter().cloned()))
    }
}

/// A name as it is quoted in messages: a hostile one does not fill the screen.
pub(crate) fn shorten(name: &str) -> String {
    printable(name, 40)
}

/// Help for a name that is not among the choices: the nearest one if there is
/// a near one, and all of them.
pub(super) fn suggest<'a>(name: &str, choices: impl IntoIterator<Item = &'a str>) -> String {
    /// Below this likeness a suggestion confuses more than it helps.
    const NEAR: f64 = 0.5;
    let choices: Vec<&str> = choices.into_iter().collect();
    let name: String = name.chars().take(64).flat_map(char::to_lowercase).collect();
    let nearest = choices
        .iter()
        .map(|choice| {
            (
                strsim::normalized_damerau_levenshtein(&name, &choice.to_lowercase()),
                choice,
            )
        })
        .filter(|(likeness, _)| *likeness > NEAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    match (nearest, choices.is_empty()) {
        (Some((_, nearest)), _) => format!("did you mean `{nearest}`?"),
        (None, true) => "there are none".to_owned(),
        (None, false) => format!("there are: {}", choices.join(", ")),
    }
}
