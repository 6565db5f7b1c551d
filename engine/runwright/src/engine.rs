//! The engine: starts executions, and is asked about them.

use std::{path::PathBuf, sync::Arc};

use runwright_executor::{Executor, Ports, ports::Clock as _};
use runwright_local::{Local, keys::StoreKey, parameters::ParameterStore};
use runwright_model::{
    digest::Digest,
    event::{Signal, Started},
    id::ExecutionId,
    log::LogLine,
    plan::Plan,
    status::Status,
};
use runwright_store::{Expect, Page, Store, Table, memory::MemoryStore, sled::SledStore};
use serde_json::{Map, Value, json};

use crate::{
    Error, Library, Runbook,
    adapter::{LibraryRunbooks, SystemClock},
    bind,
    shelf::Shelf,
    show,
    view::{ExecutionRow, ExecutionView},
};

/// Opens an [`Engine`].
#[derive(Debug, Clone)]
pub struct Builder {
    state_dir: PathBuf,
    runbooks: Vec<PathBuf>,
    in_memory: bool,
}

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    library: Library,
    executor: Executor,
    local: Local,
    store: Arc<dyn Store>,
    pin: Arc<Pin>,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The runbook, as [`Library::runbook`] answered it.
    pub runbook: Runbook,
    /// Parameters: native JSON, or text that is converted.
    pub parameters: Map<String, Value>,
    /// Its id; a new one when absent.
    pub id: Option<ExecutionId>,
    /// Who starts it: a user's name.
    pub by: String,
}

/// An execution that was started, or found.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Its id.
    pub id: ExecutionId,
    /// Whether it was there already: same id, same input.
    pub existing: bool,
}

/// How long to wait for an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until its status is final.
    Ended,
    /// Until its status is final, or only a person can make it go on.
    NeedsPerson,
}

/// Keeps the components of plans in the store, so that an execution runs what it began with.
pub(crate) struct Pin {
    store: Arc<dyn Store>,
    shelf: Shelf,
}

impl Pin {
    pub(crate) async fn components(&self, plan: &Plan) -> Result<(), Error> {
        for spec in plan.actions.values() {
            let key = spec.component.as_bytes();
            if self.store.get(Table::Components, key).await?.is_none()
                && let Some(bytes) = self.shelf.find(&spec.component).await
            {
                self.store.put(Table::Components, key, bytes, Expect::Absent).await?;
            }
        }
        Ok(())
    }
}

impl Builder {
    /// Where the store is.
    #[must_use]
    pub fn state_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_dir = path.into();
        self
    }

    /// Where runbooks are looked for by name.
    #[must_use]
    pub fn runbooks(mut self, folders: Vec<PathBuf>) -> Self {
        self.runbooks = folders;
        self
    }

    /// Keeps journals in memory only: for tests and benches. The state directory still holds the key and the
    /// cache of compiled plugins.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }

    /// Opens the store and claims it. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the state directory is in use, cannot be written, or is of a newer version.
    pub async fn open(self) -> Result<Engine, Error> {
        let store: Arc<dyn Store> = if self.in_memory {
            Arc::new(MemoryStore::new())
        } else {
            Arc::new(SledStore::open(
                &self.state_dir,
                runwright_store::sled::Options::default(),
            )?)
        };
        let library = Library::open(self.state_dir.clone(), self.runbooks)?;
        library.shelf.attach(store.clone());
        let local = Local::new(store.clone(), StoreKey::load_or_create(&self.state_dir)?);
        let pin = Arc::new(Pin {
            store: store.clone(),
            shelf: library.shelf.clone(),
        });
        let runbooks = LibraryRunbooks {
            library: library.clone(),
            parameters: local.parameters().clone(),
            pin: pin.clone(),
        };
        let ports = Ports {
            store: store.clone(),
            invoker: library.host.clone(),
            backend: Arc::new(local.clone()),
            secrets: Arc::new(local.clone()),
            clock: Arc::new(SystemClock),
            runbooks: Arc::new(runbooks),
        };
        let executor = Executor::open(ports).await?;
        Ok(Engine {
            library,
            executor,
            local,
            store,
            pin,
        })
    }
}

impl Engine {
    /// A builder with the defaults.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            state_dir: PathBuf::from("."),
            runbooks: Vec::new(),
            in_memory: false,
        }
    }

    /// Runbooks and plugins.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The parameter store.
    #[must_use]
    pub fn parameters(&self) -> &ParameterStore {
        self.local.parameters()
    }

    /// Starts an execution, or finds it when its id is taken by the same input. It is durable when this returns.
    ///
    /// # Errors
    ///
    /// [`Error::Document`], [`Error::Parameters`], [`Error::Mismatch`], and those of the store.
    pub async fn start(&self, request: StartRequest) -> Result<Begun, Error> {
        let StartRequest {
            runbook,
            parameters,
            id,
            by,
        } = request;
        let Some(plan) = runbook.compiled.plan else {
            let diagnostics = runbook.compiled.diagnostics;
            return Err(Error::Document {
                source_text: Box::new(runbook.source),
                diagnostics,
            });
        };
        let parameters = bind::parameters(&plan, parameters, self.local.parameters()).await?;
        let id = id.unwrap_or_else(|| ExecutionId::generate(SystemClock.now(), &SystemClock.random()));
        self.pin.components(&plan).await?;
        let started = Started {
            plan: plan.digest(),
            runbook: plan.name.clone(),
            request: Digest::of_json(&parameters),
            parameters,
            by,
            globals: globals(),
            parent: None,
            secrets: Vec::new(),
            rerun_of: None,
        };
        let existing = self.executor.start(id.clone(), Arc::new(plan), started).await?;
        Ok(Begun { id, existing })
    }

    /// One execution, whole.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`], or a journal that cannot be read.
    pub async fn show(&self, id: &ExecutionId) -> Result<ExecutionView, Error> {
        Ok(show::execution(&self.executor.state(id).await?))
    }

    /// Executions, newest id first; only those with this status, when one is given. At most so many.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn list(&self, status: Option<Status>, most: usize) -> Result<Vec<ExecutionRow>, Error> {
        self.rows(most, status.into_iter().collect()).await
    }

    async fn rows(&self, most: usize, statuses: Vec<Status>) -> Result<Vec<ExecutionRow>, Error> {
        const PAGE: usize = 1_000;
        let mut rows = Vec::new();
        let mut before = None;
        while rows.len() < most {
            let page = self
                .store
                .list(Page {
                    before: before.take(),
                    most: PAGE.min(most - rows.len()),
                    statuses: statuses.clone(),
                })
                .await?;
            let Some((last, _)) = page.last() else { break };
            before = Some(last.clone());
            rows.extend(page.into_iter().map(|(id, head)| show::row(id, head.summary)));
        }
        Ok(rows)
    }

    /// Executions that have not ended, oldest first.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn unfinished(&self) -> Result<Vec<ExecutionRow>, Error> {
        let unfinished = Status::ALL.into_iter().filter(|status| !status.is_final());
        let mut rows = self.rows(usize::MAX, unfinished.collect()).await?;
        rows.sort_by_key(|row| row.started_at);
        Ok(rows)
    }

    /// Log lines from this number on, at most so many, each with its number.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`], or a store that fails.
    pub async fn logs(&self, id: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>, Error> {
        self.executor.flush_logs().await;
        if self.store.head(id).await?.is_none() {
            return Err(Error::NoExecution(id.to_string()));
        }
        Ok(self.store.read_log(id, from, most).await?)
    }

    /// Returns when the execution's state or log has changed since `seen`, with the new count. Start with 0.
    pub async fn changed(&self, id: &ExecutionId, seen: u64) -> u64 {
        self.executor.changed(id, seen).await
    }

    /// Waits. The execution goes on in this process while it is waited for.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`]; [`Error::State`] when it cannot go on.
    pub async fn wait(&self, id: &ExecutionId, until: Until) -> Result<ExecutionView, Error> {
        self.executor.resume(id).await?;
        self.executor.wait(id, until == Until::NeedsPerson).await?;
        self.show(id).await
    }

    /// Approves or rejects what a step asks; `step` when more than one asks. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when nothing asks, or `by` is no approver or has decided.
    pub async fn decide(
        &self,
        id: &ExecutionId,
        step: Option<&str>,
        approve: bool,
        by: &str,
        comment: Option<&str>,
    ) -> Result<(), Error> {
        let name = if approve { Signal::APPROVE } else { Signal::REJECT };
        self.signal(id, name, step, by, json!({ "comment": comment })).await
    }

    /// Sends a signal (`Resume` for a paused step). Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when nothing waits for it.
    pub async fn signal(
        &self,
        id: &ExecutionId,
        name: &str,
        step: Option<&str>,
        by: &str,
        payload: Value,
    ) -> Result<(), Error> {
        let step = match step {
            None => None,
            Some(step) => Some(self.step(id, step).await?),
        };
        let signal = Signal {
            name: name.to_owned(),
            step,
            by: by.to_owned(),
            payload,
        };
        Ok(self.executor.signal(id, signal).await?)
    }

    async fn step(&self, id: &ExecutionId, name: &str) -> Result<runwright_model::id::StepId, Error> {
        let state = self.executor.state(id).await?;
        state.plan.step_named(name).ok_or_else(|| {
            let names: Vec<&str> = state.plan.steps.iter().map(|step| step.name.as_str()).collect();
            Error::State(format!(
                "execution {id} has no step `{name}`; it has {}",
                names.join(", ")
            ))
        })
    }

    /// Makes an execution go on that a stopped process left.
    ///
    /// # Errors
    ///
    /// [`Error::NoExecution`].
    pub async fn resume(&self, id: &ExecutionId) -> Result<(), Error> {
        Ok(self.executor.resume(id).await?)
    }

    /// Asks an execution to stop. Durable when it returns: nothing starts after it.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it has ended or rolls back.
    pub async fn cancel(&self, id: &ExecutionId, by: &str, reason: Option<&str>) -> Result<(), Error> {
        Ok(self
            .executor
            .cancel(id, by.to_owned(), reason.map(str::to_owned))
            .await?)
    }

    /// Undoes what an ended execution did.
    ///
    /// # Errors
    ///
    /// [`Error::State`] when it has not ended or there is nothing to undo.
    pub async fn rollback(&self, id: &ExecutionId, by: &str) -> Result<(), Error> {
        let request = runwright_executor::rollback::Request {
            by: by.to_owned(),
            ..Default::default()
        };
        Ok(self.executor.rollback(id, request).await?)
    }

    /// Stops what is running (it goes on with a resume), makes everything durable, and gives the store free.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn close(self) -> Result<(), Error> {
        Ok(self.executor.close().await?)
    }
}

/// Where an execution on one's own machine runs, in the language's own terms.
fn globals() -> std::collections::BTreeMap<String, String> {
    [
        ("REGION", "local"),
        ("ACCOUNT_ID", "000000000000"),
        ("AWS_PARTITION", "aws"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
