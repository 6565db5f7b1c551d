//! One check: a value, and what it must be.

use regex_lite::Regex;
use runwright_sdk::schema::{self, Schema};
use serde::Deserialize;
use serde_json::Value;

/// A value, and one or more conditions that all must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Check {
    name: Option<String>,
    value: Value,
    #[serde(deserialize_with = "given")]
    equals: Option<Value>,
    #[serde(deserialize_with = "given")]
    not_equals: Option<Value>,
    contains: Option<Value>,
    matches: Option<String>,
    greater_than: Option<Value>,
    less_than: Option<Value>,
    #[serde(rename = "In")]
    one_of: Option<Vec<Value>>,
}

/// So that `Equals: null` is a condition.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Why a check did not end well.
#[derive(Debug, PartialEq)]
pub(crate) enum Problem {
    /// The value is another: that is what checks are for.
    DoesNotHold(String),
    /// The check itself makes no sense.
    Wrong(String),
}

use Problem::{DoesNotHold, Wrong};

impl Check {
    /// Its name, or its place in the list.
    pub(crate) fn name(&self, index: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("check {}", index + 1))
    }

    /// Whether every condition holds.
    pub(crate) fn holds(&self) -> Result<(), Problem> {
        let value = &self.value;
        let mut conditions = 0;
        let mut require = |holds: bool, why: String| {
            conditions += 1;
            if holds { Ok(()) } else { Err(DoesNotHold(why)) }
        };
        if let Some(wanted) = &self.equals {
            require(same(value, wanted), format!("{value} is not {wanted}"))?;
        }
        if let Some(unwanted) = &self.not_equals {
            require(!same(value, unwanted), format!("it is {unwanted}"))?;
        }
        if let Some(part) = &self.contains {
            require(contains(value, part)?, format!("{value} does not contain {part}"))?;
        }
        if let Some(pattern) = &self.matches {
            require(matches(value, pattern)?, format!("{value} does not match `{pattern}`"))?;
        }
        if let Some(limit) = &self.greater_than {
            require(
                number(value)? > number(limit)?,
                format!("{value} is not greater than {limit}"),
            )?;
        }
        if let Some(limit) = &self.less_than {
            require(
                number(value)? < number(limit)?,
                format!("{value} is not less than {limit}"),
            )?;
        }
        if let Some(allowed) = &self.one_of {
            let shown = Value::from(allowed.clone());
            require(
                allowed.iter().any(|one| same(value, one)),
                format!("{value} is not one of {shown}"),
            )?;
        }
        if conditions == 0 {
            return Err(Wrong(
                "it has no condition: give Equals, NotEquals, Contains, Matches, GreaterThan, LessThan or In".into(),
            ));
        }
        Ok(())
    }
}

/// Equal as JSON, or as text when both are scalars: values put into a text lose their type.
fn same(left: &Value, right: &Value) -> bool {
    left == right || matches!((scalar(left), scalar(right)), (Some(left), Some(right)) if left == right)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text contains a text, a list an item, a map a key.
fn contains(value: &Value, part: &Value) -> Result<bool, Problem> {
    match (value, scalar(part)) {
        (Value::Array(items), _) => Ok(items.iter().any(|item| same(item, part))),
        (Value::Object(map), Some(key)) => Ok(map.contains_key(&key)),
        (Value::String(text), Some(part)) => Ok(text.contains(&part)),
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::String(_), _) => {
            Err(Wrong(format!(
                "`Contains` looks for {part} in {value}: it needs a text in a text, an item in a list, or a key in a map"
            )))
        }
    }
}

fn matches(value: &Value, pattern: &str) -> Result<bool, Problem> {
    let regex = Regex::new(pattern).map_err(|error| Wrong(format!("`Matches` is no regular expression: {error}")))?;
    let text = scalar(value).ok_or_else(|| Wrong(format!("`Matches` needs a text, and was given {value}")))?;
    Ok(regex.is_match(&text))
}

fn number(value: &Value) -> Result<f64, Problem> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.ok_or_else(|| Wrong(format!("a comparison needs a number, and was given {value}")))
}

pub(crate) fn schema() -> Schema {
    schema::object()
        .optional("Name", schema::string("What is checked, for the failure's message."))
        .required("Value", schema::any("The value, usually a reference."))
        .optional(
            "Equals",
            schema::any("It is this. A number or boolean equals its text."),
        )
        .optional("NotEquals", schema::any("It is not this."))
        .optional(
            "Contains",
            schema::any("A text contains this text, a list this item, a map this key."),
        )
        .optional(
            "Matches",
            schema::string("This regular expression is found in it. Use ^ and $ to match the whole."),
        )
        .optional("GreaterThan", schema::any("It is a number greater than this."))
        .optional("LessThan", schema::any("It is a number less than this."))
        .optional("In", schema::list("It is one of these.", schema::any("A value.")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(check: Value) -> bool {
        let check: Check = serde_json::from_value(check).unwrap();
        match check.holds() {
            Ok(()) => true,
            Err(DoesNotHold(_)) => false,
            Err(Wrong(why)) => panic!("{why}"),
        }
    }

    #[test]
    fn conditions() {
        let table = [
            (json!({"Value": "0", "Equals": 0}), true),
            (json!({"Value": null, "Equals": null}), true),
            (json!({"Value": "x", "Equals": null}), false),
            (json!({"Value": [1], "Equals": ["1"]}), false),
            (json!({"Value": true, "NotEquals": "true"}), false),
            (json!({"Value": "abc", "Contains": "bc"}), true),
            (json!({"Value": ["1", "2"], "Contains": 2}), true),
            (json!({"Value": {"k": 1}, "Contains": "k"}), true),
            (json!({"Value": "v1.20", "Matches": r"^v\d+\.\d+$"}), true),
            (json!({"Value": "10", "GreaterThan": 9}), true),
            (json!({"Value": 9, "GreaterThan": 9}), false),
            (json!({"Value": 5, "GreaterThan": 1, "LessThan": 4}), false),
            (json!({"Value": "b", "In": ["a", "b"]}), true),
            (json!({"Value": "c", "In": ["a", "b"]}), false),
        ];
        for (check, expected) in table {
            assert_eq!(holds(check.clone()), expected, "{check}");
        }
    }
}
