//! How a program of the language runs under the explorer.

use std::cmp;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stalewake_model::sync::{
    Access, Counter, Cpu, Ending, GhostCell, MAX_THREADS, Mailbox, ObjectName, Objects, Program,
    SleepState, SpinLock, Task, ThreadId, Word,
};
use stalewake_model::violation::{Halt, Kind, Violation};

use super::program::{
    ALL_BITS, Bits, End, Ghost, LOCKS, MadeId, Op, Outcome, Place, Script, SleepKind, WORDS,
    seen_as,
};

/// A program under the explorer, with the outcomes of its executions.
pub struct Explored {
    script: Script,
    ghost: Ghost,
    outcomes: Mutex<BTreeSet<Outcome>>,
}

impl Explored {
    pub fn new(script: &Script, ghost: Ghost) -> Explored {
        Explored {
            script: script.clone(),
            ghost,
            outcomes: Mutex::default(),
        }
    }

    /// What was seen so far.
    pub fn take_outcomes(&self) -> BTreeSet<Outcome> {
        std::mem::take(&mut self.outcomes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    number: GhostCell<u64, 0>,
}

/// A word that a running thread has made.
#[derive(Clone)]
struct Made {
    id: MadeId,
    word: Arc<Word>,
}

/// The data under a lock.
#[derive(Default)]
struct Data {
    sum: i64,
    word: Option<Made>,
}

/// The shared state of one execution.
pub struct State {
    words: Vec<Word<Life>>,
    /// The lives in the builds that keep them in the wrong place.
    undeclared: Vec<AtomicU64>,
    counter: Counter,
    pinned: Counter,
    locks: Vec<SpinLock<Data>>,
    tasks: Vec<Task>,
    mailbox: Mailbox<i64>,
    record: Mutex<Record>,
}

/// What the harness notes: thread-local values, so it is no shared memory of
/// the program.
struct Record {
    threads: Vec<(Vec<i64>, End)>,
    made: Vec<Vec<Arc<Word>>>,
    kinds: BTreeSet<Kind>,
}

impl State {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
struct Thread<'a> {
    program: &'a Explored,
    state: &'a State,
    cpu: &'a Cpu,
    own: Option<Made>,
    found: Option<Made>,
}

impl Thread<'_> {
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
    fn run(&mut self, ops: &[Op], mut data: Option<&mut Data>) -> Result<(), Halt> {
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

impl Program for Explored {
    type State = State;

    fn threads(&self) -> usize {
        self.script.threads.len()
    }

    fn start(&self, objects: &mut Objects) -> State {
        let threads = self.threads();
        State {
            words: (self.script.words.iter().zip(0..))
                .map(|(bits, owner)| Word::new(objects, "word", owner, *bits, Life::default()))
                .collect(),
            undeclared: (0..WORDS).map(|_| AtomicU64::new(0)).collect(),
            counter: Counter::new(objects, "counter", 0, self.script.counter),
            pinned: Counter::pinned(objects, "pinned", 1, [1; MAX_THREADS]),
            locks: (0..LOCKS as u16)
                .map(|owner| SpinLock::new(objects, "spin_lock", "lock", owner, Data::default()))
                .collect(),
            tasks: (0..threads)
                .map(|thread| Task::new(objects, ThreadId(thread as u8)))
                .collect(),
            mailbox: Mailbox::new(objects, "mailbox", 0),
            record: Mutex::new(Record {
                threads: vec![(Vec::new(), End::Returned); threads],
                made: vec![Vec::new(); threads],
                kinds: BTreeSet::new(),
            }),
        }
    }

    fn thread(&self, state: &State, cpu: &Cpu) -> Result<(), Halt> {
        let index = cpu.thread().index();
        let mut thread = Thread {
            program: self,
            state,
            cpu,
            own: None,
            found: None,
        };
        let ended = thread.run(&self.script.threads[index], None);
        state.record().threads[index].1 = match ended {
            Ok(()) => End::Returned,
            Err(Halt::Oops(kind)) => End::Oops(kind),
            Err(Halt::Released) => End::Released,
        };
        ended
    }

    fn end(&self, state: &State, ending: Ending) -> Vec<Violation> {
        let record = state.record();
        let mut kinds = record.kinds.clone();
        if ending == Ending::Lost {
            kinds.insert(Kind::LostWakeup);
        }
        let counter = state.counter.at_end();
        let mut violations = Vec::new();
        if self.script.leaks(counter) {
            kinds.insert(Kind::ReferenceLeak);
            violations.push(Violation {
                kind: Kind::ReferenceLeak,
                thread: ThreadId(0),
                about: "the counter".into(),
            });
        }
        let lives = state
            .undeclared
            .iter()
            .map(|life| life.load(Ordering::Relaxed));
        let bits_of = |made: &Vec<Arc<Word>>| {
            made.iter()
                .map(|word| word.at_end(|bits, ()| bits))
                .collect()
        };
        let outcome = Outcome {
            threads: record.threads.clone(),
            words: (state.words.iter().zip(lives))
                .map(|(word, beside)| {
                    word.at_end(|bits, life| (bits, life.number.at_end() + beside))
                })
                .collect(),
            made: record.made.iter().map(bits_of).collect(),
            counter,
            pinned: state.pinned.at_end(),
            locks: (state.locks.iter())
                .map(|lock| lock.at_end(|data| (data.sum, data.word.as_ref().map(|made| made.id))))
                .collect(),
            ending,
            kinds,
        };
        self.outcomes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(outcome);
        violations
    }
}
