//! `[[expect]]`: what each kernel does, and the rule that every cell is
//! covered exactly once.

use std::collections::BTreeSet;

use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

use super::Expectation;
use super::error::{Problem, Result, ScenarioError, Span, shorten, suggest};
use super::parameters::{Declared, Filter};
use super::table::{Node, Table, Text, empty, too_long};
use crate::cell::Parameters;
use crate::verdict::Expected;

/// The most `[[expect]]` tables in a file.
const MOST: usize = 128;
/// The longest list of kernels in a key, in bytes.
const LONGEST_KEY: usize = 200;
/// The longest reason, in bytes.
const LONGEST_REASON: usize = 2000;

/// A kernel in an `[[expect]]` table.
struct Entry {
    when: usize,
    release: &'static Release,
    span: Span,
    expected: Expected,
}

/// Reads `[[expect]]`, and checks that every combination of parameters is
/// covered once for every kernel that the file names.
pub(super) fn expectations(
    node: Option<Node<'_>>,
    declared: &Declared,
) -> Result<Vec<Expectation>> {
    let Some(node) = node else {
        return Ok(Vec::new());
    };
    let mut filters = Vec::new();
    let mut entries = Vec::new();
    for node in node.tables("expect", MOST)? {
        let table = Table::open(node, "[[expect]]")?;
        let when = filters.len();
        filters.push(declared.filter(table.optional("when"))?);
        let before = entries.len();
        for (key, node) in table.entries() {
            if key.text == "when" {
                continue;
            }
            let kernels = kernels(&key)?;
            let expected = expected(node, &key)?;
            entries.extend(kernels.into_iter().map(|release| Entry {
                when,
                release,
                span: key.span.clone(),
                expected: expected.clone(),
            }));
        }
        if entries.len() == before {
            return Err(empty("an [[expect]]", table.span())
                .help("list at least one kernel: `\"v5.8\" = { kinds = [], because = \"...\" }`"));
        }
    }
    cover(&declared.combinations(), &filters, &entries)
}

/// The kernels that a key lists.
pub(super) fn kernels(key: &Text<'_>) -> Result<Vec<&'static Release>> {
    if key.text.len() > LONGEST_KEY {
        return Err(too_long("a list of kernels", LONGEST_KEY, key.span.clone()));
    }
    let find = |name: &str| {
        Release::resolve(name).map_err(|_| {
            let problem = Problem::UnknownKernel {
                name: shorten(name),
            };
            let help = match name.contains('.') {
                true => suggest(name, Release::ALL.iter().map(|release| release.name)),
                false => "the name of a kernel has dots in it, so write it in quotes: \"v5.8\""
                    .to_owned(),
            };
            ScenarioError::at(problem, key.span.clone(), "this kernel").help(help)
        })
    };
    key.text.split(',').map(|name| find(name.trim())).collect()
}

/// Reads `{ kinds = [...], because = "..." }`.
fn expected(node: Node<'_>, key: &Text<'_>) -> Result<Expected> {
    let table = Table::new(node, &format!("\"{}\"", key.text), &["kinds", "because"])?;
    Ok(Expected {
        kinds: kinds(table.required("kinds")?)?,
        because: reason(table.required("because")?)?,
    })
}

/// Reads a list of kinds.
pub(super) fn kinds(node: Node<'_>) -> Result<BTreeSet<Kind>> {
    let mut kinds = BTreeSet::new();
    for name in node.distinct_strings("kind", Kind::ALL.len())? {
        let kind = Kind::from_name(name.text).ok_or_else(|| {
            let problem = Problem::UnknownKind {
                name: shorten(name.text),
            };
            let help = suggest(name.text, Kind::ALL.iter().map(|kind| kind.name()));
            ScenarioError::at(problem, name.span.clone(), "this kind").help(help)
        })?;
        kinds.insert(kind);
    }
    Ok(kinds)
}

/// Reads why something is expected.
pub(super) fn reason(node: Node<'_>) -> Result<String> {
    let because = node.prose("the reason of an expectation", LONGEST_REASON)?;
    // It is wrapped where it is shown; how the file breaks it does not matter.
    Ok(because.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn cover(
    combinations: &[Parameters],
    filters: &[Filter],
    entries: &[Entry],
) -> Result<Vec<Expectation>> {
    let mut expectations = Vec::new();
    for release in Release::ALL {
        let of_release: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.release.name == release.name)
            .collect();
        let Some(named) = of_release.first() else {
            continue;
        };
        for parameters in combinations {
            let covering: Vec<&&Entry> = of_release
                .iter()
                .filter(|entry| filters[entry.when].matches(parameters))
                .collect();
            match covering[..] {
                [entry] => expectations.push(Expectation {
                    parameters: parameters.clone(),
                    release,
                    expected: entry.expected.clone(),
                    place: entry.span.start,
                }),
                [] => {
                    let cell = cell(parameters, release);
                    return Err(ScenarioError::at(
                        Problem::NotCovered { cell },
                        named.span.clone(),
                        "this kernel is expected of other cells only",
                    )
                    .help("every kernel that the file names needs an expectation for every combination of parameters"));
                }
                [first, second, ..] => {
                    let problem = Problem::CoveredTwice {
                        cell: cell(parameters, release),
                    };
                    let error = ScenarioError::at(problem, second.span.clone(), "again here");
                    return Err(match first.span == second.span {
                        true => error.help(format!("two of these names are {}", release.name)),
                        false => error.and(first.span.clone(), "first here"),
                    });
                }
            }
        }
    }
    Ok(expectations)
}

/// What messages call a cell, after the form that tests and filters use.
fn cell(parameters: &Parameters, release: &Release) -> String {
    let mut cell: String = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}/"))
        .collect();
    cell.push_str(release.name);
    format!("`{cell}`")
}
