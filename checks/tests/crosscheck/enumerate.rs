//! A brute-force enumerator of everything a program can do.
//!
//! It shares nothing with the explorer but the language: no loom, no
//! footprints, no scheduling, and a meaning of its own for every operation,
//! written from the documentation of `sync`. It visits every state that any
//! interleaving reaches, and a state holds all that was seen on the way, so
//! the final ones are exactly the outcomes.

use std::collections::{BTreeSet, HashSet, VecDeque};

use stalewake_model::sync::{Ending, MAX_THREADS};
use stalewake_model::violation::{Class, Kind};

use super::program::{End, Ghost, LOCKS, Op, Outcome, Script, SleepKind, WORDS, leaks};

/// One instruction: an atomic step of a thread, but for [`Code::Unlock`],
/// which happens together with the step before it.
#[derive(Clone, Copy)]
enum Code<'a> {
    /// An operation of the language that is one step and falls through.
    Plain(&'a Op),
    /// Counts down. If this is a put that leaves zero, the wipe of the word
    /// follows, else it is skipped.
    Dec {
        put: Option<usize>,
    },
    Lock {
        lock: usize,
    },
    Unlock {
        lock: usize,
        add: i64,
    },
    SetState {
        state: SleepKind,
    },
    /// Tests the condition; if it holds, the `schedule` that follows is skipped.
    TestBeforeSleep {
        word: usize,
        mask: u64,
    },
    /// Skips the [`Code::SetRunning`] that follows.
    Schedule,
    SetRunning,
    Signal {
        target: usize,
    },
    Wake {
        target: usize,
        killable_only: bool,
    },
}

/// Flattens the operations of one thread.
fn compile<'a>(script: &Script, thread: usize, ops: &'a [Op], code: &mut Vec<Code<'a>>) {
    for op in ops {
        match *op {
            Op::Dec => code.push(Code::Dec { put: None }),
            Op::Put { word } => {
                code.extend([Code::Dec { put: Some(word) }, Code::Plain(op)]);
            }
            Op::Locked {
                lock,
                add,
                ref body,
            } => {
                code.push(Code::Lock { lock });
                compile(script, thread, body, code);
                code.push(Code::Unlock { lock, add });
            }
            Op::Sleep { state, word, mask } => code.extend([
                Code::SetState { state },
                Code::TestBeforeSleep { word, mask },
                Code::Schedule,
                Code::SetRunning,
            ]),
            Op::Wake { distance } => {
                let target = script.other(thread, distance);
                code.push(Code::Wake {
                    target,
                    killable_only: false,
                });
            }
            Op::Kill { distance } => {
                let target = script.other(thread, distance);
                code.extend([
                    Code::Signal { target },
                    Code::Wake {
                        target,
                        killable_only: true,
                    },
                ]);
            }
            _ => code.push(Code::Plain(op)),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Thread {
    next: usize,
    seen: Vec<i64>,
    ended: Option<End>,
    /// Really asleep, not only about to be.
    asleep: bool,
    /// What the task's state says.
    state: Option<SleepKind>,
    signal: bool,
    holds: Vec<usize>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Lock {
    held: bool,
    poisoned: bool,
    data: i64,
}

/// Everything that the rest of an execution, or its outcome, depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    threads: Vec<Thread>,
    words: [u64; WORDS],
    lives: [u64; WORDS],
    counter: i64,
    /// How much of the pinned counter each thread owns.
    owned: Vec<i64>,
    locks: [Lock; LOCKS],
    mail: VecDeque<i64>,
    kinds: BTreeSet<Kind>,
}

/// Every outcome of the program, or nothing if it has more than `most` states.
pub fn outcomes(script: &Script, ghost: Ghost, most: usize) -> Option<BTreeSet<Outcome>> {
    let code: Vec<Vec<Code<'_>>> = (script.threads.iter().enumerate())
        .map(|(thread, ops)| {
            let mut code = Vec::new();
            compile(script, thread, ops, &mut code);
            code
        })
        .collect();
    let idle = Thread {
        next: 0,
        seen: Vec::new(),
        ended: None,
        asleep: false,
        state: None,
        signal: false,
        holds: Vec::new(),
    };
    let mut start = State {
        threads: vec![idle; script.threads.len()],
        words: script.words,
        lives: [0; WORDS],
        counter: script.counter,
        owned: vec![1; script.threads.len()],
        locks: Default::default(),
        mail: VecDeque::new(),
        kinds: BTreeSet::new(),
    };
    for (thread, code) in start.threads.iter_mut().zip(&code) {
        thread.ended = code.is_empty().then_some(End::Returned);
    }
    let (mut visited, mut open) = (HashSet::from([start.clone()]), vec![start]);
    let mut outcomes = BTreeSet::new();
    while let Some(state) = open.pop() {
        let mut stuck = true;
        for thread in 0..state.threads.len() {
            if state.can_run(thread, &code) {
                stuck = false;
                let mut next = state.clone();
                next.run(thread, &code, ghost);
                if !visited.contains(&next) {
                    visited.insert(next.clone());
                    open.push(next);
                }
            }
        }
        if visited.len() > most {
            return None;
        }
        if stuck {
            outcomes.insert(state.judge(script));
        }
    }
    Some(outcomes)
}

impl State {
    fn can_run(&self, thread: usize, code: &[Vec<Code<'_>>]) -> bool {
        let me = &self.threads[thread];
        if me.ended.is_some() || me.asleep {
            return false;
        }
        match code[thread][me.next] {
            Code::Lock { lock } => !self.locks[lock].held,
            Code::Plain(Op::Receive) => !self.mail.is_empty(),
            _ => true,
        }
    }

    /// One step, and what happens together with it.
    fn run(&mut self, thread: usize, code: &[Vec<Code<'_>>], ghost: Ghost) {
        let instruction = code[thread][self.threads[thread].next];
        self.threads[thread].next += 1;
        match instruction {
            Code::Plain(op) => self.operate(thread, op, ghost),
            Code::Dec { put } => {
                self.counter -= 1;
                let left = self.counter;
                self.saw(thread, left.signum());
                if left < 0 {
                    self.report(thread, Kind::ReferenceUnderflow);
                }
                if let Some(word) = put {
                    if left != 0 {
                        self.threads[thread].next += 1;
                    } else if ghost == Ghost::EndsElsewhere {
                        self.lives[word] += 1;
                    }
                }
            }
            Code::Lock { lock } => {
                self.locks[lock].held = true;
                self.threads[thread].holds.push(lock);
                if self.locks[lock].poisoned {
                    self.stop(thread, End::Released);
                } else {
                    self.saw(thread, self.locks[lock].data);
                }
            }
            Code::Unlock { .. } => unreachable!("an unlock goes with the step before it"),
            Code::SetState { state } => self.threads[thread].state = Some(state),
            Code::TestBeforeSleep { word, mask } => {
                let awake = self.words[word] & mask != 0;
                self.saw(thread, awake.into());
                if awake {
                    self.threads[thread].next += 1;
                }
            }
            Code::Schedule => {
                let me = &mut self.threads[thread];
                me.next += 1;
                me.asleep = me.state.is_some();
            }
            Code::SetRunning => self.threads[thread].state = None,
            Code::Signal { target } => self.threads[target].signal = true,
            Code::Wake {
                target,
                killable_only,
            } => {
                let wakes = match self.threads[target].state {
                    Some(SleepKind::Killable) => true,
                    Some(SleepKind::Uninterruptible) => !killable_only,
                    None => false,
                };
                if wakes {
                    self.threads[target].state = None;
                    if std::mem::take(&mut self.threads[target].asleep) {
                        self.go_on(target, &code[target]);
                    }
                }
                if !killable_only {
                    self.saw(thread, wakes.into());
                }
            }
        }
        if !self.threads[thread].asleep {
            self.go_on(thread, &code[thread]);
        }
    }

    /// Does what needs no step: lets go of locks, and ends.
    fn go_on(&mut self, thread: usize, code: &[Code<'_>]) {
        if self.threads[thread].ended.is_some() {
            return;
        }
        while let Some(Code::Unlock { lock, add }) = code.get(self.threads[thread].next) {
            self.threads[thread].next += 1;
            self.threads[thread].holds.pop();
            self.locks[*lock].held = false;
            self.locks[*lock].data = 2 * self.locks[*lock].data + add;
        }
        if self.threads[thread].next == code.len() {
            self.threads[thread].ended = Some(End::Returned);
        }
    }

    fn operate(&mut self, thread: usize, op: &Op, ghost: Ghost) {
        match *op {
            Op::Test { word, mask } => self.saw(thread, (self.words[word] & mask != 0).into()),
            Op::Load { word } => self.saw(thread, self.words[word] as i64),
            Op::Set { word, mask } => self.words[word] |= mask,
            Op::Clear { word, mask } => self.words[word] &= !mask,
            Op::Store { word, value } => self.words[word] = value,
            Op::TestAndSet { word, mask } => {
                self.saw(thread, (self.words[word] & mask != 0).into());
                self.words[word] |= mask;
            }
            Op::TestAndClear { word, mask } => {
                self.saw(thread, (self.words[word] & mask != 0).into());
                self.words[word] &= !mask;
            }
            Op::SetUnless { word, mask, unless } => {
                let refused = self.words[word] & unless != 0;
                self.saw(thread, refused.into());
                if !refused {
                    self.words[word] |= mask;
                }
            }
            Op::ClearUnless { word, mask, unless } => {
                let refused = self.words[word] & unless != 0;
                self.saw(thread, refused.into());
                if !refused {
                    self.words[word] &= !mask;
                }
            }
            Op::StoreOver {
                word,
                expected,
                value,
            } => {
                self.saw(thread, (self.words[word] != expected).into());
                self.words[word] = value;
            }
            Op::ClearUnlockAndTest { word, clear, test } => {
                self.saw(thread, (self.words[word] & test != 0).into());
                self.words[word] &= !clear;
            }
            // The wipe of a put comes here too.
            Op::Wipe { word } | Op::Put { word } => {
                self.words[word] = 0;
                if ghost != Ghost::EndsElsewhere {
                    self.lives[word] += 1;
                }
            }
            Op::Check {
                word,
                mask,
                clears,
                kind,
            } => {
                if clears {
                    self.words[word] &= !mask;
                } else {
                    self.saw(thread, (self.words[word] & mask) as i64);
                }
                self.saw(thread, self.lives[word] as i64);
                if self.lives[word] != 0 {
                    self.report(thread, kind);
                }
            }
            Op::Inc => self.counter += 1,
            Op::IncUnlessZero => {
                let increments = self.counter != 0;
                self.counter += i64::from(increments);
                self.saw(thread, increments.into());
            }
            Op::IncPinned => self.owned[thread] += 1,
            Op::IncPinnedUnlessZero => {
                // One count is never taken: it is not zero.
                self.owned[thread] += 1;
                self.saw(thread, 1);
            }
            Op::DecPinned => {
                self.owned[thread] -= 1;
                let left = if self.owned[thread] < 0 { -1 } else { 1 };
                self.saw(thread, left);
                if left < 0 {
                    self.report(thread, Kind::ReferenceUnderflow);
                }
            }
            Op::Read => self.saw(thread, self.counter),
            Op::SetCounter { value } => self.counter = value,
            Op::SignalPending => self.saw(thread, self.threads[thread].signal.into()),
            Op::Send { item } => self.mail.push_back(item),
            Op::Receive => {
                let item = self.mail.pop_front().expect("it could run");
                self.saw(thread, item);
            }
            Op::Dec | Op::Locked { .. } | Op::Sleep { .. } | Op::Wake { .. } | Op::Kill { .. } => {
                unreachable!("compiled to several instructions")
            }
        }
    }

    fn saw(&mut self, thread: usize, value: i64) {
        self.threads[thread].seen.push(value);
    }

    fn report(&mut self, thread: usize, kind: Kind) {
        self.kinds.insert(kind);
        if kind.class() == Class::Fatal {
            self.stop(thread, End::Oops(kind));
        }
    }

    /// Ends a thread early; the locks that it holds are poisoned and free.
    fn stop(&mut self, thread: usize, end: End) {
        self.threads[thread].ended = Some(end);
        for lock in std::mem::take(&mut self.threads[thread].holds) {
            self.locks[lock].held = false;
            self.locks[lock].poisoned = true;
        }
    }

    /// The outcome of a state in which no thread can run.
    fn judge(&self, script: &Script) -> Outcome {
        let halted = self
            .threads
            .iter()
            .any(|t| matches!(t.ended, Some(End::Oops(_))));
        let asleep = self.threads.iter().any(|thread| thread.asleep);
        let ending = match (halted, asleep) {
            (true, _) => Ending::Halted,
            (false, true) => Ending::Lost,
            (false, false) => Ending::Finished,
        };
        let mut kinds = self.kinds.clone();
        if ending == Ending::Lost {
            kinds.insert(Kind::LostWakeup);
        }
        if leaks(script, self.counter) {
            kinds.insert(Kind::ReferenceLeak);
        }
        Outcome {
            threads: (self.threads.iter())
                .map(|thread| (thread.seen.clone(), thread.ended.unwrap_or(End::Released)))
                .collect(),
            words: self.words.into_iter().zip(self.lives).collect(),
            counter: self.counter,
            // One that is never taken, and those of threads that are not there.
            pinned: 1 + self.owned.iter().sum::<i64>() + (MAX_THREADS - self.owned.len()) as i64,
            locks: self.locks.iter().map(|lock| lock.data).collect(),
            ending,
            kinds,
        }
    }
}
