//! What can go wrong with the engine, each with the exit code it deserves.

use runwright_compiler::{BindError, Diagnostic, Source};
use runwright_model::id::ExecutionId;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The document does not compile. The diagnostics say why.
    #[error("{} does not compile: {} errors", .source_text.origin, .diagnostics.len())]
    Document {
        /// The document.
        source_text: Box<Source>,
        /// What was found, warnings among it.
        diagnostics: Vec<Diagnostic>,
    },
    /// Parameters do not fit.
    #[error("the parameters do not fit the runbook")]
    Parameters(Vec<BindError>),
    /// There is no such runbook.
    #[error("there is no runbook `{name}`: looked for {}", .looked.join(", "))]
    NoRunbook {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        looked: Vec<String>,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// There is no such execution.
    #[error("there is no execution `{0}`; `runwright list` shows those there are")]
    NoExecution(String),
    /// The id is taken by an execution with another input.
    #[error("execution `{id}` exists already and was started with {differs}; choose another --id, or the same input to attach to it")]
    Mismatch {
        /// The id.
        id: ExecutionId,
        /// What differs.
        differs: String,
    },
    /// The execution is not in a state for this.
    #[error("{0}")]
    State(String),
    /// A capability refused (parameters).
    #[error(transparent)]
    Capability(#[from] runwright_model::capability::Error),
    /// The Wasm host refused a plugin.
    #[error(transparent)]
    Host(#[from] runwright_host::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] runwright_store::Error),
}
