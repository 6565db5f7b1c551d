//! Views of executions, made from their states.

use runwright_executor::state::{Call, State, Visit};
use runwright_model::{
    capability::{Request, executions, waits},
    event::Try,
    id::{ExecutionId, StepId},
    status::Status,
    summary::Summary,
};
use serde_json::Value;

use crate::view::{ExecutionRow, ExecutionView, StepView, VisitView, WaitReason, WaitView};

/// The whole of an execution.
pub(crate) fn execution(state: &State) -> ExecutionView {
    let ended = state.ended.as_ref();
    ExecutionView {
        id: state.id.clone(),
        runbook: state.started.runbook.clone(),
        plan: state.started.plan.to_string(),
        status: state.status(),
        started_by: state.started.by.clone(),
        started_at: state.started_at,
        ended_at: ended.map(|ended| ended.at),
        parent: state.started.parent.as_ref().map(|parent| parent.execution.clone()),
        parameters: state.started.parameters.clone(),
        variables: state.variables.clone(),
        steps: state.plan.step_ids().map(|id| step(state, id)).collect(),
        outputs: ended.map(|ended| ended.outputs.clone()).unwrap_or_default(),
        failure: ended.and_then(|ended| ended.failure.clone()),
        paused: state.paused.clone().filter(|_| ended.is_none()),
        rerun_of: state.started.rerun_of.clone(),
        waiting: waiting(state),
    }
}

fn step(state: &State, id: StepId) -> StepView {
    let step = state.plan.step(id);
    let visit = state.visit(id);
    let undo = visit.and_then(|visit| visit.undo.as_ref());
    let name = |id: &StepId| state.plan.step(*id).name.clone();
    StepView {
        name: step.name.clone(),
        action: step.kind.action().to_owned(),
        status: state.step_status(id),
        in_loop: step.parent.as_ref().map(name),
        iteration: visit.and_then(iteration),
        depends_on: step.depends_on.iter().map(name).collect(),
        attempt: visit.map_or(0, |visit| visit.attempt),
        max_attempts: step.retry.max_attempts,
        visit: state.visit_number(id),
        started_at: visit.map(|visit| visit.started_at),
        ended_at: visit.and_then(|visit| visit.ended_at),
        inputs: visit
            .map(|visit| visit.inputs.clone())
            .filter(|inputs| *inputs != Value::Null),
        outputs: visit.map(|visit| visit.outputs.clone()).unwrap_or_default(),
        failure: visit.and_then(|visit| visit.failure.clone()),
        skipped: visit.and_then(|visit| visit.skipped.clone()),
        earlier: earlier(state, id),
        rollback: undo.map(|undo| undo.status),
        rollback_skipped: undo.and_then(|undo| undo.skipped.clone()),
        rollback_failure: undo.and_then(|undo| undo.failure.clone()),
    }
}

/// How far a loop is; for a step inside one, the iteration it was in.
fn iteration(visit: &Visit) -> Option<u32> {
    let own = visit.looping.as_ref().map(|looping| looping.iteration);
    own.or(visit.iteration.map(|iteration| iteration.number))
        .filter(|iteration| *iteration > 0)
}

/// The visits before the last one.
fn earlier(state: &State, id: StepId) -> Vec<VisitView> {
    let visits = &state.steps[id.index()].visits;
    let before = visits.len().saturating_sub(1);
    let view = |(visit, number): (&Visit, u32)| VisitView {
        visit: number,
        iteration: iteration(visit),
        status: visit.status,
        started_at: visit.started_at,
        ended_at: visit.ended_at,
        inputs: Some(visit.inputs.clone()).filter(|inputs| *inputs != Value::Null),
        outputs: visit.outputs.clone(),
        failure: visit.failure.clone(),
    };
    visits[..before].iter().zip(1..).map(view).collect()
}

fn waiting(state: &State) -> Vec<WaitView> {
    let tries = state.open_tries();
    let waits = tries.into_iter().filter_map(|of| wait(state, of));
    waits.chain(starts(state)).collect()
}

/// The steps that wait for a person to start them.
pub(crate) fn starts(state: &State) -> impl Iterator<Item = WaitView> {
    state.next_steps().into_iter().map(|id| WaitView {
        step: state.plan.step(id).name.clone(),
        reason: WaitReason::Start,
        until: None,
    })
}

/// What a try waits for; `None` when its plugin runs.
pub(crate) fn wait(state: &State, of: Try) -> Option<WaitView> {
    let step = state.plan.step(of.step).name.clone();
    if let Some((_, call)) = state.waiting_call(of) {
        if is_answered(call) {
            return None;
        }
        let (reason, until) = reason(call)?;
        return Some(WaitView { step, reason, until });
    }
    let visit: &Visit = state.visit_of(of)?;
    let undo = visit.undo.as_ref();
    let retry_at = undo.map_or(visit.retry_at, |undo| undo.retry_at)?;
    let failure = undo.map_or(visit.failure.as_ref(), |undo| undo.failure.as_ref());
    let failure = failure.map(|failure| failure.message.clone()).unwrap_or_default();
    Some(WaitView {
        step,
        reason: WaitReason::Retry { failure },
        until: Some(retry_at),
    })
}

/// A person has answered, and the step is about to go on: it waits for nobody.
fn is_answered(call: &Call) -> bool {
    let asks = matches!(
        call.request,
        Request::Approvals(_) | Request::Waits(waits::Request::Signal { .. })
    );
    asks && !call.needs_person()
}

fn reason(call: &Call) -> Option<(WaitReason, Option<runwright_model::time::Timestamp>)> {
    match &call.request {
        Request::Approvals(question) => {
            let approved = call.votes.iter().filter(|vote| vote.approved).count();
            let reason = WaitReason::Approval {
                message: question.message.clone(),
                approvers: question.approvers.clone(),
                quorum: question.quorum,
                approved: u32::try_from(approved).unwrap_or(u32::MAX),
            };
            Some((reason, question.deadline))
        }
        Request::Waits(waits::Request::Signal { name, deadline }) => {
            Some((WaitReason::Signal { name: name.clone() }, *deadline))
        }
        Request::Waits(waits::Request::Sleep { duration_ms }) => {
            let until = call.requested_at.after(std::time::Duration::from_millis(*duration_ms));
            Some((WaitReason::Time, Some(until)))
        }
        Request::Waits(waits::Request::SleepUntil { moment }) => Some((WaitReason::Time, Some(*moment))),
        Request::Waits(waits::Request::Probe { .. }) => {
            let last = call.last_probe.clone().unwrap_or_default();
            Some((
                WaitReason::Probe {
                    probes: call.probes,
                    last,
                },
                call.next_probe_at,
            ))
        }
        Request::Executions(executions::Request::Wait { id }) => Some((WaitReason::Child { id: id.clone() }, None)),
        Request::Executions(executions::Request::Start { .. })
        | Request::Commands(_)
        | Request::Files(_)
        | Request::Http(_)
        | Request::Aws(_)
        | Request::Parameters(_)
        | Request::Blobs(_) => None,
    }
}

/// An execution in a list.
pub(crate) fn row(id: ExecutionId, summary: Summary) -> ExecutionRow {
    ExecutionRow {
        id,
        runbook: summary.runbook,
        status: summary.status,
        started_by: summary.by,
        started_at: summary.started,
        ended_at: summary.ended,
        parent: summary.parent,
        waiting: summary.waiting.filter(|_| summary.status != Status::Success),
    }
}
