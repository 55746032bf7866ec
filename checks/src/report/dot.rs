//! The tree of executions of a small search, as Graphviz reads it.
//!
//! Steps between two branchings are one box. The tree is read from the left;
//! what a box has under it was tried in the order from top to bottom.

use std::collections::BTreeSet;
use std::fmt::Write;

use stalewake_model::sync::ThreadId;
use stalewake_model::violation::{Class, Kind};

use crate::cell::Cell;
use crate::explore::{Path, Taken};

/// Why writing into a string cannot fail.
const STRING: &str = "a string can be written to";

/// The tree of these executions of a cell.
pub fn dot(cell: &Cell, paths: &[Path]) -> String {
    let threads = &cell.scenario.variant(&cell.parameters).threads;
    let mut drawing = Drawing {
        threads: threads.iter().map(|thread| thread.name.as_str()).collect(),
        text: String::new(),
        nodes: 0,
    };
    let redundant = paths.iter().filter(|path| path.redundant).count();
    let title = format!(
        "{cell}: {} executions, {redundant} of them redundant",
        paths.len()
    );
    writeln!(drawing.text, "digraph executions {{").expect(STRING);
    writeln!(
        drawing.text,
        "  label={}; labelloc=t; rankdir=LR;",
        quoted(&title)
    )
    .expect(STRING);
    drawing.text += "  node [shape=box, style=rounded, fontname=\"monospace\", fontsize=9];\n";
    drawing.text += "  edge [fontname=\"monospace\", fontsize=9, arrowsize=0.6];\n";
    let paths: Vec<&Path> = paths.iter().collect();
    drawing.branch(&paths, 0);
    drawing.text + "}\n"
}

struct Drawing<'a> {
    threads: Vec<&'a str>,
    text: String,
    nodes: usize,
}

impl Drawing<'_> {
    /// Draws what these executions, which are one up to step `from`, have from
    /// there on. Returns the number of the first box.
    fn branch(&mut self, paths: &[&Path], from: usize) -> usize {
        let first = paths[0];
        let shared = |at: &usize| {
            let step = first.steps.get(*at);
            step.is_some() && paths.iter().all(|path| path.steps.get(*at) == step)
        };
        let to = (from..).take_while(shared).last().map_or(from, |at| at + 1);
        let node = self.node(&first.steps[from..to], from);
        let mut tried: Vec<Option<Taken>> = Vec::new();
        for path in paths {
            let next = path.steps.get(to).copied();
            if !tried.contains(&next) {
                tried.push(next);
            }
        }
        for next in tried {
            let same: Vec<&Path> = paths
                .iter()
                .filter(|path| path.steps.get(to).copied() == next)
                .copied()
                .collect();
            let under = match next {
                Some(_) => self.branch(&same, to),
                None => self.leaf(same[0]),
            };
            let who = next.map_or(String::new(), |step| self.thread(step.thread).to_owned());
            writeln!(self.text, "  n{node} -> n{under} [label={}];", quoted(&who)).expect(STRING);
        }
        node
    }

    /// Some steps that follow each other wherever one of them is.
    fn node(&mut self, steps: &[Taken], from: usize) -> usize {
        let mut lines: Vec<String> = Vec::new();
        for (number, step) in (from + 1..).zip(steps) {
            let Taken {
                function,
                operation,
                field,
                ..
            } = step;
            let thread = self.thread(step.thread);
            lines.push(format!(
                "{number:>3} {thread}  {function}: {operation} {field}"
            ));
        }
        if lines.is_empty() {
            lines.push("start".to_owned());
        }
        let label: String = lines.iter().map(|line| escaped(line) + "\\l").collect();
        self.declare(&format!("label=\"{label}\""))
    }

    /// How an execution ends.
    fn leaf(&mut self, path: &Path) -> usize {
        let worst = path.kinds.iter().map(|kind| kind.class()).min();
        let (text, look) = match (path.redundant, worst) {
            (true, _) => ("redundant".to_owned(), "style=dashed, color=gray50"),
            (false, None) => ("nothing wrong".to_owned(), "color=darkgreen"),
            (false, Some(Class::Fatal)) => (named(&path.kinds), "color=red3, penwidth=2"),
            (false, Some(_)) => (named(&path.kinds), "color=orange3, penwidth=2"),
        };
        self.declare(&format!("shape=ellipse, {look}, label={}", quoted(&text)))
    }

    fn declare(&mut self, attributes: &str) -> usize {
        let node = self.nodes;
        self.nodes += 1;
        writeln!(self.text, "  n{node} [{attributes}];").expect(STRING);
        node
    }

    fn thread(&self, thread: ThreadId) -> &str {
        self.threads.get(thread.index()).copied().unwrap_or("?")
    }
}

fn named(kinds: &BTreeSet<Kind>) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    names.join("\n")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('\n', "\\n"))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
