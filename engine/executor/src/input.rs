//! What reaches an actor, and what it answers to a call.

use runwright_model::{
    capability::{Error as CallError, Outcome, Request, executions::ChildEnd},
    event::{Hold, Pause, Signal, Try},
    failure::Failure,
    id::ExecutionId,
    invocation::Invoked,
    time::Timestamp,
};
use tokio::sync::oneshot;

use crate::{Error, repair::Repair, rollback, state::State};

/// What reaches an actor.
pub(crate) enum Input {
    /// The execution was just begun; this is its state.
    Begun(Box<State>),
    /// Decide again.
    Look,
    /// A plugin's call ended.
    Invoked { of: Try, generation: u64, invoked: Invoked },
    /// A running plugin makes a call that is not in the journal.
    Call {
        of: Try,
        generation: u64,
        call: u32,
        request: Request,
        reply: oneshot::Sender<Ticket>,
    },
    /// The call was made.
    Performed {
        of: Try,
        generation: u64,
        call: u32,
        outcome: Outcome,
        reply: oneshot::Sender<Timestamp>,
    },
    /// A probe was tried.
    Probed {
        of: Try,
        call: u32,
        result: Result<(), CallError>,
    },
    /// A child ended. The answer says that the journal has it.
    ChildEnded {
        id: ExecutionId,
        end: ChildEnd,
        reply: oneshot::Sender<()>,
    },
    /// A child that is waited for had not ended when this execution looked: it tells when it does. It knows by now
    /// whether its parent is paused.
    ChildGoesOn { id: ExecutionId },
    /// A person asks for something.
    Asked {
        ask: Box<Ask>,
        reply: oneshot::Sender<Result<(), Error>>,
    },
    /// An effect was stopped.
    Stopped { of: Try, call: u32 },
    /// The engine closes.
    Close,
}

/// What a person asks of an execution.
#[derive(Clone)]
pub(crate) enum Ask {
    /// Takes this signal.
    Signal(Signal),
    /// Ends.
    Cancel { by: String, reason: Option<String> },
    /// Holds still.
    Pause(Pause),
    /// Goes on; with `hold`, only when that hold stopped it.
    Unpause { by: String, hold: Option<Hold> },
    /// Goes on after its end.
    Repair(Repair),
    /// Is undone.
    Rollback(rollback::Request),
}

/// What a call may do.
pub(crate) enum Ticket {
    /// It is durable in the journal: make it.
    Perform,
    /// It is answered already.
    Answered(Outcome, Timestamp),
    /// It waits.
    Suspended,
    /// The try is over.
    Stopped(Failure),
}
