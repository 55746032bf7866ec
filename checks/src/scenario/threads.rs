//! `[[thread]]`: who does what, for each combination of parameter values.

use super::call::{Scope, assigned_variable, parse};
use super::error::{Problem, Result, ScenarioError, Span, shorten, suggest};
use super::machine::{Machine, Pages};
use super::parameters::{Declared, Filter, Substituted, with};
use super::step::Step;
use super::table::{Node, Table, Text, empty, too_long};
use super::{MachineSpec, ThreadSpec, Variant};
use crate::cell::Parameters;

/// loom has room for five threads, and one is the root.
const MOST_THREADS: usize = 4;
/// The most threads in a file, of which `when` selects those that run.
const MOST_IN_FILE: usize = 32;
/// The most steps of a thread.
const MOST_STEPS: usize = 32;
/// The longest step, in bytes.
const LONGEST_STEP: usize = 200;
/// The most references that a thread can have from the start.
const MOST_HOLDS: usize = 8;

/// A thread as the file describes it.
pub(super) struct Thread<'a> {
    pub name: Text<'a>,
    /// Where its list of steps is.
    pub list: Span,
    span: Span,
    when: Filter,
    holds: Vec<usize>,
    steps: Vec<Text<'a>>,
}

/// Reads `[[thread]]`.
pub(super) fn threads<'a>(
    node: Node<'a>,
    declared: &Declared,
    pages: &Pages,
) -> Result<Vec<Thread<'a>>> {
    let mut threads: Vec<Thread<'a>> = Vec::new();
    for node in node.tables("thread", MOST_IN_FILE)? {
        let table = Table::new(node, "[[thread]]", &["name", "when", "holds", "steps"])?;
        let name = table.required("name")?.string()?;
        name.identifier("a thread")?;
        if let Some(first) = threads.iter().find(|thread| thread.name.text == name.text) {
            let problem = Problem::Duplicate {
                what: "thread".to_owned(),
                name: name.text.to_owned(),
            };
            return Err(ScenarioError::at(problem, name.span, "again here")
                .and(first.name.span.clone(), "first here"));
        }
        let holds = match table.optional("holds") {
            Some(node) => holds(node, pages)?,
            None => Vec::new(),
        };
        let list = table.required("steps")?;
        let steps: Vec<Text<'a>> = list
            .array("steps", MOST_STEPS)?
            .into_iter()
            .map(Node::string)
            .collect::<Result<_>>()?;
        if steps.is_empty() {
            return Err(empty("a thread's list of steps", list.span()));
        }
        if let Some(step) = steps.iter().find(|step| step.text.len() > LONGEST_STEP) {
            return Err(too_long("a step", LONGEST_STEP, step.span.clone()));
        }
        let when = declared.thread_filter(table.optional("when"))?;
        threads.push(Thread {
            name,
            list: list.span(),
            span: node.span(),
            when,
            holds,
            steps,
        });
    }
    Ok(threads)
}

fn holds(node: Node<'_>, pages: &Pages) -> Result<Vec<usize>> {
    let find = |node: Node<'_>| {
        let name = node.string()?;
        pages
            .pages
            .iter()
            .position(|page| page.name == name.text)
            .ok_or_else(|| {
                let help = suggest(name.text, pages.pages.iter().map(|page| page.name.as_str()));
                let problem = Problem::UnknownPage {
                    name: shorten(name.text),
                };
                ScenarioError::at(problem, name.span, "this page").help(help)
            })
    };
    node.array("held references", MOST_HOLDS)?
        .into_iter()
        .map(find)
        .collect()
}

/// What the variants of a scenario are made of.
pub(super) struct Cast<'a> {
    /// The whole file: a step's characters are looked up in it.
    pub file: &'a str,
    pub declared: &'a Declared,
    pub machine: &'a Machine,
    pub pages: &'a Pages,
    pub threads: &'a [Thread<'a>],
}

impl Cast<'_> {
    /// What is run for each combination of parameter values.
    pub fn variants(&self) -> Result<Vec<(Parameters, Variant)>> {
        let mut filled = self.pages.inodes.clone();
        let mut used: Vec<(String, Span)> = Vec::new();
        let mut variants = Vec::new();
        for parameters in self.declared.combinations() {
            let variant = self.variant(&parameters, &mut filled, &mut used)?;
            variants.push((parameters, variant));
        }
        // An inode that is empty in every variant is a misspelt one.
        match used.into_iter().find(|(inode, _)| !filled.contains(inode)) {
            None => Ok(variants),
            Some((name, span)) => {
                filled.sort();
                filled.dedup();
                let help = suggest(&name, filled.iter().map(String::as_str));
                Err(
                    ScenarioError::at(Problem::UnknownInode { name }, span, "this inode")
                        .help(help),
                )
            }
        }
    }

    fn variant(
        &self,
        parameters: &Parameters,
        filled: &mut Vec<String>,
        used: &mut Vec<(String, Span)>,
    ) -> Result<Variant> {
        let threads: Vec<&Thread<'_>> = self
            .threads
            .iter()
            .filter(|thread| thread.when.matches(parameters))
            .collect();
        if let Some(extra) = threads.get(MOST_THREADS) {
            let problem = Problem::TooManyThreads {
                found: threads.len(),
                most: MOST_THREADS,
                when: with(parameters),
            };
            return Err(ScenarioError::at(
                problem,
                extra.span.clone(),
                "the first one too many",
            ));
        }
        if threads.is_empty() {
            let span = self
                .threads
                .first()
                .map_or(0..0, |thread| thread.span.clone());
            let problem = Problem::NoThread {
                when: with(parameters),
            };
            return Err(ScenarioError::at(
                problem,
                span,
                "no `when` selects a thread",
            ));
        }
        let mut variant = Variant {
            machine: self.machine.of(parameters),
            inodes: self.pages.inodes.clone(),
            pages: self.pages.pages.clone(),
            threads: Vec::new(),
        };
        let names: Vec<&str> = threads.iter().map(|thread| thread.name.text).collect();
        for thread in threads {
            let inodes = &mut variant.inodes;
            let spec = self.thread(thread, parameters, &names, inodes, filled, used)?;
            variant.threads.push(spec);
        }
        Ok(variant)
    }

    fn thread(
        &self,
        thread: &Thread<'_>,
        parameters: &Parameters,
        running: &[&str],
        inodes: &mut Vec<String>,
        filled: &mut Vec<String>,
        used: &mut Vec<(String, Span)>,
    ) -> Result<ThreadSpec> {
        let texts: Vec<Substituted> = thread
            .steps
            .iter()
            .map(|step| {
                let substituted = self.declared.substitute(step, parameters);
                substituted.map_err(|error| error.moved(|range| self.place(step, range)))
            })
            .collect::<Result<_>>()?;
        let assigned: Vec<String> = texts
            .iter()
            .filter_map(|text| assigned_variable(&text.text))
            .map(str::to_owned)
            .collect();
        let mut scope = Scope {
            pages: &self.pages.pages,
            inodes,
            variables: Vec::new(),
            assigned,
            filled,
            threads: running,
            when: &with(parameters),
        };
        let mut steps = Vec::new();
        for (written, substituted) in thread.steps.iter().zip(&texts) {
            let place = |range: Span| self.place(written, substituted.before(range));
            let step = parse(&substituted.text, &mut scope).and_then(|step| {
                self.check_huge_page(step, substituted.text.len())?;
                Ok(step)
            });
            let step = step.map_err(|error| {
                let error = error.moved(place);
                match written.text == substituted.text {
                    true => error,
                    false => error.explain(format!(
                        "{} it reads `{}`",
                        with(parameters).trim(),
                        substituted.text
                    )),
                }
            })?;
            if let Step::Truncate { inode, .. }
            | Step::WriteCachePages { inode, .. }
            | Step::MpagePrepareExtentToMap(inode)
            | Step::ShrinkPageList(inode)
            | Step::MigratePages(inode) = step
            {
                let name = &scope.inodes[inode];
                let open = substituted.text.find('(').unwrap_or(0);
                let at = open + substituted.text[open..].find(name.as_str()).unwrap_or(0);
                used.push((name.clone(), place(at..at + name.len())));
            }
            steps.push(step);
        }
        Ok(ThreadSpec {
            name: thread.name.text.to_owned(),
            holds: thread.holds.clone(),
            steps,
            variables: scope.variables,
            texts: texts.into_iter().map(|text| text.text).collect(),
        })
    }

    /// A huge page needs that many frames in a row: an allocation that can
    /// never succeed is a mistake in the file.
    fn check_huge_page(&self, step: Step, length: usize) -> Result<()> {
        let MachineSpec {
            huge_order: order,
            frames,
            ..
        } = self.machine.fixed;
        match step {
            Step::ShmemAllocHugepage { .. } if 1 << order > frames => Err(ScenarioError::at(
                Problem::HugePageTooBig { order, frames },
                0..length,
                "this allocation",
            )
            .help(format!(
                "give [machine] `frames = {}` or a lower `huge_order`",
                1 << order
            ))),
            _ => Ok(()),
        }
    }

    /// Where a part of a string is in the file: all of the string when it is
    /// written with escapes.
    fn place(&self, text: &Text<'_>, part: Span) -> Span {
        let Some(raw) = self.file.get(text.span.clone()) else {
            return text.span.clone();
        };
        let quotes = (raw.len() - text.text.len().min(raw.len())) / 2;
        match raw.get(quotes..quotes + text.text.len()) {
            Some(inside) if inside == text.text => {
                let start = text.span.start + quotes;
                start + part.start..start + part.end
            }
            _ => text.span.clone(),
        }
    }
}
