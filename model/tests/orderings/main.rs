//! The memory orderings of every shared operation, where memory is weak.
//!
//! A sequentially consistent search cannot notice that a release became a plain
//! store, or that a barrier is gone. So each operation is put into small litmus
//! tests, and what they can end with is compared with what the kernel's
//! documentation says of the operation: what is promised must not fail, and what
//! is not promised must be seen to fail, or the search would hide bugs. The
//! expectations come from Documentation/atomic_t.txt, atomic_bitops.txt and
//! memory-barriers.txt, never from a run.

mod barrier;
mod counters;
mod limits;
mod litmus;
mod mailbox;
mod rows;
mod shapes;
mod sleep;
mod spin_lock;
mod table;
mod task_state;
mod words;
