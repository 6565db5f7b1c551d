//! The inputs of a step, with what the parameter store has for them.

use runwright_sdk::{Error, Failure, Host, ParameterType, schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Inputs as they come; the shapes that documents give them vary.
#[derive(Debug, Clone, Default)]
pub struct Inputs(Map<String, Value>);

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }
}

impl Inputs {
    /// The schema of the modifiers, which every plugin has.
    #[must_use]
    pub fn schema() -> schema::Schema {
        schema::object()
            .optional(
                "onFailure",
                schema::any(
                    "`exit`: the rest is skipped when the step fails. `successAndExit`: the same, as a success.",
                ),
            )
            .optional(
                "onSuccess",
                schema::any("`exit`: the rest is skipped when the step ends well."),
            )
            .optional(
                "finallyStep",
                schema::any("`true`: the step, which is the last, is not among those that are skipped."),
            )
    }

    /// The inputs with every `{{ssm:name}}` replaced by the value of that parameter.
    ///
    /// # Errors
    ///
    /// A parameter that is not there, or is a SecureString, which texts cannot hold.
    pub fn filled(self, host: &impl Host) -> Result<Self, Failure> {
        let filled = |(name, value)| Ok((name, fill(host, value)?));
        self.0.into_iter().map(filled).collect::<Result<_, _>>().map(Self)
    }

    /// An input; `None` when it is absent, null or an empty text.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let value = self.0.get(name)?;
        (!value.is_null() && *value != "").then_some(value)
    }

    /// An input as text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(text)
    }

    /// An input that must be there, as text.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn required(&self, name: &str) -> Result<String, Failure> {
        self.text(name)
            .ok_or_else(|| Failure::invalid(format!("input `{name}` is needed, and is empty")))
    }

    /// An input that is a map, or the JSON text of one; empty when it is absent.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub fn map(&self, name: &str) -> Result<Map<String, Value>, Failure> {
        let wrong = || Failure::invalid(format!("input `{name}` must be a map, or the JSON text of one"));
        match self.get(name) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map.clone()),
            Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| wrong()),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => Err(wrong()),
        }
    }

    /// An input as a list of texts: nested lists are flattened, one value is a list of one.
    #[must_use]
    pub fn lines(&self, name: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(value) = self.get(name) {
            flatten(value, &mut lines);
        }
        lines
    }
}

/// The text form of a value: texts as they are, the rest as JSON.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn flatten(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, lines)),
        Value::Null => {}
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => lines.push(text(value)),
    }
}

fn fill(host: &impl Host, value: Value) -> Result<Value, Failure> {
    match value {
        Value::String(text) => fill_text(host, &text).map(Value::String),
        Value::Array(items) => {
            let mut filled = Vec::with_capacity(items.len());
            for item in items {
                match whole(&item) {
                    Some(name) => filled.extend(values(host, &name)?.into_iter().map(Value::String)),
                    None => filled.push(fill(host, item)?),
                }
            }
            Ok(Value::Array(filled))
        }
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| Ok((key, fill(host, value)?)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value),
    }
}

/// The parameter's name, when an item of a list is nothing but a reference to it.
fn whole(item: &Value) -> Option<String> {
    let text = item.as_str()?;
    let (name, length) = reference(text)?;
    (length == text.len()).then(|| name.to_owned())
}

fn fill_text(host: &impl Host, text: &str) -> Result<String, Failure> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        match reference(rest) {
            Some((name, length)) => {
                filled.push_str(&values(host, name)?.join(","));
                rest = &rest[length..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// `{{ssm:name}}` at the beginning of a text: the name, and the length of it all.
fn reference(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix("{{")?.trim_start_matches(' ').strip_prefix("ssm:")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.' | ':' | '-');
    let end = inside.find(|c| !legal(c)).filter(|end| *end > 0)?;
    let behind = inside[end..].trim_start_matches(' ').strip_prefix("}}")?;
    Some((&inside[..end], text.len() - behind.len()))
}

/// What a parameter holds: several values for a list.
fn values(host: &impl Host, name: &str) -> Result<Vec<String>, Failure> {
    let parameter = host.parameter(name).map_err(|error| match error {
        Error::NotFound(_) => Failure::invalid(format!(
            "`{{{{ssm:{name}}}}}`: there is no parameter `{name}`; `runwright param put {name} VALUE` makes it"
        )),
        other => Failure::from(other),
    })?;
    match parameter.parameter_type {
        ParameterType::Plain => Ok(vec![parameter.value]),
        ParameterType::TextList => Ok(parameter.value.split(',').map(str::to_owned).collect()),
        ParameterType::Secure => Err(Failure::invalid(format!(
            "`{{{{ssm:{name}}}}}`: {name} is a SecureString, which a Command document cannot hold; read it in the script"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use runwright_sdk::{NewValue, testing::FakeHost};
    use serde_json::json;

    use super::*;

    fn host() -> FakeHost {
        let host = FakeHost::new();
        for (name, parameter_type, value) in [
            ("/a", ParameterType::Plain, "x"),
            ("/list", ParameterType::TextList, "1,2"),
            ("/secret", ParameterType::Secure, "s"),
        ] {
            let value = NewValue::Given(value.to_owned());
            host.put_parameter(name, parameter_type, &value, false).unwrap();
        }
        host
    }

    fn filled(value: Value) -> Result<Value, Failure> {
        let inputs: Inputs = serde_json::from_value(json!({ "i": value })).unwrap();
        Ok(inputs.filled(&host())?.get("i").cloned().unwrap_or_default())
    }

    #[test]
    fn parameters_of_the_store_are_put_in() {
        assert_eq!(
            filled(json!("-{{ssm:/a}}-{{ ssm:/a }}{{x}}{{{")).unwrap(),
            json!("-x-x{{x}}{{{")
        );
        assert_eq!(
            filled(json!(["{{ssm:/list}}", {"k": "{{ssm:/list}}"}])).unwrap(),
            json!(["1", "2", {"k": "1,2"}])
        );
        assert!(
            filled(json!("{{ssm:/none}}"))
                .unwrap_err()
                .message
                .contains("no parameter `/none`")
        );
        assert!(
            filled(json!("{{ssm:/secret}}"))
                .unwrap_err()
                .message
                .contains("SecureString")
        );
    }

    #[test]
    fn lines_are_flattened_and_maps_may_be_texts() {
        let inputs: Inputs =
            serde_json::from_value(json!({"lines": ["a", ["b", ["c"]], 1], "map": "{\"k\": 1}", "no": []})).unwrap();
        assert_eq!(inputs.lines("lines"), ["a", "b", "c", "1"]);
        assert_eq!(inputs.map("map").unwrap()["k"], 1);
        assert!(inputs.map("no").is_err());
        assert_eq!(inputs.lines("absent"), [""; 0]);
    }
}
