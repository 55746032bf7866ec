//! The answers in sentences.

use std::fmt::Write;

use super::{WhatIf, list, paragraph};
use crate::report::{Style, Tone};
use crate::whatif::Combination;
use crate::whatif::answers::{Effect, Minimal, Redundancy, Single};

/// Which sets of changes make everything hold.
pub(super) fn answer(told: &WhatIf, style: Style) -> String {
    let (answers, from) = (told.answers, &told.plan.from.typed);
    let plain = |text: &str| paragraph(text, 0, 0, Tone::Plain, style);
    if answers.judged.is_empty() {
        return plain("Every scenario fails whatever is varied: no set of these changes helps.");
    }
    let judged = judged(told);
    let all = &answers.all;
    let mut text = match all.sets.first() {
        Some(smallest) if smallest.size() == 0 => {
            return paragraph(
                &format!("{from} as it is makes {judged} hold: no change is needed."),
                0,
                0,
                Tone::Good,
                style,
            );
        }
        Some(smallest) => {
            let mut sentence = String::new();
            if let Some(fewer) = none_with_fewer(all, smallest.size()) {
                sentence += &format!("{fewer} to {from} makes {judged} hold. ");
                sentence += if all.sets.len() == 1 {
                    "This set of changes does, and no part of it:"
                } else {
                    "These sets of changes do, and no part of any of them:"
                };
            } else if all.sets.len() == 1 {
                write!(
                    sentence,
                    "This makes {judged} hold on {from}, and no part of it does:"
                )
                .expect("a text takes any text");
            } else {
                write!(
                    sentence,
                    "Each of these makes {judged} hold on {from}, and no part of any of them does:"
                )
                .expect("a text takes any text");
            }
            plain(&sentence)
        }
        None if all.doubtful.is_empty() && all.open.is_empty() => {
            plain(&format!("No combination makes {judged} hold."))
        }
        None => String::new(),
    };
    for set in &all.sets {
        let hanging = told.letters(set).len() + 2;
        text += &paragraph(&spelt(told, set), 2, hanging, Tone::Good, style);
    }
    if !all.doubtful.is_empty() {
        text += &plain(&format!(
            "These make {judged} hold, but of some part of each it is not known whether it does \
             already: {}.",
            told.any_of(&all.doubtful)
        ));
    }
    if !all.open.is_empty() {
        text += &plain(&format!(
            "Not known, for lack of finished cells: whether {judged} would hold with {}.",
            told.any_of(&all.open)
        ));
    }
    text
}

/// `all 7 scenarios`, without those that are set apart.
fn judged(told: &WhatIf) -> String {
    let answers = told.answers;
    match (answers.judged.len(), answers.always_fail.is_empty()) {
        (1, true) => "the scenario".to_owned(),
        (1, false) => "the one scenario that does not always fail".to_owned(),
        (count, true) => format!("all {count} scenarios"),
        (count, false) => format!("all {count} scenarios that do not always fail"),
    }
}

/// The beginning of a sentence, if it is known that nothing smaller will do.
fn none_with_fewer(all: &Minimal, smallest: usize) -> Option<String> {
    let unknown = all.open.iter().chain(&all.doubtful);
    if smallest < 2 || unknown.map(Combination::size).any(|size| size < smallest) {
        return None;
    }
    Some(match smallest {
        2 => "No single change".to_owned(),
        _ => format!("No set of fewer than {smallest} changes"),
    })
}

/// `a+c  end-ref=get-page (073861ed77) and wait-on-writeback=while (c2407cf7d22d)`.
fn spelt(told: &WhatIf, set: &Combination) -> String {
    let name = |change| format!("{} ({})", told.name(change), told.source(change));
    format!(
        "{}  {}",
        told.letters(set),
        list(set.changes().map(name), "and")
    )
}

/// The scenarios that do not depend on what is varied.
pub(super) fn set_apart(told: &WhatIf, style: Style) -> String {
    let answers = told.answers;
    let mut text = String::new();
    if !answers.always_fail.is_empty() {
        let line = format!(
            "Set apart, for these fail whatever is varied: {}.",
            list(
                answers.always_fail.iter().map(|case| {
                    format!("{} ({})", told.plan.cases[*case], told.kinds(0, *case))
                }),
                "and"
            )
        );
        text += &paragraph(&line, 0, 2, Tone::Plain, style);
    }
    if !answers.always_hold.is_empty() {
        let line = format!(
            "These hold whatever is varied: {}.",
            told.cases(&answers.always_hold)
        );
        text += &paragraph(&line, 0, 2, Tone::Faint, style);
    }
    text
}

/// What makes each scenario alone hold.
pub(super) fn each(told: &WhatIf, style: Style) -> String {
    let answers = told.answers;
    let always = |case: &&usize| !answers.always_hold.contains(case);
    let cases: Vec<usize> = answers.judged.iter().filter(always).copied().collect();
    if cases.len() < 2 {
        return String::new();
    }
    let name = |case: usize| told.plan.cases[case].to_string();
    let width = cases
        .iter()
        .map(|case| name(*case).len())
        .max()
        .unwrap_or(0);
    let heading = "What each scenario alone needs";
    let mut text = paragraph(heading, 0, 0, Tone::Strong, style);
    for case in cases {
        let minimal = &answers.each[case];
        let mut needs = Vec::new();
        if !minimal.sets.is_empty() {
            needs.push(told.any_of(&minimal.sets));
        }
        if !minimal.doubtful.is_empty() {
            needs.push(format!(
                "{} or a part of it",
                told.any_of(&minimal.doubtful)
            ));
        }
        if !minimal.open.is_empty() {
            needs.push(format!("not known of {}", told.any_of(&minimal.open)));
        }
        let line = format!("{:<width$}  {}", name(case), needs.join("; "));
        text += &paragraph(&line, 2, width + 2, Tone::Plain, style);
    }
    text
}

/// What each change does by itself.
pub(super) fn alone(told: &WhatIf, style: Style) -> String {
    let heading = "What each change alone does";
    let mut text = paragraph(heading, 0, 0, Tone::Strong, style);
    for single in &told.answers.singles {
        let line = format!("{}  {}", told.letter(single.change), effects(told, single));
        text += &paragraph(&line, 2, 3, Tone::Plain, style);
    }
    text
}

fn effects(told: &WhatIf, single: &Single) -> String {
    if !single.possible {
        return "cannot be had alone".to_owned();
    }
    let mut effects = Vec::new();
    for (verb, cases) in [("cures", &single.cures), ("breaks", &single.breaks)] {
        if !cases.is_empty() {
            effects.push(format!("{verb} {}", told.cases(cases)));
        } else if single.open.is_empty() {
            effects.push(format!("{verb} nothing"));
        }
    }
    if !single.open.is_empty() {
        effects.push(format!("not known of {}", told.cases(&single.open)));
    }
    effects.join("; ")
}

/// Where each change is not needed.
pub(super) fn redundancies(told: &WhatIf, style: Style) -> String {
    if told.answers.judged.is_empty() {
        return String::new();
    }
    let heading = "What can be taken back, and everything still holds";
    let mut text = paragraph(heading, 0, 0, Tone::Strong, style);
    for redundancy in &told.answers.redundancies {
        let letter = told.letter(redundancy.change);
        let line = format!("{letter}  {}", taken_back(told, redundancy));
        text += &paragraph(&line, 2, 3, Tone::Plain, style);
    }
    text
}

fn taken_back(told: &WhatIf, redundancy: &Redundancy) -> String {
    let those = match redundancy.holding {
        1 => "the 1 set that holds with it".to_owned(),
        holding => format!("the {holding} sets that hold with it"),
    };
    let mut text = match (redundancy.holding, redundancy.redundant) {
        (0, _) => "is in no set that is known to hold".to_owned(),
        (_, 0) if redundancy.open == 0 => format!("never: needed in {those}"),
        (holding, redundant) if holding == redundant => format!("always: in {those}"),
        (_, redundant) => format!("in {redundant} of {those}"),
    };
    if redundancy.open > 0 {
        text += &format!(", and not known of {} more", redundancy.open);
    }
    if redundancy.redundant > 0 {
        text += &format!(": given {}", told.any_of(&redundancy.given));
    }
    text += match redundancy.effect {
        Effect::OnFates => "",
        Effect::OnKinds => "; it never decides whether a scenario holds, only what is found",
        Effect::Nothing => "; it never makes any difference, not even to what is found",
        Effect::Open => "; whether it makes any difference at all is not known",
    };
    text
}
