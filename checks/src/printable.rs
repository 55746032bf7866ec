//! Text from outside, before it is printed.

use std::path::Path;

/// Whether a terminal obeys this and does not show it: control characters, and
/// those that turn the direction of what follows, by which one text can look
/// like another.
pub(crate) fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// The text without what a terminal would obey, and no longer than so many
/// characters: what comes from a file neither moves the cursor nor fills the
/// screen.
pub fn printable(text: &str, most: usize) -> String {
    let mut short: String = text
        .chars()
        .take(most)
        .map(|c| if is_obeyed(c) { '?' } else { c })
        .collect();
    if text.chars().nth(most).is_some() {
        short.push_str("...");
    }
    short
}

/// The longest path that is printed, in characters: Linux has no longer ones.
const LONGEST_PATH: usize = 4096;

/// A path in a message. Its name may have been chosen by somebody else.
pub fn printable_path(path: &Path) -> String {
    printable(&path.display().to_string(), LONGEST_PATH)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(printable("\u{1b}]0;x\u{7}\u{9b}\n\r", 20), "?]0;x????");
        assert_eq!(printable("a\u{202e}b\u{2066}c", 20), "a?b?c");
        assert_eq!(printable("naïve …", 20), "naïve …");
    }

    #[test]
    fn what_is_longer_is_cut() {
        assert_eq!(printable("ééé", 3), "ééé");
        assert_eq!(printable("éééé", 3), "ééé...");
    }
}
