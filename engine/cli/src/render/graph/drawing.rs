//! What is drawn of a plan: its steps, and how one leads to another.

use runwright::model::{
    id::StepId,
    plan::{Order, Plan},
    step::{OnFailure, RollbackSpec, Step, StepKind, following},
};
use serde::Serialize;
use serde_json::{Value, json};

/// Steps and edges. An edge's ends are places in `nodes`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawing {
    /// The runbook's name.
    pub(crate) runbook: String,
    /// How its steps follow each other.
    pub(crate) order: Order,
    /// Its steps, in the order of the document.
    pub(crate) nodes: Vec<Node>,
    /// In the order of the steps they leave.
    pub(crate) edges: Vec<Edge>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node {
    /// The step's name.
    pub(crate) name: String,
    /// Its action.
    pub(crate) action: String,
    /// Whether it chooses where to go on.
    pub(crate) branches: bool,
    /// Whether what it does can be undone.
    pub(crate) rollback: bool,
    /// Whether the flow can end after it.
    pub(crate) ends: bool,
    /// Its `when`, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) when: Option<String>,
    /// What its failure means, where that is neither the end nor an edge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_failure: Option<&'static str>,
}

/// Why one step leads to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EdgeKind {
    /// It ended well.
    Next,
    /// A branch chose it.
    Branch,
    /// It failed.
    Failure,
    /// The execution was cancelled.
    Cancel,
}

/// One step leads to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    /// From this node.
    pub(crate) from: usize,
    /// To this one.
    pub(crate) to: usize,
    /// Why.
    pub(crate) kind: EdgeKind,
    /// When, in words.
    pub(crate) label: Option<String>,
    /// It leads back to a step that was there before: without these edges there is no circle.
    pub(crate) reentry: bool,
}

impl Drawing {
    /// The drawing of a plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut edges: Vec<Edge> = Vec::new();
        for (at, step) in plan.steps.iter().enumerate() {
            let leaving = match plan.order {
                Order::Graph if step.parent.is_none() => graph_edges(plan, at),
                Order::List | Order::Graph => list_edges(plan, at, step),
            };
            edges.extend(leaving);
            if let Some(target) = step.on_cancel {
                edges.push(edge(at, target, EdgeKind::Cancel, Some("on cancel".into())));
            }
        }
        let mut edges = merged(edges);
        mark_reentries(plan.steps.len(), &mut edges);
        let nodes = plan
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| node(plan, at, step, &edges))
            .collect();
        Self {
            runbook: plan.name.clone(),
            order: plan.order,
            nodes,
            edges,
        }
    }

    /// For programs: edges name their steps.
    pub(crate) fn to_json(&self) -> Value {
        let edge = |edge: &Edge| {
            json!({
                "from": self.nodes[edge.from].name,
                "to": self.nodes[edge.to].name,
                "kind": edge.kind,
                "label": edge.label,
                "reentry": edge.reentry,
            })
        };
        json!({
            "runbook": self.runbook,
            "order": self.order,
            "steps": self.nodes,
            "edges": self.edges.iter().map(edge).collect::<Vec<_>>(),
        })
    }

    /// The edges that leave a node.
    pub(crate) fn leaving(&self, node: usize) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == node)
    }

    /// All nodes so that no edge but a re-entry leads upwards; otherwise as in the document.
    pub(crate) fn downwards(&self) -> Vec<usize> {
        let mut above = vec![0; self.nodes.len()];
        for edge in self.edges.iter().filter(|edge| !edge.reentry) {
            above[edge.to] += 1;
        }
        let mut free: std::collections::BTreeSet<usize> = (0..above.len()).filter(|node| above[*node] == 0).collect();
        let mut order = Vec::new();
        while let Some(node) = free.pop_first() {
            order.push(node);
            for edge in self.leaving(node).filter(|edge| !edge.reentry) {
                above[edge.to] -= 1;
                if above[edge.to] == 0 {
                    free.insert(edge.to);
                }
            }
        }
        order
    }
}

fn node(plan: &Plan, at: usize, step: &Step, edges: &[Edge]) -> Node {
    let goes_on = edges
        .iter()
        .any(|e| e.from == at && matches!(e.kind, EdgeKind::Next | EdgeKind::Branch));
    let action = step.kind.action();
    let offered = plan.actions.get(action).is_some_and(|spec| spec.manifest.rollback);
    let wanted = match &step.rollback {
        RollbackSpec::Plugin | RollbackSpec::PluginWith(_) => true,
        RollbackSpec::None => false,
    };
    Node {
        name: step.name.clone(),
        action: action.to_owned(),
        branches: matches!(step.kind, StepKind::Branch { .. }),
        rollback: offered && wanted,
        ends: step.is_end || !goes_on,
        when: step.when.as_ref().map(ToString::to_string),
        on_failure: match (step.on_failure, &plan.command) {
            // In Command documents the flow goes on by itself.
            (OnFailure::Abort, Some(_)) => Some("exit"),
            (OnFailure::Abort | OnFailure::Goto(_), _) | (OnFailure::Continue, Some(_)) => None,
            (OnFailure::Continue, None) => Some("Continue"),
            (OnFailure::Rollback, _) => Some("Rollback"),
        },
    }
}

fn edge(from: usize, to: StepId, kind: EdgeKind, label: Option<String>) -> Edge {
    Edge {
        from,
        to: to.index(),
        kind,
        label,
        reentry: false,
    }
}

/// The steps that wait for this one.
fn graph_edges(plan: &Plan, at: usize) -> Vec<Edge> {
    let waits = |step: &Step| step.depends_on.iter().any(|on| on.index() == at);
    let waiting = plan.step_ids().filter(|id| waits(plan.step(*id)));
    let body = body(plan, at).map(|id| edge(at, id, EdgeKind::Branch, Some("each time".into())));
    let waiting = waiting.map(|id| edge(at, id, EdgeKind::Next, None));
    body.into_iter().chain(waiting).collect()
}

/// The first step of a loop's body.
fn body(plan: &Plan, at: usize) -> Option<StepId> {
    let first = plan.steps.get(at + 1)?;
    (first.parent == Some(StepId::from_index(at))).then(|| StepId::from_index(at + 1))
}

/// Where the flow goes from this step: SSM's order of evaluation.
fn list_edges(plan: &Plan, at: usize, step: &Step) -> Vec<Edge> {
    let following = following(&plan.steps, StepId::from_index(at));
    let next = if step.is_end { None } else { step.next.or(following) };
    // At the end of an iteration the loop decides whether there is another.
    let next = next.or(step.parent);
    let mut edges = Vec::new();
    match &step.kind {
        StepKind::Branch { choices, default } => {
            for choice in choices {
                edges.push(edge(
                    at,
                    choice.next,
                    EdgeKind::Branch,
                    Some(choice.condition.to_string()),
                ));
            }
            edges.extend(
                default
                    .or(next)
                    .map(|to| edge(at, to, EdgeKind::Branch, Some("otherwise".into()))),
            );
        }
        StepKind::Loop { .. } => {
            edges.extend(body(plan, at).map(|to| edge(at, to, EdgeKind::Branch, Some("each time".into()))));
            edges.extend(next.map(|to| edge(at, to, EdgeKind::Next, None)));
        }
        StepKind::Action { .. } | StepKind::UpdateVariable { .. } | StepKind::Target { .. } => {
            edges.extend(next.map(|to| edge(at, to, EdgeKind::Next, None)));
        }
    }
    if let OnFailure::Goto(target) = step.on_failure {
        edges.push(edge(at, target, EdgeKind::Failure, Some("on failure".into())));
    }
    edges
}

/// One edge where several of a kind have the same ends.
fn merged(edges: Vec<Edge>) -> Vec<Edge> {
    let mut out: Vec<Edge> = Vec::new();
    for edge in edges {
        match out
            .iter_mut()
            .find(|e| (e.from, e.to, e.kind) == (edge.from, edge.to, edge.kind))
        {
            Some(same) => {
                same.label = [same.label.take(), edge.label]
                    .into_iter()
                    .flatten()
                    .reduce(|a, b| a + ", or " + &b)
            }
            None => out.push(edge),
        }
    }
    out
}

/// Marks the edges that close a circle, found by a walk from the first step on.
fn mark_reentries(nodes: usize, edges: &mut [Edge]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; nodes];
    let leaving: Vec<Vec<usize>> = (0..nodes)
        .map(|node| (0..edges.len()).filter(|at| edges[*at].from == node).collect())
        .collect();
    for root in 0..nodes {
        if marks[root] != Mark::New {
            continue;
        }
        // A path of nodes, each with the number of its edges that were walked.
        let mut path = vec![(root, 0)];
        marks[root] = Mark::Open;
        while let Some((node, walked)) = path.last_mut() {
            let Some(at) = leaving[*node].get(*walked).copied() else {
                marks[*node] = Mark::Done;
                path.pop();
                continue;
            };
            *walked += 1;
            let to = edges[at].to;
            match marks[to] {
                Mark::Open => edges[at].reentry = true,
                Mark::Done => {}
                Mark::New => {
                    marks[to] = Mark::Open;
                    path.push((to, 0));
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A drawing of steps with one-letter names; edges as in `a>b`, `a!b` (failure), `a?b` (branch).
    pub(crate) fn sketch(names: &str, edges: &str) -> Drawing {
        let names: Vec<String> = names.chars().map(String::from).collect();
        let at = |name: &str| names.iter().position(|n| n == name).unwrap();
        let mut edges: Vec<Edge> = edges
            .split_whitespace()
            .map(|word| {
                let (kind, label) = match &word[1..2] {
                    "!" => (EdgeKind::Failure, Some("on failure".to_owned())),
                    "?" => (EdgeKind::Branch, Some(format!("x = \"{}\"", &word[2..]))),
                    _ => (EdgeKind::Next, None),
                };
                Edge {
                    from: at(&word[..1]),
                    to: at(&word[2..]),
                    kind,
                    label,
                    reentry: false,
                }
            })
            .collect();
        mark_reentries(names.len(), &mut edges);
        let node = |name: &String| Node {
            name: name.clone(),
            action: "aws:sleep".into(),
            branches: edges.iter().any(|e| e.from == at(name) && e.kind == EdgeKind::Branch),
            rollback: name == "a",
            ends: !edges.iter().any(|e| e.from == at(name) && e.kind != EdgeKind::Failure),
            when: None,
            on_failure: None,
        };
        Drawing {
            runbook: "r".into(),
            order: Order::List,
            nodes: names.iter().map(node).collect(),
            edges,
        }
    }

    #[test]
    fn without_reentries_there_is_no_circle() {
        let drawing = sketch("abcd", "a>b b>c c?a c?d");
        assert_eq!(drawing.downwards(), [0, 1, 2, 3]);
        let reentries: Vec<_> = drawing
            .edges
            .iter()
            .filter(|e| e.reentry)
            .map(|e| (e.from, e.to))
            .collect();
        assert_eq!(reentries, [(2, 0)]);
        assert_eq!(sketch("ab", "a>a a>b").downwards(), [0, 1]);
    }

    #[test]
    fn a_jump_upwards_that_is_no_circle_is_drawn_downwards() {
        assert_eq!(sketch("abc", "a>c c>b").downwards(), [0, 2, 1]);
    }
}
