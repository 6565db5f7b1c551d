//! What an unquoted YAML scalar means.
//!
//! serde_yaml decides, with two restrictions: `yes`, `no`, `on` and `off` are texts (they are in YAML 1.2), and
//! numbers that JSON cannot hold (`.inf`) stay texts.

use std::borrow::Cow;

use serde_json::Number;

use crate::syntax::Shape;

/// No number is longer.
const NUMBER_CHARS_MAX: usize = 64;

/// The value of a plain scalar.
pub(crate) fn read(text: Cow<'_, str>) -> Shape {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Shape::Null,
        "true" | "True" | "TRUE" => Shape::Boolean(true),
        "false" | "False" | "FALSE" => Shape::Boolean(false),
        plain => match number(plain) {
            Some(number) => Shape::Number(number),
            None => Shape::Text(text.into_owned()),
        },
    }
}

fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) || text.len() > NUMBER_CHARS_MAX {
        return None;
    }
    // The usual case without a parser.
    if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() < 19 && (first != b'0' || text.len() == 1) {
        return text.parse::<u64>().ok().map(Number::from);
    }
    if text.contains(char::is_whitespace) {
        return None;
    }
    match serde_yaml::from_str(text).ok()? {
        serde_yaml::Value::Number(number) => convert(&number),
        _ => None,
    }
}

fn convert(number: &serde_yaml::Number) -> Option<Number> {
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(n), _, _) => Some(n.into()),
        (_, Some(n), _) => Some(n.into()),
        (_, _, Some(n)) => Number::from_f64(n),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn scalars_have_the_types_of_yaml_1_2() {
        let value = |text: &str| match read(text.into()) {
            Shape::Null => Value::Null,
            Shape::Boolean(flag) => Value::Bool(flag),
            Shape::Number(number) => Value::Number(number),
            Shape::Text(text) => Value::String(text),
            Shape::List(_) | Shape::Map(_) => unreachable!("a scalar"),
        };
        for text in [
            "yes",
            "No",
            "on",
            "OFF",
            "y",
            "tRue",
            "1.2.3",
            "10 s",
            "0755",
            "2024-01-01",
            ".inf",
            "-",
            "+",
        ] {
            assert_eq!(value(text), json!(text));
        }
        assert_eq!(value("600"), json!(600));
        assert_eq!(value("0"), json!(0));
        assert_eq!(value("-5"), json!(-5));
        assert_eq!(value("0x1F"), json!(31));
        assert_eq!(value("0.3"), json!(0.3));
        assert_eq!(value("True"), json!(true));
        assert_eq!(value("~"), Value::Null);
    }
}
