//! Calls that time or people answer: what answers them, and when to look again.

use std::time::Duration;

use runwright_model::{
    capability::{Answer, Error, Outcome, Request, approvals, waits},
    event::{Event, Try},
    time::Timestamp,
};

use crate::{
    decide::Decision,
    limits,
    state::{Call, State},
};

/// The answer to the call a try waits in, if it is there.
pub(crate) fn answer(state: &State, of: Try, now: Timestamp) -> Option<Event> {
    let (number, call) = state.waiting_call(of)?;
    let outcome = outcome(call, now)?;
    Some(Event::CallCompleted {
        of,
        call: number,
        outcome,
    })
}

/// The outcome of a waiting call at this time. Also asked when a call is made: a sleep until yesterday is
/// answered without a wait.
pub(crate) fn outcome(call: &Call, now: Timestamp) -> Option<Outcome> {
    match &call.request {
        Request::Waits(waits::Request::Sleep { .. } | waits::Request::SleepUntil { .. }) => {
            (due_at(call)? <= now).then_some(Ok(Answer::Done))
        }
        Request::Waits(waits::Request::Signal { name, deadline }) => match &call.signal {
            Some(signal) => Some(Ok(Answer::Waits(waits::Answer::Signal(signal.clone())))),
            None => overdue(*deadline, now, || format!("the signal {name} did not come in time")),
        },
        Request::Waits(waits::Request::Probe { patience, .. }) => {
            let last = call.last_probe.as_ref()?;
            let tried_again = call.next_probe_at.is_some_and(|next| next > patience.deadline);
            tried_again.then(|| Err(Error::TimedOut(format!("not after {} probes: {last}", call.probes))))
        }
        Request::Approvals(question) => decision(question, call).or_else(|| {
            overdue(question.deadline, now, || {
                format!(
                    "nobody decided in time; approvers are {}",
                    question.approvers.join(", ")
                )
            })
        }),
        // A child's end comes from outside.
        Request::Executions(_)
        | Request::Commands(_)
        | Request::Files(_)
        | Request::Http(_)
        | Request::Aws(_)
        | Request::Parameters(_)
        | Request::Blobs(_) => None,
    }
}

fn overdue(deadline: Option<Timestamp>, now: Timestamp, why: impl FnOnce() -> String) -> Option<Outcome> {
    deadline
        .is_some_and(|deadline| deadline <= now)
        .then(|| Err(Error::TimedOut(why())))
}

/// What the votes so far decide.
pub(crate) fn decision(question: &approvals::Request, call: &Call) -> Option<Outcome> {
    let approvals = call.votes.iter().filter(|vote| vote.approved).count();
    let rejected = call.votes.iter().any(|vote| !vote.approved);
    if !rejected && approvals < question.quorum.max(1) as usize {
        return None;
    }
    Some(Ok(Answer::Approvals(approvals::Decision {
        approved: !rejected,
        votes: call.votes.clone(),
    })))
}

/// When time alone changes something for a waiting call.
pub(crate) fn due_at(call: &Call) -> Option<Timestamp> {
    match &call.request {
        Request::Waits(waits::Request::Sleep { duration_ms }) => {
            Some(call.requested_at.after(Duration::from_millis(*duration_ms)))
        }
        Request::Waits(waits::Request::SleepUntil { moment }) => Some(*moment),
        Request::Waits(waits::Request::Signal { deadline, .. }) => *deadline,
        // The first is due at once, also when the clock was set back behind the moment of the request.
        Request::Waits(waits::Request::Probe { .. }) => Some(call.next_probe_at.unwrap_or_default()),
        Request::Approvals(question) => question.deadline,
        Request::Executions(_)
        | Request::Commands(_)
        | Request::Files(_)
        | Request::Http(_)
        | Request::Aws(_)
        | Request::Parameters(_)
        | Request::Blobs(_) => None,
    }
}

/// Adds what an open try needs now: its plugin running, a probe, a wake-up.
pub(crate) fn due(state: &State, of: Try, now: Timestamp, decision: &mut Decision) {
    if state.open_calls(of).is_none() {
        // Between two attempts.
        let visit = state.visit_of(of);
        let undo = visit.and_then(|visit| visit.undo.as_ref());
        let retry_at = undo.map_or(visit.and_then(|visit| visit.retry_at), |undo| undo.retry_at);
        decision.wake = earliest(decision.wake, retry_at);
        return;
    }
    decision.wake = earliest(decision.wake, state.deadline(of));
    match state.waiting_call(of) {
        None => decision.running.push(of),
        Some((number, call)) => match due_at(call) {
            Some(due) if due <= now && is_probe(call) => decision.probes.push((of, number)),
            due => decision.wake = earliest(decision.wake, due),
        },
    }
}

fn is_probe(call: &Call) -> bool {
    matches!(call.request, Request::Waits(waits::Request::Probe { .. }))
}

/// The event after a probe.
pub(crate) fn probed(call: &Call, of: Try, number: u32, result: Result<(), Error>, now: Timestamp) -> Event {
    let Request::Waits(waits::Request::Probe { patience, .. }) = &call.request else {
        unreachable!("only probes are probed");
    };
    let probes = call.probes + 1;
    match result {
        Ok(()) => {
            let waited_ms = u64::try_from(now.since(call.requested_at).as_millis()).unwrap_or(u64::MAX);
            let outcome = Ok(Answer::Waits(waits::Answer::Probed { probes, waited_ms }));
            Event::CallCompleted {
                of,
                call: number,
                outcome,
            }
        }
        Err(Error::Unavailable(last) | Error::TimedOut(last) | Error::Throttled(last)) => {
            let next_at = now.after(Duration::from_millis(patience.pause_ms(probes)));
            Event::CallProbed {
                of,
                call: number,
                probes,
                last,
                next_at,
            }
        }
        Err(
            error @ (Error::Denied { .. }
            | Error::NotFound(_)
            | Error::Invalid(_)
            | Error::LimitExceeded { .. }
            | Error::Uncertain(_)),
        ) => Event::CallCompleted {
            of,
            call: number,
            outcome: Err(error),
        },
    }
}

/// Whether a wait is short enough to stay in memory.
pub(crate) fn is_short(wake: Timestamp, now: Timestamp) -> bool {
    wake.since(now) <= Duration::from_millis(limits::RESIDENT_WAIT_MS_MAX)
}

pub(crate) fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
