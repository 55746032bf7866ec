//! The functions as `model/README.md` writes them down.

use std::collections::BTreeMap;

use stalewake_model::mechanism::Kernel;

/// What a function does to shared memory, or which function it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `test_bit flags(dirty)`.
    Step {
        /// As the kernel calls it.
        operation: &'static str,
        /// The field, as the model calls it.
        field: &'static str,
        /// The bits, by their names; none if they are not said.
        bits: Vec<String>,
    },
    /// `barrier smp_mb`.
    Barrier(String),
    /// The steps of another function.
    Call(String),
}

/// A part of a function's body.
#[derive(Clone, Debug)]
pub enum Node {
    /// It happens, as line so-and-so says.
    Item(Item, usize),
    /// It happens or it does not.
    Maybe(Vec<Node>),
    /// Once, and again at every `repeat`.
    Again(Vec<Node>),
    /// Any number of times.
    Each(Vec<Node>),
    /// Only in a kernel with this.
    Only(Tag, Vec<Node>),
    /// Back to the beginning of the innermost loop.
    Repeat,
    /// The function is left.
    Return,
}

/// `[mechanism=alternative, alternative]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    mechanism: String,
    alternatives: Vec<String>,
}

impl Tag {
    pub fn holds(&self, kernel: &Kernel) -> bool {
        kernel.choices().any(|(mechanism, alternative)| {
            mechanism == self.mechanism && self.alternatives.iter().any(|one| one == alternative)
        })
    }
}

/// One way of a function.
#[derive(Clone, Debug)]
pub struct Function {
    pub tags: Vec<Tag>,
    pub body: Vec<Node>,
}

/// Every function, by its name: what each of its blocks says.
pub struct Document {
    pub functions: BTreeMap<String, Vec<Function>>,
    /// The lines on which something happens, by their numbers.
    pub lines: BTreeMap<usize, String>,
}

/// The objects as they are written, and as the model calls them.
const OBJECTS: [(&str, &str); 11] = [
    ("flags", "flags"),
    ("_refcount", "_refcount"),
    ("mapping", "mapping"),
    ("slot", "i_pages slot"),
    ("i_pages", "i_pages"),
    ("q->lock", "q->lock"),
    ("zone->lock", "zone->lock"),
    ("wait.flags", "wait.flags"),
    ("wait.entry", "wait.entry"),
    ("state", "state"),
    ("bio", "bio"),
];

/// Every operation that a step can be.
const OPERATIONS: [&str; 27] = [
    "__set_current_state",
    "atomic_add_unless",
    "atomic_cmpxchg",
    "atomic_dec_and_test",
    "atomic_inc",
    "atomic_read",
    "atomic_set",
    "atomic_set_release",
    "clear_bit",
    "clear_bit_unlock",
    "clear_bit_unlock_is_negative_byte",
    "load",
    "schedule",
    "set_bit",
    "set_current_state",
    "smp_load_acquire",
    "smp_store_release",
    "spin_lock",
    "store",
    "submit",
    "test_and_clear_bit",
    "test_and_set_bit",
    "test_bit",
    "try_cmpxchg",
    "wake_up_state",
    "xa_lock_irq",
    "xor_unlock_is_negative_byte",
];

/// What is another operation in another kernel: under which alternative of
/// `woken-publish` it is which.
const PUBLISHING: [(&str, [(&str, &str); 2]); 2] = [
    (
        "publish",
        [("release", "smp_store_release"), ("relaxed", "store")],
    ),
    (
        "look at",
        [("release", "smp_load_acquire"), ("relaxed", "load")],
    ),
];

impl Document {
    /// Reads the section that says what the steps are.
    pub fn parse(text: &str) -> Document {
        let mut reader = Reader {
            lines: code(text),
            at: 0,
        };
        let names: Vec<&str> = reader
            .lines
            .iter()
            .filter(|line| line.indent == 0)
            .map(|line| header(line.text).0)
            .collect();
        let mut document = Document {
            functions: BTreeMap::new(),
            lines: BTreeMap::new(),
        };
        while let Some(line) = reader.next_at(0) {
            let (name, tags) = header(line.text);
            let body = reader.group(0, &names);
            assert!(
                !body.is_empty(),
                "line {}: {name} does nothing",
                line.number
            );
            document.note(&body, &reader.lines);
            let function = Function { tags, body };
            let ways = document.functions.entry(name.to_owned()).or_default();
            ways.push(function);
        }
        document
    }

    fn note(&mut self, nodes: &[Node], lines: &[Line<'_>]) {
        for node in nodes {
            match node {
                Node::Item(_, number) => {
                    let line = lines.iter().find(|line| line.number == *number);
                    let text = line.map(|line| line.text.to_owned()).unwrap_or_default();
                    self.lines.insert(*number, text);
                }
                Node::Maybe(nodes)
                | Node::Again(nodes)
                | Node::Each(nodes)
                | Node::Only(_, nodes) => self.note(nodes, lines),
                Node::Repeat | Node::Return => {}
            }
        }
    }
}

/// A line of the document that says what happens.
struct Line<'t> {
    /// From 1.
    number: usize,
    /// How far in it is, beyond a function's name.
    indent: usize,
    /// Without its remark.
    text: &'t str,
}

/// The lines in the code blocks of the section "The steps".
fn code(text: &str) -> Vec<Line<'_>> {
    let numbered = (1..).zip(text.lines());
    let section = numbered
        .skip_while(|(_, line)| *line != "## The steps")
        .skip(1)
        .take_while(|(_, line)| !line.starts_with("## "));
    let in_code = section.filter_map(|(number, line)| {
        let line = line.strip_prefix("    ")?;
        let line = line.split_once('#').map_or(line, |(said, _)| said);
        let text = line.trim();
        (!text.is_empty()).then_some(Line {
            number,
            indent: line.len() - line.trim_start().len(),
            text,
        })
    });
    in_code.collect()
}

/// A function's name, and under what it is this one.
fn header(text: &str) -> (&str, Vec<Tag>) {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (tags, rest) = tags(rest);
    assert!(rest.is_empty(), "`{text}` is no name of a function");
    (name, tags)
}

/// The tags at the beginning, and what comes after them.
fn tags(text: &str) -> (Vec<Tag>, &str) {
    let mut tags = Vec::new();
    let mut rest = text.trim();
    while let Some((tag, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        let (mechanism, alternatives) = tag.split_once('=').expect("a tag is `m=a`");
        let known = Kernel::mechanism(mechanism).unwrap_or_else(|| panic!("[{tag}]"));
        let alternatives = alternatives.split(", ").map(|name| {
            let mut all = known.alternatives.iter();
            assert!(all.any(|one| one.name == name), "[{tag}]");
            name.to_owned()
        });
        tags.push(Tag {
            mechanism: mechanism.to_owned(),
            alternatives: alternatives.collect(),
        });
        rest = after.trim();
    }
    (tags, rest)
}

/// Reads lines in groups, by how far in they are.
struct Reader<'t> {
    lines: Vec<Line<'t>>,
    at: usize,
}

impl<'t> Reader<'t> {
    /// The next line, if it is so far in.
    fn next_at(&mut self, indent: usize) -> Option<Line<'t>> {
        let line = self.lines.get(self.at)?;
        assert!(line.indent <= indent, "line {}: too far in", line.number);
        (line.indent == indent).then(|| {
            self.at += 1;
            let Line {
                number,
                indent,
                text,
            } = *line;
            Line {
                number,
                indent,
                text,
            }
        })
    }

    /// The lines that are further in than this.
    fn group(&mut self, outer: usize, names: &[&str]) -> Vec<Node> {
        let mut nodes = Vec::new();
        let is_inside = |line: &Line<'_>| line.indent > outer;
        let Some(indent) = self.lines.get(self.at).map(|line| line.indent) else {
            return nodes;
        };
        while self.lines.get(self.at).is_some_and(is_inside) {
            let line = self.next_at(indent);
            let line = line.expect("lines of a group stand below each other");
            nodes.extend(self.line(&line, line.text, names));
        }
        nodes
    }

    fn line(&mut self, line: &Line<'t>, text: &str, names: &[&str]) -> Vec<Node> {
        let (tags, rest) = tags(text);
        if !tags.is_empty() {
            let inner = match rest {
                "" => self.group(line.indent, names),
                rest => self.line(line, rest, names),
            };
            let wrap = |inner, tag| vec![Node::Only(tag, inner)];
            return tags.into_iter().rev().fold(inner, wrap);
        }
        let Some((label, rest)) = label(text) else {
            assert!(
                !text.contains(';'),
                "line {}: one thing a line",
                line.number
            );
            return items(text, line.number, names);
        };
        let inner = match rest {
            "" => self.group(line.indent, names),
            rest => items(rest, line.number, names),
        };
        vec![match label {
            "again" => Node::Again(inner),
            each if each.starts_with("for each ") => Node::Each(inner),
            _ => Node::Maybe(inner),
        }]
    }
}

/// What stands before a colon, and what behind it.
fn label(text: &str) -> Option<(&str, &str)> {
    match text.strip_suffix(':') {
        Some(label) => Some((label, "")),
        None => text.split_once(": "),
    }
}

/// What stands on one line, one after the other. Letting a lock go is no step.
fn items(text: &str, number: usize, names: &[&str]) -> Vec<Node> {
    let pieces = text.split(';').map(str::trim);
    let said = pieces.filter(|piece| *piece != "unlock");
    let nodes = said.flat_map(|piece| match piece {
        "return" => vec![Node::Return],
        "repeat" => vec![Node::Repeat],
        piece => {
            let piece = piece.split_once(" (").map_or(piece, |(said, _)| said);
            let node = published(piece, number).or_else(|| {
                let item = item(piece, names)?;
                Some(vec![Node::Item(item, number)])
            });
            node.unwrap_or_else(|| panic!("line {number}: what is `{piece}`?"))
        }
    });
    nodes.collect()
}

/// `publish wait.flags`, or `look at`: in each kernel, what it is there.
fn published(text: &str, number: usize) -> Option<Vec<Node>> {
    let (alias, ways) = PUBLISHING
        .iter()
        .find(|(alias, _)| text.starts_with(alias))?;
    let object = text.strip_prefix(alias)?.trim();
    let nodes = ways.iter().map(|(alternative, operation)| {
        let tag = Tag {
            mechanism: "woken-publish".to_owned(),
            alternatives: vec![(*alternative).to_owned()],
        };
        let step = step(operation, object)?;
        Some(Node::Only(tag, vec![Node::Item(step, number)]))
    });
    nodes.collect()
}

fn item(text: &str, names: &[&str]) -> Option<Item> {
    if names.contains(&text) {
        return Some(Item::Call(text.to_owned()));
    }
    match text.split_once(' ')? {
        ("barrier", name) => Some(Item::Barrier(name.to_owned())),
        (operation, object) => step(operation, object),
    }
}

fn step(operation: &str, object: &str) -> Option<Item> {
    let operation = *OPERATIONS.iter().find(|name| **name == operation)?;
    let (object, bits) = match object.split_once('(') {
        Some((object, bits)) => (object, bits.strip_suffix(')')?),
        None => (object, ""),
    };
    let (_, field) = *OBJECTS.iter().find(|(written, _)| *written == object)?;
    let bits = bits.split(", ").filter(|bit| !bit.is_empty());
    Some(Item::Step {
        operation,
        field,
        bits: bits.map(str::to_owned).collect(),
    })
}
