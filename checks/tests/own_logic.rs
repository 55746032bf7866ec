//! Wake logic of one's own, run on the scenarios as a user would.

use stalewake::report::Style;
use stalewake::verdict::Status;
use stalewake::{Check, CheckError};
use stalewake_model::current::Current;
use stalewake_model::filemap::{WakeKey, wake_and_remove, wake_up_page};
use stalewake_model::page::{PG_WRITEBACK, Page};
use stalewake_model::page_writeback::clear_page_writeback;
use stalewake_model::swap::{get_page, put_page};
use stalewake_model::violation::{Halt, Kind};
use stalewake_model::wait::{Locked, Queued, WQ_FLAG_EXCLUSIVE, WQ_FLAG_WOKEN, Woken};
use stalewake_model::wake_logic::WakeLogic;

#[path = "../examples/my_wake_function.rs"]
#[expect(dead_code, reason = "its main is for people")]
mod example;

/// The example with its two lines.
struct Referenced;

impl WakeLogic for Referenced {
    fn name(&self) -> &'static str {
        "the example with a reference"
    }

    fn end_page_writeback(&self, cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
        get_page(cx, page);
        let ended = clear_page_writeback(cx, page)?;
        cx.barrier("smp_mb__after_atomic");
        wake_up_page(cx, page, PG_WRITEBACK, ended)?;
        put_page(cx, page)
    }
}

/// v5.9 without a reference: the page's next life is hit.
#[test]
fn the_example_fails_and_says_how() {
    let report = Check::scenario("writeback-reuse")
        .kernel("v5.9")
        .wake_logic(example::Mine)
        .run()
        .expect("the question makes sense");
    assert_eq!(report.verdicts().count(), 2);
    for verdict in report.verdicts() {
        assert!(
            verdict.kinds().contains(&Kind::BugOnWriteback),
            "{}",
            verdict.cell
        );
    }
    assert!(!report.holds());
    let story = report.story(Style::PLAIN).expect("it can be replayed");
    let story = story.expect("something goes wrong");
    assert!(
        story.contains("end_page_writeback()") && story.contains("my wake logic"),
        "{story}"
    );
    let table = report.to_string();
    assert!(table.contains("bug-on-writeback"), "{table}");
}

/// What 073861ed77 does.
#[test]
fn two_lines_make_it_hold() {
    let report = Check::scenario("writeback-reuse")
        .kernel("v5.9")
        .wake_logic(Referenced)
        .run()
        .expect("the question makes sense");
    assert!(report.holds(), "{report}");
    assert_eq!(report.story(Style::PLAIN).expect("nothing to replay"), None);
}

/// A wake function that wakes only the first waiter, whatever it wants.
struct WakesOne;

impl WakeLogic for WakesOne {
    fn name(&self) -> &'static str {
        "wakes one"
    }

    fn wake_page_function(
        &self,
        cx: &Current<'_>,
        list: &mut Locked<'_>,
        queued: &Queued,
        key: &mut WakeKey<'_>,
    ) -> Result<Woken, Halt> {
        if !key.matches(cx, queued) {
            return Ok(Woken::GoOn);
        }
        wake_and_remove(cx, list, queued, key, queued.flags | WQ_FLAG_WOKEN)?;
        Ok(if queued.flags & WQ_FLAG_EXCLUSIVE != 0 {
            Woken::One
        } else {
            Woken::Stop
        })
    }
}

/// Two tasks wait for one writeback, and only one wake-up comes.
#[test]
fn a_wake_function_that_stops_early_loses_wake_ups() {
    let check = || Check::scenario("missed-wakeup").kernel("v5.10.7");
    let report = check().wake_logic(WakesOne).run().expect("it makes sense");
    assert!(report.reaches(Kind::LostWakeup));
    let report = check().run().expect("it makes sense");
    assert!(report.holds(), "{report}");
}

/// `wait_on_page_writeback` that does not wait.
struct DoesNotWait;

impl WakeLogic for DoesNotWait {
    fn name(&self) -> &'static str {
        "does not wait"
    }

    fn wait_on_page_writeback(&self, cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
        page.flags.test(cx, PG_WRITEBACK);
        Ok(())
    }
}

#[test]
fn who_does_not_wait_runs_into_the_bug() {
    let report = Check::scenario("same-page-old-waiter")
        .kernel("v5.10.7")
        .wake_logic(DoesNotWait)
        .run()
        .expect("it makes sense");
    assert!(report.reaches(Kind::BugOnWriteback), "{report}");
}

/// Spins where the bit will never be set.
struct NeverEnds;

impl WakeLogic for NeverEnds {
    fn name(&self) -> &'static str {
        "never ends"
    }

    fn end_page_writeback(&self, cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
        clear_page_writeback(cx, page)?;
        while !page.flags.test(cx, PG_WRITEBACK) {}
        Ok(())
    }
}

#[test]
fn wake_logic_that_never_ends_costs_its_own_cells_only() {
    let report = Check::all_scenarios()
        .kernel("v5.10.7")
        .wake_logic(NeverEnds)
        .run()
        .expect("it makes sense");
    let [mut broken, mut finished] = [Vec::new(), Vec::new()];
    for verdict in report.verdicts() {
        match &verdict.status {
            Status::Error(_) => broken.push(&*verdict.cell.scenario.name),
            _ => finished.push(&*verdict.cell.scenario.name),
        }
    }
    assert!(broken.contains(&"unreferenced-touch"), "{report}");
    assert!(finished.contains(&"unfair-lock"), "{report}");
    assert!(!report.holds() && !report.never_reaches(Kind::BugOnTail));
    let table = report.to_string();
    let reason = "unreferenced-touch/truncate=skip/v5.10.7 with never ends broke down: ";
    assert!(table.contains(reason), "{table}");
}

/// The end of one writeback, twice.
struct EndsTwice;

impl WakeLogic for EndsTwice {
    fn name(&self) -> &'static str {
        "ends twice"
    }

    fn end_page_writeback(&self, cx: &Current<'_>, page: &Page) -> Result<(), Halt> {
        clear_page_writeback(cx, page)?;
        clear_page_writeback(cx, page)?;
        Ok(())
    }
}

#[test]
fn a_writeback_that_is_ended_twice_is_noticed() {
    let report = Check::scenario("unreferenced-touch")
        .kernel("v5.10.7")
        .wake_logic(EndsTwice)
        .run()
        .expect("it makes sense");
    assert!(report.reaches(Kind::EndNotUnderWriteback), "{report}");
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let ask = |check: Check| check.run().err().expect("it makes no sense").to_string();
    let text = ask(Check::scenario("same-pag"));
    assert!(
        text.contains("same-pag") && text.contains("same-page"),
        "{text}"
    );
    let kernel = |version| Check::scenario("shmem-tail").kernel(version);
    assert!(ask(kernel("v0.1")).contains("v0.1"));
    let text = ask(kernel("v5.9").with("end-reff", "none"));
    assert!(text.contains("end-reff"), "{text}");
    let missing = Check::file("no/such/file.toml").run().err();
    assert!(matches!(missing, Some(CheckError::Scenario(_))));
}
