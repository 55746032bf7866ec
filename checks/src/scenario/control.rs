//! `[[control]]`: a change after which something must go wrong, so that what
//! holds without it is known to be looked at.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use stalewake_model::mechanism::{Kernel, UnknownMechanism};
use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

use super::error::{Problem, Result, ScenarioError, Span, shorten, suggest};
use super::expect::{kernels, kinds, reason};
use super::parameters::Declared;
use super::table::{Node, Table, Text, empty};
use super::threads::Thread;
use super::{Scenario, read};
use crate::cell::{Cell, KernelChoice, Parameters};

/// The most `[[control]]` tables in a file.
const MOST: usize = 16;
/// The most mechanisms that one changes.
const MOST_CHANGES: usize = 8;

/// A changed cell, and what must be reachable in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// The value of each parameter.
    pub parameters: Parameters,
    /// The kernel, with its changes.
    pub kernel: KernelChoice,
    /// Every kind that must be reachable; others may be.
    pub kinds: BTreeSet<Kind>,
    /// Why.
    pub because: String,
    /// The threads that do something else, and what.
    steps: Vec<(String, Vec<String>)>,
    /// The scenario with those steps.
    rewritten: Option<Arc<Scenario>>,
}

impl Control {
    /// What is explored, for a control of this scenario.
    pub fn cell(&self, scenario: &Arc<Scenario>) -> Cell {
        Cell {
            scenario: self.rewritten.as_ref().unwrap_or(scenario).clone(),
            parameters: self.parameters.clone(),
            kernel: self.kernel.clone(),
        }
    }

    /// What it is called, with the cell that it is about. What is changed is said
    /// behind that.
    pub fn named(&self, cell: &Cell) -> String {
        let mut cell = cell.clone();
        cell.kernel = cell.kernel.unchanged();
        format!("{cell} with {self}")
    }

    /// Whether only the kernel is changed, so that a command line can say it.
    pub fn keeps_steps(&self) -> bool {
        self.rewritten.is_none()
    }
}

/// `reference-drop=before-wake, B: put_page(P)`: what is changed.
impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mechanisms = self.kernel.changes();
        let mechanisms = mechanisms.map(|(mechanism, value)| format!("{mechanism}={value}"));
        let threads = self.steps.iter();
        let threads = threads.map(|(thread, steps)| format!("{thread}: {}", steps.join("; ")));
        let changes: Vec<String> = mechanisms.chain(threads).collect();
        f.write_str(&changes.join(", "))
    }
}

/// Reads `[[control]]` of a scenario that is in order without.
pub(super) fn controls(
    node: Option<Node<'_>>,
    scenario: &Scenario,
    declared: &Declared,
    threads: &[Thread<'_>],
) -> Result<Vec<Control>> {
    let Some(node) = node else {
        return Ok(Vec::new());
    };
    let mut controls = Vec::new();
    for node in node.tables("control", MOST)? {
        let keys = ["kernel", "when", "with", "steps", "kinds", "because"];
        let table = Table::new(node, "[[control]]", &keys)?;
        let place = table.span();
        let filter = declared.filter(table.optional("when"))?;
        let releases = table.required("kernel")?.string()?;
        let kinds = kinds(table.required("kinds")?)?;
        if kinds.is_empty() {
            let span = table.required("kinds")?.span();
            return Err(empty("what a control must reach", span));
        }
        let because = reason(table.required("because")?)?;
        let changes = match table.optional("with") {
            Some(node) => changes(node)?,
            None => Vec::new(),
        };
        let rewritten = match table.optional("steps") {
            Some(node) => Some(Rewritten::read(node, scenario, threads)?),
            None => None,
        };
        if changes.is_empty() && rewritten.is_none() {
            return Err(empty("a control", place).help(
                "say what it changes: mechanisms of the kernel (`with = { reference-drop = \
                 \"before-wake\" }`) or the steps of a thread (`steps = { B = [...] }`)",
            ));
        }
        let combinations = scenario.combinations().into_iter();
        for parameters in combinations.filter(|parameters| filter.matches(parameters)) {
            for release in kernels(&releases)? {
                require_unexpected(scenario, &parameters, release, &kinds, &releases)?;
                controls.push(Control {
                    parameters: parameters.clone(),
                    kernel: changed(release, &changes)?,
                    kinds: kinds.clone(),
                    because: because.clone(),
                    steps: rewritten.as_ref().map_or(Vec::new(), |r| r.steps.clone()),
                    rewritten: rewritten.as_ref().map(|r| r.scenario.clone()),
                });
            }
        }
    }
    Ok(controls)
}

/// What is reachable anyway shows nothing about the change.
fn require_unexpected(
    scenario: &Scenario,
    parameters: &Parameters,
    release: &Release,
    kinds: &BTreeSet<Kind>,
    place: &Text<'_>,
) -> Result<()> {
    let kernel = release.name;
    let Some(expected) = scenario.expected(parameters, release) else {
        let problem = Problem::ControlOfNothing {
            kernel: kernel.to_owned(),
        };
        return Err(ScenarioError::at(problem, place.span.clone(), "this kernel").help(
            "an [[expect]] says what happens without the change; without it nothing is known of \
             the difference",
        ));
    };
    match kinds.intersection(&expected.kinds).next() {
        None => Ok(()),
        Some(kind) => {
            let problem = Problem::ControlExpected {
                kind: kind.name().to_owned(),
                kernel: kernel.to_owned(),
            };
            Err(
                ScenarioError::at(problem, place.span.clone(), "this kernel").help(
                    "a control shows what the change alone brings about: name another kernel or \
                     another kind",
                ),
            )
        }
    }
}

/// A mechanism, its alternative, and where the file says so.
type Change<'a> = (Text<'a>, Text<'a>);

fn changes(node: Node<'_>) -> Result<Vec<Change<'_>>> {
    let entries = Table::open(node, "`with`")?.entries();
    if entries.len() > MOST_CHANGES {
        let problem = Problem::TooMany {
            what: "changes".to_owned(),
            found: entries.len(),
            most: MOST_CHANGES,
        };
        return Err(ScenarioError::at(problem, node.span(), "these"));
    }
    entries
        .into_iter()
        .map(|(mechanism, node)| Ok((mechanism, node.string()?)))
        .collect()
}

fn changed(release: &'static Release, changes: &[Change<'_>]) -> Result<KernelChoice> {
    let mut choice = KernelChoice::of(release);
    for (mechanism, alternative) in changes {
        let set = choice.kernel.set(mechanism.text, alternative.text);
        set.map_err(|unknown| match unknown {
            UnknownMechanism::Mechanism { name } => {
                let name = shorten(&name);
                let help = suggest(&name, Kernel::MECHANISMS.iter().map(|m| m.name));
                let problem = Problem::UnknownMechanism { name };
                ScenarioError::at(problem, mechanism.span.clone(), "this mechanism").help(help)
            }
            UnknownMechanism::Alternative { mechanism, name } => {
                let known = Kernel::mechanism(mechanism).map_or(&[][..], |m| m.alternatives);
                let name = shorten(&name);
                let help = suggest(&name, known.iter().map(|alternative| alternative.name));
                let mechanism = mechanism.to_owned();
                let problem = Problem::UnknownAlternative { mechanism, name };
                ScenarioError::at(problem, alternative.span.clone(), "this alternative").help(help)
            }
        })?;
    }
    let place = changes.first().map(|(mechanism, _)| mechanism.span.clone());
    let place = place.unwrap_or_default();
    if let Some(conflict) = choice.kernel.conflict() {
        let reason = conflict.to_string();
        let problem = Problem::NoSuchKernel { reason };
        return Err(ScenarioError::at(problem, place, "this change"));
    }
    if !changes.is_empty() && !choice.is_changed() {
        let problem = Problem::ChangesNothing {
            kernel: release.name.to_owned(),
        };
        return Err(ScenarioError::at(problem, place, "this change"));
    }
    Ok(choice)
}

/// The scenario with other steps.
struct Rewritten {
    steps: Vec<(String, Vec<String>)>,
    scenario: Arc<Scenario>,
}

impl Rewritten {
    /// Puts the lists of steps in the place of those of the threads, in the
    /// text: what is explored is again a file that can be read.
    fn read(node: Node<'_>, scenario: &Scenario, threads: &[Thread<'_>]) -> Result<Rewritten> {
        let mut steps = Vec::new();
        let mut places: Vec<(Span, Span)> = Vec::new();
        for (name, list) in Table::open(node, "`steps`")?.entries() {
            let Some(thread) = threads.iter().find(|thread| thread.name.text == name.text) else {
                let names = threads.iter().map(|thread| thread.name.text);
                let help = suggest(name.text, names);
                let problem = Problem::UnknownThread {
                    name: shorten(name.text),
                    when: String::new(),
                };
                return Err(ScenarioError::at(problem, name.span, "this thread").help(help));
            };
            let texts = list.array("steps", usize::MAX)?.into_iter();
            let texts = texts.map(|step| Ok(step.string()?.text.to_owned()));
            steps.push((name.text.to_owned(), texts.collect::<Result<_>>()?));
            places.push((thread.list.clone(), list.span()));
        }
        if steps.is_empty() {
            return Err(empty("`steps` of a control", node.span()));
        }
        places.sort_by_key(|(old, _)| std::cmp::Reverse(old.start));
        let mut text = scenario.text.clone();
        for (old, new) in places {
            text.replace_range(old, &scenario.text[new]);
        }
        let file = format!("{}, with the steps of a control", scenario.file);
        Ok(Rewritten {
            steps,
            scenario: Arc::new(read::parse_uncontrolled(&scenario.name, &file, &text)?),
        })
    }
}
