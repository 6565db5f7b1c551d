//! A test file: what it says, and where it says it.

use std::{collections::BTreeMap, path::Path};

use runwright_compiler::{Diagnostic, Severity, Source, Span, Tree, duration_ms, escaped, tree};
use runwright_model::{failure::FailureKind, grant, log::Level, status::Status, time::Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Error;

/// The code of everything that is wrong with a test file.
const CODE: &str = "RW-C905";

/// A test file that was read.
#[derive(Debug, Clone)]
pub(crate) struct TestFile {
    pub(crate) source: Source,
    pub(crate) tree: Tree,
    pub(crate) says: Says,
}

/// The whole of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Says {
    /// A path relative to the test file, or a name.
    pub(crate) runbook: String,
    /// For people.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default)]
    pub(crate) parameters: Map<String, Value>,
    #[serde(default)]
    pub(crate) globals: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) parameter_store: BTreeMap<String, Stored>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) mocks: Vec<Mock>,
    pub(crate) scenarios: Vec<Scenario>,
}

/// One scenario. What it says counts before what the file says for all.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// For people.
    #[serde(default, rename = "description")]
    _description: Option<String>,
    /// When it begins: RFC 3339.
    #[serde(default)]
    pub(crate) start: Option<String>,
    #[serde(default)]
    pub(crate) parameters: Map<String, Value>,
    #[serde(default)]
    pub(crate) globals: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) parameter_store: BTreeMap<String, Stored>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) mocks: Vec<Mock>,
    #[serde(default)]
    pub(crate) people: Vec<Deed>,
    pub(crate) expect: Expect,
}

/// A parameter of the parameter store.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stored {
    /// A String.
    Text(String),
    /// A StringList.
    List(Vec<String>),
    /// A SecureString.
    Secure { secure: String },
}

/// An answer to a step, or to calls.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Mock {
    /// Alone: answers instead of the step's plugin. Beside a call: only calls of this step.
    pub(crate) step: Option<String>,
    /// Only in executions of this runbook; steps alone are those of the runbook under test.
    pub(crate) runbook: Option<String>,
    pub(crate) command: Option<Words>,
    /// A pattern for the text of the script.
    pub(crate) script: Option<String>,
    pub(crate) aws: Option<String>,
    pub(crate) http: Option<String>,
    pub(crate) probe: Option<String>,
    /// How often it answers; then the next one that fits does.
    pub(crate) times: Option<u32>,
    /// How long the answer takes.
    pub(crate) takes: Option<String>,
    pub(crate) outputs: Option<Map<String, Value>>,
    pub(crate) fails: Option<String>,
    pub(crate) kind: Option<FailureKind>,
    /// Undoing the step fails, with this message.
    pub(crate) undo_fails: Option<String>,
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: Option<String>,
    pub(crate) stderr: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Value>,
    /// The response of an operation of AWS, as its API describes it.
    pub(crate) answer: Option<Value>,
    /// What an operation of AWS refuses with.
    pub(crate) error: Option<Refusal>,
    /// How long a probe takes to come true: a duration, or `never`.
    pub(crate) comes: Option<String>,
}

/// An error of an AWS service.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) status: Option<u16>,
}

/// A pattern of a command: one for the whole line, or one for each word.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Words {
    /// For all words with a space between two.
    Line(String),
    /// One for each; a last `*` for whatever follows.
    Each(Vec<String>),
}

/// What a person does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Deed {
    /// The step that asks.
    pub(crate) approve: Option<String>,
    /// The step that asks.
    pub(crate) reject: Option<String>,
    /// The signal's name.
    pub(crate) signal: Option<String>,
    /// The step that waits for the signal.
    pub(crate) step: Option<String>,
    /// Why.
    pub(crate) cancel: Option<String>,
    /// Why.
    pub(crate) pause: Option<String>,
    /// Any text.
    pub(crate) unpause: Option<String>,
    pub(crate) by: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) payload: Option<Value>,
    /// So long after the step asked.
    pub(crate) after: Option<String>,
    /// So long after the start.
    pub(crate) at: Option<String>,
    /// As soon as this step is under way.
    pub(crate) during: Option<String>,
}

/// What is to come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Expect {
    pub(crate) status: Status,
    /// A pattern found in the failure's message.
    #[serde(default)]
    pub(crate) failure: Option<String>,
    #[serde(default)]
    pub(crate) path: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) steps: BTreeMap<String, OfStep>,
    #[serde(default)]
    pub(crate) outputs: Map<String, Value>,
    #[serde(default)]
    pub(crate) variables: Map<String, Value>,
    #[serde(default)]
    pub(crate) calls: Vec<OfCalls>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, Option<String>>,
    /// Lines of the log of the execution under test.
    #[serde(default)]
    pub(crate) logs: Vec<OfLogs>,
    #[serde(default)]
    pub(crate) takes: Option<String>,
}

/// Lines that are to be logged.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OfLogs {
    /// A pattern found in the line.
    pub(crate) line: String,
    #[serde(default)]
    pub(crate) step: Option<String>,
    #[serde(default)]
    pub(crate) level: Option<Level>,
    /// How often; at least once when absent.
    #[serde(default)]
    pub(crate) times: Option<u32>,
}

/// What is to come of a step.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum OfStep {
    /// Its status alone.
    Status(Status),
    /// More of it.
    Whole(Box<WholeStep>),
}

/// What is to come of a step.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct WholeStep {
    pub(crate) status: Option<Status>,
    pub(crate) visits: Option<u32>,
    pub(crate) attempts: Option<u32>,
    pub(crate) inputs: Option<Value>,
    pub(crate) outputs: Option<Value>,
    pub(crate) failure: Option<String>,
    /// The kind of that failure.
    pub(crate) kind: Option<FailureKind>,
    pub(crate) rollback: Option<Status>,
}

/// Calls that are to be made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct OfCalls {
    pub(crate) step: Option<String>,
    pub(crate) command: Option<Words>,
    pub(crate) script: Option<String>,
    pub(crate) aws: Option<String>,
    pub(crate) http: Option<String>,
    pub(crate) probe: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) parameter: Option<String>,
    pub(crate) approval: Option<String>,
    /// The name of a runbook that is started.
    pub(crate) execution: Option<String>,
    /// A part of the request.
    pub(crate) with: Option<Value>,
    /// How often; at least once when absent.
    pub(crate) times: Option<u32>,
}

impl Words {
    /// Whether a command fits.
    pub(crate) fn fit(&self, arguments: &[String]) -> bool {
        match self {
            Self::Line(pattern) => grant::matches(pattern, &arguments.join(" ")),
            Self::Each(patterns) => {
                let (patterns, open) = match patterns.split_last() {
                    Some((last, before)) if last == "*" => (before, true),
                    Some(_) | None => (patterns.as_slice(), false),
                };
                (arguments.len() == patterns.len() || (open && arguments.len() > patterns.len()))
                    && patterns
                        .iter()
                        .zip(arguments)
                        .all(|(pattern, word)| grant::matches(pattern, word))
            }
        }
    }
}

impl TestFile {
    /// Reads and checks a test file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        // A name without a folder is a file of this folder, and no runbook's name.
        let source = match crate::find::source(&super::dotted(path), &[]) {
            Ok((source, _)) => source,
            Err(Error::NoRunbook { .. }) => {
                let (path, why) = (path.display().to_string(), "there is no such file".to_owned());
                return Err(Error::Unreadable { path, why });
            }
            Err(other) => return Err(other),
        };
        Self::of(source)
    }

    /// Checks the text of a test file.
    pub(crate) fn of(source: Source) -> Result<Self, Error> {
        let refused = |source: Source, diagnostics| Error::Document {
            source_text: Box::new(source),
            diagnostics,
        };
        let tree = match tree(&source) {
            Ok(tree) => tree,
            Err(diagnostics) => return Err(refused(source, diagnostics)),
        };
        let says: Says = match serde_path_to_error::deserialize(tree.value()) {
            Ok(says) => says,
            Err(error) => {
                let span = tree.key_span(&pointer(error.path()));
                return Err(refused(source, vec![mistake(span, error.inner().to_string())]));
            }
        };
        let file = Self { source, tree, says };
        let found = super::sound::mistakes(&file);
        if found.is_empty() {
            Ok(file)
        } else {
            Err(file.refused(found))
        }
    }

    /// The error of a file with these mistakes.
    pub(crate) fn refused(&self, found: Vec<super::sound::Mistake>) -> Error {
        let found = found.into_iter();
        Error::Document {
            source_text: Box::new(self.source.clone()),
            diagnostics: found.map(|(at, why)| mistake(self.tree.span(&at), why)).collect(),
        }
    }
}

fn mistake(span: Span, message: String) -> Diagnostic {
    Diagnostic {
        code: CODE,
        severity: Severity::Error,
        message,
        span,
        label: None,
        related: Vec::new(),
        help: Some("`runwright explain RW-C905` shows what a test file holds".to_owned()),
        fix: None,
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let part = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", escaped(key)),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(part).collect()
}

/// A duration that was checked when the file was read.
pub(crate) fn ms(text: &str) -> u64 {
    duration_ms(text.trim()).unwrap_or_default()
}

/// When a scenario begins.
pub(crate) fn start(scenario: &Scenario) -> Timestamp {
    /// 2026-01-01T00:00:00Z: the same for all that do not say.
    const USUAL: Timestamp = Timestamp::from_millis(1_767_225_600_000);
    let said = scenario.start.as_deref().and_then(Timestamp::parse);
    said.unwrap_or(USUAL)
}
