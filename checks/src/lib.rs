//! stalewake: a model checker for Linux page-wait and wake-up logic.

// It panics where standard error cannot be written to: see `report::aside`.
#![warn(clippy::print_stderr)]

pub mod cell;
mod check;
pub mod coverage;
pub mod explore;
pub mod gate;
pub mod journal;
mod printable;
mod proc;
pub mod program;
pub mod report;
pub mod scenario;
pub mod verdict;
pub mod whatif;
pub mod worker;

pub use check::{Check, CheckError, Report};
pub use printable::{printable, printable_path};
pub use proc::ignores;
