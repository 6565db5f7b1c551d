//! What comes from outside, turned into events: pure, like `decide.rs`.

use runwright_model::{
    bytes::json_length,
    capability::{Answer, Error as CallError, Outcome, Request, blobs, executions},
    digest::Digest,
    event::{Event, Hold, Pause, Phase, Signal, Try},
    failure::{Failure, FailureKind},
    grant::Policy,
    id::ExecutionId,
    invocation::Invoked,
    step::StepKind,
    time::Timestamp,
};
use serde_json::Value;

use crate::{
    Error, codes,
    decide::{self, fail},
    input::Ask,
    limits, repair, resolve, rollback,
    state::{Call, State},
    target,
};

/// A plugin's call ended.
pub(crate) fn invoked(state: &State, of: Try, invoked: Invoked, now: Timestamp) -> Vec<Event> {
    if state.is_cancelling(of) {
        // Whatever it still says: the end was asked for before.
        return vec![decide::cancelled(state, of)];
    }
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
pub(crate) fn check_call(
    state: &State,
    of: Try,
    number: u32,
    request: &Request,
    policy: &Policy,
) -> Result<(), Refusal> {
    if number >= limits::CALLS_MAX {
        return Err(Refusal::Stop(too_many_calls(state, of)));
    }
    let action = match &state.plan.step(of.step).kind {
        StepKind::Action { action, .. } => action,
        StepKind::Target { .. } if target::may_call(request) => return Ok(()),
        StepKind::Target { .. } | StepKind::Branch { .. } | StepKind::UpdateVariable { .. } | StepKind::Loop { .. } => {
            return Err(Refusal::Answer(CallError::Invalid("this step has no plugin".into())));
        }
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
    let grants = spec.grants.clone().under(policy, action);
    grants.check(request).map_err(Refusal::Answer)?;
    match request {
        Request::Executions(executions::Request::Wait { id }) if !started_child(state, of, id) => Err(Refusal::Answer(
            CallError::NotFound(format!("this step started no execution {id}")),
        )),
        Request::Executions(_)
        | Request::Commands(_)
        | Request::Files(_)
        | Request::Http(_)
        | Request::Aws(_)
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

/// What of a call goes into the journal: a large blob is there by its name, for which its bytes are found.
pub(crate) fn journalled(request: Request) -> Request {
    match request {
        Request::Blobs(blobs::Request::Put { contents }) if contents.0.len() > limits::BLOB_JOURNALLED_BYTES_MAX => {
            let name = Digest::of(&contents.0).to_string();
            let contents = name.into_bytes().into();
            Request::Blobs(blobs::Request::Put { contents })
        }
        other => other,
    }
}

/// Whether a call fits into a record of the journal.
pub(crate) fn check_size(state: &State, of: Try, request: &Request) -> Result<(), Failure> {
    let used = json_length(request);
    if used <= limits::CALL_BYTES_MAX {
        return Ok(());
    }
    let message = format!(
        "step {} called `{}` with {used} bytes of arguments, and the limit `call-bytes` is {}: a record of the journal \
         has no room for more. The call was not made. Let the plugin keep a large value as a blob, or pass it in parts.",
        state.plan.step(of.step).name,
        request.function(),
        limits::CALL_BYTES_MAX,
    );
    Err(Failure::new(FailureKind::LimitExceeded, message)
        .with_code(codes::TOO_LARGE_CALL)
        .with_details(serde_json::json!({"limit": "call-bytes", "value": limits::CALL_BYTES_MAX, "used": used})))
}

/// The answer, or that it does not fit into a record of the journal.
pub(crate) fn checked_answer(outcome: Outcome) -> Outcome {
    let used = json_length(&outcome);
    if used <= limits::CALL_BYTES_MAX {
        return outcome;
    }
    Err(CallError::LimitExceeded {
        which: "answer-bytes".into(),
        limit: limits::CALL_BYTES_MAX,
        used,
    })
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

/// What a person asks for, as events.
pub(crate) fn asked(state: &State, ask: &Ask) -> Result<Vec<Event>, Error> {
    match ask {
        Ask::Signal(given) => signal(state, given.clone()),
        Ask::Cancel { by, reason } => cancel(state, by.clone(), reason.clone()),
        Ask::Pause(wanted) => pause(state, wanted.clone()),
        Ask::Unpause { by, hold } => unpause(state, by.clone(), hold.as_ref()),
        Ask::Repair(wanted) => repair::requested(state, wanted),
        Ask::Rollback(request) => rollback::requested(state, request),
    }
}

/// A signal, an approval or a rejection.
fn signal(state: &State, signal: Signal) -> Result<Vec<Event>, Error> {
    if signal.name == Signal::START_STEP || signal.name == Signal::COMPLETE {
        return Ok(vec![Event::Signalled(state.check_choice(signal)?)]);
    }
    state.check_signal(&signal)?;
    Ok(vec![Event::Signalled(signal)])
}

/// A request for the end. Every try that holds nothing up ends with it, in one append, and nothing starts after it.
/// Effects under way are stopped, children are cancelled, and their tries end when those have ended.
fn cancel(state: &State, by: String, reason: Option<String>) -> Result<Vec<Event>, Error> {
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
    let idle = state.open_tries().into_iter().filter(|of| !state.holds_up_cancel(*of));
    events.extend(idle.map(|of| decide::cancelled(&cancelled, of)));
    Ok(events)
}

/// The answer of an effect that was stopped and that nobody in this process waits for.
pub(crate) fn stopped(state: &State, of: Try, number: u32) -> Vec<Event> {
    let under_way = state.effect_under_way(of).filter(|(call, _)| *call == number);
    let completed = under_way.map(|(call, _)| Event::CallCompleted {
        of,
        call,
        outcome: Err(CallError::Uncertain(
            "it was stopped when the execution was cancelled, after the engine had been restarted: how far it came is \
             not known"
                .into(),
        )),
    });
    completed.into_iter().collect()
}

/// A hold by a person.
fn pause(state: &State, pause: Pause) -> Result<Vec<Event>, Error> {
    if state.ended.is_some() {
        let message = format!("execution {} has ended already: it is {}.", state.id, state.status());
        return Err(Error::State(message));
    }
    if state.cancel.is_some() && state.rollback.is_none() {
        let message = format!(
            "execution {} is being cancelled, which a pause would hold up.",
            state.id
        );
        return Err(Error::State(message));
    }
    let again = |held: &Pause| held.hold.is_none() || held.hold == pause.hold;
    let again = state.paused.as_ref().is_some_and(again);
    Ok(if again { Vec::new() } else { vec![Event::Paused(pause)] })
}

/// The end of a hold. With `of`, only when it was that hold.
fn unpause(state: &State, by: String, of: Option<&Hold>) -> Result<Vec<Event>, Error> {
    match (&state.paused, of) {
        (Some(pause), Some(hold)) if pause.hold.as_ref() != Some(hold) => Ok(Vec::new()),
        (Some(_), _) => Ok(vec![Event::Unpaused { by }]),
        (None, Some(_)) => Ok(Vec::new()),
        (None, None) => Err(Error::State(format!(
            "execution {} is not paused: it is {}.",
            state.id,
            state.status()
        ))),
    }
}

/// Whose replay differs from the journal.
pub(crate) struct Replayed<'a> {
    pub(crate) execution: &'a ExecutionId,
    pub(crate) step: &'a str,
    pub(crate) component: &'a Digest,
}

/// The failure of a try whose replay differs from the journal.
pub(crate) fn non_determinism(of: &Replayed, number: u32, recorded: &Request, attempted: &Request) -> Failure {
    let (recorded_json, attempted_json) = (shown(recorded), shown(attempted));
    let Replayed {
        execution,
        step,
        component,
    } = of;
    let message = format!(
        "step {step} was resumed and made another call than before. Call {number} in the journal is {} {recorded_json}; \
         the plugin now attempted {} {attempted_json}. It was stopped before doing anything. The plugin is {component}: \
         it must make the same calls when it is given the same inputs and answers, so report this to its author. To go \
         on, run the step anew with `runwright resume {execution} --from {step}` once you know what its calls so far \
         did, undo them with `runwright rollback {execution}`, or give the whole up with `runwright rerun {execution}`.",
        recorded.function(),
        attempted.function(),
    );
    Failure::new(FailureKind::NonDeterminism, message)
        .with_code(codes::NON_DETERMINISM)
        .with_details(serde_json::json!({
            "call": number,
            "recorded": recorded_json,
            "attempted": attempted_json,
            "plugin": component.to_string(),
        }))
}

/// A request as JSON, or its beginning as text: it may have megabytes.
fn shown(request: &Request) -> Value {
    let text = serde_json::to_string(request).unwrap_or_default();
    if text.len() <= limits::SHOWN_BYTES_MAX {
        return serde_json::from_str(&text).unwrap_or(Value::Null);
    }
    let begin = &text[..text.floor_char_boundary(limits::SHOWN_BYTES_MAX)];
    Value::String(format!("{begin} … ({} bytes in all)", text.len()))
}

/// The failure of a try that ended well without making the calls that its journal holds.
pub(crate) fn fewer_calls(of: &Replayed, made: u32, recorded: &[Call]) -> Failure {
    let Replayed {
        execution,
        step,
        component,
    } = of;
    let missing = recorded
        .get(made as usize)
        .map_or("another", |call| call.request.function());
    let message = format!(
        "step {step} was resumed and returned after {made} calls, where the journal holds {}: call {made} is {missing}, \
         which it did not make again. So its outputs do not count. The plugin is {component}: it must make the same \
         calls when it is given the same inputs and answers, so report this to its author. To go on, run the step anew \
         with `runwright resume {execution} --from {step}` once you know what its calls so far did, or undo them with \
         `runwright rollback {execution}`.",
        recorded.len(),
    );
    Failure::new(FailureKind::NonDeterminism, message)
        .with_code(codes::NON_DETERMINISM)
        .with_details(serde_json::json!({
            "calls": made,
            "recorded": recorded.len(),
            "plugin": component.to_string(),
        }))
}

#[cfg(test)]
mod tests {
    use runwright_model::capability::files;

    use super::*;

    #[test]
    fn an_answer_that_the_journal_cannot_hold_is_a_limit() {
        let names = |bytes: u64| {
            Ok(Answer::Files(files::Answer::Names(vec![
                "x".repeat(usize::try_from(bytes).expect("it is")),
            ])))
        };
        let fits = names(limits::CALL_BYTES_MAX - 100);
        assert_eq!(checked_answer(fits.clone()), fits);
        let refused = checked_answer(names(limits::CALL_BYTES_MAX));
        assert!(matches!(refused, Err(CallError::LimitExceeded { which, .. }) if which == "answer-bytes"));
    }

    #[test]
    fn a_failure_shows_the_beginning_of_a_large_request() {
        let stat = |path: String| Request::Files(files::Request::Stat { on: None, path });
        let of = Replayed {
            execution: &"e-1".parse().expect("an id"),
            step: "A",
            component: &Digest::of(b""),
        };
        let failure = non_determinism(&of, 0, &stat("ä".repeat(5_000_000)), &stat("b".into()));
        let bytes = json_length(&failure);
        assert!(bytes < 20_000, "{bytes}");
        assert!(
            failure.message.contains("(10000") && failure.message.contains("bytes in all)"),
            "{}",
            failure.message
        );
    }
}
