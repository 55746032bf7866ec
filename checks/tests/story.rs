//! What `explain` says of an execution beyond its steps: how it came about, what
//! later commits would have changed, and how it goes on another kernel.
//!
//! The expectations are the argument of the two commits. 073861ed77 takes a
//! reference before PG_writeback is cleared, so the page cannot be freed when B
//! drops what was the last one. c2407cf7d22d leaves all that as it is, and lets
//! B look at the bit once more when it has been woken.

use assert_cmd::Command;
use stalewake::cell::{Cell, KernelChoice};
use stalewake::explore::{Event, Options, explore, follow};
use stalewake::report::Style;
use stalewake::report::explain::{Simplest, Story};
use stalewake::report::token::record;
use stalewake::scenario::find_shipped;
use stalewake_model::release::Release;

const RACE: &str = "writeback-reuse/truncate=wait/v5.9";

fn explain(arguments: &[&str]) -> String {
    let output = Command::cargo_bin("stalewake")
        .expect("the binary is built with the tests")
        .arg("explain")
        .args(arguments)
        .output()
        .expect("the binary starts");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    String::from_utf8(output.stdout).expect("text")
}

/// The text without where its lines are broken.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A scenario with its first parameters on a kernel.
fn cell(scenario: &str, kernel: &str) -> Cell {
    let scenario = find_shipped(scenario).expect("it is shipped");
    Cell {
        parameters: scenario.combinations().remove(0),
        kernel: KernelChoice::of(Release::resolve(kernel).expect("it is a row")),
        scenario,
    }
}

/// Tells every story of a cell.
fn stories(cell: &Cell, tell: impl Fn(&Story<'_>)) {
    let verdict = explore(cell, &Options::default(), &std::sync::Arc::default());
    assert!(!verdict.reachable.is_empty(), "{cell}: nothing to tell");
    for found in &verdict.reachable {
        let recording = record(cell, verdict.search, &found.witness).expect("it was explored");
        tell(&Story {
            cell,
            kind: found.kind,
            witness: &found.witness,
            simplest: Simplest::of(&verdict),
            recording: &recording,
            all: false,
        });
    }
}

fn is_step(event: &&Event) -> bool {
    matches!(event, Event::Step { .. })
}

#[test]
fn the_story_says_in_short_how_it_came_about() {
    let reused = joined(&explain(&[RACE]));
    let short = "In short: A clears writeback on P, in test_clear_page_writeback(), and is held up \
        before it comes to the wake-up. Meanwhile B frees P, in free_pages_prepare(), and gets the \
        frame again for file new. The wake-up that A still owed then reaches B, who waits for what began later. B takes it for its own, \
        and meets P under writeback: BUG_ON.";
    assert!(reused.contains(short), "{reused}");
    // Nothing is freed here: the same page has another writeback.
    let same_page = joined(&explain(&["same-page-old-waiter/old=none/v5.10"]));
    let short = "Meanwhile B sets writeback on P again, in set_page_writeback().";
    assert!(same_page.contains(short), "{same_page}");
    let removed = joined(&explain(&[
        "hot-remove/truncate=wait/v5.9",
        "--kind",
        "foreign-read",
    ]));
    let short = "Meanwhile B frees P, in free_pages_prepare(), and the memory is taken out of the \
        machine. When A goes on, P has no struct page any more.";
    assert!(removed.contains(short), "{removed}");
    let tail = joined(&explain(&["shmem-tail/truncate=wait/v5.9"]));
    let short = "and gets the frame again as a tail of a huge page. When A goes on, P is no longer \
        the page that it means.";
    assert!(tail.contains(short), "{tail}");
    let ended = joined(&explain(&[
        "truncate-in-flight/v5.9",
        "--kind",
        "end-not-under-writeback",
    ]));
    let short = "B takes it for its own, and P is freed under writeback. When A comes to end one, \
        there is none: BUG.";
    assert!(ended.contains(short), "{ended}");
    let met_again = joined(&explain(&["bookmark-lockup/v5.10.7"]));
    let short = "Meanwhile D sets writeback on P again, in set_page_writeback(). A walks over the \
        wait queue of P and wakes D, then lets go of the queue's lock at its bookmark. D finds the \
        bit that it waits for set, and queues itself again, behind the bookmark.";
    assert!(met_again.contains(short), "{met_again}");
    let killed = joined(&explain(&["killable-lock/signal=late/v5.10"]));
    let short = "goes to K. But K has seen that a fatal signal is pending for it, and is leaving: it \
        returns -EINTR without the lock, and wakes nobody. L is left asleep with locked clear.";
    assert!(killed.contains(short), "{killed}");
    let wiped = joined(&explain(&["nonatomic-flags/case=lost-waiters/v5.10"]));
    let short = "Before it does, W sets waiters there, in wait_on_page_bit_common(). The write of O \
        is not atomic: it undoes that.";
    assert!(wiped.contains(short), "{wiped}");
}

/// A line across all columns where a use of the page ends, and where the next
/// begins: the late steps stand below it.
#[test]
fn the_lives_of_a_page_are_told_apart() {
    let text = explain(&[RACE]);
    let at = |part: &str| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part} in:\n{text}"))
    };
    let ends = at("\n══ this use of P ends ═");
    let begins = at("\n══ another use of P begins, for file new ═");
    assert!(at("test_clear_page_writeback()") < ends && ends < begins);
    assert!(begins < at("!! foreign-read"));
    let rules = text.lines().filter(|line| line.starts_with("══"));
    assert!(rules.clone().count() == 2 && rules.into_iter().all(|line| line.chars().count() <= 80));
    let tail = explain(&["shmem-tail/truncate=wait/v5.9"]);
    assert!(
        tail.contains("══ another use of P begins, as a tail of a huge page ═"),
        "{tail}"
    );
    let removed = explain(&["hot-remove/truncate=wait/v5.9"]);
    assert_eq!(
        removed.matches("══ this use of P ends ═").count(),
        1,
        "{removed}"
    );
    assert!(
        removed.contains("══ the struct page of P is gone ═"),
        "{removed}"
    );
    let same = explain(&["same-page-old-waiter/old=none/v5.10"]);
    assert!(!same.contains("══"), "{same}");
}

#[test]
fn each_later_commit_is_followed_to_where_it_makes_a_difference() {
    let text = joined(&explain(&[RACE]));
    for part in [
        "073861ed77 (end_page_writeback holds a page reference): bug-on-writeback cannot happen. It \
         differs first before step 2: A takes a reference on P, in get_page(). It can be followed \
         until step 19 (B clears waiters on P, which is clear, in __put_page());",
        "c2407cf7d22d (wait_on_page_writeback waits until the bit is clear): bug-on-writeback cannot \
         happen. It can be followed until step 78 (B: is writeback set on P? yes, in \
         write_cache_pages()); instead of that, B: is writeback set on P? yes, in \
         wait_on_page_writeback()",
        "2580d554585c (the clear of PG_writeback also says whether there are waiters): \
         bug-on-writeback can still happen. It differs first at step 4: A clears writeback on P; \
         waiters? no, in test_clear_page_writeback().",
        "b0b598ee08f9: no difference in this schedule.",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let newest = explain(&["killable-lock/signal=early/v6.7"]);
    assert!(
        !newest.contains("of the commits that this kernel lacks"),
        "v6.7 lacks none of them"
    );
}

#[test]
fn on_its_own_kernel_every_schedule_can_be_followed() {
    for (scenario, kernel) in [
        ("writeback-reuse", "v5.9"),
        ("shmem-tail", "v5.8"),
        ("killable-lock", "v5.10"),
    ] {
        let cell = cell(scenario, kernel);
        stories(&cell, |story| {
            let events = &story.recording.events;
            let followed = follow(&cell, events).expect("it runs");
            assert_eq!(followed.stopped, None, "{cell}: {}", story.kind);
            assert_eq!(followed.first_difference(events), None);
            assert_eq!(followed.recording.events, *events);
        });
    }
}

/// On any other kernel a prefix of the schedule is followed, and nothing is taken
/// or left out twice.
#[test]
fn what_is_followed_is_an_execution_of_the_other_kernel() {
    let here = cell("writeback-reuse", "v5.9");
    for release in Release::ALL {
        let there = cell("writeback-reuse", release.name);
        stories(&here, |story| {
            let events = &story.recording.events;
            let followed = follow(&there, events).expect("it runs");
            let taken = followed.pairs.iter().filter_map(|pair| pair.taken);
            let steps = followed.recording.events.iter().enumerate();
            let steps = steps
                .filter(|(_, event)| is_step(event))
                .map(|(place, _)| place);
            assert!(taken.eq(steps), "{there}: in order, and each once");
            let mut wanted: Vec<usize> = followed.pairs.iter().filter_map(|p| p.wanted).collect();
            wanted.sort_unstable();
            let before = wanted.len();
            wanted.dedup();
            assert_eq!(wanted.len(), before, "{there}: each once");
            let end = followed.stopped.map_or(events.len(), |stop| stop.wanted);
            let all = events[..end].iter().filter(is_step).count();
            assert!(before >= all, "{there}: {before} of {all} before the end");
        });
    }
}

#[test]
fn two_kernels_stand_side_by_side_to_where_they_part() {
    let text = explain(&[RACE, "--compare", "v5.10"]);
    for part in [
        "+ A get_page()",
        "+     takes a reference on P",
        " 18 drops the last reference on P      ≠     drops a reference on P",
        " 19 clears waiters on P, which is      -",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let end = "bug-on-writeback has not occurred by then. Another schedule of v5.10 may lead to it";
    assert!(joined(&text).contains(end), "{text}");
}

#[test]
fn equal_kernels_do_not_part() {
    let text = joined(&explain(&[
        "same-page-old-waiter/old=none/v5.9",
        "--compare",
        "v5.10",
    ]));
    // A reference changes what A does, and nothing for a page that stays.
    let end = "The whole schedule can be followed on v5.10, and bug-on-writeback occurs there as on v5.9.";
    assert!(text.ends_with(end), "{text}");
    let text = explain(&[RACE, "--compare", "v5.9"]);
    assert!(
        joined(&text).contains("bug-on-writeback occurs there as on v5.9."),
        "{text}"
    );
    let rows = || text.lines().skip_while(|line| !line.starts_with('─'));
    assert!(
        !rows().any(|line| line.contains(" ≠ ") || line.contains(" + ")),
        "{text}"
    );
}

#[test]
fn where_there_is_no_room_kernels_stand_below_each_other() {
    let (here, there) = (
        cell("writeback-reuse", "v5.9"),
        cell("writeback-reuse", "v5.10"),
    );
    let style = Style {
        colour: false,
        width: 60,
    };
    stories(&here, |story| {
        let text = story.compare(&there, style).expect("it runs");
        assert!(text.contains("≠ on v5.10:\n"), "{text}");
        assert!(text.contains("+     takes a reference on P\n"), "{text}");
        // The cell's name is never broken.
        let mut lines = text.lines().skip(1);
        assert!(lines.all(|line| line.chars().count() <= 60), "{text}");
    });
}

#[test]
fn what_cannot_be_compared_is_refused() {
    for (arguments, why) in [
        (
            &[RACE, "--compare", "v4.1"][..],
            "there is no kernel `v4.1`",
        ),
        (
            &[RACE, "--compare", "v5.10", "--mermaid"],
            "cannot be used with",
        ),
    ] {
        let output = Command::cargo_bin("stalewake")
            .expect("the binary is built with the tests")
            .arg("explain")
            .args(arguments)
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(why), "{complaint}");
    }
}
