//! Scenario files: who runs what against whom, and what each kernel is
//! expected to do.
//!
//! A file is read once and judged as a whole: every combination of parameter
//! values is substituted, parsed and checked when it is loaded, so that nothing
//! of it can go wrong later. `scenarios/README.md` is the format's reference.

use stalewake_model::release::Release;
use stalewake_model::violation::Kind;

use crate::cell::Parameters;
use crate::verdict::Expected;

mod call;
mod control;
mod error;
mod excerpt;
mod expect;
mod machine;
mod parameters;
mod read;
mod shipped;
mod step;
mod table;
#[cfg(test)]
mod tests;
mod threads;

pub use control::Control;
pub use error::ScenarioError;
pub(crate) use error::shorten;
pub use read::{files_in, parse, read, read_dir};
pub use shipped::{find_shipped, shipped};
pub use step::{BioRef, PageRef, Passes, Step, StepReference, SyncMode, step_reference};

/// A scenario to begin with: it runs as it is, and explains itself in comments.
pub const TEMPLATE: &str = include_str!("template.toml");

/// A scenario file that is in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The stem of its file name: lower-case letters, digits and `-`.
    pub name: String,
    /// The file it was read from, as errors call it.
    pub file: String,
    /// What it shows, in a line.
    pub title: String,
    /// The commit, mail or note it comes from.
    pub source: String,
    /// What happens, in prose.
    pub story: String,
    /// The text of the whole file.
    pub text: String,
    /// What it can be varied by, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// What is run for each combination of parameter values.
    variants: Vec<(Parameters, Variant)>,
    /// What is expected of each combination and kernel that the file covers.
    expectations: Vec<Expectation>,
    /// Changes after which something must go wrong.
    pub controls: Vec<Control>,
}

/// Something that a scenario can be varied by.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// The values it can have; at least one.
    pub values: Vec<String>,
}

/// What is run for one combination of parameter values.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The machine.
    pub machine: MachineSpec,
    /// The names of the inodes, those of the pages first.
    pub inodes: Vec<String>,
    /// The pages that are in the page cache at the start.
    pub pages: Vec<PageSpec>,
    /// The threads that run; from one to four.
    pub threads: Vec<ThreadSpec>,
}

/// The machine that a scenario runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineSpec {
    /// Page frames, from 1 to 8.
    pub frames: u16,
    /// Buckets of `page_wait_table`, from 1 to 4.
    pub wait_table: u16,
    /// The order of a huge page, from 1 to 3.
    pub huge_order: u16,
    /// `CONFIG_DEBUG_VM_PGFLAGS`.
    pub debug_vm_pgflags: bool,
    /// `CONFIG_DEBUG_VM`.
    pub debug_vm: bool,
    /// The block device.
    pub device: Device,
    /// `page_lock_unfairness`, from 0 to 5.
    pub page_lock_unfairness: u16,
    /// After how many entries a walk leaves a bookmark, from 0 to 64.
    pub bookmark_every: u16,
}

/// When a block device is done with a bio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// When a thread takes it from the queue (`next bio`).
    Queue,
    /// In `submit_bio` already, as a RAM disk is.
    Immediate,
}

/// A page that is in the page cache at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSpec {
    /// What steps call it.
    pub name: String,
    /// The page frame that it is in; no other page is.
    pub frame: u16,
    /// Its inode, an index into [`Variant::inodes`].
    pub inode: usize,
    /// Its index in the inode, from 0 to 3; no other page has it.
    pub index: u16,
    /// Its flags, each at most once.
    pub flags: Vec<PageFlag>,
    /// Whether the mapping of its inode uses writeback tags.
    pub writeback_tags: bool,
}

/// A flag that a page can have at the start. `PG_locked` is not among them:
/// no thread would own the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFlag {
    /// `PG_writeback`.
    Writeback,
    /// `PG_dirty`.
    Dirty,
    /// `PG_waiters`.
    Waiters,
    /// `PG_uptodate`.
    Uptodate,
    /// `PG_reclaim`.
    Reclaim,
}

/// A thread of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadSpec {
    /// Its name.
    pub name: String,
    /// The pages it has a reference to from the start, indices into
    /// [`Variant::pages`]; a page that is there twice gives it two.
    pub holds: Vec<usize>,
    /// What it does; from 1 to 32 steps.
    pub steps: Vec<Step>,
    /// The steps as they are written in the file, with values for parameters.
    pub texts: Vec<String>,
    /// The names of the variables that its steps assign, each once.
    pub variables: Vec<String>,
}

/// What the file expects of one cell.
#[derive(Debug, Clone, PartialEq)]
struct Expectation {
    parameters: Parameters,
    release: &'static Release,
    expected: Expected,
    /// Where in the text the kernel is named, in bytes.
    place: usize,
}

impl Scenario {
    /// Every combination of parameter values, in the order of the file, the
    /// last parameter changing fastest; one empty map when there are no
    /// parameters.
    pub fn combinations(&self) -> Vec<Parameters> {
        self.variants
            .iter()
            .map(|(parameters, _)| parameters.clone())
            .collect()
    }

    /// What is run for a combination of parameter values.
    ///
    /// # Panics
    /// When it is not one of [`combinations`](Scenario::combinations).
    pub fn variant(&self, parameters: &Parameters) -> &Variant {
        self.variants
            .iter()
            .find_map(|(of, variant)| (of == parameters).then_some(variant))
            .expect("a cell's parameters are one of its scenario's combinations")
    }

    /// The kernels of which the file expects something, in the order of
    /// [`Release::ALL`].
    pub fn kernels(&self) -> Vec<&'static Release> {
        let listed = |release: &&Release| {
            self.expectations
                .iter()
                .any(|expectation| expectation.release.name == release.name)
        };
        Release::ALL.iter().filter(listed).collect()
    }

    /// What the file expects of a cell. A row that the file does not list is
    /// expected to do what a listed one with the same mechanisms does; if there
    /// is none, nothing is expected of it.
    pub fn expected(&self, parameters: &Parameters, release: &Release) -> Option<&Expected> {
        let expectation = self.expectation(parameters, release)?;
        Some(&expectation.expected)
    }

    /// The line of the file, from 1, that says what is expected of a cell.
    pub fn line_of(&self, parameters: &Parameters, release: &Release) -> Option<usize> {
        let expectation = self.expectation(parameters, release)?;
        let before = &self.text[..expectation.place];
        Some(before.matches('\n').count() + 1)
    }

    /// The combinations of parameter values that are expected to hold on every
    /// kernel, and that no control guards: if the scenario, or the model, went
    /// blind there, nobody would notice.
    pub fn unguarded(&self) -> Vec<Parameters> {
        let guarded = |parameters: &Parameters| {
            let mut expectations = self.expectations.iter();
            let fails = |kind: &Kind| !kind.is_harmless();
            expectations.any(|e| e.parameters == *parameters && e.expected.kinds.iter().any(fails))
                || self.controls.iter().any(|c| c.parameters == *parameters)
        };
        let mut combinations = self.combinations();
        combinations.retain(|parameters| !guarded(parameters));
        combinations
    }

    fn expectation(&self, parameters: &Parameters, release: &Release) -> Option<&Expectation> {
        let of_cell = || {
            self.expectations
                .iter()
                .filter(|expectation| expectation.parameters == *parameters)
        };
        of_cell()
            .find(|expectation| expectation.release.name == release.name)
            .or_else(|| of_cell().find(|expectation| expectation.release.kernel == release.kernel))
    }
}
