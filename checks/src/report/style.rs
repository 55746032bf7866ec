//! Colours, and where there are none.

use comfy_table::{Attribute, Cell, Color};
use stalewake_model::violation::Class;

/// What a piece of text is, so that it can be coloured. No tone is the only
/// carrier of a meaning: the words say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something fatal, or a difference.
    Bad,
    /// A hazard.
    Doubtful,
    /// A kernel that holds.
    Good,
    /// Of minor interest.
    Faint,
    /// A heading.
    Strong,
    /// Everything else.
    Plain,
}

impl Tone {
    /// The tone of a class of violations.
    pub fn of(class: Class) -> Tone {
        match class {
            Class::Fatal => Tone::Bad,
            Class::Hazard => Tone::Doubtful,
            Class::Event => Tone::Plain,
        }
    }

    /// The terminal's code that switches it on.
    fn code(self) -> Option<&'static str> {
        match self {
            Tone::Bad => Some("1;31"),
            Tone::Doubtful => Some("33"),
            Tone::Good => Some("32"),
            Tone::Faint => Some("2"),
            Tone::Strong => Some("1"),
            Tone::Plain => None,
        }
    }
}

/// How text is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape codes may be used.
    pub colour: bool,
    /// How many columns there are.
    pub width: usize,
}

impl Style {
    /// Text for a log: no colours, 80 columns.
    pub const PLAIN: Style = Style {
        colour: false,
        width: 80,
    };

    /// Text in a tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        match tone.code() {
            Some(code) if self.colour && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    /// A table cell in a tone. Whether it is coloured is decided by the table.
    pub(super) fn cell(tone: Tone, text: impl ToString) -> Cell {
        let cell = Cell::new(text);
        match tone {
            Tone::Bad => cell.fg(Color::Red).add_attribute(Attribute::Bold),
            Tone::Doubtful => cell.fg(Color::Yellow),
            Tone::Good => cell.fg(Color::Green),
            Tone::Faint => cell.add_attribute(Attribute::Dim),
            Tone::Strong => cell.add_attribute(Attribute::Bold),
            Tone::Plain => cell,
        }
    }
}

/// `12345` as `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 cell`, `2 cells`.
pub fn counted(number: u64, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        grouped(number),
        if number == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let groups = [0, 7, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(groups, ["0", "7", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn without_colour_text_stays_as_it_is() {
        let style = Style {
            colour: false,
            width: 80,
        };
        assert_eq!(style.paint(Tone::Bad, "FATAL"), "FATAL");
    }
}
