//! What comes from outside, turned into events: pure, like `decide.rs`.

use runwright_model::{
    capability::{Answer, Error as CallError, Outcome, Request, executions},
    event::{Event, Phase, Signal, Try},
    failure::{Failure, FailureKind},
    id::ExecutionId,
    invocation::Invoked,
    status::Status,
    step::StepKind,
    time::Timestamp,
};
use serde_json::Value;

use crate::{
    Error, codes,
    decide::{self, fail},
    limits, resolve, rollback,
    state::State,
};

/// A plugin's call ended.
pub(crate) fn invoked(state: &State, of: Try, invoked: Invoked, now: Timestamp) -> Vec<Event> {
    match (of.phase, invoked) {
        (_, Invoked::Suspended) => Vec::new(),
        (_, Invoked::Failed(failure)) => vec![fail(state, of, failure, now)],
        (Phase::Run, Invoked::Returned(value)) => match resolve::outputs(state, of.step, value) {
            Ok(outputs) => vec![Event::StepSucceeded {
                of,
                outputs,
                goto: None,
            }],
            Err(failure) => vec![fail(state, of, failure, now)],
        },
        (Phase::Rollback, Invoked::Returned(_)) => vec![Event::RollbackStepSucceeded { of }],
    }
}

/// Whether a try may make a call, and its answer when it may not.
pub(crate) fn check_call(state: &State, of: Try, number: u32, request: &Request) -> Result<(), Refusal> {
    if number >= limits::CALLS_MAX {
        return Err(Refusal::Stop(too_many_calls(state, of)));
    }
    let StepKind::Action { action, .. } = &state.plan.step(of.step).kind else {
        return Err(Refusal::Answer(CallError::Invalid("this step has no plugin".into())));
    };
    let Some(spec) = state.plan.actions.get(action) else {
        return Err(Refusal::Answer(CallError::Invalid(format!(
            "the plan pins no plugin for {action}"
        ))));
    };
    let wanted = spec
        .manifest
        .capabilities
        .iter()
        .any(|want| want.capability == request.capability());
    if !wanted {
        let capability = request.capability();
        let missing = format!("`{capability}` among the capabilities of the plugin's own manifest");
        return Err(Refusal::Answer(CallError::Denied { capability, missing }));
    }
    spec.grants.check(request).map_err(Refusal::Answer)?;
    match request {
        Request::Executions(executions::Request::Wait { id }) if !started_child(state, of, id) => Err(Refusal::Answer(
            CallError::NotFound(format!("this step started no execution {id}")),
        )),
        Request::Executions(_)
        | Request::Commands(_)
        | Request::Files(_)
        | Request::Http(_)
        | Request::Parameters(_)
        | Request::Approvals(_)
        | Request::Waits(_)
        | Request::Blobs(_) => Ok(()),
    }
}

/// Why a call is not made.
pub(crate) enum Refusal {
    /// The guest gets this answer, which is journalled as any other.
    Answer(CallError),
    /// The try ends.
    Stop(Failure),
}

fn started_child(state: &State, of: Try, id: &ExecutionId) -> bool {
    let Some(visit) = state.visit_of(of) else { return false };
    let undo = visit.undo.iter().flat_map(|undo| &undo.calls);
    visit.earlier.iter().chain(&visit.calls).chain(undo).any(|call| {
        matches!(&call.outcome, Some((Ok(Answer::Executions(executions::Answer::Started(child))), _)) if child == id)
    })
}

fn too_many_calls(state: &State, of: Try) -> Failure {
    let message = format!(
        "step {} made {} capability calls in one attempt, which is the limit.",
        state.plan.step(of.step).name,
        limits::CALLS_MAX
    );
    Failure::new(FailureKind::LimitExceeded, message).with_code(codes::TOO_MANY_CALLS)
}

/// The answers of a child's end, for every call that waits for it.
pub(crate) fn child_ended(state: &State, id: &ExecutionId, end: &executions::ChildEnd) -> Vec<Event> {
    let outcome: Outcome = Ok(Answer::Executions(executions::Answer::Ended(end.clone())));
    state
        .awaited_children()
        .into_iter()
        .filter(|(_, _, child)| child == id)
        .map(|(of, call, _)| Event::CallCompleted {
            of,
            call,
            outcome: outcome.clone(),
        })
        .collect()
}

/// A signal, an approval or a rejection.
pub(crate) fn signal(state: &State, signal: Signal) -> Result<Vec<Event>, Error> {
    state.check_signal(&signal)?;
    Ok(vec![Event::Signalled(signal)])
}

/// A request for the end: every open try ends with it, in one append, so that nothing starts after it.
pub(crate) fn cancel(state: &State, by: String, reason: Option<String>) -> Result<Vec<Event>, Error> {
    if state.ended.is_some() {
        let message = format!("execution {} has ended already: it is {}.", state.id, state.status());
        return Err(Error::State(message));
    }
    if state.rollback.is_some() {
        let message = format!(
            "execution {} is rolling back, and half a rollback is worse than none: it cannot be cancelled.",
            state.id
        );
        return Err(Error::State(message));
    }
    if state.cancel.is_some() {
        return Ok(Vec::new());
    }
    let mut cancelled = state.clone();
    let request = Event::CancelRequested { by, reason };
    cancelled
        .apply(state.last_at, request.clone())
        .expect("a cancel can stand anywhere before the end");
    let mut events = vec![request];
    events.extend(
        state
            .open_tries()
            .into_iter()
            .map(|of| decide::cancelled(&cancelled, of)),
    );
    Ok(events)
}

/// A request for a rollback.
pub(crate) fn rollback(state: &State, by: &str) -> Result<Vec<Event>, Error> {
    let refuse = |why: &str| Err(Error::State(format!("execution {} {why}", state.id)));
    match &state.ended {
        None => refuse("has not ended; cancel it first (`runwright cancel`)."),
        Some(ended) if ended.status == Status::RolledBack => refuse("is rolled back already."),
        Some(_) if rollback::remaining(state).is_empty() => {
            refuse("has nothing to roll back: no step that ran offers it.")
        }
        Some(_) => Ok(vec![Event::RollbackStarted {
            reason: format!("asked for by {by}"),
        }]),
    }
}

/// The failure of a try whose replay differs from the journal.
pub(crate) fn non_determinism(step: &str, number: u32, recorded: &Request, attempted: &Request) -> Failure {
    let recorded_json = serde_json::to_value(recorded).unwrap_or(Value::Null);
    let attempted_json = serde_json::to_value(attempted).unwrap_or(Value::Null);
    let message = format!(
        "step {step} was resumed and made another call than before: call {number} in the journal is {} {recorded_json}, \
         and the plugin now attempted {} {attempted_json}. It was stopped before doing anything. A plugin must make the \
         same calls when it is given the same inputs and answers.",
        recorded.function(),
        attempted.function(),
    );
    Failure::new(FailureKind::NonDeterminism, message)
        .with_code(codes::NON_DETERMINISM)
        .with_details(serde_json::json!({ "call": number, "recorded": recorded_json, "attempted": attempted_json }))
}
