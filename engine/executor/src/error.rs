//! What can go wrong with an execution, apart from its own failures.

use runwright_model::id::ExecutionId;

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
