//! Linux page writeback and the page wait queue, as a model for loom.
//!
//! Modules and functions have the kernel's names; the README beside this crate
//! maps each function to the kernel's, step by step, and says what was left
//! out. Everything is called with a [`current::Current`], the task that runs.

pub mod combination;
pub mod coverage;
pub mod current;
pub mod ext4;
pub mod filemap;
pub mod machine;
pub mod mechanism;
pub mod memory_hotplug;
pub mod migrate;
pub mod page;
pub mod page_alloc;
pub mod page_writeback;
pub mod release;
pub mod shmem;
pub mod swap;
pub mod sync;
pub mod truncate;
pub mod violation;
pub mod vmscan;
pub mod wait;
pub mod wake_logic;
