//! Undoing: in the reverse order of what ended, also what ended half-way.

use runwright_model::{
    capability::{Outcome, Request},
    event::{Event, Phase, Try},
    failure::Failure,
    id::StepId,
    invocation::Done,
    status::Status,
    step::{Retry, RollbackSpec, Step, StepKind},
    time::Timestamp,
};
use serde_json::Value;

use crate::{
    decide, limits, resolve,
    state::{Call, State, Visit},
};

/// The next events of a rollback: starts the next undo, or ends the execution.
pub(crate) fn next(state: &State, now: Timestamp) -> Vec<Event> {
    if !state.open.is_empty() {
        return Vec::new();
    }
    let failure = state.critical.as_ref().map(|(_, _, failure)| failure.clone());
    if let Some(failed) = state.steps.iter().flat_map(|step| &step.visits).find_map(failed_undo) {
        return vec![decide::end(state, Status::RollbackFailed, failure.or(Some(failed)))];
    }
    match remaining(state).into_iter().next() {
        Some((step, visit)) => vec![begin(state, step, visit, now)],
        None => vec![decide::end(state, Status::RolledBack, failure)],
    }
}

fn failed_undo(visit: &Visit) -> Option<Failure> {
    let undo = visit
        .undo
        .as_ref()
        .filter(|undo| undo.status == Status::RollbackFailed)?;
    undo.failure.clone()
}

/// What is still to be undone, last ended first.
#[must_use]
pub fn remaining(state: &State) -> Vec<(StepId, u32)> {
    let mut found = Vec::new();
    for id in state.plan.step_ids() {
        if !offers_rollback(state, id) {
            continue;
        }
        for (index, visit) in state.steps[id.index()].visits.iter().enumerate() {
            let undone = visit
                .undo
                .as_ref()
                .is_some_and(|undo| undo.status == Status::RolledBack);
            if did_something(visit) && !undone {
                found.push((visit.ended_by, id, u32::try_from(index + 1).unwrap_or(u32::MAX)));
            }
        }
    }
    found.sort_by_key(|(ended_by, _, _)| std::cmp::Reverse(*ended_by));
    found.into_iter().map(|(_, id, visit)| (id, visit)).collect()
}

fn offers_rollback(state: &State, id: StepId) -> bool {
    let step = state.plan.step(id);
    let StepKind::Action { action, .. } = &step.kind else {
        return false;
    };
    let offered = state
        .plan
        .actions
        .get(action)
        .is_some_and(|spec| spec.manifest.rollback);
    offered && step.rollback != RollbackSpec::None
}

/// A step that ended well, or that failed after its plugin had begun.
fn did_something(visit: &Visit) -> bool {
    match visit.status {
        Status::Success => true,
        Status::Failed | Status::TimedOut | Status::Cancelled => !visit.calls.is_empty() || !visit.earlier.is_empty(),
        Status::Pending
        | Status::InProgress
        | Status::Waiting
        | Status::Cancelling
        | Status::Exited
        | Status::RollingBack
        | Status::RolledBack
        | Status::RollbackFailed
        | Status::Skipped
        | Status::Paused => false,
    }
}

fn begin(state: &State, step: StepId, visit: u32, now: Timestamp) -> Event {
    let run = Try {
        step,
        visit,
        phase: Phase::Run,
        attempt: 1,
    };
    let done = state.visit_of(run).expect("remaining() lists visits there are");
    let attempt = done.undo.as_ref().map_or(0, |undo| undo.attempt) + 1;
    let of = Try {
        step,
        visit,
        phase: Phase::Rollback,
        attempt,
    };
    let inputs = match &state.plan.step(step).rollback {
        RollbackSpec::PluginWith(over) => resolve::rollback_inputs(state, step, &done.inputs, over, now),
        RollbackSpec::Plugin | RollbackSpec::None => Ok(done.inputs.clone()),
    };
    match inputs {
        Ok(inputs) => Event::RollbackStepStarted { of, inputs },
        Err(failure) => Event::RollbackStepFailed { of, failure },
    }
}

/// How often an undo is tried: as the step says, at least [`limits::ROLLBACK_ATTEMPTS`], because nobody is
/// left to try it otherwise.
pub(crate) fn retry(step: &Step) -> Retry {
    Retry {
        max_attempts: step.retry.max_attempts.max(limits::ROLLBACK_ATTEMPTS),
        backoff_ms: step.retry.backoff_ms.max(limits::ROLLBACK_BACKOFF_MS),
        ..step.retry
    }
}

/// What a step did, as its plugin is told.
pub(crate) fn done(visit: &Visit) -> Done {
    let call = |call: &Call| -> (Request, Option<Outcome>) {
        (
            call.request.clone(),
            call.outcome.as_ref().map(|(outcome, _)| outcome.clone()),
        )
    };
    Done {
        outputs: (visit.status == Status::Success).then(|| Value::Object(visit.outputs.clone())),
        calls: visit.earlier.iter().chain(&visit.calls).map(call).collect(),
    }
}
