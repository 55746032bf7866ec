//! Input that nobody writes by accident: bombs, escapes, random damage.

use miette::Diagnostic;

use super::super::parse;
use super::{GOOD, code, code_with};

/// Input that is small to write and large to digest.
#[test]
fn bombs() {
    let deep =
        |open: &str, close: &str| format!("x = {}{}", open.repeat(15_000), close.repeat(15_000));
    assert!(code(&deep("[", "]")).ends_with("syntax"));
    assert!(code(&deep("{a=", "}")).ends_with("syntax"));
    assert!(code(&format!("{}a = 1", "a.".repeat(30_000))).ends_with("syntax"));
    assert!(code(&format!("[{}a]", "a.".repeat(30_000))).ends_with("syntax"));
    assert!(code(&format!("[[{}a]]", "a.".repeat(30_000))).ends_with("syntax"));
    assert!(code(&format!("x = [{}]", "{},".repeat(20_000))).ends_with("unknown_key"));
    assert_eq!(
        code_with("frames = 3", &format!("frames = {}", "9".repeat(50_000))),
        "out_of_range"
    );
    assert_eq!(code_with("frames = 3", "frames = -1"), "out_of_range");
    assert_eq!(code_with("frame = 2", "frame = 0xffff"), "no_such_frame");
    assert_eq!(
        code_with("ext4_finish_bio(P)", &"$sync".repeat(10_000)),
        "too_long"
    );
    assert_eq!(
        code_with("a reference is held", &"x".repeat(50_000)),
        "too_long"
    );
    let values: Vec<String> = (0..5_000).map(|n| format!("\"v{n}\"")).collect();
    assert_eq!(
        code_with("\"wait\", \"skip\"", &values.join(",")),
        "too_many"
    );
    assert_eq!(
        code_with("\"wait\", \"skip\"", &values[..33].join(",")),
        "too_many_combinations"
    );
    let parameters: String = (0..4_000).map(|n| format!("p{n} = ['1']\n")).collect();
    assert_eq!(
        code_with("[parameters]\n", &format!("[parameters]\n{parameters}")),
        "too_many_combinations"
    );
    assert!(code(&"[[thread]]\n".repeat(5_000)).ends_with("missing_key"));
    assert_eq!(
        code_with("[[thread]]\n", &"[[thread]]\n".repeat(5_000)),
        "too_many"
    );
}

/// Terminal escapes in a file do not reach the terminal, and the label is
/// still where it was.
#[test]
fn control_characters_are_not_printed() {
    let error = parse(
        "escape",
        "escape.toml",
        "# \u{1b}[31m \u{9b}31m é\ntitel = 1",
    )
    .expect_err("it is broken");
    assert_eq!(error.line(), Some(1), "TOML has no control characters");
    let shown = format!("{:?}", miette::Report::new(error));
    assert!(
        !shown.contains("\u{1b}[31m") && !shown.contains('\u{9b}'),
        "{shown}"
    );
}

/// Files like the good one, with bytes missing, doubled or changed: an error
/// perhaps, never a panic, and always one that can be printed.
#[test]
fn mutations_never_panic() {
    const NOISE: &[u8] = b"\"'[]{}()=,.$#\n\\\0\xc3 0aP";
    let mut state: u64 = 0x5DEE_CE66;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut printed = String::new();
    for round in 0..2000 {
        let mut bytes = GOOD.as_bytes().to_vec();
        for _ in 0..=random(3) {
            let start = random(bytes.len());
            let end = (start + 1 + random(24)).min(bytes.len());
            match random(3) {
                0 => drop(bytes.drain(start..end)),
                1 => {
                    let copy = bytes[start..end].to_vec();
                    let at = random(bytes.len());
                    bytes.splice(at..at, copy);
                }
                _ => bytes[start] = NOISE[random(NOISE.len())],
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Err(error) = parse("mutant", "mutant.toml", &text) {
            assert!(error.code().is_some(), "round {round}");
            printed.clear();
            miette::GraphicalReportHandler::new()
                .render_report(&mut printed, &error)
                .unwrap_or_else(|_| panic!("round {round} cannot be printed: {error:?}"));
        }
    }
}
