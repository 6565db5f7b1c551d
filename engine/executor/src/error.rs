//! What can go wrong with an execution, apart from its own failures.

use std::fmt;

use runwright_model::id::ExecutionId;
use serde::{Deserialize, Serialize};

/// A finished step that read a value which is changed now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Its name.
    pub step: String,
    /// What it read: names of parameters, or `step.input`.
    pub reads: Vec<String>,
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (reads {})", self.step, self.reads.join(", "))
    }
}

/// An error of the executor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such execution.
    #[error("there is no execution `{0}`")]
    NotFound(ExecutionId),
    /// The id is taken by an execution with another input.
    #[error("execution `{id}` exists already and was started with {differs}")]
    Mismatch {
        /// The id.
        id: ExecutionId,
        /// `another runbook` or `other parameters`.
        differs: &'static str,
    },
    /// The execution is not in a state for this.
    #[error("{0}")]
    State(String),
    /// Finished steps read something that was changed, and nobody said what becomes of them.
    #[error(
        "execution {id}: steps that ended well read what is changed now: {}. Say whether they run again \
         (`--affected again`, with all that comes after them) or stand (`--affected keep`)",
        affected.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    Choose {
        /// The execution.
        id: ExecutionId,
        /// The steps, first ended first.
        affected: Vec<Affected>,
    },
    /// The journal cannot be folded.
    #[error("the journal of execution {execution} is damaged: {why}")]
    Journal {
        /// Whose.
        execution: ExecutionId,
        /// Why.
        why: String,
    },
    /// The plan an execution pins is not in the store.
    #[error("the plan of execution {0} is not in the store, so it cannot go on")]
    NoPlan(ExecutionId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] runwright_store::Error),
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Closed,
}
