//! JSON Schemas of inputs and outputs, in the subset that the engine reads.
//!
//! Each shape starts with its description, because it is what authors of runbooks see.
//!
//! ```
//! use runwright_sdk::schema;
//!
//! let inputs = schema::object()
//!     .required("Path", schema::string("Absolute path of the file."))
//!     .optional("Attempts", schema::integer("How often.").at_least(1).default(3));
//! assert!(inputs.to_string().contains(r#""required":["Path"]"#));
//! ```

use std::fmt;

use serde_json::{Map, Value, json};

/// A shape of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema(Map<String, Value>);

/// An object without keys; add them with [`Schema::required`] and [`Schema::optional`].
#[must_use]
pub fn object() -> Schema {
    Schema(Map::new())
        .with("type", "object")
        .with("additionalProperties", false)
}

/// A text.
#[must_use]
pub fn string(description: &str) -> Schema {
    described("string", description)
}

/// A whole number.
#[must_use]
pub fn integer(description: &str) -> Schema {
    described("integer", description)
}

/// A number.
#[must_use]
pub fn number(description: &str) -> Schema {
    described("number", description)
}

/// True or false.
#[must_use]
pub fn boolean(description: &str) -> Schema {
    described("boolean", description)
}

/// A list of items of one shape.
#[must_use]
pub fn list(description: &str, items: Schema) -> Schema {
    described("array", description).with("items", items.0)
}

/// A map with any keys, all values of one shape.
#[must_use]
pub fn map(description: &str, values: Schema) -> Schema {
    described("object", description).with("additionalProperties", values.0)
}

/// Any value.
#[must_use]
pub fn any(description: &str) -> Schema {
    Schema(Map::new()).describe(description)
}

/// A value of one of these shapes.
#[must_use]
pub fn any_of(description: &str, shapes: impl IntoIterator<Item = Schema>) -> Schema {
    let shapes: Vec<Value> = shapes.into_iter().map(|s| Value::Object(s.0)).collect();
    any(description).with("anyOf", shapes)
}

fn described(kind: &str, description: &str) -> Schema {
    Schema(Map::new()).with("type", kind).describe(description)
}

impl Schema {
    fn with(mut self, keyword: &str, value: impl Into<Value>) -> Self {
        self.0.insert(keyword.to_owned(), value.into());
        self
    }

    /// With a description; the shapes that take one at their start need no second. An empty one says nothing.
    #[must_use]
    pub fn describe(self, description: &str) -> Self {
        if description.is_empty() {
            self
        } else {
            self.with("description", description)
        }
    }

    /// An object with a key that must be there.
    #[must_use]
    pub fn required(mut self, name: &str, shape: Schema) -> Self {
        if let Value::Array(names) = self.0.entry("required").or_insert_with(|| json!([])) {
            names.push(Value::from(name));
        }
        self.optional(name, shape)
    }

    /// An object with a key that may be there.
    #[must_use]
    pub fn optional(mut self, name: &str, shape: Schema) -> Self {
        if let Value::Object(properties) = self.0.entry("properties").or_insert_with(|| json!({})) {
            properties.insert(name.to_owned(), Value::Object(shape.0));
        }
        self
    }

    /// An object with a key. Used by the derive of [`Shape`](crate::Shape).
    #[doc(hidden)]
    #[must_use]
    pub fn property(self, name: &str, shape: Schema, optional: bool) -> Self {
        if optional {
            self.optional(name, shape)
        } else {
            self.required(name, shape)
        }
    }

    /// An object that may hold other keys as well.
    #[must_use]
    pub fn open(self) -> Self {
        self.with("additionalProperties", true)
    }

    /// Only these values.
    #[must_use]
    pub fn one_of<T: Into<Value>>(self, values: impl IntoIterator<Item = T>) -> Self {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        self.with("enum", values)
    }

    /// What stands for an absent value. For people: the plugin fills it in itself.
    #[must_use]
    pub fn default(self, value: impl Into<Value>) -> Self {
        self.with("default", value)
    }

    /// The smallest number, the shortest text, or the fewest items.
    #[must_use]
    pub fn at_least(self, least: u64) -> Self {
        let keyword = self.bound("minimum", "minLength", "minItems");
        self.with(keyword, least)
    }

    /// The largest number, the longest text, or the most items.
    #[must_use]
    pub fn at_most(self, most: u64) -> Self {
        let keyword = self.bound("maximum", "maxLength", "maxItems");
        self.with(keyword, most)
    }

    /// A regular expression that is found in the text. For editors: the plugin checks it itself.
    #[must_use]
    pub fn pattern(self, pattern: &str) -> Self {
        self.with("pattern", pattern)
    }

    fn bound<'a>(&self, number: &'a str, text: &'a str, items: &'a str) -> &'a str {
        match self.0.get("type").and_then(Value::as_str) {
            Some("string") => text,
            Some("array") => items,
            _ => number,
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Value::Object(self.0.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_take_the_keyword_of_their_type() {
        assert!(string("s").at_most(3).to_string().contains(r#""maxLength":3"#));
        assert!(
            list("l", string("i"))
                .at_least(1)
                .to_string()
                .contains(r#""minItems":1"#)
        );
        assert!(integer("n").at_least(1).to_string().contains(r#""minimum":1"#));
    }
}
