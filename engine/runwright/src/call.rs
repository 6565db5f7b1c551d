//! What an engine can be asked, and what it answers, as values: asked in the process that holds the store, they go to
//! its [`crate::holder::Holder`]; asked in another, they go to the same place through a socket.
//!
//! To add an operation, write a variant of [`Call`], an arm in `answer.rs`, and a method of [`crate::Engine`].

use std::sync::Arc;

use runwright_compiler::Targets;
use runwright_executor::{hold::Held, migrate::Misfit, repair::Repair};
use runwright_model::{
    capability::parameters::Parameter,
    digest::Digest,
    event::{Hold, Mode},
    id::ExecutionId,
    log::LogLine,
    plan::Plan,
    status::Status,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Error, Until,
    parameters::NewParameter,
    place::Place,
    view::{ExecutionRow, ExecutionView, WhyView},
};

/// One operation. Those that change something may arrive twice, see [`Asked::again`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Call {
    /// Starts an execution.
    Start {
        id: ExecutionId,
        plan: Arc<Plan>,
        parameters: Map<String, Value>,
        /// What it runs on; once, when absent.
        targets: Option<Targets>,
        mode: Mode,
        place: Place,
    },
    /// Keeps a component, for a start that lacks it.
    Keep { component: Vec<u8> },
    /// How many records a journal has.
    Length { id: ExecutionId },
    /// One execution.
    Show { id: ExecutionId },
    /// Executions, newest id first.
    List { status: Option<Status>, most: usize },
    /// Executions that have not ended, oldest first.
    Unfinished,
    /// Log lines.
    Logs { id: ExecutionId, from: u64, most: usize },
    /// Answered when something has changed.
    Changed { id: ExecutionId, seen: u64 },
    /// Answered when it has ended, or needs a person.
    Wait { id: ExecutionId, until: Until },
    /// Goes on.
    Resume { id: ExecutionId },
    /// A person's word to an execution. `since` is the journal's length when it was first said.
    Tell { id: ExecutionId, since: u64, word: Word },
    /// Holds all executions of a runbook, or all.
    Hold { what: Hold, reason: Option<String> },
    /// Releases a hold.
    Release { what: Hold },
    /// The holds in force.
    Holds,
    /// Why an execution stands as it does.
    Why { id: ExecutionId },
    /// Starts the same again, as a new execution.
    Rerun { of: ExecutionId, id: ExecutionId },
    /// What keeps an execution from going on with this plan.
    Misfits { id: ExecutionId, plan: Arc<Plan> },
    /// Something of the parameter store.
    Parameter(ParameterCall),
}

/// What a person says to an execution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Word {
    /// A signal or a decision.
    Signal {
        name: String,
        step: Option<String>,
        payload: Value,
    },
    /// End.
    Cancel { reason: Option<String> },
    /// Hold still.
    Pause { reason: Option<String> },
    /// Go on.
    Unpause,
    /// Go on after the end.
    Repair(Repair),
    /// Undo.
    Rollback {
        to: Option<String>,
        skip: Option<(String, String)>,
    },
}

/// One operation of the parameter store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum ParameterCall {
    /// `name`, `name:version` or `name:label`.
    Get { selector: String },
    /// What stands under a path; all parameters without one.
    List { path: Option<String> },
    /// All versions.
    History { name: String },
    /// A new version; `key` is the same for the same call.
    Put { new: NewParameter, key: String },
    /// Moves a label.
    Label { name: String, version: u64, label: String },
    /// Deletes.
    Delete { name: String },
    /// The value behind a placeholder.
    Reveal { placeholder: String },
}

impl Call {
    /// Whether its answer may take as long as it likes, and whoever asked may lose interest.
    pub(crate) fn is_wait(&self) -> bool {
        match self {
            Self::Changed { .. } | Self::Wait { .. } => true,
            Self::Start { .. }
            | Self::Keep { .. }
            | Self::Length { .. }
            | Self::Show { .. }
            | Self::List { .. }
            | Self::Unfinished
            | Self::Logs { .. }
            | Self::Resume { .. }
            | Self::Tell { .. }
            | Self::Hold { .. }
            | Self::Release { .. }
            | Self::Holds
            | Self::Why { .. }
            | Self::Rerun { .. }
            | Self::Misfits { .. }
            | Self::Parameter(_) => false,
        }
    }
}

/// A call on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The call.
    pub(crate) call: Call,
    /// The user in whose name; nobody's when it makes no difference.
    pub(crate) by: Option<String>,
    /// The call was sent before and its answer was lost with the process that was to give it: what it asks for may be
    /// done already.
    pub(crate) again: bool,
}

/// What became of a start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Begin {
    /// It is there, and whether it was before.
    Begun { existing: bool },
    /// These components are wanted first.
    Lacks(Vec<Digest>),
}

/// Makes [`Answer`] of the types there are answers of; each must be different.
macro_rules! answers {
    ($($name:ident($of:ty),)*) => {
        /// What a call is answered with.
        #[derive(Debug, Serialize, Deserialize)]
        pub(crate) enum Answer {
            $($name($of),)*
        }

        $(
            impl From<$of> for Answer {
                fn from(answer: $of) -> Self {
                    Self::$name(answer)
                }
            }

            impl TryFrom<Answer> for $of {
                type Error = Error;

                fn try_from(answer: Answer) -> Result<Self, Error> {
                    match answer {
                        Answer::$name(answer) => Ok(answer),
                        other => Err(Error::Garbled(format!("{other:?} answers another question"))),
                    }
                }
            }
        )*
    };
}

answers! {
    Done(()),
    Begin(Begin),
    Length(Option<u64>),
    Execution(Box<ExecutionView>),
    Rows(Vec<ExecutionRow>),
    Lines(Vec<(u64, LogLine)>),
    Count(u64),
    Parameter(Parameter),
    Parameters(Vec<Parameter>),
    Revealed(String),
    Released(usize),
    Holds(Vec<Held>),
    Why(Box<WhyView>),
    Misfits(Vec<Misfit>),
}
