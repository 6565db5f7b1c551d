//! Which values a parameter takes: type, list of allowed values, pattern, bounds.

use runwright_model::{
    expression::text_of,
    parameter::{Parameter, ParameterType},
};
use serde_json::Value;

use crate::{pattern, suggest::listed};

/// The patterns that the resource types imply.
const INSTANCE_ID: &str = "^m?i-[a-z0-9]{8,17}$";
const BUCKET_NAME: &str = r"^[0-9a-z][a-z0-9\-\.]{3,63}$";
const ROLE_ARN: &str = "^arn:(aws|aws-cn|aws-us-gov|aws-iso|aws-iso-b):iam::[0-9]{12}:role/.*$";

/// The value, if it has the type already; a StringMap and a MapList may also be the JSON text of one.
///
/// The error continues a sentence: "… must be a whole number".
pub(crate) fn typed(wanted: ParameterType, value: &Value) -> Result<Value, String> {
    use ParameterType as P;
    let fits = match wanted {
        P::String | P::InstanceId | P::BucketName | P::RoleArn => value.is_string(),
        P::Integer => value.is_i64() || value.is_u64(),
        P::Boolean => value.is_boolean(),
        P::StringList | P::InstanceIdList | P::BucketNameList | P::RoleArnList => {
            value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
        }
        P::MapList => value.as_array().is_some_and(|items| items.iter().all(Value::is_object)),
        P::StringMap => value.is_object(),
    };
    if fits {
        return Ok(value.clone());
    }
    if let (P::StringMap | P::MapList, Value::String(text)) = (wanted, value) {
        let parsed = serde_json::from_str::<Value>(text)
            .ok()
            .filter(|parsed| !parsed.is_string());
        if let Some(parsed) = parsed {
            return typed(wanted, &parsed);
        }
    }
    Err(format!("must be {}, and is {}", describe(wanted), excerpt(value)))
}

/// An item of `allowedValues`, in the type of the values (or items) it is compared with.
pub(crate) fn allowed_value(wanted: ParameterType, value: &Value) -> Result<Value, String> {
    let texts = wanted.is_string() || wanted.is_string_list();
    match value {
        Value::String(_) | Value::Bool(_) | Value::Number(_) if texts => Ok(Value::String(text_of(value))),
        Value::String(text) if wanted == ParameterType::Integer => text
            .trim()
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| format!("must be {}", describe(wanted))),
        Value::String(text) if wanted == ParameterType::Boolean => text
            .trim()
            .to_lowercase()
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| format!("must be {}", describe(wanted))),
        Value::Array(_) if wanted.is_string_list() => typed(wanted, value),
        Value::Object(_) if wanted == ParameterType::MapList => Ok(value.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            typed(wanted, value)
        }
    }
}

/// What a type is, for messages.
pub(crate) fn describe(wanted: ParameterType) -> &'static str {
    use ParameterType as P;
    match wanted {
        P::String => "a text",
        P::InstanceId => "the id of an EC2 instance",
        P::BucketName => "the name of an S3 bucket",
        P::RoleArn => "the ARN of an IAM role",
        P::Integer => "a whole number",
        P::Boolean => "true or false",
        P::StringList => "a list of texts",
        P::InstanceIdList => "a list of EC2 instance ids",
        P::BucketNameList => "a list of S3 bucket names",
        P::RoleArnList => "a list of IAM role ARNs",
        P::MapList => "a list of maps",
        P::StringMap => "a map",
    }
}

/// Everything that is wrong with a value of the right type, each as the end of a sentence.
pub(crate) fn violations(parameter: &Parameter, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if !parameter.allowed_values.is_empty() {
        let whole = parameter.allowed_values.contains(value);
        let items = items(value).filter(|item| !whole && !parameter.allowed_values.contains(item));
        found.extend(items.map(|item| format!("is {}, which is not allowed", excerpt(item))));
    }
    if let Some(pattern) = &parameter.allowed_pattern {
        found.extend(mismatches(pattern, value));
    }
    let implied = implied_pattern(parameter.parameter_type).filter(|_| parameter.default.as_ref() != Some(value));
    // The default was accepted with the definition: an empty role means "none".
    if let Some(pattern) = implied.filter(|_| *value != Value::String(String::new())) {
        found.extend(mismatches(pattern, value));
    }
    if let Value::Array(list) = value {
        found.extend(out_of_bounds(
            list.len(),
            "items",
            parameter.min_items,
            parameter.max_items,
        ));
    }
    if let Value::String(text) = value {
        found.extend(out_of_bounds(
            text.chars().count(),
            "characters",
            parameter.min_chars,
            parameter.max_chars,
        ));
    }
    found
}

fn items(value: &Value) -> std::slice::Iter<'_, Value> {
    match value {
        Value::Array(items) => items.iter(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            std::slice::from_ref(value).iter()
        }
    }
}

fn mismatches(pattern: &str, value: &Value) -> Vec<String> {
    let regex = match pattern::compile(pattern) {
        Ok(regex) => regex,
        Err(reason) => return vec![format!("cannot be checked, because its pattern is broken: {reason}")],
    };
    let problem = |item: &Value| match regex.is_match(&text_of(item)) {
        Ok(true) => None,
        Ok(false) => Some(format!(
            "is {}, which does not match the pattern `{pattern}`",
            excerpt(item)
        )),
        Err(_) => Some(format!("takes too long to compare with the pattern `{pattern}`")),
    };
    items(value).filter_map(problem).collect()
}

fn implied_pattern(parameter_type: ParameterType) -> Option<&'static str> {
    use ParameterType as P;
    match parameter_type {
        P::InstanceId | P::InstanceIdList => Some(INSTANCE_ID),
        P::BucketName | P::BucketNameList => Some(BUCKET_NAME),
        P::RoleArn | P::RoleArnList => Some(ROLE_ARN),
        P::String | P::StringList | P::Integer | P::Boolean | P::MapList | P::StringMap => None,
    }
}

fn out_of_bounds(size: usize, unit: &str, least: Option<u64>, most: Option<u64>) -> Option<String> {
    let size = size as u64;
    match (least, most) {
        (Some(least), _) if size < least => Some(format!("has {size} {unit}, fewer than {least}")),
        (_, Some(most)) if size > most => Some(format!("has {size} {unit}, more than {most}")),
        _ => None,
    }
}

/// What a parameter takes, in words; `None` when its type says it all.
pub(crate) fn allowed(parameter: &Parameter) -> Option<String> {
    if !parameter.allowed_values.is_empty() {
        let values: Vec<String> = parameter.allowed_values.iter().map(text_of).collect();
        return Some(listed(values.iter().map(String::as_str)));
    }
    let mut parts = Vec::new();
    let pattern = parameter
        .allowed_pattern
        .as_deref()
        .or(implied_pattern(parameter.parameter_type));
    parts.extend(pattern.map(|pattern| format!("text that matches `{pattern}`")));
    let range = |least: Option<u64>, most: Option<u64>, unit: &str| match (least, most) {
        (Some(least), Some(most)) => Some(format!("{least} to {most} {unit}")),
        (Some(least), None) => Some(format!("at least {least} {unit}")),
        (None, Some(most)) => Some(format!("at most {most} {unit}")),
        (None, None) => None,
    };
    parts.extend(range(parameter.min_items, parameter.max_items, "items"));
    parts.extend(range(parameter.min_chars, parameter.max_chars, "characters"));
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The beginning of a value's JSON text.
fn excerpt(value: &Value) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
