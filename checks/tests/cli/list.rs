//! `list` and `kernels`: what there is.

use super::run::{code, objects, stalewake, stdout};

#[test]
fn the_list_names_every_scenario_and_its_cells() {
    let output = stalewake(&["list", "--format", "json"]);
    assert_eq!(code(&output), 0);
    let found: Vec<(String, u64)> = objects(&output)
        .iter()
        .map(|o| {
            let name = o["scenario"].as_str().expect("a name").to_owned();
            (name, o["cells"].as_u64().expect("a number"))
        })
        .collect();
    for (name, cells) in [
        ("writeback-reuse", 14),
        ("writeback-reuse-irq", 14),
        ("shmem-tail", 14),
        ("same-page", 7),
        ("same-page-old-waiter", 14),
        ("missed-wakeup", 35),
        ("killable-lock", 14),
        ("truncate-in-flight", 7),
        ("reclaim", 7),
        ("unfair-lock", 14),
        ("bookmark-lockup", 7),
        ("i-pages-alternatives", 28),
    ] {
        assert!(
            found.contains(&(name.to_owned(), cells)),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn a_version_is_explained_by_its_row_and_its_commits() {
    let output = stalewake(&["kernels", "5.4.251"]);
    assert_eq!(code(&output), 0);
    let text = stdout(&output);
    assert!(text.starts_with("5.4.251 is v5.4.249: "), "{text}");
    assert!(text.contains("  yes  073861ed77 "), "{text}");
    assert!(text.contains("  no   5ef64cc8987a "), "{text}");
    let uncertain = stdout(&stalewake(&["kernels", "4.19.300"]));
    assert!(uncertain.contains("Uncertain: "), "{uncertain}");
}
