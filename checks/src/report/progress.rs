//! What is shown while cells are explored: a bar, or now and then a line.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::style::{counted, grouped};
use crate::explore::Snapshot;
use crate::report::aside;

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Estimates from here on are only said to be large.
const LARGE: f64 = 1e12;

/// How progress is shown, on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As a bar that is drawn again and again, on a terminal.
    Bar,
    /// As a line every ten seconds, in a log. A short run prints none.
    Lines,
    /// Not at all.
    Nothing,
}

/// The progress of a run over many cells.
pub struct Bar {
    shown: Shown,
    cells: usize,
    bar: ProgressBar,
    started: Instant,
    /// When the last line was due.
    line: Cell<Duration>,
}

/// A cell that is being explored.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its name.
    pub cell: String,
    /// Its latest figures.
    pub snapshot: Arc<Snapshot>,
}

impl Bar {
    /// The progress of a run over so many cells.
    pub fn new(cells: usize, shown: Shown) -> Bar {
        let target = match shown {
            Shown::Bar => ProgressDrawTarget::stderr(),
            Shown::Lines | Shown::Nothing => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(cells as u64), target);
        let style = ProgressStyle::with_template(
            "{bar:20} {pos}/{len} cells  {prefix}  {elapsed}  {wide_msg}",
        )
        .expect("the template is well-formed");
        bar.set_style(style.progress_chars("━╸─"));
        bar.set_prefix(speed(0, Duration::ZERO));
        Bar {
            shown,
            cells,
            bar,
            started: Instant::now(),
            line: Cell::default(),
        }
    }

    /// Shows the latest figures: the cells done, the executions of these and
    /// of those that are running, and the latter.
    pub fn show(&self, done: usize, executions: u64, running: &[Running]) {
        let elapsed = self.started.elapsed();
        match self.shown {
            Shown::Bar => {
                self.bar.set_position(done as u64);
                self.bar.set_prefix(speed(executions, elapsed));
                self.bar.set_message(described(running));
            }
            Shown::Lines if elapsed >= self.line.get() + LINE_EVERY => {
                self.line.set(elapsed);
                aside(format_args!(
                    "{} s: {done} of {}, {}; {}",
                    elapsed.as_secs(),
                    counted(self.cells as u64, "cell"),
                    speed(executions, elapsed),
                    described(running)
                ));
            }
            Shown::Lines | Shown::Nothing => {}
        }
    }

    /// Prints something else without the bar getting in the way.
    pub fn beside<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn speed(executions: u64, elapsed: Duration) -> String {
    let snapshot = Snapshot {
        executions,
        elapsed,
        ..Snapshot::default()
    };
    format!(
        "{}, {}/s",
        counted(executions, "execution"),
        grouped(snapshot.per_second() as u64)
    )
}

fn described(running: &[Running]) -> String {
    let cells: Vec<String> = running.iter().map(describe).collect();
    cells.join("; ")
}

/// `same-page/v5.9: 1,280 of about 4,100 executions, 950 traces, deepest 84, found stale-wakeup`.
fn describe(running: &Running) -> String {
    let snapshot = &running.snapshot;
    let mut text = format!("{}: {}", running.cell, grouped(snapshot.executions));
    if let Some(total) = snapshot.estimate {
        text += &format!(" of {}", about(total));
    }
    text += &format!(
        " executions, {}, deepest {}",
        counted(snapshot.traces(), "trace"),
        snapshot.operations
    );
    if !snapshot.kinds.is_empty() {
        let names: Vec<&str> = snapshot.kinds.iter().map(|kind| kind.name()).collect();
        text += &format!(", found {}", names.join(", "));
    }
    text
}

/// A number of which two digits are worth printing.
fn about(total: f64) -> String {
    if total >= LARGE {
        return format!("more than {}", grouped(LARGE as u64));
    }
    let total = total.ceil() as u64;
    let unit = 10_u64.pow(total.checked_ilog10().unwrap_or(0).saturating_sub(1));
    format!("about {}", grouped(total.div_ceil(unit) * unit))
}

#[cfg(test)]
mod tests {
    use stalewake_model::violation::Kind;

    use super::*;

    #[test]
    fn an_estimate_has_two_digits() {
        let totals = [0.0, 1.0, 7.2, 99.0, 101.0, 12_345.0, 9_999.5, f64::MAX].map(about);
        assert_eq!(
            totals,
            [
                "about 0",
                "about 1",
                "about 8",
                "about 99",
                "about 110",
                "about 13,000",
                "about 10,000",
                "more than 1,000,000,000,000",
            ]
        );
    }

    #[test]
    fn a_running_cell_says_what_it_has_seen() {
        let running = Running {
            cell: "same-page/v5.9".to_owned(),
            snapshot: Arc::new(Snapshot {
                executions: 1_280,
                redundant: 330,
                operations: 84,
                kinds: vec![Kind::BugOnWriteback, Kind::StaleWakeup],
                estimate: Some(4_012.7),
                elapsed: Duration::from_secs(2),
            }),
        };
        assert_eq!(
            described(&[running]),
            "same-page/v5.9: 1,280 of about 4,100 executions, 950 traces, deepest 84, \
             found bug-on-writeback, stale-wakeup"
        );
    }

    #[test]
    fn a_search_without_an_estimate_has_none() {
        let running = Running {
            cell: "same-page/v5.9".to_owned(),
            snapshot: Arc::default(),
        };
        assert_eq!(
            described(&[running]),
            "same-page/v5.9: 0 executions, 0 traces, deepest 0"
        );
    }

    #[test]
    fn speed_is_a_mean() {
        let (slow, none) = (Duration::from_millis(2_500), Duration::ZERO);
        assert_eq!(speed(2_500, slow), "2,500 executions, 1,000/s");
        assert_eq!(speed(0, none), "0 executions, 0/s");
    }
}
