//! One thread of a program.

use std::cmp;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use stalewake_model::sync::{Access, Counter, Cpu, ObjectName, SleepState, Word};
use stalewake_model::violation::{Halt, Kind};

use super::super::program::{ALL_BITS, Bits, Ghost, Op, Place, SleepKind, seen_as};
use super::{Data, Explored, Life, Made, State};

/// One operation on any word; returns what it saw.
fn operate<G>(word: &Word<G>, cpu: &Cpu, op: Bits) -> Option<i64> {
    Some(match op {
        Bits::Test { mask } => word.test(cpu, mask).into(),
        Bits::Load => word.load(cpu) as i64,
        Bits::Set { mask } => {
            word.set(cpu, mask);
            return None;
        }
        Bits::Clear { mask } => {
            word.clear(cpu, mask);
            return None;
        }
        Bits::Store { value } => {
            word.store(cpu, value);
            return None;
        }
        Bits::TestAndSet { bit } => word.test_and_set(cpu, bit).into(),
        Bits::TestAndClear { bit } => word.test_and_clear(cpu, bit).into(),
        Bits::SetUnless { bit, unless } => {
            word.set_unless_and(cpu, bit, unless, |_, _| ()).0.into()
        }
        Bits::ClearUnless { bit, unless } => {
            word.clear_unless_and(cpu, bit, unless, |_, _| ()).0.into()
        }
        Bits::StoreOver { expected, value } => word
            .store_over_and(cpu, expected, value, |_, _| ())
            .0
            .into(),
        Bits::ClearUnlockAndTest { clear, test } => word
            .clear_unlock_and_test_and(cpu, clear, test, |_, _| ())
            .0
            .into(),
    })
}

/// One thread of one execution.
pub struct Thread<'a> {
    program: &'a Explored,
    state: &'a State,
    cpu: &'a Cpu,
    own: Option<Made>,
    found: Option<Made>,
}

impl<'a> Thread<'a> {
    pub fn new(program: &'a Explored, state: &'a State, cpu: &'a Cpu) -> Thread<'a> {
        Thread {
            program,
            state,
            cpu,
            own: None,
            found: None,
        }
    }

    fn index(&self) -> usize {
        self.cpu.thread().index()
    }

    fn saw(&self, value: i64) {
        self.state.record().threads[self.index()].0.push(value);
    }

    fn report(&self, kind: Kind) -> Result<(), Halt> {
        self.state.record().kinds.insert(kind);
        self.cpu.report(kind, "the cross-check")
    }

    /// Runs operations, with the data of the innermost lock held.
    pub fn run(&mut self, ops: &[Op], mut data: Option<&mut Data>) -> Result<(), Halt> {
        for op in ops {
            self.operate(op, data.as_deref_mut())?;
        }
        Ok(())
    }

    fn operate(&mut self, op: &Op, data: Option<&mut Data>) -> Result<(), Halt> {
        let (state, cpu) = (self.state, self.cpu);
        let task = |distance| &state.tasks[self.program.script.other(self.index(), distance)];
        let own_task = &state.tasks[self.index()];
        match *op {
            Op::Bits { word, op } => {
                let seen = match word {
                    Place::Shared(word) => operate(&state.words[word], cpu, op),
                    Place::Own => (self.own.as_ref()).and_then(|own| operate(&own.word, cpu, op)),
                    Place::Found => {
                        (self.found.as_ref()).and_then(|found| operate(&found.word, cpu, op))
                    }
                };
                if let Some(seen) = seen {
                    self.saw(seen);
                }
            }
            Op::Make { bits } => self.make(bits),
            Op::Publish => {
                if let (Some(data), Some(own)) = (data, &self.own) {
                    data.word = Some(own.clone());
                }
            }
            Op::Find => {
                if let Some(data) = data {
                    self.found = data.word.clone();
                    self.saw(seen_as(self.found.as_ref().map(|found| found.id)));
                }
            }
            Op::Wipe { word } => self.wipe(word),
            Op::Check {
                word,
                mask,
                clears,
                kind,
            } => {
                let life = self.check(word, mask, clears);
                self.saw(life as i64);
                if life != 0 {
                    self.report(kind)?;
                }
            }
            Op::Inc => state.counter.inc(cpu),
            Op::Dec => {
                self.dec(&state.counter)?;
            }
            Op::Put { word } => {
                if self.dec(&state.counter)?.is_eq() {
                    if self.program.ghost == Ghost::EndsElsewhere {
                        state.undeclared[word].fetch_add(1, Ordering::Relaxed);
                    }
                    self.wipe(word);
                }
            }
            Op::IncUnlessZero => self.saw(state.counter.inc_unless_zero(cpu).into()),
            Op::IncPinned => state.pinned.inc(cpu),
            Op::DecPinned => {
                self.dec(&state.pinned)?;
            }
            Op::IncPinnedUnlessZero => self.saw(state.pinned.inc_unless_zero(cpu).into()),
            Op::Read => self.saw(state.counter.read(cpu)),
            Op::SetCounter { value } => state.counter.set(cpu, value),
            Op::Freeze { expected } => self.saw(state.counter.freeze(cpu, expected).into()),
            Op::Unfreeze { value } => state.counter.unfreeze(cpu, value),
            Op::Locked {
                lock,
                add,
                ref body,
            } => {
                let mut data = state.locks[lock].lock(cpu)?;
                self.saw(data.sum);
                self.run(body, Some(&mut data))?;
                data.sum = 2 * data.sum + add;
            }
            Op::Sleep {
                state: sleep,
                word,
                mask,
            } => {
                own_task.set_current_state(cpu, sleep.into());
                let awake = state.words[word].test(cpu, mask);
                self.saw(awake.into());
                if awake {
                    own_task.set_running(cpu);
                } else {
                    let (field, owner) = ("word", word as u16);
                    own_task.schedule(cpu, ObjectName { field, owner })?;
                }
            }
            Op::SetState { state: sleep } => own_task.set_current_state(cpu, sleep.into()),
            Op::SetRunning => own_task.set_running(cpu),
            Op::Schedule => {
                let (field, owner) = ("nothing", 0);
                own_task.schedule(cpu, ObjectName { field, owner })?;
            }
            Op::Wake { distance } => self.saw(task(distance).wake_up(cpu).into()),
            Op::Kill { distance } => task(distance).kill(cpu),
            Op::SignalPending => self.saw(own_task.fatal_signal_pending(cpu).into()),
            Op::Send { item } => state.mailbox.send(cpu, item),
            Op::Receive => self.saw(state.mailbox.receive(cpu)?),
        }
        Ok(())
    }

    fn make(&mut self, bits: u64) {
        let thread = self.index();
        let made = &mut self.state.record().made[thread];
        let id = (thread, made.len());
        let word = Arc::new(Word::made_by(self.cpu, "made", id.1 as u16, bits));
        made.push(word.clone());
        self.own = Some(Made { id, word });
    }

    fn dec(&self, counter: &Counter) -> Result<cmp::Ordering, Halt> {
        let left = counter.dec_and_test(self.cpu);
        self.saw(left as i64);
        if left.is_lt() {
            self.report(Kind::ReferenceUnderflow)?;
        }
        Ok(left)
    }

    fn wipe(&self, word: usize) {
        let (state, cpu) = (self.state, self.cpu);
        match self.program.ghost {
            Ghost::AtHome => state.words[word].store_and(cpu, 0, |life, access| {
                let number = life.number.get(access);
                life.number.set(access, number + 1);
            }),
            Ghost::WipeCommutes => {
                state.words[word].clear(cpu, ALL_BITS);
                state.undeclared[word].fetch_add(1, Ordering::Relaxed);
            }
            Ghost::EndsElsewhere => state.words[word].store(cpu, 0),
        }
    }

    /// The life that the word had in the moment of a test or a clear.
    fn check(&self, word: usize, mask: u64, clears: bool) -> u64 {
        let (state, cpu) = (self.state, self.cpu);
        let ghost = |life: &mut Life, access: &mut Access| match self.program.ghost {
            Ghost::AtHome => life.number.get(access),
            Ghost::WipeCommutes | Ghost::EndsElsewhere => 0,
        };
        let at_home = if clears {
            // The one clearing that reads no bits and takes a ghost step.
            state.words[word]
                .clear_unlock_and_test_and(cpu, mask, 0, ghost)
                .1
        } else {
            let (bits, number) = state.words[word].read_and(cpu, mask, ghost);
            self.saw(bits as i64);
            number
        };
        at_home + state.undeclared[word].load(Ordering::Relaxed)
    }
}

impl From<SleepKind> for SleepState {
    fn from(state: SleepKind) -> SleepState {
        match state {
            SleepKind::Uninterruptible => SleepState::Uninterruptible,
            SleepKind::Killable => SleepState::Killable,
        }
    }
}
