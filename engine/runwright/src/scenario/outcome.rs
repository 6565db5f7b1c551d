//! What came of a scenario, gathered from the journals.

use std::collections::BTreeSet;

use runwright_executor::state::State;
use runwright_model::{
    capability::{Answer, Request, executions},
    event::{Event, Record},
    id::{ExecutionId, StepId},
    log::LogLine,
    plan::{Order, Plan},
    status::Status,
    step::{OnFailure, StepKind},
};
use runwright_store::Store;

use crate::Error;

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) state: State,
    /// The steps in the order in which they began; skipped ones are not among them.
    pub(crate) path: Vec<String>,
    /// The calls of all steps, of children too: the step's name, and the call.
    pub(crate) calls: Vec<(String, Request)>,
    /// Steps and ways that were reached.
    pub(crate) reached: BTreeSet<String>,
    /// What its own steps said.
    pub(crate) logs: Vec<LogLine>,
}

/// How many lines of a log are looked at.
const LINES_MAX: usize = 100_000;

impl Outcome {
    /// Reads the journals of an execution and its children.
    pub(crate) async fn gather(state: State, store: &dyn Store) -> Result<Self, Error> {
        let records = store.read(&state.id, 0).await?;
        let mut outcome = Self {
            path: path(&state.plan, &records),
            calls: requests(&records)
                .into_iter()
                .map(|(step, request)| (name(&state.plan, step), request))
                .collect(),
            reached: reached(&state, &records),
            logs: logs(&state.id, store).await?,
            state,
        };
        let mut todo: Vec<ExecutionId> = children(&records);
        while let Some(child) = todo.pop() {
            let records = store.read(&child, 0).await?;
            todo.extend(children(&records));
            // Steps of children have no names here: their calls are told by what they are.
            outcome.calls.extend(
                requests(&records)
                    .into_iter()
                    .map(|(_, request)| (String::new(), request)),
            );
        }
        Ok(outcome)
    }
}

async fn logs(id: &ExecutionId, store: &dyn Store) -> Result<Vec<LogLine>, Error> {
    let lines = store.read_log(id, 0, LINES_MAX).await?;
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn name(plan: &Plan, id: StepId) -> String {
    plan.steps
        .get(id.index())
        .map(|step| step.name.clone())
        .unwrap_or_default()
}

fn path(plan: &Plan, records: &[Record]) -> Vec<String> {
    let mut path = Vec::new();
    for record in records {
        if let Event::StepStarted { of, .. } = &record.event
            && of.attempt == 1
        {
            path.push(name(plan, of.step));
        }
    }
    path
}

fn requests(records: &[Record]) -> Vec<(StepId, Request)> {
    let mut requests = Vec::new();
    for record in records {
        if let Event::CallRequested { of, request, .. } = &record.event {
            requests.push((of.step, request.clone()));
        }
    }
    requests
}

fn children(records: &[Record]) -> Vec<ExecutionId> {
    let mut children = Vec::new();
    for record in records {
        if let Event::CallCompleted { outcome, .. } = &record.event
            && let Ok(Answer::Executions(executions::Answer::Started(id))) = outcome
        {
            children.push(id.clone());
        }
    }
    children
}

/// Every step and way that there is to reach, each as it is told.
pub(crate) fn ways(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let steps = plan.steps.iter().map(|step| step.name.clone()).collect();
    let mut branches = Vec::new();
    for id in plan.step_ids() {
        let step = plan.step(id);
        if step.when.is_some() {
            branches.extend([runs(&step.name), skipped(&step.name)]);
        }
        if let OnFailure::Goto(target) = step.on_failure {
            branches.push(failed(&step.name, &name(plan, target)));
        }
        if let StepKind::Branch { choices, default } = &step.kind {
            let mut targets: Vec<StepId> = choices.iter().map(|choice| choice.next).collect();
            targets.extend(default);
            for target in targets {
                let way = chosen(&step.name, &name(plan, target));
                if !branches.contains(&way) {
                    branches.push(way);
                }
            }
            if default.is_none() {
                branches.push(unchosen(&step.name));
            }
        }
    }
    (steps, branches)
}

fn reached(state: &State, records: &[Record]) -> BTreeSet<String> {
    let plan = &state.plan;
    let mut reached = BTreeSet::new();
    for record in records {
        let event = &record.event;
        if let Event::StepStarted { of, .. } = event {
            let name = name(plan, of.step);
            reached.extend([runs(&name), name]);
        }
        if let Event::StepSkipped { step, .. } = event {
            reached.insert(skipped(&name(plan, *step)));
        }
        if let Event::StepSucceeded { of, goto, .. } = event {
            let from = name(plan, of.step);
            reached.insert(match goto {
                Some(target) => chosen(&from, &name(plan, *target)),
                None => unchosen(&from),
            });
        }
        if let Event::StepFailed { of, status, .. } = event
            && let OnFailure::Goto(target) = plan.step(of.step).on_failure
            && *status != Status::Cancelled
        {
            reached.insert(failed(&name(plan, of.step), &name(plan, target)));
        }
    }
    reached
}

fn runs(step: &str) -> String {
    format!("{step}, when it runs")
}

fn skipped(step: &str) -> String {
    format!("{step}, when it is skipped")
}

fn chosen(step: &str, target: &str) -> String {
    format!("{step} to {target}")
}

fn unchosen(step: &str) -> String {
    format!("{step}, when no choice holds")
}

fn failed(step: &str, target: &str) -> String {
    format!("{step} to {target}, when it fails")
}

/// Whether the order in which steps began says something: in graph order those side by side begin in any.
pub(crate) fn is_ordered(plan: &Plan) -> bool {
    match plan.order {
        Order::List => true,
        Order::Graph => false,
    }
}
