//! A brute-force enumerator of everything a program can do.
//!
//! It shares nothing with the explorer but the language: no loom, no
//! footprints, no scheduling, and a meaning of its own for every operation,
//! written from the documentation of `sync`. It visits every state that any
//! interleaving reaches, and a state holds all that was seen on the way, so
//! the final ones are exactly the outcomes.

mod code;
mod state;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use stalewake_model::sync::{MAX_THREADS, ThreadId};
use stalewake_model::violation::Kind;

use super::program::{Ghost, Outcome, Script};
use state::State;

/// Everything that a program can do.
pub struct Enumeration {
    pub outcomes: BTreeSet<Outcome>,
    /// Every state that is reached, the first one at the start.
    nodes: Vec<Node>,
}

/// One state.
#[derive(Default)]
struct Node {
    /// Where a step of each thread leads that can run.
    next: [Option<usize>; MAX_THREADS],
    /// What has gone wrong.
    kinds: BTreeSet<Kind>,
}

/// Enumerates a program; nothing if it has more than `most` states.
pub fn enumerate(script: &Script, ghost: Ghost, most: usize) -> Option<Enumeration> {
    let code = code::compile(script);
    let start = State::start(script, &code);
    let mut numbers = HashMap::from([(start.clone(), 0)]);
    let mut open = vec![(0, start)];
    let mut nodes = vec![Node::default()];
    let mut outcomes = BTreeSet::new();
    while let Some((number, state)) = open.pop() {
        let mut stuck = true;
        for thread in 0..code.len() {
            if !state.can_run(thread, &code) {
                continue;
            }
            stuck = false;
            let mut next = state.clone();
            next.run(thread, &code, ghost);
            let reached = match numbers.get(&next) {
                Some(known) => *known,
                None => {
                    let new = nodes.len();
                    nodes.push(Node::default());
                    numbers.insert(next.clone(), new);
                    open.push((new, next));
                    new
                }
            };
            nodes[number].next[thread] = Some(reached);
        }
        if nodes.len() > most {
            return None;
        }
        if stuck {
            let outcome = state.judge(script, &code);
            nodes[number].kinds = outcome.kinds.clone();
            outcomes.insert(outcome);
        } else {
            nodes[number].kinds = state.kinds().clone();
        }
    }
    Some(Enumeration { outcomes, nodes })
}

impl Enumeration {
    /// With how few preemptions each kind can be reached, and with how few steps
    /// then.
    pub fn simplest(&self) -> BTreeMap<Kind, (usize, usize)> {
        let mut simplest = BTreeMap::new();
        // For each state and each thread that may have run last.
        let mut known = vec![[false; MAX_THREADS]; self.nodes.len()];
        let mut open = BinaryHeap::from([Reverse(((0, 0), 0, None))]);
        while let Some(Reverse(((preemptions, steps), number, last))) = open.pop() {
            if last.is_some_and(|last: usize| std::mem::replace(&mut known[number][last], true)) {
                continue;
            }
            let node: &Node = &self.nodes[number];
            for kind in &node.kinds {
                simplest.entry(*kind).or_insert((preemptions, steps));
            }
            for (thread, next) in node.next.iter().enumerate() {
                let Some(next) = *next else { continue };
                let preempts = |last: usize| last != thread && node.next[last].is_some();
                let preemptions = preemptions + usize::from(last.is_some_and(preempts));
                open.push(Reverse(((preemptions, steps + 1), next, Some(thread))));
            }
        }
        simplest
    }
}

/// Where a schedule leads, which need not be an end.
pub struct Followed {
    /// What has gone wrong so far.
    pub kinds: BTreeSet<Kind>,
    pub preemptions: usize,
}

/// Follows a schedule; nothing if the program has no such one.
pub fn follow(script: &Script, ghost: Ghost, schedule: &[ThreadId]) -> Option<Followed> {
    let code = code::compile(script);
    let mut state = State::start(script, &code);
    let (mut preemptions, mut last) = (0, None);
    for thread in schedule.iter().map(|thread| thread.index()) {
        if !state.can_run(thread, &code) {
            return None;
        }
        let preempts = |last| last != thread && state.can_run(last, &code);
        preemptions += usize::from(last.is_some_and(preempts));
        state.run(thread, &code, ghost);
        last = Some(thread);
    }
    let stuck = (0..code.len()).all(|thread| !state.can_run(thread, &code));
    let kinds = if stuck {
        state.judge(script, &code).kinds
    } else {
        state.kinds().clone()
    };
    Some(Followed { kinds, preemptions })
}
