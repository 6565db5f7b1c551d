//! The steps of a plan whose steps are targets: each runs its child, and counts when it fails.

use runwright_model::{
    capability::{Answer, Request, executions},
    event::Try,
    failure::{Failure, FailureKind},
    invocation::{Called, Calls, Invoked},
    plan::FanOut,
    status::Status,
};
use serde_json::{Map, Value, json};

use crate::{codes, state::State};

/// Starts the child of a target and waits for its end. Like a plugin it may end at each call, and runs again from its
/// beginning, answered from the journal.
pub(crate) async fn run(runbook: String, parameters: Map<String, Value>, calls: &dyn Calls) -> Invoked {
    match child(runbook, parameters, calls).await {
        Ok(ended) | Err(ended) => ended,
    }
}

async fn child(runbook: String, parameters: Map<String, Value>, calls: &dyn Calls) -> Result<Invoked, Invoked> {
    let start = executions::Request::Start { runbook, parameters };
    let executions::Answer::Started(id) = call(calls, start).await? else {
        return Err(unexpected());
    };
    let executions::Answer::Ended(end) = call(calls, executions::Request::Wait { id: id.clone() }).await? else {
        return Err(unexpected());
    };
    let kind = match end.status {
        Status::Success => {
            return Ok(Invoked::Returned(json!({
                "ExecutionId": id,
                "Status": end.status,
                "Output": end.outputs,
            })));
        }
        Status::TimedOut => FailureKind::TimedOut,
        Status::Cancelled => FailureKind::Cancelled,
        Status::Failed
        | Status::Exited
        | Status::Pending
        | Status::InProgress
        | Status::Waiting
        | Status::Cancelling
        | Status::RollingBack
        | Status::RolledBack
        | Status::RollbackFailed
        | Status::Skipped
        | Status::Paused => FailureKind::Failed,
    };
    let why = end.failure.map(|why| format!(": {why}")).unwrap_or_default();
    let message = format!("its execution {id} is {}{why}", end.status);
    Err(Invoked::Failed(
        Failure::new(kind, message).with_details(json!({ "execution": id, "status": end.status })),
    ))
}

async fn call(calls: &dyn Calls, request: executions::Request) -> Result<executions::Answer, Invoked> {
    match calls.call(Request::Executions(request)).await {
        Called::Answered(Ok(Answer::Executions(answer))) => Ok(answer),
        Called::Answered(Ok(_)) => Err(unexpected()),
        Called::Answered(Err(error)) => {
            let failure = Failure::new(FailureKind::Failed, format!("its execution was not started: {error}"));
            Err(Invoked::Failed(failure.with_code(codes::CHILD)))
        }
        Called::Suspended => Err(Invoked::Suspended),
        Called::Stopped(failure) => Err(Invoked::Failed(failure)),
    }
}

fn unexpected() -> Invoked {
    Invoked::Failed(Failure::new(
        FailureKind::Internal,
        "the journal holds another answer than this call has.",
    ))
}

/// How many more targets may start now.
pub(crate) fn room(state: &State, fan_out: &FanOut) -> usize {
    if errors(state) > fan_out.max_errors as usize {
        return 0;
    }
    let ended = state.plan.step_ids().filter(|id| {
        let visit = state.visit(*id);
        state.graph.has_begun(*id) && visit.is_some_and(|visit| visit.ended_at.is_some())
    });
    let ceiling = fan_out.room(ended.count(), state.plan.max_concurrency);
    (ceiling as usize).saturating_sub(state.open.len())
}

/// Targets that failed or whose time was over, but for those that are to run again. A child that somebody cancelled is
/// no error.
fn errors(state: &State) -> usize {
    let failed = |id: &runwright_model::id::StepId| {
        let Some(visit) = state.visit(*id) else { return false };
        let cancelled = visit
            .failure
            .as_ref()
            .is_some_and(|failure| failure.kind == FailureKind::Cancelled);
        let failed = matches!(visit.status, Status::Failed | Status::TimedOut);
        state.graph.has_begun(*id) && failed && !cancelled
    };
    state.plan.step_ids().filter(failed).count()
}

/// Why the whole failed, if more targets failed than may.
pub(crate) fn failure(state: &State, fan_out: &FanOut) -> Option<Failure> {
    let (errors, targets) = (errors(state), state.plan.steps.len());
    if errors <= fan_out.max_errors as usize {
        return None;
    }
    let waiting = state.plan.step_ids().filter(|id| state.visit(*id).is_none()).count();
    let message = format!(
        "{errors} of {targets} targets failed, and {} may (MaxErrors); {waiting} were not started.",
        fan_out.max_errors
    );
    let failure = Failure::new(FailureKind::Failed, message).with_code(codes::TARGETS);
    Some(failure.with_details(json!({ "failed": errors, "targets": targets, "pending": waiting })))
}

/// The request a target's try makes is one of these two, and nothing else.
pub(crate) fn may_call(request: &Request) -> bool {
    matches!(request, Request::Executions(_))
}

/// The runbook that a target's try starts, if it is one.
pub(crate) fn runbook(state: &State, of: Try) -> Option<&FanOut> {
    let fan_out = state.plan.fan_out.as_ref()?;
    matches!(
        state.plan.step(of.step).kind,
        runwright_model::step::StepKind::Target { .. }
    )
    .then_some(fan_out)
}
