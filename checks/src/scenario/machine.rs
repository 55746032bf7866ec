//! `[machine]` and `[[page]]`: what there is before the first step.

use std::ops::RangeInclusive;

use super::call::HIGHEST_INDEX;
use super::error::{Problem, Result, ScenarioError, Span, shorten, suggest};
use super::parameters::Declared;
use super::table::{Node, Table, out_of_range};
use super::{Device, MachineSpec, PageFlag, PageSpec};
use crate::cell::Parameters;

/// The most page frames that a machine can have.
const MOST_FRAMES: u16 = 8;

impl Default for MachineSpec {
    /// What a file says that says nothing.
    fn default() -> MachineSpec {
        MachineSpec {
            frames: 2,
            wait_table: 1,
            huge_order: 1,
            debug_vm_pgflags: true,
            debug_vm: true,
            device: Device::Queue,
            page_lock_unfairness: 5,
            bookmark_every: 64,
        }
    }
}

/// What `[machine]` says.
#[derive(Default)]
pub(super) struct Machine {
    /// The machine, but for what parameters decide. It decides what pages
    /// there can be.
    pub fixed: MachineSpec,
    varied: Vec<Varied>,
}

/// A setting whose number is the value of a parameter.
struct Varied {
    parameter: String,
    /// The number that each of its values is.
    numbers: Vec<(String, u16)>,
    set: fn(&mut MachineSpec, u16),
}

impl Machine {
    /// The machine of a combination of parameter values.
    pub fn of(&self, parameters: &Parameters) -> MachineSpec {
        let mut machine = self.fixed;
        for varied in &self.varied {
            let value = &parameters[&varied.parameter];
            let number = varied.numbers.iter().find(|(of, _)| of == value);
            (varied.set)(&mut machine, number.map_or(0, |(_, number)| *number));
        }
        machine
    }

    /// Reads a number, or `"$name"`.
    fn vary(
        &mut self,
        node: Node<'_>,
        what: &str,
        range: RangeInclusive<u16>,
        declared: &Declared,
        set: fn(&mut MachineSpec, u16),
    ) -> Result<()> {
        let text = node.string().ok();
        let name = text.as_ref().and_then(|text| text.text.strip_prefix('$'));
        let Some(name) = name else {
            set(&mut self.fixed, node.number(what, range)?);
            return Ok(());
        };
        let parameter = declared.used(name, node.span())?;
        let number = |value: &String| match value.parse() {
            Ok(number) if range.contains(&number) => Ok((value.clone(), number)),
            _ => Err(out_of_range(what, &range, node.span())
                .explain(format!("`${name}` can be `{value}`"))),
        };
        let varied = Varied {
            parameter: parameter.name.clone(),
            numbers: parameter.values.iter().map(number).collect::<Result<_>>()?,
            set,
        };
        self.varied.push(varied);
        Ok(())
    }
}

/// Reads `[machine]`.
pub(super) fn machine(node: Option<Node<'_>>, declared: &Declared) -> Result<Machine> {
    let mut read = Machine::default();
    let Some(node) = node else { return Ok(read) };
    let keys = [
        "frames",
        "wait_table",
        "huge_order",
        "debug_vm_pgflags",
        "debug_vm",
        "device",
        "page_lock_unfairness",
        "bookmark_every",
    ];
    let table = Table::new(node, "[machine]", &keys)?;
    let machine = &mut read.fixed;
    if let Some(node) = table.optional("frames") {
        machine.frames = node.number("`frames`", 1..=MOST_FRAMES)?;
    }
    if let Some(node) = table.optional("wait_table") {
        machine.wait_table = node.number("`wait_table`", 1..=4)?;
    }
    if let Some(node) = table.optional("huge_order") {
        machine.huge_order = node.number("`huge_order`", 1..=3)?;
    }
    if let Some(node) = table.optional("debug_vm_pgflags") {
        machine.debug_vm_pgflags = node.boolean()?;
    }
    if let Some(node) = table.optional("debug_vm") {
        machine.debug_vm = node.boolean()?;
    }
    if let Some(node) = table.optional("device") {
        let name = node.string()?;
        machine.device = match name.text {
            "queue" => Device::Queue,
            "immediate" => Device::Immediate,
            _ => {
                let problem = Problem::UnknownDevice {
                    name: shorten(name.text),
                };
                let help = suggest(name.text, ["queue", "immediate"]);
                return Err(ScenarioError::at(problem, name.span, "this device").help(help));
            }
        };
    }
    if let Some(node) = table.optional("page_lock_unfairness") {
        let set = |machine: &mut MachineSpec, number| machine.page_lock_unfairness = number;
        read.vary(node, "`page_lock_unfairness`", 0..=5, declared, set)?;
    }
    if let Some(node) = table.optional("bookmark_every") {
        let set = |machine: &mut MachineSpec, number| machine.bookmark_every = number;
        read.vary(node, "`bookmark_every`", 0..=64, declared, set)?;
    }
    Ok(read)
}

/// The pages at the start, and the inodes that they name.
#[derive(Default)]
pub(super) struct Pages {
    pub pages: Vec<PageSpec>,
    pub inodes: Vec<String>,
    /// Where each page's frame is decided, and its place in its inode.
    frames: Vec<Span>,
    places: Vec<Span>,
    names: Vec<Span>,
}

/// Reads `[[page]]`.
pub(super) fn pages(node: Option<Node<'_>>, machine: MachineSpec) -> Result<Pages> {
    let mut pages = Pages::default();
    if let Some(node) = node {
        for node in node.tables("page", usize::from(MOST_FRAMES))? {
            pages.add(node, machine)?;
        }
    }
    Ok(pages)
}

impl Pages {
    fn add(&mut self, node: Node<'_>, machine: MachineSpec) -> Result<()> {
        let table = Table::new(
            node,
            "[[page]]",
            &["name", "frame", "inode", "index", "flags", "writeback_tags"],
        )?;
        let name = table.required("name")?.string()?;
        let page = name.identifier("a page")?;
        if let Some(first) = self.pages.iter().position(|other| other.name == page) {
            let problem = Problem::Duplicate {
                what: "page".to_owned(),
                name: page,
            };
            return Err(ScenarioError::at(problem, name.span, "again here")
                .and(self.names[first].clone(), "first here"));
        }

        let (frame, frame_span) = match table.optional("frame") {
            Some(node) => (node.number("`frame`", 0..=u16::MAX)?, node.span()),
            // At most as many pages are read as the largest machine has frames.
            None => (self.pages.len() as u16, table.span()),
        };
        if frame >= machine.frames {
            let problem = Problem::NoSuchFrame {
                frame: frame.into(),
                frames: machine.frames,
            };
            return Err(ScenarioError::at(problem, frame_span, "this page's frame")
                .help("frames are counted from 0; `frames` in [machine] says how many there are"));
        }
        if let Some(first) = self.pages.iter().position(|other| other.frame == frame) {
            let problem = Problem::FrameTaken {
                frame: frame.into(),
            };
            return Err(ScenarioError::at(problem, frame_span, "this page's frame")
                .and(self.frames[first].clone(), "another page's frame")
                .help("a page without `frame` has the number of the pages before it"));
        }

        let inode_name = table.required("inode")?.string()?;
        let inode = inode_name.identifier("an inode")?;
        let (index, place) = match table.optional("index") {
            Some(node) => (node.number("`index`", 0..=HIGHEST_INDEX)?, node.span()),
            None => (0, inode_name.span),
        };
        let inode = self
            .inodes
            .iter()
            .position(|other| *other == inode)
            .unwrap_or_else(|| {
                self.inodes.push(inode);
                self.inodes.len() - 1
            });
        if let Some(first) = self
            .pages
            .iter()
            .position(|other| (other.inode, other.index) == (inode, index))
        {
            let problem = Problem::IndexTaken {
                inode: self.inodes[inode].clone(),
                index,
            };
            return Err(ScenarioError::at(problem, place, "this page")
                .and(self.places[first].clone(), "another page")
                .help("`index` is 0 where it is left out"));
        }

        let flags = match table.optional("flags") {
            Some(node) => flags(node)?,
            None => Vec::new(),
        };
        let writeback_tags = match table.optional("writeback_tags") {
            Some(node) => node.boolean()?,
            None => true,
        };
        self.pages.push(PageSpec {
            name: page,
            frame,
            inode,
            index,
            flags,
            writeback_tags,
        });
        self.frames.push(frame_span);
        self.places.push(place);
        self.names.push(name.span);
        Ok(())
    }

    /// No inode may have the name of a page: a step could mean either.
    pub fn check_names(&self) -> Result<()> {
        for (page, span) in self.pages.iter().zip(&self.names) {
            if self.inodes.contains(&page.name) {
                let problem = Problem::NameTaken {
                    name: page.name.clone(),
                    holder: "an inode",
                };
                return Err(ScenarioError::at(problem, span.clone(), "this page"));
            }
        }
        Ok(())
    }
}

fn flags(node: Node<'_>) -> Result<Vec<PageFlag>> {
    const FLAGS: [(&str, PageFlag); 5] = [
        ("writeback", PageFlag::Writeback),
        ("dirty", PageFlag::Dirty),
        ("waiters", PageFlag::Waiters),
        ("uptodate", PageFlag::Uptodate),
        ("reclaim", PageFlag::Reclaim),
    ];
    let mut flags = Vec::new();
    for name in node.distinct_strings("flag", 8)? {
        if name.text == "locked" {
            return Err(
                ScenarioError::at(Problem::LockedAtStart, name.span, "this flag")
                    .help("let a thread take the lock: `lock_page(page)`"),
            );
        }
        match FLAGS.iter().find(|(flag, _)| *flag == name.text) {
            Some((_, flag)) => flags.push(*flag),
            None => {
                let problem = Problem::UnknownFlag {
                    name: shorten(name.text),
                };
                let help = suggest(name.text, FLAGS.iter().map(|(flag, _)| *flag));
                return Err(ScenarioError::at(problem, name.span, "this flag").help(help));
            }
        }
    }
    Ok(flags)
}
