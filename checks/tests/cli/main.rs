//! The binary as a user runs it: what it prints, where, and how it ends.

mod check;
mod explain;
mod list;
mod new;
mod output;
mod questions;
mod run;
mod watch;
