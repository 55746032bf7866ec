//! Text from outside, before it is printed.

/// The text without what a terminal would obey, and no longer than so many
/// characters: what comes from a file neither moves the cursor nor fills the
/// screen.
pub fn printable(text: &str, most: usize) -> String {
    let mut short: String = text
        .chars()
        .take(most)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if text.chars().nth(most).is_some() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(printable("\u{1b}]0;x\u{7}\u{9b}\n\r", 20), "?]0;x????");
        assert_eq!(printable("naïve …", 20), "naïve …");
    }

    #[test]
    fn what_is_longer_is_cut() {
        assert_eq!(printable("ééé", 3), "ééé");
        assert_eq!(printable("éééé", 3), "ééé...");
    }
}
