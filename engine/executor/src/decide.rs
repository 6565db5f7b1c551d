//! What happens next: a pure function of the state and the time.
//!
//! [`decide`] answers events to append, or, when there are none, what should be going on: the tries that
//! should be running, the probes that are due, and when to look again. The driver appends, folds and asks
//! again until there are no events, then makes what is going on match.

use std::time::Duration;

use runwright_model::{
    event::{Event, Phase, Try},
    failure::{Failure, FailureKind},
    id::{ExecutionId, StepId},
    status::Status,
    step::{Choice, Step, StepKind},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    codes, command, hold, limits, repeat,
    resolve::{self, StateScope},
    retry, rollback,
    state::State,
    target, variable, waits,
};

/// What should happen.
#[derive(Debug, Default, PartialEq)]
pub struct Decision {
    /// To append now. While there are any, the rest is empty.
    pub events: Vec<Event>,
    /// Tries whose plugin should be running.
    pub running: Vec<Try>,
    /// Probes to try now: the try and the number of its call.
    pub probes: Vec<(Try, u32)>,
    /// Effects to end, because their execution was cancelled: the try and the number of its call.
    pub stopping: Vec<(Try, u32)>,
    /// Children to cancel, because their parent was cancelled.
    pub cancelling: Vec<ExecutionId>,
    /// When to decide again, if nothing else happens.
    pub wake: Option<Timestamp>,
}

/// Decides.
#[must_use]
pub fn decide(state: &State, now: Timestamp) -> Decision {
    if state.ended.is_some() {
        return Decision::default();
    }
    if let Some(pause) = &state.paused {
        return Decision {
            wake: hold::look_again(pause, state.last_at, now),
            ..Decision::default()
        };
    }
    let events = next_events(state, now);
    if !events.is_empty() {
        return Decision {
            events,
            ..Decision::default()
        };
    }
    let mut decision = Decision {
        wake: waits::earliest(cancel_budget(state), repeat::earliest_deadline(state)),
        ..Decision::default()
    };
    for of in state.open_tries() {
        if !state.is_cancelling(of) {
            waits::due(state, of, now, &mut decision);
            continue;
        }
        decision.wake = waits::earliest(decision.wake, cancel_grace(state));
        if let Some((call, _)) = state.effect_under_way(of) {
            decision.stopping.push((of, call));
        }
        decision.cancelling.extend(state.child_awaited(of).cloned());
    }
    decision
}

fn next_events(state: &State, now: Timestamp) -> Vec<Event> {
    let tries = state.open_tries();
    let stopped = stop_overdue(state, &tries, now);
    if !stopped.is_empty() {
        return stopped;
    }
    let answered: Vec<Event> = tries.iter().filter_map(|of| waits::answer(state, *of, now)).collect();
    if !answered.is_empty() {
        return answered;
    }
    let retried: Vec<Event> = tries.iter().flat_map(|of| start_retry(state, *of, now)).collect();
    if !retried.is_empty() {
        return retried;
    }
    if state.rollback.is_some() {
        return rollback::next(state, now);
    }
    let started = start_steps(state, now);
    if !started.is_empty() || !state.open.is_empty() || state.waits_for_choice() {
        started
    } else {
        finish(state)
    }
}

/// Ends tries whose time is over, what was cancelled, and everything when a cancelled flow has used up its time.
fn stop_overdue(state: &State, tries: &[Try], now: Timestamp) -> Vec<Event> {
    if cancel_budget(state).is_some_and(|end| end <= now) {
        return tries.iter().map(|of| cancelled(state, *of)).collect();
    }
    let grace_over = cancel_grace(state).is_some_and(|end| end <= now);
    let stopped = |of: &&Try| state.is_cancelling(**of) && (grace_over || !state.holds_up_cancel(**of));
    let ended: Vec<Event> = tries.iter().filter(stopped).map(|of| cancelled(state, *of)).collect();
    if !ended.is_empty() {
        return ended;
    }
    let late = repeat::stop_overdue(state, tries, now);
    if !late.is_empty() {
        return late;
    }
    // What is cancelled has its own time: a timeout would let the flow go on after it.
    let overdue = |of: &&Try| {
        state.open_calls(**of).is_some()
            && !state.is_cancelling(**of)
            && state.deadline(**of).is_some_and(|deadline| deadline <= now)
    };
    tries
        .iter()
        .filter(overdue)
        .map(|of| fail(state, *of, timed_out(state, *of), now))
        .collect()
}

fn cancel_budget(state: &State) -> Option<Timestamp> {
    let cancel = state.cancel.as_ref().filter(|_| state.rollback.is_none())?;
    Some(cancel.at.after(Duration::from_millis(limits::ON_CANCEL_MS_MAX)))
}

/// When a cancelled step is given up whose effect does not end.
fn cancel_grace(state: &State) -> Option<Timestamp> {
    let cancel = state.cancel.as_ref()?;
    Some(cancel.at.after(Duration::from_millis(limits::CANCEL_GRACE_MS_MAX)))
}

fn timed_out(state: &State, of: Try) -> Failure {
    let step = state.plan.step(of.step);
    let seconds = step.timeout_seconds.unwrap_or_default();
    let doing = match state.open_calls(of).and_then(|calls| calls.last()) {
        Some(call) if call.outcome.is_none() => format!("in a call of {}", call.request.function()),
        Some(_) | None => "between its calls".to_owned(),
    };
    Failure::new(
        FailureKind::TimedOut,
        format!(
            "step {} was stopped: its attempt {} ran longer than `timeoutSeconds: {seconds}`, and was {doing}.",
            step.name, of.attempt
        ),
    )
    .with_code(codes::TIMED_OUT)
}

/// The end of a try on request.
pub(crate) fn cancelled(state: &State, of: Try) -> Event {
    let by = state.cancel.as_ref().map_or("", |cancel| cancel.by.as_str());
    let step = &state.plan.step(of.step).name;
    let failure = Failure::new(FailureKind::Cancelled, format!("step {step} was cancelled by {by}."));
    Event::StepFailed {
        of,
        failure: failure.with_code(codes::CANCELLED),
        status: Status::Cancelled,
    }
}

/// A failed attempt: followed by another, or the failure of the step.
pub(crate) fn fail(state: &State, of: Try, failure: Failure, now: Timestamp) -> Event {
    let step = state.plan.step(of.step);
    let policy = match of.phase {
        Phase::Run => step.retry,
        Phase::Rollback => rollback::retry(step),
    };
    if let Some(retry_at) = retry::next_attempt(policy, &state.id, of, &failure, now) {
        return Event::AttemptFailed { of, failure, retry_at };
    }
    match of.phase {
        Phase::Run => {
            let status = if failure.kind == FailureKind::TimedOut {
                Status::TimedOut
            } else {
                Status::Failed
            };
            Event::StepFailed { of, failure, status }
        }
        Phase::Rollback => Event::RollbackStepFailed { of, failure },
    }
}

fn start_retry(state: &State, of: Try, now: Timestamp) -> Vec<Event> {
    let Some(visit) = state.visit_of(of) else {
        return Vec::new();
    };
    let next = Try {
        attempt: of.attempt + 1,
        ..of
    };
    match of.phase {
        Phase::Run if visit.retry_at.is_some_and(|at| at <= now) => vec![begin_action(state, next, now)],
        Phase::Rollback => {
            let undo = visit
                .undo
                .as_ref()
                .filter(|undo| undo.retry_at.is_some_and(|at| at <= now));
            undo.map(|undo| Event::RollbackStepStarted {
                of: next,
                inputs: undo.inputs.clone(),
            })
            .into_iter()
            .collect()
        }
        Phase::Run => Vec::new(),
    }
}

fn start_steps(state: &State, now: Timestamp) -> Vec<Event> {
    let inside = repeat::next(state, now);
    if !inside.is_empty() {
        return inside;
    }
    if state.is_graph() {
        if state.aborted {
            return Vec::new();
        }
        let room = match &state.plan.fan_out {
            Some(fan_out) => target::room(state, fan_out),
            None => room(state),
        };
        return state
            .graph
            .ready()
            .filter(|step| state.may_start(*step))
            .take(room)
            .flat_map(|step| start(state, step, now))
            .collect();
    }
    match state.cursor {
        Some(step) if state.open.is_empty() && state.loops.is_empty() => start(state, step, now),
        Some(_) | None => Vec::new(),
    }
}

/// How many more steps may run at the same time. A loop counts once, whatever goes on in it.
fn room(state: &State) -> usize {
    let under_way = state.open.iter().chain(&state.loops);
    let under_way = under_way.filter(|step| state.plan.step(**step).parent.is_none());
    (state.plan.max_concurrency as usize).saturating_sub(under_way.count())
}

/// The events that start a step, and end it where it needs no plugin; none while a person has not said so in interactive
/// mode.
pub(crate) fn start(state: &State, id: StepId, now: Timestamp) -> Vec<Event> {
    if !state.may_start(id) {
        return Vec::new();
    }
    let step = state.plan.step(id);
    let visit = state.visit_number(id) + 1;
    let of = Try {
        step: id,
        visit,
        phase: Phase::Run,
        attempt: 1,
    };
    if state.visits_in_iteration(id) >= limits::VISITS_MAX as usize {
        return vec![fail_for_good(of, too_many_visits(step))];
    }
    let skipped = |reason: String| {
        vec![Event::StepSkipped {
            step: id,
            visit,
            reason,
        }]
    };
    if let Some(reason) = command::skipped_behind(state, id) {
        return skipped(reason);
    }
    let scope = StateScope { state, now };
    match step.when.as_ref().map(|when| when.holds(&scope)) {
        Some(Ok(false)) if state.plan.command.is_some() => return skipped("its precondition is not met".into()),
        Some(Ok(false)) => return skipped("its `when` is false".into()),
        Some(Err(error)) => return vec![fail_for_good(of, condition_failure(step, &error.to_string()))],
        Some(Ok(true)) | None => {}
    }
    match &step.kind {
        StepKind::Action { .. } | StepKind::Target { .. } => vec![begin_action(state, of, now)],
        StepKind::Branch { choices, default } => branch(state, of, choices, *default, now),
        StepKind::Loop { repeat, max_iterations } => {
            vec![match repeat::inputs(state, id, repeat, max_iterations.as_ref(), now) {
                Ok(inputs) => Event::StepStarted { of, inputs },
                Err(failure) => fail_for_good(of, failure),
            }]
        }
        StepKind::UpdateVariable { name, value } => match variable::update(state, name, value, now) {
            Ok(value) => vec![
                Event::StepStarted {
                    of,
                    inputs: Value::Null,
                },
                Event::VariableSet {
                    of,
                    name: name.clone(),
                    value,
                },
                Event::StepSucceeded {
                    of,
                    outputs: Map::new(),
                    goto: None,
                },
            ],
            Err(why) => {
                let message = format!("step {} cannot set the variable {name}: {why}.", step.name);
                vec![fail_for_good(
                    of,
                    Failure::new(FailureKind::InvalidInput, message).with_code(codes::VARIABLE),
                )]
            }
        },
    }
}

fn begin_action(state: &State, of: Try, now: Timestamp) -> Event {
    match resolve::inputs(state, of.step, now) {
        Ok(inputs) => Event::StepStarted { of, inputs },
        Err(failure) => fail_for_good(of, failure),
    }
}

fn branch(state: &State, of: Try, choices: &[Choice], default: Option<StepId>, now: Timestamp) -> Vec<Event> {
    let scope = StateScope { state, now };
    let step = state.plan.step(of.step);
    let mut target = default;
    for choice in choices {
        match choice.condition.holds(&scope) {
            Ok(true) => {
                target = Some(choice.next);
                break;
            }
            Ok(false) => {}
            Err(error) => return vec![fail_for_good(of, condition_failure(step, &error.to_string()))],
        }
    }
    let mut outputs = Map::new();
    if let Some(next) = target {
        outputs.insert("NextStep".into(), Value::String(state.plan.step(next).name.clone()));
    }
    vec![
        Event::StepStarted {
            of,
            inputs: Value::Null,
        },
        Event::StepSucceeded {
            of,
            outputs,
            goto: target,
        },
    ]
}

pub(crate) fn fail_for_good(of: Try, failure: Failure) -> Event {
    Event::StepFailed {
        of,
        failure,
        status: Status::Failed,
    }
}

fn too_many_visits(step: &Step) -> Failure {
    Failure::new(
        FailureKind::LimitExceeded,
        format!(
            "step {} was visited {} times, which is the limit: a loop without a way out.",
            step.name,
            limits::VISITS_MAX
        ),
    )
    .with_code(codes::TOO_MANY_VISITS)
}

pub(crate) fn condition_failure(step: &Step, why: &str) -> Failure {
    Failure::new(
        FailureKind::InvalidInput,
        format!("step {}: its condition cannot be evaluated: {why}.", step.name),
    )
    .with_code(codes::CONDITION)
}

/// The flow is over and nothing is open: rolls back, or ends.
fn finish(state: &State) -> Vec<Event> {
    if let Some(cancel) = &state.cancel {
        let why = cancel
            .reason
            .as_ref()
            .map_or(String::new(), |reason| format!(": {reason}"));
        let message = format!("cancelled by {}{why}.", cancel.by);
        let failure = Failure::new(FailureKind::Cancelled, message).with_code(codes::CANCELLED);
        return vec![end(state, Status::Cancelled, Some(failure))];
    }
    let wanted = state.rollback_wanted || (state.critical.is_some() && state.plan.rollback_on_failure);
    if wanted {
        let reason = state.critical.as_ref().map_or_else(
            || "a step asked for it".to_owned(),
            |(step, _, _)| format!("step {} failed", state.plan.step(*step).name),
        );
        return vec![Event::RollbackStarted { reason, to: None }];
    }
    let missed = state
        .plan
        .fan_out
        .as_ref()
        .and_then(|fan_out| target::failure(state, fan_out));
    if let Some(failure) = missed {
        return vec![end(state, Status::Failed, Some(failure))];
    }
    match &state.critical {
        Some((_, status, failure)) => vec![end(state, *status, Some(failure.clone()))],
        None => vec![end(state, Status::Success, None)],
    }
}

/// The end of the execution with its declared outputs, in their order.
pub(crate) fn end(state: &State, status: Status, failure: Option<Failure>) -> Event {
    let mut outputs = Map::new();
    for declared in &state.plan.outputs {
        let step = &state.plan.step(declared.step).name;
        let visit = state
            .visit(declared.step)
            .filter(|visit| visit.status == Status::Success);
        let value = visit.and_then(|visit| visit.outputs.get(&declared.output).cloned());
        // SSM Automation lists an output of a step that did not succeed with this text.
        let value = value.unwrap_or_else(|| Value::from(NO_OUTPUT));
        outputs.insert(format!("{step}.{}", declared.output), value);
    }
    Event::Ended {
        status,
        failure,
        outputs,
    }
}

/// What stands for the declared output of a step that did not end well.
pub const NO_OUTPUT: &str = "No output available yet because the step is not successfully executed";
