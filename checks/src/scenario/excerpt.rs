//! What an error keeps of the file that it is about.
//!
//! The lines around the places that it points at, and no more: there may be
//! many errors at once, about files of a mebibyte each, and a file may be one
//! line.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// How many lines are kept before and behind a place; one is shown.
const LINES: usize = 2;

/// How much of them is kept on each side, in bytes.
const MOST: usize = 1000;

/// The longest place, in bytes: all of its lines are shown.
const LONGEST: usize = 2000;

/// Parts of a file.
#[derive(Debug)]
pub(super) struct Excerpt {
    file: String,
    /// In the order of the file; no two of them touch.
    pieces: Vec<Piece>,
}

/// A part of a file, and where it was.
#[derive(Debug)]
struct Piece {
    /// In bytes.
    start: usize,
    /// Lines before it.
    line: usize,
    /// Bytes of its first line before it.
    column: usize,
    text: String,
}

/// A place, or as much of it as is shown, from character to character.
pub(super) fn shown(text: &str, place: Range<usize>) -> Range<usize> {
    let end = place.end.min(place.start.saturating_add(LONGEST));
    text.floor_char_boundary(place.start)..text.ceil_char_boundary(end)
}

impl Excerpt {
    /// What is around these places of a file's text.
    pub(super) fn new(
        file: &str,
        text: &str,
        places: impl IntoIterator<Item = Range<usize>>,
    ) -> Excerpt {
        let windows = places.into_iter().map(|place| window(text, place));
        let mut windows: Vec<Range<usize>> = windows.collect();
        windows.sort_by_key(|window| window.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for window in windows {
            match apart.last_mut() {
                Some(last) if window.start <= last.end => last.end = last.end.max(window.end),
                _ => apart.push(window),
            }
        }
        let piece = |window: Range<usize>| {
            let before = &text[..window.start];
            Piece {
                start: window.start,
                line: before.matches('\n').count(),
                column: before.len() - before.rfind('\n').map_or(0, |end| end + 1),
                text: text[window].to_owned(),
            }
        };
        Excerpt {
            file: file.to_owned(),
            pieces: apart.into_iter().map(piece).collect(),
        }
    }

    /// The name of the file.
    pub(super) fn file(&self) -> &str {
        &self.file
    }
}

/// The lines around a place, as far as they are kept.
fn window(text: &str, place: Range<usize>) -> Range<usize> {
    let least = text.ceil_char_boundary(place.start.saturating_sub(MOST));
    let most = text.floor_char_boundary(text.len().min(place.end + MOST));
    let before = text[least..place.start].rmatch_indices('\n').nth(LINES);
    let after = text[place.end..most].match_indices('\n').nth(LINES);
    before.map_or(least, |(end, _)| least + end + 1)
        ..after.map_or(most, |(end, _)| place.end + end + 1)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let has = |piece: &&Piece| piece.start <= start && end <= piece.start + piece.text.len();
        let piece = self.pieces.iter().find(has);
        let piece = piece.ok_or(MietteError::OutOfBounds)?;
        let within = SourceSpan::from((start - piece.start, span.len()));
        let contents = piece.text.read_span(&within, lines_before, lines_after)?;
        let read = contents.span();
        let column = match contents.line() {
            0 => piece.column,
            _ => 0,
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            contents.data(),
            SourceSpan::from((piece.start + read.offset(), read.len())),
            piece.line + contents.line(),
            column + contents.column(),
            contents.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(excerpt: &Excerpt) -> usize {
        excerpt.pieces.iter().map(|piece| piece.text.len()).sum()
    }

    /// The text of a place with a line before and behind it, and where that is.
    fn read(source: &impl SourceCode, place: Range<usize>) -> (String, usize, usize) {
        let span = SourceSpan::from((place.start, place.len()));
        let lines = source.read_span(&span, 1, 1).expect("it was kept");
        let point = source.read_span(&span, 0, 0).expect("it was kept");
        let text = String::from_utf8(lines.data().to_vec()).expect("it was text");
        (text, point.line(), point.column())
    }

    #[test]
    fn a_place_is_shown_as_if_all_was_kept() {
        let text = (0..5000).map(|line| format!("line {line} é\n"));
        let text: String = text.collect();
        for place in [0..4, 5..5, 41_000..41_003, text.len() - 6..text.len() - 4] {
            let excerpt = Excerpt::new("file", &text, [place.clone(), 60_000..60_002]);
            assert!(kept(&excerpt) < 200);
            assert_eq!(read(&excerpt, place.clone()), read(&text, place));
        }
    }

    #[test]
    fn of_a_long_line_not_all_is_kept() {
        let text = "é".repeat(500_000);
        let place = shown(&text, 400_000..800_000);
        let excerpt = Excerpt::new("file", &text, [place.clone()]);
        assert!(kept(&excerpt) <= LONGEST + 2 * MOST);
        let (_, line, column) = read(&excerpt, place);
        assert_eq!((line, column), (0, 400_000));
    }

    #[test]
    fn what_was_not_kept_cannot_be_shown() {
        let excerpt = Excerpt::new("file", &"line\n".repeat(100), [0..4, 200..204]);
        assert_eq!(excerpt.pieces.len(), 2);
        assert!(excerpt.read_span(&(0, 204).into(), 0, 0).is_err());
    }
}
