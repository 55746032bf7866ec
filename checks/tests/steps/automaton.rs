//! A function's body as what can come after what.

use std::collections::BTreeSet;

use stalewake_model::mechanism::Kernel;

use crate::document::{Item, Node};

/// The steps of one way of a function in one kernel.
pub struct Automaton {
    /// From each state, where it can be without a step.
    free: Vec<Vec<usize>>,
    /// From each state, what can happen, on which line that stands, and where
    /// it is then.
    steps: Vec<Vec<(Item, usize, usize)>>,
    end: usize,
}

/// Where a function may be.
pub type States = BTreeSet<usize>;

impl Automaton {
    pub fn new(body: &[Node], kernel: &Kernel) -> Automaton {
        let mut automaton = Automaton {
            free: Vec::new(),
            steps: Vec::new(),
            end: 0,
        };
        let start = automaton.state();
        automaton.end = automaton.state();
        let last = automaton.sequence(body, kernel, start, None);
        automaton.free[last].push(automaton.end);
        automaton
    }

    fn state(&mut self) -> usize {
        self.free.push(Vec::new());
        self.steps.push(Vec::new());
        self.free.len() - 1
    }

    /// Returns the state after all of these.
    fn sequence(
        &mut self,
        nodes: &[Node],
        kernel: &Kernel,
        from: usize,
        around: Option<usize>,
    ) -> usize {
        nodes
            .iter()
            .fold(from, |at, node| self.node(node, kernel, at, around))
    }

    fn node(&mut self, node: &Node, kernel: &Kernel, from: usize, around: Option<usize>) -> usize {
        match node {
            Node::Item(item, line) => {
                let after = self.state();
                self.steps[from].push((item.clone(), *line, after));
                after
            }
            Node::Maybe(nodes) => {
                let (begin, after) = (self.state(), self.state());
                self.free[from].extend([begin, after]);
                let last = self.sequence(nodes, kernel, begin, around);
                self.free[last].push(after);
                after
            }
            Node::Again(nodes) => {
                let begin = self.state();
                self.free[from].push(begin);
                self.sequence(nodes, kernel, begin, Some(begin))
            }
            Node::Each(nodes) => {
                let (begin, after) = (self.state(), self.state());
                self.free[from].push(begin);
                self.free[begin].push(after);
                let last = self.sequence(nodes, kernel, begin, Some(begin));
                self.free[last].push(begin);
                after
            }
            Node::Only(tag, nodes) if tag.holds(kernel) => {
                self.sequence(nodes, kernel, from, around)
            }
            Node::Only(..) => from,
            Node::Repeat => {
                self.free[from].push(around.expect("`repeat` stands in a loop"));
                self.state()
            }
            Node::Return => {
                self.free[from].push(self.end);
                self.state()
            }
        }
    }

    pub fn start(&self) -> States {
        self.closed(States::from([0]))
    }

    /// Where it can be after this, and the lines that say so.
    pub fn after(&self, states: &States, is: impl Fn(&Item) -> bool) -> (States, Vec<usize>) {
        let possible = states.iter().flat_map(|state| &self.steps[*state]);
        let taken = possible.filter(|(item, ..)| is(item));
        let (lines, next): (Vec<usize>, States) = taken.map(|(_, line, to)| (*line, *to)).unzip();
        (self.closed(next), lines)
    }

    pub fn may_end(&self, states: &States) -> bool {
        states.contains(&self.end)
    }

    /// The lines of what can come next.
    pub fn next(&self, states: &States) -> impl Iterator<Item = usize> {
        let steps = states.iter().flat_map(|state| &self.steps[*state]);
        steps.map(|(_, line, _)| *line)
    }

    fn closed(&self, mut states: States) -> States {
        let mut open: Vec<usize> = states.iter().copied().collect();
        while let Some(state) = open.pop() {
            let more = self.free[state].iter().filter(|next| states.insert(**next));
            open.extend(more);
        }
        states
    }
}
