//! A cell as a program: the machine it starts on, and each thread's steps as
//! calls of the model.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stalewake_model::coverage::Marks;
use stalewake_model::current::Current;
use stalewake_model::ext4::{
    Bio, ext4_finish_bio, ext4_writepage, finish_next_bio, mpage_prepare_extent_to_map,
};
use stalewake_model::filemap::{
    __lock_page_killable, Waited, grab_cache_page, lock_page, lock_page_killable,
    put_and_wait_on_page_locked, unlock_page, wait_on_page_locked,
};
use stalewake_model::machine::{CachedPage, Config, Disk, Machine};
use stalewake_model::mechanism::Kernel;
use stalewake_model::memory_hotplug::offline_pages;
use stalewake_model::migrate::migrate_pages;
use stalewake_model::page::{PG_DIRTY, PG_RECLAIM, PG_UPTODATE, PG_WAITERS, PG_WRITEBACK, Page};
use stalewake_model::page_alloc::{clear_flags_nonatomic, set_flags_nonatomic};
use stalewake_model::page_writeback::{
    self, end_page_writeback, set_page_dirty, set_page_writeback, wait_on_page_writeback,
    write_cache_pages,
};
use stalewake_model::shmem::shmem_alloc_hugepage;
use stalewake_model::swap::put_page;
use stalewake_model::sync::{Cpu, Ending, MAX_THREADS, Objects, Program, Task, ThreadId};
use stalewake_model::truncate::{self, truncate_inode_pages_range};
use stalewake_model::violation::{Halt, Violation};
use stalewake_model::vmscan::shrink_page_list;
use stalewake_model::wake_logic::WakeLogic;

use crate::cell;
use crate::coverage::{Coverage, Steps};
use crate::scenario::{
    BioRef, Device, MachineSpec, PageFlag, PageRef, Passes, Step, SyncMode, Variant,
};

/// A cell, ready to be run.
pub struct CellProgram {
    kernel: Kernel,
    variant: Variant,
    cached: Vec<CachedPage>,
    /// How many pages a file may have.
    blocks: u16,
    /// What replaces the kernel's own wake logic.
    wake_logic: Option<Arc<dyn WakeLogic>>,
    /// What the executions so far have reached.
    branches: Marks,
    steps: Steps,
}

/// The shared state of one execution.
pub struct Running {
    machine: Machine,
    /// The references that each thread owns, as frame numbers.
    held: Vec<Mutex<Vec<u16>>>,
    steps: Steps,
}

impl Running {
    /// The machine that it runs on.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }
}

impl CellProgram {
    /// The program of a cell.
    pub fn new(cell: &cell::Cell) -> CellProgram {
        let variant = cell.scenario.variant(&cell.parameters).clone();
        let cached = variant
            .pages
            .iter()
            .enumerate()
            .map(|(number, page)| CachedPage {
                pfn: page.frame,
                inode: u16::try_from(page.inode).expect("a scenario has few inodes"),
                index: page.index,
                flags: page
                    .flags
                    .iter()
                    .map(|flag| bit(*flag))
                    .fold(0, |all, bit| all | bit),
                held: held(&variant, number),
                stays: !is_removed(&variant, page.inode),
                writeback_tags: page.writeback_tags,
            });
        let cached: Vec<CachedPage> = cached.collect();
        let used = variant
            .threads
            .iter()
            .flat_map(|thread| &thread.steps)
            .map(|step| match step {
                Step::GrabCachePage { index, .. } => index + 1,
                _ => 1,
            });
        let blocks = cached
            .iter()
            .map(|page| page.index + 1)
            .chain(used)
            .max()
            .unwrap_or(1);
        CellProgram {
            kernel: cell.kernel.kernel,
            cached,
            blocks,
            variant,
            wake_logic: None,
            branches: Marks::default(),
            steps: Steps::default(),
        }
    }

    /// The same with this wake logic in place of the kernel's own.
    #[must_use]
    pub fn with_wake_logic(self, logic: Arc<dyn WakeLogic>) -> CellProgram {
        CellProgram {
            wake_logic: Some(logic),
            ..self
        }
    }

    /// What the executions so far have reached.
    pub fn coverage(&self) -> Coverage {
        let threads = (0..).map(ThreadId).zip(&self.variant.threads);
        let places = threads.flat_map(|(thread, spec)| {
            let steps = 0..spec.steps.len();
            steps.map(move |step| (thread, step))
        });
        Coverage {
            branches: self.branches.branches(),
            never_ran: places.filter(|place| !self.steps.has(*place)).collect(),
        }
    }
}

/// How many references each thread holds on a page at the start.
fn held(variant: &Variant, page: usize) -> [i64; MAX_THREADS] {
    let mut held = [0; MAX_THREADS];
    for (thread, held) in variant.threads.iter().zip(&mut held) {
        *held = thread.holds.iter().map(|of| i64::from(*of == page)).sum();
    }
    held
}

/// Whether any thread may take pages out of this file.
fn is_removed(variant: &Variant, file: usize) -> bool {
    let mut steps = variant.threads.iter().flat_map(|thread| &thread.steps);
    steps.any(|step| match step {
        Step::Truncate { inode, .. } | Step::ShrinkPageList(inode) | Step::MigratePages(inode) => {
            *inode == file
        }
        _ => false,
    })
}

fn bit(flag: PageFlag) -> u64 {
    match flag {
        PageFlag::Writeback => PG_WRITEBACK,
        PageFlag::Dirty => PG_DIRTY,
        PageFlag::Waiters => PG_WAITERS,
        PageFlag::Uptodate => PG_UPTODATE,
        PageFlag::Reclaim => PG_RECLAIM,
    }
}

fn config(spec: &MachineSpec) -> Config {
    Config {
        frames: spec.frames,
        wait_table: spec.wait_table,
        huge_order: u32::from(spec.huge_order),
        debug_vm_pgflags: spec.debug_vm_pgflags,
        debug_vm: spec.debug_vm,
        disk: match spec.device {
            Device::Queue => Disk::Queued,
            Device::Immediate => Disk::Immediate,
        },
        page_lock_unfairness: spec.page_lock_unfairness,
        bookmark_every: spec.bookmark_every,
    }
}

impl Program for CellProgram {
    type State = Running;

    fn threads(&self) -> usize {
        self.variant.threads.len()
    }

    fn start(&self, objects: &mut Objects) -> Running {
        let inodes = u16::try_from(self.variant.inodes.len()).expect("a scenario has few inodes");
        let config = config(&self.variant.machine);
        let frames = |pages: &Vec<usize>| {
            Mutex::new(
                pages
                    .iter()
                    .map(|page| self.variant.pages[*page].frame)
                    .collect(),
            )
        };
        let mut machine = Machine::new(
            objects,
            self.kernel,
            config,
            inodes,
            self.blocks,
            &self.cached,
        );
        if let Some(logic) = &self.wake_logic {
            machine.wake_logic = logic.clone();
        }
        Running {
            machine,
            held: self
                .variant
                .threads
                .iter()
                .map(|thread| frames(&thread.holds))
                .collect(),
            steps: Steps::default(),
        }
    }

    fn thread(&self, running: &Running, cpu: &Cpu) -> Result<(), Halt> {
        let spec = &self.variant.threads[cpu.thread().index()];
        let mut thread = Thread {
            program: self,
            cx: Current::new(cpu, &running.machine),
            held: &running.held[cpu.thread().index()],
            variables: vec![None; spec.variables.len()],
            no_page: Cell::new(false),
        };
        for (number, step) in spec.steps.iter().enumerate() {
            let taken = thread.take(step);
            if !matches!(taken, Err(Halt::Released)) && !thread.no_page.take() {
                running.steps.note((cpu.thread(), number));
            }
            if taken?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn end(&self, running: &Running, ending: Ending) -> Vec<Violation> {
        self.branches.add(&running.machine.marks);
        self.steps.add(&running.steps);
        if ending != Ending::Finished {
            return Vec::new();
        }
        running.machine.judge(|pfn| {
            let held = running.held.iter().flat_map(|held| lock(held).clone());
            i64::try_from(held.filter(|held| *held == pfn).count()).expect("few references")
        })
    }
}

fn lock(held: &Mutex<Vec<u16>>) -> MutexGuard<'_, Vec<u16>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread on its way through its steps.
struct Thread<'r> {
    program: &'r CellProgram,
    cx: Current<'r>,
    held: &'r Mutex<Vec<u16>>,
    /// Frames that a step has assigned; none if there was no memory left.
    variables: Vec<Option<u16>>,
    /// There was no page for the latest step, so that it did not run.
    no_page: Cell<bool>,
}

impl<'r> Thread<'r> {
    /// The page that a step names; none if there was no memory left for it.
    fn page(&self, page: PageRef) -> Option<&'r Page> {
        let pfn = match page {
            PageRef::Page(number) => Some(self.program.variant.pages[number].frame),
            PageRef::Variable(number) => self.variables[number],
        };
        pfn.map(|pfn| self.cx.machine.page(pfn))
    }

    fn assign(&mut self, variable: Option<usize>, page: Option<&Page>) {
        let pfn = page.map(|page| page.pfn);
        lock(self.held).extend(pfn);
        if let Some(variable) = variable {
            self.variables[variable] = pfn;
        }
    }

    /// This thread does not own the reference any more.
    fn give_up(&self, page: &Page) {
        let mut held = lock(self.held);
        if let Some(at) = held.iter().position(|held| *held == page.pfn) {
            held.remove(at);
        }
    }

    /// One step on a page; nothing if there was no memory left for the page.
    fn on(
        &self,
        page: PageRef,
        call: impl FnOnce(&Current<'r>, &'r Page) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        match self.page(page) {
            Some(page) => call(&self.cx, page),
            None => {
                self.no_page.set(true);
                Ok(())
            }
        }
    }

    /// The task of another thread.
    fn task(&self, thread: usize) -> &'r Task {
        let thread = u8::try_from(thread).expect("a scenario has few threads");
        self.cx.machine.task(ThreadId(thread))
    }

    /// One step; breaks off if the thread has been killed by it.
    fn take(&mut self, step: &Step) -> Result<ControlFlow<()>, Halt> {
        if let Step::LockPageKillable { page, was_busy } = *step
            && let Some(page) = self.page(page)
        {
            let lock = if was_busy {
                __lock_page_killable
            } else {
                lock_page_killable
            };
            return Ok(match lock(&self.cx, page)? {
                Waited::Done => ControlFlow::Continue(()),
                Waited::Interrupted => ControlFlow::Break(()),
            });
        }
        self.call(step).map(ControlFlow::Continue)
    }

    fn call(&mut self, step: &Step) -> Result<(), Halt> {
        let machine = self.cx.machine;
        let inode = |inode: usize| &machine.inodes[inode];
        match *step {
            Step::FinishBio(BioRef::Next) => finish_next_bio(&self.cx),
            Step::FinishBio(BioRef::Page(page)) => {
                self.on(page, |cx, page| ext4_finish_bio(cx, Bio { pfn: page.pfn }))
            }
            Step::Truncate {
                inode: file,
                passes,
            } => {
                let passes = match passes {
                    Passes::Both => truncate::Passes::Both,
                    Passes::First => truncate::Passes::First,
                    Passes::Second => truncate::Passes::Second,
                };
                truncate_inode_pages_range(&self.cx, inode(file), passes)
            }
            Step::GrabCachePage {
                variable,
                inode: file,
                index,
            } => {
                let page = grab_cache_page(&self.cx, inode(file), index)?;
                self.assign(Some(variable), page);
                Ok(())
            }
            Step::ShmemAllocHugepage { variable } => {
                let page = shmem_alloc_hugepage(&self.cx)?;
                self.assign(variable, page);
                Ok(())
            }
            Step::WriteCachePages { inode: file, sync } => {
                let mode = match sync {
                    SyncMode::All => page_writeback::SyncMode::All,
                    SyncMode::None => page_writeback::SyncMode::None,
                };
                let cx = &self.cx;
                write_cache_pages(cx, inode(file), mode, |page| ext4_writepage(cx, page))
            }
            Step::MpagePrepareExtentToMap(file) => {
                mpage_prepare_extent_to_map(&self.cx, inode(file))
            }
            Step::Writepage(page) => self.on(page, ext4_writepage),
            Step::SetPageDirty(page) => self.on(page, set_page_dirty),
            Step::LockPage(page) => self.on(page, lock_page),
            // Taken where it can end the thread.
            Step::LockPageKillable { .. } => Ok(()),
            Step::UnlockPage(page) => self.on(page, unlock_page),
            Step::WaitOnPageWriteback(page) => self.on(page, wait_on_page_writeback),
            Step::WaitOnPageLocked(page) => self.on(page, wait_on_page_locked),
            Step::SetPageWriteback(page) => {
                self.on(page, |cx, page| set_page_writeback(cx, page).map(|_| ()))
            }
            Step::EndPageWriteback(page) => self.on(page, end_page_writeback),
            Step::PutPage(page) => self.on(page, |cx, page| {
                self.give_up(page);
                put_page(cx, page)
            }),
            Step::PutAndWaitOnPageLocked(page) => self.on(page, |cx, page| {
                self.give_up(page);
                put_and_wait_on_page_locked(cx, page)
            }),
            Step::ShrinkPageList(file) => shrink_page_list(&self.cx, inode(file)),
            Step::MigratePages(file) => migrate_pages(&self.cx, inode(file)),
            Step::OfflinePages(page) => {
                self.on(page, |cx, page| offline_pages(cx, page).map(|_| ()))
            }
            Step::SetPageUptodateNonatomic(page) => {
                let _call = self.cx.enter("__SetPageUptodate");
                self.on(page, |cx, page| set_flags_nonatomic(cx, page, PG_UPTODATE))
            }
            Step::ClearPageDirtyNonatomic(page) => {
                let _call = self.cx.enter("__ClearPageDirty");
                self.on(page, |cx, page| clear_flags_nonatomic(cx, page, PG_DIRTY))
            }
            Step::Kill(thread) => {
                let _call = self.cx.enter("send_sig");
                self.task(thread).kill(&self.cx);
                Ok(())
            }
            Step::WakeUpProcess(thread) => {
                let _call = self.cx.enter("wake_up_process");
                self.task(thread).wake_up(&self.cx);
                Ok(())
            }
        }
    }
}
