//! What a plugin may ask of the world, as data: requests, answers, errors.
//!
//! Every function of `wit/` that has an effect or waits is one variant of [`Request`], so that a call
//! can be journalled, compared in a replay, checked against grants and sent to whichever backend
//! there is. `log` is not here: its lines are text for people and are not replayed.

pub mod approvals;
pub mod aws;
pub mod blobs;
pub mod commands;
pub mod executions;
pub mod files;
pub mod http;
pub mod parameters;
pub mod waits;

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{digest::Digest, grant::Grants, id::ExecutionId, log::LogSink, secret::Secrets, time::Timestamp};

/// The machine an effect happens on; `None` is the engine's own.
pub type Target = Option<String>;

/// The capabilities, each an interface of `wit/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Programs and scripts.
    Commands,
    /// Files.
    Files,
    /// HTTP requests.
    Http,
    /// The parameter store.
    Parameters,
    /// Asking people.
    Approvals,
    /// Waiting.
    Waits,
    /// Large values.
    Blobs,
    /// Child executions.
    Executions,
    /// Requests to services of AWS.
    Aws,
}

impl Capability {
    /// All of them, in the order of the table in the documents.
    pub const ALL: [Self; 9] = [
        Self::Commands,
        Self::Files,
        Self::Http,
        Self::Parameters,
        Self::Approvals,
        Self::Waits,
        Self::Blobs,
        Self::Executions,
        Self::Aws,
    ];

    /// The interface's name in `wit/`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Files => "files",
            Self::Http => "http",
            Self::Parameters => "parameters",
            Self::Approvals => "approvals",
            Self::Waits => "waits",
            Self::Blobs => "blobs",
            Self::Executions => "executions",
            Self::Aws => "aws",
        }
    }

    /// The capability of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == name)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One capability call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// See [`commands`].
    Commands(commands::Request),
    /// See [`files`].
    Files(files::Request),
    /// See [`http`].
    Http(http::Request),
    /// See [`parameters`].
    Parameters(parameters::Request),
    /// See [`approvals`].
    Approvals(approvals::Request),
    /// See [`waits`].
    Waits(waits::Request),
    /// See [`blobs`].
    Blobs(blobs::Request),
    /// See [`executions`].
    Executions(executions::Request),
    /// See [`aws`].
    Aws(aws::Request),
}

/// What a capability answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Done; there is nothing to say.
    Done,
    /// See [`commands`].
    Commands(commands::Answer),
    /// See [`files`].
    Files(files::Answer),
    /// See [`http`].
    Http(http::Response),
    /// See [`parameters`].
    Parameters(parameters::Answer),
    /// See [`approvals`].
    Approvals(approvals::Decision),
    /// See [`waits`].
    Waits(waits::Answer),
    /// See [`blobs`].
    Blobs(blobs::Answer),
    /// See [`executions`].
    Executions(executions::Answer),
    /// See [`aws`].
    Aws(aws::Response),
}

impl Request {
    /// Whose request it is.
    #[must_use]
    pub fn capability(&self) -> Capability {
        match self {
            Self::Commands(_) => Capability::Commands,
            Self::Files(_) => Capability::Files,
            Self::Http(_) => Capability::Http,
            Self::Parameters(_) => Capability::Parameters,
            Self::Approvals(_) => Capability::Approvals,
            Self::Waits(_) => Capability::Waits,
            Self::Blobs(_) => Capability::Blobs,
            Self::Executions(_) => Capability::Executions,
            Self::Aws(_) => Capability::Aws,
        }
    }

    /// The interface and function, as in `files.write`.
    #[must_use]
    pub fn function(&self) -> &'static str {
        match self {
            Self::Commands(r) => r.function(),
            Self::Files(r) => r.function(),
            Self::Http(_) => "http.send",
            Self::Parameters(r) => r.function(),
            Self::Approvals(_) => "approvals.request",
            Self::Waits(r) => r.function(),
            Self::Blobs(r) => r.function(),
            Self::Executions(r) => r.function(),
            Self::Aws(_) => "aws.send",
        }
    }

    /// Whether doing it twice is as good as doing it once. After a crash such a call is simply made
    /// again; any other is looked up by its idempotency key, or is `uncertain`.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Commands(_) => false,
            Self::Files(_) | Self::Blobs(_) | Self::Approvals(_) | Self::Waits(_) | Self::Executions(_) => true,
            Self::Http(r) => r.is_safe(),
            Self::Aws(r) => r.only_reads(),
            Self::Parameters(r) => r.is_repeatable(),
        }
    }

    /// Whether it changes something outside. Such a call is durable in the journal before it is made; one
    /// that only looks is simply made again after a crash.
    #[must_use]
    pub fn has_effect(&self) -> bool {
        match self {
            Self::Commands(_) | Self::Http(_) | Self::Executions(executions::Request::Start { .. }) => true,
            Self::Files(r) => r.path().1,
            Self::Aws(r) => !r.only_reads(),
            Self::Parameters(r) => r.is_write(),
            // A blob nobody refers to changes nothing; the answer that names it is what counts.
            Self::Blobs(_)
            | Self::Approvals(_)
            | Self::Waits(_)
            | Self::Executions(executions::Request::Wait { .. }) => false,
        }
    }

    /// Whether its answer comes from time or people, so that nothing is held while it is awaited.
    #[must_use]
    pub fn is_wait(&self) -> bool {
        match self {
            Self::Approvals(_) | Self::Waits(_) | Self::Executions(executions::Request::Wait { .. }) => true,
            Self::Commands(_)
            | Self::Files(_)
            | Self::Http(_)
            | Self::Parameters(_)
            | Self::Blobs(_)
            | Self::Aws(_)
            | Self::Executions(executions::Request::Start { .. }) => false,
        }
    }

    /// The digest a replay compares.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// Why a capability did not do what it was asked. The words of `wit/types.wit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Error {
    /// The operator has not granted it.
    #[error("`{capability}` is not granted: add the grant `{missing}` to the plugin's `grants`")]
    Denied {
        /// What was tried.
        capability: Capability,
        /// The grant that is missing, as an operator would write it.
        missing: String,
    },
    /// The thing named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Too many requests.
    #[error("{0}")]
    Throttled(String),
    /// The time was over.
    #[error("{0}")]
    TimedOut(String),
    /// A limit of the engine.
    #[error("limit `{which}` exceeded: {used} of at most {limit}")]
    LimitExceeded {
        /// The limit's name.
        which: String,
        /// Its value.
        limit: u64,
        /// What was asked for.
        used: u64,
    },
    /// The other side failed.
    #[error("{0}")]
    Unavailable(String),
    /// Nobody can know whether it happened.
    #[error("{0}")]
    Uncertain(String),
}

/// An answer or an error: what the journal keeps of a finished call.
pub type Outcome = Result<Answer, Error>;

/// What a backend needs to know beside the request.
#[derive(Clone)]
pub struct CallContext {
    /// The execution.
    pub execution: ExecutionId,
    /// The step's name.
    pub step: String,
    /// The same key for the same call, also after a crash.
    pub idempotency_key: String,
    /// When the call must be over.
    pub deadline: Option<Timestamp>,
    /// Whether the call was already requested before a crash, so that it may have happened.
    pub again: bool,
    /// The step's log.
    pub log: Arc<dyn LogSink>,
    /// The secrets this execution holds placeholders of.
    pub secrets: Secrets,
    /// What the plugin was granted. The request was checked against it; a backend asks again for what only
    /// it can know: the path behind symbolic links, the next hop of a redirect.
    pub grants: Arc<Grants>,
    /// The role that the runbook assumes.
    pub role: Option<Arc<str>>,
}

/// Makes requests of some capabilities happen.
///
/// # Contract
///
/// - Dropping the future of `perform` lets the effect go where it may: a command goes on under its supervisor,
///   and the same call `again` finds it. [`Backend::stop`] ends it.
/// - An effect ends at `context.deadline`, whether or not anybody still waits for it.
/// - With `context.again`, a request that is not [repeatable](Request::is_repeatable) must not be
///   started anew unless the backend knows that it never began: it is found by its key, or answered
///   `Uncertain`.
/// - Placeholders of `context.secrets` are replaced inside the effect and never appear in an answer.
#[async_trait::async_trait]
pub trait Backend: Send + Sync {
    /// Makes one request happen.
    async fn perform(&self, request: Request, context: CallContext) -> Outcome;

    /// Ends what this request began in a call with this context, if anything of it still runs: asks first, and ends it
    /// after a grace time, with everything that it started. Returns when it has ended; a `perform` of that call
    /// then answers `Uncertain`, and says that it was stopped. The context has no secrets here.
    ///
    /// Backends whose calls cannot be stopped half-way do nothing.
    async fn stop(&self, request: &Request, context: &CallContext) {
        let _ = (request, context);
    }

    /// Whether dropping the `perform` of this request loses nothing: the effect goes on, and the same call `again`
    /// finds it, also from another process.
    fn survives(&self, request: &Request) -> bool {
        let _ = request;
        false
    }

    /// Says that the answer of the call with this idempotency key is durable in the journal: what the backend keeps to
    /// answer it again may go. The call is never made again.
    ///
    /// Backends that keep nothing do nothing.
    async fn settled(&self, idempotency_key: &str) {
        let _ = idempotency_key;
    }
}
