//! Selectors: the JSONPath that picks an output from what an action gave, and the type it is turned into.
//!
//! Authors of runbooks write the dialect of Systems Manager, which is Jayway's: `$.` may be left out, names may
//! hold hyphens, and stand in quotes behind a dot. [`Selector::parse`] rewrites that to RFC 9535; [`Selector::select`] applies it and converts
//! the value found. Both are pure.

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::{expression::text_of, parameter::ParameterType, schema::Kind};

/// A parsed selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    path: JsonPath,
    /// Whether it names at most one place. Otherwise what it finds is a list, even of one.
    definite: bool,
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{selector}` is not a JSONPath: {reason}")]
pub struct ParseError {
    /// The text.
    pub selector: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a selector gave no value of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// There is nothing at that place.
    #[error("nothing is there")]
    NoResult,
    /// What is there cannot become the wanted type.
    #[error("found {found}, which cannot become {wanted}: {value}")]
    Type {
        /// What was found, in words.
        found: &'static str,
        /// The name of the type that was wanted.
        wanted: &'static str,
        /// The beginning of the value's JSON text, at most [`EXCERPT_CHARS_MAX`] characters.
        value: String,
    },
}

/// How much of a value an error shows.
pub const EXCERPT_CHARS_MAX: usize = 120;

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    ///
    /// When it is empty or no JSONPath.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let fail = |reason: String| ParseError {
            selector: text.to_owned(),
            reason,
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(fail("it is empty".into()));
        }
        let rooted = match trimmed.chars().next() {
            Some('$') => trimmed.to_owned(),
            Some('[') => format!("${trimmed}"),
            _ => format!("$.{trimmed}"),
        };
        let Rewritten { path, definite } = rewrite(&rooted);
        let path = JsonPath::parse(&path).map_err(|error| fail(error.message().to_owned()))?;
        Ok(Self { path, definite })
    }

    /// The value it picks from `response`, as `wanted`. Null counts as nothing. A selector that may find
    /// several values (`..`, `*`, a filter, a slice) finds a list, which may be empty where a list is wanted.
    ///
    /// # Errors
    ///
    /// [`SelectError::NoResult`] when nothing is found, [`SelectError::Type`] when what is found has another type
    /// and no conversion of the language leads from it to the wanted one.
    pub fn select(&self, response: &Value, wanted: ParameterType) -> Result<Value, SelectError> {
        let mut found = self
            .path
            .query(response)
            .all()
            .into_iter()
            .filter(|value| !value.is_null());
        if self.definite {
            return convert(found.next().ok_or(SelectError::NoResult)?, wanted);
        }
        let found: Vec<Value> = found.cloned().collect();
        match (found.as_slice(), wanted_kind(wanted)) {
            ([], Kind::Array) => Ok(Value::Array(found)),
            ([], _) => Err(SelectError::NoResult),
            // A filter with a single hit: the scalar or the map itself.
            ([only], Kind::String | Kind::Integer | Kind::Boolean | Kind::Object) => convert(only, wanted),
            // Lists found in several places are one list.
            (lists, Kind::Array) if lists.iter().all(Value::is_array) => convert(
                &lists.iter().filter_map(Value::as_array).flatten().cloned().collect(),
                wanted,
            ),
            _ => convert(&Value::Array(found), wanted),
        }
    }
}

/// The JSON type that carries values of this type.
fn wanted_kind(wanted: ParameterType) -> Kind {
    use ParameterType as P;
    match wanted {
        P::String | P::InstanceId | P::BucketName | P::RoleArn => Kind::String,
        P::StringList | P::MapList | P::InstanceIdList | P::BucketNameList | P::RoleArnList => Kind::Array,
        P::Integer => Kind::Integer,
        P::Boolean => Kind::Boolean,
        P::StringMap => Kind::Object,
    }
}

/// The table of conversions of step outputs.
fn convert(value: &Value, wanted: ParameterType) -> Result<Value, SelectError> {
    use ParameterType as P;
    let converted = match wanted {
        P::String | P::InstanceId | P::BucketName | P::RoleArn => to_text(value),
        P::StringList | P::InstanceIdList | P::BucketNameList | P::RoleArnList => to_text_list(value),
        P::Integer => to_integer(value),
        P::Boolean => to_boolean(value),
        P::MapList => to_map_list(value),
        P::StringMap => to_map(value),
    };
    converted.ok_or_else(|| SelectError::Type {
        found: describe(value),
        wanted: wanted.name(),
        value: excerpt(value),
    })
}

fn to_text(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(_) => Some(value.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(Value::String(value.to_string())),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            Some(Value::String(value.to_string()))
        }
        Value::Array(_) => only_scalar(value).and_then(to_text),
    }
}

fn to_text_list(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) | Value::Bool(_) | Value::Number(_) => Some(Value::from(vec![text_of(value)])),
        Value::Array(items) => {
            let texts = items
                .iter()
                .map(|item| is_scalar(item).then(|| Value::String(text_of(item))));
            texts.collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Value::Null | Value::Object(_) => None,
    }
}

fn to_integer(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(value.clone()),
        Value::String(text) => text.trim().parse::<i64>().ok().map(Value::from),
        Value::Array(_) => only_scalar(value).and_then(to_integer),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn to_boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        Value::Array(_) => only_scalar(value).and_then(to_boolean),
        Value::Null | Value::String(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn to_map_list(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => items.iter().all(Value::is_object).then(|| value.clone()),
        Value::Object(_) => Some(Value::Array(vec![value.clone()])),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn to_map(value: &Value) -> Option<Value> {
    match value {
        Value::Object(_) => Some(value.clone()),
        Value::Array(items) => match items.as_slice() {
            [only @ Value::Object(_)] => Some(only.clone()),
            _ => None,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn only_scalar(value: &Value) -> Option<&Value> {
    match value.as_array()?.as_slice() {
        [only] if is_scalar(only) => Some(only),
        _ => None,
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a Boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

struct Rewritten {
    path: String,
    definite: bool,
}

/// Puts names that RFC 9535 wants in brackets into brackets (`$.a-b`, `$.0`, `$.'a.b'`), drops the dot of `.[`, and looks
/// whether the path can lead to several places. Text inside brackets is left as it is.
fn rewrite(path: &str) -> Rewritten {
    let mut out = String::with_capacity(path.len() + 8);
    let mut definite = true;
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '[' => {
                let end = bracket_end(rest);
                // Without a closing bracket the path is refused anyway.
                let inside = rest[1..end].strip_suffix(']').unwrap_or_default();
                definite &= names_one(inside);
                out.push_str(&rest[..end]);
                end
            }
            '.' => {
                let dots = if rest.starts_with("..") { 2 } else { 1 };
                let member = &rest[dots..];
                let quoted = quoted_name(member);
                let name = quoted.unwrap_or_else(|| member.split(['.', '[']).next().unwrap_or_default());
                definite &= dots == 1 && name != "*";
                match quoted {
                    Some(name) => push_bracketed(&mut out, dots == 2, name),
                    None => push_member(&mut out, dots == 2, name, member.starts_with('[')),
                }
                dots + name.len()
            }
            other => {
                out.push(other);
                other.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    Rewritten { path: out, definite }
}

/// The name in quotes, quotes included, that a member begins with: `'a.b'[0]`. It may hold dots.
fn quoted_name(member: &str) -> Option<&str> {
    let quote = member.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let end = member[1..].find(quote)? + 2;
    let closed = member[end..].is_empty() || member[end..].starts_with(['.', '[']);
    closed.then(|| &member[..end])
}

fn push_bracketed(out: &mut String, deep: bool, quoted: &str) {
    out.extend([if deep { "..[" } else { "[" }, quoted, "]"]);
}

fn push_member(out: &mut String, deep: bool, name: &str, before_bracket: bool) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    let shorthand = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    let lenient = |c: char| plain(c) || matches!(c, '-' | ':' | '/' | '@' | ' ');
    if !name.is_empty() && !shorthand && name.chars().all(lenient) {
        push_bracketed(out, deep, &format!("'{}'", name.trim_end()));
    } else if !name.is_empty() || deep || !before_bracket {
        out.extend([if deep { ".." } else { "." }, name]);
    }
}

/// Where the bracket that `text` opens with is closed: the offset behind it.
fn bracket_end(text: &str) -> usize {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') if depth == 1 => return at + 1,
            (None, ']') => depth -= 1,
            (None, _) => {}
        }
    }
    text.len()
}

/// Whether what stands between brackets is one name or one index.
fn names_one(inside: &str) -> bool {
    let inside = inside.trim();
    match inside.chars().next() {
        Some(quote @ ('\'' | '"')) => !inside[1..].trim_end_matches(quote).contains(quote),
        Some(_) => inside.parse::<i64>().is_ok(),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pick(selector: &str, response: &Value, wanted: ParameterType) -> Result<Value, SelectError> {
        Selector::parse(selector).unwrap().select(response, wanted)
    }

    fn reservations() -> Value {
        json!({
            "Reservations": [
                {"Instances": [{"InstanceId": "i-1", "Tags": [{"Key": "Name", "Value": "a"}], "Ids": ["x"]}]},
                {"Instances": [{"InstanceId": "i-2", "Tags": [{"Key": "Env", "Value": "b"}], "Ids": ["y", "z"]}]},
            ],
            "dash-ed": {"0": 5},
            "Outputs": {"step.Image": ["ami-1"]},
            "Nothing": null,
        })
    }

    #[test]
    fn the_dialect_is_read() {
        use ParameterType::{Integer, MapList, String, StringList, StringMap};
        let cases = [
            ("$.Reservations[0].Instances[0].InstanceId", String, json!("i-1")),
            ("Reservations[1].Instances[0].InstanceId", String, json!("i-2")),
            ("$.Reservations[-1].Instances[0].InstanceId", String, json!("i-2")),
            (
                "$['Reservations'][0][\"Instances\"].[0].InstanceId",
                String,
                json!("i-1"),
            ),
            ("$.dash-ed.0", Integer, json!(5)),
            ("$.dash-ed", StringMap, json!({"0": 5})),
            ("$.Outputs.'step.Image'[0]", String, json!("ami-1")),
            ("Outputs.\"step.Image\"", StringList, json!(["ami-1"])),
            ("$..'step.Image'", StringList, json!(["ami-1"])),
            ("$..InstanceId", StringList, json!(["i-1", "i-2"])),
            (
                "$.Reservations[*].Instances[*].InstanceId",
                StringList,
                json!(["i-1", "i-2"]),
            ),
            (
                "$.Reservations..Tags",
                MapList,
                json!([{"Key": "Name", "Value": "a"}, {"Key": "Env", "Value": "b"}]),
            ),
            ("$..Tags[?(@.Key == 'Env')].Value", String, json!("b")),
            ("$..Tags[?(@.Key == 'Env')].Value", StringList, json!(["b"])),
            ("$..Ids", StringList, json!(["x", "y", "z"])),
            ("$..Absent", StringList, json!([])),
        ];
        for (selector, wanted, expected) in cases {
            assert_eq!(pick(selector, &reservations(), wanted), Ok(expected), "{selector}");
        }
        assert_eq!(pick("$", &json!({"a": 1}), String), Ok(json!("{\"a\":1}")));
    }

    #[test]
    fn nothing_and_null_are_no_result() {
        for selector in ["$.Absent", "$.Nothing", "$..Absent", "$..Tags[?(@.Key == 'No')].Value"] {
            assert_eq!(
                pick(selector, &reservations(), ParameterType::String),
                Err(SelectError::NoResult),
                "{selector}"
            );
        }
    }

    #[test]
    fn types_are_converted_as_the_table_says() {
        use ParameterType::{Boolean, Integer, MapList, String, StringList, StringMap};
        let good = [
            (json!("5"), Integer, json!(5)),
            (json!("TRUE"), Boolean, json!(true)),
            (json!("a"), StringList, json!(["a"])),
            (json!(5), String, json!("5")),
            (json!(5), StringList, json!(["5"])),
            (json!(true), String, json!("true")),
            (json!(["7"]), Integer, json!(7)),
            (json!([1, true]), StringList, json!(["1", "true"])),
            (json!({"a": 1}), MapList, json!([{"a": 1}])),
            (json!([{"a": 1}]), StringMap, json!({"a": 1})),
            (json!([{"a": 1}]), String, json!("[{\"a\":1}]")),
        ];
        for (value, wanted, expected) in good {
            assert_eq!(pick("$", &value, wanted), Ok(expected), "{value} as {wanted:?}");
        }
        let bad = [
            (json!("x"), Integer),
            (json!(1), Boolean),
            (json!(["a", "b"]), String),
            (json!([]), String),
            (json!({"a": 1}), StringList),
            (json!("{}"), StringMap),
            (json!(["a"]), MapList),
        ];
        for (value, wanted) in bad {
            assert!(
                matches!(pick("$", &value, wanted), Err(SelectError::Type { .. })),
                "{value} as {wanted:?}"
            );
        }
    }

    #[test]
    fn errors_are_short_and_say_what_was_found() {
        let error = pick("$", &json!(["é".repeat(200), "b"]), ParameterType::Integer)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("found a list, which cannot become Integer: [\"é"),
            "{error}"
        );
        assert!(error.ends_with('…') && error.chars().count() < 200, "{error}");
    }

    #[test]
    fn brackets_may_be_left_open_anywhere() {
        for path in ["[", "[é", "$.[é", "$['", "$['é", "$[]", "$.a[é]"] {
            let _ = Selector::parse(path);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in [
            "", "  ", "$.a[", "$.a[?(", "$.a]", "$[", "[", "$..", "$.a[1", "$.", "a..", "$['a", "é[", ".", "$.'a",
            "$.'a'b", "$.'é",
        ] {
            assert!(Selector::parse(bad).is_err(), "{bad:?}");
        }
    }
}
