//! The engine: starts executions, and is asked about them.

use std::path::PathBuf;

use runwright_local::ParameterStore;
use runwright_model::{id::ExecutionId, log::LogLine, status::Status};
use serde_json::{Map, Value};

use crate::{
    Error, Library, Runbook,
    view::{ExecutionRow, ExecutionView},
};

/// Opens an [`Engine`].
pub struct Builder {}

/// A running engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {}

/// What to start.
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

impl Builder {
    /// Where the store is.
    #[must_use]
    pub fn state_dir(self, path: impl Into<PathBuf>) -> Self {
        let _ = path.into();
        self
    }

    /// Where runbooks are looked for by name.
    #[must_use]
    pub fn runbooks(self, folders: Vec<PathBuf>) -> Self {
        let _ = folders;
        self
    }

    /// Opens the store and claims it.
    pub async fn open(self) -> Result<Engine, Error> {
        todo!()
    }
}

impl Engine {
    /// A builder with the defaults.
    #[must_use]
    pub fn builder() -> Builder {
        todo!()
    }

    /// Runbooks and plugins.
    #[must_use]
    pub fn library(&self) -> &Library {
        todo!()
    }

    /// The parameter store.
    #[must_use]
    pub fn parameters(&self) -> &ParameterStore {
        todo!()
    }

    /// Starts an execution, or finds it when its id is taken by the same input.
    pub async fn start(&self, request: StartRequest) -> Result<Begun, Error> {
        let _ = request;
        todo!()
    }

    /// One execution, whole.
    pub async fn show(&self, id: &ExecutionId) -> Result<ExecutionView, Error> {
        let _ = id;
        todo!()
    }

    /// Executions, newest first; only those with this status, when one is given. At most so many.
    pub async fn list(&self, status: Option<Status>, most: usize) -> Result<Vec<ExecutionRow>, Error> {
        let _ = (status, most);
        todo!()
    }

    /// Log lines from this number on, at most so many, each with its number.
    pub async fn logs(&self, id: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>, Error> {
        let _ = (id, from, most);
        todo!()
    }

    /// Returns when the execution's state or log has changed since `seen`, with the new count. Start with 0.
    pub async fn changed(&self, id: &ExecutionId, seen: u64) -> u64 {
        let _ = (id, seen);
        todo!()
    }

    /// Waits. The execution goes on in this process while it is waited for.
    pub async fn wait(&self, id: &ExecutionId, until: Until) -> Result<ExecutionView, Error> {
        let _ = (id, until);
        todo!()
    }

    /// Approves or rejects what a step asks; `step` when more than one asks.
    pub async fn decide(&self, id: &ExecutionId, step: Option<&str>, approve: bool, by: &str, comment: Option<&str>) -> Result<(), Error> {
        let _ = (id, step, approve, by, comment);
        todo!()
    }

    /// Sends a signal (`Resume` for a paused step).
    pub async fn signal(&self, id: &ExecutionId, name: &str, step: Option<&str>, by: &str, payload: Value) -> Result<(), Error> {
        let _ = (id, name, step, by, payload);
        todo!()
    }

    /// Makes an execution go on that a stopped process left.
    pub async fn resume(&self, id: &ExecutionId) -> Result<(), Error> {
        let _ = id;
        todo!()
    }

    /// Executions that have not ended, oldest first.
    pub async fn unfinished(&self) -> Result<Vec<ExecutionRow>, Error> {
        todo!()
    }

    /// Asks an execution to stop.
    pub async fn cancel(&self, id: &ExecutionId, by: &str, reason: Option<&str>) -> Result<(), Error> {
        let _ = (id, by, reason);
        todo!()
    }

    /// Undoes what an ended execution did.
    pub async fn rollback(&self, id: &ExecutionId, by: &str) -> Result<(), Error> {
        let _ = (id, by);
        todo!()
    }

    /// Lets running calls reach a stop, makes everything durable, and gives the store free.
    pub async fn close(self) -> Result<(), Error> {
        todo!()
    }
}
