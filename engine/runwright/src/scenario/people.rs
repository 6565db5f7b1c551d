//! The people of a scenario: they watch it, and do what it says at the moment it says.

use std::{sync::Arc, time::Duration};

use runwright_executor::{
    Executor,
    limits::LINGER_MS,
    ports::Clock as _,
    state::{Call, State},
};
use runwright_model::{
    capability::{Request, waits},
    event::Signal,
    id::{ExecutionId, StepId},
    status::Status,
    time::Timestamp,
};
use serde_json::json;

use super::{
    clock::VirtualClock,
    file::{Deed, ms},
};
use crate::Error;

/// Who acts where a scenario names nobody.
const SOMEBODY: &str = "tester";

/// So many looks at an execution in which nothing goes on are enough to know that nothing will.
const LOOKS: u32 = 3;

/// How it came to rest.
pub(crate) struct Watched {
    /// The state of the execution under test.
    pub(crate) state: State,
    /// Deeds that were done and refused, or that nothing ever called for: their places in the list.
    pub(crate) left: Vec<(usize, String)>,
}

/// A deed, and how far it has come.
pub(crate) struct Doing<'a> {
    index: usize,
    deed: &'a Deed,
    /// It was tried: an engine that stopped meanwhile may have heard it.
    begun: bool,
    done: bool,
}

/// Deeds that nobody has begun.
pub(crate) fn deeds(deeds: &[Deed]) -> Vec<Doing<'_>> {
    let doing = |(index, deed)| Doing {
        index,
        deed,
        begun: false,
        done: false,
    };
    deeds.iter().enumerate().map(doing).collect()
}

/// When a deed is to be done.
enum Moment {
    /// Now, to this execution and this step.
    Now(ExecutionId, Option<StepId>),
    /// Then.
    At(Timestamp),
    /// When something happens.
    Later,
}

/// Watches an execution until it ends or nothing can happen any more.
pub(crate) async fn watch(
    executor: &Executor,
    clock: &Arc<VirtualClock>,
    id: &ExecutionId,
    deeds: &mut [Doing<'_>],
) -> Result<Watched, Error> {
    let (mut seen, mut idle, mut left) = (0, 0, Vec::new());
    loop {
        let family = family(executor, id).await?;
        let state = &family[0];
        let over = state.status().is_final();
        if over || idle > LOOKS {
            let unheard_of = deeds.iter().filter(|it| !it.begun);
            left.extend(unheard_of.map(|it| (it.index, unheard(it.deed))));
            left.sort_unstable();
            return Ok(Watched {
                state: state.clone(),
                left,
            });
        }
        let mut next: Option<Timestamp> = None;
        let mut ready = None;
        for (at, it) in deeds.iter().enumerate().filter(|(_, it)| !it.done) {
            match moment(it.deed, &family, clock.now()) {
                Moment::Now(execution, step) => {
                    ready = Some((at, execution, step));
                    break;
                }
                Moment::At(moment) => next = Some(next.map_or(moment, |next| next.min(moment))),
                Moment::Later => {}
            }
        }
        if let Some((at, execution, step)) = ready {
            let it = &mut deeds[at];
            let again = std::mem::replace(&mut it.begun, true);
            match act(executor, &execution, step, it.deed).await {
                Ok(()) => {}
                // Done already, by an engine that stopped before it could say so.
                Err(_) if again => {}
                Err(error) => left.push((it.index, error.to_string())),
            }
            it.done = true;
            idle = 0;
            continue;
        }
        tokio::select! {
            biased;
            version = executor.changed(id, seen) => (seen, idle) = (version, 0),
            () = clock.sleep_until(next.unwrap_or_default()), if next.is_some() => idle = 0,
            () = clock.idle() => {
                idle += 1;
                // What is kept back for some milliseconds may still be handed in.
                tokio::time::sleep(Duration::from_millis(LINGER_MS + 1)).await;
            }
        }
    }
}

fn unheard(deed: &Deed) -> String {
    let what = [
        ("approve", &deed.approve),
        ("reject", &deed.reject),
        ("signal", &deed.signal),
        ("cancel", &deed.cancel),
        ("pause", &deed.pause),
        ("unpause", &deed.unpause),
    ];
    let name = what
        .iter()
        .find(|(_, given)| given.is_some())
        .map_or("", |(name, _)| name);
    format!("the moment for `{name}` never came")
}

/// The execution, and the children it waits for, however deep.
async fn family(executor: &Executor, id: &ExecutionId) -> Result<Vec<State>, Error> {
    let mut family = vec![executor.state(id).await?];
    let mut at = 0;
    while at < family.len() {
        for (_, _, child) in family[at].awaited_children() {
            // A child may be awaited a moment before it is there.
            if let Ok(state) = executor.state(&child).await {
                family.push(state);
            }
        }
        at += 1;
    }
    Ok(family)
}

fn moment(deed: &Deed, family: &[State], now: Timestamp) -> Moment {
    let begun = family[0].started_at;
    if let Some(at) = deed.at.as_deref() {
        let at = begun.after(Duration::from_millis(ms(at)));
        if now < at {
            return Moment::At(at);
        }
    }
    if let Some(during) = deed.during.as_deref()
        && !family.iter().any(|state| is_under_way(state, during))
    {
        return Moment::Later;
    }
    let Some(step) = asked(deed) else {
        return of_the_whole(deed, &family[0]);
    };
    for state in family {
        if let Some((id, call)) = waits(state, step, deed) {
            let after = deed.after.as_deref().map_or(0, ms);
            let due = call.requested_at.after(Duration::from_millis(after));
            return if due <= now {
                Moment::Now(state.id.clone(), Some(id))
            } else {
                Moment::At(due)
            };
        }
    }
    Moment::Later
}

/// The step that asks for it.
fn asked(deed: &Deed) -> Option<&str> {
    let signal = deed.signal.as_ref().and(deed.step.as_ref());
    deed.approve
        .as_ref()
        .or(deed.reject.as_ref())
        .or(signal)
        .map(String::as_str)
}

fn of_the_whole(deed: &Deed, state: &State) -> Moment {
    if deed.unpause.is_some() && state.status() != Status::Paused {
        return Moment::Later;
    }
    Moment::Now(state.id.clone(), None)
}

fn is_under_way(state: &State, step: &str) -> bool {
    let id = state.plan.step_named(step);
    id.is_some_and(|id| state.visit(id).is_some_and(|visit| visit.status == Status::InProgress))
}

/// The call in which a step waits for this deed.
fn waits<'a>(state: &'a State, step: &str, deed: &Deed) -> Option<(StepId, &'a Call)> {
    let id = state.plan.step_named(step)?;
    let calls = state.open_tries().into_iter().filter(|of| of.step == id);
    calls
        .filter_map(|of| state.waiting_call(of))
        .find(|(_, call)| match &call.request {
            Request::Approvals(_) => deed.signal.is_none() && !voted(call, deed),
            Request::Waits(waits::Request::Signal { name, .. }) => {
                deed.signal.as_ref() == Some(name) && call.signal.is_none()
            }
            Request::Waits(
                waits::Request::Sleep { .. } | waits::Request::SleepUntil { .. } | waits::Request::Probe { .. },
            )
            | Request::Commands(_)
            | Request::Files(_)
            | Request::Http(_)
            | Request::Parameters(_)
            | Request::Blobs(_)
            | Request::Executions(_)
            | Request::Aws(_) => false,
        })
        .map(|(_, call)| (id, call))
}

/// A person has one vote.
fn voted(call: &Call, deed: &Deed) -> bool {
    let by = deed.by.as_deref().unwrap_or(SOMEBODY);
    call.votes.iter().any(|vote| vote.approver == by)
}

async fn act(
    executor: &Executor,
    id: &ExecutionId,
    step: Option<StepId>,
    deed: &Deed,
) -> Result<(), runwright_executor::Error> {
    let by = deed.by.clone().unwrap_or_else(|| SOMEBODY.to_owned());
    if let Some(reason) = &deed.cancel {
        return executor.cancel(id, by, said(reason)).await;
    }
    if let Some(reason) = &deed.pause {
        return executor.pause(id, by, said(reason)).await;
    }
    if deed.unpause.is_some() {
        return executor.unpause(id, by).await;
    }
    let comment = json!({ "comment": deed.comment });
    let (name, payload) = match (&deed.signal, &deed.approve) {
        (Some(name), _) => (name.clone(), deed.payload.clone().unwrap_or_default()),
        (None, Some(_)) => (Signal::APPROVE.to_owned(), comment),
        (None, None) => (Signal::REJECT.to_owned(), comment),
    };
    let signal = Signal {
        name,
        step,
        by,
        payload,
    };
    executor.signal(id, signal).await
}

fn said(reason: &str) -> Option<String> {
    Some(reason.to_owned()).filter(|reason| !reason.is_empty())
}
