//! Statuses of executions and steps: the words of Systems Manager, and ours.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an execution or a step stands.
///
/// The first block are the words of SSM Automation (`AutomationExecutionStatus` of the service's API
/// model, those that are not for change requests); the second block is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Not reached yet, or queued.
    Pending,
    /// Running.
    InProgress,
    /// Waits for a person, a signal or a time.
    Waiting,
    /// Ended well.
    Success,
    /// Its time was over.
    TimedOut,
    /// Was asked to stop; its onCancel flow may still run.
    Cancelling,
    /// Stopped on request.
    Cancelled,
    /// Ended badly.
    Failed,
    /// A loop that an inner step left by a jump.
    Exited,

    /// What was done is being undone.
    RollingBack,
    /// What was done is undone.
    RolledBack,
    /// Undoing failed: a person is needed.
    RollbackFailed,
    /// Its `when` was false.
    Skipped,
    /// Held by a person.
    Paused,
}

impl Status {
    /// All of them, in the order above.
    pub const ALL: [Self; 14] = [
        Self::Pending,
        Self::InProgress,
        Self::Waiting,
        Self::Success,
        Self::TimedOut,
        Self::Cancelling,
        Self::Cancelled,
        Self::Failed,
        Self::Exited,
        Self::RollingBack,
        Self::RolledBack,
        Self::RollbackFailed,
        Self::Skipped,
        Self::Paused,
    ];

    /// Whether nothing happens any more. `RollbackFailed` is not final for ever: a person may retry it.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Success
            | Self::TimedOut
            | Self::Cancelled
            | Self::Failed
            | Self::Exited
            | Self::RolledBack
            | Self::RollbackFailed
            | Self::Skipped => true,
            Self::Pending | Self::InProgress | Self::Waiting | Self::Cancelling | Self::RollingBack | Self::Paused => {
                false
            }
        }
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Waiting => "Waiting",
            Self::Success => "Success",
            Self::TimedOut => "TimedOut",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::Failed => "Failed",
            Self::Exited => "Exited",
            Self::RollingBack => "RollingBack",
            Self::RolledBack => "RolledBack",
            Self::RollbackFailed => "RollbackFailed",
            Self::Skipped => "Skipped",
            Self::Paused => "Paused",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
