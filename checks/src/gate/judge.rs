//! Whether a run passes.

use std::collections::BTreeSet;
use std::fmt;

use super::{Baseline, Change, Run, Tried};
use crate::report::coverage::vacuous;
use crate::report::summary::{facts, how_to_see};
use crate::report::{Checked, Style, Tone, counted, wrap};
use crate::verdict::{Status, Verdict};
use stalewake_model::violation::Kind;

/// What a run is caught by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Net {
    /// Every cell is explored to the end, and is as its scenario expects.
    Verdicts,
    /// What must go wrong once something is changed does.
    Controls,
    /// Every step runs somewhere, and nothing reached before is out of reach.
    Coverage,
    /// Every cell has the distinct traces that somebody has looked at.
    Baseline,
}

impl Net {
    /// All of them, in the order in which they are told.
    pub const ALL: [Net; 4] = [Net::Verdicts, Net::Controls, Net::Coverage, Net::Baseline];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Net::Verdicts => "verdicts",
            Net::Controls => "controls",
            Net::Coverage => "coverage",
            Net::Baseline => "baseline",
        }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What has caught it.
    pub net: Net,
    /// The cell or the control, or another name.
    pub what: String,
    /// What is wrong with it, a line for each fact.
    pub reasons: Vec<String>,
    /// The command that shows it.
    pub see: Option<String>,
    /// Whether it is only that nobody has looked at the figures yet.
    pub can_be_blessed: bool,
}

/// What a run comes to.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Everything that must not be; nothing if it passes.
    pub failures: Vec<Failure>,
    /// In what it differs from the baseline.
    pub changes: Vec<Change>,
    /// For each net, what went through it.
    pub passed: Vec<(Net, String)>,
    /// Whether everything was explored to its end. If not, nobody can say what
    /// is out of reach, or how many traces there are.
    pub is_complete: bool,
}

/// Judges a run by what its scenarios expect, and by a baseline if there is one.
pub fn judge(run: &Run, baseline: Option<&Baseline>) -> Judgement {
    let now = Baseline::of(run);
    let is_complete = is_complete(run);
    let changes = match baseline {
        // Figures of a part of a search are not those of all of it.
        Some(baseline) if is_complete => baseline.changes(&now, run.lane),
        _ => Vec::new(),
    };
    let mut failures: Vec<Failure> = run.checked.iter().filter_map(verdict).collect();
    failures.extend(open(run));
    if run.checked.is_empty() {
        failures.push(Failure::new(Net::Verdicts, "the run", "nothing ran"));
    }
    failures.extend(run.tried.iter().filter_map(control));
    failures.extend(twice(run));
    let unguarded = "it holds on every kernel, and no [[control]] shows that it could fail";
    let unguarded = run
        .unguarded
        .iter()
        .map(|what| Failure::new(Net::Controls, what, unguarded));
    failures.extend(unguarded);
    for step in vacuous(&run.checked) {
        let step = step.to_string();
        let (what, reason) = step.split_once(": ").unwrap_or((&step, "a step never ran"));
        failures.push(Failure::new(Net::Coverage, what, reason));
    }
    let (shrinks, others): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| change.shrinks());
    for (net, changes) in [(Net::Coverage, shrinks), (Net::Baseline, others)] {
        failures.extend(changed(net, &changes));
    }
    if baseline.is_none() {
        let reason = "there is none: look at the figures, then write it with --bless";
        failures.push(Failure {
            can_be_blessed: true,
            ..Failure::new(Net::Baseline, "the baseline", reason)
        });
    }
    Judgement {
        passed: passed(run, &failures, &now, is_complete),
        failures,
        changes,
        is_complete,
    }
}

impl Failure {
    fn new(net: Net, what: impl Into<String>, reason: impl Into<String>) -> Failure {
        Failure {
            net,
            what: what.into(),
            reasons: vec![reason.into()],
            see: None,
            can_be_blessed: false,
        }
    }
}

/// What has changed, cell by cell.
fn changed(net: Net, changes: &[&Change]) -> Vec<Failure> {
    let cells = changes.chunk_by(|one, next| one.cell() == next.cell());
    let failure = |cell: &[&Change]| Failure {
        reasons: cell.iter().map(|change| change.what()).collect(),
        can_be_blessed: true,
        ..Failure::new(net, cell[0].cell().unwrap_or("the run"), "")
    };
    cells.map(failure).collect()
}

/// Why nothing can be concluded.
fn broken(verdict: &Verdict) -> Option<String> {
    match &verdict.status {
        Status::Error(reason) => Some(format!("the exploration broke down: {reason}")),
        _ => None,
    }
}

/// Whether every cell and every control was explored to its end.
fn is_complete(run: &Run) -> bool {
    let cells = run.checked.iter().map(|checked| &checked.verdict);
    let controls = run.tried.iter().map(|tried| &tried.verdict);
    cells.chain(controls).all(Verdict::is_exhaustive)
}

/// The cells that were not explored to the end. An interrupted run has many.
fn open(run: &Run) -> Option<Failure> {
    let open =
        |verdict: &Verdict| !matches!(verdict.status, Status::Error(_)) && !verdict.is_exhaustive();
    let cells = run.checked.iter().map(|checked| &checked.verdict);
    let cells = cells.filter(|verdict| open(verdict));
    let mut names: Vec<String> = cells.map(|verdict| verdict.cell.to_string()).collect();
    let controls = run.tried.iter().filter(|tried| open(&tried.verdict));
    names.extend(controls.map(Tried::name));
    let first = names.first()?;
    let what = match names.len() {
        1 => first.clone(),
        more => format!("{first} and {} others", more - 1),
    };
    Some(Failure::new(Net::Verdicts, what, "not explored to the end"))
}

fn verdict(checked: &Checked) -> Option<Failure> {
    let mut reasons: Vec<String> = broken(&checked.verdict).into_iter().collect();
    if checked.differs() {
        let facts = facts(checked).into_iter();
        reasons.extend(facts.map(|(what, fact)| format!("{what}: {fact}")));
    }
    let seen = !checked.verdict.reachable.is_empty();
    (!reasons.is_empty()).then(|| Failure {
        net: Net::Verdicts,
        what: checked.verdict.cell.to_string(),
        reasons,
        see: seen.then(|| how_to_see(checked)),
        can_be_blessed: false,
    })
}

fn control(tried: &Tried) -> Option<Failure> {
    let found = tried.verdict.kinds();
    let names = |kinds: &mut dyn Iterator<Item = &Kind>| {
        kinds.map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
    };
    let mut reasons: Vec<String> = broken(&tried.verdict).into_iter().collect();
    let missed = names(&mut tried.control.kinds.difference(&found));
    // What an open search has not found it may yet find.
    if !missed.is_empty() && tried.verdict.is_exhaustive() {
        let found = match found.is_empty() {
            true => "nothing".to_owned(),
            false => names(&mut found.iter()),
        };
        reasons.push(format!("not caught: {missed}; reachable is {found}"));
        reasons.push(format!("the file's reason: {}", tried.control.because));
    }
    (!reasons.is_empty()).then(|| Failure {
        net: Net::Controls,
        what: tried.name(),
        reasons,
        see: tried.explain.clone(),
        can_be_blessed: false,
    })
}

/// Controls that nobody could tell from others.
fn twice(run: &Run) -> Vec<Failure> {
    let mut seen = BTreeSet::new();
    let names = run.tried.iter().map(Tried::name);
    let again = names.filter(|name| !seen.insert(name.clone()));
    again
        .map(|name| Failure::new(Net::Controls, name, "this control is there twice"))
        .collect()
}

/// What each net has let through.
fn passed(
    run: &Run,
    failures: &[Failure],
    now: &Baseline,
    is_complete: bool,
) -> Vec<(Net, String)> {
    let caught = |net| failures.iter().filter(|failure| failure.net == net).count();
    let expected = run.checked.iter();
    let expected = expected
        .filter(|c| c.verdict.as_expected() == Some(true))
        .count();
    let cells = counted(run.checked.len() as u64, "cell");
    let judged = match run.checked.len() == expected {
        true => "all as expected".to_owned(),
        false => format!("as expected where something is: {expected}"),
    };
    let tried = run.tried.iter();
    let tried = tried.filter(|t| t.verdict.is_exhaustive()).count();
    let sentence = |net| match net {
        Net::Verdicts => format!("{cells} explored exhaustively, {judged}"),
        Net::Controls if tried < run.tried.len() => {
            format!("not judged: {tried} of {} were tried", run.tried.len())
        }
        Net::Controls => format!("{} caught", counted(tried as u64, "control")),
        Net::Coverage | Net::Baseline if !is_complete => {
            "not judged: the run is not complete".to_owned()
        }
        Net::Coverage => "every step ran, and nothing reached before is out of reach".to_owned(),
        Net::Baseline => format!(
            "the traces of {} cells and controls are as blessed",
            now.len(run.lane)
        ),
    };
    let blessable = |net| {
        let mut caught = failures.iter().filter(|failure| failure.net == net);
        caught.all(|failure| failure.can_be_blessed)
    };
    let nets = Net::ALL.into_iter();
    nets.map(|net| match caught(net) {
        0 => (net, sentence(net)),
        n if blessable(net) => (net, format!("CHANGED: {n}, see below")),
        n => (net, format!("FAILED: {n}, see below")),
    })
    .collect()
}

impl Judgement {
    /// Whether nothing is wrong.
    pub fn passes(&self) -> bool {
        self.failures.is_empty()
    }

    /// Whether all that is wrong is that nobody has looked at what is new.
    pub fn can_be_blessed(&self) -> bool {
        self.failures.iter().all(|failure| failure.can_be_blessed)
    }

    /// What a reviewer needs: a line for each net, then what is wrong.
    pub fn text(&self, style: Style) -> String {
        let mut text = String::new();
        for (net, sentence) in &self.passed {
            let tone = match self.failures.iter().any(|failure| failure.net == *net) {
                true => Tone::Bad,
                false => Tone::Plain,
            };
            let line = format!("  {:<10}{sentence}", net.name());
            text += &(style.paint(tone, &line) + "\n");
        }
        for failure in &self.failures {
            text += &failure.text(style);
        }
        text
    }
}

impl Failure {
    /// What it is, why, and how to see it.
    pub fn text(&self, style: Style) -> String {
        let heading = format!("{}: {}", self.net, self.what);
        let mut text = format!("\n{}\n", style.paint(Tone::Bad, &heading));
        for reason in &self.reasons {
            for line in wrap(&format!("    {reason}"), style.width, 8) {
                text += &(line + "\n");
            }
        }
        // A command is kept on one line, so that it can be copied.
        if let Some(see) = &self.see {
            text += &format!("    {see}\n");
        }
        text
    }
}
