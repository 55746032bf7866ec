//! One schedule on two kernels: a column for each, step beside step.

use super::names::Names;
use super::remedy::number;
use super::words::{changes_nothing, is_lock};
use super::{Story, Style, Tone, paragraph, thread_of, wrap};
use crate::cell::Cell;
use crate::explore::{Event, Followed, Instead, ReplayError, follow};

/// Where two columns would be narrower than this, the kernels' steps stand
/// below each other.
const NARROWEST: usize = 34;

/// What stands between the columns.
const BETWEEN: usize = 3;

/// Where the kernels differ in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Same,
    Otherwise,
    OnlyHere,
    OnlyThere,
}

impl Mark {
    fn sign(self) -> &'static str {
        match self {
            Mark::Same => "│",
            Mark::Otherwise => "≠",
            Mark::OnlyHere => "-",
            Mark::OnlyThere => "+",
        }
    }
}

impl Story<'_> {
    /// The same schedule on the kernel of another cell, beside this one, as far
    /// as it can be followed there ([`follow`]).
    ///
    /// # Errors
    /// When the engine broke down.
    pub fn compare(&self, other: &Cell, style: Style) -> Result<String, ReplayError> {
        let followed = follow(other, self.until_shown())?;
        let kernels = [&self.cell.kernel, &other.kernel].map(ToString::to_string);
        let kernels = kernels.each_ref();
        let mut sides = Sides::new(kernels.map(String::as_str), style);
        let folded = self.rows_of(&followed, &mut sides);
        let mut text = style.paint(Tone::Strong, &format!("{}: {}", self.cell, self.kind)) + "\n";
        let facts = [
            format!(
                "The schedule of {}, followed on {}. Numbers are those of its steps.",
                kernels[0], kernels[1]
            ),
            "│ the same step, ≠ the same with another result, - not taken there, + taken only there."
                .to_owned(),
            format!("{folded} steps that are the same and only look or only take a lock are left out."),
        ];
        let shown = if folded == 0 { 2 } else { 3 };
        for fact in &facts[..shown] {
            text += &paragraph(&format!("  {fact}"), 2, style);
        }
        text += "\n";
        text += &sides.text;
        text += "\n";
        Ok(text + &paragraph(&self.comparison(&followed, kernels), 0, style))
    }

    /// What the comparison comes to, in sentences.
    fn comparison(&self, followed: &Followed, [here, there]: [&String; 2]) -> String {
        let mut events = followed.recording.events.iter();
        let occurs = events.any(|event| self.is_shown(event));
        let kind = self.kind;
        let others =
            format!("Another schedule of {there} may lead to it: `check` explores them all.");
        match (&followed.stopped, occurs) {
            (Some(stop), true) => {
                format!(
                    "On {there}, {}; {kind} occurs before that.",
                    self.stop(stop)
                )
            }
            (Some(stop), false) => {
                let stop = self.stop(stop);
                format!("On {there}, {stop}; {kind} has not occurred by then. {others}")
            }
            (None, true) => format!(
                "The whole schedule can be followed on {there}, and {kind} occurs there as on {here}."
            ),
            (None, false) => format!(
                "The whole schedule can be followed on {there}, and {kind} does not occur. {others}"
            ),
        }
    }

    /// Writes all rows, and returns how many were left out.
    fn rows_of(&self, followed: &Followed, sides: &mut Sides) -> usize {
        let (wanted, taken) = (self.until_shown(), &followed.recording.events[..]);
        let names = self.names();
        let mut folded = 0;
        for pair in &followed.pairs {
            let here = pair.wanted.map(|place| &wanted[place]);
            let there = pair.taken.map(|place| &taken[place]);
            let mark = match (here, there) {
                (Some(here), Some(there)) if words(&names, here) == words(&names, there) => {
                    Mark::Same
                }
                (Some(_), Some(_)) => Mark::Otherwise,
                (Some(_), None) => Mark::OnlyHere,
                (None, _) => Mark::OnlyThere,
            };
            let matters = |event: Option<&Event>| event.is_some_and(matters);
            if self.all || mark != Mark::Same || matters(here) {
                let lines = [
                    here.map(|event| (pair.wanted.map(|place| number(wanted, place)), event)),
                    there.map(|event| (None, event)),
                ];
                sides.row(mark, &names, lines);
            } else {
                folded += 1;
            }
            let after = |events: &[Event], place: Option<usize>| {
                place.map_or(Vec::new(), |place| violations(&names, &events[place + 1..]))
            };
            sides.beside(mark, [after(wanted, pair.wanted), after(taken, pair.taken)]);
        }
        if let Some(stop) = &followed.stopped {
            let event = &wanted[stop.wanted];
            let here = Some((Some(number(wanted, stop.wanted)), event));
            sides.row(Mark::OnlyHere, &names, [here, None]);
            // Who never stops is shown one step further.
            let steps = stop.instead.steps().iter();
            let steps = steps.filter(|event| matches!(event, Event::Step { .. }));
            for (i, event) in steps.enumerate() {
                let runs_on = matches!(stop.instead, Instead::Steps(_));
                if i == 0 || !runs_on && (self.all || matters(event)) {
                    sides.row(Mark::OnlyThere, &names, [None, Some((None, event))]);
                }
            }
        }
        folded
    }
}

/// Whether a step changes or decides something.
fn matters(event: &Event) -> bool {
    match event {
        Event::Step {
            detail,
            wakes,
            sleeps,
            ..
        } => *sleeps || wakes.is_some() || !(changes_nothing(detail) || is_lock(detail)),
        Event::Barrier { .. } | Event::Violation(_) => false,
    }
}

/// What a step did, and what that changed.
fn words(names: &Names<'_>, event: &Event) -> Vec<(Tone, String)> {
    let Event::Step {
        detail,
        wakes,
        sleeps,
        ..
    } = event
    else {
        return Vec::new();
    };
    let mut words = vec![(Tone::Plain, names.operation(detail, *wakes, *sleeps))];
    words.extend(names.change(detail).map(|change| (Tone::Strong, change)));
    if let Some(woken) = wakes {
        words.push((Tone::Strong, format!("» wakes {}", names.thread(*woken))));
    }
    if *sleeps {
        words.push((Tone::Strong, "zzz sleeps".to_owned()));
    }
    words
}

/// What goes wrong before the next step.
fn violations(names: &Names<'_>, events: &[Event]) -> Vec<(Tone, String)> {
    let before_next = events
        .iter()
        .take_while(|event| !matches!(event, Event::Step { .. }));
    let violations = before_next.filter_map(|event| match event {
        Event::Violation(violation) => Some((
            Tone::of(violation.kind.class()),
            format!("!! {}: {}", names.thread(violation.thread), violation.kind),
        )),
        Event::Step { .. } | Event::Barrier { .. } => None,
    });
    violations.collect()
}

/// The two columns as they are written, from the top.
struct Sides<'a> {
    kernels: [&'a str; 2],
    style: Style,
    /// Of a column; of the page if they stand below each other.
    width: usize,
    stacked: bool,
    /// In which function of which thread each side is.
    within: [Option<(usize, &'static str)>; 2],
    text: String,
}

type Lines = Vec<(Tone, String)>;

impl<'a> Sides<'a> {
    fn new(kernels: [&'a str; 2], style: Style) -> Sides<'a> {
        let column = style.width.saturating_sub(BETWEEN) / 2;
        let stacked = column < NARROWEST;
        let mut sides = Sides {
            kernels,
            style,
            width: if stacked { style.width } else { column },
            stacked,
            within: [None; 2],
            text: String::new(),
        };
        if !stacked {
            let heading = |kernel: &str| vec![(Tone::Strong, kernel.to_owned())];
            sides.write(Mark::Same, kernels.map(heading));
            let rule = "─".repeat(column);
            let rule = style.paint(Tone::Faint, &format!("{rule}─┼─{rule}"));
            sides.text += &(rule + "\n");
        }
        sides
    }

    /// A step of each side, and its number if it has one.
    fn row(&mut self, mark: Mark, names: &Names<'_>, steps: [Option<(Option<usize>, &Event)>; 2]) {
        let mut sides = [Vec::new(), Vec::new()];
        // Where both enter the same function they do so in one row.
        for (side, step) in steps.into_iter().enumerate() {
            let Some((number, event)) = step else {
                continue;
            };
            let (thread, function) = place(event);
            if self.within[side] != Some((thread.index(), function)) {
                self.within[side] = Some((thread.index(), function));
                let heading = format!("{} {function}()", names.thread(thread));
                sides[side].push((Tone::Strong, heading));
            }
            let number = number.map_or(String::new(), |number| number.to_string());
            for (i, (tone, line)) in words(names, event).into_iter().enumerate() {
                let number = if i == 0 { number.as_str() } else { "" };
                sides[side].push((tone, format!("{number:>3} {line}")));
            }
        }
        // A step that only one side takes brings the other out of step.
        if let [None, Some(_)] = steps {
            self.within[0] = None;
        }
        if let [Some(_), None] = steps {
            self.within[1] = None;
        }
        self.write(mark, sides);
    }

    fn beside(&mut self, mark: Mark, lines: [Lines; 2]) {
        if lines.iter().any(|lines| !lines.is_empty()) {
            let mark = if lines[0] == lines[1] {
                mark
            } else {
                Mark::Otherwise
            };
            self.write(mark, lines);
        }
    }

    fn write(&mut self, mark: Mark, sides: [Lines; 2]) {
        let broken = sides.map(|lines| {
            let lines = lines.into_iter().flat_map(|(tone, line)| {
                let pieces = wrap(&line, self.width - 2 * usize::from(self.stacked), 6);
                pieces.into_iter().map(move |piece| (tone, piece))
            });
            lines.collect::<Lines>()
        });
        if self.stacked {
            self.write_stacked(mark, broken);
            return;
        }
        let gap = format!(" {} ", mark.sign());
        let tone = if mark == Mark::Same {
            Tone::Faint
        } else {
            Tone::Strong
        };
        let gap = self.style.paint(tone, &gap);
        for row in 0..broken[0].len().max(broken[1].len()) {
            let [here, there] = [0, 1].map(|side| broken[side].get(row));
            let (tone, text) = here.map_or((Tone::Plain, ""), |(tone, text)| (*tone, text));
            let fill = " ".repeat(self.width.saturating_sub(text.chars().count()));
            let mut line = self.style.paint(tone, text) + &fill + &gap;
            if let Some((tone, text)) = there {
                line += &self.style.paint(*tone, text);
            }
            self.text += &(line.trim_end_matches(' ').to_owned() + "\n");
        }
    }

    /// What is the same is said once.
    fn write_stacked(&mut self, mark: Mark, [here, there]: [Lines; 2]) {
        let sides = match mark {
            Mark::Same => vec![(" ", None, here)],
            Mark::OnlyHere => vec![("-", None, here)],
            Mark::OnlyThere => vec![("+", None, there)],
            Mark::Otherwise => vec![
                ("≠", Some(self.kernels[0]), here),
                ("≠", Some(self.kernels[1]), there),
            ],
        };
        for (sign, kernel, lines) in sides {
            if let Some(kernel) = kernel {
                self.text += &format!("{sign} on {kernel}:\n");
            }
            for (tone, line) in lines {
                self.text += &format!("{sign} {}\n", self.style.paint(tone, &line));
            }
        }
    }
}

/// The thread of a step and the innermost function that it is in.
fn place(event: &Event) -> (stalewake_model::sync::ThreadId, &'static str) {
    let function = match event {
        Event::Step { detail, .. } => detail.calls.last().copied(),
        Event::Barrier { .. } | Event::Violation(_) => None,
    };
    (thread_of(event), function.unwrap_or("no kernel function"))
}
