//! Exploring in a process of its own.
//!
//! Every execution maps and unmaps the stacks of its threads, and the kernel
//! lets one thread of a process do that at a time: two searches in one process
//! are hardly faster than one after the other. So each search runs in a worker,
//! a process of the same binary. A worker that dies costs its cell an error,
//! and nothing else.
//!
//! A worker reads one request after another from its standard input and writes
//! what it finds to its standard output, as lines of JSON; both ends are the
//! same program, so the format is nobody else's business. Who does not talk to a
//! worker can still look at it, and end it, by its [`Contact`].

mod complaint;
mod contact;
mod host;
mod protocol;
mod serve;

pub use contact::{Contact, knows_memory};
pub use host::Worker;
pub use serve::serve;
