//! Breaking long lines.

/// Breaks `text` into lines of at most `width` characters; all but the first
/// begin with `hanging` spaces. A line is broken at a space if it has one, else
/// after a character that ends a part of a name, else anywhere.
pub fn wrap(text: &str, width: usize, hanging: usize) -> Vec<String> {
    let width = width.max(1);
    let hanging = if hanging < width { hanging } else { 0 };
    let mut lines = Vec::new();
    let mut line = String::new();
    for (i, word) in text.split(' ').enumerate() {
        if i > 0 {
            // A line of nothing but its indentation would be lost.
            let fits = line.chars().count() + 1 + word.chars().count() <= width;
            if fits || line.trim_start().is_empty() && line.chars().count() + 1 < width {
                line.push(' ');
            } else {
                lines.push(std::mem::replace(&mut line, " ".repeat(hanging)));
            }
        }
        let mut rest = word;
        loop {
            let room = width - line.chars().count();
            if rest.chars().count() <= room {
                line.push_str(rest);
                break;
            }
            let (head, tail) = rest.split_at(break_point(rest, room));
            line.push_str(head);
            rest = tail;
            lines.push(std::mem::replace(&mut line, " ".repeat(hanging)));
        }
    }
    lines.push(line);
    lines
}

/// Where to break a word that is longer than `room` characters, in bytes.
fn break_point(word: &str, room: usize) -> usize {
    let ends: Vec<(usize, char)> = word
        .char_indices()
        .map(|(i, c)| (i + c.len_utf8(), c))
        .take(room)
        .collect();
    ends.iter()
        .rev()
        .find(|(_, c)| "_|-/=.".contains(*c))
        .or(ends.last())
        .map_or(word.len(), |(end, _)| *end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_one_line() {
        assert_eq!(wrap("put_page", 20, 2), ["put_page"]);
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        assert_eq!(
            wrap("sets waiters on P", 10, 2),
            ["sets", "  waiters", "  on P"]
        );
    }

    #[test]
    fn long_names_are_broken_at_their_parts() {
        assert_eq!(
            wrap("test_clear_page_writeback", 12, 1),
            ["test_clear_", " page_", " writeback"]
        );
    }

    #[test]
    fn an_indented_name_begins_on_the_first_line() {
        assert_eq!(
            wrap("  put_page_testzero()", 12, 4),
            ["  put_page_", "    testzero", "    ()"]
        );
    }

    #[test]
    fn no_line_is_too_long() {
        for width in 1..30 {
            for hanging in 0..5 {
                for line in wrap(
                    "wait_on_page_writeback() returned, äöü and all",
                    width,
                    hanging,
                ) {
                    assert!(line.chars().count() <= width, "{width} {hanging}: {line:?}");
                }
            }
        }
    }
}
