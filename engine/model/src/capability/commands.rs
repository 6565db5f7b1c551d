//! Programs and scripts on a target: `wit/commands.wit`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Target;
use crate::bytes::Bytes;

/// The functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Runs a command and waits for its end.
    Run {
        /// Where.
        on: Target,
        /// What.
        command: Command,
    },
}

impl Request {
    pub(super) fn function(&self) -> &'static str {
        match self {
            Self::Run { .. } => "commands.run",
        }
    }
}

/// A command to run. Fields as in `wit/commands.wit`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Command {
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// Text of a script, put into a private file in memory whose path becomes the last argument.
    pub script: Option<String>,
    /// Standard input.
    pub stdin: Option<Bytes>,
    /// Added to the fixed environment.
    pub environment: BTreeMap<String, String>,
    /// Absolute path; `/` when absent.
    pub working_directory: Option<String>,
    /// A user name; the engine's own user when absent.
    pub run_as: Option<String>,
    /// Ended after this many milliseconds.
    pub timeout_ms: Option<u64>,
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The command ended.
    Completed(Completed),
}

/// How a command ended. Fields as in `wit/commands.wit`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Completed {
    /// The exit code; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal.
    pub signal: Option<i32>,
    /// Standard output, cut to [`OUTPUT_HEAD_BYTES`] and [`OUTPUT_TAIL_BYTES`].
    pub stdout: String,
    /// Standard error, cut alike.
    pub stderr: String,
    /// The whole of standard output as a blob, when it was cut.
    pub stdout_blob: Option<String>,
    /// The whole of standard error as a blob, when it was cut.
    pub stderr_blob: Option<String>,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
}

/// How much of the beginning of a long output an answer keeps.
pub const OUTPUT_HEAD_BYTES: usize = 48 * 1024;
/// How much of the end of a long output an answer keeps.
pub const OUTPUT_TAIL_BYTES: usize = 16 * 1024;
/// The longest standard input.
pub const STDIN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The longest script.
pub const SCRIPT_BYTES_MAX: usize = 1024 * 1024;
