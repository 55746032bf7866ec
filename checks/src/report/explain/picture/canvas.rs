//! The elements of SVG that pictures are made of.

use std::fmt::Write;

use stalewake_model::violation::Class;

/// The text of a picture, from the top.
#[derive(Default)]
pub(in crate::report) struct Svg {
    pub(in crate::report) text: String,
}

impl Svg {
    /// A line of text on its base line.
    pub(in crate::report) fn text(&mut self, class: &str, (x, y): (usize, usize), text: &str) {
        let class = match class {
            "" => String::new(),
            class => format!(" class='{class}'"),
        };
        let _ = writeln!(
            self.text,
            "<text{class} x='{x}' y='{y}'>{}</text>",
            escape(text)
        );
    }

    /// A straight line.
    pub(in crate::report) fn line(
        &mut self,
        class: &str,
        (x1, y1): (usize, usize),
        (x2, y2): (usize, usize),
    ) {
        let _ = writeln!(
            self.text,
            "<path class='{class}' d='M{x1} {y1}L{x2} {y2}'/>"
        );
    }

    /// A box by its upper left corner and its size.
    pub(in crate::report) fn rect(
        &mut self,
        class: &str,
        (x, y): (usize, usize),
        (width, height): (usize, usize),
        radius: usize,
    ) {
        let _ = writeln!(
            self.text,
            "<rect class='{class}' x='{x}' y='{y}' width='{width}' height='{height}' rx='{radius}'/>"
        );
    }

    /// The head of an arrow whose tip is there; to the left if it is negative.
    pub(in crate::report) fn arrow(&mut self, (x, y): (usize, usize), size: isize) {
        let half = size.abs() * 2 / 3;
        let _ = writeln!(
            self.text,
            "<path class='i' d='M{x} {y}l{} {}v{}z'/>",
            -size,
            -half,
            2 * half
        );
    }

    /// A cross in an octagon, a triangle, or a diamond.
    pub(in crate::report) fn sign(&mut self, class: Class, (x, y): (usize, usize)) {
        let _ = match class {
            Class::Fatal => writeln!(
                self.text,
                "<path class='i' d='M{x} {y}m-4 -9h8l5 5v8l-5 5h-8l-5 -5v-8z'/><path class='m' d='M{x} {y}m-4 -4l8 8m0 -8l-8 8'/>"
            ),
            Class::Hazard => writeln!(
                self.text,
                "<path class='x' d='M{x} {y}m0 -9l9 16h-18z'/><path class='l' d='M{x} {y}m0 -4v6m0 2v2'/>"
            ),
            Class::Event => writeln!(
                self.text,
                "<path class='x' d='M{x} {y}m0 -8l8 8l-8 8l-8 -8z'/>"
            ),
        };
    }
}

/// Text as XML has it. Characters that XML has not are left out.
pub(in crate::report) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\t' | '\n' | '\r' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}
