//! Typed access to TOML values that know their place in the file.
//!
//! Not serde: its errors name a type and lose the place of the key, and it
//! cannot say which page a misspelt name was meant to be.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::error::{Problem, Result, ScenarioError, Span, shorten, suggest};
use crate::printable::is_obeyed;

/// The longest name of anything, in bytes.
pub(super) const LONGEST_NAME: usize = 64;

/// A key or a string, and its place.
#[derive(Clone, Debug)]
pub(super) struct Text<'a> {
    pub text: &'a str,
    pub span: Span,
}

impl Text<'_> {
    /// This text as a name: a letter or `_`, then letters, digits and `_`.
    pub fn identifier(&self, what: &str) -> Result<String> {
        match is_identifier(self.text) {
            true => Ok(self.text.to_owned()),
            false => Err(self.bad_name(what, "letters, digits and `_`, no digit first")),
        }
    }

    /// This text as the value of a parameter: it becomes part of the names of
    /// cells, so it has no separator of theirs.
    pub fn parameter_value(&self) -> Result<String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        match !self.text.is_empty()
            && self.text.len() <= LONGEST_NAME
            && self.text.chars().all(fits)
        {
            true => Ok(self.text.to_owned()),
            false => Err(self.bad_name("a parameter's value", "letters, digits, `_` and `-`")),
        }
    }

    fn bad_name(&self, what: &str, allowed: &str) -> ScenarioError {
        let problem = Problem::BadIdentifier {
            what: what.to_owned(),
            name: shorten(self.text),
        };
        ScenarioError::at(problem, self.span.clone(), "this name").help(format!(
            "a name is made of {allowed}, at most {LONGEST_NAME} of them"
        ))
    }
}

/// Whether the text is a letter or `_`, followed by letters, digits and `_`.
pub(super) fn is_identifier(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A value, and its place.
#[derive(Clone, Copy)]
pub(super) struct Node<'a>(&'a Spanned<DeValue<'a>>);

impl<'a> Node<'a> {
    /// Where it is.
    pub fn span(self) -> Span {
        self.0.span()
    }

    fn wrong_type(self, expected: &'static str) -> ScenarioError {
        let found = match self.0.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        ScenarioError::at(
            Problem::WrongType { expected, found },
            self.span(),
            format!("this is {found}"),
        )
    }

    /// A string.
    pub fn string(self) -> Result<Text<'a>> {
        match self.0.get_ref() {
            DeValue::String(text) => Ok(Text {
                text,
                span: self.span(),
            }),
            _ => Err(self.wrong_type("a string")),
        }
    }

    /// A string with something in it, of at most so many bytes: it is copied
    /// into every cell and every report, so it has nothing in it that a
    /// terminal would obey.
    pub fn prose(self, what: &str, most: usize) -> Result<String> {
        let text = self.string()?;
        if text.text.trim().is_empty() {
            return Err(empty(what, text.span));
        }
        if text.text.len() > most {
            return Err(too_long(what, most, text.span));
        }
        let prose = text.text.replace("\r\n", "\n").replace('\t', " ");
        if prose.chars().any(|c| is_obeyed(c) && c != '\n') {
            let what = what.to_owned();
            let problem = Problem::ControlCharacter { what };
            let error = ScenarioError::at(problem, text.span, "in this text");
            return Err(error.help("it is printed as it is; leave them out"));
        }
        Ok(prose)
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Result<bool> {
        self.0
            .get_ref()
            .as_bool()
            .ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A number of that range.
    pub fn number(self, what: &str, range: RangeInclusive<u16>) -> Result<u16> {
        let DeValue::Integer(number) = self.0.get_ref() else {
            return Err(self.wrong_type("a number"));
        };
        u16::from_str_radix(number.as_str(), number.radix())
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| out_of_range(what, &range, self.span()))
    }

    /// An array of at most so many values.
    pub fn array(self, what: &str, most: usize) -> Result<Vec<Node<'a>>> {
        match self.0.get_ref() {
            DeValue::Array(array) => self.limited(array, what, most),
            _ => Err(self.wrong_type("an array")),
        }
    }

    /// An array of strings, none of them twice.
    pub fn distinct_strings(self, what: &str, most: usize) -> Result<Vec<Text<'a>>> {
        let mut texts: Vec<Text<'a>> = Vec::new();
        for node in self.array(what, most)? {
            let text = node.string()?;
            if let Some(first) = texts.iter().find(|first| first.text == text.text) {
                let problem = Problem::Duplicate {
                    what: what.to_owned(),
                    name: shorten(text.text),
                };
                return Err(ScenarioError::at(problem, text.span, "again here")
                    .and(first.span.clone(), "first here"));
            }
            texts.push(text);
        }
        Ok(texts)
    }

    /// The tables of `[[name]]`.
    pub fn tables(self, name: &str, most: usize) -> Result<Vec<Node<'a>>> {
        match self.0.get_ref() {
            DeValue::Array(array) => self.limited(array, &format!("[[{name}]]"), most),
            _ => Err(self.wrong_type("an array of tables").help(format!(
                "each one begins with a line `[[{name}]]`, in two pairs of brackets"
            ))),
        }
    }

    fn limited(self, array: &'a DeArray<'a>, what: &str, most: usize) -> Result<Vec<Node<'a>>> {
        if let Some(extra) = array.get(most) {
            let problem = Problem::TooMany {
                what: what.to_owned(),
                found: array.len(),
                most,
            };
            return Err(ScenarioError::at(
                problem,
                extra.span(),
                "the first one too many",
            ));
        }
        Ok(array.iter().map(Node).collect())
    }
}

/// A table all of whose keys are known to be expected.
pub(super) struct Table<'a> {
    table: &'a DeTable<'a>,
    span: Span,
    name: String,
}

impl<'a> Table<'a> {
    /// The whole file.
    pub fn root(table: &'a DeTable<'a>, keys: &[&'static str]) -> Result<Table<'a>> {
        Table {
            table,
            span: 0..0,
            name: "the file".to_owned(),
        }
        .only(keys)
    }

    /// A table with these keys and no others.
    pub fn new(node: Node<'a>, name: &str, keys: &[&'static str]) -> Result<Table<'a>> {
        Table::open(node, name)?.only(keys)
    }

    /// A table whose keys are names of the file's own.
    pub fn open(node: Node<'a>, name: &str) -> Result<Table<'a>> {
        match node.0.get_ref() {
            DeValue::Table(table) => Ok(Table {
                table,
                span: node.span(),
                name: name.to_owned(),
            }),
            _ => Err(node.wrong_type("a table")),
        }
    }

    fn only(self, keys: &[&'static str]) -> Result<Table<'a>> {
        match self
            .entries()
            .into_iter()
            .find(|(key, _)| !keys.contains(&key.text))
        {
            None => Ok(self),
            Some((key, _)) => {
                let problem = Problem::UnknownKey {
                    key: shorten(key.text),
                    table: self.name,
                };
                let help = suggest(key.text, keys.iter().copied());
                Err(ScenarioError::at(problem, key.span, "this key").help(help))
            }
        }
    }

    /// Where it is: its header, or its braces.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// The value of a key that may be missing.
    pub fn optional(&self, key: &str) -> Option<Node<'a>> {
        self.table.get(key).map(Node)
    }

    /// The value of a key that must be there.
    pub fn required(&self, key: &'static str) -> Result<Node<'a>> {
        self.optional(key).ok_or_else(|| {
            let problem = Problem::MissingKey {
                key,
                table: self.name.clone(),
            };
            ScenarioError::at(problem, self.span(), format!("no `{key}` here"))
        })
    }

    /// Every key with its value, in the order of the file.
    pub fn entries(&self) -> Vec<(Text<'a>, Node<'a>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| {
                (
                    Text {
                        text: key.get_ref(),
                        span: key.span(),
                    },
                    Node(value),
                )
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }
}

/// Nothing is where something must be.
pub(super) fn empty(what: &str, span: Span) -> ScenarioError {
    ScenarioError::at(
        Problem::EmptyValue {
            what: what.to_owned(),
        },
        span,
        "nothing here",
    )
}

/// A text is longer than anyone would write it.
pub(super) fn too_long(what: &str, most: usize, span: Span) -> ScenarioError {
    ScenarioError::at(
        Problem::TooLong {
            what: what.to_owned(),
            most,
        },
        span,
        "this text",
    )
}

/// A number is too small or too large.
pub(super) fn out_of_range(what: &str, range: &RangeInclusive<u16>, span: Span) -> ScenarioError {
    let (least, most) = (*range.start(), *range.end());
    ScenarioError::at(
        Problem::OutOfRange {
            what: what.to_owned(),
            least,
            most,
        },
        span,
        "this number",
    )
}
