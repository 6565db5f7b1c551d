//! Which step comes next.
//!
//! List order follows SSM Automation's rules for what happens when a step has ended. Graph order counts,
//! for each step, the dependencies that have not ended yet.

use std::collections::BTreeSet;

use runwright_model::{
    event::Try,
    failure::Failure,
    id::StepId,
    plan::{Order, Plan},
    status::Status,
    step::{OnFailure, StepKind, following},
    time::Timestamp,
};

use crate::{
    fold::Applied,
    repair,
    state::{Looping, State},
};

/// The step after one that ended well or was skipped; `None` ends the flow.
pub(crate) fn after_success(plan: &Plan, id: StepId) -> Option<StepId> {
    let step = plan.step(id);
    if step.is_end {
        None
    } else {
        step.next.or_else(|| following(&plan.steps, id))
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

/// Where the flow stands: in the list, and in the body of every loop under way.
impl State {
    pub(crate) fn iteration_started(&mut self, of: Try, iteration: u32) -> Applied {
        let first = StepId::from_index(of.step.index() + 1);
        let looping = self.visit_mut(of)?.looping.as_mut();
        let looping = looping.ok_or_else(|| format!("an iteration of step {}, which is no loop", of.step.0))?;
        looping.iteration = iteration;
        looping.cursor = Some(first);
        Ok(())
    }

    pub(crate) fn step_exited(&mut self, of: Try, to: StepId, at: Timestamp) -> Applied {
        let sequence = self.length - 1;
        let visit = self.visit_mut(of)?;
        visit.outputs = visit.looping.as_ref().map(Looping::outputs).unwrap_or_default();
        visit.end(Status::Exited, at, sequence);
        self.loops.remove(&of.step);
        self.go(of.step, Some(to));
        Ok(())
    }

    /// Moves the flow on after a step: within the body it is in, or out of it, or to the end of the iteration.
    pub(crate) fn go(&mut self, from: StepId, to: Option<StepId>) {
        let around = self.plan.step(from).parent;
        let Some(around) = around else {
            self.cursor = to;
            return;
        };
        let inside = |to: &StepId| {
            let step = self.plan.steps.get(to.index());
            step.is_some_and(|step| step.parent == Some(around))
        };
        let (cursor, exit) = (to.filter(inside), to.filter(|to| !inside(to)));
        if let Some(looping) = self.looping_mut(around) {
            looping.cursor = cursor;
            looping.exit = exit;
        }
    }

    pub(crate) fn looping_mut(&mut self, id: StepId) -> Option<&mut Looping> {
        self.steps[id.index()].visits.last_mut()?.looping.as_mut()
    }

    /// The whole ends, and with it every loop around the step.
    pub(crate) fn abort(&mut self, id: StepId, failure: Failure) {
        self.go(id, None);
        let around = self.plan.step(id).parent;
        match around.and_then(|around| self.looping_mut(around)) {
            Some(looping) => looping.failed = Some(failure),
            None => self.aborted = true,
        }
    }

    /// The loops around a step go on where they stopped, with this step.
    pub(crate) fn reenter(&mut self, mut step: StepId) {
        while let Some(around) = self.plan.step(step).parent {
            if let Some(visit) = self.steps[around.index()].visits.last_mut() {
                visit.go_on_with(step);
            }
            self.loops.insert(around);
            step = around;
        }
        if self.is_graph() {
            self.graph.start(step);
        } else {
            self.cursor = Some(step);
        }
    }

    /// In graph order: the steps with which loops go on that ended before their end, when nothing in them was undone.
    pub(crate) fn loops_to_go_on(&self, again: &[StepId]) -> Vec<StepId> {
        if !self.is_graph() {
            return Vec::new();
        }
        let unfinished = |id: &StepId| {
            let step = self.plan.step(*id);
            let begun = self.visit(*id).is_some_and(|visit| visit.looping.is_some());
            step.parent.is_none() && begun && !self.is_done(*id) && !again.contains(id) && !repair::undone_in(self, *id)
        };
        let loops = self.plan.step_ids().filter(unfinished);
        loops.filter_map(|id| self.stopped_in(id)).collect()
    }

    /// Where a loop that ended before its end goes on: with the step of its body that ended last and not well.
    pub(crate) fn stopped_in(&self, id: StepId) -> Option<StepId> {
        let ended = |step: StepId| self.visit(step).and_then(|visit| visit.ended_by);
        let inside = self
            .plan
            .step_ids()
            .filter(|step| self.plan.step(*step).parent == Some(id));
        let last = inside
            .filter(|step| ended(*step).is_some())
            .max_by_key(|step| ended(*step))?;
        match &self.plan.step(last).kind {
            _ if self.is_done(last) => None,
            StepKind::Loop { .. } => self.stopped_in(last),
            StepKind::Action { .. }
            | StepKind::Branch { .. }
            | StepKind::UpdateVariable { .. }
            | StepKind::Target { .. } => Some(last),
        }
    }
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
            // The steps of a loop start with it.
            if needs.is_empty() && plan.step(id).parent.is_none() {
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

    /// Whether a step has started, and its result stands.
    pub(crate) fn has_begun(&self, id: StepId) -> bool {
        self.begun.contains(&id)
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
