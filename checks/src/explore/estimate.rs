//! How large a search will turn out to be.
//!
//! The schedules that a search runs are the leaves of a tree, which it walks
//! depth first. Knuth (Mathematics of Computation 29, 1975) estimates the size
//! of a tree from random paths; a walk in a fixed order is no such sample, so
//! this is the recursive estimator of Kilby, Slaney, Thiébaux and Walsh
//! (Estimating Search Tree Size, AAAI 2006), which uses all that the walk
//! knows: below a choice, what is done counts as it was, and the current thread
//! with its own estimate. A thread still to be explored counts as much as the
//! one that was explored first there, times how much smaller than the first
//! the later ones were on the mean where the walk is done with a choice: the
//! sleep sets see to it that they are.
//!
//! What it estimates is the number of executions, redundant ones included. It
//! is neither a lower nor an upper bound, and often wrong by a factor of three
//! at the beginning. It becomes better as choices close to the root are done
//! with, and when nothing is left it is the true number.

use stalewake_model::sync::ThreadId;

/// A choice on the way to the latest execution.
struct Passed {
    /// Who was chosen.
    thread: ThreadId,
    /// How many executions were over when this one was chosen.
    since: u64,
    /// How many executions began with who was chosen first, if that is over.
    first: Option<u64>,
    /// How many with those who were chosen later, without the current one, and
    /// how many threads these were.
    later: u64,
    others: u64,
}

impl Passed {
    /// What is over with the current thread.
    fn next(&mut self, thread: ThreadId, now: u64) {
        let size = now - self.since;
        match self.first {
            None => self.first = Some(size),
            Some(_) => {
                self.later += size;
                self.others += 1;
            }
        }
        self.thread = thread;
        self.since = now;
    }
}

/// What must be remembered of the walk.
#[derive(Default)]
pub(super) struct Estimator {
    path: Vec<Passed>,
    /// Of choices that are done with: executions that began with who was first
    /// there, and, of each of the others, on the mean.
    first: f64,
    later: f64,
}

impl Estimator {
    /// An execution is over, in which these threads took a step each. It was
    /// the next after `before` others.
    pub(super) fn count(&mut self, threads: impl Iterator<Item = ThreadId>, before: u64) {
        for (step, thread) in threads.enumerate() {
            match self.path.get_mut(step) {
                Some(passed) if passed.thread == thread => {}
                Some(passed) => {
                    passed.next(thread, before);
                    self.close_from(step + 1, before);
                }
                None => self.path.push(Passed {
                    thread,
                    since: before,
                    first: None,
                    later: 0,
                    others: 0,
                }),
            }
        }
    }

    /// Leaves the choices from `step` on for good.
    fn close_from(&mut self, step: usize, now: u64) {
        for mut passed in self.path.drain(step..) {
            passed.next(passed.thread, now);
            if let (Some(first), 1..) = (passed.first, passed.others) {
                self.first += first as f64;
                self.later += passed.later as f64 / passed.others as f64;
            }
        }
    }

    /// How large those who are explored later are, beside the first.
    fn shrinkage(&self) -> f64 {
        if self.first > 0.0 {
            (self.later / self.first).min(1.0)
        } else {
            1.0
        }
    }

    /// How many executions there will have been in the end, once there was one.
    /// This is known of each choice on the way to the latest: how many threads
    /// were explored there before, and how many are still to be.
    pub(super) fn total(
        &self,
        widths: impl ExactSizeIterator<Item = (usize, usize)> + DoubleEndedIterator,
    ) -> f64 {
        let shrinkage = self.shrinkage();
        let mut below = 1.0;
        for (passed, (_, open)) in self.path.iter().zip(widths).rev() {
            let first = passed.first.map_or(below, |first| first as f64);
            let done = passed.first.unwrap_or(0) + passed.later;
            // A long path of wide choices can go beyond all numbers.
            below = (done as f64 + below + open as f64 * first * shrinkage).min(f64::MAX);
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
            estimates.push(estimator.total(widths.into_iter()));
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
            last = estimator.total(widths.collect::<Vec<_>>().into_iter());
            assert!(last.is_finite() && last >= (before + 1) as f64, "{last}");
        }
        assert_eq!(last, 4.0);
    }

    #[test]
    fn an_endless_path_has_a_finite_estimate() {
        let mut estimator = Estimator::default();
        estimator.count(std::iter::repeat_n(ThreadId(0), 4_000), 0);
        let widths = std::iter::repeat_n((0, 3), 4_000);
        let total = estimator.total(widths.collect::<Vec<_>>().into_iter());
        assert!(total.is_finite(), "{total}");
    }
}
