//! The combinations as a picture: a box for each, those with more changes
//! above, a line between two that differ in one change (a Hasse diagram).
//!
//! Nothing is said by colour alone: every box has its fate in words, what fails
//! has cut corners, what is open a broken border, and a minimal set a double one.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{WhatIf, list};
use crate::report::explain::{Svg, escape};
use crate::report::style::counted;
use crate::report::wrap;
use crate::whatif::answers::{Fate, Finding};

/// More boxes than this say nothing to a reader.
const MAX_BOXES: usize = 32;

// All in pixels.
const MARGIN: usize = 20;
const WIDTH: usize = 128;
const HEIGHT: usize = 50;
/// Between two boxes side by side, and between two levels.
const GAP: (usize, usize) = (18, 58);
const LINE: usize = 18;
/// Characters of prose are at most so wide on average, in hundredths.
const PROSE: usize = 720;
/// The narrowest picture, so that its legend can be read.
const NARROWEST: usize = 720;

/// How it looks, by daylight, at night and on paper.
const STYLE: &str = include_str!("lattice.css");

/// The picture would have too many boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("a picture of {boxes} combinations says nothing: at most {MAX_BOXES} are drawn")]
#[diagnostic(help("vary fewer mechanisms, or move some together with `+`"))]
pub struct TooManyBoxes {
    /// How many it would have.
    pub boxes: usize,
}

/// Draws all combinations; of more than 32 the minimal sets and what is one
/// change away from them.
///
/// # Errors
/// When even these are too many.
pub fn svg(told: &WhatIf) -> Result<String, TooManyBoxes> {
    let all = told.plan.combinations.len();
    let drawn = drawn(told);
    if drawn.len() > MAX_BOXES {
        return Err(TooManyBoxes { boxes: all });
    }
    let layout = Layout::of(told, &drawn);
    let mut svg = Svg::default();
    layout.head(told, &mut svg);
    layout.lines(told, &mut svg);
    for (combination, place) in &layout.places {
        node(told, *combination, *place, &mut svg);
    }
    svg.text += "</svg>\n";
    Ok(svg.text)
}

/// The combinations that are drawn, those with fewer changes first.
fn drawn(told: &WhatIf) -> Vec<usize> {
    let all = 0..told.plan.combinations.len();
    if all.len() <= MAX_BOXES {
        return all.collect();
    }
    let minimal = || all.clone().filter(|place| is_minimal(told, *place));
    let near =
        |place: &usize| minimal().any(|other| other == *place || is_step(told, *place, other));
    all.clone().filter(near).collect()
}

fn is_minimal(told: &WhatIf, combination: usize) -> bool {
    let sets = &told.answers.all.sets;
    sets.contains(&told.plan.combinations[combination])
}

/// Whether two combinations differ in one change that the one has and the other
/// has not.
fn is_step(told: &WhatIf, one: usize, other: usize) -> bool {
    let (one, other) = (&told.plan.combinations[one], &told.plan.combinations[other]);
    let apart = one.size().abs_diff(other.size()) == 1;
    apart && (one.is_part_of(other) || other.is_part_of(one))
}

/// What becomes of a combination in the cases that are judged, and in how many
/// of these it fails or is open.
fn fate(told: &WhatIf, combination: usize) -> (Fate, usize) {
    let judged = told.answers.judged.iter();
    let fates = judged.map(|case| Finding::of(told.verdict(combination, *case)).fate);
    let count = |meant| fates.clone().filter(|fate| *fate == meant).count();
    match (count(Fate::Fails), count(Fate::Open)) {
        (0, 0) => (Fate::Holds, 0),
        (0, open) => (Fate::Open, open),
        (fails, _) => (Fate::Fails, fails),
    }
}

/// Where everything is.
struct Layout {
    width: usize,
    height: usize,
    /// What stands above the boxes.
    heading: Vec<String>,
    /// What stands below them: the letters, and how to read the picture.
    legend: Vec<String>,
    /// The upper left corners of the boxes.
    places: Vec<(usize, (usize, usize))>,
}

impl Layout {
    fn of(told: &WhatIf, drawn: &[usize]) -> Layout {
        let size = |place: &usize| told.plan.combinations[*place].size();
        let levels: BTreeSet<usize> = drawn.iter().map(size).collect();
        let on = |level: usize| drawn.iter().filter(move |place| size(place) == level);
        let widest = levels.iter().map(|level| on(*level).count()).max();
        let row = |count: usize| count * (WIDTH + GAP.0) - GAP.0;
        let width = (row(widest.unwrap_or(1)) + 2 * MARGIN).max(NARROWEST);
        let room = (width - 2 * MARGIN) * 100 / PROSE;
        let heading = wrap(&heading(told, drawn.len()), room, 0);
        let legend: Vec<String> = legend(told)
            .iter()
            .flat_map(|line| wrap(line, room, 4))
            .collect();
        let top = MARGIN + 24 + heading.len() * LINE + 16;
        let mut places = Vec::new();
        // The most changes are at the top.
        for (number, level) in levels.iter().rev().enumerate() {
            let left = (width - row(on(*level).count())) / 2;
            let y = top + number * (HEIGHT + GAP.1);
            let xs = (0..).map(|place| left + place * (WIDTH + GAP.0));
            places.extend(on(*level).zip(xs).map(|(place, x)| (*place, (x, y))));
        }
        let bottom = top + levels.len() * (HEIGHT + GAP.1) - GAP.1;
        Layout {
            width,
            height: bottom + 34 + legend.len() * LINE + MARGIN,
            heading,
            legend,
            places,
        }
    }

    fn head(&self, told: &WhatIf, svg: &mut Svg) {
        let Layout { width, height, .. } = self;
        let title = format!("What if {} were changed?", told.plan.from.typed);
        let _ = writeln!(
            svg.text,
            "<svg xmlns='http://www.w3.org/2000/svg' class='swl' role='img' viewBox='0 0 {width} {height}' width='{width}' height='{height}'>"
        );
        let _ = writeln!(
            svg.text,
            "<title>{}</title><desc>{}</desc>",
            escape(&title),
            escape(&self.heading.join(" "))
        );
        let _ = writeln!(svg.text, "<style>{STYLE}</style>");
        svg.rect("page", (0, 0), (*width, *height), 0);
        svg.text("title", (MARGIN, MARGIN + 16), &title);
        for (i, line) in self.heading.iter().enumerate() {
            svg.text("", (MARGIN, MARGIN + 24 + (i + 1) * LINE), line);
        }
        let from = height - MARGIN - self.legend.len() * LINE;
        for (i, line) in self.legend.iter().enumerate() {
            svg.text("", (MARGIN, from + (i + 1) * LINE - 4), line);
        }
    }

    /// The lines between combinations that are one change apart.
    fn lines(&self, told: &WhatIf, svg: &mut Svg) {
        for (i, (more, (x1, y1))) in self.places.iter().enumerate() {
            for (fewer, (x2, y2)) in &self.places[i + 1..] {
                if is_step(told, *more, *fewer) {
                    let (top, bottom) = ((x1 + WIDTH / 2, y1 + HEIGHT), (x2 + WIDTH / 2, *y2));
                    // Here one change makes the difference.
                    let decides = fate(told, *more).0 != fate(told, *fewer).0;
                    svg.line(if decides { "decides" } else { "step" }, top, bottom);
                }
            }
        }
    }
}

/// A combination: its letters, and what becomes of it.
fn node(told: &WhatIf, combination: usize, (x, y): (usize, usize), svg: &mut Svg) {
    let (fate, count) = fate(told, combination);
    let judged = told.answers.judged.len();
    let (class, words) = match fate {
        Fate::Holds => ("holds", "✓ holds".to_owned()),
        Fate::Fails => ("fails", format!("✗ fails {count} of {judged}")),
        Fate::Open => ("open", format!("? open {count} of {judged}")),
    };
    let minimal = is_minimal(told, combination);
    if minimal {
        svg.rect("minimal", (x - 5, y - 5), (WIDTH + 10, HEIGHT + 10), 13);
    }
    match fate {
        Fate::Holds | Fate::Open => svg.rect(class, (x, y), (WIDTH, HEIGHT), 9),
        Fate::Fails => {
            let (across, down) = (WIDTH - 24, HEIGHT - 24);
            let _ = writeln!(
                svg.text,
                "<path class='{class}' d='M{} {y}h{across}l12 12v{down}l-12 12h-{across}l-12 -12v-{down}z'/>",
                x + 12
            );
        }
    }
    let middle = x + WIDTH / 2;
    let letters = told.letters(&told.plan.combinations[combination]);
    svg.text("name", (middle, y + 21), &letters);
    let words = if minimal {
        format!("{words}, minimal")
    } else {
        words
    };
    svg.text("fate", (middle, y + 39), &words);
}

fn heading(told: &WhatIf, boxes: usize) -> String {
    let cases = told.answers.judged.len() as u64;
    let all = told.plan.combinations.len();
    let mut text = format!(
        "Each box is a combination of changes; one higher up has one change more. It holds if {} hold{}.",
        match cases {
            1 => "the scenario".to_owned(),
            _ => format!("all {}", counted(cases, "scenario")),
        },
        if cases == 1 { "s" } else { "" },
    );
    if boxes < all {
        text += &format!(
            " Of {all} combinations the minimal sets and what is one change away from them are drawn."
        );
    }
    let apart = &told.answers.always_fail;
    if !apart.is_empty() {
        text += &format!(
            " Not counted, as they fail whatever is varied: {}.",
            told.cases(apart)
        );
    }
    text
}

fn legend(told: &WhatIf) -> Vec<String> {
    let singles = told.answers.singles.iter().map(|single| single.change);
    let mut lines: Vec<String> = singles
        .map(|change| {
            let (letter, name) = (told.letter(change), told.name(change));
            format!("{letter} = {name} ({})", told.source(change))
        })
        .collect();
    lines.push(
        "Cut corners: fails. Broken border: open. Double border: minimal, no part of it holds. \
         Thick line: this change decides."
            .to_owned(),
    );
    let exhaustive = told.verdicts.iter().all(|verdict| verdict.is_exhaustive());
    let cases = list(
        told.answers
            .judged
            .iter()
            .map(|case| told.plan.cases[*case].to_string()),
        "and",
    );
    lines.push(format!("Scenarios: {cases}."));
    lines.push(
        if exhaustive {
            "Exhaustive: sequentially consistent, unbounded, every schedule of every cell."
        } else {
            "Not every schedule of every cell was explored."
        }
        .to_owned(),
    );
    lines
}
