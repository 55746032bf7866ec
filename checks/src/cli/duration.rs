//! A length of time as it is typed: `90s`, `5m`.

use std::time::Duration;

/// The units, each with its length in milliseconds. One that another ends
/// with comes before it.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// Reads a length of time: a whole number and a unit.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let with_unit = |(unit, length): &(&str, u64)| Some((text.strip_suffix(unit)?, *length));
    let (number, length) = UNITS
        .iter()
        .find_map(with_unit)
        .ok_or("expected a number and a unit: ms, s, m or h")?;
    // What `u64` reads of itself includes a sign.
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("expected a whole number before the unit, as in 90s or 5m".to_owned());
    }
    number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(length))
        .map(Duration::from_millis)
        .ok_or_else(|| "that is too long".to_owned())
}

/// A length of time for people: `90 s`, `5 min`.
pub(super) fn shown(time: Duration) -> String {
    let whole = time.as_millis();
    let long = [("h", 3_600_000), ("min", 60_000), ("s", 1_000)];
    let fits = |(_, length): &&(&str, u128)| whole > 0 && whole.is_multiple_of(*length);
    let (unit, length) = long.iter().find(fits).unwrap_or(&("ms", 1));
    format!("{} {unit}", whole / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_in_the_largest_unit_that_fits() {
        let shown = ["0s", "250ms", "90s", "5m", "7200s"].map(|text| parse(text).map(shown));
        let expected = ["0 ms", "250 ms", "90 s", "5 min", "2 h"];
        assert_eq!(shown, expected.map(|text| Ok(text.to_owned())));
    }

    #[test]
    fn every_unit_is_read() {
        let lengths = ["250ms", "30s", "5m", "2h", "0s"].map(parse);
        let milliseconds = [250, 30_000, 300_000, 7_200_000, 0];
        assert_eq!(
            lengths,
            milliseconds.map(|length| Ok(Duration::from_millis(length)))
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "s",
            "30",
            "30 s",
            "-5s",
            "+5s",
            "1.5m",
            "5d",
            "99999999999999999999s",
            "18446744073709551615h",
            "é",
            "５s",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
