//! A choice on every axis.

/// One alternative of one axis, other than the one that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change {
    /// The axis.
    pub axis: usize,
    /// Its alternative, from 1.
    pub alternative: usize,
}

/// For each axis the number of an alternative; 0 is the one that the kernel
/// has before anything is changed. So a combination is a set of changes, at
/// most one for each axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Combination(Vec<usize>);

impl Combination {
    /// The combination with these alternatives.
    pub fn new(alternatives: impl Into<Vec<usize>>) -> Combination {
        Combination(alternatives.into())
    }

    /// Every combination of axes with so many alternatives each, those with
    /// fewer changes first.
    pub fn all(alternatives: &[usize]) -> Vec<Combination> {
        let mut all = vec![Vec::new()];
        for count in alternatives {
            all = all
                .iter()
                .flat_map(|prefix: &Vec<usize>| {
                    (0..*count).map(|alternative| [&prefix[..], &[alternative]].concat())
                })
                .collect();
        }
        let mut all: Vec<Combination> = all.into_iter().map(Combination).collect();
        all.sort_by(|one, other| {
            let order = one.size().cmp(&other.size());
            order.then_with(|| one.changes().cmp(other.changes()))
        });
        all
    }

    /// What is changed, in the order of the axes.
    pub fn changes(&self) -> impl Iterator<Item = Change> + '_ {
        let changed = self.0.iter().enumerate();
        changed
            .filter(|(_, alternative)| **alternative != 0)
            .map(|(axis, alternative)| Change {
                axis,
                alternative: *alternative,
            })
    }

    /// How many changes these are.
    pub fn size(&self) -> usize {
        self.changes().count()
    }

    /// Whether this change is among them.
    pub fn has(&self, change: Change) -> bool {
        self.0[change.axis] == change.alternative
    }

    /// The same with an axis as it was before anything was changed.
    #[must_use]
    pub fn without(&self, change: Change) -> Combination {
        let mut alternatives = self.0.clone();
        alternatives[change.axis] = 0;
        Combination(alternatives)
    }

    /// Whether the other has all of these changes, and more.
    pub fn is_part_of(&self, other: &Combination) -> bool {
        self != other && self.changes().all(|change| other.has(change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combination(alternatives: &[usize]) -> Combination {
        Combination::new(alternatives)
    }

    #[test]
    fn all_begin_with_no_change_and_end_with_the_most() {
        let all = Combination::all(&[2, 3]);
        let expected = [[0, 0], [1, 0], [0, 1], [0, 2], [1, 1], [1, 2]];
        assert_eq!(all, expected.map(|alternatives| combination(&alternatives)));
        assert_eq!(Combination::all(&[]), [combination(&[])]);
    }

    #[test]
    fn another_alternative_is_no_part() {
        let part =
            |one: &[usize], other: &[usize]| combination(one).is_part_of(&combination(other));
        assert!(part(&[0, 1], &[2, 1]));
        assert!(part(&[0, 0], &[0, 1]));
        assert!(!part(&[0, 1], &[0, 2]), "two changes of one axis");
        assert!(!part(&[0, 1], &[0, 1]), "not of itself");
    }

    #[test]
    fn a_change_is_taken_back() {
        let both = combination(&[1, 2]);
        let change = Change {
            axis: 1,
            alternative: 2,
        };
        assert!(both.has(change));
        assert_eq!(both.without(change), combination(&[1, 0]));
        assert_eq!(both.size(), 2);
    }
}
