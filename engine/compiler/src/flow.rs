//! The plan's graph: which step can follow which.
//!
//! Edges come from a plan's steps alone. Jumps of list order may lead back; such an edge is marked as a re-entry,
//! and without the re-entries the graph has no cycle.

use std::collections::VecDeque;

use petgraph::{
    Direction,
    algo::kosaraju_scc,
    graph::{DiGraph, NodeIndex},
    visit::{Dfs, EdgeRef},
};
use runwright_model::{
    id::StepId,
    plan::{Order, Plan},
    step::{OnFailure, Step, StepKind, following},
};
use serde::Serialize;

/// Why one step can follow another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// The first ended well, or was skipped, or its failure is tolerated.
    Next,
    /// A choice of the branch held.
    Choice,
    /// No choice of the branch held.
    Default,
    /// The first failed.
    Failure,
    /// The execution was cancelled during the first.
    Cancel,
    /// The second depends on the first (graph order).
    Depends,
    /// The second begins the body of the first, a loop.
    Body,
}

/// One way from a step to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Edge {
    /// From here.
    pub from: StepId,
    /// To there.
    pub to: StepId,
    /// Why.
    pub kind: EdgeKind,
    /// Whether it leads back to a step that may have run: how often is counted when the plan runs.
    pub reentry: bool,
}

/// Every edge of a plan, in the order of its steps. For drawings.
#[must_use]
pub fn edges(plan: &Plan) -> Vec<Edge> {
    let flow = Flow::new(&plan.steps, plan.order);
    let edge = |(from, to, kind): &(usize, usize, EdgeKind)| Edge {
        from: StepId::from_index(*from),
        to: StepId::from_index(*to),
        kind: *kind,
        reentry: to <= from && flow.component[*from] == flow.component[*to],
    };
    flow.edges.iter().map(edge).collect()
}

/// The graph, and its strongly connected components.
pub(crate) struct Flow {
    edges: Vec<(usize, usize, EdgeKind)>,
    graph: DiGraph<(), EdgeKind>,
    /// The component of each step.
    component: Vec<usize>,
    /// The steps of each component; a component comes after those it leads to.
    members: Vec<Vec<usize>>,
    /// Whether the flow may end after this step without a failure.
    ends: Vec<bool>,
    /// The row of steps that each just go on, by number.
    rows: Vec<usize>,
}

impl Flow {
    pub(crate) fn new(steps: &[Step], order: Order) -> Self {
        let mut edges = Vec::with_capacity(steps.len() * 2);
        let mut ends = vec![false; steps.len()];
        for (index, step) in steps.iter().enumerate() {
            match order {
                Order::List => ends[index] = list_edges(index, steps, &mut edges),
                // Also in graph order the steps of a loop are a list.
                Order::Graph if step.parent.is_some() => drop(list_edges(index, steps, &mut edges)),
                Order::Graph => {
                    if matches!(step.kind, StepKind::Loop { .. }) {
                        edges.extend(body(index, steps));
                    }
                    edges.extend(
                        step.depends_on
                            .iter()
                            .map(|from| (from.index(), index, EdgeKind::Depends)),
                    );
                }
            }
        }
        let rows = rows(steps.len(), &edges);
        let mut graph = DiGraph::with_capacity(steps.len(), edges.len());
        for _ in steps {
            graph.add_node(());
        }
        for (from, to, kind) in &edges {
            graph.add_edge(NodeIndex::new(*from), NodeIndex::new(*to), *kind);
        }
        // Without a step back there is no circle, and each step is a component of its own.
        let members = match edges.iter().all(|(from, to, _)| from < to) {
            true => (0..steps.len()).rev().map(|step| vec![step]).collect(),
            false => components(&graph),
        };
        let mut component = vec![0; steps.len()];
        for (number, members) in members.iter().enumerate() {
            for step in members {
                component[*step] = number;
            }
        }
        Self {
            edges,
            graph,
            component,
            members,
            ends,
            rows,
        }
    }

    /// The steps that nothing leads to from the first one, in order.
    pub(crate) fn unreachable(&self) -> Vec<usize> {
        let mut seen = vec![false; self.ends.len()];
        let mut walk = Dfs::empty(&self.graph);
        walk.stack.extend(self.graph.node_indices().next());
        while let Some(node) = walk.next(&self.graph) {
            seen[node.index()] = true;
        }
        (0..seen.len()).filter(|step| !seen[*step]).collect()
    }

    /// Circles of list order that the flow can only leave by failing: the steps of each, from its first step round.
    pub(crate) fn endless(&self) -> Vec<Vec<usize>> {
        if self.is_forward() {
            return Vec::new();
        }
        let without_cancel = self
            .graph
            .filter_map(|_, ()| Some(()), |_, kind| (*kind != EdgeKind::Cancel).then_some(*kind));
        let mut found = Vec::new();
        for members in components(&without_cancel) {
            let inside = |step: usize| members.binary_search(&step).is_ok();
            let leaves = |step: &usize| {
                self.ends[*step]
                    || without_cancel
                        .neighbors(NodeIndex::new(*step))
                        .any(|to| !inside(to.index()))
            };
            if !members.iter().any(leaves) {
                found.extend(circle(&without_cancel, &members));
            }
        }
        found.sort();
        found
    }

    fn is_forward(&self) -> bool {
        self.edges.iter().all(|(from, to, _)| from < to)
    }

    /// Whether one step follows the other through a row of steps that each just go on, or through one dependency:
    /// the usual case, found without [`Flow::reach`].
    pub(crate) fn leads_straight(&self, from: usize, to: usize) -> bool {
        (from < to && self.rows[from] == self.rows[to])
            || self.graph.contains_edge(NodeIndex::new(from), NodeIndex::new(to))
    }

    /// Circles of `dependsOn`, each from its first step round.
    pub(crate) fn dependency_circles(&self) -> Vec<Vec<usize>> {
        let depends = |kind: &EdgeKind| (*kind == EdgeKind::Depends).then_some(*kind);
        let graph = self.graph.filter_map(|_, ()| Some(()), |_, kind| depends(kind));
        let mut found: Vec<_> = components(&graph)
            .iter()
            .filter_map(|members| circle(&graph, members))
            .collect();
        found.sort();
        found
    }

    /// Which step can run before which. Costs steps² bits.
    pub(crate) fn reach(&self) -> Reach<'_> {
        let words = self.members.len().div_ceil(64);
        let mut rows = vec![0_u64; words * self.members.len()];
        for (number, members) in self.members.iter().enumerate() {
            let (before, row) = rows.split_at_mut(number * words);
            let row = &mut row[..words];
            for step in members {
                for edge in self.graph.edges_directed(NodeIndex::new(*step), Direction::Outgoing) {
                    let target = self.component[edge.target().index()];
                    row[target / 64] |= 1 << (target % 64);
                    if target < number {
                        let reached = &before[target * words..(target + 1) * words];
                        row.iter_mut().zip(reached).for_each(|(to, from)| *to |= from);
                    }
                }
            }
        }
        Reach {
            flow: self,
            words,
            rows,
        }
    }
}

/// The answer to "can this step have run before that one".
pub(crate) struct Reach<'f> {
    flow: &'f Flow,
    words: usize,
    rows: Vec<u64>,
}

impl Reach<'_> {
    pub(crate) fn leads(&self, from: usize, to: usize) -> bool {
        let (from, to) = (self.flow.component[from], self.flow.component[to]);
        self.rows[from * self.words + to / 64] >> (to % 64) & 1 == 1
    }
}

/// Numbers the steps so that steps which follow each other in the list, each going on to the next, have one number.
fn rows(count: usize, edges: &[(usize, usize, EdgeKind)]) -> Vec<usize> {
    let mut goes_on = vec![false; count];
    for (_, to, _) in edges.iter().filter(|(from, to, _)| from + 1 == *to) {
        goes_on[*to] = true;
    }
    let mut row = 0;
    let number = |goes_on: &bool| {
        row += usize::from(!goes_on);
        row
    };
    goes_on.iter().map(number).collect()
}

/// The edge from a loop to the first step of its body.
fn body(index: usize, steps: &[Step]) -> Option<(usize, usize, EdgeKind)> {
    let first = steps.get(index + 1)?.parent == Some(StepId::from_index(index));
    first.then_some((index, index + 1, EdgeKind::Body))
}

/// Adds the edges that leave a step in list order; whether the flow may end there.
fn list_edges(index: usize, steps: &[Step], edges: &mut Vec<(usize, usize, EdgeKind)>) -> bool {
    let step = &steps[index];
    let following = step.next.or_else(|| following(steps, StepId::from_index(index)));
    // At the end of an iteration the loop decides whether there is another.
    let following = following.filter(|_| !step.is_end).or(step.parent).map(StepId::index);
    let mut falls_through = true;
    match &step.kind {
        StepKind::Branch { choices, default } => {
            edges.extend(
                choices
                    .iter()
                    .map(|choice| (index, choice.next.index(), EdgeKind::Choice)),
            );
            if let Some(default) = default {
                edges.push((index, default.index(), EdgeKind::Default));
                falls_through = step.when.is_some() || step.on_failure == OnFailure::Continue;
            }
        }
        StepKind::Loop { .. } => edges.extend(body(index, steps)),
        StepKind::Action { .. } | StepKind::UpdateVariable { .. } | StepKind::Target { .. } => {}
    }
    if let Some(following) = following.filter(|_| falls_through) {
        edges.push((index, following, EdgeKind::Next));
    }
    match step.on_failure {
        OnFailure::Goto(target) => edges.push((index, target.index(), EdgeKind::Failure)),
        OnFailure::Abort | OnFailure::Continue | OnFailure::Rollback => {}
    }
    edges.extend(step.on_cancel.map(|target| (index, target.index(), EdgeKind::Cancel)));
    falls_through && following.is_none()
}

/// Strongly connected components, each sorted; those that others lead to come first.
fn components(graph: &DiGraph<(), EdgeKind>) -> Vec<Vec<usize>> {
    let sorted = |component: Vec<NodeIndex>| {
        let mut members: Vec<usize> = component.into_iter().map(NodeIndex::index).collect();
        members.sort_unstable();
        members
    };
    kosaraju_scc(graph).into_iter().map(sorted).collect()
}

/// A shortest way from the first of these steps back to itself, if there is one among them.
fn circle(graph: &DiGraph<(), EdgeKind>, members: &[usize]) -> Option<Vec<usize>> {
    let first = *members.first()?;
    let mut came_from: Vec<Option<usize>> = vec![None; if members.len() > 1 { graph.node_count() } else { 0 }];
    let mut queue = VecDeque::from([first]);
    while let Some(step) = queue.pop_front() {
        for to in graph.neighbors(NodeIndex::new(step)).map(NodeIndex::index) {
            if to == first {
                let mut way = vec![step];
                while let Some(before) = came_from.get(way[way.len() - 1]).copied().flatten() {
                    way.push(before);
                }
                way.reverse();
                return Some(way);
            }
            if members.binary_search(&to).is_ok() && came_from[to].is_none() {
                came_from[to] = Some(step);
                queue.push_back(to);
            }
        }
    }
    None
}
