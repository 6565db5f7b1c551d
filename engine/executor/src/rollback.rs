//! Undoing: in the reverse order of what ended, also what ended half-way.

use std::collections::BTreeSet;

use runwright_model::{
    capability::{self, Outcome},
    event::{Event, Phase, Try},
    failure::{Failure, FailureKind},
    id::StepId,
    invocation::Done,
    status::Status,
    step::{Retry, RollbackSpec, Step, StepKind, enclosing},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Error, codes, decide, limits, resolve,
    state::{Call, State, Visit},
};

/// The next events of a rollback: starts what can be undone now, or ends the execution.
///
/// In list order one step after the other, last ended first. In graph order a step is undone when every step that
/// depends on it and did something is undone, so that what did not depend on each other is undone at the same time.
/// After an undo that failed for good no other begins.
pub(crate) fn next(state: &State, now: Timestamp) -> Vec<Event> {
    let failed = failed(state);
    let to = state.rollback.as_ref().and_then(|rollback| rollback.to);
    let left = remaining(state, to);
    if state.open.is_empty() {
        let cause = state.critical.as_ref().map(|(_, _, failure)| failure.clone());
        if !failed.is_empty() {
            let failure = incomplete(state, &failed, &left, cause.as_ref());
            return vec![decide::end(state, Status::RollbackFailed, Some(failure))];
        }
        if left.is_empty() {
            return vec![decide::end(state, Status::RolledBack, cause)];
        }
    }
    if !failed.is_empty() {
        return Vec::new();
    }
    startable(state, &left)
        .into_iter()
        .map(|(step, visit)| begin(state, step, visit, now))
        .collect()
}

/// What can be undone now, of what is left.
fn startable(state: &State, left: &[(StepId, u32)]) -> Vec<(StepId, u32)> {
    if !state.is_graph() {
        let next = left.first().filter(|_| state.open.is_empty());
        return next.copied().into_iter().collect();
    }
    let room = (state.plan.max_concurrency as usize).saturating_sub(state.open.len());
    // What a loop did is undone like what one step did.
    let top = |step: StepId| enclosing(&state.plan.steps, step).last().unwrap_or(step);
    let pending: BTreeSet<StepId> = left.iter().map(|(step, _)| top(*step)).collect();
    let blocked = ancestors(state, &pending);
    let open: BTreeSet<StepId> = state.open.iter().map(|step| top(*step)).collect();
    // Visits of one step are undone one after the other, the last first.
    let mut seen = BTreeSet::new();
    left.iter()
        .map(|undo| (top(undo.0), undo))
        .filter(|(top, _)| seen.insert(*top) && !blocked.contains(top) && !open.contains(top))
        .take(room)
        .map(|(_, undo)| *undo)
        .collect()
}

/// The steps that any of these depend on, directly or not.
fn ancestors(state: &State, of: &BTreeSet<StepId>) -> BTreeSet<StepId> {
    let mut found = BTreeSet::new();
    let mut next: Vec<StepId> = of.iter().copied().collect();
    while let Some(step) = next.pop() {
        for &needed in &state.plan.step(step).depends_on {
            if found.insert(needed) {
                next.push(needed);
            }
        }
    }
    found
}

/// The visits whose undo failed for good, with why.
fn failed(state: &State) -> Vec<(StepId, u32, Failure)> {
    let mut found = Vec::new();
    for id in state.plan.step_ids() {
        for (index, visit) in state.steps[id.index()].visits.iter().enumerate() {
            let undo = visit.undo.as_ref().filter(|undo| undo.status == Status::RollbackFailed);
            if let Some(failure) = undo.and_then(|undo| undo.failure.clone()) {
                found.push((id, u32::try_from(index + 1).unwrap_or(u32::MAX), failure));
            }
        }
    }
    found
}

/// The failure of a rollback that stopped: which undo failed and why, what is left, and what a person can do.
fn incomplete(
    state: &State,
    failed: &[(StepId, u32, Failure)],
    left: &[(StepId, u32)],
    cause: Option<&Failure>,
) -> Failure {
    let name = |step: StepId| state.plan.step(step).name.as_str();
    let broken: BTreeSet<(StepId, u32)> = failed.iter().map(|(step, visit, _)| (*step, *visit)).collect();
    let whys: Vec<String> = failed
        .iter()
        .map(|(step, _, failure)| format!("step {} could not be undone: {}", name(*step), failure.message))
        .collect();
    let waiting: Vec<&str> = left
        .iter()
        .filter(|undo| !broken.contains(undo))
        .map(|(step, _)| name(*step))
        .collect();
    let rest = if waiting.is_empty() {
        "nothing else is left to undo".to_owned()
    } else {
        format!("not undone yet: {}", waiting.join(", "))
    };
    let first = failed.first().map_or("STEP", |(step, _, _)| name(*step));
    let id = &state.id;
    let message = format!(
        "{}; {rest}. `runwright rollback {id}` tries again, `runwright rollback {id} --skip {first} --reason TEXT` goes \
         on without it.",
        whys.join("; ")
    );
    let kind = failed
        .first()
        .map_or(FailureKind::Failed, |(_, _, failure)| failure.kind);
    Failure::new(kind, message)
        .with_code(codes::ROLLBACK_FAILED)
        .with_details(json!({
            "failed": failed.iter().map(|(step, _, _)| name(*step)).collect::<Vec<_>>(),
            "left": waiting,
            "cause": cause.map(|failure| failure.message.clone()),
        }))
}

/// What is still to be undone, last ended first; with `to`, only what ended after that step last ended well.
#[must_use]
pub fn remaining(state: &State, to: Option<StepId>) -> Vec<(StepId, u32)> {
    let kept = to.and_then(|to| state.visit(to)).and_then(|visit| visit.ended_by);
    let mut found = Vec::new();
    for id in state.plan.step_ids() {
        if !offers_rollback(state, id) {
            continue;
        }
        for (index, visit) in state.steps[id.index()].visits.iter().enumerate() {
            if did_something(visit) && !is_settled(visit) && visit.ended_by > kept {
                found.push((visit.ended_by, id, u32::try_from(index + 1).unwrap_or(u32::MAX)));
            }
        }
    }
    found.sort_by_key(|(ended_by, _, _)| std::cmp::Reverse(*ended_by));
    found.into_iter().map(|(_, id, visit)| (id, visit)).collect()
}

/// Whether a visit is undone, or a person said that it need not be.
fn is_settled(visit: &Visit) -> bool {
    visit
        .undo
        .as_ref()
        .is_some_and(|undo| undo.status == Status::RolledBack || undo.status == Status::Skipped)
}

/// What a person asks of a rollback.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub by: String,
    /// The name of the step whose result is kept, with all that ended before it.
    pub to: Option<String>,
    /// A step whose undo failed and that is left as it is, and why.
    pub skip: Option<(String, String)>,
}

/// A person's request for a rollback.
pub(crate) fn requested(state: &State, request: &Request) -> Result<Vec<Event>, Error> {
    let refuse = |why: String| Err(Error::State(format!("execution {} {why}", state.id)));
    let Some(ended) = &state.ended else {
        return refuse("has not ended; cancel it first (`runwright cancel`).".into());
    };
    let to = match &request.to {
        Some(name) => Some(kept_step(state, name)?),
        None => None,
    };
    let mut events = Vec::new();
    if let Some((name, reason)) = &request.skip {
        let step = state.step_called(name)?;
        let skipped: Vec<Event> = failed(state)
            .into_iter()
            .filter(|(id, _, _)| *id == step)
            .map(|(step, visit, _)| Event::RollbackStepSkipped {
                step,
                visit,
                by: request.by.clone(),
                reason: reason.clone(),
            })
            .collect();
        if skipped.is_empty() {
            return refuse(format!("has no failed undo of step {name} to skip."));
        }
        events.extend(skipped);
    } else if ended.status == Status::RolledBack && remaining(state, to).is_empty() {
        return refuse("is rolled back already.".into());
    } else if remaining(state, to).is_empty() {
        return refuse("has nothing to roll back: no step that ran offers it.".into());
    }
    let again = state
        .rollback
        .as_ref()
        .filter(|_| ended.status == Status::RollbackFailed);
    events.push(Event::RollbackStarted {
        reason: format!("asked for by {}", request.by),
        // A retry goes as far as the rollback that failed.
        to: to.or_else(|| again.and_then(|rollback| rollback.to)),
    });
    Ok(events)
}

/// The step to go back to: one that ended well and stands.
fn kept_step(state: &State, name: &str) -> Result<StepId, Error> {
    let step = state.step_called(name)?;
    if state.is_done(step) {
        return Ok(step);
    }
    Err(Error::State(format!(
        "execution {}: step {name} is {}, so there is nothing of it to keep; `--to` takes a step that ended well.",
        state.id,
        state.step_status(step)
    )))
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
    let call = |call: &Call| -> (capability::Request, Option<Outcome>) {
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
