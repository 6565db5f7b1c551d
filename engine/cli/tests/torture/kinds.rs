//! What is run: six runbooks whose commands write down that they ran, and the lines that they should write.
//!
//! A line is `KEY begin` or `KEY end`, where `KEY` is the idempotency key of the call that runs the command. It is
//! written with one call to a file that is open for appending, so that lines of different commands do not mix.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One step after the other, the last of which says much.
    List,
    /// Three steps at the same time between two others.
    Graph,
    /// A step that fails twice and is tried again, after a time in memory and after a time out of it.
    Retries,
    /// Sleeps, in memory and out of it.
    Sleeps,
    /// The last step fails, and everything is undone.
    Undone,
    /// Somebody has to approve.
    Asks,
}

/// All of them; lists come more often.
pub(crate) const KINDS: [Kind; 8] = [
    Kind::List,
    Kind::Graph,
    Kind::Retries,
    Kind::List,
    Kind::Sleeps,
    Kind::Undone,
    Kind::Graph,
    Kind::Asks,
];

const LIST_STEPS: usize = 4;
/// Lines of what the last step of a list says: some 20 KiB.
const SAID_LINES: usize = 4_000;

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Graph => "graph",
            Self::Retries => "retries",
            Self::Sleeps => "sleeps",
            Self::Undone => "undone",
            Self::Asks => "asks",
        }
    }

    /// Its file in this folder.
    pub(crate) fn file(self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.json", self.name()))
    }

    /// Writes its file; commands append to `lines`.
    pub(crate) fn write(self, folder: &Path, lines: &Path) {
        let document = self.document(&lines.display().to_string());
        std::fs::write(self.file(folder), document.to_string()).unwrap();
    }

    fn document(self, lines: &str) -> Value {
        let step = |name: &str, rest: &str| shell(name, &format!("{}{rest}", marked(lines, "0.02")));
        let after = |mut step: Value, names: &[&str]| {
            step["dependsOn"] = json!(names);
            step
        };
        let steps = match self {
            Self::List => {
                let mut steps: Vec<Value> = (1..LIST_STEPS).map(|number| step(&format!("S{number}"), "")).collect();
                steps.push(step("Last", &format!("; seq 1 {SAID_LINES}")));
                return json!({"schemaVersion": "0.3", "mainSteps": steps, "outputs": ["Last.Stdout"]});
            }
            Self::Graph => vec![
                step("First", ""),
                after(step("A", ""), &["First"]),
                after(shell("B", &marked(lines, "0.3")), &["First"]),
                after(step("C", ""), &["First"]),
                after(step("Last", ""), &["A", "B", "C"]),
            ],
            Self::Retries => vec![
                tried(step("Soon", THIRD_TIME), "50ms"),
                tried(step("Later", THIRD_TIME), "1100ms"),
            ],
            Self::Sleeps => vec![
                step("Before", ""),
                sleep("Short", "PT0.2S"),
                step("Between", ""),
                sleep("Long", "PT1.2S"),
                step("After", ""),
            ],
            Self::Undone => {
                let undone = |mut step: Value| {
                    step["inputs"]["Rollback"] = json!({"Command": marked(lines, "0.02")});
                    step
                };
                let failing = undone(step("Fails", "; exit 1"));
                let steps = [undone(step("One", "")), undone(step("Two", "")), failing];
                return json!({"schemaVersion": "0.3", "onFailure": "Rollback", "mainSteps": steps});
            }
            Self::Asks => {
                let asks = json!({"Message": "Go on?", "Approvers": ["*"]});
                let asks = json!({"name": "Ask", "action": "aws:approve", "inputs": asks});
                vec![step("Before", ""), asks, step("After", "")]
            }
        };
        json!({"schemaVersion": "0.3", "mainSteps": steps})
    }

    /// How it ends.
    pub(crate) fn end(self) -> &'static str {
        match self {
            Self::List | Self::Graph | Self::Retries | Self::Sleeps | Self::Asks => "Success",
            Self::Undone => "RolledBack",
        }
    }

    /// What it answers, whole.
    pub(crate) fn outputs(self) -> Value {
        match self {
            Self::List => {
                let said: Vec<String> = (1..=SAID_LINES).map(|number| number.to_string()).collect();
                json!({"Last.Stdout": said.join("\n")})
            }
            Self::Graph | Self::Retries | Self::Sleeps | Self::Undone | Self::Asks => json!({}),
        }
    }

    /// The lines that an execution of this id should write, each once.
    pub(crate) fn lines(self, id: &str) -> Vec<String> {
        let runs = |steps: &[usize]| steps.iter().map(|step| (*step, "run", 1)).collect();
        let tries: Vec<(usize, &str, usize)> = match self {
            Self::List => runs(&[0, 1, 2, 3]),
            Self::Graph => runs(&[0, 1, 2, 3, 4]),
            Self::Retries => [0, 1]
                .into_iter()
                .flat_map(|step| (1..=3).map(move |attempt| (step, "run", attempt)))
                .collect(),
            Self::Sleeps => runs(&[0, 2, 4]),
            Self::Undone => [0, 1, 2]
                .into_iter()
                .flat_map(|step| [(step, "run", 1), (step, "rollback", 1)])
                .collect(),
            Self::Asks => runs(&[0, 2]),
        };
        let keys = tries
            .into_iter()
            .map(|(step, phase, attempt)| format!("{id}/{step}/1/{phase}/{attempt}/{FIRST_CALL}"));
        keys.flat_map(|key| [format!("{key} begin"), format!("{key} end")])
            .collect()
    }
}

/// The number of the first call of an attempt.
const FIRST_CALL: u32 = 0;
/// The end of a command that fails in its first two attempts.
const THIRD_TIME: &str = "; case $RUNWRIGHT_IDEMPOTENCY_KEY in */run/3/*) exit 0;; esac; exit 1";

/// Shell text that writes its two lines, with so many seconds between them.
fn marked(lines: &str, seconds: &str) -> String {
    let mark = |word: &str| format!("printf '%s {word}\\n' \"$RUNWRIGHT_IDEMPOTENCY_KEY\" >> '{lines}'");
    format!("{}; sleep {seconds}; {}", mark("begin"), mark("end"))
}

fn shell(name: &str, command: &str) -> Value {
    json!({"name": name, "action": "rw:shell", "inputs": {"Command": command}})
}

fn tried(mut step: Value, backoff: &str) -> Value {
    step["retry"] = json!({"maxAttempts": 3, "backoff": backoff, "maxBackoff": backoff});
    step
}

fn sleep(name: &str, duration: &str) -> Value {
    json!({"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}})
}
