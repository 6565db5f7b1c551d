//! What an execution is at a moment: a fold over its journal.
//!
//! [`State`] is data and questions; [`State::apply`] (in `fold.rs`) is the only thing that changes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use runwright_model::{
    capability::{
        Answer, Request,
        executions::{Answer as ChildAnswer, Request as ChildRequest},
    },
    event::{Event, Pause, Phase, Started, Try},
    failure::Failure,
    id::{ExecutionId, StepId},
    plan::{Order, Plan},
    status::Status,
    step::{OnFailure, enclosing},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::repeat;
pub use crate::visit::{Call, Iteration, Looping, Undo, Visit};

/// The state of one execution.
#[derive(Debug, Clone)]
pub struct State {
    /// Its id.
    pub id: ExecutionId,
    /// What it runs.
    pub plan: Arc<Plan>,
    /// How it began.
    pub started: Started,
    /// When it began.
    pub started_at: Timestamp,
    /// Records in its journal.
    pub length: u64,
    /// When the last of them was appended.
    pub last_at: Timestamp,
    /// One per step of the plan.
    pub steps: Vec<StepState>,
    /// Variables as they stand.
    pub variables: Map<String, Value>,
    /// List order: the step to start next, or running. `None`: the flow is at its end.
    pub cursor: Option<StepId>,
    /// Graph order: what can start. See `flow.rs`.
    pub(crate) graph: crate::flow::Graph,
    /// Steps with an attempt that has not ended. Loops are not among them: they make no attempts.
    pub open: BTreeSet<StepId>,
    /// Loops under way.
    pub loops: BTreeSet<StepId>,
    /// The first failure that counts for the whole.
    pub critical: Option<(StepId, Status, Failure)>,
    /// No new steps start: a step failed with Abort or Rollback.
    pub aborted: bool,
    /// The step of a Command document that asked for the end: those behind it are skipped.
    pub exited: Option<StepId>,
    /// A failed step asked for the rollback of the whole.
    pub rollback_wanted: bool,
    /// Somebody asked for the end.
    pub cancel: Option<Cancel>,
    /// Somebody holds it.
    pub paused: Option<Pause>,
    /// Steps that a person started and that have not begun yet (interactive mode).
    pub chosen: BTreeSet<StepId>,
    /// Who ended an interactive execution.
    pub completed_by: Option<String>,
    /// Inputs put over those of the document, by people who resumed it or started a step.
    pub overrides: BTreeMap<StepId, Map<String, Value>>,
    /// Undoing has begun.
    pub rollback: Option<Rollback>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// Placeholders this execution was given.
    pub secrets: BTreeSet<String>,
}

/// One step: its visits, oldest first.
#[derive(Debug, Clone, Default)]
pub struct StepState {
    /// Empty while the step was not reached.
    pub visits: Vec<Visit>,
}

/// A request for the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancel {
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The phase that undoes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Why.
    pub reason: String,
    /// The step that is kept with all that ended before it.
    pub to: Option<StepId>,
    /// When it began.
    pub at: Timestamp,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Its status.
    pub status: Status,
    /// Why it did not end well.
    pub failure: Option<Failure>,
    /// Its declared outputs.
    pub outputs: Map<String, Value>,
    /// When.
    pub at: Timestamp,
}

impl State {
    /// The state after these records; the first must be [`Event::Started`].
    ///
    /// # Errors
    ///
    /// When the records do not make a journal of this plan.
    pub fn fold(
        id: ExecutionId,
        plan: Arc<Plan>,
        records: impl IntoIterator<Item = runwright_model::event::Record>,
    ) -> Result<Self, crate::Error> {
        let mut records = records.into_iter();
        let damaged = |why: String| crate::Error::Journal {
            execution: id.clone(),
            why,
        };
        let Some(first) = records.next() else {
            return Err(damaged("it is empty".into()));
        };
        let Event::Started(started) = first.event else {
            return Err(damaged("its first record is not `started`".into()));
        };
        let mut state = Self::begin(id.clone(), plan, started, first.at);
        for record in records {
            if record.sequence != state.length {
                return Err(damaged(format!(
                    "record {} stands where {} should",
                    record.sequence, state.length
                )));
            }
            state.apply(record.at, record.event).map_err(damaged)?;
        }
        Ok(state)
    }

    /// The current visit of a step.
    #[must_use]
    pub fn visit(&self, step: StepId) -> Option<&Visit> {
        self.steps[step.index()].visits.last()
    }

    /// The number of the current visit of a step; 0 when there is none.
    #[must_use]
    pub fn visit_number(&self, step: StepId) -> u32 {
        u32::try_from(self.steps[step.index()].visits.len()).unwrap_or(u32::MAX)
    }

    /// The try that stands for a loop: loops have one attempt.
    #[must_use]
    pub fn loop_try(&self, id: StepId) -> Option<Try> {
        self.visit(id)?.looping.as_ref()?;
        Some(Try {
            step: id,
            visit: self.visit_number(id),
            phase: Phase::Run,
            attempt: 1,
        })
    }

    /// Whether a step of a loop's body is under way, or a loop in it.
    #[must_use]
    pub fn goes_on_in(&self, id: StepId) -> bool {
        let inside = |step: &StepId| self.plan.step(*step).parent == Some(id);
        self.open.iter().any(inside) || self.loops.iter().any(inside)
    }

    /// How often a step was visited, in the current iteration of the loop it is in.
    #[must_use]
    pub fn visits_in_iteration(&self, id: StepId) -> usize {
        let visits = &self.steps[id.index()].visits;
        let Some(now) = self.plan.step(id).parent.and_then(|around| self.iteration(around)) else {
            return visits.len();
        };
        visits
            .iter()
            .rev()
            .take_while(|visit| visit.iteration == Some(now))
            .count()
    }

    /// The iteration a loop is in.
    #[must_use]
    pub fn iteration(&self, id: StepId) -> Option<Iteration> {
        let looping = self.visit(id)?.looping.as_ref()?;
        Some(Iteration {
            visit: self.visit_number(id),
            number: looping.iteration,
        })
    }

    /// The visit a try belongs to.
    #[must_use]
    pub fn visit_of(&self, of: Try) -> Option<&Visit> {
        self.steps
            .get(of.step.index())?
            .visits
            .get(of.visit.checked_sub(1)? as usize)
    }

    /// The calls of a try, if it is the current one of its visit and phase and has not ended.
    #[must_use]
    pub fn open_calls(&self, of: Try) -> Option<&[Call]> {
        let visit = self.visit_of(of)?;
        match of.phase {
            Phase::Run => {
                (visit.status == Status::InProgress && visit.attempt == of.attempt && visit.retry_at.is_none())
                    .then_some(visit.calls.as_slice())
            }
            Phase::Rollback => {
                let undo = visit.undo.as_ref()?;
                (undo.status == Status::RollingBack && undo.attempt == of.attempt && undo.retry_at.is_none())
                    .then_some(undo.calls.as_slice())
            }
        }
    }

    /// Every try that has begun and not ended, waiting ones too.
    #[must_use]
    pub fn open_tries(&self) -> Vec<Try> {
        let mut tries = Vec::new();
        for &step in &self.open {
            for (index, visit) in self.steps[step.index()].visits.iter().enumerate() {
                let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
                if visit.status == Status::InProgress {
                    tries.push(Try {
                        step,
                        visit: number,
                        phase: Phase::Run,
                        attempt: visit.attempt,
                    });
                }
                if let Some(undo) = visit.undo.as_ref().filter(|u| u.status == Status::RollingBack) {
                    tries.push(Try {
                        step,
                        visit: number,
                        phase: Phase::Rollback,
                        attempt: undo.attempt,
                    });
                }
            }
        }
        tries
    }

    /// The call a try is suspended in, with its number.
    #[must_use]
    pub fn waiting_call(&self, of: Try) -> Option<(u32, &Call)> {
        let calls = self.open_calls(of)?;
        let last = calls.last()?;
        let waits = last.outcome.is_none() && last.request.is_wait();
        waits.then(|| (u32::try_from(calls.len() - 1).unwrap_or(u32::MAX), last))
    }

    /// The call with an effect that a try has begun and that is not answered, with its number.
    #[must_use]
    pub fn effect_under_way(&self, of: Try) -> Option<(u32, &Call)> {
        let calls = self.open_calls(of)?;
        let last = calls.last()?;
        let under_way = last.outcome.is_none() && last.request.has_effect();
        under_way.then(|| (u32::try_from(calls.len() - 1).unwrap_or(u32::MAX), last))
    }

    /// The child that a try waits for.
    #[must_use]
    pub fn child_awaited(&self, of: Try) -> Option<&ExecutionId> {
        match &self.waiting_call(of)?.1.request {
            Request::Executions(ChildRequest::Wait { id }) => Some(id),
            Request::Executions(ChildRequest::Start { .. })
            | Request::Commands(_)
            | Request::Files(_)
            | Request::Http(_)
            | Request::Aws(_)
            | Request::Parameters(_)
            | Request::Approvals(_)
            | Request::Waits(_)
            | Request::Blobs(_) => None,
        }
    }

    /// Whether a cancel of this try must wait for something to end: an effect under way, or a child.
    #[must_use]
    pub fn holds_up_cancel(&self, of: Try) -> bool {
        self.effect_under_way(of).is_some() || self.child_awaited(of).is_some()
    }

    /// Whether a try was under way when somebody asked for the end.
    #[must_use]
    pub fn is_cancelling(&self, of: Try) -> bool {
        of.phase == Phase::Run && self.visit_of(of).is_some_and(|visit| visit.cancelling)
    }

    /// Whether a step's last visit ended so that the flow could go on after it, and stands.
    #[must_use]
    pub fn is_done(&self, step: StepId) -> bool {
        let Some(visit) = self.visit(step) else { return false };
        let undone = visit
            .undo
            .as_ref()
            .is_some_and(|undo| undo.status == Status::RolledBack);
        let passed = match visit.status {
            Status::Success | Status::Skipped | Status::Exited => true,
            // What ended the whole from inside a loop ended the loop too, whatever its own policy says.
            Status::Failed if visit.looping.as_ref().is_some_and(|looping| looping.failed.is_some()) => false,
            Status::Failed | Status::TimedOut => match self.plan.step(step).on_failure {
                OnFailure::Continue | OnFailure::Goto(_) => true,
                OnFailure::Abort | OnFailure::Rollback => false,
            },
            Status::Pending
            | Status::InProgress
            | Status::Waiting
            | Status::Cancelling
            | Status::Cancelled
            | Status::RollingBack
            | Status::RolledBack
            | Status::RollbackFailed
            | Status::Paused => false,
        };
        passed && !undone
    }

    /// When a try must be over.
    #[must_use]
    pub fn deadline(&self, of: Try) -> Option<Timestamp> {
        let visit = self.visit_of(of)?;
        let begun = match of.phase {
            Phase::Run => visit.attempt_at,
            Phase::Rollback => visit.undo.as_ref()?.attempt_at,
        };
        let seconds = self.plan.step(of.step).timeout_seconds;
        let own = seconds.map(|seconds| begun.after(std::time::Duration::from_secs(seconds)));
        let forwards = of.phase == Phase::Run;
        let around = enclosing(&self.plan.steps, of.step).filter(|_| forwards);
        around
            .filter_map(|around| repeat::deadline(self, around))
            .chain(own)
            .min()
    }

    /// How the execution stands.
    #[must_use]
    pub fn status(&self) -> Status {
        if let Some(ended) = &self.ended {
            return ended.status;
        }
        if self.paused.is_some() {
            return Status::Paused;
        }
        if self.rollback.is_some() {
            return Status::RollingBack;
        }
        if self.cancel.is_some() {
            return Status::Cancelling;
        }
        if self.waits_for_choice() {
            return Status::Waiting;
        }
        let tries = self.open_tries();
        let waits_for_person = |of: &Try| self.waiting_call(*of).is_some_and(|(_, call)| call.needs_person());
        if !tries.is_empty() && tries.iter().all(waits_for_person) {
            Status::Waiting
        } else {
            Status::InProgress
        }
    }

    /// How a step stands: its last visit's status, with `Waiting` for one that waits for a person.
    #[must_use]
    pub fn step_status(&self, step: StepId) -> Status {
        let Some(visit) = self.visit(step) else {
            return Status::Pending;
        };
        if visit.status != Status::InProgress {
            return visit.status;
        }
        let of = Try {
            step,
            visit: self.visit_number(step),
            phase: Phase::Run,
            attempt: visit.attempt,
        };
        let waits = self.waiting_call(of).is_some_and(|(_, call)| call.needs_person());
        if waits { Status::Waiting } else { Status::InProgress }
    }

    /// Children that open tries wait for.
    #[must_use]
    pub fn awaited_children(&self) -> Vec<(Try, u32, ExecutionId)> {
        let mut children = Vec::new();
        for of in self.open_tries() {
            if let Some((number, call)) = self.waiting_call(of)
                && let Request::Executions(ChildRequest::Wait { id }) = &call.request
            {
                children.push((of, number, id.clone()));
            }
        }
        children
    }

    /// Children of open tries that have not answered: those that are waited for, and those that were only started yet.
    pub(crate) fn children_under_way(&self) -> BTreeSet<ExecutionId> {
        let mut children = BTreeSet::new();
        let tries = self.open_tries();
        for call in tries.iter().filter_map(|of| self.open_calls(*of)).flatten() {
            match (&call.request, &call.outcome) {
                (_, Some((Ok(Answer::Executions(ChildAnswer::Started(id))), _))) => drop(children.insert(id.clone())),
                (Request::Executions(ChildRequest::Wait { id }), Some(_)) => drop(children.remove(id)),
                (_, Some(_) | None) => {}
            }
        }
        children
    }

    /// The step with this name.
    ///
    /// # Errors
    ///
    /// [`crate::Error::State`] with the names there are.
    pub fn step_called(&self, name: &str) -> Result<StepId, crate::Error> {
        self.plan.step_named(name).ok_or_else(|| {
            let names: Vec<&str> = self.plan.steps.iter().map(|step| step.name.as_str()).collect();
            let message = format!(
                "execution {} has no step `{name}`; it has {}",
                self.id,
                names.join(", ")
            );
            crate::Error::State(message)
        })
    }

    /// Whether the plan is in graph order.
    #[must_use]
    pub fn is_graph(&self) -> bool {
        self.plan.order == Order::Graph
    }
}
