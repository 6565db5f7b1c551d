//! One call of a plugin in a fresh instance.

use std::{sync::Arc, time::Duration};

use runwright_model::{
    capability::Outcome,
    event::Phase,
    failure::{Failure, FailureKind},
    invocation::{Calls, Done, Invocation, Invoked},
};
use serde::Serialize;
use serde_json::Value;
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::{
    Components, Limits,
    bindings::{Plugin, PluginPre, action},
    capability::types::millis,
    codes,
    limits::Excess,
    meter::Meter,
    state::{Ended, State, Step},
    trap,
};

/// What a call needs of the host.
pub(crate) struct Caller<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) limits: &'a Limits,
    pub(crate) plugin: &'a PluginPre<State>,
    pub(crate) components: &'a Arc<dyn Components>,
}

impl Caller<'_> {
    /// Calls `run` or `rollback`.
    pub(crate) async fn invoke(&self, invocation: Invocation, calls: Arc<dyn Calls>) -> Invoked {
        let context = context(&invocation);
        let inputs = invocation.inputs.to_string();
        let step = Step {
            action: invocation.action.clone(),
            globals: invocation.globals.clone(),
            attachments: invocation.attachments.clone(),
            components: Some(Arc::clone(self.components)),
        };
        let store = self.store(calls, &invocation.idempotency_key, step);
        let ended = match invocation.phase() {
            Phase::Run => {
                let call = async |plugin: &Plugin, store: &mut Store<State>| {
                    plugin
                        .runwright_plugin_action()
                        .call_run(store, &context, &inputs)
                        .await
                };
                self.call(store, call)
                    .await
                    .map(|result| result.map(|text| outputs(&text, self.limits)))
            }
            Phase::Rollback => {
                let done = done(&invocation.done.unwrap_or_default());
                let call = async |plugin: &Plugin, store: &mut Store<State>| {
                    plugin
                        .runwright_plugin_action()
                        .call_rollback(store, &context, &inputs, &done)
                        .await
                };
                self.call(store, call)
                    .await
                    .map(|result| result.map(|()| Invoked::Returned(Value::Null)))
            }
        };
        match ended {
            Ok(Ok(invoked)) => invoked,
            Ok(Err(failure)) => Invoked::Failed(failed(failure, self.limits)),
            Err(Ended::Suspended) => Invoked::Suspended,
            Err(Ended::Failed(failure)) => Invoked::Failed(failure),
        }
    }

    /// Calls `describe`.
    pub(crate) async fn describe(&self, calls: Arc<dyn Calls>) -> Result<action::Manifest, Ended> {
        let store = self.store(calls, "describe", Step::default());
        let call = async |plugin: &Plugin, store: &mut Store<State>| {
            plugin.runwright_plugin_action().call_describe(store).await
        };
        self.call(store, call).await
    }

    fn store(&self, calls: Arc<dyn Calls>, idempotency_key: &str, step: Step) -> Store<State> {
        let mut store = Store::new(self.engine, State::new(calls, self.limits, idempotency_key, step));
        store.limiter(|state| &mut state.limiter);
        let most = self.limits.argument_bytes.max(self.limits.output_bytes);
        store.set_hostcall_fuel(usize::try_from(most).unwrap_or(usize::MAX));
        store
    }

    /// Makes an instance, lets `call` call it, and says how it ended. `Err` when the guest did not return.
    async fn call<T>(
        &self,
        mut store: Store<State>,
        call: impl AsyncFnOnce(&Plugin, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Ended> {
        let meter = Meter::new();
        interrupt(
            &mut store,
            meter.clone(),
            Duration::from_millis(self.limits.call_cpu_ms),
        );
        let result = meter
            .count(async {
                let plugin = self.plugin.instantiate_async(&mut store).await?;
                call(&plugin, &mut store).await
            })
            .await;
        store.data().logbook.finish();
        match (store.data_mut().ended.take(), result) {
            (Some(ended), _) => Err(ended),
            (None, Ok(returned)) => Ok(returned),
            (None, Err(error)) => Err(Ended::Failed(trap::failure(&error, store.data(), self.limits))),
        }
    }
}

/// At every tick: lets others run, and ends a call that has computed too long.
fn interrupt(store: &mut Store<State>, meter: Meter, limit: Duration) {
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut context| {
        let running = meter.running();
        if running <= limit {
            return Ok(UpdateDeadline::Yield(1));
        }
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let excess = Excess {
            which: "call-cpu-ms",
            limit: ms(limit),
            used: Some(ms(running)),
        };
        Err(context
            .data_mut()
            .end(Ended::Failed(excess.failure("went on computing"))))
    });
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

fn done(done: &Done) -> action::Done {
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

/// The outputs of a run, if they are a JSON object within the limit.
fn outputs(text: &str, limits: &Limits) -> Invoked {
    let used = text.len() as u64;
    if used > limits.output_bytes {
        let excess = Excess {
            which: "output-bytes",
            limit: limits.output_bytes,
            used: Some(used),
        };
        return Invoked::Failed(excess.failure("returned outputs"));
    }
    let reason = match serde_json::from_str::<Value>(text) {
        Ok(outputs @ Value::Object(_)) => return Invoked::Returned(outputs),
        Ok(_) => "they are JSON, but not an object".to_owned(),
        Err(error) => format!("they are no JSON: {error}"),
    };
    let begin: String = text.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect();
    let message = format!("The plugin returned outputs that nobody can use: {reason}. They begin: {begin}");
    Invoked::Failed(Failure::new(FailureKind::Plugin, message).with_code(codes::RUBBISH))
}

/// How much of rubbish is shown.
const SHOWN_CHARS: usize = 80;

/// The plugin's own failure. It is kept even when it says too much: losing it would lose the reason.
fn failed(failure: action::Failure, limits: &Limits) -> Failure {
    let action::Failure {
        kind,
        mut message,
        retryable,
        details,
    } = failure;
    let limit = usize::try_from(limits.failure_bytes).unwrap_or(usize::MAX);
    if message.len() > limit {
        let used = message.len();
        message.truncate(
            (0..=limit)
                .rev()
                .find(|end| message.is_char_boundary(*end))
                .unwrap_or(0),
        );
        message.push_str(&format!(
            " … (cut: limit `failure-bytes` exceeded, {used} bytes where {limit} are allowed)"
        ));
    }
    let details = details.and_then(|text| details_of(&text, limit, &mut message));
    Failure {
        kind: kind_to_model(kind),
        message,
        retryable,
        code: None,
        details,
    }
}

fn details_of(text: &str, limit: usize, message: &mut String) -> Option<Value> {
    let reason = if text.len() > limit {
        format!(
            "limit `failure-bytes` exceeded, {} bytes where {limit} are allowed",
            text.len()
        )
    } else {
        match serde_json::from_str::<Value>(text) {
            Ok(details @ Value::Object(_)) => return Some(details),
            Ok(_) => "they are not a JSON object".into(),
            Err(error) => format!("they are no JSON: {error}"),
        }
    };
    message.push_str(&format!(" (The plugin's details were left out: {reason}.)"));
    None
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
