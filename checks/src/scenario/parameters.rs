//! `[parameters]`, the `when` that selects by them, and `$name`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use super::Parameter;
use super::error::{Problem, Result, ScenarioError, Span, shorten, suggest};
use super::table::{LONGEST_NAME, Node, Table, Text, empty};
use crate::cell::Parameters;

/// The most combinations of parameter values in a file: each is a cell per kernel.
const MOST_COMBINATIONS: usize = 64;

/// The parameters that a file declares, and which of them it has used so far.
pub(super) struct Declared {
    pub parameters: Vec<Parameter>,
    spans: Vec<Span>,
    used: RefCell<BTreeSet<String>>,
}

impl Declared {
    /// Reads `[parameters]`.
    pub fn read(node: Option<Node<'_>>) -> Result<Declared> {
        let mut declared = Declared {
            parameters: Vec::new(),
            spans: Vec::new(),
            used: RefCell::default(),
        };
        let Some(node) = node else {
            return Ok(declared);
        };
        let mut combinations = 1;
        for (key, node) in Table::open(node, "[parameters]")?.entries() {
            let name = key.identifier("a parameter")?;
            let texts = node.distinct_strings("value", MOST_COMBINATIONS)?;
            if texts.is_empty() {
                return Err(empty("a parameter's list of values", node.span()));
            }
            combinations *= texts.len();
            // A parameter of one value adds no combination, but work to each.
            if combinations > MOST_COMBINATIONS || declared.parameters.len() == MOST_COMBINATIONS {
                let problem = Problem::TooManyCombinations {
                    most: MOST_COMBINATIONS,
                };
                return Err(ScenarioError::at(problem, key.span, "with this parameter"));
            }
            let values = texts
                .iter()
                .map(Text::parameter_value)
                .collect::<Result<_>>()?;
            declared.parameters.push(Parameter { name, values });
            declared.spans.push(key.span);
        }
        Ok(declared)
    }

    /// Every combination of values, the last parameter changing fastest.
    pub fn combinations(&self) -> Vec<Parameters> {
        self.parameters
            .iter()
            .fold(vec![Parameters::new()], |combinations, parameter| {
                let with = |value: &String, combination: &Parameters| {
                    let mut combination = combination.clone();
                    combination.insert(parameter.name.clone(), value.clone());
                    combination
                };
                combinations
                    .iter()
                    .flat_map(|combination| {
                        parameter
                            .values
                            .iter()
                            .map(move |value| with(value, combination))
                    })
                    .collect()
            })
    }

    /// The parameter of that name.
    fn find(&self, name: &str, span: Span) -> Result<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
            .ok_or_else(|| {
                let help = suggest(
                    name,
                    self.parameters
                        .iter()
                        .map(|parameter| parameter.name.as_str()),
                );
                ScenarioError::at(
                    Problem::UnknownParameter {
                        name: shorten(name),
                    },
                    span,
                    "this parameter",
                )
                .help(help)
            })
    }

    /// The parameter of that name, which decides something here.
    pub fn used(&self, name: &str, span: Span) -> Result<&Parameter> {
        let parameter = self.find(name, span)?;
        self.mark_used(name);
        Ok(parameter)
    }

    fn mark_used(&self, name: &str) {
        self.used.borrow_mut().insert(name.to_owned());
    }

    /// A parameter that changes nothing doubles the work for the same answer.
    pub fn check_used(&self) -> Result<()> {
        let used = self.used.borrow();
        match self
            .parameters
            .iter()
            .position(|parameter| !used.contains(&parameter.name))
        {
            None => Ok(()),
            Some(unused) => {
                let name = self.parameters[unused].name.clone();
                let help = format!(
                    "write `${name}` in a step or in [machine], or select a thread by `when`"
                );
                let problem = Problem::UnusedParameter { name };
                Err(
                    ScenarioError::at(problem, self.spans[unused].clone(), "this parameter")
                        .help(help),
                )
            }
        }
    }

    /// Reads the `when` of a thread, which makes a difference to what is run.
    pub fn thread_filter(&self, node: Option<Node<'_>>) -> Result<Filter> {
        let filter = self.filter(node)?;
        filter.0.iter().for_each(|(name, _)| self.mark_used(name));
        Ok(filter)
    }

    /// Reads a `when`; without one everything is selected.
    pub fn filter(&self, node: Option<Node<'_>>) -> Result<Filter> {
        let mut filter = Filter(Vec::new());
        let Some(node) = node else { return Ok(filter) };
        for (key, node) in Table::open(node, "`when`")?.entries() {
            let parameter = self.find(key.text, key.span)?;
            let values = match node.string() {
                Ok(value) => vec![value],
                Err(_) => node.distinct_strings("value", MOST_COMBINATIONS)?,
            };
            if values.is_empty() {
                return Err(empty("a list of values in `when`", node.span()));
            }
            if let Some(value) = values
                .iter()
                .find(|value| parameter.values.iter().all(|v| v != value.text))
            {
                let problem = Problem::UnknownValue {
                    parameter: parameter.name.clone(),
                    name: shorten(value.text),
                };
                let help = suggest(value.text, parameter.values.iter().map(String::as_str));
                return Err(ScenarioError::at(problem, value.span.clone(), "this value").help(help));
            }
            let values = values.iter().map(|value| value.text.to_owned()).collect();
            filter.0.push((parameter.name.clone(), values));
        }
        Ok(filter)
    }

    /// A text with the values in place of `$name`.
    pub fn substitute(&self, text: &Text<'_>, values: &Parameters) -> Result<Substituted> {
        let mut result = Substituted {
            text: String::new(),
            pieces: Vec::new(),
        };
        let mut rest = 0;
        while let Some(at) = text.text[rest..].find('$') {
            let dollar = rest + at;
            let after = &text.text[dollar + 1..];
            let length = after
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
                .count();
            let end = dollar + 1 + length.min(LONGEST_NAME);
            let parameter = self.used(&text.text[dollar + 1..end], dollar..end)?;
            result.push(&text.text[rest..dollar], rest..dollar, true);
            result.push(&values[&parameter.name], dollar..end, false);
            rest = end;
        }
        result.push(&text.text[rest..], rest..text.text.len(), true);
        Ok(result)
    }
}

/// Which combinations of parameter values are meant: for each parameter that
/// matters, the values that it may have.
pub(super) struct Filter(Vec<(String, Vec<String>)>);

impl Filter {
    /// Whether this combination is meant.
    pub fn matches(&self, parameters: &Parameters) -> bool {
        self.0
            .iter()
            .all(|(name, values)| values.contains(&parameters[name]))
    }
}

/// ` with a=x, b=y`, or nothing when there are no parameters: for messages.
pub(super) fn with(parameters: &Parameters) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match pairs.is_empty() {
        true => String::new(),
        false => format!(" with {}", pairs.join(", ")),
    }
}

/// A text with values in place of parameters, which remembers where each part
/// of it was before.
pub(super) struct Substituted {
    pub text: String,
    /// Where a piece is now, where it was, and whether it is the same text.
    pieces: Vec<(Range<usize>, Range<usize>, bool)>,
}

impl Substituted {
    fn push(&mut self, piece: &str, before: Range<usize>, same: bool) {
        let start = self.text.len();
        self.text.push_str(piece);
        self.pieces.push((start..self.text.len(), before, same));
    }

    /// Where this range of the text was before: all of `$name` where it
    /// touches a value.
    pub fn before(&self, range: Range<usize>) -> Range<usize> {
        let piece_at = |at: usize| {
            let mut pieces = self.pieces.iter();
            pieces
                .find(|(now, ..)| now.contains(&at))
                .or(self.pieces.last())
        };
        let Some((now, before, same)) = piece_at(range.start) else {
            return range;
        };
        let start = before.start + if *same { range.start - now.start } else { 0 };
        let Some((now, before, same)) = piece_at(range.end.saturating_sub(1)) else {
            return range;
        };
        let end = if *same {
            before.start + range.end.saturating_sub(now.start)
        } else {
            before.end
        };
        start..end.max(start)
    }
}
