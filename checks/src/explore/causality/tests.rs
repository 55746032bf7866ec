//! What happens before what.

use stalewake_model::sync::StepKind;

use super::*;

const A: ThreadId = ThreadId(0);
const B: ThreadId = ThreadId(1);

/// A step on an object that nobody else touches.
pub(in crate::explore) fn step(thread: ThreadId) -> Step {
    Step {
        thread,
        object: ObjectId(u16::from(thread.0)),
        footprint: Footprint::exclusive(1),
        kind: StepKind::Plain,
        after: None,
        wakes: None,
        sleeps: false,
        woken_by: None,
    }
}

/// A step that is in order with every other on this object.
pub(in crate::explore) fn on(object: ObjectId, thread: ThreadId) -> Step {
    Step {
        object,
        ..step(thread)
    }
}

/// For each step the numbers of those that happen before it; the same whether
/// the steps are new or repeated.
fn before(steps: &[Step]) -> Vec<Vec<usize>> {
    let mut causality = Causality::of(steps.iter().copied());
    let said = |causality: &Causality| {
        let events = causality.events();
        let before = |at: usize| {
            let earlier = events[..at].iter().enumerate();
            let earlier = earlier.filter(|(_, event)| event.happens_before(&events[at].clock));
            earlier.map(|(number, _)| number).collect()
        };
        (0..events.len()).map(before).collect::<Vec<Vec<usize>>>()
    };
    let new = said(&causality);
    causality.rewind();
    for step in &steps[..steps.len() - 1] {
        assert_eq!(causality.expected(), Some(step));
        causality.repeat();
    }
    causality.push(&steps[steps.len() - 1]);
    assert_eq!(said(&causality), new, "repeated");
    new
}

#[test]
fn a_thread_takes_its_steps_in_order_and_no_other() {
    let steps = [step(A), step(B), step(A), step(B)];
    assert_eq!(before(&steps), [vec![], vec![], vec![0], vec![1]]);
}

#[test]
fn what_conflicts_is_in_order() {
    let same = on(step(A).object, B);
    assert_eq!(before(&[step(A), same]), [vec![], vec![0]]);
}

#[test]
fn what_needs_another_step_happens_after_it() {
    let needs = Step {
        after: Some(0),
        ..step(B)
    };
    assert_eq!(before(&[step(A), needs]), [vec![], vec![0]]);
}

/// Asleep, or about to be: what comes next happens after the wake-up.
#[test]
fn who_was_woken_goes_on_after_that() {
    let sleeps = Step {
        sleeps: true,
        ..step(B)
    };
    let wakes = Step {
        wakes: Some(B),
        ..step(A)
    };
    let steps = [sleeps, wakes, step(B)];
    assert_eq!(before(&steps), [vec![], vec![], vec![0, 1]]);
    let woken = Step {
        woken_by: Some(0),
        ..step(B)
    };
    let steps = [step(A), woken, step(B)];
    assert_eq!(before(&steps), [vec![], vec![], vec![0, 1]]);
}
