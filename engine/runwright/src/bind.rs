//! A runbook's parameters at the start of an execution.

use std::sync::Arc;

use runwright_compiler::Targets;
use runwright_model::{capability::parameters::ParameterType, plan::Plan};
use serde_json::{Map, Value};

use crate::{Error, parameter_source::ParameterSource};

/// The parameters, checked, with defaults filled in and `{{ssm:name}}` defaults read from the parameter store.
pub(crate) async fn parameters(
    plan: &Plan,
    given: Map<String, Value>,
    store: &ParameterSource,
) -> Result<Map<String, Value>, Error> {
    let given = with_stored(plan, given, store).await?;
    runwright_compiler::bind(plan, &given).map_err(Error::Parameters)
}

/// The plan that runs a runbook on targets, and the parameters that they share.
pub(crate) async fn targets(
    plan: &Plan,
    given: Map<String, Value>,
    targets: &Targets,
    store: &ParameterSource,
) -> Result<(Arc<Plan>, Map<String, Value>), Error> {
    let given = with_stored(plan, given, store).await?;
    match runwright_compiler::fan_out(plan, &given, targets) {
        Ok(plan) => Ok((Arc::new(plan), given)),
        Err(error) => Err(Error::State(error.to_string())),
    }
}

/// The parameters given, and those whose default stands in the parameter store.
async fn with_stored(
    plan: &Plan,
    given: Map<String, Value>,
    store: &ParameterSource,
) -> Result<Map<String, Value>, Error> {
    let mut given = given;
    for parameter in plan.parameters.iter() {
        let Some(name) = parameter.default.as_ref().and_then(runwright_compiler::ssm_default) else {
            continue;
        };
        if given.contains_key(&parameter.name) {
            continue;
        }
        let stored = store.get(name).await?;
        if stored.parameter_type == ParameterType::SecureString {
            return Err(Error::State(format!(
                "parameter {}: its default {{{{ssm:{name}}}}} names a SecureString, which a parameter cannot hold; \
                 read it in a step with rw:getParameter",
                parameter.name
            )));
        }
        given.insert(
            parameter.name.clone(),
            stored_value(stored.parameter_type, stored.value),
        );
    }
    Ok(given)
}

fn stored_value(parameter_type: ParameterType, value: String) -> Value {
    match parameter_type {
        ParameterType::StringList => value.split(',').map(Value::from).collect(),
        ParameterType::String | ParameterType::SecureString => Value::String(value),
    }
}
