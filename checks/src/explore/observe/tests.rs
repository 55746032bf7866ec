//! What the parts of a search come to together.

use super::*;

fn part(status: Status, traces: u64, abandoned: &[Kind]) -> Findings {
    Findings {
        status,
        reachable: Vec::new(),
        abandoned: abandoned.iter().copied().collect(),
        figures: Figures {
            executions: traces,
            ..Figures::default()
        },
    }
}

#[test]
fn all_is_as_bad_as_the_worst_part() {
    let broken = || part(Status::Error("why".to_owned()), 0, &[]);
    let complete = || part(Status::Complete, 1, &[]);
    let incomplete = || part(Status::Incomplete, 1, &[]);
    for (one, other, all) in [
        (complete(), complete(), Status::Complete),
        (complete(), incomplete(), Status::Incomplete),
        (incomplete(), complete(), Status::Incomplete),
        (complete(), broken(), Status::Error("why".to_owned())),
        (broken(), incomplete(), Status::Error("why".to_owned())),
    ] {
        assert_eq!(one.and(other).status, all);
    }
}

#[test]
fn a_search_of_nothing_is_no_result() {
    let nothing = part(Status::Complete, 0, &[]).checked();
    assert_eq!(
        nothing.status,
        Status::Error("nothing was explored".to_owned())
    );
    assert_eq!(
        part(Status::Complete, 1, &[]).checked().status,
        Status::Complete
    );
    // That it is not finished is worse to know than that there is nothing yet.
    let early = part(Status::Incomplete, 0, &[]).checked();
    assert_eq!(early.status, Status::Incomplete);
}

#[test]
fn what_only_an_abandoned_execution_has_seen_is_missed() {
    let lost = |one: &[Kind], other: &[Kind]| {
        let (one, other) = (
            part(Status::Complete, 1, one),
            part(Status::Complete, 1, other),
        );
        one.and(other).checked().status
    };
    assert_eq!(lost(&[], &[]), Status::Complete);
    for status in [lost(&[Kind::BadPage], &[]), lost(&[], &[Kind::BadPage])] {
        let reason = "`bad-page` was seen only in redundant executions".to_owned();
        assert_eq!(status, Status::Error(reason));
    }
}
