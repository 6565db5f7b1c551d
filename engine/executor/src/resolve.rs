//! Values on their way into a step and out of it.

use std::{borrow::Cow, sync::Arc};

use runwright_model::{
    action::is_of_aws,
    expression::{Global, Reference, Scope, Template, Unresolved, text_of},
    failure::{Failure, FailureKind},
    id::StepId,
    parameter::{Bound, InDefault},
    selector::{SelectError, Selector},
    status::Status,
    step::{Step, StepKind},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use crate::{
    codes,
    state::{State, Visit},
};

/// What this machine runs, in the words of preconditions. Targets elsewhere will have to say their own.
pub const PLATFORM: &str = if cfg!(target_os = "macos") { "MacOS" } else { "Linux" };

/// Where the references of a running execution find their values.
pub(crate) struct StateScope<'a> {
    pub(crate) state: &'a State,
    pub(crate) now: Timestamp,
}

impl Scope for StateScope<'_> {
    fn lookup(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Parameter(name) => self.parameter(name),
            Reference::Variable(name) => self.state.variables.get(name).cloned(),
            Reference::Output { step, output } => outputs_of(self.state, self.state.plan.step_named(step)?)
                .get(output)
                .cloned(),
            Reference::Global(global) => self.global(*global).map(Value::String),
            Reference::ExecutionId => Some(Value::String(self.state.id.as_str().to_owned())),
        }
    }
}

impl StateScope<'_> {
    fn parameter(&self, name: &str) -> Option<Value> {
        let values = &self.state.started.parameters;
        let definitions = &self.state.plan.parameters;
        let inside = InDefault { values, others: self };
        Bound { definitions, values }.value(name, |template| template.resolve(&inside).ok())
    }

    fn global(&self, global: Global) -> Option<String> {
        match global {
            Global::Date => Some(self.format("%Y-%m-%d")),
            Global::DateTime => Some(self.format("%Y-%m-%d_%H.%M.%S")),
            Global::Region => self.state.started.globals.get("REGION").cloned(),
            Global::AccountId => self.state.started.globals.get("ACCOUNT_ID").cloned(),
            Global::AwsPartition => self.state.started.globals.get("AWS_PARTITION").cloned(),
            Global::Platform => Some(PLATFORM.to_owned()),
        }
    }

    fn format(&self, pattern: &str) -> String {
        jiff::Timestamp::from_millisecond(self.now.as_millis())
            .map(|moment| moment.strftime(pattern).to_string())
            .unwrap_or_default()
    }
}

/// The outputs of a step that references find.
#[must_use]
pub fn outputs_of(state: &State, id: StepId) -> Cow<'_, Map<String, Value>> {
    let Some(visit) = state.visit(id) else {
        return Cow::default();
    };
    match (visit.status, &visit.looping) {
        (Status::InProgress, Some(looping)) => Cow::Owned(looping.outputs()),
        (Status::Success, _) | (Status::Exited, Some(_)) => Cow::Borrowed(&visit.outputs),
        (Status::Failed | Status::TimedOut | Status::Cancelled, None) => {
            Cow::Owned(of_failed(state, id, visit).unwrap_or_default())
        }
        (_, _) => Cow::default(),
    }
}

/// The outputs of a step that failed: what its plugin told with the failure under the names of outputs. Runbooks of AWS go on
/// with the status and the output of a command that failed.
fn of_failed(state: &State, id: StepId, visit: &Visit) -> Option<Map<String, Value>> {
    let step = state.plan.step(id);
    let StepKind::Action { action, .. } = &step.kind else {
        return None;
    };
    let declared = &state.plan.actions.get(action)?.manifest.outputs.properties;
    let mut told = visit.failure.as_ref()?.details.as_ref()?.as_object()?.clone();
    told.retain(|name, _| declared.contains_key(name));
    Some(picked(step, told.clone()).unwrap_or(told))
}

/// The values of `global:…` that stay as they are, for a step's own eyes.
pub(crate) fn globals(state: &State) -> Vec<(String, String)> {
    ["REGION", "ACCOUNT_ID", "AWS_PARTITION"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), state.started.globals.get(name)?.clone())))
        .collect()
}

/// The role that the runbook assumes, if it does: `assumeRole` with its references replaced. One that cannot be resolved
/// is a role that nobody has, and not none: without a role a step would have the engine's own rights.
pub(crate) fn role(state: &State, now: Timestamp) -> Option<Arc<str>> {
    let role = state.plan.assume_role.as_ref()?.resolve(&StateScope { state, now });
    let role = role.map_or_else(|unresolved| unresolved.to_string(), |role| text_of(&role));
    (!role.trim().is_empty()).then(|| role.trim().into())
}

/// The inputs of a step as its plugin gets them: references replaced, converted to the declared types.
pub(crate) fn inputs(state: &State, id: StepId, now: Timestamp) -> Result<Value, Failure> {
    let step = state.plan.step(id);
    let (action, inputs) = match &step.kind {
        StepKind::Action { action, inputs } => (action, inputs),
        StepKind::Target { inputs, .. } => return Ok(Value::Object(inputs.clone())),
        StepKind::Branch { .. } | StepKind::UpdateVariable { .. } | StepKind::Loop { .. } => return Ok(Value::Null),
    };
    let resolve = if is_of_aws(action) {
        Template::resolve_or_text
    } else {
        Template::resolve
    };
    let mut resolved = resolve_map(state, inputs, now, resolve).map_err(|why| invalid_input(step, &why))?;
    if let Some(over) = state.overrides.get(&id) {
        resolved.extend(over.clone());
    }
    let Some(spec) = state.plan.actions.get(action) else {
        return Err(invalid_input(
            step,
            &format!("no plugin provides {action} here (`runwright validate` says why)"),
        ));
    };
    spec.manifest
        .inputs
        .coerce(Value::Object(resolved))
        .map_err(|mismatch| invalid_input(step, &mismatch.to_string()))
}

/// The references that stand as text in the inputs of a step, because they have no value.
pub(crate) fn passed_as_text(state: &State, id: StepId, now: Timestamp) -> Vec<&Reference> {
    match &state.plan.step(id).kind {
        StepKind::Action { action, inputs } if is_of_aws(action) => {
            let scope = StateScope { state, now };
            let references = inputs.iter().flat_map(|(_, template)| template.references());
            references
                .filter(|reference| scope.lookup(reference).is_none())
                .collect()
        }
        StepKind::Action { .. }
        | StepKind::Target { .. }
        | StepKind::Branch { .. }
        | StepKind::UpdateVariable { .. }
        | StepKind::Loop { .. } => Vec::new(),
    }
}

/// The inputs of a rollback: those of the run, with the author's own put over them.
pub(crate) fn rollback_inputs(
    state: &State,
    id: StepId,
    run: &Value,
    over: &[(String, Template)],
    now: Timestamp,
) -> Result<Value, Failure> {
    let mut inputs = run.as_object().cloned().unwrap_or_default();
    inputs.extend(
        resolve_map(state, over, now, Template::resolve).map_err(|why| invalid_input(state.plan.step(id), &why))?,
    );
    Ok(Value::Object(inputs))
}

fn resolve_map(
    state: &State,
    inputs: &[(String, Template)],
    now: Timestamp,
    resolve: fn(&Template, &dyn Scope) -> Result<Value, Unresolved>,
) -> Result<Map<String, Value>, String> {
    let scope = StateScope { state, now };
    inputs
        .iter()
        .map(|(name, template)| match resolve(template, &scope) {
            Ok(value) => Ok((name.clone(), value)),
            Err(unresolved) => Err(format!("input `{name}`: {unresolved}")),
        })
        .collect()
}

/// The outputs of a step: what its plugin returned, checked, and what its author picked from that.
pub(crate) fn outputs(state: &State, id: StepId, returned: Value) -> Result<Map<String, Value>, Failure> {
    let step = state.plan.step(id);
    let action = match &step.kind {
        StepKind::Action { action, .. } => action,
        StepKind::Target { .. } => return Ok(returned.as_object().cloned().unwrap_or_default()),
        StepKind::Branch { .. } | StepKind::UpdateVariable { .. } | StepKind::Loop { .. } => return Ok(Map::new()),
    };
    let shaped = match state.plan.actions.get(action) {
        Some(spec) => spec.manifest.outputs.coerce(returned).map_err(|mismatch| {
            Failure::new(
                FailureKind::Plugin,
                format!(
                    "step {}: the plugin of {action} returned outputs that do not fit its own manifest: {mismatch}. \
                     This is a fault of the plugin; report it to its author.",
                    step.name
                ),
            )
            .with_code(codes::RUBBISH_OUTPUT)
        })?,
        None => returned,
    };
    let outputs = match shaped {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    picked(step, outputs)
}

/// The outputs of a step's action, and those its author picked from them. One whose selector finds nothing is not there:
/// documents of AWS ask for what a resource may not have (the platform of an instance, a key pair), and branch on it.
pub(crate) fn picked(step: &Step, outputs: Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    if step.outputs.is_empty() {
        return Ok(outputs);
    }
    let whole = Value::Object(outputs.clone());
    let mut outputs = outputs;
    for picked in &step.outputs {
        let wrong = |why: String| unselectable(step, &picked.name, &picked.selector, &why);
        let selector = Selector::parse(&picked.selector).map_err(|error| wrong(error.to_string()))?;
        match selector.select(root(step, &whole), picked.output_type) {
            Ok(value) => drop(outputs.insert(picked.name.clone(), value)),
            Err(SelectError::NoResult) => drop(outputs.remove(&picked.name)),
            Err(error @ SelectError::Type { .. }) => return Err(wrong(error.to_string())),
        }
    }
    Ok(outputs)
}

/// What `$` is in the selectors of an action's outputs: the response of an API call, what a function returned, and else the
/// outputs themselves.
fn root<'a>(step: &Step, outputs: &'a Value) -> &'a Value {
    let (StepKind::Action { action, .. }, Some(response)) = (&step.kind, outputs.get("OutputPayload")) else {
        return outputs;
    };
    if matches!(action.as_str(), "aws:executeAwsApi" | "aws:invokeLambdaFunction") {
        response
    } else {
        outputs
    }
}

pub(crate) fn invalid_input(step: &Step, why: &str) -> Failure {
    Failure::new(
        FailureKind::InvalidInput,
        format!("step {} cannot start: {why}.", step.name),
    )
    .with_code(codes::INVALID_INPUT)
    .with_details(json!({ "stage": "InputValidation" }))
}

fn unselectable(step: &Step, output: &str, selector: &str, why: &str) -> Failure {
    let message = format!(
        "step {} did its work, but its output `{output}` cannot be picked with `{selector}`: {why}. \
         Correct the selector or the type under `outputs`.",
        step.name
    );
    Failure::new(FailureKind::Verification, message)
        .with_code(codes::UNSELECTABLE_OUTPUT)
        .with_details(json!({ "stage": "PostVerification" }))
}
