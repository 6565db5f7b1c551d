//! Lines of a step's log: text for people, apart from the journal.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// For whoever follows the execution.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// The plugin's `log.write`.
    Log,
    /// Standard output of a command, or of the plugin itself.
    Stdout,
    /// Standard error of a command, or of the plugin itself.
    Stderr,
    /// `log.progress`.
    Progress,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// The step's name; empty for the execution itself.
    pub step: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// How much it matters.
    pub level: Level,
    /// Where it came from.
    pub stream: Stream,
    /// The text, without its line end.
    pub text: String,
}

/// Takes a step's log lines as they come. Must not block: it is called while effects run.
pub trait LogSink: Send + Sync {
    /// Takes one line.
    fn line(&self, level: Level, stream: Stream, text: &str);
}
