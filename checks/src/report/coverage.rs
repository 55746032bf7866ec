//! What no execution has reached: a scenario that holds because its steps
//! never ran proves nothing, and neither does a model whose code was never
//! entered.

use std::collections::BTreeMap;
use std::fmt;

use stalewake_model::coverage::Branch;
use stalewake_model::sync::ThreadId;

use super::Checked;
use crate::cell::Cell;
use crate::coverage::Coverage;
use crate::verdict::Status;

/// A step that ran in no execution of any kernel.
#[derive(Clone, Copy, Debug)]
pub struct NeverRan<'a> {
    /// A cell of the scenario with these parameters.
    cell: &'a Cell,
    thread: ThreadId,
    /// Its number, from 0.
    step: usize,
}

impl fmt::Display for NeverRan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cell.scenario.name)?;
        for (name, value) in &self.cell.parameters {
            write!(f, "/{name}={value}")?;
        }
        let threads = &self.cell.scenario.variant(&self.cell.parameters).threads;
        let thread = &threads[self.thread.index()];
        let (name, number, step) = (&thread.name, self.step + 1, &thread.texts[self.step]);
        write!(
            f,
            ": step {number} of {name}, `{step}`, never ran, on any kernel: what does the scenario show?"
        )
    }
}

/// The steps that never ran, of scenarios of which all kernels were explored
/// completely: there they never can.
pub fn vacuous(checked: &[Checked]) -> Vec<NeverRan<'_>> {
    let mut groups: BTreeMap<_, Vec<&Checked>> = BTreeMap::new();
    for one in checked {
        let cell = &one.verdict.cell;
        groups
            .entry((&cell.scenario.name, &cell.parameters))
            .or_default()
            .push(one);
    }
    let mut steps = Vec::new();
    for group in groups.into_values() {
        let whole = |one: &&Checked| {
            let verdict = &one.verdict;
            verdict.status == Status::Complete
                && verdict.shard.is_whole()
                && verdict.expected.is_some()
        };
        let cell = &group[0].verdict.cell;
        let explored = group.iter().copied().filter(whole);
        let mut kernels: Vec<&str> = explored
            .map(|one| one.verdict.cell.kernel.release.name)
            .collect();
        kernels.sort_unstable();
        kernels.dedup();
        let all = cell.scenario.kernels();
        if !all.iter().all(|release| kernels.contains(&release.name)) {
            continue;
        }
        let mut coverage = group[0].verdict.coverage.clone();
        for one in &group {
            coverage.join(&one.verdict.coverage);
        }
        let never_ran = coverage.never_ran.into_iter();
        steps.extend(never_ran.map(|(thread, step)| NeverRan { cell, thread, step }));
    }
    steps
}

/// Which branches were taken in any of the cells, in a sentence.
pub fn branches(checked: &[Checked]) -> String {
    let mut coverage = Coverage::default();
    for one in checked {
        coverage.branches.extend(&one.verdict.coverage.branches);
    }
    let missing: Vec<String> = Branch::ALL
        .iter()
        .filter(|branch| !coverage.branches.contains(branch))
        .map(|branch| format!("{} ({})", branch.name(), branch.function()))
        .collect();
    let (taken, all) = (coverage.branches.len(), Branch::ALL.len());
    let functions = "wake_page_function and wait_on_page_bit_common";
    match &missing[..] {
        [] => format!("Coverage: all {all} branches of {functions} are taken."),
        _ => format!(
            "Coverage: {taken} of {all} branches of {functions} are taken; never: {}.",
            missing.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::KernelChoice;
    use crate::report::fixture::verdict;

    /// The cell on every kernel that its scenario lists; of the last thread's
    /// first step, on the first kernel only, it is said that it ran.
    fn group(ran_on_first: bool) -> Vec<Checked> {
        let kernels = verdict(&[], &[]).cell.scenario.kernels();
        let place = (ThreadId(0), 0);
        let checked = kernels.into_iter().enumerate().map(|(number, release)| {
            let mut verdict = verdict(&[], &[]);
            verdict.cell.kernel = KernelChoice::of(release);
            if !ran_on_first || number > 0 {
                verdict.coverage.never_ran.insert(place);
            }
            Checked {
                verdict,
                explain: String::new(),
            }
        });
        checked.collect()
    }

    #[test]
    fn a_step_that_never_ran_is_named() {
        let checked = group(false);
        let [step] = vacuous(&checked)[..] else {
            panic!("there is one");
        };
        let text = step.to_string();
        assert!(
            text.starts_with("writeback-reuse/truncate=wait: step 1 of A, `ext4_finish_bio(P)`"),
            "{text}"
        );
    }

    #[test]
    fn a_step_that_ran_on_one_kernel_is_not_vacuous() {
        assert!(vacuous(&group(true)).is_empty());
    }

    #[test]
    fn of_a_part_of_the_kernels_nothing_is_said() {
        assert!(vacuous(&group(false)[1..]).is_empty());
    }

    #[test]
    fn branches_that_were_never_taken_are_listed() {
        let mut checked = group(false);
        let text = branches(&checked);
        assert!(
            text.contains("0 of") && text.contains("handed-over"),
            "{text}"
        );
        checked[0].verdict.coverage.branches = Branch::ALL.iter().copied().collect();
        assert!(branches(&checked).contains("all"), "{}", branches(&checked));
    }
}
