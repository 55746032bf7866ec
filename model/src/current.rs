//! `current`: the task that runs, on this machine, under this kernel.

use std::ops::Deref;

use crate::coverage::Branch;
use crate::machine::{Config, Machine};
use crate::mechanism::Kernel;
use crate::sync::{Cpu, Task};
use crate::wake_logic::WakeLogic;

/// What every kernel function is called with.
pub struct Current<'m> {
    cpu: &'m Cpu,
    /// The machine that it runs on.
    pub machine: &'m Machine,
}

impl<'m> Current<'m> {
    /// The task that runs on `cpu`.
    pub fn new(cpu: &'m Cpu, machine: &'m Machine) -> Current<'m> {
        Current { cpu, machine }
    }

    /// The kernel that it runs under.
    pub fn kernel(&self) -> &'m Kernel {
        &self.machine.kernel
    }

    /// What that kernel does where it wakes and waits for page bits.
    pub fn wake_logic(&self) -> &'m dyn WakeLogic {
        &*self.machine.wake_logic
    }

    /// How that kernel was configured, and on what machine it runs.
    pub fn config(&self) -> &'m Config {
        &self.machine.config
    }

    /// This branch is taken.
    pub fn takes(&self, branch: Branch) {
        self.machine.marks.leave(branch);
    }

    /// The task itself.
    pub fn task(&self) -> &'m Task {
        self.machine.task(self.cpu.thread())
    }
}

impl Deref for Current<'_> {
    type Target = Cpu;

    fn deref(&self) -> &Cpu {
        self.cpu
    }
}
