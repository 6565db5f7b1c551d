//! Child executions: `wit/executions.wit`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{id::ExecutionId, status::Status};

/// The functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Starts a child.
    Start {
        /// The runbook's name.
        runbook: String,
        /// Its parameters.
        parameters: Map<String, Value>,
    },
    /// Waits for its end.
    Wait {
        /// Its id.
        id: ExecutionId,
    },
}

impl Request {
    pub(super) fn function(&self) -> &'static str {
        match self {
            Self::Start { .. } => "executions.start",
            Self::Wait { .. } => "executions.wait",
        }
    }
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Of `start`.
    Started(ExecutionId),
    /// Of `wait`.
    Ended(ChildEnd),
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildEnd {
    /// Its final status.
    pub status: Status,
    /// `step.output` to value, in the order of declaration.
    pub outputs: Map<String, Value>,
    /// Why it did not end well.
    pub failure: Option<String>,
}

/// The deepest nesting of executions.
pub const NESTING_MAX: u32 = 5;
