//! `aws:updateVariable`: a value of exactly the declared type.

use runwright_model::{expression::Template, parameter::ParameterType, time::Timestamp};
use serde_json::Value;

use crate::{resolve::StateScope, state::State};

/// The new value, or why it cannot be taken.
pub(crate) fn update(state: &State, name: &str, value: &Template, now: Timestamp) -> Result<Value, String> {
    let Some(variable) = state.plan.variables.iter().find(|variable| variable.name == name) else {
        return Err("the runbook declares no such variable".to_owned());
    };
    let value = value
        .resolve_or_text(&StateScope { state, now })
        .map_err(|unresolved| unresolved.to_string())?;
    if fits(variable.variable_type, &value) {
        return Ok(value);
    }
    Err(format!(
        "it is a {}, and the value is {value}; there is no conversion",
        variable.variable_type.name()
    ))
}

fn fits(wanted: ParameterType, value: &Value) -> bool {
    match wanted {
        ParameterType::String | ParameterType::InstanceId | ParameterType::BucketName | ParameterType::RoleArn => {
            value.is_string()
        }
        ParameterType::Integer => value.is_i64() || value.is_u64(),
        ParameterType::Boolean => value.is_boolean(),
        ParameterType::StringMap => value.is_object(),
        ParameterType::MapList => value.as_array().is_some_and(|items| items.iter().all(Value::is_object)),
        ParameterType::StringList
        | ParameterType::InstanceIdList
        | ParameterType::BucketNameList
        | ParameterType::RoleArnList => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
    }
}
