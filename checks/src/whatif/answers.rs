//! What the verdicts of all combinations mean.
//!
//! Changes need not add up: one may undo what another has done. So nothing is
//! concluded from one combination about another, and a set of changes is
//! called minimal if none of its parts holds, not only none that lacks one.

use std::collections::{BTreeSet, HashMap};

use stalewake_model::violation::Kind;

use super::combination::{Change, Combination};
use crate::verdict::{Status, Verdict};

/// Whether a kernel holds in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Every schedule was explored, and nothing was found.
    Holds,
    /// Something fatal or a hazard was found.
    Fails,
    /// Nothing was found, but not all was explored; or the exploration broke
    /// down.
    Open,
}

/// What was found in one case of one combination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it holds.
    pub fate: Fate,
    /// What was found; all that there is unless that is open.
    pub kinds: BTreeSet<Kind>,
    /// Whether every schedule was explored.
    pub exhaustive: bool,
}

impl Finding {
    /// What a verdict comes to.
    pub fn of(verdict: &Verdict) -> Finding {
        Finding {
            fate: match (&verdict.status, verdict.holds()) {
                (Status::Error(_), _) | (_, None) => Fate::Open,
                (_, Some(true)) => Fate::Holds,
                (_, Some(false)) => Fate::Fails,
            },
            kinds: verdict.kinds(),
            exhaustive: verdict.is_exhaustive(),
        }
    }
}

/// The sets of changes that make something hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Minimal {
    /// They hold, and no part of them does.
    pub sets: Vec<Combination>,
    /// They hold, no part is known to, and of some part it is open.
    pub doubtful: Vec<Combination>,
    /// It is open whether they hold, and no part is known to.
    pub open: Vec<Combination>,
}

/// What one change does by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Single {
    /// The change.
    pub change: Change,
    /// Whether there is a kernel with this change and no other.
    pub possible: bool,
    /// The cases that fail without it and hold with it.
    pub cures: Vec<usize>,
    /// The cases that hold without it and fail with it.
    pub breaks: Vec<usize>,
    /// The cases of which this is not known.
    pub open: Vec<usize>,
}

/// What a change does in any combination at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Somewhere it decides whether a case holds.
    OnFates,
    /// Nowhere that, but somewhere on what is found.
    OnKinds,
    /// None.
    Nothing,
    /// Not known.
    Open,
}

/// In which sets that hold a change is not needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redundancy {
    /// The change.
    pub change: Change,
    /// What it does in any combination.
    pub effect: Effect,
    /// How many sets hold and have it.
    pub holding: usize,
    /// How many of these hold without it as well.
    pub redundant: usize,
    /// Of how many that is open.
    pub open: usize,
    /// The sets that make it redundant: they hold with it and without it, and
    /// no part of them is such a set.
    pub given: Vec<Combination>,
}

/// A combination that fails, and that one more change would make hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// The combination.
    pub combination: usize,
    /// The changes each of which would do.
    pub lacks: Vec<Change>,
    /// Whether one of these leads to a minimal set.
    pub of_minimal: bool,
    /// The cases that fail.
    pub failing: Vec<usize>,
}

/// All that the verdicts say. Cases are numbered as in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The cases that fail in every combination: nothing here is about them.
    pub always_fail: Vec<usize>,
    /// The cases that hold in every combination.
    pub always_hold: Vec<usize>,
    /// The cases that must hold: all but those that always fail.
    pub judged: Vec<usize>,
    /// How many pairs of a combination and a case are open.
    pub open: usize,
    /// What makes every judged case hold.
    pub all: Minimal,
    /// What makes each case hold, the judged and the others.
    pub each: Vec<Minimal>,
    /// What each change does by itself.
    pub singles: Vec<Single>,
    /// Where each change is not needed.
    pub redundancies: Vec<Redundancy>,
    /// What is just outside, with fewer changes first.
    pub outside: Vec<Outside>,
}

impl Answers {
    /// The answers from what was found: for each combination all cases. The
    /// combination without a change must be the first.
    pub fn new(combinations: &[Combination], findings: &[Vec<Finding>]) -> Answers {
        let lattice = Lattice::new(combinations, findings);
        let changes: BTreeSet<Change> = combinations.iter().flat_map(|c| c.changes()).collect();
        let all = lattice.minimal(&lattice.fates);
        let single = |change: &Change| lattice.single(*change);
        let redundancy = |change: &Change| lattice.redundancy(*change);
        Answers {
            always_fail: lattice.always(Fate::Fails),
            always_hold: lattice.always(Fate::Holds),
            open: lattice.open(),
            each: lattice.cases().map(|case| lattice.each(case)).collect(),
            singles: changes.iter().map(single).collect(),
            redundancies: changes.iter().map(redundancy).collect(),
            outside: lattice.outside(&all),
            all,
            judged: lattice.judged,
        }
    }
}

/// The combinations with what was found.
struct Lattice<'a> {
    combinations: &'a [Combination],
    places: HashMap<&'a Combination, usize>,
    findings: &'a [Vec<Finding>],
    judged: Vec<usize>,
    /// Whether all judged cases hold, for each combination.
    fates: Vec<Fate>,
}

impl<'a> Lattice<'a> {
    fn new(combinations: &'a [Combination], findings: &'a [Vec<Finding>]) -> Lattice<'a> {
        let places = combinations.iter().enumerate().map(|(n, c)| (c, n));
        let mut lattice = Lattice {
            combinations,
            places: places.collect(),
            findings,
            judged: Vec::new(),
            fates: Vec::new(),
        };
        let set_apart = lattice.always(Fate::Fails);
        let cases = lattice.cases();
        lattice.judged = cases.filter(|case| !set_apart.contains(case)).collect();
        let fate = |findings: &Vec<Finding>| {
            let fates = || lattice.judged.iter().map(|case| findings[*case].fate);
            match () {
                () if fates().any(|fate| fate == Fate::Fails) => Fate::Fails,
                () if fates().any(|fate| fate == Fate::Open) => Fate::Open,
                () => Fate::Holds,
            }
        };
        lattice.fates = findings.iter().map(fate).collect();
        lattice
    }

    fn cases(&self) -> std::ops::Range<usize> {
        0..self.findings.first().map_or(0, Vec::len)
    }

    fn always(&self, fate: Fate) -> Vec<usize> {
        let always = |case: &usize| self.findings.iter().all(|found| found[*case].fate == fate);
        self.cases().filter(always).collect()
    }

    fn open(&self) -> usize {
        let findings = self.findings.iter().flatten();
        findings.filter(|found| found.fate == Fate::Open).count()
    }

    fn each(&self, case: usize) -> Minimal {
        let fates = self.findings.iter().map(|found| found[case].fate);
        self.minimal(&fates.collect::<Vec<_>>())
    }

    fn minimal(&self, fates: &[Fate]) -> Minimal {
        let mut minimal = Minimal::default();
        // What fails matters to nobody, and of the rest smaller ones come
        // first: a part of a combination stands before it.
        let mut smaller: Vec<(usize, Fate)> = Vec::new();
        for (place, fate) in fates.iter().enumerate() {
            if *fate == Fate::Fails {
                continue;
            }
            let combination = &self.combinations[place];
            let part =
                |(part, _): &&(usize, Fate)| self.combinations[*part].is_part_of(combination);
            let parts = || smaller.iter().filter(part).map(|(_, fate)| *fate);
            if !parts().any(|fate| fate == Fate::Holds) {
                match (fate, parts().any(|fate| fate == Fate::Open)) {
                    (Fate::Holds, false) => &mut minimal.sets,
                    (Fate::Holds, true) => &mut minimal.doubtful,
                    (Fate::Open | Fate::Fails, _) => &mut minimal.open,
                }
                .push(combination.clone());
                smaller.push((place, *fate));
            }
        }
        minimal
    }

    fn single(&self, change: Change) -> Single {
        let alone = self
            .combinations
            .iter()
            .position(|combination| combination.size() == 1 && combination.has(change));
        let mut single = Single {
            change,
            possible: alone.is_some(),
            cures: Vec::new(),
            breaks: Vec::new(),
            open: Vec::new(),
        };
        let Some(alone) = alone else {
            return single;
        };
        for case in self.cases() {
            match (self.findings[0][case].fate, self.findings[alone][case].fate) {
                (Fate::Fails, Fate::Holds) => single.cures.push(case),
                (Fate::Holds, Fate::Fails) => single.breaks.push(case),
                (Fate::Open, _) | (_, Fate::Open) => single.open.push(case),
                (Fate::Holds, Fate::Holds) | (Fate::Fails, Fate::Fails) => {}
            }
        }
        single
    }

    /// The combinations with a change, each with the one without it.
    fn pairs(&self, change: Change) -> impl Iterator<Item = (usize, usize)> + '_ {
        let with = self.combinations.iter().enumerate();
        with.filter(move |(_, combination)| combination.has(change))
            .filter_map(move |(place, combination)| {
                let without = self.places.get(&combination.without(change))?;
                Some((place, *without))
            })
    }

    fn effect(&self, change: Change) -> Effect {
        let mut effect = None;
        for (with, without) in self.pairs(change) {
            for (with, without) in self.findings[with].iter().zip(&self.findings[without]) {
                let here = match (with.fate, without.fate) {
                    (Fate::Open, _) | (_, Fate::Open) => Effect::Open,
                    (with, without) if with != without => return Effect::OnFates,
                    _ if !with.exhaustive || !without.exhaustive => Effect::Open,
                    _ if with.kinds != without.kinds => Effect::OnKinds,
                    _ => Effect::Nothing,
                };
                effect = match (effect, here) {
                    (Some(Effect::Open), _) | (_, Effect::Open) => Some(Effect::Open),
                    (Some(Effect::OnKinds), _) => effect,
                    _ => Some(here),
                };
            }
        }
        effect.unwrap_or(Effect::Open)
    }

    fn redundancy(&self, change: Change) -> Redundancy {
        let mut redundancy = Redundancy {
            change,
            effect: self.effect(change),
            holding: 0,
            redundant: 0,
            open: 0,
            given: Vec::new(),
        };
        for (with, without) in self.pairs(change) {
            if self.fates[with] != Fate::Holds {
                continue;
            }
            redundancy.holding += 1;
            match self.fates[without] {
                Fate::Fails => {}
                Fate::Open => redundancy.open += 1,
                Fate::Holds => {
                    redundancy.redundant += 1;
                    let rest = &self.combinations[without];
                    if !redundancy.given.iter().any(|given| given.is_part_of(rest)) {
                        redundancy.given.push(rest.clone());
                    }
                }
            }
        }
        redundancy
    }

    fn outside(&self, all: &Minimal) -> Vec<Outside> {
        let mut outside: Vec<Outside> = Vec::new();
        let mut places: HashMap<usize, usize> = HashMap::new();
        for (place, combination) in self.combinations.iter().enumerate() {
            if self.fates[place] != Fate::Holds {
                continue;
            }
            for change in combination.changes() {
                let Some(without) = self.places.get(&combination.without(change)) else {
                    continue;
                };
                if self.fates[*without] != Fate::Fails {
                    continue;
                }
                let at = *places.entry(*without).or_insert_with(|| {
                    outside.push(self.failing(*without));
                    outside.len() - 1
                });
                outside[at].lacks.push(change);
                outside[at].of_minimal |= all.sets.contains(combination);
            }
        }
        outside.sort_by_key(|outside| outside.combination);
        outside
    }

    fn failing(&self, combination: usize) -> Outside {
        let fails = |case: &&usize| self.findings[combination][**case].fate == Fate::Fails;
        Outside {
            combination,
            lacks: Vec::new(),
            of_minimal: false,
            failing: self.judged.iter().filter(fails).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests;
