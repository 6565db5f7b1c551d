//! What a run would do, known without running: steps, inputs, impact, grants, approvals, ways.
//!
//! Nothing is touched: no store is opened, no account asked, no parameter read. What only a run can know stays a
//! reference.

mod before;
mod impact;
mod permission;

use std::collections::{BTreeMap, BTreeSet};

use runwright_compiler::{Edge, EdgeKind, Targets, bind, edges, fan_out};
use runwright_model::{
    action::Impact,
    condition::Condition,
    expression::{Scope, Template},
    grant::Policy,
    id::StepId,
    plan::{Order, Plan},
    step::{OnFailure, Repeat, RollbackSpec, Step, StepKind},
};
use serde::Serialize;
use serde_json::{Map, Value};

pub use self::permission::{AtMost, Permission};
use self::{before::Before, impact::impact};
use crate::{Error, Library, Runbook};

/// What is to be previewed.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// The runbook, as [`Library::runbook`] answered it.
    pub runbook: Runbook,
    /// Parameters: native JSON, or text that is converted.
    pub parameters: Map<String, Value>,
    /// What it would run on; once when absent.
    pub targets: Option<Targets>,
    /// Whether it would run with access to AWS: then region and account are not known here.
    pub aws: bool,
}

/// What a run would do.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The runbook's name.
    pub runbook: String,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The plan, by content.
    pub plan: String,
    /// How its steps follow each other.
    pub order: Order,
    /// Steps running at the same time (graph order).
    pub max_concurrency: u32,
    /// The role it runs as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<Value>,
    /// Whether a failed execution is undone.
    pub rollback_on_failure: bool,
    /// How many steps there are of each impact.
    pub impact: ImpactCounts,
    /// The names of the steps that ask people.
    pub approvals: Vec<String>,
    /// Why it could not run here, although the document is sound: a component is not installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// The parameters, defaults among them; on targets, those that all share.
    pub parameters: Vec<PreviewParameter>,
    /// What it would run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<PreviewTargets>,
    /// Its steps, in the order of the document.
    pub steps: Vec<PreviewStep>,
    /// Its outputs: `step.output`.
    pub outputs: Vec<String>,
}

/// Numbers of steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImpactCounts {
    /// They change something.
    pub mutating: usize,
    /// They only look, decide or wait.
    pub non_mutating: usize,
    /// It depends on what they are given.
    pub undetermined: usize,
}

/// A parameter.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviewParameter {
    /// Its name.
    pub name: String,
    /// Its value; `{{ssm:name}}` for one that is read when it starts.
    pub value: Value,
    /// Whether it was given, and is not the default.
    pub given: bool,
}

/// A run on targets.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviewTargets {
    /// Children that run at the same time, at most.
    pub max_concurrency: u32,
    /// No child starts when more than so many have failed.
    pub max_errors: u32,
    /// One child runs first, then two, then four.
    pub ramp: bool,
    /// Each with the parameters that are its own.
    pub targets: Vec<PreviewTarget>,
}

/// One target.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewTarget {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub parameters: Map<String, Value>,
}

/// A step.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviewStep {
    /// Its name.
    pub name: String,
    /// Its action.
    pub action: String,
    /// The name of the loop it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_loop: Option<String>,
    /// What it does to the world.
    pub impact: Impact,
    /// Whether it runs at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<PreviewCondition>,
    /// Its inputs as far as they are known; what is not stands there as a reference.
    pub inputs: Map<String, Value>,
    /// The references in them that only a run can resolve.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<String>,
    /// While this holds, a loop goes round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats_while: Option<PreviewCondition>,
    /// The steps it waits for (graph order).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// Where the flow goes from it.
    pub ways: Vec<Way>,
    /// The flow ends after it, where it would go on.
    pub is_end: bool,
    /// How often it is tried at most.
    pub max_attempts: u32,
    /// How long an attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// What its failure means: `Abort`, `Continue`, `Rollback`, `step:NAME`, or `Exit` (Command documents).
    pub on_failure: String,
    /// What its plugin asks for, and gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Permission>,
    /// Whether it asks people.
    pub approval: bool,
    /// Whether what it did can be undone.
    pub rollback: bool,
}

/// A condition.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewCondition {
    /// In words.
    pub text: String,
    /// Whether it holds, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
}

/// A way from a step to another.
#[derive(Debug, Clone, Serialize)]
pub struct Way {
    /// The step it leads to.
    pub to: String,
    /// Why it is taken.
    pub kind: EdgeKind,
    /// The choice of a branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<PreviewCondition>,
}

impl Library {
    /// What a run would do. Touches nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Document`], [`Error::Parameters`], and [`Error::State`] when it cannot run on these targets: it would not
    /// start.
    pub fn plan(&self, request: PlanRequest) -> Result<Preview, Error> {
        let Some(plan) = request.runbook.compiled.plan else {
            return Err(Error::Document {
                source_text: Box::new(request.runbook.source),
                diagnostics: request.runbook.compiled.diagnostics,
            });
        };
        let given = &request.parameters;
        let (bound, targets) = match &request.targets {
            None => (bind(&plan, given).map_err(Error::Parameters)?, None),
            Some(targets) => {
                let fanned = fan_out(&plan, given, targets).map_err(|error| Error::State(error.to_string()))?;
                (shared(&fanned), Some(on_targets(&fanned)))
            }
        };
        let lacks = crate::outside::check(&plan).err().map(|error| error.to_string());
        let parameters = parameters(&plan, &bound, given);
        let scope = Before::new(&plan, bound, request.aws);
        let policy = crate::policy::load(&self.state_dir, Policy::default())?.policy;
        let steps = steps(&plan, &scope, &policy);
        Ok(Preview {
            runbook: plan.name.clone(),
            description: plan.description.clone(),
            plan: plan.digest().to_string(),
            order: plan.order,
            max_concurrency: plan.max_concurrency,
            assume_role: plan.assume_role.as_ref().map(|role| role.known(&scope)),
            rollback_on_failure: plan.rollback_on_failure,
            impact: counts(&steps),
            approvals: steps.iter().filter(|s| s.approval).map(|s| s.name.clone()).collect(),
            lacks,
            parameters,
            targets,
            steps,
            outputs: plan
                .outputs
                .iter()
                .map(|output| format!("{}.{}", plan.step(output.step).name, output.output))
                .collect(),
        })
    }
}

/// The parameters that are the same for every target.
fn shared(fanned: &Plan) -> Map<String, Value> {
    let mut of_each = fanned.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Target { parameters, .. } => Some(parameters),
        StepKind::Action { .. } | StepKind::Branch { .. } | StepKind::UpdateVariable { .. } | StepKind::Loop { .. } => {
            None
        }
    });
    let mut shared = of_each.next().cloned().unwrap_or_default();
    for parameters in of_each {
        shared.retain(|name, value| parameters.get(name) == Some(value));
    }
    shared
}

fn on_targets(fanned: &Plan) -> PreviewTargets {
    let targets = fanned.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Target { inputs, .. } => Some(PreviewTarget {
            name: step.name.clone(),
            parameters: inputs.clone(),
        }),
        StepKind::Action { .. } | StepKind::Branch { .. } | StepKind::UpdateVariable { .. } | StepKind::Loop { .. } => {
            None
        }
    });
    PreviewTargets {
        max_concurrency: fanned.max_concurrency,
        max_errors: fanned.fan_out.as_ref().map_or(0, |fan_out| fan_out.max_errors),
        ramp: fanned.fan_out.as_ref().is_some_and(|fan_out| fan_out.ramp),
        targets: targets.collect(),
    }
}

fn parameters(plan: &Plan, bound: &Map<String, Value>, given: &Map<String, Value>) -> Vec<PreviewParameter> {
    let declared = plan.parameters.iter();
    declared
        .filter_map(|parameter| {
            Some(PreviewParameter {
                name: parameter.name.clone(),
                value: bound.get(&parameter.name)?.clone(),
                given: given.contains_key(&parameter.name),
            })
        })
        .collect()
}

fn steps(plan: &Plan, scope: &Before, policy: &Policy) -> Vec<PreviewStep> {
    let mut leaving: BTreeMap<StepId, Vec<Edge>> = BTreeMap::new();
    for edge in edges(plan) {
        // In graph order the steps themselves say what they wait for.
        if edge.kind != EdgeKind::Depends {
            leaving.entry(edge.from).or_default().push(edge);
        }
    }
    let each = plan.step_ids().map(|id| {
        let edges = leaving.remove(&id).unwrap_or_default();
        step(plan, id, &edges, scope, policy)
    });
    each.collect()
}

fn step(plan: &Plan, id: StepId, edges: &[Edge], scope: &Before, policy: &Policy) -> PreviewStep {
    let step = plan.step(id);
    let name = |id: &StepId| plan.step(*id).name.clone();
    let spec = plan.actions.get(step.kind.action());
    let templates = inputs(&step.kind);
    let inputs: Map<String, Value> = templates
        .iter()
        .map(|(name, template)| ((*name).to_owned(), template.known(scope)))
        .collect();
    let references = templates.iter().flat_map(|(_, template)| template.references());
    let later: BTreeSet<String> = references
        .filter(|reference| scope.lookup(reference).is_none())
        .map(ToString::to_string)
        .collect();
    PreviewStep {
        name: step.name.clone(),
        action: step.kind.action().to_owned(),
        in_loop: step.parent.as_ref().map(name),
        impact: impact(step.kind.action(), spec, &inputs),
        when: step.when.as_ref().map(|when| condition(when, scope)),
        later: later.into_iter().collect(),
        repeats_while: match &step.kind {
            StepKind::Loop {
                repeat: Repeat::While(holds),
                ..
            } => Some(condition(holds, scope)),
            StepKind::Loop { .. }
            | StepKind::Action { .. }
            | StepKind::Branch { .. }
            | StepKind::UpdateVariable { .. }
            | StepKind::Target { .. } => None,
        },
        depends_on: step.depends_on.iter().map(name).collect(),
        ways: ways(plan, step, edges, scope),
        is_end: step.is_end,
        max_attempts: step.retry.max_attempts,
        timeout_seconds: step.timeout_seconds,
        on_failure: match step.on_failure {
            // In Command documents the steps behind it are skipped.
            OnFailure::Abort if plan.command.is_some() => "Exit".to_owned(),
            OnFailure::Abort => "Abort".to_owned(),
            OnFailure::Continue => "Continue".to_owned(),
            OnFailure::Rollback => "Rollback".to_owned(),
            OnFailure::Goto(target) => format!("step:{}", name(&target)),
        },
        permissions: spec.map(|spec| permission::of(spec, policy)).unwrap_or_default(),
        approval: spec.is_some_and(permission::asks_people),
        rollback: step.rollback != RollbackSpec::None && spec.is_some_and(|spec| spec.manifest.rollback),
        inputs,
    }
}

/// What of a step has references in it, under the names of the document.
fn inputs(kind: &StepKind) -> Vec<(&str, &Template)> {
    match kind {
        StepKind::Action { inputs, .. } => inputs.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        StepKind::UpdateVariable { name, value } => vec![(name.as_str(), value)],
        StepKind::Loop { repeat, max_iterations } => {
            let items = match repeat {
                Repeat::Each { items, .. } => Some(("Iterators", items)),
                Repeat::While(_) => None,
            };
            let most = max_iterations.as_ref().map(|most| ("MaxIterations", most));
            items.into_iter().chain(most).collect()
        }
        StepKind::Branch { .. } | StepKind::Target { .. } => Vec::new(),
    }
}

fn condition(condition: &Condition, scope: &Before) -> PreviewCondition {
    PreviewCondition {
        text: condition.to_string(),
        holds: condition.holds(scope).ok(),
    }
}

fn ways(plan: &Plan, step: &Step, edges: &[Edge], scope: &Before) -> Vec<Way> {
    let mut choices = match &step.kind {
        StepKind::Branch { choices, .. } => choices.iter(),
        StepKind::Action { .. } | StepKind::UpdateVariable { .. } | StepKind::Loop { .. } | StepKind::Target { .. } => {
            [].iter()
        }
    };
    let way = |edge: &Edge| Way {
        to: plan.step(edge.to).name.clone(),
        kind: edge.kind,
        condition: match edge.kind {
            // The edges of a branch's choices have the order of the choices.
            EdgeKind::Choice => choices.next().map(|choice| condition(&choice.condition, scope)),
            EdgeKind::Next
            | EdgeKind::Default
            | EdgeKind::Failure
            | EdgeKind::Cancel
            | EdgeKind::Depends
            | EdgeKind::Body => None,
        },
    };
    edges.iter().map(way).collect()
}

fn counts(steps: &[PreviewStep]) -> ImpactCounts {
    let mut counts = ImpactCounts::default();
    for step in steps {
        match step.impact {
            Impact::Mutating => counts.mutating += 1,
            Impact::NonMutating => counts.non_mutating += 1,
            Impact::Undetermined => counts.undetermined += 1,
        }
    }
    counts
}
