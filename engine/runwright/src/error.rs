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
    /// There is no such plugin.
    #[error("there is no plugin `{name}`: it is neither an action that comes with runwright nor a file")]
    NoPlugin {
        /// What was asked for.
        name: String,
    },
    /// There is no such execution.
    #[error("there is no execution `{0}`; `runwright list` shows those there are")]
    NoExecution(String),
    /// The id is taken by an execution with another input.
    #[error(
        "execution `{id}` exists already and was started with {differs}; choose another --id, or the same input to attach to it"
    )]
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
    /// A file of the state directory cannot be used.
    #[error(transparent)]
    Local(#[from] runwright_local::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] runwright_store::Error),
    /// The executor failed.
    #[error(transparent)]
    Executor(runwright_executor::Error),
}

impl From<runwright_executor::Error> for Error {
    fn from(error: runwright_executor::Error) -> Self {
        use runwright_executor::Error as E;
        match error {
            E::NotFound(id) => Self::NoExecution(id.to_string()),
            E::Mismatch { id, differs } => Self::Mismatch {
                id,
                differs: differs.to_owned(),
            },
            E::State(message) => Self::State(message),
            E::Store(error) => Self::Store(error),
            other => Self::Executor(other),
        }
    }
}
