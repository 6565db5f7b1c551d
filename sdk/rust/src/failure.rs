//! Failures, and how a capability's error becomes one.

use serde_json::Value;

use crate::{Denial, Error, Excess, Failure, FailureKind};

impl Failure {
    /// A failure of this kind. It may be tried again unless the kind says that this is no use.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let retryable = match kind {
            FailureKind::Failed
            | FailureKind::Verification
            | FailureKind::Throttled
            | FailureKind::TimedOut
            | FailureKind::LimitExceeded => true,
            FailureKind::InvalidInput | FailureKind::Denied | FailureKind::Uncertain | FailureKind::Rejected => false,
        };
        Self {
            kind,
            message: message.into(),
            retryable,
            details: None,
        }
    }

    /// The inputs are wrong: found before anything was done.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(FailureKind::InvalidInput, message)
    }

    /// What was done did not work.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Failed, message)
    }

    /// What was done worked, but the result is not what was wanted.
    #[must_use]
    pub fn verification(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Verification, message)
    }

    /// The time was over.
    #[must_use]
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self::new(FailureKind::TimedOut, message)
    }

    /// A person said no.
    #[must_use]
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Rejected, message)
    }

    /// The same with more, as a JSON object. Shown with the failure and kept in the journal. What has the name of an output
    /// of the action is that output, though the step failed: later steps can refer to it.
    #[must_use]
    pub fn with_details(mut self, details: &Value) -> Self {
        self.details = Some(details.to_string());
        self
    }

    /// The same, saying what the step was doing: `what: message`.
    #[must_use]
    pub fn while_doing(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The same, never tried again.
    #[must_use]
    pub fn for_good(mut self) -> Self {
        self.retryable = false;
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(Denial { capability, missing }) => Self::new(
                FailureKind::Denied,
                format!("`{capability}` is not granted: add the grant `{missing}` to the plugin's `grants`"),
            ),
            Error::NotFound(message) | Error::Unavailable(message) => Self::failed(message),
            Error::Invalid(message) => Self::failed(message).for_good(),
            Error::Throttled(message) => Self::new(FailureKind::Throttled, message),
            Error::TimedOut(message) => Self::timed_out(message),
            Error::LimitExceeded(Excess { which, limit, used }) => Self::new(
                FailureKind::LimitExceeded,
                format!(
                    "limit `{which}` exceeded: {used} of at most {limit}; raise it in the engine's limits or ask for less"
                ),
            ),
            Error::Uncertain(message) => Self::new(FailureKind::Uncertain, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_grant() {
        let denial = Denial {
            capability: "files".into(),
            missing: "files.write: [/etc/motd]".into(),
        };
        let failure = Failure::from(Error::Denied(denial));
        assert_eq!(failure.kind, FailureKind::Denied);
        assert!(failure.message.contains("add the grant `files.write: [/etc/motd]`"));
        assert!(!failure.retryable);
    }

    #[test]
    fn only_what_can_pass_is_tried_again() {
        assert!(Failure::from(Error::Unavailable("x".into())).retryable);
        assert!(!Failure::from(Error::Invalid("x".into())).retryable);
        assert!(!Failure::from(Error::Uncertain("x".into())).retryable);
        assert_eq!(Failure::failed("m").while_doing("reading").message, "reading: m");
    }
}
