//! What people and programs get to read.
//!
//! Reports are made from verdicts and recorded executions alone: nothing here
//! explores, and nothing here decides what is explored. Only a [`token`] runs
//! its one witness again, to say what it must show, and [`explain`] follows it
//! on other kernels.
//!
//! | module | what it makes |
//! |---|---|
//! | [`table`] | the table of cells, a column for each kernel |
//! | [`summary`] | what stands below the table: counts, assumptions, differences |
//! | [`observation`] | one line for each cell and kind, as herd7 prints them |
//! | [`sample`] | how often samples hit each kind, beside what the search found |
//! | [`changes`] | in what two runs over the same cells differ |
//! | [`coverage`] | what no execution has reached |
//! | [`json`] | one object for each cell: the contract with other programs |
//! | [`junit`] | a test case for each cell, as JUnit writes them |
//! | [`markdown`] | a matrix and the differences, for the summary of a job |
//! | [`github`] | what differs, as annotations of a workflow |
//! | [`merge`] | what the shards of a run come to together |
//! | [`token`] | a witness as a short text |
//! | [`explain`] | one execution as an interleaving, a column for each thread, or as a picture; how it came about, and how it goes on another kernel |
//! | [`dot`] | the tree of executions of a small search, for Graphviz |
//! | [`html`] | everything as one page, to be read without a network |
//! | [`whatif`] | what every combination of some changes comes to, as text or as a picture |
//! | [`progress`] | the bar shown while cells are explored |

mod aside;
pub mod changes;
pub mod coverage;
pub mod dot;
pub mod explain;
#[cfg(test)]
pub(crate) mod fixture;
pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod merge;
pub mod observation;
mod outcome;
pub mod progress;
pub mod sample;
pub mod seal;
mod style;
pub mod summary;
pub mod table;
pub mod token;
pub mod whatif;
mod wrap;

pub use aside::aside;
pub use outcome::{Checked, Outcome};
pub use style::{Style, Tone, counted};
pub use wrap::wrap;
