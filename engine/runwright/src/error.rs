//! What can go wrong with the engine: the same errors in the process that holds the store and in those that ask it.

use std::{path::PathBuf, time::Duration};

use runwright_compiler::{BindError, Diagnostic, Source};
use runwright_model::{capability, id::ExecutionId};
use serde::{Deserialize, Serialize};

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The document does not compile. The diagnostics say why.
    #[error("{} does not compile", .source_text.origin)]
    Document {
        /// The document.
        source_text: Box<Source>,
        /// What was found, warnings among it.
        diagnostics: Vec<Diagnostic>,
    },
    /// Parameters do not fit.
    #[error("{}", misfits(.0))]
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
    /// A step needs a component that is not in the program, and it is not there.
    #[error(
        "`{action}` runs in {}, and the component for that, {}, is in no plugin folder: build it with `{}`, or name its folder with `--plugins`",
        .outside.language, .outside.file, .outside.build
    )]
    NoComponent {
        /// The action.
        action: String,
        /// The component that provides it.
        outside: runwright_bundle::Outside,
    },
    /// A policy file cannot be used.
    #[error("the policy {place} cannot be used: {why}")]
    Policy {
        /// The file, with line and column where there is one.
        place: String,
        /// Why.
        why: String,
    },
    /// A runbook's attachment is not there, or another than the runbook says.
    #[error(
        "the attachment `{name}` of the runbook cannot be used: {why} ({path}); put the file with the right checksum beside the \
         runbook, or write its SHA-256 under `files`"
    )]
    Attachment {
        /// Its name in the runbook.
        name: String,
        /// Where it was looked for.
        path: String,
        /// Why.
        why: String,
    },
    /// There is no access to AWS.
    #[error(transparent)]
    Aws(#[from] runwright_aws::Error),
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
    /// Somebody wanted to act as another user.
    #[error(
        "the engine that process {holder} holds knows you as {known}, and you cannot act as {claimed}: act as yourself, or hold the state directory yourself"
    )]
    Identity {
        /// The user the system says it is.
        known: String,
        /// The user it claimed to be.
        claimed: String,
        /// The process that holds the store.
        holder: u32,
    },
    /// A capability refused (parameters).
    #[error(transparent)]
    Capability(#[from] capability::Error),
    /// The Wasm host refused a plugin.
    #[error(transparent)]
    Host(#[from] runwright_host::Error),
    /// A file of the state directory cannot be used.
    #[error(transparent)]
    Local(#[from] runwright_local::Error),
    /// A registry, a key or a signature.
    #[error(transparent)]
    Registry(#[from] runwright_registry::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] runwright_store::Error),
    /// The executor failed.
    #[error(transparent)]
    Executor(runwright_executor::Error),
    /// The engine of this state directory cannot be reached by other processes.
    #[error("the engine cannot listen in the state directory {}: {source}", .path.display())]
    Socket {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The process that holds the state directory does not answer.
    #[error(
        "process {} holds the state directory {} and has not answered for {} s: see what it does (it may be stopped), or end it; executions go on with whoever comes next", shown_process(.holder), .path.display(), .waited.as_secs_f32()
    )]
    Unanswered {
        /// The directory.
        path: PathBuf,
        /// The process that holds it.
        holder: Option<u32>,
        /// How long was waited.
        waited: Duration,
    },
    /// The process that holds the state directory is of another version.
    #[error(
        "process {} holds the state directory {} and is runwright {theirs}, and this is {ours}: use the same version, or wait until that process ends", shown_process(.holder), .path.display()
    )]
    OtherVersion {
        /// The directory.
        path: PathBuf,
        /// The process that holds it.
        holder: Option<u32>,
        /// Its version.
        theirs: String,
        /// This program's version.
        ours: String,
    },
    /// The process that holds the state directory said what makes no sense.
    #[error("the engine gave an answer that cannot be understood: {0}; this is a bug, please report it")]
    Garbled(String),
    /// What went wrong in the process that holds the state directory, when it is none of the above.
    #[error("{}", .0.message)]
    Reported(Box<Report>),
}

/// All that is to be told of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What happened, with its causes.
    pub message: String,
    /// Its stable code, as in `RW-S005`, when it has one.
    pub code: Option<String>,
    /// What to do next, when the message does not say it.
    pub help: Option<String>,
    /// Who can mend it.
    pub fault: Fault,
}

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The caller: another input, another name, another moment.
    Caller,
    /// Whoever looks after the engine, the store or the machine.
    Machine,
}

impl Error {
    /// Its stable code, when it has one: [`crate::Library::explain`] has the page.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Host(refusal) => Some(refusal.code()),
            Self::Store(failure) => Some(failure.code()),
            Self::Registry(refusal) => Some(refusal.code()),
            Self::NoComponent { .. } => Some("RW-C903"),
            Self::Aws(_) => Some("RW-C904"),
            Self::Attachment { .. } => Some("RW-C906"),
            Self::Policy { .. } => Some("RW-C907"),
            Self::Socket { .. } => Some("RW-S900"),
            Self::Unanswered { .. } => Some("RW-S901"),
            Self::OtherVersion { .. } => Some("RW-S902"),
            Self::Reported(report) => report.code.as_deref(),
            Self::Document { .. }
            | Self::Parameters(_)
            | Self::NoRunbook { .. }
            | Self::Unreadable { .. }
            | Self::NoPlugin { .. }
            | Self::NoExecution(_)
            | Self::Mismatch { .. }
            | Self::State(_)
            | Self::Identity { .. }
            | Self::Capability(_)
            | Self::Local(_)
            | Self::Executor(_)
            | Self::Garbled(_) => None,
        }
    }

    /// What to do next, when the message does not say it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Reported(report) => report.help.clone(),
            Self::Parameters(_) => {
                Some("give values with `-p Name=value`, or all in a file with `--parameters FILE`".to_owned())
            }
            Self::NoPlugin { .. } => Some("`runwright plugin list` lists the actions".to_owned()),
            other => other.code().map(|code| format!("`runwright explain {code}` says more")),
        }
    }

    /// Who can mend it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Document { .. }
            | Self::Parameters(_)
            | Self::NoRunbook { .. }
            | Self::Unreadable { .. }
            | Self::NoPlugin { .. }
            | Self::NoComponent { .. }
            | Self::Attachment { .. }
            | Self::NoExecution(_)
            | Self::Mismatch { .. }
            | Self::State(_)
            | Self::Identity { .. } => Fault::Caller,
            Self::Capability(refusal) => fault_of_capability(refusal),
            Self::Host(refusal) => fault_of_host(refusal.code()),
            Self::Registry(refusal) if refusal.is_of_the_machine() => Fault::Machine,
            Self::Registry(_) => Fault::Caller,
            Self::Aws(_)
            | Self::Policy { .. }
            | Self::Local(_)
            | Self::Store(_)
            | Self::Executor(_)
            | Self::Socket { .. }
            | Self::Unanswered { .. }
            | Self::OtherVersion { .. }
            | Self::Garbled(_) => Fault::Machine,
            Self::Reported(report) => report.fault,
        }
    }

    /// All that is to be told of it.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            message: chain(self),
            code: self.code().map(str::to_owned),
            help: self.help(),
            fault: self.fault(),
        }
    }
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
            choice @ E::Choose { .. } => Self::State(choice.to_string()),
            E::Store(error) => Self::Store(error),
            other => Self::Executor(other),
        }
    }
}

/// An error on its way to another process. What programs tell apart stays apart; the rest is a report.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// [`Error::Parameters`].
    Parameters(Vec<BindError>),
    /// [`Error::NoExecution`].
    NoExecution(String),
    /// [`Error::Mismatch`].
    Mismatch { id: ExecutionId, differs: String },
    /// [`Error::State`].
    State(String),
    /// [`Error::Capability`].
    Capability(capability::Error),
    /// Every other.
    Other(Report),
}

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        match error {
            Error::Parameters(found) => Self::Parameters(found),
            Error::NoExecution(id) => Self::NoExecution(id),
            Error::Mismatch { id, differs } => Self::Mismatch { id, differs },
            Error::State(message) => Self::State(message),
            Error::Capability(refusal) => Self::Capability(refusal),
            Error::Reported(report) => Self::Other(*report),
            other => Self::Other(other.report()),
        }
    }
}

impl From<Told> for Error {
    fn from(told: Told) -> Self {
        match told {
            Told::Parameters(found) => Self::Parameters(found),
            Told::NoExecution(id) => Self::NoExecution(id),
            Told::Mismatch { id, differs } => Self::Mismatch { id, differs },
            Told::State(message) => Self::State(message),
            Told::Capability(refusal) => Self::Capability(refusal),
            Told::Other(report) => Self::Reported(Box::new(report)),
        }
    }
}

fn shown_process(id: &Option<u32>) -> String {
    id.map_or_else(|| "unknown".to_owned(), |id| id.to_string())
}

/// One line for one misfit, a list for several.
fn misfits(found: &[BindError]) -> String {
    match found {
        [only] => only.to_string(),
        many => {
            let lines: Vec<String> = many.iter().map(|error| format!("\n  - {error}")).collect();
            format!("{} parameters do not fit the runbook:{}", many.len(), lines.concat())
        }
    }
}

/// A component that is not what it should be is the caller's to mend; these are the machine's.
fn fault_of_host(code: &str) -> Fault {
    const CACHE_FOLDER: &str = "RW-H009";
    const ENGINE: &str = "RW-H010";
    const COMPILER: &str = "RW-H042";
    if [CACHE_FOLDER, ENGINE, COMPILER].contains(&code) {
        Fault::Machine
    } else {
        Fault::Caller
    }
}

fn fault_of_capability(error: &capability::Error) -> Fault {
    use capability::Error as E;
    match error {
        E::Denied { .. } | E::NotFound(_) | E::Invalid(_) | E::LimitExceeded { .. } => Fault::Caller,
        E::Throttled(_) | E::TimedOut(_) | E::Unavailable(_) | E::Uncertain(_) => Fault::Machine,
    }
}

/// The error and its causes, unless a cause is already part of the text.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_the_same_after_a_journey() {
        let id: ExecutionId = "e".parse().expect("an id");
        let all = [
            Error::Parameters(vec![BindError {
                parameter: "Name".into(),
                reason: "is missing".into(),
                allowed: Some("a or b".into()),
            }]),
            Error::NoExecution("x".into()),
            Error::Mismatch {
                id: id.clone(),
                differs: "other parameters".into(),
            },
            Error::State("not now".into()),
            Error::Capability(capability::Error::Unavailable("down".into())),
            Error::Store(runwright_store::Error::Full { path: "/x".into() }),
            Error::Executor(runwright_executor::Error::NoPlan(id)),
        ];
        for error in all {
            let report = error.report();
            let sent = crate::socket::frame::encode(&Told::from(error));
            let told: Told = crate::socket::frame::decode(&sent).expect("it can be read");
            assert_eq!(Error::from(told).report(), report);
        }
    }
}
