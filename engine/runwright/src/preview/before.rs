//! What references are worth before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use runwright_compiler::ssm_default;
use runwright_executor::PLATFORM;
use runwright_model::{
    expression::{Global, Reference, Scope},
    parameter::{Bound, InDefault, Parameter},
    plan::Plan,
    step::{Step, StepKind},
};
use serde_json::{Map, Value};

use crate::place::{LOCAL_ACCOUNT, LOCAL_PARTITION, LOCAL_REGION};

/// What references are worth before a run.
pub(super) struct Before {
    definitions: Vec<Parameter>,
    parameters: Map<String, Value>,
    variables: BTreeMap<String, Value>,
    aws: bool,
}

impl Before {
    pub(super) fn new(plan: &Plan, mut parameters: Map<String, Value>, aws: bool) -> Self {
        // They are read when an execution starts.
        parameters.retain(|_, value| ssm_default(value).is_none());
        let mut scope = Self {
            definitions: plan.parameters.clone(),
            parameters,
            variables: BTreeMap::new(),
            aws,
        };
        let changed: BTreeSet<&str> = plan.steps.iter().filter_map(changes).collect();
        let kept = plan.variables.iter().filter(|v| !changed.contains(v.name.as_str()));
        let values = kept.filter_map(|variable| {
            let value = variable.default.as_ref()?.resolve(&scope).ok()?;
            Some((variable.name.clone(), value))
        });
        scope.variables = values.collect();
        scope
    }
}

/// The variable that a step changes.
fn changes(step: &Step) -> Option<&str> {
    match &step.kind {
        StepKind::UpdateVariable { name, .. } => Some(name),
        StepKind::Action { .. } | StepKind::Branch { .. } | StepKind::Loop { .. } | StepKind::Target { .. } => None,
    }
}

impl Scope for Before {
    fn lookup(&self, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Parameter(name) => {
                let values = &self.parameters;
                let definitions = &self.definitions;
                let inside = InDefault { values, others: self };
                Bound { definitions, values }.value(name, |template| Some(template.known(&inside)))
            }
            Reference::Variable(name) => self.variables.get(name).cloned(),
            Reference::Global(Global::Platform) => Some(PLATFORM.into()),
            Reference::Global(_) if self.aws => None,
            Reference::Global(Global::Region) => Some(LOCAL_REGION.into()),
            Reference::Global(Global::AccountId) => Some(LOCAL_ACCOUNT.into()),
            Reference::Global(Global::AwsPartition) => Some(LOCAL_PARTITION.into()),
            Reference::Global(Global::Date | Global::DateTime) | Reference::Output { .. } | Reference::ExecutionId => {
                None
            }
        }
    }
}
