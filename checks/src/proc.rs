//! What Linux says of a process in `/proc/…/status`; other systems say nothing.

use std::fs;

/// The most memory that a process has ever had at once, in bytes.
pub(crate) fn peak_memory(process: &str) -> Option<u64> {
    let peak = field(process, "VmHWM")?;
    let kilobytes: u64 = peak.strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Whether this process ignores a signal, as `nohup` has it ignore `SIGHUP`.
pub fn ignores(signal: i32) -> bool {
    let ignored = field("self", "SigIgn");
    ignored.is_some_and(|set| contains(&set, signal))
}

/// Whether a set of signals, bits in hexadecimal digits, has one: signals are
/// counted from 1.
fn contains(set: &str, signal: i32) -> bool {
    let set = u128::from_str_radix(set, 16).unwrap_or_default();
    let bit = u32::try_from(signal).ok().and_then(|n| n.checked_sub(1));
    bit.and_then(|bit| set.checked_shr(bit))
        .is_some_and(|rest| rest & 1 == 1)
}

fn field(process: &str, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let mut fields = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(field, _)| *field == name)?;
    Some(value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_counted_from_one() {
        let hup_and_int = "0000000000000003";
        assert!(contains(hup_and_int, 1));
        assert!(contains(hup_and_int, 2));
        assert!(!contains(hup_and_int, 15));
        assert!(contains("0000000000004000", 15));
    }

    #[test]
    fn no_signal_is_in_no_set() {
        for signal in [-1, 0, 65, 129] {
            assert!(!contains("ffffffffffffffff", signal), "{signal}");
        }
        assert!(!contains("", 1));
    }
}
