//! The model's parts, one by one: each test names the behaviour of the kernel
//! that it holds the model to, in every schedule of one or two threads.

mod alternatives;
mod bookmark;
mod combinations;
mod page_alloc;
mod page_cache;
mod page_lock;
mod page_wait;
mod page_writeback;
mod reclaim;
mod references;
mod support;
mod truncate;
mod versions;
