//! Text in columns, one for each thread.

use crate::report::{Style, Tone, wrap};

/// What stands between two columns.
const GAP: &str = " │ ";

/// No indentation takes more than this part of a column.
const DEEPEST: usize = 3;

/// One thing that is said in a column.
pub(super) struct Line {
    depth: usize,
    tone: Tone,
    text: String,
}

impl Line {
    /// Something said at so many levels of indentation.
    pub(super) fn new(depth: usize, tone: Tone, text: String) -> Line {
        Line { depth, tone, text }
    }
}

/// The columns as they are written, from the top.
pub(super) struct Columns {
    style: Style,
    count: usize,
    width: usize,
    text: String,
}

impl Columns {
    /// Columns that are as wide as the style lets them be.
    pub(super) fn new(headings: &[String], style: Style) -> Columns {
        let count = headings.len().max(1);
        let gaps = GAP.chars().count() * (count - 1);
        let width = (style.width.saturating_sub(gaps) / count).max(8);
        let mut columns = Columns {
            style,
            count,
            width,
            text: String::new(),
        };
        let heading = |name: &String| format!("{:<width$}", clip(name, width));
        let headings: Vec<String> = headings
            .iter()
            .map(|name| style.paint(Tone::Strong, &heading(name)))
            .collect();
        columns.text += &(headings.join(&style.paint(Tone::Faint, GAP)) + "\n");
        let rule = vec!["─".repeat(width); count].join("─┼─");
        columns.text += &(style.paint(Tone::Faint, &rule) + "\n");
        columns
    }

    /// Writes lines into one column; the others stay empty.
    pub(super) fn push(&mut self, column: usize, lines: &[Line]) {
        for line in lines {
            let indent = line.depth.min(self.width / DEEPEST);
            let text = format!("{}{}", " ".repeat(indent), line.text);
            for piece in wrap(&text, self.width, indent + 2) {
                self.write_row(column, line.tone, &piece);
            }
        }
    }

    /// Writes a line across all columns.
    pub(super) fn rule(&mut self, text: &str) {
        let gaps = GAP.chars().count() * (self.count - 1);
        let width = self.width * self.count + gaps;
        let text = clip(&format!("══ {text} "), width);
        let line = format!("{text:═<width$}");
        self.text += &(self.style.paint(Tone::Strong, &line) + "\n");
    }

    fn write_row(&mut self, column: usize, tone: Tone, text: &str) {
        let gap = self.style.paint(Tone::Faint, GAP);
        for i in 0..self.count {
            if i > 0 {
                self.text += &gap;
            }
            if i == column {
                self.text += &self.style.paint(tone, text);
                if i + 1 < self.count {
                    self.text += &" ".repeat(self.width.saturating_sub(text.chars().count()));
                }
            } else if i + 1 < self.count {
                self.text += &" ".repeat(self.width);
            }
        }
        // Without colour nothing needs to stand at the end of a line.
        let end = self.text.trim_end_matches(' ').len();
        self.text.truncate(end);
        self.text.push('\n');
    }

    /// All that was written.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

fn clip(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}
