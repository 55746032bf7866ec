//! Lattices made by hand.

use stalewake_model::violation::Kind::{BugOnWriteback, ForeignRead, StaleWakeup};

use super::*;

const HOLDS: Fate = Fate::Holds;
const FAILS: Fate = Fate::Fails;
const OPEN: Fate = Fate::Open;

fn finding(fate: Fate) -> Finding {
    Finding {
        fate,
        kinds: match fate {
            Fate::Fails => [BugOnWriteback].into(),
            Fate::Holds | Fate::Open => BTreeSet::new(),
        },
        exhaustive: fate != Fate::Open,
    }
}

/// Axes of two alternatives, and for each combination all cases.
struct Hand {
    combinations: Vec<Combination>,
    findings: Vec<Vec<Finding>>,
}

impl Hand {
    fn new(axes: usize, fates: impl Fn(&[bool]) -> Vec<Fate>) -> Hand {
        let combinations = Combination::all(&vec![2; axes]);
        let findings = combinations.iter().map(|combination| {
            let has: Vec<bool> = (0..axes)
                .map(|axis| combination.has(change(axis)))
                .collect();
            fates(&has).into_iter().map(finding).collect()
        });
        Hand {
            findings: findings.collect(),
            combinations,
        }
    }

    fn answers(&self) -> Answers {
        Answers::new(&self.combinations, &self.findings)
    }
}

fn holds_if(holds: bool) -> Fate {
    if holds { HOLDS } else { FAILS }
}

fn change(axis: usize) -> Change {
    Change {
        axis,
        alternative: 1,
    }
}

fn sets<const N: usize>(sets: &[[usize; N]]) -> Vec<Combination> {
    sets.iter().map(|set| Combination::new(*set)).collect()
}

#[test]
fn two_that_are_needed_are_the_only_minimal_set() {
    let hand = Hand::new(2, |has| vec![holds_if(has[0]), holds_if(has[1])]);
    let answers = hand.answers();
    assert_eq!(answers.all.sets, sets(&[[1, 1]]));
    assert_eq!(answers.each[0].sets, sets(&[[1, 0]]));
    assert_eq!(answers.each[1].sets, sets(&[[0, 1]]));
    assert_eq!(answers.singles[0].cures, [0]);
    assert_eq!(answers.singles[1].cures, [1]);
    let outside: Vec<_> = answers.outside.iter().map(|o| o.combination).collect();
    assert_eq!(outside, [1, 2], "either alone, and not the kernel as it is");
    assert_eq!(answers.outside[0].lacks, [change(1)]);
    assert_eq!(answers.outside[0].failing, [1]);
    assert!(answers.redundancies.iter().all(|r| r.redundant == 0));
}

#[test]
fn either_of_two_makes_the_other_redundant() {
    let hand = Hand::new(2, |has| vec![holds_if(has[0] || has[1])]);
    let answers = hand.answers();
    assert_eq!(answers.all.sets, sets(&[[1, 0], [0, 1]]));
    let first = &answers.redundancies[0];
    assert_eq!((first.holding, first.redundant), (2, 1));
    assert_eq!(first.given, sets(&[[0, 1]]));
    assert_eq!(first.effect, Effect::OnFates);
}

#[test]
fn what_fails_whatever_is_varied_is_set_apart() {
    let hand = Hand::new(1, |has| vec![FAILS, holds_if(has[0]), HOLDS]);
    let answers = hand.answers();
    assert_eq!(answers.always_fail, [0]);
    assert_eq!(answers.always_hold, [2]);
    assert_eq!(answers.judged, [1, 2]);
    assert_eq!(answers.all.sets, sets(&[[1]]));
    assert_eq!(answers.outside[0].failing, [1]);
}

#[test]
fn changes_that_break_what_others_cure_are_seen() {
    // The second change cures, the first breaks that again unless the third
    // is there, and the third needs the first.
    let hand = Hand::new(3, |has| {
        vec![
            holds_if(has[1] && (!has[0] || has[2])),
            holds_if(!has[2] || has[0]),
        ]
    });
    let answers = hand.answers();
    assert_eq!(answers.all.sets, sets(&[[0, 1, 0]]));
    assert_eq!(
        answers.each[1].sets,
        sets(&[[0, 0, 0]]),
        "it holds as it is"
    );
    assert_eq!(answers.singles[2].breaks, [1]);
    let third = &answers.redundancies[2];
    assert_eq!(
        (third.holding, third.redundant),
        (1, 0),
        "needed with the first"
    );
}

#[test]
fn a_set_that_holds_again_after_a_gap_is_not_minimal() {
    // Nothing holds, one alone holds, two fail, three hold again.
    let hand = Hand::new(3, |has| {
        vec![match has {
            [true, false, false] | [true, true, true] => HOLDS,
            _ => FAILS,
        }]
    });
    assert_eq!(hand.answers().all.sets, sets(&[[1, 0, 0]]));
}

#[test]
fn a_change_without_any_effect_is_called_that() {
    let mut hand = Hand::new(2, |has| vec![holds_if(has[0])]);
    assert_eq!(hand.answers().redundancies[1].effect, Effect::Nothing);
    // It changes what is found, and not whether something is.
    let both = hand.combinations.len() - 1;
    hand.findings[both][0].kinds.insert(StaleWakeup);
    assert_eq!(hand.answers().redundancies[1].effect, Effect::OnKinds);
}

#[test]
fn nothing_is_claimed_of_what_is_open() {
    let hand = Hand::new(2, |has| {
        vec![match has {
            [true, false] => OPEN,
            [true, true] => HOLDS,
            _ => FAILS,
        }]
    });
    let answers = hand.answers();
    assert_eq!(answers.open, 1);
    assert_eq!(answers.all.sets, []);
    assert_eq!(answers.all.doubtful, sets(&[[1, 1]]));
    assert_eq!(answers.all.open, sets(&[[1, 0]]));
    assert_eq!(answers.singles[0].open, [0]);
    let second = &answers.redundancies[1];
    assert_eq!((second.holding, second.redundant, second.open), (1, 0, 1));
    assert_eq!(second.effect, Effect::Open);
    assert_eq!(answers.outside.len(), 1, "the first is not known to fail");
}

#[test]
fn an_open_case_is_not_set_apart() {
    let hand = Hand::new(1, |has| vec![if has[0] { OPEN } else { FAILS }]);
    let answers = hand.answers();
    assert_eq!(
        (&answers.always_fail[..], &answers.judged[..]),
        (&[][..], &[0][..])
    );
    assert_eq!(answers.all.open, sets(&[[1]]));
}

#[test]
fn a_violation_found_counts_even_if_the_search_was_not_finished() {
    let mut hand = Hand::new(1, |has| vec![holds_if(has[0])]);
    hand.findings[0][0].exhaustive = false;
    assert_eq!(hand.answers().all.sets, sets(&[[1]]));
    // But what else it would have found is not known.
    hand.findings[1][0] = finding(FAILS);
    assert_eq!(hand.answers().redundancies[0].effect, Effect::Open);
}

#[test]
fn three_alternatives_are_three_ways() {
    let combinations = Combination::all(&[3, 2]);
    let fates = |combination: &Combination| {
        let second = Change {
            axis: 0,
            alternative: 2,
        };
        holds_if(
            combination.has(second) || combination.has(change(0)) && combination.has(change(1)),
        )
    };
    let findings: Vec<Vec<Finding>> = combinations
        .iter()
        .map(|c| vec![finding(fates(c))])
        .collect();
    let answers = Answers::new(&combinations, &findings);
    assert_eq!(answers.all.sets, sets(&[[2, 0], [1, 1]]));
    assert_eq!(answers.singles.len(), 3);
}

#[test]
fn combinations_that_cannot_be_are_not_missed() {
    let mut hand = Hand::new(2, |has| vec![holds_if(has[0])]);
    // The first change alone is no kernel.
    let alone = 1;
    hand.combinations.remove(alone);
    hand.findings.remove(alone);
    let answers = hand.answers();
    assert_eq!(answers.all.sets, sets(&[[1, 1]]));
    assert!(!answers.singles[0].possible);
    assert_eq!(
        answers.redundancies[1].effect,
        Effect::Nothing,
        "seen with nothing else"
    );
}

#[test]
fn a_breakdown_is_open_whatever_it_has_seen() {
    let verdict = |status| Verdict {
        status,
        ..crate::report::fixture::verdict(&[ForeignRead], &[])
    };
    let fate = |status| Finding::of(&verdict(status)).fate;
    assert_eq!(fate(Status::Complete), FAILS);
    assert_eq!(fate(Status::Incomplete), FAILS);
    assert_eq!(fate(Status::Error("too long".to_owned())), OPEN);
}
