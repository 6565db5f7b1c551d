//! Shapes of inputs and outputs: the part of JSON Schema that plugins may use, and SSM's conversions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pattern;

/// A JSON Schema of the subset named in `wit/action.wit`. Unknown keywords are refused when a manifest is
/// read, so that no check is silently missing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Schema {
    /// The type; any when absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Keys of an object.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Schema>,
    /// Keys that must be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Other keys: `false` forbids them, a schema describes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<Additional>,
    /// Items of an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Schema>>,
    /// The only values allowed.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Value>,
    /// The only value allowed.
    #[serde(rename = "const", skip_serializing_if = "Option::is_none")]
    pub constant: Option<Value>,
    /// At least one of these fits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Schema>,
    /// Smallest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// Largest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// Fewest characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// Most characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// A regular expression found in the text, as ECMAScript writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Fewest items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u64>,
    /// Most items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// What stands for an absent value. For people; plugins fill it in themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// The JSON types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// A map.
    Object,
}

/// What an object may hold beside its properties.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Additional {
    /// Anything, or nothing.
    Allowed(bool),
    /// Values of this shape.
    Shape(Box<Schema>),
}

/// Why a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if .path.is_empty() { String::new() } else { format!("`{}`: ", .path) })]
pub struct Mismatch {
    /// Where, as in `Tags[0].Key`; empty for the value itself.
    pub path: String,
    /// What is wrong, without the place.
    pub message: String,
}

/// How much of a message is kept: the value that does not fit, and what would, may be of any length.
const MESSAGE_BYTES_MAX: usize = 1_000;
/// How much of a key.
const KEY_BYTES_MAX: usize = 100;

fn shortened(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}… ({} bytes)", &text[..text.floor_char_boundary(bytes)], text.len())
}

impl Mismatch {
    fn here(message: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            message: shortened(&message.into(), MESSAGE_BYTES_MAX),
        }
    }

    fn below(mut self, step: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{}{separator}{}", shortened(step, KEY_BYTES_MAX), self.path);
        self
    }
}

impl Kind {
    /// The kind of a value; `None` for null.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Bool(_) => Some(Self::Boolean),
            Value::Number(n) if n.is_i64() || n.is_u64() => Some(Self::Integer),
            Value::Number(_) => Some(Self::Number),
            Value::String(_) => Some(Self::String),
            Value::Array(_) => Some(Self::Array),
            Value::Object(_) => Some(Self::Object),
        }
    }

    /// The word in schemas and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

impl Schema {
    /// The value in this shape, converted where the language converts: a scalar where a list is wanted
    /// becomes a list of one; numbers and booleans become text; text that spells a number, a boolean, or a
    /// JSON map or list becomes one (SSM Automation, substitution rules).
    ///
    /// # Errors
    ///
    /// The first place that does not fit.
    pub fn coerce(&self, value: Value) -> Result<Value, Mismatch> {
        if !self.any_of.is_empty() {
            return self.coerce_any(value);
        }
        let value = match self.kind {
            Some(kind) => convert(kind, value)?,
            None => value,
        };
        let value = match value {
            Value::Array(items) => self.coerce_items(items)?,
            Value::Object(entries) => self.coerce_entries(entries)?,
            scalar @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => scalar,
        };
        self.check_bounds(&value)?;
        Ok(value)
    }

    /// Every schema in this one, itself first, at all depths.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        let mut todo = vec![self];
        std::iter::from_fn(move || {
            let schema = todo.pop()?;
            let additional = match &schema.additional_properties {
                Some(Additional::Shape(shape)) => Some(&**shape),
                Some(Additional::Allowed(_)) | None => None,
            };
            let below = schema.properties.values().chain(schema.items.as_deref());
            todo.extend(below.chain(additional).chain(&schema.any_of));
            Some(schema)
        })
    }

    /// Why the pattern cannot be used; `None` when it can, or there is none. Of this schema alone.
    #[must_use]
    pub fn bad_pattern(&self) -> Option<String> {
        pattern::compile(self.pattern.as_deref()?).err()
    }

    fn coerce_any(&self, value: Value) -> Result<Value, Mismatch> {
        let exact = self
            .any_of
            .iter()
            .find(|s| s.kind.is_none() || s.kind == Kind::of(&value));
        if let Some(shape) = exact {
            return shape.coerce(value);
        }
        let mut last = Mismatch::here("fits none of the shapes allowed");
        // The others cannot be had from it, and a copy of a large value takes its time.
        for shape in self.any_of.iter().filter(|shape| shape.may_fit(&value)) {
            match shape.coerce(value.clone()) {
                Ok(value) => return Ok(value),
                Err(mismatch) => last = mismatch,
            }
        }
        Err(last)
    }

    /// Whether a value of this kind is ever converted.
    fn may_fit(&self, value: &Value) -> bool {
        match (Kind::of(value), self.kind) {
            (_, None) => true,
            (Some(Kind::Array), Some(wanted)) => wanted == Kind::Array,
            (Some(Kind::Object), Some(wanted)) => matches!(wanted, Kind::Array | Kind::Object),
            (None | Some(Kind::String | Kind::Integer | Kind::Number | Kind::Boolean), Some(_)) => true,
        }
    }

    fn coerce_items(&self, items: Vec<Value>) -> Result<Value, Mismatch> {
        let Some(shape) = &self.items else {
            return Ok(Value::Array(items));
        };
        let coerced: Result<Vec<_>, _> = items
            .into_iter()
            .enumerate()
            .map(|(index, item)| shape.coerce(item).map_err(|m| m.below(&format!("[{index}]"))))
            .collect();
        coerced.map(Value::Array)
    }

    fn coerce_entries(&self, entries: serde_json::Map<String, Value>) -> Result<Value, Mismatch> {
        for name in &self.required {
            if !entries.contains_key(name) {
                return Err(Mismatch::here("is missing").below(name));
            }
        }
        let mut coerced = serde_json::Map::new();
        for (key, value) in entries {
            let value = match (self.properties.get(&key), &self.additional_properties) {
                (Some(shape), _) => shape.coerce(value).map_err(|m| m.below(&key))?,
                (None, Some(Additional::Allowed(false))) => {
                    return Err(
                        Mismatch::here(format!("is not known here; known are {}", self.known_keys())).below(&key),
                    );
                }
                (None, Some(Additional::Shape(shape))) => shape.coerce(value).map_err(|m| m.below(&key))?,
                (None, Some(Additional::Allowed(true)) | None) => value,
            };
            coerced.insert(key, value);
        }
        Ok(Value::Object(coerced))
    }

    fn known_keys(&self) -> String {
        self.properties
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn check_bounds(&self, value: &Value) -> Result<(), Mismatch> {
        if !self.one_of.is_empty() && !self.one_of.contains(value) {
            let allowed: Vec<String> = self.one_of.iter().map(ToString::to_string).collect();
            return Err(Mismatch::here(format!("{value} is not one of {}", allowed.join(", "))));
        }
        if let Some(constant) = self.constant.as_ref().filter(|c| *c != value) {
            return Err(Mismatch::here(format!("{value} is not {constant}")));
        }
        if let (Some(pattern), Value::String(text)) = (&self.pattern, value)
            && let Some(why) = pattern::misfit(pattern, text)
        {
            return Err(Mismatch::here(why));
        }
        let (size, unit, least, most) = match value {
            Value::String(s) => (s.chars().count() as u64, "characters", self.min_length, self.max_length),
            Value::Array(a) => (a.len() as u64, "items", self.min_items, self.max_items),
            Value::Number(n) => return self.check_number(n.as_f64().unwrap_or(0.0)),
            Value::Null | Value::Bool(_) | Value::Object(_) => return Ok(()),
        };
        match (least, most) {
            (Some(least), _) if size < least => Err(Mismatch::here(format!("has {size} {unit}, fewer than {least}"))),
            (_, Some(most)) if size > most => Err(Mismatch::here(format!("has {size} {unit}, more than {most}"))),
            _ => Ok(()),
        }
    }

    fn check_number(&self, number: f64) -> Result<(), Mismatch> {
        match (self.minimum, self.maximum) {
            (Some(least), _) if number < least => Err(Mismatch::here(format!("{number} is less than {least}"))),
            (_, Some(most)) if number > most => Err(Mismatch::here(format!("{number} is more than {most}"))),
            _ => Ok(()),
        }
    }
}

fn convert(wanted: Kind, value: Value) -> Result<Value, Mismatch> {
    let given = Kind::of(&value);
    if given == Some(wanted) || (wanted == Kind::Number && given == Some(Kind::Integer)) {
        return Ok(value);
    }
    let converted = match (wanted, &value) {
        (Kind::String, Value::Bool(_) | Value::Number(_)) => Some(Value::String(value.to_string())),
        (Kind::Integer, Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        (Kind::Integer, Value::Number(n)) => whole(n.as_f64()).map(Value::from),
        (Kind::Number, Value::String(text)) => text.trim().parse::<f64>().ok().map(Value::from),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        (Kind::Array, Value::String(text)) => Some(json_list(text).unwrap_or_else(|| Value::from(vec![value.clone()]))),
        (Kind::Array, Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Some(Value::from(vec![value.clone()])),
        (Kind::Object, Value::String(text)) => serde_json::from_str(text).ok().filter(Value::is_object),
        _ => None,
    };
    converted.ok_or_else(|| {
        let given = given.map_or("null", Kind::as_str);
        Mismatch::here(format!(
            "must be {} {}, and is {given}",
            article(wanted),
            wanted.as_str()
        ))
    })
}

fn json_list(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    serde_json::from_str(text).ok().filter(Value::is_array)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be whole and within the exact range"
)]
fn whole(number: Option<f64>) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    number
        .filter(|n| n.fract() == 0.0 && n.abs() <= EXACT)
        .map(|n| n as i64)
}

fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer | Kind::Array | Kind::Object => "an",
        Kind::String | Kind::Number | Kind::Boolean => "a",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(value: Value) -> Schema {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn scalars_become_lists_and_text() {
        let list = schema(json!({"type": "array", "items": {"type": "string"}}));
        assert_eq!(list.coerce(json!("i-1")), Ok(json!(["i-1"])));
        assert_eq!(list.coerce(json!([1, true])), Ok(json!(["1", "true"])));
        assert_eq!(list.coerce(json!("[\"a\",\"b\"]")), Ok(json!(["a", "b"])));
        let integer = schema(json!({"type": "integer", "minimum": 1}));
        assert_eq!(integer.coerce(json!("5")), Ok(json!(5)));
        assert_eq!(integer.coerce(json!(5.0)), Ok(json!(5)));
        assert_eq!(integer.coerce(json!(0)).unwrap_err().message, "0 is less than 1");
        assert_eq!(
            integer.coerce(json!("x")).unwrap_err().message,
            "must be an integer, and is string"
        );
    }

    #[test]
    fn mismatches_say_where() {
        let object = schema(json!({
            "type": "object", "additionalProperties": false, "required": ["A"],
            "properties": {"A": {"type": "array", "items": {"type": "object", "properties": {"B": {"type": "boolean"}}}}}
        }));
        assert_eq!(object.coerce(json!({})).unwrap_err().to_string(), "`A`: is missing");
        assert_eq!(
            object
                .coerce(json!({"A": [{"B": true}, {"B": 1}]}))
                .unwrap_err()
                .to_string(),
            "`A[1].B`: must be a boolean, and is integer"
        );
        assert_eq!(object.coerce(json!({"A": [], "C": 1})).unwrap_err().path, "C");
    }

    #[test]
    fn patterns_are_checked_where_there_is_a_text() {
        let shape = schema(json!({"type": "object", "properties": {"A": {"type": "string", "pattern": "^P"}}}));
        assert!(shape.coerce(json!({"A": "PT1S"})).is_ok());
        let wrong = shape.coerce(json!({"A": "5s"})).unwrap_err().to_string();
        assert_eq!(wrong, "`A`: \"5s\" does not match the pattern `^P`");
        let deep = schema(json!({"items": {"anyOf": [{"pattern": "("}]}}));
        assert_eq!(deep.all().filter_map(Schema::bad_pattern).count(), 1);
    }

    #[test]
    fn unknown_keywords_are_refused() {
        assert!(serde_json::from_value::<Schema>(json!({"type": "string", "format": "date"})).is_err());
    }

    #[test]
    fn a_mismatch_is_not_as_long_as_the_value() {
        let long = "ä".repeat(100_000);
        for (wanted, given) in [
            (json!({"const": 1}), json!(long)),
            (json!({"enum": vec![json!(long); 9]}), json!(1)),
            (
                json!({"type": "object", "additionalProperties": false}),
                json!({long.as_str(): 1}),
            ),
            (
                json!({"properties": {long.as_str(): {"type": "integer"}}}),
                json!({long.as_str(): []}),
            ),
        ] {
            let text = schema(wanted).coerce(given).unwrap_err().to_string();
            assert!(text.len() < 2_000, "{}", text.len());
        }
    }

    #[test]
    fn any_of_prefers_the_exact_type() {
        let either = schema(json!({"anyOf": [{"type": "array"}, {"type": "string"}]}));
        assert_eq!(either.coerce(json!("x")), Ok(json!("x")));
    }
}
