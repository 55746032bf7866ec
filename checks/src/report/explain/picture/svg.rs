//! A picture as SVG.
//!
//! Rows are put below each other and none is lower than its texts, so nothing
//! overlaps. Nothing is said by colour alone: uses of a frame differ in their
//! borders, arrows in their strokes, violations in their signs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use stalewake_model::violation::{Class, Kind};

use super::canvas::{Svg, escape};
use super::{Picture, Row, What};
use crate::report::wrap;

/// How pictures look, in the language of style sheets; each has the class `sw`.
pub const STYLE: &str = include_str!("style.css");

/// Where a picture is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In a file of its own: with title, caption and style.
    Alone,
    /// Inside of something that has all three.
    Inline,
}

// All in pixels.
const WIDTH: usize = 1060;
const MARGIN: usize = 16;
/// Beside the frames, for the arrows of late wake-ups.
const GUTTER: usize = 30;
const LINE: usize = 15;
const ROW_GAP: usize = 5;
/// From the left of a thread's lane to its line of life, and to its texts.
const LIFELINE: usize = 10;
const TEXT: usize = 26;
const NARROWEST: usize = 190;
const HEADER: usize = 26;
/// Characters of the lanes are so wide, in hundredths of a pixel.
const CHARACTER: usize = 665;
/// Those of the caption are at most so wide on average.
const PROSE: usize = 720;

/// Draws a picture.
pub(super) fn draw(picture: &Picture, place: Place) -> String {
    let layout = Layout::of(picture, place);
    let mut svg = Svg::default();
    svg.head(picture, &layout, place);
    layout.frames(picture, &mut svg);
    layout.lifelines(picture, &mut svg);
    layout.calls(picture, &mut svg);
    for (row, lines) in picture.rows.iter().zip(&layout.rows) {
        layout.row(row, lines, &mut svg);
    }
    layout.late(picture, &mut svg);
    layout.headers(picture, &mut svg);
    svg.text += "</svg>\n";
    svg.text
}

/// Where everything is.
struct Layout {
    width: usize,
    thread: usize,
    frame: usize,
    threads: usize,
    /// Where the lanes begin.
    top: usize,
    bottom: usize,
    rows: Vec<Lines>,
}

/// The lines of a row, and where they are.
struct Lines {
    span: Range<usize>,
    /// How many lines are left free at first, for what begins here.
    above: usize,
    /// The outermost function, if it is entered here, and the innermost.
    heads: Vec<(&'static str, String)>,
    body: Vec<String>,
    effect: Vec<String>,
}

impl Lines {
    /// The base line of the body's first line.
    fn body_at(&self) -> usize {
        self.span.start + (self.above + self.heads.len() + 1) * LINE - 4
    }
}

impl Layout {
    fn of(picture: &Picture, place: Place) -> Layout {
        let (threads, frames) = (picture.threads.len().max(1), picture.frames.len());
        let frame = match frames {
            0 | 1 => 230,
            2 => 190,
            _ => 160,
        };
        let fixed = 2 * MARGIN + GUTTER + frames * frame;
        let thread = (WIDTH.saturating_sub(fixed) / threads).max(NARROWEST);
        let width = fixed + threads * thread;
        let caption = match place {
            Place::Alone => caption(picture, width).len() * 18 + 70,
            Place::Inline => 0,
        };
        let top = MARGIN + caption + HEADER;
        let mut layout = Layout {
            width,
            thread,
            frame,
            threads,
            top,
            bottom: top,
            rows: Vec::new(),
        };
        let mut at = top + 30;
        let mut entered = BTreeMap::new();
        for row in &picture.rows {
            let is_new = entered.insert(row.thread, row.call) != Some(row.call);
            let place = layout.rows.len();
            let mut uses = picture.frames.iter().flat_map(|frame| &frame.uses);
            // The label of a use stands above its first row, and that it is
            // over below its last.
            let above = usize::from(uses.clone().any(|one| one.begins == Some(place)));
            let below = usize::from(uses.any(|one| one.ends == Some(place)));
            let mut lines = layout.lines(row, is_new, at);
            lines.above = above;
            lines.span.end += (above + below) * LINE;
            at = lines.span.end + ROW_GAP;
            layout.rows.push(lines);
        }
        layout.bottom = at + 10;
        layout
    }

    fn lines(&self, row: &Row, is_new: bool, at: usize) -> Lines {
        let room = (self.thread - TEXT - 12) * 100 / CHARACTER;
        let mut heads = Vec::new();
        if let Some((function, _)) = row.call.filter(|_| is_new) {
            let lines = wrap(&format!("{function}()"), room, 1);
            heads.extend(lines.into_iter().map(|line| ("f", line)));
        }
        if let Some(function) = row.within {
            let lines = wrap(&format!("{function}()"), room, 1);
            heads.extend(lines.into_iter().map(|line| ("w", line)));
        }
        let (body, effect, more) = match &row.what {
            What::Step {
                text,
                effect,
                wake,
                sleeps,
            } => {
                let text = if *sleeps {
                    format!("{text}: sleeps")
                } else {
                    text.clone()
                };
                let narrow = (self.frame - 24) * 100 / CHARACTER;
                let effect = effect.as_ref().map(|effect| wrap(&effect.text, narrow, 2));
                // A line below the text is the arrow's.
                (
                    wrap(&text, room, 1),
                    effect.unwrap_or_default(),
                    usize::from(wake.is_some()),
                )
            }
            What::Violation { kind, about } => {
                let mut lines = vec![format!("{kind} ({})", kind.class())];
                lines.extend(wrap(kind.sentence(), room - 2, 0));
                lines.extend(wrap(about, room - 2, 0));
                (lines, Vec::new(), 1)
            }
        };
        let lines = (heads.len() + body.len() + more).max(heads.len() + effect.len());
        Lines {
            span: at..at + lines * LINE,
            above: 0,
            heads,
            body,
            effect,
        }
    }

    fn lifeline(&self, thread: usize) -> usize {
        MARGIN + thread * self.thread + LIFELINE
    }

    fn text(&self, thread: usize) -> usize {
        MARGIN + thread * self.thread + TEXT
    }

    fn frame(&self, frame: usize) -> usize {
        MARGIN + self.threads * self.thread + frame * self.frame
    }

    /// The lanes of the frames: a box for each use, a thin line between them.
    fn frames(&self, picture: &Picture, svg: &mut Svg) {
        for (i, frame) in picture.frames.iter().enumerate() {
            let (left, middle) = (self.frame(i), self.frame(i) + self.frame / 2);
            svg.line("d", (middle, self.top), (middle, self.bottom));
            for (number, one) in frame.uses.iter().enumerate() {
                let top = one
                    .begins
                    .map_or(self.top + 4, |row| self.rows[row].body_at() - LINE - 13);
                let bottom = one
                    .ends
                    .map_or(self.bottom, |row| self.rows[row].span.end + 2 - LINE);
                let class = if number % 2 == 0 { "p" } else { "q" };
                svg.rect(class, (left, top), (self.frame - 10, bottom - top), 6);
                svg.text(
                    "u",
                    (left + 8, top + 13),
                    &clip(&one.label, (self.frame - 24) * 100 / CHARACTER),
                );
                if one.ends.is_some() {
                    let y = bottom + 12;
                    svg.text("w", (left + 8, y), "freed: this use is over");
                }
            }
        }
    }

    /// A line for each thread, as long as it lives, dotted where it sleeps.
    fn lifelines(&self, picture: &Picture, svg: &mut Svg) {
        'threads: for thread in 0..picture.threads.len() {
            let x = self.lifeline(thread);
            let (mut from, mut class) = (self.top, "l");
            for (row, lines) in picture.rows.iter().zip(&self.rows) {
                let (sleeps, wake) = match &row.what {
                    What::Step { sleeps, wake, .. } => (sleeps, wake),
                    // Here the thread ends, unless it is only never woken.
                    What::Violation { kind, .. }
                        if row.thread == thread
                            && kind.class() == Class::Fatal
                            && *kind != Kind::LostWakeup =>
                    {
                        svg.line(class, (x, from), (x, lines.span.end));
                        continue 'threads;
                    }
                    What::Violation { .. } => continue,
                };
                if row.thread == thread && *sleeps {
                    svg.line(class, (x, from), (x, lines.span.end));
                    (from, class) = (lines.span.end, "z");
                } else if wake.is_some_and(|wake| wake.whom == thread) {
                    let arrow = lines.span.end - 4;
                    svg.line(class, (x, from), (x, arrow));
                    (from, class) = (arrow, "l");
                }
            }
            svg.line(class, (x, from), (x, self.bottom));
        }
    }

    /// A bar for each outermost call, interrupted while the thread sleeps.
    fn calls(&self, picture: &Picture, svg: &mut Svg) {
        let mut open: BTreeMap<usize, (usize, usize, usize)> = BTreeMap::new();
        let mut bars = Vec::new();
        for (row, lines) in picture.rows.iter().zip(&self.rows) {
            if let What::Step {
                wake: Some(wake), ..
            } = &row.what
                && let Some((_, from, end)) = open.get_mut(&wake.whom)
            {
                let woken = lines.span.end - 4;
                bars.push((wake.whom, *from, *end));
                (*from, *end) = (woken, woken);
            }
            let Some((_, call)) = row.call else {
                bars.extend(
                    open.remove(&row.thread)
                        .map(|(_, from, end)| (row.thread, from, end)),
                );
                continue;
            };
            let bar = open
                .entry(row.thread)
                .or_insert((call, lines.span.start, 0));
            if bar.0 != call {
                bars.push((row.thread, bar.1, bar.2));
                *bar = (call, lines.span.start, 0);
            }
            bar.2 = lines.span.end;
        }
        bars.extend(
            open.into_iter()
                .map(|(thread, (_, from, end))| (thread, from, end)),
        );
        for (thread, from, end) in bars {
            svg.rect("a", (self.lifeline(thread) - 4, from), (8, end - from), 1);
        }
    }

    fn row(&self, row: &Row, lines: &Lines, svg: &mut Svg) {
        let x = self.text(row.thread);
        let mut y = lines.span.start + (lines.above + 1) * LINE - 4;
        for (class, head) in &lines.heads {
            svg.text(class, (x, y), head);
            y += LINE;
        }
        match &row.what {
            What::Violation { kind, .. } => self.violation(row.thread, *kind, lines, svg),
            What::Step { effect, wake, .. } => {
                for line in &lines.body {
                    svg.text("", (x, y), line);
                    y += LINE;
                }
                if let Some(effect) = effect {
                    let first = lines.body.first().map_or(0, |line| line.chars().count());
                    let from = x + first * CHARACTER / 100 + 5;
                    let (to, mut y) = (self.frame(effect.frame), lines.body_at());
                    svg.line("d", (from, y - 4), (to, y - 4));
                    svg.arrow((to, y - 4), 5);
                    for line in &lines.effect {
                        svg.text("", (to + 8, y), line);
                        y += LINE;
                    }
                }
                if let Some(wake) = wake {
                    let y = lines.span.end - 4;
                    let (from, to) = (self.lifeline(row.thread), self.lifeline(wake.whom));
                    let direction = if to > from { 6 } else { -6 };
                    let class = if wake.stale { "s" } else { "l" };
                    svg.line(class, (from, y), (to, y));
                    svg.arrow((to, y), direction * if wake.stale { 2 } else { 1 });
                    if wake.stale {
                        let x = if to > from { to - 92 } else { to + 16 };
                        svg.text("f", (x, y - 5), "stale wake-up");
                    }
                }
            }
        }
    }

    /// A box whose border and sign say how bad it is.
    fn violation(&self, thread: usize, kind: Kind, lines: &Lines, svg: &mut Svg) {
        let (x, y) = (
            self.text(thread),
            lines.span.start + lines.heads.len() * LINE,
        );
        let class = match kind.class() {
            Class::Fatal => "x",
            Class::Hazard => "y",
            Class::Event => "v",
        };
        let size = (self.thread - TEXT - 6, lines.body.len() * LINE + 8);
        svg.rect(class, (x - 4, y), size, 3);
        svg.sign(kind.class(), (self.lifeline(thread), y + 10));
        for (i, line) in lines.body.iter().enumerate() {
            let class = if i == 0 { "f" } else { "" };
            svg.text(class, (x + 4, y + (i + 1) * LINE), line);
        }
    }

    /// An arrow down beside the frame: from what earned a wake-up to where it
    /// came too late.
    fn late(&self, picture: &Picture, svg: &mut Svg) {
        for (i, late) in picture.late.iter().enumerate() {
            let left = self.frame(late.frame) + self.frame - 10;
            let (from, to) = (
                self.rows[late.from].body_at() - 4,
                self.rows[late.to].span.start + 10,
            );
            // The first stands outside, further ones beside it.
            let x = left + 9 + 6 * i.min(2);
            let _ = write!(
                svg.text,
                "<path class='s' d='M{left} {from}H{x}V{to}H{left}'/>"
            );
            svg.arrow((left, to), -10);
            if i == 0 {
                let y = usize::midpoint(from, to);
                let _ = writeln!(
                    svg.text,
                    "<text class='f' text-anchor='middle' transform='translate({} {y}) rotate(90)'>late wake-up</text>",
                    x + 6 + 6 * (picture.late.len() - 1).min(2)
                );
            }
        }
    }

    fn headers(&self, picture: &Picture, svg: &mut Svg) {
        let y = self.top - HEADER;
        for (i, name) in picture.threads.iter().enumerate() {
            let x = MARGIN + i * self.thread;
            svg.rect("b", (x, y), (self.thread - 10, HEADER), 4);
            svg.text(
                "h",
                (x + 8, y + 17),
                &clip(&format!("thread {name}"), (self.thread - 26) / 8),
            );
        }
        for (i, frame) in picture.frames.iter().enumerate() {
            let name = match &frame.page {
                Some(page) => format!("{page} in frame {}", frame.number),
                None => format!("frame {}", frame.number),
            };
            svg.rect("b", (self.frame(i), y), (self.frame - 10, HEADER), 4);
            svg.text(
                "h",
                (self.frame(i) + 8, y + 17),
                &clip(&name, (self.frame - 26) / 8),
            );
        }
    }
}

/// The caption, and how to read the picture.
fn caption(picture: &Picture, width: usize) -> Vec<String> {
    let legend = "Time runs downwards. A bar is a call of a kernel function, a dotted line of life a \
        thread that sleeps, a box in a frame's lane one use of that frame. Steps that only look or \
        only take a lock are left out, and so is what concerns the page cache alone.";
    let room = (width - 2 * MARGIN) * 100 / PROSE;
    let mut lines = wrap(&picture.caption, room, 0);
    lines.extend(wrap(legend, room, 0));
    lines
}

fn clip(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    kept + "…"
}

impl Svg {
    /// The beginning, down to the caption.
    fn head(&mut self, picture: &Picture, layout: &Layout, place: Place) {
        let (width, height) = (layout.width, layout.bottom + MARGIN);
        let _ = writeln!(
            self.text,
            "<svg xmlns='http://www.w3.org/2000/svg' class='sw' role='img' viewBox='0 0 {width} {height}' width='{width}' height='{height}'>"
        );
        if place == Place::Inline {
            return;
        }
        let (title, caption_text) = (escape(&picture.title), escape(&picture.caption));
        let _ = writeln!(
            self.text,
            "<title>{title}</title><desc>{caption_text}</desc>"
        );
        let _ = writeln!(self.text, "<style>{STYLE}</style>");
        let _ = writeln!(
            self.text,
            "<rect width='{width}' height='{height}' fill='#fff'/>"
        );
        self.text("t", (MARGIN, 32), &picture.title);
        self.text(
            "c",
            (MARGIN, 53),
            &clip(&picture.subtitle, (width - 2 * MARGIN) * 100 / PROSE),
        );
        for (i, line) in caption(picture, width).iter().enumerate() {
            self.text("c", (MARGIN, 78 + i * 18), line);
        }
    }
}
