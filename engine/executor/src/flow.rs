//! Which step comes next.
//!
//! List order follows SSM Automation's rules for what happens when a step has ended. Graph order counts,
//! for each step, the dependencies that have not ended yet.

use std::collections::BTreeSet;

use runwright_model::{
    id::StepId,
    plan::{Order, Plan},
    step::OnFailure,
};

/// The step after one that ended well or was skipped; `None` ends the flow.
pub(crate) fn after_success(plan: &Plan, id: StepId) -> Option<StepId> {
    let step = plan.step(id);
    if step.is_end {
        None
    } else {
        step.next.or_else(|| following(plan, id))
    }
}

/// The step after one that failed for good. A jump outranks `isEnd`; `Continue` follows `nextStep`.
pub(crate) fn after_failure(plan: &Plan, id: StepId) -> Option<StepId> {
    match plan.step(id).on_failure {
        OnFailure::Goto(target) => Some(target),
        OnFailure::Continue => after_success(plan, id),
        OnFailure::Abort | OnFailure::Rollback => None,
    }
}

fn following(plan: &Plan, id: StepId) -> Option<StepId> {
    let next = id.index() + 1;
    (next < plan.steps.len()).then(|| StepId::from_index(next))
}

/// Graph order: what can start now. Kept up by the fold, so that a step's end costs its dependents only.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    /// Dependencies of each step that have not ended well.
    missing: Vec<u32>,
    /// The steps that depend on each step.
    dependents: Vec<Vec<StepId>>,
    /// Steps that can start.
    ready: BTreeSet<StepId>,
    /// Steps that have started or were skipped.
    begun: BTreeSet<StepId>,
}

impl Graph {
    /// The graph of a plan; empty in list order.
    pub(crate) fn new(plan: &Plan) -> Self {
        if plan.order == Order::List {
            return Self::default();
        }
        let mut graph = Self {
            dependents: vec![Vec::new(); plan.steps.len()],
            ..Self::default()
        };
        for id in plan.step_ids() {
            let needs = &plan.step(id).depends_on;
            graph.missing.push(u32::try_from(needs.len()).unwrap_or(u32::MAX));
            for needed in needs {
                graph.dependents[needed.index()].push(id);
            }
            if needs.is_empty() {
                graph.ready.insert(id);
            }
        }
        graph
    }

    /// The graph of a plan in which some steps have ended so that the flow can go on after them.
    pub(crate) fn resumed(plan: &Plan, done: impl Fn(StepId) -> bool) -> Self {
        let mut graph = Self::new(plan);
        for id in plan.step_ids().filter(|id| done(*id)) {
            graph.start(id);
            graph.satisfied(id);
        }
        graph
    }

    /// Steps that can start, in the order of the document.
    pub(crate) fn ready(&self) -> impl Iterator<Item = StepId> {
        self.ready.iter().copied()
    }

    pub(crate) fn start(&mut self, id: StepId) {
        if !self.missing.is_empty() {
            self.ready.remove(&id);
            self.begun.insert(id);
        }
    }

    /// The step ended so that what depends on it may start.
    pub(crate) fn satisfied(&mut self, id: StepId) {
        for dependent in self.dependents.get(id.index()).map_or(&[][..], Vec::as_slice) {
            let missing = &mut self.missing[dependent.index()];
            *missing -= 1;
            if *missing == 0 && !self.begun.contains(dependent) {
                self.ready.insert(*dependent);
            }
        }
    }
}
