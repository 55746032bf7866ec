//! A picture in Mermaid's language, for where Markdown is shown with diagrams.

use std::fmt::Write;

use super::{Frame, Picture, What};

/// Writes a picture down.
pub(super) fn write(picture: &Picture) -> String {
    let mut text = String::from("sequenceDiagram\n");
    // A title may not have a `#` or a `;` in it, not even an escaped one.
    let _ = writeln!(text, "    title {}", picture.title.replace(['#', ';'], " "));
    for (i, name) in picture.threads.iter().enumerate() {
        let _ = writeln!(text, "    participant T{i} as thread {}", escape(name));
    }
    for (i, frame) in picture.frames.iter().enumerate() {
        let page = frame.page.as_ref().map(|page| format!("{page} in "));
        let name = format!("{}frame {}", page.unwrap_or_default(), frame.number);
        let _ = writeln!(text, "    participant F{i} as {}", escape(&name));
    }
    for (i, frame) in picture.frames.iter().enumerate() {
        uses(&mut text, i, frame, None);
    }
    let mut calls = vec![None; picture.threads.len()];
    for (place, row) in picture.rows.iter().enumerate() {
        let thread = row.thread;
        if calls[thread] != row.call {
            if calls[thread].is_some() {
                let _ = writeln!(text, "    deactivate T{thread}");
            }
            calls[thread] = row.call;
            if let Some((function, _)) = row.call {
                let _ = writeln!(text, "    activate T{thread}");
                let _ = writeln!(text, "    Note over T{thread}: {}()", escape(function));
            }
        }
        for (i, frame) in picture.frames.iter().enumerate() {
            uses(&mut text, i, frame, Some(place));
        }
        let _ = match &row.what {
            What::Violation { kind, about } => {
                let what = escape(&format!("!! {kind}: {} ({about})", kind.sentence()));
                writeln!(text, "    Note over T{thread}: {what}")
            }
            What::Step {
                text: what,
                effect,
                sleeps,
                wake,
            } => {
                let what = escape(what);
                match (effect, wake) {
                    (_, Some(wake)) if wake.stale => {
                        writeln!(text, "    T{thread}-xT{}: STALE: {what}", wake.whom)
                    }
                    (_, Some(wake)) => writeln!(text, "    T{thread}-)T{}: {what}", wake.whom),
                    (Some(effect), None) => {
                        let change = escape(&effect.text);
                        writeln!(text, "    T{thread}->>F{}: {what} ({change})", effect.frame)
                    }
                    (None, None) if *sleeps => {
                        writeln!(text, "    Note over T{thread}: zzz sleeps in {what}")
                    }
                    (None, None) => writeln!(text, "    T{thread}->>T{thread}: {what}"),
                }
            }
        };
    }
    for (thread, call) in calls.iter().enumerate() {
        if call.is_some() {
            let _ = writeln!(text, "    deactivate T{thread}");
        }
    }
    text
}

/// The uses of a frame that begin and end with a row, or before the first.
fn uses(text: &mut String, number: usize, frame: &Frame, row: Option<usize>) {
    for one in &frame.uses {
        let label = escape(&one.label);
        if one.begins == row {
            let _ = writeln!(text, "    Note over F{number}: {label}");
        }
        if row.is_some() && one.ends == row {
            let _ = writeln!(text, "    Note over F{number}: {label} is over");
        }
    }
}

/// What would end a line or begin something else is written as a number.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '#' | ';' | '<' | '>' | '"' | '&' => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
