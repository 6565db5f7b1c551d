//! What people and programs see of an execution: derived from its journal, ready for JSON.

use runwright_model::{event::Pause, failure::Failure, id::ExecutionId, status::Status, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One execution, whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionView {
    /// Its id.
    pub id: ExecutionId,
    /// The runbook's name.
    pub runbook: String,
    /// The plan, by content.
    pub plan: String,
    /// How it stands.
    pub status: Status,
    /// Who started it.
    pub started_by: String,
    /// When it began, milliseconds since 1970.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The execution that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ExecutionId>,
    /// Its parameters, defaults among them.
    pub parameters: Map<String, Value>,
    /// Variables as they stand.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    /// Its steps, in the order of the document.
    pub steps: Vec<StepView>,
    /// Declared outputs: `step.output` to value.
    pub outputs: Map<String, Value>,
    /// Why it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Who holds it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// The execution whose plan and parameters it runs again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<ExecutionId>,
    /// What it waits for; empty when it waits for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitView>,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// Its action.
    pub action: String,
    /// How it stands.
    pub status: Status,
    /// The name of the loop it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_loop: Option<String>,
    /// The iteration in which it was last; that it is in, for a loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// The names of the steps it waits for (graph order).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Its attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// How often it is tried at most.
    pub max_attempts: u32,
    /// Its visit, from 1; 0 before the first.
    pub visit: u32,
    /// When its first attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its inputs as resolved for the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
    /// Why it failed (last).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Why it was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// How its rollback stands: `RollingBack`, `RolledBack`, `RollbackFailed`; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Status>,
    /// Its earlier visits, oldest first: steps of a loop, and attempts before the execution was resumed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<VisitView>,
    /// Who left its rollback undone, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_skipped: Option<(String, String)>,
    /// Why its rollback failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_failure: Option<Failure>,
}

/// Something an execution waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitView {
    /// The step that waits.
    pub step: String,
    /// For what.
    #[serde(flatten)]
    pub reason: WaitReason,
    /// Until when, if there is an end to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// For what a step waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "waitsFor")]
pub enum WaitReason {
    /// People.
    #[serde(rename_all = "camelCase")]
    Approval {
        /// What they are asked.
        message: String,
        /// Who may decide.
        approvers: Vec<String>,
        /// How many must approve.
        quorum: u32,
        /// How many have.
        approved: u32,
    },
    /// A signal: `Resume` for a paused step.
    Signal {
        /// Its name.
        name: String,
    },
    /// A moment: `until`.
    Time,
    /// A probe that did not come true yet; tried again at `until`.
    Probe {
        /// How often was tried.
        probes: u32,
        /// Why not yet.
        last: String,
    },
    /// Another attempt, at `until`.
    Retry {
        /// Why the last one failed.
        failure: String,
    },
    /// A person who starts it: the execution is interactive.
    Start,
    /// A child execution.
    Child {
        /// Its id.
        id: ExecutionId,
    },
}

impl WaitReason {
    /// Whether only a person can end the wait.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match self {
            Self::Approval { .. } | Self::Signal { .. } | Self::Start => true,
            Self::Time | Self::Probe { .. } | Self::Retry { .. } | Self::Child { .. } => false,
        }
    }
}

/// One execution in a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionRow {
    /// Its id.
    pub id: ExecutionId,
    /// The runbook's name.
    pub runbook: String,
    /// How it stands.
    pub status: Status,
    /// Who started it.
    pub started_by: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The execution that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<ExecutionId>,
    /// What it waits for, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
}

/// One plugin.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginView {
    /// What it says of itself.
    pub manifest: runwright_model::action::Manifest,
    /// Digest of the component.
    pub component: String,
    /// Bytes of the component.
    pub size: u64,
    /// Where it comes from: `built in`, or a path.
    pub origin: String,
    /// The language it was written in, when what made it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'static str>,
    /// The interfaces it imports.
    #[serde(skip)]
    pub imports: Vec<String>,
    /// Its signatures; absent for one that comes with the engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureView>,
}

/// Who signed a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignatureView {
    /// How many signatures there are, whoever made them.
    pub signatures: usize,
    /// The names of the keys of the operator's policy that made one.
    pub by: Vec<String>,
}

/// Why an execution stands as it does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WhyView {
    /// Its id.
    pub id: ExecutionId,
    /// The runbook's name.
    pub runbook: String,
    /// How it stands.
    pub status: Status,
    /// Each thing that holds it, or what it came to; at least one.
    pub reasons: Vec<ReasonView>,
}

/// One reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasonView {
    /// Of which sort.
    pub kind: ReasonKind,
    /// The step it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// It in words.
    pub text: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when, or when it is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Commands that change it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
    /// Why the execution that is waited for stands as it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<Box<WhyView>>,
}

/// The sort of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReasonKind {
    /// People are asked.
    Approval,
    /// A signal is awaited.
    Signal,
    /// A person starts the next step.
    Start,
    /// A moment is awaited.
    Time,
    /// A condition is probed.
    Probe,
    /// Another attempt comes.
    Retry,
    /// Another execution is awaited.
    Child,
    /// Something goes on.
    UnderWay,
    /// Something would go on, and no process does it.
    NobodyRunsIt,
    /// Somebody holds it.
    Paused,
    /// The disk, the store or the machine stopped it.
    Stopped,
    /// It has ended.
    Ended,
}

impl ReasonView {
    pub(crate) fn new(kind: ReasonKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            step: None,
            text: text.into(),
            since: None,
            until: None,
            next: Vec::new(),
            child: None,
        }
    }

    pub(crate) fn next(mut self, command: impl Into<String>) -> Self {
        self.next.push(command.into());
        self
    }
}

/// An earlier visit of a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VisitView {
    /// Its number, from 1.
    pub visit: u32,
    /// The iteration of the loop it was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// How it ended.
    pub status: Status,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}
