//! The JSON Schema of a Rust type.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use crate::schema::{self, Schema};

/// A type whose JSON has a schema: what inputs and outputs are made of.
///
/// Derive it beside serde's traits, whose attributes it understands: `rename`, `rename_all`, `default`, `skip`. Comments
/// (`///`) become descriptions, which authors of runbooks see. A field is required unless it is an [`Option`] or has a
/// default. `#[shape(…)]` says more of a field: `at_least` and `at_most` (the least number, shortest text, fewest items, and
/// so on), `pattern`, and `default` (for people: serde's `default` fills it in). An enum of plain words becomes a list of
/// allowed texts.
///
/// ```
/// use runwright_sdk::Shape;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, Shape)]
/// #[serde(rename_all = "PascalCase")]
/// struct Inputs {
///     /// How often it is tried.
///     #[serde(default = "three")]
///     #[shape(at_least = 1, at_most = 10, default = 3)]
///     attempts: u32,
///     /// What is done with what is left.
///     left: Option<Left>,
/// }
///
/// fn three() -> u32 { 3 }
///
/// #[derive(Deserialize, Shape)]
/// #[serde(rename_all = "kebab-case")]
/// enum Left { Keep, TakeAway }
///
/// let schema: serde_json::Value = serde_json::from_str(&Inputs::schema().to_string()).unwrap();
/// assert_eq!(schema["properties"]["Attempts"]["minimum"], 1);
/// assert_eq!(schema["properties"]["Attempts"]["description"], "How often it is tried.");
/// assert_eq!(schema["properties"]["Left"]["enum"], serde_json::json!(["keep", "take-away"]));
/// assert_eq!(schema.get("required"), None);
/// ```
pub trait Shape {
    /// Whether a field of this type may be absent.
    const OPTIONAL: bool = false;

    /// Its schema.
    fn schema() -> Schema;
}

macro_rules! shapes {
    ($($schema:expr => $($kind:ty)*;)*) => {$($(
        impl Shape for $kind {
            fn schema() -> Schema {
                $schema
            }
        }
    )*)*};
}

shapes! {
    schema::string("") => String char;
    schema::boolean("") => bool;
    schema::integer("") => i8 i16 i32 i64;
    schema::integer("").at_least(0) => u8 u16 u32 u64 usize;
    schema::number("") => f32 f64;
    schema::any("") => Value;
    schema::map("", schema::any("")) => Map<String, Value>;
    schema::object() => ();
}

impl<T: Shape> Shape for Option<T> {
    const OPTIONAL: bool = true;

    fn schema() -> Schema {
        T::schema()
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn schema() -> Schema {
        schema::list("", T::schema())
    }
}

impl<T: Shape> Shape for Box<T> {
    const OPTIONAL: bool = T::OPTIONAL;

    fn schema() -> Schema {
        T::schema()
    }
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    fn schema() -> Schema {
        schema::map("", T::schema())
    }
}

impl<T: Shape> Shape for HashMap<String, T> {
    fn schema() -> Schema {
        schema::map("", T::schema())
    }
}
