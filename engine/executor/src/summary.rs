//! The row of an execution in lists, derived from its state.

use runwright_model::{
    capability::{Request, waits},
    status::Status,
    summary::Summary,
};

use crate::state::{Call, State};

/// The row.
#[must_use]
pub fn of(state: &State) -> Summary {
    let status = state.status();
    Summary {
        runbook: state.started.runbook.clone(),
        status,
        by: state.started.by.clone(),
        started: state.started_at,
        ended: state.ended.as_ref().map(|ended| ended.at),
        parent: state.started.parent.as_ref().map(|parent| parent.execution.clone()),
        waiting: (status == Status::Waiting || status == Status::InProgress)
            .then(|| waiting(state))
            .flatten(),
    }
}

/// What the first waiting step waits for, in a few words.
fn waiting(state: &State) -> Option<String> {
    if state.waits_for_choice() {
        let names = state
            .next_steps()
            .into_iter()
            .map(|id| state.plan.step(id).name.clone());
        return Some(format!("start of {}", names.collect::<Vec<_>>().join(" or ")));
    }
    state.open_tries().into_iter().find_map(|of| {
        let (_, call) = state.waiting_call(of)?;
        Some(format!("{}: {}", state.plan.step(of.step).name, words(call)?))
    })
}

fn words(call: &Call) -> Option<String> {
    Some(match &call.request {
        Request::Approvals(question) => format!("approval by {}", question.approvers.join(", ")),
        Request::Waits(waits::Request::Signal { name, .. }) => format!("signal {name}"),
        Request::Waits(waits::Request::Sleep { .. } | waits::Request::SleepUntil { .. }) => "time".into(),
        Request::Waits(waits::Request::Probe { .. }) => "probe".into(),
        Request::Executions(_) => "child execution".into(),
        Request::Commands(_)
        | Request::Files(_)
        | Request::Http(_)
        | Request::Aws(_)
        | Request::Parameters(_)
        | Request::Blobs(_) => return None,
    })
}
