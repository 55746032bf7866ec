//! Programs as instructions.

use super::super::program::{Bits, Op, Place, Script, SleepKind};

/// One instruction: an atomic step of a thread, or something that happens
/// together with the step before it because no other thread could tell.
#[derive(Clone, Copy)]
pub enum Code<'a> {
    /// An operation of the language that is one step and falls through.
    Plain(&'a Op),
    /// A step only if the word is there.
    Bits {
        word: Place,
        op: Bits,
    },
    /// No step.
    Make {
        bits: u64,
    },
    /// No step.
    Publish {
        lock: usize,
    },
    /// No step.
    Find {
        lock: usize,
    },
    /// Counts down. If this is a put that leaves zero, the wipe of the word
    /// follows, else it is skipped.
    Dec {
        put: Option<usize>,
    },
    Lock {
        lock: usize,
    },
    /// No step.
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
    /// Afterwards so many instructions are skipped.
    Schedule {
        skips: usize,
    },
    SetRunning,
    Signal {
        target: usize,
    },
    Wake {
        target: usize,
        killable_only: bool,
    },
}

/// Flattens a program, thread by thread.
pub fn compile(script: &Script) -> Vec<Vec<Code<'_>>> {
    (script.threads.iter().enumerate())
        .map(|(thread, ops)| {
            let mut code = Vec::new();
            flatten(script, thread, None, ops, &mut code);
            code
        })
        .collect()
}

/// Flattens operations of one thread, under the innermost lock held.
fn flatten<'a>(
    script: &Script,
    thread: usize,
    innermost: Option<usize>,
    ops: &'a [Op],
    code: &mut Vec<Code<'a>>,
) {
    for op in ops {
        match *op {
            Op::Bits { word, op } => code.push(Code::Bits { word, op }),
            Op::Make { bits } => code.push(Code::Make { bits }),
            Op::Publish => code.extend(innermost.map(|lock| Code::Publish { lock })),
            Op::Find => code.extend(innermost.map(|lock| Code::Find { lock })),
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
                flatten(script, thread, Some(lock), body, code);
                code.push(Code::Unlock { lock, add });
            }
            Op::Sleep { state, word, mask } => code.extend([
                Code::SetState { state },
                Code::TestBeforeSleep { word, mask },
                Code::Schedule { skips: 1 },
                Code::SetRunning,
            ]),
            Op::SetState { state } => code.push(Code::SetState { state }),
            Op::SetRunning => code.push(Code::SetRunning),
            Op::Schedule => code.push(Code::Schedule { skips: 0 }),
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
            Op::Wipe { .. }
            | Op::Check { .. }
            | Op::Inc
            | Op::IncUnlessZero
            | Op::IncPinned
            | Op::DecPinned
            | Op::IncPinnedUnlessZero
            | Op::Read
            | Op::SetCounter { .. }
            | Op::Freeze { .. }
            | Op::Unfreeze { .. }
            | Op::SignalPending
            | Op::Send { .. }
            | Op::Receive => code.push(Code::Plain(op)),
        }
    }
}
