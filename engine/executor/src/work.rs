//! What goes on outside the journal: running plugins, probes, children.

use std::{
    collections::{BTreeSet, HashSet},
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, future::BoxFuture};
use runwright_model::{
    action::ActionSpec,
    capability::{CallContext, Error as CallError, Request},
    digest::Digest,
    event::{Hold, Pause, Phase, Try},
    failure::{Failure, FailureKind},
    grant::Grants,
    id::ExecutionId,
    invocation::{Invocation, Invoked},
    log::{Level, Stream},
    secret::Secrets,
    step::StepKind,
    time::Timestamp,
};
use tracing::Instrument as _;

use crate::{
    actor::Actor,
    codes,
    decide::Decision,
    input::{Ask, Input},
    limits,
    live::{Lines, Live},
    resolve, rollback,
    shared::Shared,
    state::State,
    target,
};

impl Actor {
    /// Starts what should be running and is not; stops what is running and should not be.
    pub(crate) fn reconcile(&mut self, decision: &Decision) {
        let wanted: HashSet<Try> = decision.running.iter().copied().collect();
        let state = &self.state;
        self.running.retain(|of, (_, task)| {
            // A hold or a cancel does not tear an effect off that is under way: its answer is awaited.
            let keep = wanted.contains(of) || state.effect_under_way(*of).is_some();
            if !keep {
                task.abort();
            }
            keep
        });
        for of in &decision.running {
            if !self.running.contains_key(of) {
                self.invoke(*of);
            }
        }
        for (of, call) in &decision.probes {
            if self.probing.insert((*of, *call)) {
                self.probe(*of, *call);
            }
        }
        for (of, call) in &decision.stopping {
            if self.asked_to_stop.insert((*of, *call)) {
                self.stopping.insert((*of, *call));
                self.stop_effect(*of, *call);
            }
        }
        for child in &decision.cancelling {
            if self.cancelled.insert(child.clone()) {
                self.cancel_child(child);
            }
        }
        self.await_children();
    }

    fn cancel_child(&self, child: &ExecutionId) {
        let Some(cancel) = &self.state.cancel else { return };
        let (reply, _) = tokio::sync::oneshot::channel();
        let ask = Box::new(Ask::Cancel {
            by: cancel.by.clone(),
            reason: cancel.reason.clone(),
        });
        self.shared.send(child, Input::Asked { ask, reply });
    }

    /// Leaves what is under way when the engine closes: what its backend finds again at once, the rest when it is
    /// over, or when waiting longer would hold up the end.
    pub(crate) fn drain(&mut self) {
        let now = self.shared.ports.clock.now();
        let over = self.drained_by().is_some_and(|end| end <= now);
        let (state, backend) = (&self.state, &self.shared.ports.backend);
        self.running.retain(|of, (_, task)| {
            let under_way = state.effect_under_way(*of);
            let keep = !over && under_way.is_some_and(|(_, call)| !backend.survives(&call.request));
            if !keep {
                task.abort();
            }
            keep
        });
        self.probing.clear();
    }

    fn stop_effect(&self, of: Try, call: u32) {
        let Some((_, under_way)) = self.state.effect_under_way(of) else {
            return;
        };
        let request = under_way.request.clone();
        let Some(context) = self.context(of, call) else {
            return;
        };
        let (shared, sender) = (self.shared.clone(), self.sender.clone());
        tokio::spawn(async move {
            shared.ports.backend.stop(&request, &context).await;
            let _ = sender.send(Input::Stopped { of, call });
        });
    }

    fn invoke(&mut self, of: Try) {
        let Some(call) = self.prepare(of) else {
            return;
        };
        let generation = self.generation;
        let sender = self.sender.clone();
        let span = tracing::info_span!(
            "step",
            execution = %self.id,
            step = %self.state.plan.step(of.step).name,
            attempt = of.attempt,
            phase = ?of.phase
        );
        let call = async move {
            let call = AssertUnwindSafe(call).catch_unwind();
            let invoked = call.await.unwrap_or_else(|_| Invoked::Failed(panicked()));
            // Without an actor there is nobody to tell: the try runs again on resume.
            let _ = sender.send(Input::Invoked {
                of,
                generation,
                invoked,
            });
        };
        let task = tokio::spawn(call.instrument(span));
        self.running.insert(of, (generation, task.abort_handle()));
    }

    /// The call of a try: of its plugin, or of the engine's own for a target.
    fn prepare(&mut self, of: Try) -> Option<BoxFuture<'static, Invoked>> {
        self.generation += 1;
        let step = self.state.plan.step(of.step);
        match &step.kind {
            StepKind::Action { action, .. } => {
                let spec = self.state.plan.actions.get(action)?;
                let invocation = self.invocation(of, action, spec)?;
                let live = Arc::new(self.live_line(of, spec.component, self.grants(action, spec))?);
                if of.phase == Phase::Run && live.recorded.is_empty() {
                    self.warn_of_text(of);
                }
                let invoker = self.shared.ports.invoker.clone();
                Some(async move { live.ended(invoker.invoke(invocation, live.clone()).await) }.boxed())
            }
            StepKind::Target { parameters, .. } => {
                let runbook = self.state.plan.fan_out.as_ref()?.runbook.name.clone();
                // The engine of a target is no component: nothing but its name is needed.
                let engine = Digest::of(step.kind.action().as_bytes());
                let live = self.live_line(of, engine, Grants::default())?;
                let parameters = parameters.clone();
                Some(async move { target::run(runbook, parameters, &live).await }.boxed())
            }
            StepKind::Branch { .. } | StepKind::UpdateVariable { .. } | StepKind::Loop { .. } => None,
        }
    }

    /// Says in the step's log which of its inputs are references that nobody replaced.
    fn warn_of_text(&self, of: Try) {
        let step = &self.state.plan.step(of.step).name;
        for reference in resolve::passed_as_text(&self.state, of.step, self.shared.ports.clock.now()) {
            let text = format!("{reference} has no value, and is passed on as this text");
            self.shared
                .log(&self.id, step, of.attempt, Level::Warn, Stream::Log, &text);
        }
    }

    /// What the runbook grants and the operator allows, by now.
    fn grants(&self, action: &str, spec: &ActionSpec) -> Grants {
        spec.grants.clone().under(&self.shared.ports.policy, action)
    }

    fn invocation(&self, of: Try, action: &str, spec: &ActionSpec) -> Option<Invocation> {
        let visit = self.state.visit_of(of)?;
        let (inputs, done) = match of.phase {
            Phase::Run => (visit.inputs.clone(), None),
            Phase::Rollback => (visit.undo.as_ref()?.inputs.clone(), Some(rollback::done(visit))),
        };
        Some(Invocation {
            component: spec.component,
            execution: self.id.clone(),
            step: self.state.plan.step(of.step).name.clone(),
            action: action.to_owned(),
            globals: crate::resolve::globals(&self.state),
            attachments: self.state.plan.attachments.clone(),
            of,
            idempotency_key: of.idempotency_key(&self.id, 0),
            deadline: self.state.deadline(of),
            inputs,
            done,
            trace_parent: None,
        })
    }

    fn live_line(&self, of: Try, component: Digest, grants: Grants) -> Option<Live> {
        let begun = self.begun(of)?;
        Some(Live {
            shared: self.shared.clone(),
            actor: self.sender.clone(),
            execution: self.id.clone(),
            step: self.state.plan.step(of.step).name.clone(),
            of,
            component,
            generation: self.generation,
            recorded: self.state.open_calls(of)?.to_vec(),
            grants: Arc::new(grants),
            role: resolve::role(&self.state, begun),
            deadline: self.state.deadline(of),
            next: AtomicU32::new(0),
            clock: AtomicI64::new(begun.as_millis()),
        })
    }

    fn probe(&self, of: Try, call: u32) {
        let Some((_, waiting)) = self.state.waiting_call(of) else {
            return;
        };
        let request = waiting.request.clone();
        let Some(context) = self.context(of, call) else {
            return;
        };
        let (shared, sender) = (self.shared.clone(), self.sender.clone());
        tokio::spawn(async move {
            let result = probe_once(&shared, request, context).await;
            let _ = sender.send(Input::Probed { of, call, result });
        });
    }

    /// For what the executor itself asks a backend about a call of an action, beside its plugin.
    fn context(&self, of: Try, call: u32) -> Option<CallContext> {
        let step = self.state.plan.step(of.step);
        let StepKind::Action { action, .. } = &step.kind else {
            return None;
        };
        let spec = self.state.plan.actions.get(action)?;
        let lines = Lines {
            shared: self.shared.clone(),
            execution: self.id.clone(),
            step: step.name.clone(),
            attempt: of.attempt,
        };
        Some(CallContext {
            execution: self.id.clone(),
            step: step.name.clone(),
            idempotency_key: of.idempotency_key(&self.id, call),
            deadline: self.state.deadline(of),
            again: false,
            log: Arc::new(lines),
            secrets: Secrets::default(),
            grants: Arc::new(self.grants(action, spec)),
            role: resolve::role(&self.state, self.begun(of)?),
        })
    }

    /// When this try began.
    fn begun(&self, of: Try) -> Option<Timestamp> {
        let visit = self.state.visit_of(of)?;
        match of.phase {
            Phase::Run => Some(visit.attempt_at),
            Phase::Rollback => visit.undo.as_ref().map(|undo| undo.attempt_at),
        }
    }

    /// Learns of the ends of children: of those that ended already now, of the others when they end. Tells these whether
    /// they are held with this execution.
    fn await_children(&mut self) {
        let held = self.state.paused.is_some();
        let known = self.children.iter().filter(|(_, told)| **told != held);
        let mut wanted: BTreeSet<ExecutionId> = known.map(|(child, _)| child.clone()).collect();
        if held {
            wanted.extend(self.state.children_under_way());
        }
        wanted.extend(self.state.awaited_children().into_iter().map(|(_, _, child)| child));
        for child in wanted {
            // One look at a child at a time: what it is told last counts.
            if self.children.get(&child) == Some(&held) || !self.looking_at.insert(child.clone()) {
                continue;
            }
            self.children.insert(child.clone(), held);
            let ask = self.hold_of_children();
            let (shared, sender) = (self.shared.clone(), self.sender.clone());
            tokio::spawn(async move {
                let input = look_at(&shared, child, ask).await;
                let _ = sender.send(input);
            });
        }
    }

    /// What the children of this execution are told: to hold still while it is paused, and to go on when it is not.
    fn hold_of_children(&self) -> Ask {
        match &self.state.paused {
            Some(pause) => Ask::Pause(Pause {
                hold: Some(Hold::Parent),
                ..pause.clone()
            }),
            None => Ask::Unpause {
                by: self.id.to_string(),
                hold: Some(Hold::Parent),
            },
        }
    }
}

async fn look_at(shared: &Arc<Shared>, id: ExecutionId, ask: Ask) -> Input {
    match shared.child_end(&id).await {
        Ok(Some(end)) => {
            let (reply, _) = tokio::sync::oneshot::channel();
            return Input::ChildEnded { id, end, reply };
        }
        Ok(None) => {
            let (reply, told) = tokio::sync::oneshot::channel();
            let ask = Box::new(ask);
            shared.send(&id, Input::Asked { ask, reply });
            // A refusal is the answer of a child that ended meanwhile, which tells so itself.
            let _ = told.await;
        }
        Err(error) => tracing::error!(execution = %id, %error, "a child cannot be found"),
    }
    Input::ChildGoesOn { id }
}

async fn probe_once(shared: &Shared, request: Request, context: CallContext) -> Result<(), CallError> {
    let limit = Duration::from_millis(limits::PROBE_MS_MAX);
    match tokio::time::timeout(limit, shared.ports.backend.perform(request, context)).await {
        Ok(outcome) => outcome.map(|_| ()),
        Err(_) => Err(CallError::Unavailable(format!(
            "a probe took longer than {} s",
            limit.as_secs()
        ))),
    }
}

/// Lets the backend forget a call whose answer is durable.
pub(crate) fn settle_call(shared: &Arc<Shared>, key: String) {
    let backend = shared.ports.backend.clone();
    tokio::spawn(async move { backend.settled(&key).await });
}

/// The failure of a call whose try is over.
pub(crate) fn over(state: &State, of: Try) -> Failure {
    let message = format!(
        "step {} was stopped, and may make no more calls.",
        state.plan.step(of.step).name
    );
    Failure::new(FailureKind::Cancelled, message).with_code(codes::CANCELLED)
}

fn panicked() -> Failure {
    Failure::new(
        FailureKind::Internal,
        "the engine panicked while it called the plugin; its log says where.",
    )
}
