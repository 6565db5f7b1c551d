//! Why a step failed: data that is journalled, shown, and decides about another attempt.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of a failure. The words of `wit/action.wit`, and those only the engine gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The inputs are wrong: found before anything was done.
    InvalidInput,
    /// What was done did not work.
    Failed,
    /// What was done worked, but the result is not what was wanted.
    Verification,
    /// A grant or a permission is missing.
    Denied,
    /// Too many requests.
    Throttled,
    /// The time was over.
    TimedOut,
    /// A limit was reached.
    LimitExceeded,
    /// Nobody knows whether it happened.
    Uncertain,
    /// A person said no.
    Rejected,
    /// The step was stopped on request.
    Cancelled,
    /// The plugin trapped, or answered what its manifest forbids.
    Plugin,
    /// A resumed plugin made another call than the journal holds.
    NonDeterminism,
    /// The engine or its machine failed.
    Internal,
}

/// A step's failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Its kind.
    pub kind: FailureKind,
    /// What happened, where, why, and what to do: complete sentences.
    pub message: String,
    /// Whether another attempt can help.
    pub retryable: bool,
    /// The engine's own code for it (`RW-X…`, `RW-H…`), when it comes from the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// More, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl Failure {
    /// A failure of this kind. Retryable unless the kind says that trying again is no use.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retryable: kind.usually_retryable(),
            code: None,
            details: None,
        }
    }

    /// The same with the engine's code.
    #[must_use]
    pub fn with_code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// The same with details.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }
}

impl FailureKind {
    /// Whether another attempt can help with most failures of this kind.
    #[must_use]
    pub fn usually_retryable(self) -> bool {
        match self {
            Self::Failed
            | Self::Verification
            | Self::Throttled
            | Self::TimedOut
            | Self::LimitExceeded
            | Self::Plugin => true,
            Self::InvalidInput
            | Self::Denied
            | Self::Uncertain
            | Self::Rejected
            | Self::Cancelled
            | Self::NonDeterminism
            | Self::Internal => false,
        }
    }

    /// The word used in journals and JSON answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::Failed => "failed",
            Self::Verification => "verification",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed-out",
            Self::LimitExceeded => "limit-exceeded",
            Self::Uncertain => "uncertain",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Plugin => "plugin",
            Self::NonDeterminism => "non-determinism",
            Self::Internal => "internal",
        }
    }
}
