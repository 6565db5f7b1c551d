//! An execution in one row, for lists.

use serde::{Deserialize, Serialize};

use crate::{id::ExecutionId, status::Status, time::Timestamp};

/// What a list shows of an execution. Derived from its journal by the executor, kept beside it by the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The runbook's name.
    pub runbook: String,
    /// How it stands.
    pub status: Status,
    /// Who started it.
    pub by: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The execution that started it.
    pub parent: Option<ExecutionId>,
    /// What it waits for, in a few words, when it waits.
    pub waiting: Option<String>,
}
