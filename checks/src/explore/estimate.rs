//! How large a search will turn out to be.
//!
//! The schedules that a search runs are the leaves of a tree, which it walks
//! depth first. Knuth (Mathematics of Computation 29, 1975) estimates the size
//! of a tree from random paths; a walk in a fixed order is no such sample, so
//! this is the recursive estimator of Kilby, Slaney, Thiébaux and Walsh
//! (Estimating Search Tree Size, AAAI 2006), which uses all that the walk
//! knows: below a choice, what is done counts as it was, and each thread still
//! to be explored counts as much as the mean of those explored there, the
//! current one with its own estimate.
//!
//! What it estimates is the number of executions, redundant ones included. It
//! is neither a lower nor an upper bound, and biased both ways. Too low: the
//! reduction finds out on the way what else it must explore, and the estimate
//! knows nothing of it before. Too high: what is explored later at a choice is
//! smaller than what came first, because of the sleep sets. At the very start
//! the first is stronger, after a few hundredths of the search the second: in
//! the trunk, where every thread is explored, most of the late ones are soon
//! done with. Half way through a cell of some thousand executions the estimate
//! can be five times the true number. It becomes better as choices close to the
//! root are done with, and when nothing is left it is the true number.

use stalewake_model::sync::ThreadId;

/// A choice on the way to the latest execution.
struct Passed {
    /// Who was chosen.
    thread: ThreadId,
    /// How many executions were over when the search first came here.
    before: u64,
}

/// What must be remembered of the walk.
#[derive(Default)]
pub(super) struct Estimator {
    path: Vec<Passed>,
}

impl Estimator {
    /// An execution is over, in which these threads took a step each. It was
    /// the next after `before` others.
    pub(super) fn count(&mut self, threads: impl Iterator<Item = ThreadId>, before: u64) {
        for (step, thread) in threads.enumerate() {
            match self.path.get_mut(step) {
                Some(passed) if passed.thread == thread => {}
                Some(passed) => {
                    passed.thread = thread;
                    self.path.truncate(step + 1);
                }
                None => self.path.push(Passed { thread, before }),
            }
        }
    }

    /// How many executions there will have been in the end. So many have been,
    /// and this is known of each choice on the way to the latest: how many
    /// threads were explored there before, and how many are still to be.
    pub(super) fn total(
        &self,
        executions: u64,
        widths: impl ExactSizeIterator<Item = (usize, usize)> + DoubleEndedIterator,
    ) -> f64 {
        let mut below = 1.0;
        let mut since = executions.saturating_sub(1);
        for (passed, (explored, open)) in self.path.iter().zip(widths).rev() {
            let known = (since - passed.before) as f64 + below;
            let mean = known / (explored + 1) as f64;
            // A long path of wide choices can go beyond all numbers.
            below = (known + open as f64 * mean).min(f64::MAX);
            since = passed.before;
        }
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks the tree of all words of so many letters, each 0 or 1, and returns
    /// the estimate after each word.
    fn estimates(letters: usize) -> Vec<f64> {
        let words: Vec<Vec<u8>> = (0..1_u32 << letters)
            .map(|word| {
                (0..letters)
                    .rev()
                    .map(|at| (word >> at & 1) as u8)
                    .collect()
            })
            .collect();
        let mut estimator = Estimator::default();
        let mut estimates = Vec::new();
        for (before, word) in (0..).zip(&words) {
            estimator.count(word.iter().map(|letter| ThreadId(*letter)), before);
            let widths: Vec<(usize, usize)> = word
                .iter()
                .map(|letter| (usize::from(*letter), 1 - usize::from(*letter)))
                .collect();
            estimates.push(estimator.total(before + 1, widths.into_iter()));
        }
        estimates
    }

    #[test]
    fn of_an_even_tree_every_estimate_is_exact() {
        assert_eq!(estimates(5), [32.0; 32]);
    }

    #[test]
    fn of_a_comb_the_last_estimate_is_exact() {
        let words: [&[u8]; 4] = [&[0, 0, 0], &[0, 0, 1], &[0, 1], &[1]];
        let mut estimator = Estimator::default();
        let mut last = 0.0;
        for (before, word) in (0..).zip(words) {
            estimator.count(word.iter().map(|letter| ThreadId(*letter)), before);
            let widths = word.iter().map(|letter| match letter {
                0 => (0, 1),
                _ => (1, 0),
            });
            last = estimator.total(before + 1, widths.collect::<Vec<_>>().into_iter());
            assert!(last.is_finite() && last >= (before + 1) as f64, "{last}");
        }
        assert_eq!(last, 4.0);
    }

    #[test]
    fn an_endless_path_has_a_finite_estimate() {
        let mut estimator = Estimator::default();
        estimator.count(std::iter::repeat_n(ThreadId(0), 4_000), 0);
        let widths = std::iter::repeat_n((0, 3), 4_000);
        let total = estimator.total(1, widths.collect::<Vec<_>>().into_iter());
        assert!(total.is_finite(), "{total}");
    }
}
