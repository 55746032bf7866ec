//! Steps as text: `Q = grab_cache_page(new, 1)`.

use std::ops::Range;

use super::PageSpec;
use super::error::{Problem, Result, ScenarioError, shorten, suggest};
use super::step::{BioRef, Definition, PageRef, STEPS, Step, step_reference};
use super::table::{is_identifier, out_of_range};

/// The highest index of a page in its inode.
pub(super) const HIGHEST_INDEX: u16 = 3;

/// What the names in the steps of one thread stand for.
pub(super) struct Scope<'a> {
    /// The scenario's pages.
    pub pages: &'a [PageSpec],
    /// The inodes named so far; a step may add to them.
    pub inodes: &'a mut Vec<String>,
    /// The variables that earlier steps have assigned.
    pub variables: Vec<String>,
    /// Every variable that a step of the thread assigns, now or later.
    pub assigned: Vec<String>,
    /// Inodes that a step puts a page into.
    pub filled: &'a mut Vec<String>,
    /// The threads that run.
    pub threads: &'a [&'a str],
    /// With which parameter values they do, as an error says it.
    pub when: &'a str,
}

/// Parses a step. The spans of an error are places in `text`.
pub(super) fn parse(text: &str, scope: &mut Scope<'_>) -> Result<Step> {
    let parts = Parts::of(text)?;
    let name = &text[parts.name.clone()];
    let definition = STEPS
        .iter()
        .find(|definition| definition.reference.name == name)
        .ok_or_else(|| {
            let problem = Problem::UnknownStep {
                name: shorten(name),
            };
            let help = suggest(name, step_reference().map(|step| step.name));
            ScenarioError::at(problem, parts.name.clone(), "this step").help(help)
        })?;
    let mut call = Call {
        text,
        definition,
        parts,
        next: 0,
        scope,
        variable: None,
    };
    match (definition.build)(&mut call).and_then(|step| call.finish().map(|()| step)) {
        Ok(step) => Ok(step),
        Err(error) => Err(error.explain(format!(
            "it is written `{}`",
            definition.reference.signature
        ))),
    }
}

/// The variable that a step assigns, as far as one can tell before parsing it.
pub(super) fn assigned_variable(text: &str) -> Option<&str> {
    let (variable, _) = text.split_once('=')?;
    let variable = variable.trim();
    is_identifier(variable).then_some(variable)
}

/// Where the parts of a step are in its text.
struct Parts {
    result: Option<Range<usize>>,
    name: Range<usize>,
    arguments: Vec<Range<usize>>,
    /// From the opening parenthesis to the closing one.
    parentheses: Range<usize>,
}

impl Parts {
    fn of(text: &str) -> Result<Parts> {
        let all = trim(text, 0..text.len());
        let open = text.find('(').ok_or_else(|| {
            let name = text.rsplit('=').next().unwrap_or(text).trim();
            let known = STEPS
                .iter()
                .find(|definition| definition.reference.name == name);
            let signature = known.map_or("lock_page(page)", |definition| {
                definition.reference.signature
            });
            not_a_step(text, all.clone()).help(format!("a step is written like `{signature}`"))
        })?;
        let close = all.end.saturating_sub(1);
        if close <= open || !text[all.clone()].ends_with(')') {
            return Err(not_a_step(text, all).help("a step ends with `)`"));
        }
        let inside = open + 1..close;
        if let Some(at) = text[inside.clone()].find(['(', ')']) {
            let at = inside.start + at;
            return Err(not_a_step(text, at..at + 1)
                .help("a step has one pair of parentheses, and is no argument"));
        }

        let mut parts = Parts {
            result: None,
            name: trim(text, 0..open),
            arguments: Vec::new(),
            parentheses: open..close + 1,
        };
        if let Some(equals) = text[..open].find('=') {
            parts.result = Some(trim(text, 0..equals));
            parts.name = trim(text, equals + 1..open);
        }
        if trim(text, inside.clone()).is_empty() {
            return Ok(parts);
        }
        let mut start = inside.start;
        for argument in text[inside].split(',') {
            let range = trim(text, start..start + argument.len());
            start += argument.len() + 1;
            if range.is_empty() {
                return Err(not_a_step(text, parts.parentheses)
                    .help("an argument is missing between the commas"));
            }
            parts.arguments.push(range);
        }
        Ok(parts)
    }
}

fn not_a_step(text: &str, range: Range<usize>) -> ScenarioError {
    ScenarioError::at(
        Problem::StepSyntax {
            found: shorten(text),
        },
        range,
        "here",
    )
}

/// The range without the white space at its ends.
fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

/// A step that is being built: its arguments are taken one after the other,
/// and all of them have to be.
pub(super) struct Call<'a, 's> {
    text: &'a str,
    definition: &'static Definition,
    parts: Parts,
    next: usize,
    scope: &'a mut Scope<'s>,
    /// The variable, once the step has asked for it.
    variable: Option<usize>,
}

impl<'a> Call<'a, '_> {
    fn step(&self) -> &'static str {
        self.definition.reference.name
    }

    /// The next argument, if there is one.
    fn optional(&mut self) -> Option<(&'a str, Range<usize>)> {
        let range = self.parts.arguments.get(self.next)?.clone();
        self.next += 1;
        Some((&self.text[range.clone()], range))
    }

    fn required(&mut self, expected: &'static str) -> Result<(&'a str, Range<usize>)> {
        self.optional().ok_or_else(|| {
            let problem = Problem::MissingArgument {
                step: self.step(),
                expected,
            };
            ScenarioError::at(
                problem,
                self.parts.parentheses.clone(),
                "an argument is missing here",
            )
        })
    }

    /// A page, or a variable that holds one.
    pub fn page(&mut self) -> Result<PageRef> {
        let (name, range) = self.required("a page")?;
        self.page_named(name, range)
    }

    fn page_named(&self, name: &str, range: Range<usize>) -> Result<PageRef> {
        if !is_identifier(name) {
            return Err(wrong("a page", name, range));
        }
        let scope = &*self.scope;
        if let Some(page) = scope.pages.iter().position(|page| page.name == name) {
            return Ok(PageRef::Page(page));
        }
        if let Some(variable) = scope.variables.iter().position(|variable| variable == name) {
            return Ok(PageRef::Variable(variable));
        }
        if scope.assigned.iter().any(|variable| variable == name) {
            let problem = Problem::Unassigned {
                name: name.to_owned(),
            };
            return Err(ScenarioError::at(problem, range, "nothing is in it yet"));
        }
        let choices = scope.pages.iter().map(|page| page.name.as_str());
        let help = suggest(
            name,
            choices.chain(scope.variables.iter().map(String::as_str)),
        );
        Err(ScenarioError::at(
            Problem::UnknownPage {
                name: name.to_owned(),
            },
            range,
            "this page",
        )
        .help(help))
    }

    /// `next bio`, or the bio of a page.
    pub fn bio(&mut self) -> Result<BioRef> {
        let (name, range) = self.required("a page or `next bio`")?;
        match name.split_whitespace().collect::<Vec<_>>()[..] {
            ["next", "bio"] => Ok(BioRef::Next),
            [_] => self.page_named(name, range).map(BioRef::Page),
            _ => Err(wrong("a page or `next bio`", name, range)),
        }
    }

    /// An inode; naming it is enough for it to exist.
    pub fn inode(&mut self) -> Result<usize> {
        let (name, range) = self.required("an inode")?;
        if !is_identifier(name) {
            return Err(wrong("an inode", name, range));
        }
        let variables = self.scope.variables.iter().chain(&self.scope.assigned);
        if self
            .scope
            .pages
            .iter()
            .map(|page| &page.name)
            .chain(variables)
            .any(|page| page == name)
        {
            return Err(ScenarioError::at(
                Problem::WrongArgument {
                    expected: "an inode",
                    found: name.to_owned(),
                },
                range,
                "this is a page",
            ));
        }
        let inodes = &mut *self.scope.inodes;
        Ok(inodes
            .iter()
            .position(|inode| inode == name)
            .unwrap_or_else(|| {
                inodes.push(name.to_owned());
                inodes.len() - 1
            }))
    }

    /// An inode that the step puts a page into.
    pub fn filled_inode(&mut self) -> Result<usize> {
        let inode = self.inode()?;
        self.scope.filled.push(self.scope.inodes[inode].clone());
        Ok(inode)
    }

    /// A thread that runs.
    pub fn thread(&mut self) -> Result<usize> {
        let (name, range) = self.required("a thread")?;
        let threads = self.scope.threads;
        let found = threads.iter().position(|thread| *thread == name);
        found.ok_or_else(|| {
            let problem = Problem::UnknownThread {
                name: shorten(name),
                when: self.scope.when.to_owned(),
            };
            let help = suggest(name, threads.iter().copied());
            ScenarioError::at(problem, range, "this thread").help(help)
        })
    }

    /// The index of a page in its inode, which may be left out.
    pub fn index(&mut self) -> Result<Option<u16>> {
        let Some((text, range)) = self.optional() else {
            return Ok(None);
        };
        if !text.chars().all(|c| c.is_ascii_digit()) {
            return Err(wrong("an index", text, range));
        }
        match text.parse() {
            Ok(index) if index <= HIGHEST_INDEX => Ok(Some(index)),
            _ => Err(out_of_range("an index", &(0..=HIGHEST_INDEX), range)),
        }
    }

    /// One of a few words, which may be left out.
    pub fn choice<T: Copy>(
        &mut self,
        expected: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>> {
        let Some((word, range)) = self.optional() else {
            return Ok(None);
        };
        match words.iter().find(|(choice, _)| *choice == word) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(wrong(expected, word, range)
                .help(suggest(word, words.iter().map(|(choice, _)| *choice)))),
        }
    }

    /// One of a few words.
    pub fn required_choice<T: Copy>(
        &mut self,
        expected: &'static str,
        words: &[(&str, T)],
    ) -> Result<T> {
        match self.choice(expected, words)? {
            Some(value) => Ok(value),
            None => Err(self
                .required(expected)
                .expect_err("`choice` found no argument left")),
        }
    }

    /// The variable that keeps what the step returns, which may be left out.
    pub fn optional_result(&mut self) -> Result<Option<usize>> {
        let Some(range) = self.parts.result.clone() else {
            return Ok(None);
        };
        let name = &self.text[range.clone()];
        if !is_identifier(name) {
            return Err(wrong("the name of a variable", name, range));
        }
        let scope = &mut *self.scope;
        let holder = if scope.pages.iter().any(|page| page.name == name) {
            Some("a page")
        } else if scope.inodes.iter().any(|inode| inode == name) {
            Some("an inode")
        } else if scope.variables.iter().any(|variable| variable == name) {
            Some("a variable")
        } else {
            None
        };
        if let Some(holder) = holder {
            let problem = Problem::NameTaken {
                name: name.to_owned(),
                holder,
            };
            return Err(
                ScenarioError::at(problem, range, "this variable").help("choose another name")
            );
        }
        scope.variables.push(name.to_owned());
        self.variable = Some(scope.variables.len() - 1);
        Ok(self.variable)
    }

    /// The variable that keeps what the step returns.
    pub fn result(&mut self) -> Result<usize> {
        self.optional_result()?.ok_or_else(|| {
            let problem = Problem::MissingResult { step: self.step() };
            ScenarioError::at(
                problem,
                self.parts.name.clone(),
                "assign this to a variable",
            )
        })
    }

    /// Nothing may be left over.
    fn finish(&mut self) -> Result<()> {
        if let Some((found, range)) = self.optional() {
            let problem = Problem::ExtraArgument {
                step: self.step(),
                found: shorten(found),
            };
            return Err(ScenarioError::at(problem, range, "one too many"));
        }
        match (&self.parts.result, self.variable) {
            (Some(result), None) => {
                let problem = Problem::NoResult { step: self.step() };
                Err(ScenarioError::at(
                    problem,
                    result.clone(),
                    "there is nothing to assign",
                ))
            }
            _ => Ok(()),
        }
    }
}

fn wrong(expected: &'static str, found: &str, range: Range<usize>) -> ScenarioError {
    ScenarioError::at(
        Problem::WrongArgument {
            expected,
            found: shorten(found),
        },
        range,
        "this argument",
    )
}
