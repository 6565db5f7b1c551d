//! A world in which effects are entries of a list, found again by their keys as a supervisor would.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use runwright_executor::ports::{Prepared, Runbooks};
use runwright_model::{
    capability::{Answer, Backend, CallContext, Error, Outcome, Request, commands, files},
    event::Started,
    failure::{Failure, FailureKind},
    plan::Plan,
    secret::{SecretSource, Secrets},
};
use serde_json::{Map, Value};
use tokio::sync::watch;

/// Keeps every effect by its idempotency key, in order.
#[derive(Default, Clone)]
pub struct World(Arc<Mutex<Effects>>);

#[derive(Default)]
struct Effects {
    order: Vec<String>,
    by_key: BTreeMap<String, Outcome>,
    starts: BTreeMap<String, u32>,
    hanging: BTreeMap<String, watch::Sender<Option<Outcome>>>,
    stopped: Vec<String>,
}

impl World {
    /// What happened, in order: the first argument of each command, or the function of each other effect.
    #[must_use]
    pub fn effects(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).order.clone()
    }

    /// Lets every command that hangs end well.
    pub fn let_go(&self) {
        let mut effects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, hanging) in std::mem::take(&mut effects.hanging) {
            let done = commands::Completed {
                exit_code: Some(0),
                ..Default::default()
            };
            let outcome = Ok(Answer::Commands(commands::Answer::Completed(done)));
            effects.by_key.insert(key, outcome.clone());
            hanging.send_replace(Some(outcome));
        }
    }

    /// The keys of the calls that were asked to end, in order.
    #[must_use]
    pub fn stopped(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stopped.clone()
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
        let mut hanging = match self.begin(&request, context.idempotency_key) {
            Begun::Over(outcome) => return outcome,
            Begun::Hangs(hanging) => hanging,
        };
        let ended = hanging.wait_for(Option::is_some).await;
        ended.ok().and_then(|outcome| outcome.clone()).unwrap_or_else(killed)
    }

    async fn stop(&self, _request: &Request, context: &CallContext) {
        let mut effects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = &context.idempotency_key;
        effects.stopped.push(key.clone());
        if let Some(hanging) = effects.hanging.remove(key) {
            effects.by_key.insert(key.clone(), killed());
            hanging.send_replace(Some(killed()));
        }
    }

    /// A command goes on without the engine, and its key finds it.
    fn survives(&self, request: &Request) -> bool {
        matches!(request, Request::Commands(_))
    }
}

enum Begun {
    Over(Outcome),
    Hangs(watch::Receiver<Option<Outcome>>),
}

fn killed() -> Outcome {
    Err(Error::Uncertain("it was stopped".into()))
}

impl World {
    fn begin(&self, request: &Request, key: String) -> Begun {
        let mut effects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = effects.by_key.get(&key) {
            return Begun::Over(outcome.clone());
        }
        if let Some(hanging) = effects.hanging.get(&key) {
            return Begun::Hangs(hanging.subscribe());
        }
        let (name, outcome) = answer(request);
        if !request.has_effect() {
            return Begun::Over(outcome);
        }
        let hangs = name.starts_with("hang");
        effects.order.push(name);
        *effects.starts.entry(key.clone()).or_default() += 1;
        if hangs {
            let (sender, hanging) = watch::channel(None);
            effects.hanging.insert(key, sender);
            return Begun::Hangs(hanging);
        }
        effects.by_key.insert(key, outcome.clone());
        Begun::Over(outcome)
    }
}

/// Commands named `false` exit with 1, those named `hang` do not end by themselves; the rest succeeds.
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
        Request::Commands(commands::Request::RunDocument { .. }) => {
            let end = commands::DocumentEnd {
                status: "Success".into(),
                ..Default::default()
            };
            (
                request.function().into(),
                Ok(Answer::Commands(commands::Answer::Document(end))),
            )
        }
        Request::Files(files::Request::Stat { .. }) => ("stat".into(), Ok(Answer::Files(files::Answer::Stat(None)))),
        Request::Files(_)
        | Request::Http(_)
        | Request::Aws(_)
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
    async fn prepare(&self, name: &str, parameters: Map<String, Value>, _: &Started) -> Result<Prepared, Failure> {
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
    async fn prepare(&self, name: &str, _parameters: Map<String, Value>, _: &Started) -> Result<Prepared, Failure> {
        Err(Failure::new(
            FailureKind::InvalidInput,
            format!("there is no runbook {name}"),
        ))
    }
}
