//! Getting and putting page references.

use stalewake_model::page::PG_DIRTY;
use stalewake_model::page_alloc::alloc_pages;
use stalewake_model::swap::{get_page, get_page_unless_zero, put_page};
use stalewake_model::violation::Kind;

use crate::support::{all_finish, machine};

#[test]
fn the_last_put_page_frees_the_page_and_wipes_its_flags() {
    let run = machine("v5.10", 1).thread(|cx| {
        let page = cx
            .machine
            .page(alloc_pages(cx, 0)?.expect("memory is free"));
        page.flags.set(cx, PG_DIRTY);
        get_page(cx, page);
        put_page(cx, page)?;
        assert_eq!(alloc_pages(cx, 0)?, None, "one reference is left");
        put_page(cx, page)?;
        assert_eq!(alloc_pages(cx, 0)?, Some(0));
        Ok(())
    });
    let execution = run.run();
    assert_eq!(
        (&execution.references, &execution.flags),
        (&vec![1], &vec![0])
    );
    all_finish(&[execution]);
}

#[test]
fn a_reference_that_nobody_holds_cannot_be_put() {
    let run = machine("v5.10", 1).thread(|cx| put_page(cx, cx.machine.page(0)));
    let execution = run.run();
    assert_eq!(execution.kinds, [Kind::ReferenceUnderflow]);
    assert_eq!(execution.references, [-1]);
}

#[test]
fn a_free_page_gives_no_speculative_reference() {
    let run = machine("v5.10", 1).thread(|cx| {
        let page = cx.machine.page(0);
        assert!(!get_page_unless_zero(cx, page));
        alloc_pages(cx, 0)?;
        assert!(get_page_unless_zero(cx, page));
        Ok(())
    });
    let execution = run.run();
    assert_eq!(execution.references, [2]);
    all_finish(&[execution]);
}

#[test]
fn of_two_last_references_either_may_be_the_last() {
    let put = |cx: &stalewake_model::current::Current<'_>| put_page(cx, cx.machine.page(0));
    let executions = machine("v5.10", 1)
        .thread(move |cx| {
            let page = cx
                .machine
                .page(alloc_pages(cx, 0)?.expect("memory is free"));
            get_page(cx, page);
            put(cx)
        })
        .thread(move |cx| {
            // Until the other thread has it, there is nothing to put.
            let page = cx.machine.page(0);
            if get_page_unless_zero(cx, page) {
                put(cx)?;
            }
            Ok(())
        })
        .explore();
    all_finish(&executions);
    assert!(
        executions
            .iter()
            .all(|execution| execution.references == [1])
    );
}
