//! One execution as a sequence diagram: a lane for each thread, and one for
//! each page frame with the uses that are made of it.
//!
//! A [`Picture`] says what is drawn, in order; [`svg`] and [`mermaid`] draw it.
//! It leaves out what the story leaves out, and the marks in the page cache.

mod canvas;
mod make;
mod mermaid;
mod svg;

use stalewake_model::violation::Kind;

use super::Story;
use crate::report::Style;

pub(in crate::report) use canvas::{Svg, escape};
pub(super) use make::{is_allocation, is_removal, is_wipe, next_mapping};
pub use svg::STYLE;

/// What is drawn.
struct Picture {
    title: String,
    subtitle: String,
    caption: String,
    threads: Vec<String>,
    frames: Vec<Frame>,
    rows: Vec<Row>,
    /// The wake-ups that came late.
    late: Vec<Late>,
}

/// A page frame and its uses.
struct Frame {
    number: u16,
    /// The page that is in it at first, if there is one.
    page: Option<String>,
    uses: Vec<Use>,
}

/// One use of a page frame: the rows with which it begins and ends, if that is
/// not before the first or after the last.
struct Use {
    label: String,
    begins: Option<usize>,
    ends: Option<usize>,
}

/// A wake-up on behalf of something that was over: from the row that earned it
/// to the row in which it is noticed.
struct Late {
    frame: usize,
    from: usize,
    to: usize,
}

/// Something that a thread does. No two share a height.
struct Row {
    thread: usize,
    /// The outermost function, and which of the thread's calls this is.
    call: Option<(&'static str, usize)>,
    /// The innermost function, if it is another one and was not said before.
    within: Option<&'static str>,
    what: What,
}

enum What {
    Step {
        text: String,
        effect: Option<Effect>,
        sleeps: bool,
        wake: Option<Wake>,
    },
    Violation {
        kind: Kind,
        about: String,
    },
}

/// What a step did to a page frame.
struct Effect {
    frame: usize,
    text: String,
    /// It cleared a bit that others wait for.
    gives_up: bool,
}

/// A wake-up that wakes somebody.
#[derive(Clone, Copy)]
struct Wake {
    whom: usize,
    stale: bool,
}

impl Story<'_> {
    /// The execution as a picture that stands alone.
    pub fn svg(&self) -> String {
        svg::draw(&Picture::of(self), svg::Place::Alone)
    }

    /// The execution as a part of a page, which has the [`STYLE`] of pictures,
    /// the title and the caption already.
    pub(in crate::report) fn inline_svg(&self) -> String {
        svg::draw(&Picture::of(self), svg::Place::Inline)
    }

    /// The execution as a sequence diagram in Mermaid's language.
    pub fn mermaid(&self) -> String {
        mermaid::write(&Picture::of(self))
    }

    /// Two or three sentences on one line.
    pub(in crate::report) fn caption(&self) -> String {
        self.closing(Style {
            colour: false,
            width: usize::MAX,
        })
        .trim_end()
        .to_owned()
    }
}
