//! An amount of memory as it is typed: `512M`, `2G`.

/// The units, each with its length in bytes.
const UNITS: [(char, u64); 3] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];

/// Reads an amount of memory: a whole number and a unit.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let with_unit = |(unit, length): &(char, u64)| Some((text.strip_suffix(*unit)?, *length));
    let (number, length) = UNITS
        .iter()
        .find_map(with_unit)
        .ok_or("expected a number and a unit: K, M or G")?;
    // What `u64` reads of itself includes a sign.
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("expected a whole number before the unit, as in 512M".to_owned());
    }
    number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(length))
        .ok_or_else(|| "that is too much".to_owned())
}

/// An amount of memory for people: `512 MB`.
pub(super) fn shown(bytes: u64) -> String {
    let fits = |(_, length): &&(char, u64)| bytes > 0 && bytes.is_multiple_of(*length);
    let (unit, length) = UNITS.iter().rfind(fits).unwrap_or(&UNITS[0]);
    format!("{} {unit}B", bytes / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_shown() {
        for (text, bytes, again) in [
            ("0M", 0, "0 KB"),
            ("64K", 65_536, "64 KB"),
            ("512M", 536_870_912, "512 MB"),
            ("1024M", 1_073_741_824, "1 GB"),
        ] {
            assert_eq!(parse(text), Ok(bytes));
            assert_eq!(shown(bytes), again);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "M",
            "512",
            "512 M",
            "-1M",
            "+1M",
            "1.5G",
            "1T",
            "99999999999G",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
