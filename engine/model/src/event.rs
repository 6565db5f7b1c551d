//! What happens in an execution, as its journal keeps it.
//!
//! A journal is a list of [`Record`]s. The state of an execution is a fold over them and nothing else, so
//! every variant here is part of the durable format: `docs/JOURNAL.md` says what may change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    capability::{Outcome, Request},
    digest::Digest,
    failure::Failure,
    id::{ExecutionId, StepId},
    status::Status,
    time::Timestamp,
};

/// One entry of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number: 0 for the first, without gaps.
    pub sequence: u64,
    /// When it was appended.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// One try at one step, or at undoing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Try {
    /// The step.
    pub step: StepId,
    /// The visit of the step, from 1.
    pub visit: u32,
    /// Forwards or backwards.
    pub phase: Phase,
    /// The attempt within visit and phase, from 1.
    pub attempt: u32,
}

/// Forwards or backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Doing.
    Run,
    /// Undoing.
    Rollback,
}

impl Try {
    /// The key that goes with the call numbered `sequence` of this try: the same after every crash.
    #[must_use]
    pub fn idempotency_key(&self, execution: &ExecutionId, sequence: u32) -> String {
        let phase = match self.phase {
            Phase::Run => "run",
            Phase::Rollback => "rollback",
        };
        format!(
            "{execution}/{}/{}/{phase}/{}/{sequence}",
            self.step.0, self.visit, self.attempt
        )
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The execution began: always the first record.
    Started(Started),
    /// A step's attempt began, with its resolved inputs.
    StepStarted {
        /// Which.
        of: Try,
        /// What the plugin is given.
        inputs: Value,
    },
    /// A step ended well.
    StepSucceeded {
        /// Which.
        of: Try,
        /// Its outputs, the author's own among them.
        outputs: Map<String, Value>,
        /// Where a branch went.
        goto: Option<StepId>,
    },
    /// An attempt failed and there will be another.
    AttemptFailed {
        /// Which.
        of: Try,
        /// Why.
        failure: Failure,
        /// When the next one begins.
        retry_at: Timestamp,
    },
    /// A step failed for good: `Failed`, `TimedOut` or `Cancelled`.
    StepFailed {
        /// Which.
        of: Try,
        /// Why.
        failure: Failure,
        /// Its status.
        status: Status,
    },
    /// A step's `when` was false, or what it depends on did not end well.
    StepSkipped {
        /// Which.
        step: StepId,
        /// Its visit.
        visit: u32,
        /// Why.
        reason: String,
    },
    /// An iteration of a loop began.
    IterationStarted {
        /// The loop.
        of: Try,
        /// Its number, from 1.
        iteration: u32,
    },
    /// A step inside a loop led out of it: the loop is `Exited`.
    StepExited {
        /// The loop.
        of: Try,
        /// Where the flow goes on.
        to: StepId,
    },
    /// A variable changed.
    VariableSet {
        /// By which step.
        of: Try,
        /// Its name.
        name: String,
        /// Its new value.
        value: Value,
    },
    /// A capability call is about to be made. Durable before it is.
    CallRequested {
        /// By which try.
        of: Try,
        /// Its number in the try, from 0.
        call: u32,
        /// Digest of the request, which a replay compares.
        digest: Digest,
        /// The request.
        request: Request,
    },
    /// A probe or another repeated try inside a call did not come true yet.
    CallProbed {
        /// By which try.
        of: Try,
        /// The call.
        call: u32,
        /// How often was tried so far.
        probes: u32,
        /// Why not yet.
        last: String,
        /// When it is tried again.
        next_at: Timestamp,
    },
    /// A capability call was answered.
    CallCompleted {
        /// By which try.
        of: Try,
        /// The call.
        call: u32,
        /// The answer.
        outcome: Outcome,
    },
    /// Somebody sent a signal, an approval or a rejection.
    Signalled(Signal),
    /// Somebody asked for the end.
    CancelRequested {
        /// Who.
        by: String,
        /// Why.
        reason: Option<String>,
    },
    /// Somebody holds the execution: nothing new starts until it is released.
    Paused(Pause),
    /// The execution goes on after a pause.
    Unpaused {
        /// Who released it.
        by: String,
    },
    /// An execution that had ended goes on, with steps that run again.
    Resumed(Resumption),
    /// Undoing began.
    RollbackStarted {
        /// Why.
        reason: String,
        /// The step whose result is kept, with all that ended before it; everything is undone when absent.
        #[serde(default)]
        to: Option<StepId>,
    },
    /// Undoing one step began.
    RollbackStepStarted {
        /// Which.
        of: Try,
        /// What the plugin is given.
        inputs: Value,
    },
    /// A step is undone.
    RollbackStepSucceeded {
        /// Which.
        of: Try,
    },
    /// A step could not be undone.
    RollbackStepFailed {
        /// Which.
        of: Try,
        /// Why.
        failure: Failure,
    },
    /// Somebody takes the responsibility for a step that could not be undone.
    RollbackStepSkipped {
        /// The step.
        step: StepId,
        /// Its visit.
        visit: u32,
        /// Who.
        by: String,
        /// Why it need not be undone.
        reason: String,
    },
    /// The execution ended.
    Ended {
        /// Its final status.
        status: Status,
        /// Why it did not end well.
        failure: Option<Failure>,
        /// Declared outputs that there are: `step.output` to value.
        outputs: Map<String, Value>,
    },
}

/// How an execution began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The plan, by content.
    pub plan: Digest,
    /// The runbook's name.
    pub runbook: String,
    /// The parameters as given, defaults filled in.
    pub parameters: Map<String, Value>,
    /// Digest of what the caller asked for: the same id with another one is refused.
    pub request: Digest,
    /// Who started it.
    pub by: String,
    /// Globals of this execution that do not change: region, account, partition.
    pub globals: BTreeMap<String, String>,
    /// The execution that started it.
    pub parent: Option<Parent>,
    /// Placeholders it may use from the start: those its parent handed on.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// The execution whose plan and parameters it runs again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerun_of: Option<ExecutionId>,
    /// How it goes from step to step.
    #[serde(default, skip_serializing_if = "Mode::is_auto")]
    pub mode: Mode,
}

/// How an execution goes from step to step: `Mode` of SSM's `StartAutomationExecution`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// To its end.
    #[default]
    Auto,
    /// Each step begins when a person says so.
    Interactive,
}

impl Mode {
    /// Whether steps begin by themselves.
    #[must_use]
    pub fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// The step that started a child.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    /// The parent.
    pub execution: ExecutionId,
    /// The try that started it.
    pub of: Try,
    /// How deep the child is: 1 below an execution that has no parent.
    pub depth: u32,
}

/// Why an execution is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who holds it.
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// The hold that it stopped at; absent when it was paused itself.
    #[serde(default)]
    pub hold: Option<Hold>,
}

/// What is held at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// Every execution.
    Everything,
    /// Every execution of the runbook with this name.
    Runbook(String),
    /// The children of a paused execution, as long as it is paused: no hold that a person sets or releases.
    Parent,
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Runbook(name) => write!(f, "runbook {name}"),
            Self::Parent => f.write_str("its parent"),
        }
    }
}

/// How an execution that had ended goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resumption {
    /// Who asked for it.
    pub by: String,
    /// The steps that run again although they ended well. In list order the flow goes on at the first of them.
    pub again: Vec<StepId>,
    /// Where the flow goes on (list order).
    pub from: Option<StepId>,
    /// Parameters with another value than before.
    pub parameters: Map<String, Value>,
    /// Inputs put over those of the document, by step.
    pub inputs: Vec<(StepId, Map<String, Value>)>,
}

/// What a person or a program sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Its name: `Approve`, `Reject`, `Resume`, or one a plugin waits for.
    pub name: String,
    /// For which step; for the only one that waits for it when absent.
    pub step: Option<StepId>,
    /// Who sent it.
    pub by: String,
    /// What came with it.
    pub payload: Value,
}

impl Signal {
    /// An approval: the payload may hold `comment`.
    pub const APPROVE: &'static str = "Approve";
    /// A rejection: the payload may hold `comment`.
    pub const REJECT: &'static str = "Reject";
    /// What a paused step waits for.
    pub const RESUME: &'static str = "Resume";
    /// Starts a step of an interactive execution: `step`, or the only one that can be; the payload may hold `inputs`.
    pub const START_STEP: &'static str = "StartStep";
    /// Ends an interactive execution as what ran says.
    pub const COMPLETE: &'static str = "Complete";
}
