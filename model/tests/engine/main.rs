//! What the engine tells its observer, and what it does with what it is asked.

mod executions;
mod support;
mod told;
mod weak_memory;
