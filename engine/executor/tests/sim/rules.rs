//! The promises, each with its name and a check that looks at the journal alone.

use std::collections::BTreeSet;

use runwright_executor::{decide, state::Visit};
use runwright_model::{
    capability::{Answer, Request},
    event::{Event, Phase, Record, Signal, Try},
    id::StepId,
    plan::{Order, Plan},
    status::Status,
    step::{RollbackSpec, StepKind, following},
    time::Timestamp,
};
use runwright_store::Append;

use crate::sim::check::Journal;

/// What a check says: the promise that is broken, and how.
pub(crate) type Checked = Result<(), (&'static str, String)>;

pub(crate) const APPEND_THEN_ACT: &str = "append-then-act";
pub(crate) const ONE_EFFECT: &str = "one-effect";
pub(crate) const ONE_SUCCESS: &str = "one-success";
pub(crate) const ITERATIONS_FOLLOW: &str = "iterations-follow";
pub(crate) const NO_GAPS: &str = "no-gaps";
pub(crate) const TIME_GOES_ON: &str = "time-goes-on";
pub(crate) const CANCEL_IS_FINAL: &str = "cancel-is-final";
pub(crate) const PAUSE_HOLDS: &str = "pause-holds";
pub(crate) const BY_HAND_IS_BY_HAND: &str = "by-hand-is-by-hand";
pub(crate) const APPROVAL_IS_NEEDED: &str = "approval-is-needed";
pub(crate) const ROLLBACK_IS_REVERSE: &str = "rollback-is-reverse";
pub(crate) const NOTHING_IS_LOST: &str = "nothing-is-lost";
pub(crate) const STATE_IS_FOLD: &str = "state-is-fold";
pub(crate) const ACKNOWLEDGED_IS_KEPT: &str = "acknowledged-is-kept";
pub(crate) const WAKE_FITS: &str = "wake-fits";
pub(crate) const END_IS_THE_END: &str = "end-is-the-end";
pub(crate) const CRASHES_CHANGE_NOTHING: &str = "crashes-change-nothing";
pub(crate) const MEMORY_IS_FREED: &str = "memory-is-freed";
pub(crate) const SAME_SEED_SAME_TRACE: &str = "same-seed-same-trace";

/// Every promise in words.
pub(crate) const RULES: &[(&str, &str)] = &[
    (
        APPEND_THEN_ACT,
        "no effect begins before its request is durable in the journal",
    ),
    (ONE_EFFECT, "no idempotency key begins two effects"),
    (ONE_SUCCESS, "no visit of a step ends well twice"),
    (
        ITERATIONS_FOLLOW,
        "iterations of a loop follow each other, and none begins while another goes on",
    ),
    (NO_GAPS, "records are numbered without gaps, and a journal begins once"),
    (TIME_GOES_ON, "time never goes back within a journal"),
    (
        CANCEL_IS_FINAL,
        "nothing starts after a cancel was acknowledged, except the onCancel flow",
    ),
    (
        BY_HAND_IS_BY_HAND,
        "in interactive mode no step begins that nobody started",
    ),
    (PAUSE_HOLDS, "nothing begins while an execution is paused"),
    (
        APPROVAL_IS_NEEDED,
        "no path passes an approval without enough decisions of people who may decide",
    ),
    (
        ROLLBACK_IS_REVERSE,
        "undoing goes backwards, and undoes each visit at most once",
    ),
    (
        NOTHING_IS_LOST,
        "every execution ends, or waits for a person or a time that is really open",
    ),
    (
        STATE_IS_FOLD,
        "the state folded from the journal is the state in memory",
    ),
    (
        ACKNOWLEDGED_IS_KEPT,
        "what somebody was told is done survives every crash",
    ),
    (WAKE_FITS, "the place in the wake-up index fits the state"),
    (
        END_IS_THE_END,
        "an ended execution does nothing more, but for a rollback",
    ),
    (
        CRASHES_CHANGE_NOTHING,
        "an interrupted execution ends with the state, outputs and effects of an uninterrupted one",
    ),
    (
        MEMORY_IS_FREED,
        "nothing of an execution that rests stays in the executor's memory",
    ),
    (SAME_SEED_SAME_TRACE, "a simulation is a function of its seed"),
];

/// What must hold of a record when it is appended to this journal.
pub(crate) fn before(journal: &Journal, record: &Record) -> Checked {
    let state = &journal.state;
    let begins_again = matches!(
        record.event,
        Event::RollbackStarted { .. } | Event::RollbackStepSkipped { .. } | Event::Resumed(_)
    );
    if state.ended.is_some() && !begins_again {
        return Err((END_IS_THE_END, "it had ended".into()));
    }
    let begins = matches!(
        record.event,
        Event::StepStarted { .. } | Event::CallRequested { .. } | Event::RollbackStepStarted { .. }
    );
    if state.paused.is_some() && begins {
        return Err((PAUSE_HOLDS, "it is paused".into()));
    }
    match &record.event {
        Event::StepStarted { of, .. } => started(journal, *of),
        Event::IterationStarted { of, iteration } => iterates(journal, *of, *iteration),
        Event::StepSucceeded { of, .. } => succeeded(journal, *of),
        Event::CallRequested { of, .. } if state.open_calls(*of).is_none() || is_cancelled(journal, *of) => {
            Err((CANCEL_IS_FINAL, "a call of a try that is over".into()))
        }
        Event::CallCompleted {
            of,
            call,
            outcome: Ok(Answer::Approvals(decision)),
        } if decision.approved => approved(journal, *of, *call),
        Event::RollbackStepStarted { of, .. } => undoing(journal, *of),
        Event::RollbackStepSucceeded { of } if journal.undone.contains(&(of.step, of.visit)) => {
            Err((ROLLBACK_IS_REVERSE, "it was undone before".into()))
        }
        Event::Ended {
            status: Status::RolledBack,
            ..
        } => all_undone(journal),
        Event::Started(_)
        | Event::AttemptFailed { .. }
        | Event::StepFailed { .. }
        | Event::StepSkipped { .. }
        | Event::StepExited { .. }
        | Event::VariableSet { .. }
        | Event::CallRequested { .. }
        | Event::CallProbed { .. }
        | Event::CallCompleted { .. }
        | Event::Signalled(_)
        | Event::CancelRequested { .. }
        | Event::Paused(_)
        | Event::Unpaused { .. }
        | Event::Resumed(_)
        | Event::RollbackStepSkipped { .. }
        | Event::RollbackStarted { .. }
        | Event::RollbackStepSucceeded { .. }
        | Event::RollbackStepFailed { .. }
        | Event::Ended { .. } => Ok(()),
    }
}

/// Whether a try ran when its execution was cancelled.
fn is_cancelled(journal: &Journal, of: Try) -> bool {
    let visit = journal.state.visit_of(of);
    of.phase == Phase::Run && visit.is_some_and(|visit| visit.cancelling)
}

/// Iterations follow each other, one at a time, and none begins in a loop that was asked to end.
fn iterates(journal: &Journal, of: Try, iteration: u32) -> Checked {
    let state = &journal.state;
    let before = state.visit_of(of).and_then(|visit| visit.looping.as_ref());
    if before.is_none_or(|looping| looping.iteration + 1 != iteration) || state.goes_on_in(of.step) {
        return Err((
            ITERATIONS_FOLLOW,
            format!("S{}.{} iteration {iteration}", of.step.0, of.visit),
        ));
    }
    if is_cancelled(journal, of) {
        return Err((CANCEL_IS_FINAL, "an iteration of a loop that is over".into()));
    }
    Ok(())
}

fn started(journal: &Journal, of: Try) -> Checked {
    let state = &journal.state;
    let is_new = of.visit > state.visit_number(of.step);
    if is_new && state.is_by_hand() && !state.chosen.contains(&of.step) {
        return Err((BY_HAND_IS_BY_HAND, format!("S{}", of.step.0)));
    }
    let Some(targets) = &journal.after_cancel else {
        return Ok(());
    };
    let reached = after(&journal.state.plan, targets);
    if reached.contains(&of.step) {
        return Ok(());
    }
    Err((CANCEL_IS_FINAL, format!("S{} is not in the onCancel flow", of.step.0)))
}

/// Every step a flow that begins at these can come to.
fn after(plan: &Plan, from: &BTreeSet<StepId>) -> BTreeSet<StepId> {
    let mut reached = BTreeSet::new();
    let mut todo: Vec<StepId> = from.iter().copied().collect();
    while let Some(id) = todo.pop() {
        if !reached.insert(id) {
            continue;
        }
        let step = plan.step(id);
        todo.extend(step.next.into_iter().chain(following(&plan.steps, id)));
        // A loop that begins in this flow runs its body.
        let first = StepId::from_index(id.index() + 1);
        todo.extend(matches!(step.kind, StepKind::Loop { .. }).then_some(first));
        if let runwright_model::step::OnFailure::Goto(to) = step.on_failure {
            todo.push(to);
        }
        if let StepKind::Branch { choices, default } = &step.kind {
            todo.extend(choices.iter().map(|choice| choice.next).chain(*default));
        }
    }
    reached
}

fn succeeded(journal: &Journal, of: Try) -> Checked {
    if journal.succeeded.contains(&(of.step, of.visit)) {
        return Err((ONE_SUCCESS, format!("S{}.{}", of.step.0, of.visit)));
    }
    let calls = journal.state.open_calls(of).unwrap_or_default();
    let unapproved = calls
        .iter()
        .any(|call| matches!(call.request, Request::Approvals(_)) && !Journal::is_approved(call));
    if unapproved {
        return Err((APPROVAL_IS_NEEDED, format!("S{} ended well without one", of.step.0)));
    }
    Ok(())
}

/// Counts the decisions again, from the signals alone.
fn approved(journal: &Journal, of: Try, call: u32) -> Checked {
    let Some((question, asked)) = journal.question(of, call) else {
        return Err((APPROVAL_IS_NEEDED, "an answer to nobody's question".into()));
    };
    let for_it = |signal: &Signal| signal.step.is_none_or(|step| step == of.step);
    let may = |by: &str| question.approvers.iter().any(|one| one == "*" || one == by);
    let mut yes = BTreeSet::new();
    for (sequence, signal) in &journal.signals {
        if *sequence > asked && for_it(signal) && may(&signal.by) && signal.name == Signal::APPROVE {
            yes.insert(&signal.by);
        }
    }
    if yes.len() < question.quorum as usize {
        return Err((
            APPROVAL_IS_NEEDED,
            format!("{yes:?} are fewer than {}", question.quorum),
        ));
    }
    Ok(())
}

/// What there is to undo of a visit: it ended well, or it failed after it had asked for something.
fn did_something(visit: &Visit) -> bool {
    match visit.status {
        Status::Success => true,
        Status::Failed | Status::TimedOut | Status::Cancelled => !visit.calls.is_empty() || !visit.earlier.is_empty(),
        Status::Pending
        | Status::InProgress
        | Status::Waiting
        | Status::Cancelling
        | Status::Exited
        | Status::RollingBack
        | Status::RolledBack
        | Status::RollbackFailed
        | Status::Skipped
        | Status::Paused => false,
    }
}

/// Visits that a rollback has to undo, with the number of the record that ended each.
fn to_undo(journal: &Journal) -> Vec<(StepId, u32, u64)> {
    let plan = &journal.state.plan;
    let mut found = Vec::new();
    for id in plan.step_ids() {
        let step = plan.step(id);
        let StepKind::Action { action, .. } = &step.kind else {
            continue;
        };
        if step.rollback == RollbackSpec::None || !plan.actions[action].manifest.rollback {
            continue;
        }
        for (number, visit) in (1..).zip(&journal.state.steps[id.index()].visits) {
            if let Some(ended) = visit.ended_by.filter(|_| did_something(visit)) {
                found.push((id, number, ended));
            }
        }
    }
    found
}

fn undoing(journal: &Journal, of: Try) -> Checked {
    let all = to_undo(journal);
    let Some((_, _, ended)) = all.iter().find(|(id, visit, _)| (*id, *visit) == (of.step, of.visit)) else {
        return Err((ROLLBACK_IS_REVERSE, "there is nothing to undo".into()));
    };
    if journal.undone.contains(&(of.step, of.visit)) {
        return Err((ROLLBACK_IS_REVERSE, "it is undone already".into()));
    }
    let graph = journal.state.plan.order == Order::Graph;
    for (id, visit, later) in &all {
        let plan = &journal.state.plan;
        let (above, below) = (top(plan, *id), top(plan, of.step));
        let first = later > ended && (!graph || above == below || depends(plan, above, below));
        if first && !journal.settled.contains(&(*id, *visit)) {
            return Err((ROLLBACK_IS_REVERSE, format!("S{}.{visit} comes before it", id.0)));
        }
    }
    Ok(())
}

/// The outermost loop around a step, or the step.
fn top(plan: &Plan, id: StepId) -> StepId {
    plan.step(id).parent.map_or(id, |around| top(plan, around))
}

/// Whether a step depends on another, through others too.
fn depends(plan: &Plan, id: StepId, on: StepId) -> bool {
    plan.step(id)
        .depends_on
        .iter()
        .any(|need| *need == on || depends(plan, *need, on))
}

fn all_undone(journal: &Journal) -> Checked {
    let state = &journal.state;
    let to = state.rollback.as_ref().and_then(|rollback| rollback.to);
    let kept = to.and_then(|to| state.visit(to)?.ended_by);
    for (id, visit, ended) in to_undo(journal) {
        if Some(ended) > kept && !journal.settled.contains(&(id, visit)) {
            return Err((ROLLBACK_IS_REVERSE, format!("S{}.{visit} was left", id.0)));
        }
    }
    Ok(())
}

/// Whether there is something to do now.
pub(crate) fn is_busy(decision: &decide::Decision) -> bool {
    let decide::Decision {
        events,
        running,
        probes,
        stopping,
        cancelling,
        wake: _,
    } = decision;
    !(events.is_empty() && running.is_empty() && probes.is_empty() && stopping.is_empty() && cancelling.is_empty())
}

/// Whether the wake-up that goes with an append fits the state after it.
pub(crate) fn wake(journal: &Journal, append: &Append, now: Timestamp) -> Result<(), String> {
    let id = &append.execution;
    if journal.state.ended.is_some() {
        return match append.wake {
            None => Ok(()),
            // Its parent does not know yet.
            Some(wake) if journal.state.started.parent.is_some() && wake <= now => Ok(()),
            Some(wake) => Err(format!("{id} has ended, and is to be woken at {wake}")),
        };
    }
    let decision = decide::decide(&journal.state, now);
    let busy = is_busy(&decision);
    let found = append.wake;
    let due = found.is_some_and(|wake| wake <= now);
    match (busy, decision.wake) {
        (true, _) if found.is_none() => Err(format!("{id} has something to do, and is not to be woken")),
        (false, Some(wanted)) if found.is_none_or(|wake| wake > wanted.max(now)) => {
            Err(format!("{id} is to be woken at {wanted}, and the index says {found:?}"))
        }
        (true, _) if !due && append.records.is_empty() => {
            Err(format!("{id} has something to do now, and the index says {found:?}"))
        }
        _ => Ok(()),
    }
}
