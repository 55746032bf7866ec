//! `explain`: how it goes wrong, or that it does not.

use super::run::{code, stalewake, stderr, stdout};

#[test]
fn an_explanation_shows_both_threads_and_says_what_went_wrong() {
    let output = stalewake(&["explain", "writeback-reuse/truncate=wait/v5.9"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("end_page_writeback()"), "{text}");
    assert!(text.contains("!! bug-on-writeback"), "{text}");
    assert!(text.contains("It happened to thread B"), "{text}");
}

#[test]
fn a_kernel_in_which_nothing_happens_is_explained_in_a_sentence() {
    let output = stalewake(&[
        "explain",
        "same-page",
        "--kernel",
        "v5.10.7",
        "--kind",
        "bug-on-writeback",
    ]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stdout(&output).contains("Exhaustive: "),
        "{}",
        stdout(&output)
    );
    assert!(!stdout(&output).contains("!!"), "{}", stdout(&output));
}
