//! Runwright as it is measured: the executor on the store on disk, and components in the Wasm host. Only what is
//! outside is a stand-in: an effect is answered at once.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use runwright_benches::{plan, spec};
use runwright_compiler::Catalog;
use runwright_executor::{
    Executor, Ports,
    ports::{Clock, Prepared, Runbooks},
};
use runwright_host::{Components, Host};
use runwright_model::{
    action::ActionSpec,
    capability::{self, Answer, Backend, CallContext, Capability, Request},
    digest::Digest,
    event::{Mode, Started},
    failure::{Failure, FailureKind},
    grant::Grants,
    grant::Policy,
    id::ExecutionId,
    plan::Plan,
    secret::{SecretSource, Secrets},
    status::Status,
    time::Timestamp,
};
use runwright_store::{Options, SledStore, Store as _};
use serde_json::{Map, Value};

use crate::Outcome;

/// The action of the component that makes one call, whichever its inputs name.
const ONE_CALL: &str = "test:misbehave";

/// An open engine.
pub(crate) struct Engine {
    pub(crate) store: Arc<SledStore>,
    pub(crate) executor: Executor,
    pub(crate) effects: Arc<Effects>,
    host: Host,
}

impl Engine {
    /// Opens a store, and claims it. Compiled components lie in `cache`.
    pub(crate) async fn open(state: &Path, cache: &Path) -> Outcome<Self> {
        let store = Arc::new(SledStore::open(state, Options::default())?);
        let options = runwright_host::Options {
            cache_dir: Some(cache.to_owned()),
            ..runwright_host::Options::new(Arc::new(Guests::default()))
        };
        let host = Host::new(options)?;
        let effects = Arc::new(Effects::default());
        let ports = Ports {
            store: store.clone(),
            invoker: Arc::new(host.clone()),
            backend: effects.clone(),
            secrets: effects.clone(),
            clock: Arc::new(WallClock),
            runbooks: effects.clone(),
            policy: Policy::default(),
        };
        Ok(Self {
            store,
            executor: Executor::open(ports).await?,
            effects,
            host,
        })
    }

    /// Compiles a runbook of these actions.
    pub(crate) async fn plan(&self, text: String, actions: &[&str]) -> Outcome<Arc<Plan>> {
        let mut catalog = Catalog::default();
        for action in actions {
            let found = if *action == ONE_CALL {
                self.one_call().await?
            } else {
                spec(&self.host, action).await
            };
            catalog.actions.insert((*action).to_owned(), found);
        }
        Ok(Arc::new(plan(text, &catalog)))
    }

    async fn one_call(&self) -> Outcome<ActionSpec> {
        let component = self.host.load(runwright_testguest::COMPONENT.to_vec()).await?;
        Ok(ActionSpec {
            manifest: self.host.describe(&component).await?,
            component,
            grants: Grants::all_of(&Capability::ALL),
        })
    }

    /// A runbook of so many steps with one effect each.
    pub(crate) async fn durable_steps(&self, steps: usize) -> Outcome<Arc<Plan>> {
        let steps: String = (0..steps).map(|number| durable_step(&format!("S{number}"))).collect();
        let text = format!("schemaVersion: '0.3'\nmainSteps:\n{steps}");
        self.plan(text, &[ONE_CALL]).await
    }

    /// A step, a sleep until the moment, a step.
    pub(crate) async fn step_sleep_step(&self) -> Outcome<Arc<Plan>> {
        let text = format!(
            "schemaVersion: '0.3'\nparameters: {{Until: {{type: String}}}}\nmainSteps:\n{}  - {{name: Sleep, action: \
             'aws:sleep', inputs: {{Timestamp: '{{{{ Until }}}}'}}}}\n{}",
            durable_step("Before"),
            durable_step("After")
        );
        self.plan(text, &[ONE_CALL, "aws:sleep"]).await
    }

    /// Starts an execution: durable when this returns.
    pub(crate) async fn start(&self, id: &str, plan: &Arc<Plan>, parameters: Map<String, Value>) -> Outcome<()> {
        let started = Started {
            plan: plan.digest(),
            runbook: plan.name.clone(),
            request: Digest::of_json(&parameters),
            parameters,
            by: "bench".into(),
            globals: BTreeMap::new(),
            parent: None,
            secrets: Vec::new(),
            rerun_of: None,
            mode: Mode::Auto,
        };
        self.executor.start(id.parse()?, plan.clone(), started).await?;
        Ok(())
    }

    /// Starts an execution and waits until it has ended well.
    pub(crate) async fn run(&self, id: &str, plan: &Arc<Plan>) -> Outcome<()> {
        self.start(id, plan, Map::new()).await?;
        let id: ExecutionId = id.parse()?;
        match self.executor.wait(&id, false).await? {
            Status::Success => Ok(()),
            status => {
                let state = self.executor.state(&id).await?;
                Err(format!("execution {id} ended {status}: {:?}", state.critical).into())
            }
        }
    }

    /// Returns when nothing goes on in this process.
    pub(crate) async fn quiet(&self) {
        while !self.executor.active().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Closes, and frees the store.
    pub(crate) async fn close(self) -> Outcome<()> {
        self.executor.close().await?;
        self.store.sync().await?;
        Ok(())
    }
}

/// One step whose plugin makes one call with an effect.
fn durable_step(name: &str) -> String {
    let request = "{files: {write: {on: null, path: /bench/file, contents: dGV4dA==, options: {mode: null, owner: null, \
                   group: null, parents: false}}}}";
    format!("  - {{name: {name}, action: '{ONE_CALL}', inputs: {{do: call, request: {request}}}}}\n")
}

/// The bundled components, and the one that makes any call.
#[derive(Default)]
struct Guests(runwright_benches::Bundled);

#[async_trait::async_trait]
impl Components for Guests {
    async fn bytes(&self, digest: &Digest) -> Option<Vec<u8>> {
        match self.0.bytes(digest).await {
            Some(bytes) => Some(bytes),
            None => {
                let bytes = runwright_testguest::COMPONENT;
                (Digest::of(bytes) == *digest).then(|| bytes.to_vec())
            }
        }
    }
}

/// A world in which every effect is done at once. Counts them, and remembers when they were.
#[derive(Default)]
pub(crate) struct Effects {
    done: AtomicUsize,
    moments: Mutex<Vec<Instant>>,
}

impl Effects {
    /// How many there were.
    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// When they were, since this was asked last.
    pub(crate) fn take_moments(&self) -> Vec<Instant> {
        std::mem::take(&mut *self.moments.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait::async_trait]
impl Backend for Effects {
    async fn perform(&self, _: Request, _: CallContext) -> capability::Outcome {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.moments
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Instant::now());
        Ok(Answer::Done)
    }
}

#[async_trait::async_trait]
impl SecretSource for Effects {
    async fn secrets(&self, _: Vec<String>) -> Result<Secrets, capability::Error> {
        Ok(Secrets::default())
    }
}

#[async_trait::async_trait]
impl Runbooks for Effects {
    async fn prepare(&self, name: &str, _: Map<String, Value>, _: &Started) -> Result<Prepared, Failure> {
        let message = format!("there is no runbook {name} in this measurement");
        Err(Failure::new(FailureKind::InvalidInput, message))
    }
}

/// The machine's clock.
pub(crate) struct WallClock;

#[async_trait::async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, moment: Timestamp) {
        loop {
            let left = moment.since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
    }

    fn random(&self) -> [u8; 10] {
        [7; 10]
    }
}
