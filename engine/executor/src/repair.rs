//! Going on after the end: which steps run again, and what they are given.
//!
//! Pure, like `decide.rs`. A plain resume of what a stopped process left needs none of this.

use std::collections::BTreeSet;

use runwright_model::{
    event::{Event, Resumption},
    expression::Reference,
    id::StepId,
    status::Status,
    step::{Repeat, Step, StepKind, enclosing},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, command, error::Affected, rollback, state::State};

/// How an ended execution is to go on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Repair {
    /// Who asks.
    pub by: String,
    /// The name of the step to begin with; where it stopped when absent.
    pub from: Option<String>,
    /// Parameters, checked and converted. Those that are as before change nothing.
    pub parameters: Map<String, Value>,
    /// Inputs put over those of the document: step, key, value.
    pub inputs: Vec<(String, String, Value)>,
    /// What becomes of steps that ended well and read something that is changed now.
    pub affected: Choice,
}

/// What becomes of finished steps that read a changed value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// If there are any, nothing is done and they are listed.
    #[default]
    Ask,
    /// They run again, with all that depends on them or comes after them.
    Again,
    /// Their results stand.
    Keep,
}

/// The events of a repair.
///
/// # Errors
///
/// [`Error::Choose`] when a choice must be made; [`Error::State`] when the execution cannot go on so.
pub(crate) fn requested(state: &State, repair: &Repair) -> Result<Vec<Event>, Error> {
    check_status(state)?;
    let changed = Changed::of(state, repair)?;
    let from = match &repair.from {
        Some(name) => Some(state.step_called(name)?),
        None => None,
    };
    let mut again = match from {
        Some(step) => with_dependents(state, BTreeSet::from([step])),
        None => BTreeSet::new(),
    };
    let mut from = from.or_else(|| stopped_at(state));
    let affected = affected(state, &changed, &again, from);
    match repair.affected {
        Choice::Ask if !affected.is_empty() => {
            return Err(Error::Choose {
                id: state.id.clone(),
                affected,
            });
        }
        Choice::Again => {
            let steps: BTreeSet<StepId> = affected
                .iter()
                .filter_map(|affected| state.plan.step_named(&affected.step))
                .collect();
            let earliest = steps.iter().copied().min_by_key(|step| ended_by(state, *step));
            from = earliest.or(from);
            again.extend(with_dependents(state, steps));
        }
        Choice::Ask | Choice::Keep => {}
    }
    let from = match from.filter(|_| !state.is_graph()) {
        Some(step) => Some(reachable(state, step)?),
        None => None,
    };
    if !state.is_graph() && from.is_none() {
        return Err(Error::State(format!(
            "execution {} is {}, and no step of it failed: name the step to begin with (`--from STEP`), or start it \
             again with `runwright rerun {}`.",
            state.id,
            state.status(),
            state.id
        )));
    }
    Ok(vec![Event::Resumed(Resumption {
        by: repair.by.clone(),
        again: again.into_iter().collect(),
        from,
        parameters: changed.parameters,
        inputs: changed.inputs,
    })])
}

/// A step inside a loop can be gone on with where the loop stopped. When the loop had come to its end, or something in
/// it was undone, it begins anew.
fn reachable(state: &State, step: StepId) -> Result<StepId, Error> {
    let around: Vec<StepId> = enclosing(&state.plan.steps, step).collect();
    let Some(outermost) = around.last() else {
        return Ok(step);
    };
    if around
        .iter()
        .any(|id| state.iteration(*id).is_none_or(|iteration| iteration.number == 0))
    {
        let name = |id: StepId| &state.plan.step(id).name;
        return Err(Error::State(format!(
            "execution {}: step {} is inside the loop {}, which has not begun: begin with the loop (`--from {}`).",
            state.id,
            name(step),
            name(*outermost),
            name(*outermost)
        )));
    }
    let over = undone_in(state, *outermost) || around.iter().any(|id| state.is_done(*id));
    Ok(if over { *outermost } else { step })
}

/// Whether a step inside a loop was undone.
pub(crate) fn undone_in(state: &State, id: StepId) -> bool {
    let inside = state
        .plan
        .step_ids()
        .filter(|step| enclosing(&state.plan.steps, *step).any(|around| around == id));
    inside.flat_map(|step| &state.steps[step.index()].visits).any(|visit| {
        visit
            .undo
            .as_ref()
            .is_some_and(|undo| undo.status == Status::RolledBack)
    })
}

fn check_status(state: &State) -> Result<(), Error> {
    let refuse = |why: &str| Err(Error::State(format!("execution {} {why}", state.id)));
    match state.ended.as_ref().map(|ended| ended.status) {
        None => refuse(
            "has not ended, so its values cannot be changed now; `runwright pause` holds it, `runwright cancel` ends it.",
        ),
        Some(Status::RollbackFailed) => refuse(
            "is RollbackFailed: finish that first, with `runwright rollback` (again, or `--skip STEP --reason TEXT`).",
        ),
        Some(
            Status::Success
            | Status::Failed
            | Status::TimedOut
            | Status::Cancelled
            | Status::RolledBack
            | Status::Exited
            | Status::Skipped
            | Status::Pending
            | Status::InProgress
            | Status::Waiting
            | Status::Cancelling
            | Status::RollingBack
            | Status::Paused,
        ) => Ok(()),
    }
}

/// What is other than before.
struct Changed {
    parameters: Map<String, Value>,
    inputs: Vec<(StepId, Map<String, Value>)>,
}

impl Changed {
    fn of(state: &State, repair: &Repair) -> Result<Self, Error> {
        let before = &state.started.parameters;
        let parameters = repair
            .parameters
            .iter()
            .filter(|(name, value)| before.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut inputs: Vec<(StepId, Map<String, Value>)> = Vec::new();
        for (name, key, value) in &repair.inputs {
            let step = state.step_called(name)?;
            if !matches!(state.plan.step(step).kind, StepKind::Action { .. }) {
                return Err(Error::State(format!(
                    "execution {}: step {name} takes no inputs, so none can be changed.",
                    state.id
                )));
            }
            match inputs.iter_mut().find(|(id, _)| *id == step) {
                Some((_, map)) => {
                    map.insert(key.clone(), value.clone());
                }
                None => inputs.push((step, Map::from_iter([(key.clone(), value.clone())]))),
            }
        }
        Ok(Self { parameters, inputs })
    }

    /// What of the changed values a step reads, as people name them.
    fn read_by(&self, id: StepId, step: &Step) -> Vec<String> {
        let mut read: BTreeSet<String> = references(step)
            .into_iter()
            .filter_map(|reference| match reference {
                Reference::Parameter(name) if self.parameters.contains_key(name) => Some(name.clone()),
                Reference::Parameter(_)
                | Reference::Variable(_)
                | Reference::Output { .. }
                | Reference::Global(_)
                | Reference::ExecutionId => None,
            })
            .collect();
        for (_, inputs) in self.inputs.iter().filter(|(step, _)| *step == id) {
            read.extend(inputs.keys().map(|key| format!("{}.{key}", step.name)));
        }
        read.into_iter().collect()
    }
}

fn references(step: &Step) -> Vec<&Reference> {
    let mut found: Vec<&Reference> = match &step.kind {
        StepKind::Action { inputs, .. } => inputs.iter().flat_map(|(_, template)| template.references()).collect(),
        StepKind::Target { .. } => Vec::new(),
        StepKind::Branch { choices, .. } => choices
            .iter()
            .flat_map(|choice| choice.condition.references())
            .collect(),
        StepKind::UpdateVariable { value, .. } => value.references(),
        StepKind::Loop { repeat, max_iterations } => {
            let mut found = match repeat {
                Repeat::Each { items, .. } => items.references(),
                Repeat::While(condition) => condition.references(),
            };
            found.extend(max_iterations.iter().flat_map(|most| most.references()));
            found
        }
    };
    found.extend(
        step.when
            .iter()
            .flat_map(runwright_model::condition::Condition::references),
    );
    found
}

/// The finished steps that read something changed and would not run again by themselves.
fn affected(state: &State, changed: &Changed, again: &BTreeSet<StepId>, from: Option<StepId>) -> Vec<Affected> {
    // In list order the flow passes again what came after the place where it goes on.
    let passed_again = |step: StepId| {
        let beginning = from.and_then(|from| ended_by(state, from));
        !state.is_graph() && beginning.is_some_and(|beginning| ended_by(state, step) >= Some(beginning))
    };
    let finished = |step: &StepId| state.is_done(*step) && !again.contains(step) && !passed_again(*step);
    let mut found: Vec<(Option<u64>, Affected)> = Vec::new();
    for id in state.plan.step_ids().filter(finished) {
        let step = state.plan.step(id);
        let reads = changed.read_by(id, step);
        if !reads.is_empty() {
            let step = step.name.clone();
            found.push((ended_by(state, id), Affected { step, reads }));
        }
    }
    found.sort_by_key(|(ended_by, _)| *ended_by);
    found.into_iter().map(|(_, affected)| affected).collect()
}

/// Where the flow goes on when nobody says: the first step that was undone, else the one that failed or was cancelled.
fn stopped_at(state: &State) -> Option<StepId> {
    let undone = |id: &StepId| {
        state.visit(*id).is_some_and(|visit| {
            let undo = visit.undo.as_ref();
            undo.is_some_and(|undo| undo.status == Status::RolledBack)
        })
    };
    let first_undone = state
        .plan
        .step_ids()
        .filter(undone)
        .min_by_key(|id| ended_by(state, *id));
    let cancelled = |id: &StepId| state.visit(*id).is_some_and(|visit| visit.status == Status::Cancelled);
    let failed = || command::first_failed(state);
    first_undone
        .or_else(failed)
        .or_else(|| state.critical.as_ref().map(|(step, _, _)| *step))
        .or_else(|| {
            state
                .plan
                .step_ids()
                .filter(cancelled)
                // A loop ends after the step of it that was under way.
                .max_by_key(|id| {
                    (
                        state.visit(*id).is_some_and(|visit| visit.looping.is_none()),
                        ended_by(state, *id),
                    )
                })
        })
}

fn ended_by(state: &State, step: StepId) -> Option<u64> {
    state.visit(step).and_then(|visit| visit.ended_by)
}

/// These steps and, in graph order, all that depend on them.
fn with_dependents(state: &State, mut steps: BTreeSet<StepId>) -> BTreeSet<StepId> {
    // A step may depend on one that stands further down, so the pass is repeated until nothing is added.
    loop {
        let more: Vec<StepId> = state
            .plan
            .step_ids()
            .filter(|id| !steps.contains(id))
            .filter(|id| {
                state
                    .plan
                    .step(*id)
                    .depends_on
                    .iter()
                    .any(|needed| steps.contains(needed))
            })
            .collect();
        if more.is_empty() {
            return steps;
        }
        steps.extend(more);
    }
}

/// Whether a rollback of this execution would find something to undo.
#[must_use]
pub fn can_roll_back(state: &State) -> bool {
    state.ended.is_some() && !rollback::remaining(state, None).is_empty()
}
