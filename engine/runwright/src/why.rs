//! Why an execution stands as it does, in words, with what can be done about it.

use runwright_executor::state::State;
use runwright_model::{event::Phase, event::Try, id::ExecutionId, status::Status, time::Timestamp};

use crate::{
    Error,
    holder::Holder,
    show,
    view::{ReasonKind, ReasonView, WaitReason, WaitView, WhyView},
};

/// How deep children are looked into: as deep as they can be nested.
const DEPTH_MAX: u32 = runwright_model::capability::executions::NESTING_MAX;

impl Holder {
    /// The answer to "why?".
    pub(crate) async fn why(&self, id: &ExecutionId) -> Result<WhyView, Error> {
        self.why_at(id.clone(), 0).await
    }

    async fn why_at(&self, id: ExecutionId, depth: u32) -> Result<WhyView, Error> {
        let state = self.executor.state(&id).await?;
        let mut reasons = Vec::new();
        if let Some(why) = self.executor.why_stopped(&id) {
            let text = format!("it stands still: {why}");
            reasons.push(ReasonView::new(ReasonKind::Stopped, text).next("runwright store check"));
        }
        if let Some(reason) = whole(&state) {
            reasons.push(reason);
        } else {
            for of in state.open_tries() {
                reasons.push(self.of_try(&state, of, depth).await?);
            }
            reasons.extend(show::starts(&state).map(|wait| waits(&state, &wait)));
            if reasons.is_empty() {
                reasons.push(self.nothing_open(&state));
            }
        }
        Ok(WhyView {
            id,
            runbook: state.started.runbook.clone(),
            status: state.status(),
            reasons,
        })
    }

    async fn of_try(&self, state: &State, of: Try, depth: u32) -> Result<ReasonView, Error> {
        let Some(wait) = show::wait(state, of) else {
            return Ok(self.under_way_in(state, of));
        };
        let mut reason = waits(state, &wait);
        if let WaitReason::Child { id } = &wait.reason
            && depth < DEPTH_MAX
        {
            reason.child = Some(Box::new(Box::pin(self.why_at(id.clone(), depth + 1)).await?));
        }
        Ok(reason)
    }

    /// A try whose plugin runs, or would if somebody were there.
    fn under_way_in(&self, state: &State, of: Try) -> ReasonView {
        let step = state.plan.step(of.step).name.clone();
        let doing = match of.phase {
            Phase::Run => "runs",
            Phase::Rollback => "is being undone",
        };
        let (call, since) = match state.effect_under_way(of) {
            Some((_, call)) => (format!(": {}", call.request.function()), Some(call.requested_at)),
            None => (String::new(), state.visit_of(of).map(|visit| visit.attempt_at)),
        };
        let mut reason = if self.executor.is_active(&state.id) {
            ReasonView::new(ReasonKind::UnderWay, format!("step {step} {doing}{call}"))
        } else {
            let text = format!("step {step} was under way{call}, and no process goes on with it");
            ReasonView::new(ReasonKind::NobodyRunsIt, text).next(format!("runwright resume {}", state.id))
        };
        reason.step = Some(step);
        reason.since = since;
        reason.until = state.deadline(of);
        reason
    }

    fn nothing_open(&self, state: &State) -> ReasonView {
        if self.executor.is_active(&state.id) {
            return ReasonView::new(ReasonKind::UnderWay, "it is between two steps");
        }
        ReasonView::new(
            ReasonKind::NobodyRunsIt,
            "it is between two steps, and no process goes on with it",
        )
        .next(format!("runwright resume {}", state.id))
    }
}

/// What is to be said of the whole, where no single step is the reason.
fn whole(state: &State) -> Option<ReasonView> {
    let id = &state.id;
    if let Some(ended) = &state.ended {
        let text = match &ended.failure {
            None => "it ended well".to_owned(),
            Some(failure) => failure.message.clone(),
        };
        let mut reason = ReasonView::new(ReasonKind::Ended, text);
        reason.since = Some(ended.at);
        let next: &[&str] = match ended.status {
            Status::Failed | Status::TimedOut | Status::Cancelled => &["resume", "rollback", "rerun"],
            Status::RollbackFailed => &["rollback"],
            Status::RolledBack => &["resume", "rerun"],
            Status::Success
            | Status::Exited
            | Status::Skipped
            | Status::Pending
            | Status::InProgress
            | Status::Waiting
            | Status::Cancelling
            | Status::RollingBack
            | Status::Paused => &[],
        };
        return Some(
            next.iter()
                .fold(reason, |reason, verb| reason.next(format!("runwright {verb} {id}"))),
        );
    }
    let pause = state.paused.as_ref()?;
    let what = pause.hold.as_ref().map_or("it".to_owned(), ToString::to_string);
    let why = pause
        .reason
        .as_ref()
        .map_or(String::new(), |reason| format!(": {reason}"));
    let reason = ReasonView::new(ReasonKind::Paused, format!("{what} is paused by {}{why}", pause.by));
    Some(match &pause.hold {
        None => reason.next(format!("runwright unpause {id}")),
        Some(runwright_model::event::Hold::Everything) => reason.next("runwright unpause --everything"),
        Some(runwright_model::event::Hold::Runbook(name)) => reason.next(format!("runwright unpause --runbook {name}")),
        Some(runwright_model::event::Hold::Parent) => {
            let parent = state.started.parent.as_ref().map_or(id, |parent| &parent.execution);
            reason.next(format!("runwright unpause {parent}"))
        }
    })
}

/// A wait, in words.
fn waits(state: &State, wait: &WaitView) -> ReasonView {
    let (id, step) = (&state.id, &wait.step);
    let reason = match &wait.reason {
        WaitReason::Approval {
            message,
            approvers,
            quorum,
            approved,
        } => {
            let text = format!(
                "step {step} waits for an approval by {} ({approved} of {quorum} so far): {message}",
                approvers.join(", ")
            );
            ReasonView::new(ReasonKind::Approval, text)
                .next(format!("runwright approve {id} --step {step}"))
                .next(format!("runwright reject {id} --step {step}"))
        }
        WaitReason::Signal { name } => {
            ReasonView::new(ReasonKind::Signal, format!("step {step} waits for the signal {name}"))
                .next(format!("runwright signal {id} {name} --step {step}"))
        }
        WaitReason::Start => ReasonView::new(
            ReasonKind::Start,
            format!("step {step} waits until somebody starts it: the execution is interactive"),
        )
        .next(format!("runwright step {id} {step}")),
        WaitReason::Time => ReasonView::new(ReasonKind::Time, format!("step {step} waits for a moment")),
        WaitReason::Probe { probes, last } => {
            let text = format!("step {step} waits for a condition; {probes} probes so far, the last: {last}");
            ReasonView::new(ReasonKind::Probe, text)
        }
        WaitReason::Retry { failure } => ReasonView::new(
            ReasonKind::Retry,
            format!("step {step} is tried again after: {failure}"),
        ),
        WaitReason::Child { id } => ReasonView::new(
            ReasonKind::Child,
            format!("step {step} waits for the execution {id} that it started"),
        ),
    };
    ReasonView {
        step: Some(step.clone()),
        until: wait.until,
        since: since(state, step),
        ..reason
    }
}

fn since(state: &State, step: &str) -> Option<Timestamp> {
    let visit = state.visit(state.plan.step_named(step)?)?;
    let waiting = visit.calls.last().filter(|call| call.outcome.is_none());
    Some(waiting.map_or(visit.attempt_at, |call| call.requested_at))
}
