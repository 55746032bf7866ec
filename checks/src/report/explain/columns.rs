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
    /// Which step it is, from 1.
    step: Option<usize>,
}

impl Line {
    /// Something said at so many levels of indentation.
    pub(super) fn new(depth: usize, tone: Tone, text: String) -> Line {
        let step = None;
        Line {
            depth,
            tone,
            text,
            step,
        }
    }

    /// What a step does; its number stands in the margin.
    pub(super) fn of_step(step: usize, depth: usize, text: String) -> Line {
        Line {
            step: Some(step),
            ..Line::new(depth, Tone::Plain, text)
        }
    }
}

/// The columns as they are written, from the top.
pub(super) struct Columns {
    style: Style,
    count: usize,
    width: usize,
    /// How many digits the numbers in the margin have.
    margin: usize,
    text: String,
}

impl Columns {
    /// Columns that are as wide as the style lets them be, with a margin for
    /// the numbers of so many steps.
    pub(super) fn new(headings: &[String], steps: usize, style: Style) -> Columns {
        let count = headings.len().max(1);
        let gaps = GAP.chars().count() * (count - 1);
        let margin = steps.to_string().len();
        let width = (style.width.saturating_sub(margin + 1 + gaps) / count).max(8);
        let mut columns = Columns {
            style,
            count,
            width,
            margin,
            text: String::new(),
        };
        let headings = headings
            .iter()
            .map(|name| (Tone::Strong, clip(name, width)));
        columns.write_row(None, &headings.collect::<Vec<_>>());
        let rule = "─".repeat(margin + 1) + &vec!["─".repeat(width); count].join("─┼─");
        columns.text += &(style.paint(Tone::Faint, &rule) + "\n");
        columns
    }

    /// Writes lines into one column; the others stay empty.
    pub(super) fn push(&mut self, column: usize, lines: &[Line]) {
        for line in lines {
            let indent = line.depth.min(self.width / DEEPEST);
            let text = format!("{}{}", " ".repeat(indent), line.text);
            let mut step = line.step;
            for piece in wrap(&text, self.width, indent + 2) {
                let mut pieces = vec![(Tone::Plain, String::new()); self.count];
                pieces[column] = (line.tone, piece);
                self.write_row(step.take(), &pieces);
            }
        }
    }

    /// Writes a line across all columns.
    pub(super) fn rule(&mut self, text: &str) {
        let gaps = GAP.chars().count() * (self.count - 1);
        let width = self.margin + 1 + self.width * self.count + gaps;
        let text = clip(&format!("══ {text} "), width);
        let line = format!("{text:═<width$}");
        self.text += &(self.style.paint(Tone::Strong, &line) + "\n");
    }

    /// Writes a piece of text in every column.
    fn write_row(&mut self, step: Option<usize>, pieces: &[(Tone, String)]) {
        let number = match step {
            Some(step) => format!("{step:>margin$}", margin = self.margin),
            None => " ".repeat(self.margin),
        };
        self.text += &(self.style.paint(Tone::Faint, &number) + " ");
        for (column, (tone, text)) in pieces.iter().enumerate() {
            if column > 0 {
                self.text += &self.style.paint(Tone::Faint, GAP);
            }
            self.text += &self.style.paint(*tone, text);
            if column + 1 < self.count {
                self.text += &" ".repeat(self.width.saturating_sub(text.chars().count()));
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
