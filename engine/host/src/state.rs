//! What one call of a plugin holds on our side.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use runwright_model::{
    bytes::json_length,
    capability::{Answer, Outcome, Request},
    digest::Digest,
    failure::{Failure, FailureKind},
    invocation::{Called, Calls},
};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::{
    Components, Limits,
    bindings::types::Error,
    codes,
    limits::{Excess, Limiter, Place},
    logbook::Logbook,
    wasi::random::Seed,
};

/// The data of a store: one call, one instance.
pub(crate) struct State {
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) logbook: Logbook,
    pub(crate) limiter: Limiter,
    pub(crate) seed: Seed,
    pub(crate) table: ResourceTable,
    /// When each timer of the guest is over, in nanoseconds of its steady clock.
    pub(crate) timers: HashMap<u32, u64>,
    /// The steady clock shows at least this.
    pub(crate) clock_floor_ns: u64,
    pub(crate) argument_bytes: u64,
    /// The call that is made.
    pub(crate) place: Place,
    /// What the step knows of itself.
    pub(crate) step: Step,
    /// Why the call was ended from our side. Counts more than whatever the guest makes of it.
    pub(crate) ended: Option<Ended>,
    wasi: WasiCtx,
    calls_made: u64,
    calls_limit: u64,
    sent_bytes: u64,
    sent_limit: u64,
}

/// What a step knows of itself: `wit/step.wit`.
#[derive(Clone, Default)]
pub(crate) struct Step {
    /// Its action.
    pub(crate) action: String,
    /// The values of `global:…`.
    pub(crate) globals: Vec<(String, String)>,
    /// The runbook's attachments.
    pub(crate) attachments: BTreeMap<String, Digest>,
    /// Where their bytes are.
    pub(crate) components: Option<Arc<dyn Components>>,
}

/// Why a call was ended from our side.
#[derive(Debug)]
pub(crate) enum Ended {
    /// An answer will take time.
    Suspended,
    /// It has failed.
    Failed(Failure),
}

impl State {
    pub(crate) fn new(
        calls: Arc<dyn Calls>,
        limits: &Limits,
        idempotency_key: &str,
        function: &'static str,
        step: Step,
    ) -> Self {
        let action = step.action.clone();
        Self {
            place: Place { function, action },
            logbook: Logbook::new(Arc::clone(&calls), limits),
            limiter: Limiter::new(limits),
            seed: Seed::new(idempotency_key),
            table: ResourceTable::new(),
            timers: HashMap::new(),
            // Not zero, which is the time while a plugin describes itself: Go takes that for a broken clock and gives up.
            clock_floor_ns: 1,
            argument_bytes: limits.argument_bytes,
            step,
            ended: None,
            // No variables, arguments, folders or input; the builder's default is that already.
            wasi: WasiCtxBuilder::new().allow_tcp(false).allow_udp(false).build(),
            calls_made: 0,
            calls_limit: limits.calls,
            sent_bytes: 0,
            sent_limit: limits.sent_bytes,
            calls,
        }
    }

    /// Makes a call and picks its answer. A guest gets errors; `Err` on the outside ends the instance.
    pub(crate) async fn ask<T>(
        &mut self,
        request: Request,
        pick: impl FnOnce(Answer) -> Option<T> + Send,
    ) -> wasmtime::Result<Result<T, Error>> {
        let function = request.function();
        match self.call(request).await? {
            Ok(answer) => match pick(answer) {
                Some(picked) => Ok(Ok(picked)),
                None => Err(self.wrong_answer(function)),
            },
            Err(error) => Ok(Err(error.into())),
        }
    }

    /// The same for functions that answer nothing.
    pub(crate) async fn order(&mut self, request: Request) -> wasmtime::Result<Result<(), Error>> {
        self.ask(request, |answer| (answer == Answer::Done).then_some(())).await
    }

    /// Makes a call. `Err` ends the instance.
    pub(crate) async fn call(&mut self, request: Request) -> wasmtime::Result<Outcome> {
        self.calls_made += 1;
        self.sent_bytes = self.sent_bytes.saturating_add(json_length(&request));
        let counts = [
            ("calls", self.calls_made, self.calls_limit),
            ("sent-bytes", self.sent_bytes, self.sent_limit),
        ];
        if let Some((which, used, limit)) = counts.into_iter().find(|(_, used, limit)| used > limit) {
            let excess = Excess {
                which,
                limit,
                used: Some(used),
            };
            let doing = format!("called `{}`", request.function());
            return Err(self.end_by(excess, &doing));
        }
        match self.calls.call(request).await {
            Called::Answered(outcome) => Ok(outcome),
            Called::Suspended => Err(self.end(Ended::Suspended)),
            Called::Stopped(failure) => Err(self.end(Ended::Failed(failure))),
        }
    }

    /// Ends the call because of a limit.
    pub(crate) fn end_by(&mut self, excess: Excess, doing: &str) -> wasmtime::Error {
        let failure = excess.failure(&self.place, doing);
        self.end(Ended::Failed(failure))
    }

    /// Notes why the call ends, and answers the error that makes the runtime end it.
    pub(crate) fn end(&mut self, ended: Ended) -> wasmtime::Error {
        self.ended.get_or_insert(ended);
        wasmtime::Error::msg("the host ended the call")
    }

    fn wrong_answer(&mut self, function: &str) -> wasmtime::Error {
        let message = format!(
            "The call of `{function}` was answered with the answer of another function. The plugin is not at fault: \
             check the store, and report it if the store is sound."
        );
        self.end(Ended::Failed(
            Failure::new(FailureKind::Internal, message).with_code(codes::WRONG_ANSWER),
        ))
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
