//! Colours, or none.

use runwright::model::status::Status;

/// Puts colours on text, if they are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }

    /// Text in the colour of a status.
    pub(crate) fn status(self, status: Status, text: &str) -> String {
        match status {
            Status::Success => self.green(text),
            Status::Failed | Status::TimedOut | Status::RollbackFailed => self.red(text),
            Status::Waiting | Status::Paused | Status::Cancelling | Status::Cancelled | Status::RollingBack => {
                self.yellow(text)
            }
            Status::RolledBack | Status::InProgress => self.cyan(text),
            Status::Pending | Status::Skipped | Status::Exited => self.dim(text),
        }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// One character for a status.
pub(crate) fn mark(status: Status) -> &'static str {
    match status {
        Status::Success => "✔",
        Status::Failed | Status::TimedOut => "✘",
        Status::RollbackFailed => "‼",
        Status::Cancelled | Status::Cancelling => "■",
        Status::Waiting | Status::Paused => "…",
        Status::InProgress => "▶",
        Status::RollingBack | Status::RolledBack => "↩",
        Status::Pending => "·",
        Status::Skipped | Status::Exited => "-",
    }
}
