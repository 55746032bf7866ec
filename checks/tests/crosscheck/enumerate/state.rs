//! What a program has come to, and what its next steps do.

use std::collections::{BTreeSet, VecDeque};

use stalewake_model::sync::{Ending, MAX_THREADS};
use stalewake_model::violation::{Class, Kind};

use super::super::program::{
    Bits, End, Ghost, LOCKS, MadeId, Op, Outcome, Place, Script, SleepKind, WORDS, seen_as,
};
use super::code::Code;

#[derive(Clone, Default, PartialEq, Eq, Hash)]
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
    /// The bits of the words it has made.
    made: Vec<u64>,
    found: Option<MadeId>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Lock {
    held: bool,
    poisoned: bool,
    data: i64,
    word: Option<MadeId>,
}

/// Everything that the rest of an execution, or its outcome, depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct State {
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

impl State {
    pub fn start(script: &Script, code: &[Vec<Code<'_>>]) -> State {
        let threads = script.threads.len();
        let mut start = State {
            threads: vec![Thread::default(); threads],
            words: script.words,
            lives: [0; WORDS],
            counter: script.counter,
            owned: vec![1; threads],
            locks: Default::default(),
            mail: VecDeque::new(),
            kinds: BTreeSet::new(),
        };
        for (thread, code) in code.iter().enumerate() {
            start.go_on(thread, code);
        }
        start
    }

    /// What has gone wrong so far.
    pub fn kinds(&self) -> &BTreeSet<Kind> {
        &self.kinds
    }

    pub fn can_run(&self, thread: usize, code: &[Vec<Code<'_>>]) -> bool {
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
    pub fn run(&mut self, thread: usize, code: &[Vec<Code<'_>>], ghost: Ghost) {
        let instruction = code[thread][self.threads[thread].next];
        self.threads[thread].next += 1;
        match instruction {
            Code::Plain(op) => self.operate(thread, op, ghost),
            Code::Bits { word, op } => {
                let bits = self.word(thread, word).expect("else it is no step");
                if let Some(seen) = apply(op, bits) {
                    self.saw(thread, seen);
                }
            }
            Code::Dec { put } => self.dec(thread, put, ghost),
            Code::Lock { lock } => {
                self.locks[lock].held = true;
                self.threads[thread].holds.push(lock);
                if self.locks[lock].poisoned {
                    self.stop(thread, End::Released);
                } else {
                    self.saw(thread, self.locks[lock].data);
                }
            }
            Code::SetState { state } => self.threads[thread].state = Some(state),
            Code::TestBeforeSleep { word, mask } => {
                let awake = self.words[word] & mask != 0;
                self.saw(thread, awake.into());
                if awake {
                    self.threads[thread].next += 1;
                }
            }
            Code::Schedule { skips } => {
                let me = &mut self.threads[thread];
                me.next += skips;
                // Who will not sleep for a signal is no more about to.
                if me.signal && me.state == Some(SleepKind::Killable) {
                    me.state = None;
                }
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
            Code::Make { .. } | Code::Publish { .. } | Code::Find { .. } | Code::Unlock { .. } => {
                unreachable!("no step")
            }
        }
        if !self.threads[thread].asleep {
            self.go_on(thread, &code[thread]);
        }
    }

    /// Does what needs no step, and ends.
    fn go_on(&mut self, thread: usize, code: &[Code<'_>]) {
        while self.threads[thread].ended.is_none() {
            let me = &mut self.threads[thread];
            match code.get(me.next) {
                None => me.ended = Some(End::Returned),
                Some(Code::Make { bits }) => me.made.push(*bits),
                Some(Code::Publish { lock }) => {
                    if let Some(last) = me.made.len().checked_sub(1) {
                        self.locks[*lock].word = Some((thread, last));
                    }
                }
                Some(Code::Find { lock }) => {
                    me.found = self.locks[*lock].word;
                    me.seen.push(seen_as(me.found));
                }
                Some(Code::Unlock { lock, add }) => {
                    me.holds.pop();
                    self.locks[*lock].held = false;
                    self.locks[*lock].data = 2 * self.locks[*lock].data + add;
                }
                Some(Code::Bits { word, .. }) if self.word(thread, *word).is_none() => {}
                Some(_) => return,
            }
            self.threads[thread].next += 1;
        }
    }

    fn word(&mut self, thread: usize, place: Place) -> Option<&mut u64> {
        match place {
            Place::Shared(word) => Some(&mut self.words[word]),
            Place::Own => self.threads[thread].made.last_mut(),
            Place::Found => {
                let (maker, number) = self.threads[thread].found?;
                Some(&mut self.threads[maker].made[number])
            }
        }
    }

    fn dec(&mut self, thread: usize, put: Option<usize>, ghost: Ghost) {
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

    fn operate(&mut self, thread: usize, op: &Op, ghost: Ghost) {
        match *op {
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
            Op::SetCounter { value } | Op::Unfreeze { value } => self.counter = value,
            Op::Freeze { expected } => {
                let freezes = self.counter == expected;
                if freezes {
                    self.counter = 0;
                }
                self.saw(thread, freezes.into());
            }
            Op::SignalPending => self.saw(thread, self.threads[thread].signal.into()),
            Op::Send { item } => self.mail.push_back(item),
            Op::Receive => {
                let item = self.mail.pop_front().expect("it could run");
                self.saw(thread, item);
            }
            _ => unreachable!("compiled to an instruction of its own"),
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
    pub fn judge(&self, script: &Script, code: &[Vec<Code<'_>>]) -> Outcome {
        let mut threads = self.threads.iter().zip(code);
        let halted = (self.threads.iter()).any(|t| matches!(t.ended, Some(End::Oops(_))));
        // Waiting for mail is no reason to run on, but for a wake-up or for a
        // lock is: locks that nobody lets go are taken in a circle.
        let lost = threads.any(|(thread, code)| {
            let waits_for_lock =
                || thread.ended.is_none() && matches!(code[thread.next], Code::Lock { .. });
            thread.asleep || waits_for_lock()
        });
        let ending = match (halted, lost) {
            (true, _) => Ending::Halted,
            (false, true) => Ending::Lost,
            (false, false) => Ending::Finished,
        };
        let mut kinds = self.kinds.clone();
        if ending == Ending::Lost {
            kinds.insert(Kind::LostWakeup);
        }
        if script.leaks(self.counter) {
            kinds.insert(Kind::ReferenceLeak);
        }
        Outcome {
            threads: (self.threads.iter())
                .map(|thread| (thread.seen.clone(), thread.ended.unwrap_or(End::Released)))
                .collect(),
            words: self.words.into_iter().zip(self.lives).collect(),
            made: (self.threads.iter())
                .map(|thread| thread.made.clone())
                .collect(),
            counter: self.counter,
            // One that is never taken, and those of threads that are not there.
            pinned: 1 + self.owned.iter().sum::<i64>() + (MAX_THREADS - self.owned.len()) as i64,
            locks: (self.locks.iter())
                .map(|lock| (lock.data, lock.word))
                .collect(),
            ending,
            kinds,
        }
    }
}

/// One operation on the bits of a word; returns what it saw.
fn apply(op: Bits, bits: &mut u64) -> Option<i64> {
    let before = *bits;
    let has = |mask: u64| Some(i64::from(before & mask != 0));
    match op {
        Bits::Test { mask } => has(mask),
        Bits::Load => Some(before as i64),
        Bits::Set { mask } => {
            *bits |= mask;
            None
        }
        Bits::Clear { mask } => {
            *bits &= !mask;
            None
        }
        Bits::Store { value } => {
            *bits = value;
            None
        }
        Bits::TestAndSet { bit } => {
            *bits |= bit;
            has(bit)
        }
        Bits::TestAndClear { bit } => {
            *bits &= !bit;
            has(bit)
        }
        Bits::SetUnless { bit, unless } => {
            if before & unless == 0 {
                *bits |= bit;
            }
            has(unless)
        }
        Bits::ClearUnless { bit, unless } => {
            if before & unless == 0 {
                *bits &= !bit;
            }
            has(unless)
        }
        Bits::StoreOver { expected, value } => {
            *bits = value;
            Some((before != expected).into())
        }
        Bits::ClearUnlockAndTest { clear, test } => {
            *bits &= !clear;
            has(test)
        }
    }
}
