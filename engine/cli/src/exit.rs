//! How the process ends: the exit codes, and nothing else.

use runwright::model::status::Status;

/// The exit codes of every verb. Scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// What was asked for was done.
    Success = 0,
    /// The execution, the engine or the store failed.
    Failed = 1,
    /// Usage, document, parameters, or a name that does not exist.
    BadInput = 2,
    /// The execution waits, and goes on when somebody makes it.
    Waiting = 3,
    /// Undoing failed: a person is needed.
    RollbackFailed = 4,
    /// The execution was cancelled.
    Cancelled = 5,
    /// Ctrl-C: 128 and the signal's number, as shells do.
    Interrupted = 130,
    /// Asked to end by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// What an execution's status means for a verb that ran it.
    pub(crate) fn of(status: Status) -> Self {
        match status {
            Status::Success | Status::Skipped | Status::Exited => Self::Success,
            // Rolled back is tidied up, but what was wanted did not happen.
            Status::Failed | Status::TimedOut | Status::RolledBack => Self::Failed,
            Status::Cancelled => Self::Cancelled,
            Status::RollbackFailed => Self::RollbackFailed,
            Status::Pending
            | Status::InProgress
            | Status::Waiting
            | Status::Cancelling
            | Status::RollingBack
            | Status::Paused => Self::Waiting,
        }
    }

    /// The one of two that matters more to whoever reads the exit code of several executions.
    pub(crate) fn worst(self, other: Self) -> Self {
        if self.weight() >= other.weight() { self } else { other }
    }

    fn weight(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Waiting => 1,
            Self::Cancelled => 2,
            Self::Failed => 3,
            Self::BadInput => 4,
            Self::RollbackFailed => 5,
            Self::Interrupted => 6,
            Self::Terminated => 7,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_promised() {
        let codes = [
            (Status::Success, 0),
            (Status::Failed, 1),
            (Status::TimedOut, 1),
            (Status::RolledBack, 1),
            (Status::Waiting, 3),
            (Status::Paused, 3),
            (Status::RollbackFailed, 4),
            (Status::Cancelled, 5),
        ];
        for (status, code) in codes {
            assert_eq!(Exit::of(status) as u8, code, "{status}");
        }
        assert_eq!(Exit::BadInput as u8, 2);
    }

    #[test]
    fn the_worst_of_several_is_what_a_person_must_see() {
        assert_eq!(Exit::Success.worst(Exit::Waiting), Exit::Waiting);
        assert_eq!(Exit::RollbackFailed.worst(Exit::Failed), Exit::RollbackFailed);
        assert_eq!(Exit::Failed.worst(Exit::Success), Exit::Failed);
    }
}
