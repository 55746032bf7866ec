//! Which mechanisms can be combined, and what a choice of commits makes.

use stalewake_model::mechanism::Kernel;
use stalewake_model::page::{PG_DIRTY, PG_WAITERS, PG_WRITEBACK};
use stalewake_model::page_writeback::{SyncMode, end_page_writeback, write_cache_pages};
use stalewake_model::release::{BadCommits, Commit, Release};

use crate::support::machine;

type Change = (&'static str, &'static str);

fn changed(changes: &[(&str, &str)]) -> Kernel {
    let mut kernel = Release::row("v5.10").expect("it is a row").kernel;
    for (mechanism, alternative) in changes {
        kernel.set(mechanism, alternative).expect("they exist");
    }
    kernel
}

#[test]
fn a_release_contradicts_nothing_and_is_its_own_canonical_form() {
    for release in Release::ALL {
        assert_eq!(release.kernel.conflict(), None, "{release}");
        assert_eq!(release.kernel.canonical(), release.kernel, "{release}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let early = ("waiters-test-order", "before-clear");
    for pair in [
        [early, ("end-waiters-test", "same-rmw")],
        [early, ("clear-in-wake", "yes")],
        [early, ("end-ref", "if-waiters")],
        [("clear-in-wake", "yes"), ("set-writeback", "wait-to-set")],
    ] {
        let conflict = changed(&pair).conflict().expect("they exclude each other");
        assert_eq!([conflict.first, conflict.second], pair);
        assert!(!conflict.reason.is_empty());
        for one in pair {
            assert_eq!(changed(&[one]).conflict(), None, "{one:?} alone");
        }
    }
}

/// Equal forms, equal steps; and the form is a fixed point.
#[test]
fn what_has_no_effect_is_not_in_the_canonical_form() {
    let pairs: [(&[Change], Change); 4] = [
        (&[("end-ref", "none")], ("reference-drop", "before-wake")),
        (
            &[("clear-in-wake", "yes")],
            ("end-waiters-test", "same-rmw"),
        ),
        (
            &[("set-writeback", "wait-to-set")],
            ("write-cache-pages-wait", "while"),
        ),
        (
            &[("wait-shared", "retest"), ("lock-handoff", "never")],
            ("woken-publish", "relaxed"),
        ),
    ];
    for (changes, without_effect) in pairs {
        let both = [changes, &[without_effect]].concat();
        let canonical = changed(&both).canonical();
        assert_eq!(canonical, changed(changes), "{without_effect:?}");
        assert_ne!(changed(&both), canonical, "{without_effect:?}");
        let steps = |changes: &[(&str, &str)]| {
            let run = machine("v5.10", 1).with(changes);
            let run = run.cached(0, PG_WRITEBACK | PG_WAITERS | PG_DIRTY, 1);
            run.thread(|cx| {
                end_page_writeback(cx, cx.machine.page(0))?;
                write_cache_pages(cx, cx.machine.inode(0), SyncMode::All, |page| {
                    stalewake_model::ext4::ext4_writepage(cx, page)
                })
            })
            .run()
            .operations
        };
        assert_eq!(steps(&both), steps(changes), "{without_effect:?}");
    }
}

/// One of the two wait loops is enough, which looks at WQ_FLAG_WOKEN.
#[test]
fn what_has_an_effect_stays_in_the_canonical_form() {
    let relaxed = ("woken-publish", "relaxed");
    for changes in [
        &[("reference-drop", "before-wake")][..],
        &[("end-waiters-test", "same-rmw")],
        &[("write-cache-pages-wait", "while")],
        &[("wait-shared", "retest"), relaxed],
        &[("lock-handoff", "never"), relaxed],
    ] {
        let kernel = changed(changes);
        assert_ne!(kernel, changed(&[]), "{changes:?}");
        assert_eq!(kernel.canonical(), kernel, "{changes:?}");
    }
}

/// Every row is v5.8 with the commits that it says it has.
#[test]
fn the_rows_are_made_of_their_commits() {
    for release in Release::ALL {
        assert_eq!(
            Commit::pick(release.commits),
            Ok(release.kernel),
            "{release}"
        );
        let backwards: Vec<_> = release.commits.iter().rev().collect();
        assert_eq!(Commit::pick(&backwards), Ok(release.kernel), "{release}");
    }
}

#[test]
fn a_commit_is_found_by_a_prefix_of_its_hash() {
    for commit in Commit::ALL {
        let longer = format!("{}0123456789", commit.hash);
        for prefix in [&commit.hash[..7], commit.hash, &longer] {
            let found = Commit::find(prefix).expect("it is known");
            assert_eq!(found.hash, commit.hash);
        }
    }
    assert_eq!(
        Commit::pick(&["073861e", "5ef64cc8987a"]),
        Err(BadCommits::Needs {
            commit: "5ef64cc8987a",
            needs: "2a9127fcf229"
        })
    );
    let short = Commit::find("2a9127").map(|commit| commit.hash);
    let unknown = Commit::find("deadbeef").map(|commit| commit.hash);
    assert!(matches!(short, Err(BadCommits::TooShort { .. })));
    assert!(matches!(unknown, Err(BadCommits::Unknown { .. })));
}
