//! What is different in Command documents: a step may ask for the end, and the worst status is that of the whole.
//!
//! The order is that of the list; `flow.rs` has the rest.

use runwright_model::{
    failure::Failure,
    id::StepId,
    plan::{CommandFlow, Plan},
    status::Status,
    step::OnFailure,
};
use serde_json::Value;

use crate::state::State;

impl State {
    /// A step asked for the end. The first one counts; elsewhere than in Command documents nobody can.
    pub(crate) fn exits(&mut self, id: StepId) {
        if self.plan.command.is_some() && self.exited.is_none() {
            self.exited = Some(id);
        }
    }

    /// Whether a failure with this status counts more for the whole than one found before.
    pub(crate) fn is_worse(&self, status: Status) -> bool {
        let found = self.critical.as_ref().map(|(_, found, _)| rank(&self.plan, *found));
        found.is_none_or(|found| rank(&self.plan, status) < found)
    }

    /// Whether a step runs again when the flow goes on at `from`: the steps of a Command document all follow each other.
    pub(crate) fn runs_again(&self, from: Option<StepId>, step: StepId) -> bool {
        match from {
            Some(from) if self.plan.command.is_some() => step >= from,
            Some(from) => step == from,
            None => false,
        }
    }
}

/// Whether a failed step asks for the end: its author wrote `onFailure`, or its plugin says so.
pub(crate) fn asks_for_end(on_failure: OnFailure, failure: &Failure) -> bool {
    let said = || {
        failure
            .details
            .as_ref()
            .and_then(|details| details.get(CommandFlow::EXIT))
    };
    match on_failure {
        OnFailure::Abort | OnFailure::Rollback => true,
        OnFailure::Continue | OnFailure::Goto(_) => said() == Some(&Value::Bool(true)),
    }
}

/// Why a step is skipped: one before it asked for the end, and it is not the one that always runs.
pub(crate) fn skipped_behind(state: &State, id: StepId) -> Option<String> {
    let flow = state.plan.command.as_ref()?;
    let by = state.exited.filter(|_| flow.finally != Some(id))?;
    Some(format!("step {} asked for the end", state.plan.step(by).name))
}

/// The order in which statuses of failed steps decide that of the whole. In runbooks the first one does.
pub(crate) fn rank(plan: &Plan, status: Status) -> u8 {
    u8::from(plan.command.is_some() && status == Status::TimedOut)
}

/// The first step of a Command document that did not end well: others behind it have run all the same.
pub(crate) fn first_failed(state: &State) -> Option<StepId> {
    state.plan.command.as_ref()?;
    let failed = |id: &StepId| {
        let status = state.visit(*id).map(|visit| visit.status);
        matches!(status, Some(Status::Failed | Status::TimedOut | Status::Cancelled))
    };
    state.plan.step_ids().find(failed)
}
