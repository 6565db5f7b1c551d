//! Parameter values for one execution: what was given, checked against the definitions, and the defaults.

use runwright_model::{
    expression::text_of,
    parameter::{Parameter, ParameterType},
    plan::Plan,
};
use serde_json::{Map, Value};

use crate::{
    constraint,
    suggest::{listed, nearest},
};

/// Why the value of one parameter cannot be used. Nothing is started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("parameter `{parameter}` {reason}{}", .allowed.as_ref().map(|a| format!("; allowed is {a}")).unwrap_or_default())]
pub struct BindError {
    /// The parameter's name, as given.
    pub parameter: String,
    /// What is wrong: the end of a sentence that begins with the name.
    pub reason: String,
    /// What would be right, where the reason does not say it.
    pub allowed: Option<String>,
}

/// The effective parameters of an execution, in the order of the document.
///
/// A value may have the JSON type of its parameter; be a text, as the command line gives it, which is parsed for
/// other types than String; or be a list of texts, as Systems Manager's API carries every value. Defaults of the
/// form `{{ssm:name}}` are left as they are, see [`ssm_default`].
///
/// # Errors
///
/// Every problem of every parameter: missing, unknown, of the wrong type, not allowed.
pub fn bind(plan: &Plan, given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<BindError>> {
    let mut errors: Vec<BindError> = given
        .keys()
        .filter(|name| !plan.parameters.iter().any(|p| p.name == **name))
        .map(|n| unknown(plan, n))
        .collect();
    let mut bound = Map::new();
    for parameter in &plan.parameters {
        match (given.get(&parameter.name), &parameter.default) {
            (Some(value), _) => match checked(parameter, value) {
                Ok(value) => drop(bound.insert(parameter.name.clone(), value)),
                Err(mut found) => errors.append(&mut found),
            },
            (None, Some(default)) => drop(bound.insert(parameter.name.clone(), default.clone())),
            (None, None) => errors.push(BindError {
                parameter: parameter.name.clone(),
                reason: "is required, and no value was given".into(),
                allowed: Some(
                    constraint::allowed(parameter)
                        .unwrap_or_else(|| constraint::describe(parameter.parameter_type).into()),
                ),
            }),
        }
    }
    if errors.is_empty() { Ok(bound) } else { Err(errors) }
}

/// The parameter of the parameter store that a default of the form `{{ssm:name}}` stands for: its name, perhaps with
/// `:version` or `:label` behind it.
#[must_use]
pub fn ssm_default(default: &Value) -> Option<&str> {
    let inside = default.as_str()?.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let name = inside.trim().strip_prefix("ssm:")?.trim();
    (!name.is_empty() && !name.contains(['{', '}'])).then_some(name)
}

fn unknown(plan: &Plan, name: &str) -> BindError {
    let known = || plan.parameters.iter().map(|parameter| parameter.name.as_str());
    let allowed = match (nearest(name, known()), known().next()) {
        (Some(near), _) => Some(format!("`{near}`: did you mean that?")),
        (None, Some(_)) => Some(listed(known())),
        (None, None) => None,
    };
    BindError {
        parameter: name.to_owned(),
        reason: "is not a parameter of this runbook".into(),
        allowed,
    }
}

fn checked(parameter: &Parameter, given: &Value) -> Result<Value, Vec<BindError>> {
    let error = |reason: String| BindError {
        parameter: parameter.name.clone(),
        reason,
        allowed: constraint::allowed(parameter),
    };
    let value = converted(parameter.parameter_type, given).map_err(|reason| vec![error(reason)])?;
    let violations = constraint::violations(parameter, &value);
    if violations.is_empty() {
        Ok(value)
    } else {
        Err(violations.into_iter().map(error).collect())
    }
}

/// The value in the parameter's type.
fn converted(wanted: ParameterType, given: &Value) -> Result<Value, String> {
    let single = match given {
        Value::Array(items) if !wanted.is_string_list() && wanted != ParameterType::MapList => match items.as_slice() {
            [only] => only,
            _ => given,
        },
        _ => given,
    };
    match single {
        Value::String(text) => from_text(wanted, text),
        Value::Bool(_) | Value::Number(_) if wanted.is_string() => Ok(Value::String(text_of(single))),
        Value::Bool(_) | Value::Number(_) if wanted.is_string_list() => Ok(Value::from(vec![text_of(single)])),
        Value::Array(items) => from_list(wanted, items),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => constraint::typed(wanted, single),
    }
}

fn from_text(wanted: ParameterType, text: &str) -> Result<Value, String> {
    use ParameterType as P;
    let given = Value::from(text);
    let trimmed = text.trim();
    match wanted {
        P::String | P::InstanceId | P::BucketName | P::RoleArn => Ok(given),
        P::Integer => trimmed
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| constraint::typed(wanted, &given)),
        P::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        P::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        P::StringList | P::InstanceIdList | P::BucketNameList | P::RoleArnList => {
            let parsed = trimmed
                .starts_with('[')
                .then(|| serde_json::from_str::<Value>(trimmed).ok())
                .flatten();
            match parsed {
                Some(Value::Array(items)) => from_list(wanted, &items),
                _ => Ok(Value::from(vec![text])),
            }
        }
        P::Boolean | P::MapList | P::StringMap => constraint::typed(wanted, &given),
    }
}

fn from_list(wanted: ParameterType, items: &[Value]) -> Result<Value, String> {
    if wanted.is_string_list() {
        // One element may hold the whole list as JSON text.
        if let [Value::String(text)] = items {
            return from_text(wanted, text);
        }
        let texts = items.iter().map(|item| match item {
            Value::Bool(_) | Value::Number(_) => Value::String(text_of(item)),
            Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => item.clone(),
        });
        return constraint::typed(wanted, &texts.collect());
    }
    if wanted == ParameterType::MapList {
        return constraint::typed(wanted, &map_list(items));
    }
    constraint::typed(wanted, &Value::Array(items.to_vec()))
}

/// Maps, or their JSON texts, or one JSON text of them all.
fn map_list(items: &[Value]) -> Value {
    let parse = |item: &Value| {
        let text = item.as_str()?;
        serde_json::from_str::<Value>(text).ok()
    };
    if let [only] = items
        && let Some(list @ Value::Array(_)) = parse(only)
    {
        return list;
    }
    items
        .iter()
        .map(|item| parse(item).unwrap_or_else(|| item.clone()))
        .collect()
}
