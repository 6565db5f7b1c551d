//! One call of a plugin in a fresh instance.

use std::{sync::Arc, time::Duration};

use runwright_model::{
    event::Phase,
    failure::{Failure, FailureKind},
    invocation::{Calls, Invocation, Invoked},
};
use serde_json::Value;
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::{
    Components, Limits, codes,
    contract::{Instance, Linked, Told},
    limits::{Excess, Place},
    logbook::shown_lines,
    manifest::Said,
    meter::Meter,
    state::{Ended, State, Step},
    trap::{self, Stage},
};

/// What a call needs of the host.
pub(crate) struct Caller<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) limits: &'a Limits,
    pub(crate) plugin: &'a Linked,
    pub(crate) components: &'a Arc<dyn Components>,
}

impl Caller<'_> {
    /// Calls `run` or `rollback`.
    pub(crate) async fn invoke(&self, invocation: Invocation, calls: Arc<dyn Calls>) -> Invoked {
        let step = Step {
            action: invocation.action.clone(),
            globals: invocation.globals.clone(),
            attachments: invocation.attachments.clone(),
            components: Some(Arc::clone(self.components)),
        };
        let function = match invocation.phase() {
            Phase::Run => "run",
            Phase::Rollback => "rollback",
        };
        let store = self.store(calls, &invocation.idempotency_key, function, step);
        let place = store.data().place.clone();
        let ended = match invocation.phase() {
            Phase::Run => {
                let call = async |plugin: &Instance, store: &mut Store<State>| plugin.run(store, &invocation).await;
                self.call(store, call)
                    .await
                    .map(|result| result.map(|text| outputs(&text, &place, self.limits)))
            }
            Phase::Rollback => {
                let done = invocation.done.clone().unwrap_or_default();
                let call = async |plugin: &Instance, store: &mut Store<State>| {
                    plugin.rollback(store, &invocation, &done).await
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
    pub(crate) async fn describe(&self, calls: Arc<dyn Calls>) -> Result<Said, Ended> {
        let store = self.store(calls, "describe", "describe", Step::default());
        let call = async |plugin: &Instance, store: &mut Store<State>| plugin.describe(store).await;
        self.call(store, call).await
    }

    fn store(&self, calls: Arc<dyn Calls>, key: &str, function: &'static str, step: Step) -> Store<State> {
        let mut store = Store::new(self.engine, State::new(calls, self.limits, key, function, step));
        store.limiter(|state| &mut state.limiter);
        let most = self.limits.argument_bytes.max(self.limits.output_bytes);
        store.set_hostcall_fuel(usize::try_from(most).unwrap_or(usize::MAX));
        store.set_max_component_handles(usize::try_from(self.limits.handles).unwrap_or(usize::MAX));
        store
    }

    /// Makes an instance, lets `call` call it, and says how it ended. `Err` when the guest did not return.
    async fn call<T>(
        &self,
        mut store: Store<State>,
        call: impl AsyncFnOnce(&Instance, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Ended> {
        let meter = Meter::new();
        interrupt(
            &mut store,
            meter.clone(),
            Duration::from_millis(self.limits.call_cpu_ms),
        );
        let mut stage = Stage::Making;
        let result = meter
            .count(async {
                let plugin = self.plugin.instantiate(&mut store).await?;
                stage = Stage::Calling;
                call(&plugin, &mut store).await
            })
            .await;
        store.data().logbook.finish();
        match (store.data_mut().ended.take(), result) {
            // Where the guest was when a limit ended it helps its author.
            (Some(Ended::Failed(failure)), Err(error)) if failure.code.as_deref() == Some(codes::LIMIT) => {
                Err(Ended::Failed(trap::with_place(failure, &error)))
            }
            (Some(ended), _) => Err(ended),
            (None, Ok(returned)) => Ok(returned),
            (None, Err(error)) => Err(Ended::Failed(trap::failure(&error, stage, store.data(), self.limits))),
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
        Err(context.data_mut().end_by(excess, "went on computing"))
    });
}

/// The outputs of a run, if they are a JSON object within the limit.
fn outputs(text: &str, place: &Place, limits: &Limits) -> Invoked {
    let used = text.len() as u64;
    if used > limits.output_bytes {
        let excess = Excess {
            which: "output-bytes",
            limit: limits.output_bytes,
            used: Some(used),
        };
        return Invoked::Failed(excess.failure(place, "returned outputs"));
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
fn failed(failure: Told, limits: &Limits) -> Failure {
    let Told {
        kind,
        message,
        retryable,
        details,
    } = failure;
    let limit = usize::try_from(limits.failure_bytes).unwrap_or(usize::MAX);
    let used = message.len();
    // What a terminal obeys is shown, so it may get longer than it was.
    let mut message = shown_lines(&message[..message.floor_char_boundary(limit)]);
    if used > limit {
        message.push_str(&format!(
            " … (cut: limit `failure-bytes` exceeded, {used} bytes where {limit} are allowed)"
        ));
    }
    let details = details.and_then(|text| details_of(&text, limit, &mut message));
    Failure {
        kind,
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
