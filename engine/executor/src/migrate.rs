//! Whether a journal fits another version of its runbook: what has begun must mean the same in both.
//!
//! Pure. It changes nothing: an execution keeps the plan and the plugins it began with, whatever becomes of the file.

use runwright_model::{
    event::Phase,
    id::StepId,
    plan::Plan,
    step::{Step, StepKind},
};
use serde::{Deserialize, Serialize};

use crate::{flow, state::State};

/// Something in the new version that the journal contradicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    /// The step it is about; absent when it is about the whole.
    pub step: Option<String>,
    /// What is different, in a sentence.
    pub why: String,
}

/// Everything that keeps an execution from going on with this plan; empty when it could.
///
/// A step that has not begun may be other than it was, and so may what comes after it. One that has begun must have the
/// same action, inputs, condition, outputs and place; one that is under way also the same plugin.
#[must_use]
pub fn misfits(state: &State, plan: &Plan) -> Vec<Misfit> {
    let mut found = Vec::new();
    whole(state, plan, &mut found);
    for id in state.plan.step_ids().filter(|id| state.visit(*id).is_some()) {
        let step = state.plan.step(id);
        let Some(new) = plan.step_named(&step.name) else {
            found.push(of(step, "has begun, and the new version has no step of that name"));
            continue;
        };
        for part in differing_parts(&state.plan, step, plan, plan.step(new)) {
            found.push(of(
                step,
                &format!("has begun, and its {part} is another in the new version"),
            ));
        }
        order(state, id, plan, new, &mut found);
    }
    under_way(state, plan, &mut found);
    found
}

fn of(step: &Step, why: &str) -> Misfit {
    Misfit {
        step: Some(step.name.clone()),
        why: format!("step {} {why}", step.name),
    }
}

fn whole(state: &State, plan: &Plan, found: &mut Vec<Misfit>) {
    if state.plan.order != plan.order {
        found.push(Misfit {
            step: None,
            why: "one version is in list order and the other in graph order".into(),
        });
    }
    for parameter in &plan.parameters {
        if parameter.default.is_none() && !state.started.parameters.contains_key(&parameter.name) {
            found.push(Misfit {
                step: None,
                why: format!(
                    "the new version needs a parameter `{}`, which the execution was not given",
                    parameter.name
                ),
            });
        }
    }
}

/// The parts of a step that mean something else in the new version.
fn differing_parts(old_plan: &Plan, old: &Step, new_plan: &Plan, new: &Step) -> Vec<&'static str> {
    let mut parts = Vec::new();
    match (&old.kind, &new.kind) {
        (StepKind::Action { action: a, inputs: b }, StepKind::Action { action: c, inputs: d }) => {
            if a != c {
                parts.push("action");
            } else if b != d {
                parts.push("`inputs`");
            }
        }
        (StepKind::Branch { choices: a, default: b }, StepKind::Branch { choices: c, default: d }) => {
            let name = |plan: &Plan, id: StepId| plan.step(id).name.clone();
            let same = a.len() == c.len()
                && a.iter()
                    .zip(c)
                    .all(|(a, c)| a.condition == c.condition && name(old_plan, a.next) == name(new_plan, c.next))
                && b.map(|id| name(old_plan, id)) == d.map(|id| name(new_plan, id));
            if !same {
                parts.push("list of choices");
            }
        }
        (StepKind::UpdateVariable { .. }, StepKind::UpdateVariable { .. }) if old.kind == new.kind => {}
        (StepKind::UpdateVariable { .. }, StepKind::UpdateVariable { .. }) => parts.push("variable or value"),
        (StepKind::Target { .. }, StepKind::Target { .. }) if old.kind == new.kind => {}
        (StepKind::Loop { .. }, StepKind::Loop { .. }) if old.kind == new.kind => {}
        (StepKind::Loop { .. }, StepKind::Loop { .. }) => parts.push("list of items or condition"),
        (
            StepKind::Action { .. }
            | StepKind::Branch { .. }
            | StepKind::UpdateVariable { .. }
            | StepKind::Loop { .. }
            | StepKind::Target { .. },
            _,
        ) => parts.push("action"),
    }
    let around = |plan: &Plan, step: &Step| step.parent.map(|id| plan.step(id).name.clone());
    if around(old_plan, old) != around(new_plan, new) {
        parts.push("loop around it");
    }
    if old.when != new.when {
        parts.push("`when`");
    }
    if old.outputs != new.outputs {
        parts.push("list of `outputs`");
    }
    parts
}

/// In list order the flow must come from a finished step to the same place; in graph order what a begun step needs must
/// have ended.
fn order(state: &State, id: StepId, plan: &Plan, new: StepId, found: &mut Vec<Misfit>) {
    let step = state.plan.step(id);
    if state.is_graph() {
        for needed in &plan.step(new).depends_on {
            let name = &plan.step(*needed).name;
            let done = state.plan.step_named(name).is_some_and(|needed| state.is_done(needed));
            if !done {
                found.push(of(
                    step,
                    &format!("has begun, and now depends on {name}, which has not ended well"),
                ));
            }
        }
        return;
    }
    let followed = |next: &StepId| state.visit(*next).is_some();
    let Some(next) = flow::after_success(&state.plan, id).filter(followed) else {
        return;
    };
    if !state.is_done(id) || matches!(step.kind, StepKind::Branch { .. }) {
        return;
    }
    let next = &state.plan.step(next).name;
    let now = flow::after_success(plan, new).map(|id| plan.step(id).name.as_str());
    if now != Some(next.as_str()) {
        let now = now.unwrap_or("the end");
        found.push(of(
            step,
            &format!("was followed by {next}, and in the new version is followed by {now}"),
        ));
    }
}

/// A plugin that is under way is answered from the journal when it runs again, so it must be the same one.
fn under_way(state: &State, plan: &Plan, found: &mut Vec<Misfit>) {
    for tried in state.open_tries() {
        let step = state.plan.step(tried.step);
        let StepKind::Action { action, .. } = &step.kind else {
            continue;
        };
        let digest = |plan: &Plan| plan.actions.get(action).map(|spec| spec.component);
        // Another action is told of above.
        if digest(plan).is_some_and(|new| digest(&state.plan) != Some(new)) {
            let doing = match tried.phase {
                Phase::Run => "under way",
                Phase::Rollback => "being undone",
            };
            let why = format!("is {doing}, and the new version has another plugin for {action}");
            found.push(of(step, &why));
        }
    }
}
