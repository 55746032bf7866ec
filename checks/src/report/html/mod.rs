//! Everything that was found, as one page that needs no network.
//!
//! The page is a table of all cells, made here, and the data of each, from
//! which a small script shows the one that is asked for. Whatever comes from a
//! scenario file is escaped: in the table by the template, in the data by
//! `embedded`, in pictures by their own writer; the script makes text of it,
//! never markup.

mod data;

use std::time::Duration;

use askama::Template;

use self::data::Data;
use super::explain;
use super::summary::{differences, figures};
use super::table::{kernels, word};
use super::{Checked, Style, Tone};
use crate::explore::Recording;

/// A cell, and an execution for each kind that it can reach.
pub struct Shown {
    /// What was found, and the command that explains it.
    pub checked: Checked,
    /// The witnesses, in the order of the verdict's reachable kinds.
    pub recordings: Vec<Recording>,
}

/// The page, as its template takes it.
#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    style: &'static str,
    picture_style: &'static str,
    script: &'static str,
    summary: String,
    kernels: Vec<String>,
    rows: Vec<Row>,
    data: String,
    /// A picture of its own.
    lattice: Option<&'a str>,
}

/// A row of the table: a scenario and the values of its parameters.
struct Row {
    name: String,
    parameters: String,
    title: String,
    /// One for each kernel; none where it was not asked for.
    cells: Vec<Option<Entry>>,
}

/// A cell of the table.
struct Entry {
    id: String,
    word: &'static str,
    class: &'static str,
    kinds: String,
    differs: bool,
}

/// The page of all cells that were checked, with a picture of the [combinations
/// of changes](crate::report::whatif::svg) if there is one.
pub fn page(shown: &[Shown], elapsed: Duration, lattice: Option<&str>) -> String {
    let checked: Vec<Checked> = shown.iter().map(|one| one.checked.clone()).collect();
    let style = Style {
        width: 100,
        ..Style::PLAIN
    };
    let kernels = kernels(&checked);
    let data = Data::of(shown);
    let page = Page {
        style: include_str!("page.css"),
        picture_style: explain::STYLE,
        script: include_str!("page.js"),
        summary: figures(&checked, elapsed, style) + "\n" + &differences(&checked, style),
        rows: rows(&checked, &data, &kernels),
        kernels,
        data: embedded(&data),
        lattice,
    };
    page.render()
        .expect("a template that only writes into a string does not fail")
}

fn rows(checked: &[Checked], data: &Data, kernels: &[String]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut last = None;
    for (one, id) in checked.iter().zip(data.ids()) {
        let cell = &one.verdict.cell;
        let of = (std::sync::Arc::as_ptr(&cell.scenario), &cell.parameters);
        if last != Some(of) {
            last = Some(of);
            let parameters = cell.parameters.iter();
            rows.push(Row {
                name: cell.scenario.name.clone(),
                parameters: parameters
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<Vec<_>>()
                    .join(" "),
                title: cell.scenario.title.clone(),
                cells: kernels.iter().map(|_| None).collect(),
            });
        }
        let (tone, word) = word(&one.verdict);
        let kinds: Vec<&str> = one.verdict.kinds().iter().map(|kind| kind.name()).collect();
        let entry = Entry {
            id: id.to_owned(),
            word,
            class: match tone {
                Tone::Bad => "bad",
                Tone::Doubtful => "doubtful",
                Tone::Good => "good",
                Tone::Faint | Tone::Strong | Tone::Plain => "open",
            },
            kinds: kinds.join(", "),
            differs: one.differs(),
        };
        let row = rows.last_mut().expect("one was added");
        let place = kernels.iter().position(|k| *k == cell.kernel.to_string());
        if let Some(place) = place {
            row.cells[place] = Some(entry);
        }
    }
    rows
}

/// Data as a script element may have it: no `<` can end that, or begin another.
fn embedded(data: &impl serde::Serialize) -> String {
    serde_json::to_string(data)
        .expect("every field is text, a number or a list of these")
        .replace('<', "\\u003c")
}
