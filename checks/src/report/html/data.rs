//! What the page's script shows of each cell.
//!
//! Many cells have the same executions, and executions the same texts, so
//! both are there once and are named by their places.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Shown;
use crate::explore::Recording;
use crate::report::Style;
use crate::report::explain::{Change, Simplest, Story, sentences};
use crate::report::table::word;
use crate::report::token::token;
use crate::verdict::{Reachable, Status, Verdict};

/// How wide stories are told.
const STORY: Style = Style {
    colour: false,
    width: 110,
};

/// The place of a text.
type Text = usize;

#[derive(Serialize)]
pub(super) struct Data {
    texts: Vec<String>,
    executions: Vec<Execution>,
    cells: Vec<CellData>,
}

#[derive(Serialize)]
struct CellData {
    id: String,
    title: String,
    source: String,
    story: String,
    word: &'static str,
    /// Whether every schedule was explored, or why not.
    rests_on: String,
    figures: Vec<(&'static str, String)>,
    mechanisms: Vec<(&'static str, &'static str)>,
    threads: Vec<(String, String)>,
    expected: Option<Vec<&'static str>>,
    because: Option<String>,
    as_expected: Option<bool>,
    explain: String,
    kinds: Vec<KindData>,
}

#[derive(Serialize)]
struct KindData {
    kind: &'static str,
    class: &'static str,
    sentence: &'static str,
    traces: u64,
    preemptions: usize,
    token: String,
    caption: String,
    /// How it came about, if that can be said in short.
    cause: Option<String>,
    /// What later commits would have changed in this schedule.
    remedies: Vec<String>,
    /// The lines of the story.
    story: Vec<Text>,
    execution: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Serialize)]
struct Execution {
    picture: Text,
    threads: Vec<Text>,
    /// The name of each object, and its value at first.
    objects: Vec<(Text, Text)>,
    /// Thread, functions, words, new values, the kind of a violation, and the
    /// number of a step.
    steps: Vec<StepData>,
}

type StepData = (
    usize,
    Vec<Text>,
    Text,
    Vec<(usize, Text)>,
    Option<Text>,
    Option<usize>,
);

/// Texts and executions, each once.
#[derive(Default)]
struct Pool {
    texts: BTreeMap<String, Text>,
    executions: BTreeMap<Execution, usize>,
}

impl Pool {
    fn text(&mut self, text: &str) -> Text {
        if let Some(place) = self.texts.get(text) {
            return *place;
        }
        let place = self.texts.len();
        self.texts.insert(text.to_owned(), place);
        place
    }

    fn step(&mut self, change: &Change) -> StepData {
        (
            change.thread,
            change.calls.iter().map(|call| self.text(call)).collect(),
            self.text(&change.text),
            change
                .values
                .iter()
                .map(|(object, value)| (*object, self.text(value)))
                .collect(),
            change.violation.map(|kind| self.text(kind.name())),
            change.step,
        )
    }

    fn execution(&mut self, story: &Story<'_>) -> usize {
        let states = story.states();
        let threads = &story.recording.threads;
        let execution = Execution {
            picture: self.text(&story.inline_svg()),
            threads: threads.iter().map(|name| self.text(name)).collect(),
            objects: states
                .objects
                .iter()
                .map(|(name, first)| (self.text(name), self.text(first)))
                .collect(),
            steps: states.changes.iter().map(|one| self.step(one)).collect(),
        };
        let next = self.executions.len();
        *self.executions.entry(execution).or_insert(next)
    }

    fn kind(&mut self, verdict: &Verdict, found: &Reachable, recording: &Recording) -> KindData {
        let story = Story {
            cell: &verdict.cell,
            kind: found.kind,
            witness: &found.witness,
            simplest: Simplest::of(verdict),
            recording,
            all: false,
        };
        let (told, remedies) = match story.remedies() {
            Ok(remedies) => (
                story.tell(&remedies, STORY),
                sentences(&remedies, found.kind),
            ),
            Err(error) => (story.tell(&[], STORY), vec![error.to_string()]),
        };
        KindData {
            kind: found.kind.name(),
            class: found.kind.class().name(),
            sentence: found.kind.sentence(),
            traces: found.traces,
            preemptions: found.witness.preemptions,
            token: token(&verdict.cell, verdict.search, &found.witness),
            caption: story.caption(),
            cause: story.cause(),
            remedies,
            story: told.lines().map(|line| self.text(line)).collect(),
            execution: self.execution(&story),
        }
    }
}

impl Data {
    /// The data of all cells.
    pub(super) fn of(shown: &[Shown]) -> Data {
        let mut pool = Pool::default();
        let mut cells: Vec<CellData> = Vec::new();
        for one in shown {
            let mut cell = cell(one, &mut pool);
            // Files of different directories may have the same name.
            while cells.iter().any(|other| other.id == cell.id) {
                cell.id.push('~');
            }
            cells.push(cell);
        }
        Data {
            texts: in_order(pool.texts),
            executions: in_order(pool.executions),
            cells,
        }
    }

    /// What each cell is called in the page's address.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(|cell| cell.id.as_str())
    }
}

fn in_order<T>(places: BTreeMap<T, usize>) -> Vec<T> {
    let mut all: Vec<(T, usize)> = places.into_iter().collect();
    all.sort_by_key(|(_, place)| *place);
    all.into_iter().map(|(one, _)| one).collect()
}

fn cell(shown: &Shown, pool: &mut Pool) -> CellData {
    let verdict = &shown.checked.verdict;
    let (cell, figures) = (&verdict.cell, &verdict.figures);
    let scenario = &cell.scenario;
    let expected = verdict.expected.as_ref();
    let kinds = verdict.reachable.iter().zip(&shown.recordings);
    CellData {
        id: cell.to_string(),
        title: scenario.title.clone(),
        source: scenario.source.clone(),
        story: scenario.story.clone(),
        word: word(verdict).1,
        rests_on: match &verdict.status {
            Status::Complete if verdict.is_exhaustive() => {
                "exhaustive: sequentially consistent, unbounded, every schedule".to_owned()
            }
            Status::Complete => "finished, but not every schedule was explored".to_owned(),
            Status::Incomplete => {
                "a budget ran out or the run was ended: what was not found may still be there"
                    .to_owned()
            }
            Status::Error(reason) => format!("the exploration broke down: {reason}"),
        },
        figures: vec![
            ("distinct traces", figures.traces().to_string()),
            ("executions", figures.executions.to_string()),
            ("of these redundant", figures.redundant.to_string()),
            ("steps of the longest", figures.operations.to_string()),
        ],
        mechanisms: cell.kernel.kernel.choices().collect(),
        threads: scenario
            .variant(&cell.parameters)
            .threads
            .iter()
            .map(|thread| (thread.name.clone(), thread.texts.join("; ")))
            .collect(),
        expected: expected.map(|expected| expected.kinds.iter().map(|kind| kind.name()).collect()),
        because: expected.map(|expected| expected.because.clone()),
        as_expected: verdict.as_expected(),
        explain: shown.checked.explain.clone(),
        kinds: kinds
            .map(|(found, recording)| pool.kind(verdict, found, recording))
            .collect(),
    }
}
