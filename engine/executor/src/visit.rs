//! One visit of a step: what a [`State`](crate::state::State) remembers of it.
//!
//! Data, and how it begins and ends. `fold.rs` says which event does what.

use runwright_model::{
    capability::{Outcome, Request, approvals::Vote, waits},
    digest::Digest,
    failure::Failure,
    id::StepId,
    status::Status,
    time::Timestamp,
};
use serde_json::{Map, Value};

/// One visit of a step.
#[derive(Debug, Clone)]
pub struct Visit {
    /// `InProgress`, or a final status.
    pub status: Status,
    /// Its attempt, from 1; 0 when it was skipped.
    pub attempt: u32,
    /// When the visit began.
    pub started_at: Timestamp,
    /// When its last attempt began.
    pub attempt_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Inputs of the last attempt.
    pub inputs: Value,
    /// Its outputs.
    pub outputs: Map<String, Value>,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
    /// When the next attempt begins.
    pub retry_at: Option<Timestamp>,
    /// Why it was skipped.
    pub skipped: Option<String>,
    /// The iteration of the loop around it in which it was.
    pub iteration: Option<Iteration>,
    /// How far it is, for a loop.
    pub looping: Option<Looping>,
    /// Calls of the last attempt.
    pub calls: Vec<Call>,
    /// Calls of the attempts before.
    pub earlier: Vec<Call>,
    /// The number of the record that ended it: the order of completion.
    pub ended_by: Option<u64>,
    /// It was under way when somebody asked for the end.
    pub cancelling: bool,
    /// How it is undone.
    pub undo: Option<Undo>,
}

/// An iteration of a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Iteration {
    /// The visit of the loop.
    pub visit: u32,
    /// Its number, from 1.
    pub number: u32,
}

/// How far a loop is.
#[derive(Debug, Clone, PartialEq)]
pub struct Looping {
    /// The items, for a loop over a list.
    pub items: Option<Vec<Value>>,
    /// Iterations at most.
    pub most: u32,
    /// The iteration, from 1; 0 before the first.
    pub iteration: u32,
    /// The step of the body to start next, or running. `None`: the iteration is over.
    pub cursor: Option<StepId>,
    /// The step outside to which a step of the body led.
    pub exit: Option<StepId>,
    /// A step of the body failed, and the whole ends with it.
    pub failed: Option<Failure>,
}

/// Undoing one visit.
#[derive(Debug, Clone)]
pub struct Undo {
    /// `RollingBack`, `RolledBack`, `RollbackFailed`, or `Skipped` by a person.
    pub status: Status,
    /// Its attempt, from 1.
    pub attempt: u32,
    /// When that began.
    pub attempt_at: Timestamp,
    /// What the plugin is given.
    pub inputs: Value,
    /// Calls of the last attempt.
    pub calls: Vec<Call>,
    /// When the next attempt begins.
    pub retry_at: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Who skipped it, and why.
    pub skipped: Option<(String, String)>,
}

/// One capability call.
#[derive(Debug, Clone)]
pub struct Call {
    /// What a replay compares.
    pub digest: Digest,
    /// What was asked.
    pub request: Request,
    /// When.
    pub requested_at: Timestamp,
    /// The answer, and when it came.
    pub outcome: Option<(Outcome, Timestamp)>,
    /// Votes so far, for an approval.
    pub votes: Vec<Vote>,
    /// The signal that came, for a wait for one.
    pub signal: Option<waits::Signal>,
    /// Failed probes so far, and when the next is due.
    pub probes: u32,
    /// Why the last probe failed.
    pub last_probe: Option<String>,
    /// When the next probe is due.
    pub next_probe_at: Option<Timestamp>,
}

impl Visit {
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            status: Status::InProgress,
            attempt: 0,
            started_at: at,
            attempt_at: at,
            ended_at: None,
            inputs: Value::Null,
            outputs: Map::new(),
            failure: None,
            retry_at: None,
            skipped: None,
            iteration: None,
            looping: None,
            calls: Vec::new(),
            earlier: Vec::new(),
            ended_by: None,
            cancelling: false,
            undo: None,
        }
    }

    /// A loop that had ended goes on with this step of its body.
    pub(crate) fn go_on_with(&mut self, step: StepId) {
        self.status = Status::InProgress;
        self.ended_at = None;
        self.ended_by = None;
        self.failure = None;
        self.cancelling = false;
        if let Some(looping) = &mut self.looping {
            looping.cursor = Some(step);
            looping.exit = None;
            looping.failed = None;
        }
    }

    pub(crate) fn end(&mut self, status: Status, at: Timestamp, sequence: u64) {
        self.status = status;
        self.ended_at = Some(at);
        self.ended_by = Some(sequence);
        self.retry_at = None;
        if status == Status::Success {
            self.failure = None;
        }
    }
}

impl Undo {
    pub(crate) fn new(attempt: u32, inputs: Value, at: Timestamp) -> Self {
        Self {
            status: Status::RollingBack,
            attempt,
            attempt_at: at,
            inputs,
            calls: Vec::new(),
            retry_at: None,
            failure: None,
            skipped: None,
        }
    }
}

impl Call {
    pub(crate) fn new(digest: Digest, request: Request, at: Timestamp) -> Self {
        Self {
            digest,
            request,
            requested_at: at,
            outcome: None,
            votes: Vec::new(),
            signal: None,
            probes: 0,
            last_probe: None,
            next_probe_at: None,
        }
    }
}

impl Call {
    /// Whether only a person can answer it: nobody has yet, or not enough.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match &self.request {
            Request::Approvals(question) => crate::waits::decision(question, self).is_none(),
            Request::Waits(waits::Request::Signal { .. }) => self.signal.is_none(),
            Request::Waits(
                waits::Request::Sleep { .. } | waits::Request::SleepUntil { .. } | waits::Request::Probe { .. },
            )
            | Request::Commands(_)
            | Request::Files(_)
            | Request::Http(_)
            | Request::Aws(_)
            | Request::Parameters(_)
            | Request::Blobs(_)
            | Request::Executions(_) => false,
        }
    }
}
