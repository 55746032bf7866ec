//! Lines that are kept and read again: each ends with a sum over itself, so that
//! it is noticed when one is not as it was written.

use super::token::line_sum;

/// What stands between a line and its sum.
const SUM: &str = ",\"sum\":\"";

/// What stands behind the sum.
const END: &str = "\"}";

/// A JSON object with a sum over it, and over what stands before it.
pub fn sealed(before: &str, object: &str) -> String {
    let open = object.strip_suffix('}').unwrap_or(object);
    let sum = line_sum(before, open);
    format!("{open}{SUM}{sum}{END}")
}

/// Whether a line is as it was written.
pub(crate) fn is_sealed(before: &str, line: &str) -> bool {
    let parts = line
        .strip_suffix(END)
        .and_then(|line| line.rsplit_once(SUM));
    parts.is_some_and(|(open, sum)| line_sum(before, open) == sum)
}
