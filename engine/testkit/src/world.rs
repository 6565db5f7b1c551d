//! A world in which effects are entries of a list, found again by their keys as a supervisor would.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use runwright_executor::ports::{Prepared, Runbooks};
use runwright_model::{
    capability::{Answer, Backend, CallContext, Error, Outcome, Request, commands, files},
    failure::{Failure, FailureKind},
    plan::Plan,
    secret::{SecretSource, Secrets},
};
use serde_json::{Map, Value};

/// Keeps every effect by its idempotency key, in order.
#[derive(Default, Clone)]
pub struct World(Arc<Mutex<Effects>>);

#[derive(Default)]
struct Effects {
    order: Vec<String>,
    by_key: BTreeMap<String, Outcome>,
    starts: BTreeMap<String, u32>,
}

impl World {
    /// What happened, in order: the first argument of each command, or the function of each other effect.
    #[must_use]
    pub fn effects(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).order.clone()
    }

    /// How often each effect was begun; more than once is a broken promise.
    #[must_use]
    pub fn begun_twice(&self) -> Vec<String> {
        let effects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        effects
            .starts
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|(key, _)| key.clone())
            .collect()
    }
}

#[async_trait::async_trait]
impl Backend for World {
    async fn perform(&self, request: Request, context: CallContext) -> Outcome {
        let mut effects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = effects.by_key.get(&context.idempotency_key) {
            return outcome.clone();
        }
        let (name, outcome) = answer(&request);
        if request.has_effect() {
            effects.order.push(name);
            *effects.starts.entry(context.idempotency_key.clone()).or_default() += 1;
            effects.by_key.insert(context.idempotency_key, outcome.clone());
        }
        outcome
    }
}

/// Commands named `false` exit with 1; the rest succeeds.
fn answer(request: &Request) -> (String, Outcome) {
    match request {
        Request::Commands(commands::Request::Run { command, .. }) => {
            let name = command.arguments.join(" ");
            let exit_code = Some(i32::from(name.starts_with("false")));
            let completed = commands::Completed {
                exit_code,
                stdout: name.clone(),
                ..Default::default()
            };
            (name, Ok(Answer::Commands(commands::Answer::Completed(completed))))
        }
        Request::Files(files::Request::Stat { .. }) => ("stat".into(), Ok(Answer::Files(files::Answer::Stat(None)))),
        Request::Files(_)
        | Request::Http(_)
        | Request::Parameters(_)
        | Request::Approvals(_)
        | Request::Waits(_)
        | Request::Blobs(_)
        | Request::Executions(_) => (request.function().into(), Ok(Answer::Done)),
    }
}

#[async_trait::async_trait]
impl SecretSource for World {
    async fn secrets(&self, _placeholders: Vec<String>) -> Result<Secrets, Error> {
        Ok(Secrets::default())
    }
}

/// Runbooks that were compiled before, by name; the given parameters are put over the declared defaults.
#[derive(Default, Clone)]
pub struct Shelf(BTreeMap<String, Arc<Plan>>);

impl Shelf {
    /// With one more runbook, under its plan's name.
    #[must_use]
    pub fn with(mut self, plan: Arc<Plan>) -> Self {
        self.0.insert(plan.name.clone(), plan);
        self
    }

    /// The plan of this name.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<Arc<Plan>> {
        self.0.get(name).cloned()
    }
}

#[async_trait::async_trait]
impl Runbooks for Shelf {
    async fn prepare(&self, name: &str, parameters: Map<String, Value>) -> Result<Prepared, Failure> {
        let plan = self.plan(name);
        let plan =
            plan.ok_or_else(|| Failure::new(FailureKind::InvalidInput, format!("there is no runbook {name}")))?;
        let mut all = Map::new();
        for declared in &plan.parameters {
            if let Some(default) = &declared.default {
                all.insert(declared.name.clone(), default.clone());
            }
        }
        all.extend(parameters);
        Ok(Prepared { plan, parameters: all })
    }
}

/// No runbook has any child.
pub struct NoRunbooks;

#[async_trait::async_trait]
impl Runbooks for NoRunbooks {
    async fn prepare(&self, name: &str, _parameters: Map<String, Value>) -> Result<Prepared, Failure> {
        Err(Failure::new(
            FailureKind::InvalidInput,
            format!("there is no runbook {name}"),
        ))
    }
}
