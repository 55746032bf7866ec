//! What the programs of a comparison had in them.

use std::collections::BTreeSet;

use stalewake::explore::Findings;
use stalewake_model::sync::Ending;
use stalewake_model::violation::Kind;

use super::program::{End, Op, Outcome, Place, Script};

/// Counts what programs contained and reached, so that no comparison passes
/// for having been about nothing.
#[derive(Debug, Default)]
pub struct Tally {
    pub programs: usize,
    pub too_large: usize,
    executions: u64,
    redundant: u64,
    outcomes: usize,
    /// Kinds whose witness was run again.
    witnesses: usize,
    with_ghosts: usize,
    with_locks: usize,
    with_sleeps: usize,
    with_mail: usize,
    with_signals: usize,
    with_freezes: usize,
    with_words_handed_over: usize,
    reaching_halts: usize,
    reaching_hazards: usize,
    reaching_lost_wakeups: usize,
    reaching_poisoned_locks: usize,
    reaching_circles: usize,
    reaching_stuck_threads: usize,
    reaching_words_found: usize,
}

impl Tally {
    pub fn count(&mut self, script: &Script, findings: &Findings, outcomes: &BTreeSet<Outcome>) {
        let has = |sort| usize::from(script.contains(sort));
        let reach = |sort: fn(&Outcome) -> bool| usize::from(outcomes.iter().any(sort));
        let released =
            |outcome: &Outcome| outcome.threads.iter().any(|(_, end)| *end == End::Released);
        self.programs += 1;
        self.executions += findings.figures.executions;
        self.redundant += findings.figures.redundant;
        self.outcomes += outcomes.len();
        self.witnesses += findings.reachable.len();
        self.with_ghosts += usize::from(
            script.contains(|op| matches!(op, Op::Wipe { .. } | Op::Put { .. }))
                && script.contains(|op| matches!(op, Op::Check { .. })),
        );
        self.with_locks += has(|op| matches!(op, Op::Locked { .. }));
        self.with_sleeps += has(sleeps);
        self.with_mail += has(|op| matches!(op, Op::Receive));
        self.with_signals += has(|op| matches!(op, Op::Kill { .. }));
        self.with_freezes += has(|op| matches!(op, Op::Freeze { .. }));
        self.with_words_handed_over += usize::from(
            script.contains(|op| matches!(op, Op::Publish))
                && script.contains(|op| {
                    matches!(
                        op,
                        Op::Bits {
                            word: Place::Found,
                            ..
                        }
                    )
                }),
        );
        self.reaching_halts += reach(|outcome| outcome.ending == Ending::Halted);
        self.reaching_hazards += reach(|outcome| outcome.kinds.contains(&Kind::ForeignRead));
        if script.contains(|op| matches!(op, Op::Locked { .. })) {
            let poisoned =
                |outcome: &Outcome| outcome.ending == Ending::Halted && released(outcome);
            self.reaching_poisoned_locks += usize::from(outcomes.iter().any(poisoned));
        }
        let lost = reach(|outcome| outcome.ending == Ending::Lost);
        if script.contains(sleeps) {
            self.reaching_lost_wakeups += lost;
        } else {
            self.reaching_circles += lost;
        }
        let stuck = |outcome: &Outcome| outcome.ending == Ending::Finished && released(outcome);
        self.reaching_stuck_threads += usize::from(outcomes.iter().any(stuck));
        self.reaching_words_found += reach(|outcome| {
            let found = |(_, word): &(i64, _)| Option::is_some(word);
            outcome.locks.iter().any(found)
        });
    }

    /// Fails if some sort of program hardly came up.
    pub fn is_not_vacuous(&self) {
        let sorts = [
            ("ghost steps", self.with_ghosts),
            ("locks", self.with_locks),
            ("sleeps", self.with_sleeps),
            ("mail", self.with_mail),
            ("signals", self.with_signals),
            ("freezes", self.with_freezes),
            ("words that are handed over", self.with_words_handed_over),
            ("halts", self.reaching_halts),
            ("hazards", self.reaching_hazards),
            ("lost wake-ups", self.reaching_lost_wakeups),
            ("poisoned locks", self.reaching_poisoned_locks),
            ("locks taken in a circle", self.reaching_circles),
            ("threads that are stuck", self.reaching_stuck_threads),
            ("words left under a lock", self.reaching_words_found),
        ];
        for (sort, number) in sorts {
            assert!(
                number * 100 >= self.programs,
                "only {number} of {} programs have {sort}",
                self.programs
            );
        }
        assert!(
            self.outcomes > 2 * self.programs,
            "the programs hardly depend on the schedule: {self:?}"
        );
    }

    pub fn print(&self, name: &str) {
        let traces = self.executions - self.redundant;
        println!(
            "{name}: {} programs agree, {} outcomes, {} executions, {traces} traces, {:.3} \
             executions a trace ({self:?})",
            self.programs,
            self.outcomes,
            self.executions,
            self.executions as f64 / traces as f64,
        );
    }
}

fn sleeps(op: &Op) -> bool {
    matches!(op, Op::Sleep { .. } | Op::Schedule)
}
