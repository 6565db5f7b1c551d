//! How each event changes the state. One arm an event; nothing here decides anything.

use std::sync::Arc;

use runwright_model::{
    capability::{Answer, Outcome, Request, approvals::Vote, parameters, waits},
    event::{Event, Phase, Resumption, Signal, Started, Try},
    expression::Template,
    failure::{Failure, FailureKind},
    id::{ExecutionId, StepId},
    plan::{CommandFlow, Plan},
    secret,
    status::Status,
    step::{OnFailure, StepKind},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    command, flow,
    resolve::StateScope,
    state::{Call, Cancel, Ended, Looping, Rollback, State, StepState, Undo, Visit},
};

pub(crate) type Applied = Result<(), String>;

impl State {
    pub(crate) fn begin(id: ExecutionId, plan: Arc<Plan>, started: Started, at: Timestamp) -> Self {
        let mut state = Self {
            id,
            started_at: at,
            length: 1,
            last_at: at,
            steps: vec![StepState::default(); plan.steps.len()],
            variables: Map::new(),
            cursor: (!plan.steps.is_empty()).then_some(StepId(0)),
            graph: flow::Graph::new(&plan),
            open: std::collections::BTreeSet::new(),
            loops: std::collections::BTreeSet::new(),
            critical: None,
            aborted: false,
            exited: None,
            rollback_wanted: false,
            cancel: None,
            paused: None,
            chosen: std::collections::BTreeSet::new(),
            completed_by: None,
            overrides: std::collections::BTreeMap::new(),
            rollback: None,
            ended: None,
            secrets: started.secrets.iter().cloned().collect(),
            plan,
            started,
        };
        state.variables = initial_variables(&state);
        state
    }

    /// Applies the next record of the journal.
    ///
    /// # Errors
    ///
    /// Why the event cannot stand here: the journal is damaged, or belongs to another plan.
    pub fn apply(&mut self, at: Timestamp, event: Event) -> Applied {
        self.length += 1;
        self.last_at = at;
        match event {
            Event::Started(_) => return Err("a second `started` record".into()),
            Event::StepStarted { of, inputs } => self.step_started(of, inputs, at)?,
            Event::StepSucceeded { of, outputs, goto } => self.step_succeeded(of, outputs, goto, at)?,
            Event::AttemptFailed { of, failure, retry_at } => self.attempt_failed(of, failure, retry_at)?,
            Event::StepFailed { of, failure, status } => self.step_failed(of, failure, status, at)?,
            Event::StepSkipped { step, visit: _, reason } => self.step_skipped(step, reason, at)?,
            Event::IterationStarted { of, iteration } => self.iteration_started(of, iteration)?,
            Event::StepExited { of, to } => self.step_exited(of, to, at)?,
            Event::VariableSet { of: _, name, value } => {
                self.variables.insert(name, value);
            }
            Event::CallRequested {
                of,
                call,
                digest,
                request,
            } => {
                self.calls_mut(of, call)?.push(Call::new(digest, request, at));
            }
            Event::CallProbed {
                of,
                call,
                probes,
                last,
                next_at,
            } => {
                let call = self.call_mut(of, call)?;
                call.probes = probes;
                call.last_probe = Some(last);
                call.next_probe_at = Some(next_at);
            }
            Event::CallCompleted { of, call, outcome } => self.call_completed(of, call, outcome, at)?,
            Event::Signalled(signal) => self.signalled(signal, at),
            Event::CancelRequested { by, reason } => self.cancel_requested(Cancel { by, reason, at }),
            Event::Paused(pause) => self.paused = Some(pause),
            Event::Unpaused { by: _ } => self.paused = None,
            Event::Resumed(resumption) => self.resumed(resumption),
            Event::RollbackStarted { reason, to } => self.rollback_started(Rollback { reason, to, at }),
            Event::RollbackStepStarted { of, inputs } => self.undo_started(of, inputs, at)?,
            Event::RollbackStepSucceeded { of } => self.undo_ended(of, Status::RolledBack, None)?,
            Event::RollbackStepFailed { of, failure } => self.undo_ended(of, Status::RollbackFailed, Some(failure))?,
            Event::RollbackStepSkipped {
                step,
                visit,
                by,
                reason,
            } => self.undo_skipped(step, visit, (by, reason))?,
            Event::Ended {
                status,
                failure,
                outputs,
            } => {
                self.ended = Some(Ended {
                    status,
                    failure,
                    outputs,
                    at,
                })
            }
        }
        Ok(())
    }

    pub(crate) fn visit_mut(&mut self, of: Try) -> Result<&mut Visit, String> {
        let index = (of.visit as usize).wrapping_sub(1);
        self.steps
            .get_mut(of.step.index())
            .and_then(|step| step.visits.get_mut(index))
            .ok_or_else(|| {
                format!(
                    "an event for visit {} of step {}, which has not begun",
                    of.visit, of.step.0
                )
            })
    }

    fn step_started(&mut self, of: Try, inputs: Value, at: Timestamp) -> Applied {
        let step = self
            .steps
            .get_mut(of.step.index())
            .ok_or_else(|| format!("no step {}", of.step.0))?;
        if of.visit as usize == step.visits.len() + 1 {
            self.visit_begins(of.step, at);
        }
        let repeats = matches!(self.plan.step(of.step).kind, StepKind::Loop { .. });
        let visit = self.visit_mut(of)?;
        visit.attempt = of.attempt;
        visit.attempt_at = at;
        visit.looping = repeats.then(|| Looping::new(&inputs));
        visit.inputs = inputs;
        visit.retry_at = None;
        let calls = std::mem::take(&mut visit.calls);
        visit.earlier.extend(calls);
        if repeats {
            self.loops.insert(of.step);
        } else {
            self.open.insert(of.step);
        }
        self.graph.start(of.step);
        Ok(())
    }

    fn visit_begins(&mut self, id: StepId, at: Timestamp) {
        self.chosen.remove(&id);
        let around = self.plan.step(id).parent;
        let iteration = around.and_then(|around| self.iteration(around));
        let visit = Visit {
            iteration,
            ..Visit::new(at)
        };
        self.steps[id.index()].visits.push(visit);
    }

    fn step_succeeded(&mut self, of: Try, outputs: Map<String, Value>, goto: Option<StepId>, at: Timestamp) -> Applied {
        let sequence = self.length - 1;
        let visit = self.visit_mut(of)?;
        let exits = outputs.get(CommandFlow::EXIT) == Some(&Value::Bool(true));
        visit.outputs = outputs;
        visit.end(Status::Success, at, sequence);
        if exits {
            self.exits(of.step);
        }
        self.open.remove(&of.step);
        self.loops.remove(&of.step);
        self.go(of.step, goto.or_else(|| flow::after_success(&self.plan, of.step)));
        self.graph.satisfied(of.step);
        Ok(())
    }

    fn attempt_failed(&mut self, of: Try, failure: Failure, retry_at: Timestamp) -> Applied {
        let visit = self.visit_mut(of)?;
        match of.phase {
            Phase::Run => {
                visit.failure = Some(failure);
                visit.retry_at = Some(retry_at);
            }
            Phase::Rollback => {
                let undo = visit
                    .undo
                    .as_mut()
                    .ok_or("a failed rollback attempt that has not begun")?;
                undo.failure = Some(failure);
                undo.retry_at = Some(retry_at);
            }
        }
        Ok(())
    }

    fn step_failed(&mut self, of: Try, failure: Failure, status: Status, at: Timestamp) -> Applied {
        let sequence = self.length - 1;
        let state = self
            .steps
            .get_mut(of.step.index())
            .ok_or_else(|| format!("no step {}", of.step.0))?;
        // Inputs that cannot be resolved fail a step before its first attempt starts.
        if of.visit as usize == state.visits.len() + 1 {
            self.visit_begins(of.step, at);
            self.graph.start(of.step);
        }
        let visit = self.visit_mut(of)?;
        visit.attempt = of.attempt;
        visit.failure = Some(failure.clone());
        visit.end(status, at, sequence);
        let inherited = visit.looping.as_ref().is_some_and(|looping| looping.failed.is_some());
        self.open.remove(&of.step);
        self.loops.remove(&of.step);
        if inherited {
            self.abort(of.step, failure);
        } else {
            self.after_failure(of.step, failure, status);
        }
        Ok(())
    }

    fn after_failure(&mut self, id: StepId, failure: Failure, status: Status) {
        let step = self.plan.step(id);
        if status == Status::Cancelled {
            // What was stopped because the time of its loop is over was not cancelled by anybody.
            let asked = failure.kind == FailureKind::Cancelled;
            self.go(id, step.on_cancel.filter(|_| asked));
            return;
        }
        if step.is_critical && self.is_worse(status) {
            self.critical = Some((id, status, failure.clone()));
        }
        if self.plan.command.is_some() {
            if command::asks_for_end(step.on_failure, &failure) {
                self.exits(id);
            }
            self.go(id, flow::after_success(&self.plan, id));
            return;
        }
        match step.on_failure {
            OnFailure::Abort => self.abort(id, failure),
            OnFailure::Rollback => {
                self.rollback_wanted = true;
                self.abort(id, failure);
            }
            OnFailure::Continue | OnFailure::Goto(_) => {
                self.graph.satisfied(id);
                self.go(id, flow::after_failure(&self.plan, id));
            }
        }
    }

    fn step_skipped(&mut self, id: StepId, reason: String, at: Timestamp) -> Applied {
        let sequence = self.length - 1;
        if id.index() >= self.steps.len() {
            return Err(format!("no step {}", id.0));
        }
        self.visit_begins(id, at);
        if let Some(visit) = self.steps[id.index()].visits.last_mut() {
            visit.skipped = Some(reason);
            visit.end(Status::Skipped, at, sequence);
        }
        self.go(id, flow::after_success(&self.plan, id));
        self.graph.start(id);
        self.graph.satisfied(id);
        Ok(())
    }

    fn calls_mut(&mut self, of: Try, number: u32) -> Result<&mut Vec<Call>, String> {
        let visit = self.visit_mut(of)?;
        let calls = match of.phase {
            Phase::Run => &mut visit.calls,
            Phase::Rollback => {
                &mut visit
                    .undo
                    .as_mut()
                    .ok_or("a call of a rollback that has not begun")?
                    .calls
            }
        };
        if calls.len() == number as usize {
            return Ok(calls);
        }
        Err(format!(
            "call {number} of step {} stands where {} should",
            of.step.0,
            calls.len()
        ))
    }

    fn call_mut(&mut self, of: Try, number: u32) -> Result<&mut Call, String> {
        let visit = self.visit_mut(of)?;
        let calls = match of.phase {
            Phase::Run => Some(&mut visit.calls),
            Phase::Rollback => visit.undo.as_mut().map(|undo| &mut undo.calls),
        };
        calls
            .and_then(|calls| calls.get_mut(number as usize))
            .ok_or_else(|| format!("an answer to call {number} of step {}, which was not made", of.step.0))
    }

    fn call_completed(&mut self, of: Try, number: u32, outcome: Outcome, at: Timestamp) -> Applied {
        if let Ok(Answer::Parameters(answer)) = &outcome {
            self.secrets.extend(given_placeholders(answer));
        }
        self.call_mut(of, number)?.outcome = Some((outcome, at));
        Ok(())
    }

    fn signalled(&mut self, signal: Signal, at: Timestamp) {
        if self.chosen(&signal) {
            return;
        }
        let Some((of, number)) = self.signal_target(&signal) else {
            return;
        };
        let Ok(call) = self.call_mut(of, number) else { return };
        match call.request {
            Request::Approvals(_) => call.votes.push(Vote {
                approver: signal.by,
                approved: signal.name == Signal::APPROVE,
                comment: signal.payload.get("comment").and_then(Value::as_str).map(str::to_owned),
                at,
            }),
            Request::Waits(_)
            | Request::Commands(_)
            | Request::Files(_)
            | Request::Http(_)
            | Request::Aws(_)
            | Request::Parameters(_)
            | Request::Blobs(_)
            | Request::Executions(_) => {
                call.signal = Some(waits::Signal {
                    by: signal.by,
                    at,
                    payload: signal.payload,
                });
            }
        }
    }

    /// What is under way is stopped; a hold does not keep it from ending.
    fn cancel_requested(&mut self, cancel: Cancel) {
        self.cancel = Some(cancel);
        self.cursor = None;
        self.aborted = true;
        self.paused = None;
        for &step in self.open.iter().chain(&self.loops) {
            for visit in &mut self.steps[step.index()].visits {
                visit.cancelling = visit.status == Status::InProgress;
                if let Some(looping) = &mut visit.looping {
                    looping.cursor = None;
                    looping.exit = None;
                }
            }
        }
    }

    fn resumed(&mut self, resumption: Resumption) {
        self.started.parameters.extend(resumption.parameters);
        for (step, inputs) in resumption.inputs {
            self.overrides.entry(step).or_default().extend(inputs);
        }
        self.ended = None;
        self.cancel = None;
        self.rollback = None;
        self.paused = None;
        self.aborted = false;
        self.exited = None;
        self.rollback_wanted = false;
        self.completed_by = None;
        self.chosen.clear();
        self.cursor = resumption.from;
        let kept = |state: &Self, step: StepId| state.is_done(step) && !resumption.again.contains(&step);
        self.graph = flow::Graph::resumed(&self.plan, |step| kept(self, step));
        let reentered: Vec<StepId> = match resumption.from.filter(|from| from.index() < self.steps.len()) {
            Some(from) => vec![from],
            None => self.loops_to_go_on(&resumption.again),
        };
        for step in reentered {
            self.reenter(step);
        }
        self.critical = self.first_critical(|step| kept(self, step) && !self.runs_again(resumption.from, step));
    }

    /// The earliest failure that counts for the whole, of the steps that stand.
    fn first_critical(&self, stands: impl Fn(StepId) -> bool) -> Option<(StepId, Status, Failure)> {
        let failed = self
            .plan
            .step_ids()
            .filter(|id| self.plan.step(*id).is_critical && stands(*id));
        let visits = failed.filter_map(|id| {
            let visit = self.visit(id)?;
            let failed = visit.status == Status::Failed || visit.status == Status::TimedOut;
            failed.then_some((visit.ended_by, id, visit.status, visit.failure.clone()?))
        });
        visits
            .min_by_key(|(ended_by, _, status, _)| (command::rank(&self.plan, *status), *ended_by))
            .map(|(_, id, status, failure)| (id, status, failure))
    }

    fn rollback_started(&mut self, rollback: Rollback) {
        // A rollback that failed begins again: what is undone stays undone.
        for visit in self.steps.iter_mut().flat_map(|step| &mut step.visits) {
            if let Some(undo) = visit.undo.as_mut().filter(|undo| undo.status == Status::RollbackFailed) {
                undo.status = Status::Pending;
            }
        }
        self.rollback = Some(rollback);
        self.ended = None;
    }

    fn undo_started(&mut self, of: Try, inputs: Value, at: Timestamp) -> Applied {
        self.visit_mut(of)?.undo = Some(Undo::new(of.attempt, inputs, at));
        self.open.insert(of.step);
        Ok(())
    }

    fn undo_skipped(&mut self, step: StepId, visit: u32, skipped: (String, String)) -> Applied {
        let of = Try {
            step,
            visit,
            phase: Phase::Rollback,
            attempt: 1,
        };
        let undo = self.visit_mut(of)?.undo.as_mut();
        let undo = undo.ok_or_else(|| format!("step {} is not being undone, and cannot be skipped", step.0))?;
        undo.status = Status::Skipped;
        undo.skipped = Some(skipped);
        Ok(())
    }

    fn undo_ended(&mut self, of: Try, status: Status, failure: Option<Failure>) -> Applied {
        // Inputs that cannot be resolved fail an undo before its first attempt starts.
        let undo = self
            .visit_mut(of)?
            .undo
            .get_or_insert_with(|| Undo::new(of.attempt, Value::Null, Timestamp::default()));
        undo.status = status;
        undo.failure = failure;
        undo.retry_at = None;
        self.open.remove(&of.step);
        Ok(())
    }
}

fn given_placeholders(answer: &parameters::Answer) -> Vec<String> {
    let of = |parameter: &parameters::Parameter| {
        secret::parse_placeholder(&parameter.value)
            .is_some()
            .then(|| parameter.value.clone())
    };
    match answer {
        parameters::Answer::Parameter(parameter) => of(parameter).into_iter().collect(),
        parameters::Answer::Parameters(list) => list.iter().filter_map(of).collect(),
        parameters::Answer::Revealed(_) => Vec::new(),
    }
}

fn initial_variables(state: &State) -> Map<String, Value> {
    let scope = StateScope {
        state,
        now: state.started_at,
    };
    let value = |template: &Template| template.resolve(&scope).unwrap_or(Value::Null);
    state
        .plan
        .variables
        .iter()
        .map(|variable| {
            (
                variable.name.clone(),
                variable.default.as_ref().map_or(Value::Null, value),
            )
        })
        .collect()
}
