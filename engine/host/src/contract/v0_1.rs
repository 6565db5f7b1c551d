//! `runwright:plugin@0.1.0`: between the types of `wit/action.wit` and the model's.

use runwright_model::{
    action::Impact,
    capability::Outcome,
    failure::FailureKind,
    invocation::{Done, Invocation},
};
use serde::Serialize;
use serde_json::Value;
use wasmtime::Store;

use super::{Answered, Told};
pub(crate) use crate::bindings::Plugin as Instance;
use crate::{
    bindings::{PluginPre, action},
    capability::types::millis,
    manifest::Said,
    state::State,
};

/// As it stands in the names of interfaces.
pub(super) const VERSION: &str = "0.1.0";

/// A component that was built for this version.
pub(crate) type Linked = PluginPre<State>;

pub(super) async fn run(instance: &Instance, store: &mut Store<State>, invocation: &Invocation) -> Answered<String> {
    let action = instance.runwright_plugin_action();
    let answered = action
        .call_run(store, &context(invocation), &invocation.inputs.to_string())
        .await?;
    Ok(answered.map_err(told))
}

pub(super) async fn rollback(
    instance: &Instance,
    store: &mut Store<State>,
    invocation: &Invocation,
    done: &Done,
) -> Answered<()> {
    let action = instance.runwright_plugin_action();
    let answered = action
        .call_rollback(
            store,
            &context(invocation),
            &invocation.inputs.to_string(),
            &done_to_wit(done),
        )
        .await?;
    Ok(answered.map_err(told))
}

pub(super) async fn describe(instance: &Instance, store: &mut Store<State>) -> wasmtime::Result<Said> {
    let manifest = instance.runwright_plugin_action().call_describe(store).await?;
    let wants = manifest.capabilities.into_iter();
    Ok(Said {
        action: manifest.action,
        version: manifest.version,
        description: manifest.description,
        inputs: manifest.inputs,
        outputs: manifest.outputs,
        capabilities: wants.map(|want| (want.capability, want.why)).collect(),
        rollback: manifest.rollback,
        impact: match manifest.impact {
            action::Impact::Mutating => Impact::Mutating,
            action::Impact::NonMutating => Impact::NonMutating,
            action::Impact::Undetermined => Impact::Undetermined,
        },
    })
}

fn context(invocation: &Invocation) -> action::Context {
    action::Context {
        execution_id: invocation.execution.as_str().to_owned(),
        step: invocation.step.clone(),
        visit: invocation.of.visit,
        attempt: invocation.of.attempt,
        idempotency_key: invocation.idempotency_key.clone(),
        deadline: invocation.deadline.map(millis),
        trace_parent: invocation.trace_parent.clone(),
    }
}

fn done_to_wit(done: &Done) -> action::Done {
    let answer = |outcome: &Outcome| outcome.as_ref().map(json).map_err(json);
    let calls = done.calls.iter().map(|(request, outcome)| action::Call {
        function: request.function().to_owned(),
        request: json(request),
        answer: outcome.as_ref().map(answer),
    });
    action::Done {
        outputs: done.outputs.as_ref().map(Value::to_string),
        calls: calls.collect(),
    }
}

/// A value of the model in the form the journal keeps.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("a value of the model is JSON")
}

fn told(failure: action::Failure) -> Told {
    let action::Failure {
        kind,
        message,
        retryable,
        details,
    } = failure;
    Told {
        kind: kind_to_model(kind),
        message,
        retryable,
        details,
    }
}

fn kind_to_model(kind: action::FailureKind) -> FailureKind {
    match kind {
        action::FailureKind::InvalidInput => FailureKind::InvalidInput,
        action::FailureKind::Failed => FailureKind::Failed,
        action::FailureKind::Verification => FailureKind::Verification,
        action::FailureKind::Denied => FailureKind::Denied,
        action::FailureKind::Throttled => FailureKind::Throttled,
        action::FailureKind::TimedOut => FailureKind::TimedOut,
        action::FailureKind::LimitExceeded => FailureKind::LimitExceeded,
        action::FailureKind::Uncertain => FailureKind::Uncertain,
        action::FailureKind::Rejected => FailureKind::Rejected,
    }
}
