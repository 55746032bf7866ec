//! Taking pages out of a file.

use stalewake_model::page::PG_WRITEBACK;
use stalewake_model::page_alloc::alloc_pages;
use stalewake_model::truncate::{Passes, truncate_inode_pages_range};
use stalewake_model::violation::Kind;

use crate::support::{all_finish, machine, releases};

#[test]
fn the_first_pass_skips_a_page_under_writeback() {
    let run = machine("v5.10", 1)
        .cached(0, PG_WRITEBACK, 0)
        .thread(|cx| truncate_inode_pages_range(cx, cx.machine.inode(0), Passes::First));
    let execution = run.run();
    assert_eq!(
        (&execution.flags, &execution.references),
        (&vec![PG_WRITEBACK], &vec![1])
    );
    all_finish(&[execution]);
}

#[test]
fn a_truncated_page_is_free() {
    for passes in [Passes::First, Passes::Second, Passes::Both] {
        let run = machine("v5.10", 1).cached(0, 0, 0).thread(move |cx| {
            truncate_inode_pages_range(cx, cx.machine.inode(0), passes)?;
            assert_eq!(alloc_pages(cx, 0)?, Some(0), "{passes:?}");
            Ok(())
        });
        all_finish(&[run.run()]);
    }
}

#[test]
fn the_second_pass_waits_for_writeback_even_if_it_never_ends() {
    for release in releases() {
        let execution = machine(release, 1)
            .cached(0, PG_WRITEBACK, 0)
            .thread(|cx| truncate_inode_pages_range(cx, cx.machine.inode(0), Passes::Second))
            .run();
        assert_eq!(execution.kinds, [Kind::LostWakeup], "{release}");
        let about = &execution.about[0];
        assert!(about.contains("PG_writeback"), "{release}: {about}");
    }
}
