//! One call of a plugin: what goes in, what comes out, and how it calls back.
//!
//! This is where executor and host meet. Both know these shapes, neither knows the other: the host makes
//! one call in a sandbox and journals nothing; the executor answers capability calls and loads no Wasm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    capability::{Outcome, Request},
    digest::Digest,
    event::{Phase, Try},
    failure::Failure,
    id::ExecutionId,
    log::{Level, Stream},
    time::Timestamp,
};

/// One call of `run` or `rollback`.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The component, by content.
    pub component: Digest,
    /// The execution.
    pub execution: ExecutionId,
    /// The step's name.
    pub step: String,
    /// The step's action: a component may provide several.
    pub action: String,
    /// The values that documents name `global:…` and that stay as they are.
    pub globals: Vec<(String, String)>,
    /// The attachments of the runbook, by name.
    pub attachments: BTreeMap<String, Digest>,
    /// Which try; its phase says whether `run` or `rollback` is called.
    pub of: Try,
    /// The same when this try runs again after a crash. Seeds the guest's random bytes.
    pub idempotency_key: String,
    /// When the try will be stopped.
    pub deadline: Option<Timestamp>,
    /// The inputs: an object.
    pub inputs: Value,
    /// What is to be undone; only for [`Phase::Rollback`].
    pub done: Option<Done>,
    /// W3C trace context.
    pub trace_parent: Option<String>,
}

impl Invocation {
    /// Forwards or backwards.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.of.phase
    }
}

/// What a step did, for its rollback.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// The outputs, when it ended well.
    pub outputs: Option<Value>,
    /// Its calls over all attempts, in order; an outcome is absent when the engine stopped before it came.
    pub calls: Vec<(Request, Option<Outcome>)>,
}

/// How a call of a plugin ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Invoked {
    /// It returned; for `run` with its outputs (an object), for `rollback` with null.
    Returned(Value),
    /// It returned a failure, trapped, or reached a limit.
    Failed(Failure),
    /// A capability call waits. The instance is gone; the try is invoked again when the answer is there.
    Suspended,
}

/// How a capability call of a guest is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Called {
    /// Hand this to the guest.
    Answered(Outcome),
    /// End the instance: the answer will take time. The invocation ends [`Invoked::Suspended`].
    Suspended,
    /// End the instance with this failure (a replay that differs, a cancelled step).
    Stopped(Failure),
}

/// The executor's side of a running call.
#[async_trait::async_trait]
pub trait Calls: Send + Sync {
    /// A capability call.
    async fn call(&self, request: Request) -> Called;

    /// A log line. Returns at once.
    fn log(&self, level: Level, stream: Stream, text: &str);

    /// What the guest's clock shows: the time of the last journalled answer, or of the try's start.
    fn now(&self) -> Timestamp;
}

/// Makes calls of plugins.
#[async_trait::async_trait]
pub trait Invoker: Send + Sync {
    /// Makes one call in a fresh instance. Dropping the future ends the instance.
    async fn invoke(&self, invocation: Invocation, calls: std::sync::Arc<dyn Calls>) -> Invoked;
}
