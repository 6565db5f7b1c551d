//! What the actors of all executions share, and how they find each other.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use runwright_model::{
    capability::{Backend, executions::ChildEnd, executions::NESTING_MAX},
    digest::Digest,
    event::{Event, Mode, Parent, Started, Try},
    failure::{Failure, FailureKind},
    grant::Policy,
    id::ExecutionId,
    invocation::Invoker,
    plan::Plan,
    secret::{self, SecretSource},
    time::Timestamp,
};
use runwright_store::{Epoch, Store};
use serde_json::{Map, Value};
use tokio::sync::{Notify, mpsc};

use crate::{
    Error, actor,
    changes::Changes,
    codes,
    hold::Holds,
    input::Input,
    limits::DOCUMENTS_MAX,
    log::LogWriter,
    plans::Plans,
    ports::{Clock, Prepared, Runbooks},
    state::State,
};

/// Everything the executor needs of others.
#[derive(Clone)]
pub struct Ports {
    /// Keeps the journals.
    pub store: Arc<dyn Store>,
    /// Calls plugins.
    pub invoker: Arc<dyn Invoker>,
    /// Makes effects happen.
    pub backend: Arc<dyn Backend>,
    /// Knows the values behind placeholders.
    pub secrets: Arc<dyn SecretSource>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Finds runbooks for children.
    pub runbooks: Arc<dyn Runbooks>,
    /// What plugins may do at most.
    pub policy: Policy,
}

pub(crate) struct Shared {
    pub(crate) ports: Ports,
    pub(crate) epoch: Epoch,
    pub(crate) logs: LogWriter,
    pub(crate) changes: Arc<Changes>,
    pub(crate) plans: Plans,
    /// Wakes the wake-up loop: a wake-up was set, or the engine closes.
    pub(crate) wake: Notify,
    pub(crate) closing: AtomicBool,
    /// The earliest wake-up, in milliseconds, of what came to rest since the wake-up loop looked.
    pub(crate) next_rest: AtomicI64,
    actors: Mutex<HashMap<ExecutionId, mpsc::UnboundedSender<Input>>>,
    /// Placeholders of the executions in memory.
    secrets: Mutex<HashMap<ExecutionId, BTreeSet<String>>>,
    /// Why executions stopped that the store or the machine stopped.
    stopped: Mutex<HashMap<ExecutionId, String>>,
    /// Executions that stand still until the disk has room.
    stalled: Mutex<HashMap<ExecutionId, String>>,
    /// What is held.
    pub(crate) holds: Holds,
}

/// A poisoned lock means a panic while one of these small maps was changed; they are still maps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(ports: Ports, epoch: Epoch, holds: Holds) -> Arc<Self> {
        let changes = Arc::new(Changes::of(epoch));
        let logs = LogWriter::start(ports.store.clone(), changes.clone());
        Arc::new(Self {
            ports,
            epoch,
            logs,
            changes,
            plans: Plans::default(),
            wake: Notify::new(),
            closing: AtomicBool::new(false),
            next_rest: AtomicI64::new(i64::MAX),
            actors: Mutex::default(),
            secrets: Mutex::default(),
            stopped: Mutex::default(),
            stalled: Mutex::default(),
            holds,
        })
    }

    /// Hands an input to an execution's actor, which is started when there is none.
    pub(crate) fn send(self: &Arc<Self>, id: &ExecutionId, input: Input) {
        let mut actors = lock(&self.actors);
        let input = match actors.get(id) {
            Some(actor) => match actor.send(input) {
                Ok(()) => return,
                Err(mpsc::error::SendError(input)) => input,
            },
            None => input,
        };
        let (sender, inbox) = mpsc::unbounded_channel();
        sender.send(input).expect("the inbox is held below");
        actors.insert(id.clone(), sender.clone());
        lock(&self.stopped).remove(id);
        tokio::spawn(actor::run(self.clone(), id.clone(), sender, inbox));
    }

    /// Takes an idle actor out; `false` when an input came meanwhile, so that it must go on.
    pub(crate) fn retire(&self, id: &ExecutionId, inbox: &mpsc::UnboundedReceiver<Input>) -> bool {
        let mut actors = lock(&self.actors);
        if !inbox.is_empty() {
            return false;
        }
        actors.remove(id);
        lock(&self.secrets).remove(id);
        true
    }

    pub(crate) fn is_active(&self, id: &ExecutionId) -> bool {
        lock(&self.actors).contains_key(id)
    }

    /// An execution left memory, and goes on by itself at this moment.
    pub(crate) fn rests_until(&self, wake: Option<Timestamp>) {
        if let Some(wake) = wake {
            self.next_rest.fetch_min(wake.as_millis(), Ordering::Relaxed);
            self.wake.notify_one();
        }
    }

    /// How many executions the wake-up loop passes over: they go on, or something stopped them.
    pub(crate) fn not_to_wake(&self) -> usize {
        lock(&self.actors).len() + lock(&self.stopped).len()
    }

    /// Those in memory, in order of their ids: the same each time.
    pub(crate) fn active(&self) -> Vec<ExecutionId> {
        let mut active: Vec<ExecutionId> = lock(&self.actors).keys().cloned().collect();
        active.sort_unstable();
        active
    }

    pub(crate) fn set_secrets(&self, id: &ExecutionId, placeholders: &BTreeSet<String>) {
        if !placeholders.is_empty() {
            lock(&self.secrets).insert(id.clone(), placeholders.clone());
        }
    }

    pub(crate) fn secrets_of(&self, id: &ExecutionId) -> Vec<String> {
        lock(&self.secrets)
            .get(id)
            .map(|set| set.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// The actor could not go on: the store or the machine stopped it.
    pub(crate) fn give_up(&self, id: &ExecutionId, why: String) {
        tracing::error!(execution = %id, %why, "an execution stopped");
        lock(&self.actors).remove(id);
        lock(&self.stopped).insert(id.clone(), why);
        self.changes.bump_rested(id);
    }

    pub(crate) fn why_stopped(&self, id: &ExecutionId) -> Option<String> {
        lock(&self.stopped).get(id).cloned()
    }

    /// The disk is full, or has room again (`None`).
    pub(crate) fn stall(&self, id: &ExecutionId, why: Option<String>) {
        let mut stalled = lock(&self.stalled);
        match why {
            Some(why) => {
                if stalled.insert(id.clone(), why.clone()).is_none() {
                    tracing::warn!(execution = %id, %why, "an execution waits for room on the disk");
                }
            }
            None => drop(stalled.remove(id)),
        }
    }

    pub(crate) fn why_stalled(&self, id: &ExecutionId) -> Option<String> {
        lock(&self.stalled).get(id).cloned()
    }

    /// The state of an execution that was just begun, or what became of it meanwhile: it stands in the wake-up index
    /// from its first record on, so somebody may have made it go on before its beginning was acknowledged.
    pub(crate) async fn unless_begun(&self, state: State) -> Result<State, Error> {
        match self.ports.store.head(&state.id).await? {
            Some(head) if head.length == state.length => Ok(state),
            Some(_) | None => self.load(&state.id).await,
        }
    }

    /// The state of an execution, from its journal.
    pub(crate) async fn load(&self, id: &ExecutionId) -> Result<State, Error> {
        let records = self.ports.store.read(id, 0).await?;
        let Some(Event::Started(started)) = records.first().map(|record| &record.event) else {
            return Err(if records.is_empty() {
                Error::NotFound(id.clone())
            } else {
                Error::Journal {
                    execution: id.clone(),
                    why: "its first record is not `started`".into(),
                }
            });
        };
        let plan = self.load_plan(id, &started.plan).await?;
        State::fold(id.clone(), plan, records)
    }

    async fn load_plan(&self, id: &ExecutionId, digest: &Digest) -> Result<Arc<Plan>, Error> {
        let plan = self.plans.load(&*self.ports.store, digest).await?;
        plan.ok_or_else(|| Error::NoPlan(id.clone()))?
            .map_err(|why| Error::Journal {
                execution: id.clone(),
                why: format!("its plan: {why}"),
            })
    }

    /// How an execution ended, if it has.
    pub(crate) async fn child_end(&self, id: &ExecutionId) -> Result<Option<ChildEnd>, Error> {
        match self.ports.store.head(id).await? {
            None => Err(Error::NotFound(id.clone())),
            Some(head) if !head.summary.status.is_final() => Ok(None),
            Some(_) => {
                let state = self.load(id).await?;
                Ok(state.ended.map(|ended| ChildEnd {
                    status: ended.status,
                    outputs: ended.outputs,
                    failure: ended.failure.map(|failure| failure.message),
                }))
            }
        }
    }

    /// Starts a child. The id is made of the parent's call, so that the same call finds the same child.
    pub(crate) async fn start_child(
        self: &Arc<Self>,
        id: ExecutionId,
        parent: &ExecutionId,
        of: Try,
        runbook: &str,
        parameters: Map<String, Value>,
    ) -> Result<(), Failure> {
        let internal = |error: Error| Failure::new(FailureKind::Internal, error.to_string()).with_code(codes::CHILD);
        if self
            .ports
            .store
            .head(&id)
            .await
            .map_err(|error| internal(error.into()))?
            .is_some()
        {
            self.send(&id, Input::Look);
            return Ok(());
        }
        let family = self.load(parent).await.map_err(internal)?;
        let depth = family.started.parent.as_ref().map_or(0, |parent| parent.depth) + 1;
        if depth > NESTING_MAX {
            let message =
                format!("the runbook {runbook} would be nested {depth} deep; at most {NESTING_MAX} are allowed.");
            return Err(Failure::new(FailureKind::LimitExceeded, message).with_code(codes::CHILD));
        }
        let prepared = match crate::target::runbook(&family, of) {
            // A target runs what its execution began with, whatever became of the file.
            Some(fan_out) => Prepared {
                plan: Arc::new((*fan_out.runbook).clone()),
                parameters,
            },
            None => {
                let runbooks = &self.ports.runbooks;
                runbooks.prepare(runbook, parameters, &family.started).await?
            }
        };
        if prepared.plan.command.is_some() {
            self.check_documents(&family, runbook).await?;
        }
        let given = Value::Object(prepared.parameters.clone()).to_string();
        let secrets = secret::placeholders(&given)
            .filter(|placeholder| family.secrets.contains(*placeholder))
            .map(str::to_owned)
            .collect();
        let started = Started {
            plan: prepared.plan.digest(),
            runbook: prepared.plan.name.clone(),
            request: Digest::of(given.as_bytes()),
            parameters: prepared.parameters,
            by: family.started.by.clone(),
            globals: family.started.globals.clone(),
            parent: Some(Parent {
                execution: parent.clone(),
                of,
                depth,
            }),
            secrets,
            rerun_of: None,
            mode: Mode::Auto,
        };
        crate::start::begin(self, id, prepared.plan, started)
            .await
            .map(|_| ())
            .map_err(internal)
    }

    /// Command documents run others within a limit of their own.
    async fn check_documents(&self, parent: &State, name: &str) -> Result<(), Failure> {
        let mut levels = u32::from(parent.plan.command.is_some());
        let mut above = parent.started.parent.clone();
        while let Some(next) = above.filter(|_| levels > 0) {
            let state = self
                .load(&next.execution)
                .await
                .map_err(|error| Failure::new(FailureKind::Internal, error.to_string()).with_code(codes::CHILD))?;
            if state.plan.command.is_none() {
                break;
            }
            levels += 1;
            above = state.started.parent.clone();
        }
        if levels <= DOCUMENTS_MAX {
            return Ok(());
        }
        let message =
            format!("the document {name} would be nested {levels} deep; at most {DOCUMENTS_MAX} are allowed.");
        Err(Failure::new(FailureKind::LimitExceeded, message).with_code(codes::CHILD))
    }
}
