//! Programs and scripts on a target: `wit/commands.wit`.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// Has Systems Manager run a Command document on its managed nodes, and waits for the end there.
    RunDocument {
        /// The request of `SendCommand`, with the names of the service.
        request: Map<String, Value>,
    },
}

impl Request {
    pub(super) fn function(&self) -> &'static str {
        match self {
            Self::Run { .. } => "commands.run",
            Self::RunDocument { .. } => "commands.run-document",
        }
    }

    /// What is run, as grants see it: the command, or a command whose program is `ssm:` and the document.
    #[must_use]
    pub fn command(&self) -> Cow<'_, Command> {
        match self {
            Self::Run { command, .. } => Cow::Borrowed(command),
            Self::RunDocument { request } => {
                let name = request.get("DocumentName").and_then(Value::as_str).unwrap_or_default();
                Cow::Owned(Command {
                    arguments: vec![format!("ssm:{name}")],
                    ..Command::default()
                })
            }
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
    /// The document ended on all nodes, or as far as it got.
    Document(DocumentEnd),
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

/// How a Command document ended. Fields as in `wit/commands.wit`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DocumentEnd {
    /// The service's name of it.
    pub command_id: String,
    /// `Success`, `Failed`, `TimedOut`, `Cancelled`.
    pub status: String,
    /// The service's more precise word, such as `DeliveryTimedOut`.
    pub details: String,
    /// How many nodes it was for.
    pub targets: u32,
    /// On how many it failed.
    pub errors: u32,
    /// The only node, or those on which it did not end well: at most [`NODES_SHOWN_MAX`].
    pub nodes: Vec<NodeEnd>,
}

/// How a Command document ended on one node.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NodeEnd {
    /// The node's id.
    pub node: String,
    /// As of the whole.
    pub status: String,
    /// The exit code; -1 when there is none.
    pub response_code: i32,
    /// What the document's one step wrote, as far as the service keeps it; nothing when it has several.
    pub stdout: String,
    /// The same for standard error.
    pub stderr: String,
}

/// How many nodes an answer tells of.
pub const NODES_SHOWN_MAX: usize = 50;
/// How much of the beginning of a long output an answer keeps.
pub const OUTPUT_HEAD_BYTES: usize = 48 * 1024;
/// How much of the end of a long output an answer keeps.
pub const OUTPUT_TAIL_BYTES: usize = 16 * 1024;
/// The longest standard input.
pub const STDIN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The longest script.
pub const SCRIPT_BYTES_MAX: usize = 1024 * 1024;
