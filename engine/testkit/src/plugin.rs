//! Plugins made of closures.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use runwright_model::{
    action::{ActionSpec, Impact, Manifest, Want},
    capability::{Capability, Outcome, Request},
    digest::Digest,
    failure::{Failure, FailureKind},
    grant::Grants,
    invocation::{Called, Calls, Invocation, Invoked, Invoker},
    schema::{Kind, Schema},
};
use serde_json::Value;

type Body = dyn Fn(Invocation, Arc<dyn Calls>) -> Pin<Box<dyn Future<Output = Invoked> + Send>> + Send + Sync;

/// Plugins by action name, and the invoker that calls them.
#[derive(Default, Clone)]
pub struct Plugins {
    bodies: BTreeMap<Digest, Arc<Body>>,
    specs: BTreeMap<String, ActionSpec>,
}

impl Plugins {
    /// With one more plugin: any inputs and outputs, every capability, rollback offered.
    #[must_use]
    pub fn with<F, R>(self, action: &str, body: F) -> Self
    where
        F: Fn(Invocation, Arc<dyn Calls>) -> R + Send + Sync + 'static,
        R: Future<Output = Invoked> + Send + 'static,
    {
        self.add(action, body, true)
    }

    /// The same, without a rollback.
    #[must_use]
    pub fn with_plain<F, R>(self, action: &str, body: F) -> Self
    where
        F: Fn(Invocation, Arc<dyn Calls>) -> R + Send + Sync + 'static,
        R: Future<Output = Invoked> + Send + 'static,
    {
        self.add(action, body, false)
    }

    fn add<F, R>(mut self, action: &str, body: F, rollback: bool) -> Self
    where
        F: Fn(Invocation, Arc<dyn Calls>) -> R + Send + Sync + 'static,
        R: Future<Output = Invoked> + Send + 'static,
    {
        let component = Digest::of(action.as_bytes());
        self.bodies.insert(
            component,
            Arc::new(move |invocation, calls| Box::pin(body(invocation, calls))),
        );
        let open = Schema {
            kind: Some(Kind::Object),
            ..Schema::default()
        };
        let want = |capability| Want {
            capability,
            why: "for the test".into(),
        };
        let manifest = Manifest {
            action: action.to_owned(),
            version: "1.0.0".into(),
            description: "A test's plugin.".into(),
            inputs: open.clone(),
            outputs: open,
            capabilities: Capability::ALL.map(want).to_vec(),
            rollback,
            impact: Impact::Mutating,
        };
        let grants = Grants::all_of(&Capability::ALL);
        self.specs.insert(
            action.to_owned(),
            ActionSpec {
                manifest,
                component,
                grants,
            },
        );
        self
    }

    /// With this schema of the inputs of an action that was added before.
    #[must_use]
    pub fn takes(mut self, action: &str, inputs: Schema) -> Self {
        if let Some(spec) = self.specs.get_mut(action) {
            spec.manifest.inputs = inputs;
        }
        self
    }

    /// With this schema of the outputs of an action that was added before.
    #[must_use]
    pub fn gives(mut self, action: &str, outputs: Schema) -> Self {
        if let Some(spec) = self.specs.get_mut(action) {
            spec.manifest.outputs = outputs;
        }
        self
    }

    /// What a compiler's catalog needs.
    #[must_use]
    pub fn specs(&self) -> BTreeMap<String, ActionSpec> {
        self.specs.clone()
    }
}

#[async_trait::async_trait]
impl Invoker for Plugins {
    async fn invoke(&self, invocation: Invocation, calls: Arc<dyn Calls>) -> Invoked {
        match self.bodies.get(&invocation.component) {
            Some(body) => body(invocation, calls).await,
            None => Invoked::Failed(Failure::new(FailureKind::Plugin, "no such plugin")),
        }
    }
}

/// Makes a call; the error is how the plugin must end.
///
/// # Errors
///
/// [`Invoked`] when the call suspends or stops the plugin.
pub async fn returned(calls: &dyn Calls, request: Request) -> Result<Outcome, Invoked> {
    match calls.call(request).await {
        Called::Answered(outcome) => Ok(outcome),
        Called::Suspended => Err(Invoked::Suspended),
        Called::Stopped(failure) => Err(Invoked::Failed(failure)),
    }
}

/// The object with this one key.
#[must_use]
pub fn object(key: &str, value: impl Into<Value>) -> Value {
    let mut map = serde_json::Map::new();
    map.insert(key.to_owned(), value.into());
    Value::Object(map)
}
