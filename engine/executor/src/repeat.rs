//! `aws:loop`: when an iteration begins, and how a loop ends. Pure, like `decide.rs`.

use std::time::Duration;

use runwright_model::{
    event::{Event, Phase, Try},
    expression::{Template, text_of},
    failure::{Failure, FailureKind},
    id::StepId,
    parameter::ParameterType,
    status::Status,
    step::{ITERATIONS_MAX, Repeat, StepKind, enclosing},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use crate::{
    codes, decide,
    resolve::{self, StateScope},
    state::{Looping, State},
};

/// The inputs of a loop: its items, checked and in their type, and its limit.
pub(crate) fn inputs(
    state: &State,
    id: StepId,
    repeat: &Repeat,
    most: Option<&Template>,
    now: Timestamp,
) -> Result<Value, Failure> {
    let mut inputs = Map::new();
    let step = state.plan.step(id);
    let scope = StateScope { state, now };
    let invalid = |why: String| resolve::invalid_input(step, &why);
    if let Repeat::Each { items, item_type } = repeat {
        let given = items
            .resolve(&scope)
            .map_err(|unresolved| invalid(format!("input `Iterators`: {unresolved}")))?;
        let list = typed_items(given, *item_type).map_err(|why| invalid(format!("input `Iterators`: {why}")))?;
        inputs.insert("Iterators".into(), Value::Array(list));
    }
    if let Some(most) = most {
        let given = most
            .resolve(&scope)
            .map_err(|unresolved| invalid(format!("input `MaxIterations`: {unresolved}")))?;
        let most = whole(&given).filter(|most| (1..=i64::from(ITERATIONS_MAX)).contains(most));
        let most = most.ok_or_else(|| {
            invalid(format!(
                "input `MaxIterations` must be a whole number from 1 to {ITERATIONS_MAX}, and is {given}"
            ))
        })?;
        inputs.insert("MaxIterations".into(), most.into());
    }
    Ok(Value::Object(inputs))
}

/// The items in their type. A single value is a list of one; for maps, the JSON text of a list is that list.
fn typed_items(given: Value, wanted: ParameterType) -> Result<Vec<Value>, String> {
    let list = match given {
        Value::Array(list) => list,
        Value::String(text) if wanted == ParameterType::StringMap => match serde_json::from_str(&text) {
            Ok(Value::Array(list)) => list,
            Ok(_) | Err(_) => vec![Value::String(text)],
        },
        Value::Null => return Err("it is null, and must be a list".into()),
        one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![one],
    };
    if list.len() > ITERATIONS_MAX as usize {
        return Err(format!(
            "it has {} items, and a loop takes at most {ITERATIONS_MAX}",
            list.len()
        ));
    }
    list.into_iter().map(|item| typed_item(item, wanted)).collect()
}

fn typed_item(item: Value, wanted: ParameterType) -> Result<Value, String> {
    let typed = match wanted {
        ParameterType::Integer => whole(&item).map(Value::from),
        ParameterType::Boolean => match &item {
            Value::Bool(_) => Some(item.clone()),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        },
        ParameterType::StringMap => match &item {
            Value::Object(_) => Some(item.clone()),
            Value::String(text) => serde_json::from_str(text).ok().filter(Value::is_object),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        },
        ParameterType::String
        | ParameterType::StringList
        | ParameterType::MapList
        | ParameterType::InstanceId
        | ParameterType::BucketName
        | ParameterType::RoleArn
        | ParameterType::InstanceIdList
        | ParameterType::BucketNameList
        | ParameterType::RoleArnList => (!item.is_null()).then(|| Value::String(text_of(&item))),
    };
    typed.ok_or_else(|| {
        format!(
            "the item {item} is no {}, which `IteratorDataType` asks for",
            wanted.name()
        )
    })
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.as_i64(),
    }
}

/// What happens next in the loops under way in whose bodies nothing goes on.
pub(crate) fn next(state: &State, now: Timestamp) -> Vec<Event> {
    let quiet = |id: &&StepId| !state.goes_on_in(**id);
    state
        .loops
        .iter()
        .filter(quiet)
        .flat_map(|id| go_on(state, *id, now))
        .collect()
}

fn go_on(state: &State, id: StepId, now: Timestamp) -> Vec<Event> {
    let (Some(of), Some(visit)) = (state.loop_try(id), state.visit(id)) else {
        return Vec::new();
    };
    let Some(looping) = &visit.looping else {
        return Vec::new();
    };
    if let Some(to) = looping.exit {
        return vec![Event::StepExited { of, to }];
    }
    if let Some(failure) = &looping.failed {
        return vec![failed(state, of, looping, failure)];
    }
    if let Some(by) = &state.completed_by {
        return vec![given_up(state, of, &format!("{by} has completed the execution"))];
    }
    if state.is_graph() && state.aborted {
        return vec![given_up(state, of, "another step has ended the whole")];
    }
    match looping.cursor {
        Some(step) if !is_overdue(state, id, now) => return decide::start(state, step, now),
        Some(_) | None => {}
    }
    if visit.cancelling {
        return vec![decide::cancelled(state, of)];
    }
    if is_overdue(state, id, now) {
        return vec![overdue(state, of)];
    }
    iterate(state, of, looping, now)
}

/// The next iteration, or the end.
fn iterate(state: &State, of: Try, looping: &Looping, now: Timestamp) -> Vec<Event> {
    let StepKind::Loop { repeat, .. } = &state.plan.step(of.step).kind else {
        return Vec::new();
    };
    let more = match (repeat, &looping.items) {
        (Repeat::While(condition), _) => {
            let holds = looping.iteration == 0 || looping.iteration < looping.most;
            let asked = match looping.iteration {
                0 => Ok(true),
                _ if !holds => Ok(false),
                _ => condition.holds(&StateScope { state, now }),
            };
            match asked {
                Ok(more) => more,
                Err(error) => {
                    return vec![decide::fail_for_good(
                        of,
                        condition_failure(state, of, &error.to_string()),
                    )];
                }
            }
        }
        (Repeat::Each { .. }, items) => {
            let items = items.as_ref().map_or(0, Vec::len);
            (looping.iteration as usize) < items && looping.iteration < looping.most
        }
    };
    if more {
        let iteration = looping.iteration + 1;
        return vec![Event::IterationStarted { of, iteration }];
    }
    match resolve::picked(state.plan.step(of.step), looping.outputs()) {
        Ok(outputs) => vec![Event::StepSucceeded {
            of,
            outputs,
            goto: None,
        }],
        Err(failure) => vec![decide::fail_for_good(of, failure)],
    }
}

fn condition_failure(state: &State, of: Try, why: &str) -> Failure {
    decide::condition_failure(state.plan.step(of.step), why)
}

/// A step of the body failed, and the whole ends with it: the loop's own `onFailure` has no say.
fn failed(state: &State, of: Try, looping: &Looping, failure: &Failure) -> Event {
    let name = &state.plan.step(of.step).name;
    let message = format!(
        "loop {name} failed in iteration {}: {}",
        looping.iteration, failure.message
    );
    let mut failure = failure.clone();
    failure.message = message;
    decide::fail_for_good(of, failure)
}

/// Nothing new begins, for a reason outside of the loop.
fn given_up(state: &State, of: Try, why: &str) -> Event {
    let name = &state.plan.step(of.step).name;
    let message = format!("loop {name} was stopped between two steps, because {why}.");
    Event::StepFailed {
        of,
        failure: Failure::new(FailureKind::Cancelled, message).with_code(codes::CANCELLED),
        status: Status::Cancelled,
    }
}

/// When a loop must be over: `timeoutSeconds` of a loop bounds all its iterations.
pub(crate) fn deadline(state: &State, id: StepId) -> Option<Timestamp> {
    let seconds = state.plan.step(id).timeout_seconds?;
    Some(state.visit(id)?.started_at.after(Duration::from_secs(seconds)))
}

/// A loop asked to end with the execution has the time of the cancel.
fn is_overdue(state: &State, id: StepId, now: Timestamp) -> bool {
    let cancelling = state.visit(id).is_some_and(|visit| visit.cancelling);
    !cancelling && deadline(state, id).is_some_and(|deadline| deadline <= now)
}

/// When time alone ends a loop.
pub(crate) fn earliest_deadline(state: &State) -> Option<Timestamp> {
    let loops = state.loops.iter();
    let running = loops.filter(|id| !state.visit(**id).is_some_and(|visit| visit.cancelling));
    running.filter_map(|id| deadline(state, *id)).min()
}

/// The ends of tries inside loops whose time is over.
pub(crate) fn stop_overdue(state: &State, tries: &[Try], now: Timestamp) -> Vec<Event> {
    let late = |of: &Try| {
        let forwards = of.phase == Phase::Run && !state.is_cancelling(*of);
        enclosing(&state.plan.steps, of.step).find(|around| forwards && is_overdue(state, *around, now))
    };
    let stopped = tries.iter().filter_map(|of| Some((*of, late(of)?)));
    stopped.map(|(of, around)| stop(state, of, around)).collect()
}

fn stop(state: &State, of: Try, around: StepId) -> Event {
    let (step, around) = (state.plan.step(of.step), state.plan.step(around));
    let message = format!(
        "step {} was stopped, because the loop {} ran longer than its `timeoutSeconds: {}`.",
        step.name,
        around.name,
        around.timeout_seconds.unwrap_or_default()
    );
    Event::StepFailed {
        of,
        failure: Failure::new(FailureKind::TimedOut, message).with_code(codes::TIMED_OUT),
        status: Status::Cancelled,
    }
}

fn overdue(state: &State, of: Try) -> Event {
    let step = state.plan.step(of.step);
    let iteration = state
        .visit(of.step)
        .and_then(|visit| visit.looping.as_ref())
        .map_or(0, |looping| looping.iteration);
    let message = format!(
        "loop {} was stopped in iteration {iteration}: it ran longer than `timeoutSeconds: {}`.",
        step.name,
        step.timeout_seconds.unwrap_or_default()
    );
    Event::StepFailed {
        of,
        failure: Failure::new(FailureKind::TimedOut, message).with_code(codes::TIMED_OUT),
        status: Status::TimedOut,
    }
}

impl Looping {
    /// A loop with these inputs, before its first iteration.
    pub(crate) fn new(inputs: &Value) -> Self {
        let most = inputs.get("MaxIterations").and_then(Value::as_u64);
        Self {
            items: inputs.get("Iterators").and_then(Value::as_array).cloned(),
            most: most.and_then(|most| u32::try_from(most).ok()).unwrap_or(ITERATIONS_MAX),
            iteration: 0,
            cursor: None,
            exit: None,
            failed: None,
        }
    }

    /// What `{{ loop.… }}` stands for, in the body and after it.
    #[must_use]
    pub fn outputs(&self) -> Map<String, Value> {
        let mut outputs = Map::new();
        if self.iteration == 0 {
            return outputs;
        }
        outputs.insert("CurrentIteration".into(), json!(self.iteration));
        let items = self.items.as_deref().unwrap_or_default();
        if let Some(item) = items.get(self.iteration as usize - 1) {
            outputs.insert("CurrentIteratorValue".into(), item.clone());
        }
        outputs
    }
}
