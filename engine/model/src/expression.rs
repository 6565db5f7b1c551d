//! `{{ references }}` and templates: how values reach a step.
//!
//! The compiler parses them; [`Template::resolve`] evaluates them against a [`Scope`], and is pure. Rules: SSM Automation,
//! substitution.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One `{{ … }}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reference {
    /// `{{ Name }}`.
    Parameter(String),
    /// `{{ step.Output }}`.
    Output {
        /// The step's name.
        step: String,
        /// The output's name.
        output: String,
    },
    /// `{{ variable:Name }}`.
    Variable(String),
    /// `{{ global:NAME }}`.
    Global(Global),
    /// `{{ automation:EXECUTION_ID }}`.
    ExecutionId,
}

/// The globals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Global {
    /// `yyyy-MM-dd`, UTC.
    Date,
    /// `yyyy-MM-dd_HH.mm.ss`, UTC.
    DateTime,
    /// The region.
    Region,
    /// The account.
    AccountId,
    /// The partition.
    AwsPartition,
    /// The kind of system a step's machine runs: `Linux`, `MacOS` or `Windows`. For preconditions of Command documents;
    /// no document can write it.
    Platform,
}

impl Global {
    /// All that documents can write, with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("DATE", Self::Date),
        ("DATE_TIME", Self::DateTime),
        ("REGION", Self::Region),
        ("ACCOUNT_ID", Self::AccountId),
        ("AWS_PARTITION", Self::AwsPartition),
    ];
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Parameter(name) => write!(f, "{{{{ {name} }}}}"),
            Self::Output { step, output } => write!(f, "{{{{ {step}.{output} }}}}"),
            Self::Variable(name) => write!(f, "{{{{ variable:{name} }}}}"),
            Self::Global(global) => match Global::ALL.iter().find(|(_, known)| known == global) {
                Some((name, _)) => write!(f, "{{{{ global:{name} }}}}"),
                None => f.write_str("platformType"),
            },
            Self::ExecutionId => f.write_str("{{ automation:EXECUTION_ID }}"),
        }
    }
}

/// A value with references in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Template {
    /// A value without references, however deep.
    Literal(Value),
    /// Exactly one reference: keeps the type of its value.
    Reference(Reference),
    /// Text with references in it.
    Text(Vec<Piece>),
    /// A list; an item that is one reference to a list is spliced in.
    List(Vec<Template>),
    /// A map; keys are static.
    Map(Vec<(String, Template)>),
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A reference, replaced by the text form of its value.
    Reference(Reference),
    /// The same in a Command document: `$$` in the text form becomes `$`, as its agent does.
    Collapsed(Reference),
}

/// Where references find their values.
pub trait Scope {
    /// The value, or `None` when there is none (yet).
    fn lookup(&self, reference: &Reference) -> Option<Value>;
}

/// A reference that has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has no value: the step it names has not run, has failed, or did not produce this output")]
pub struct Unresolved(pub Reference);

impl Template {
    /// The value with every reference replaced. Values put in are not searched again.
    ///
    /// # Errors
    ///
    /// The first reference that has no value.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Value, Unresolved> {
        self.resolve_with(scope, lookup)
    }

    /// The same as Systems Manager hands values to its actions: an output without a value that stands alone is the text of its
    /// reference. Scripts of AWS's own runbooks look for that text, and filters name the outputs of two steps of which one runs.
    ///
    /// # Errors
    ///
    /// The first other reference that has no value.
    pub fn resolve_or_text(&self, scope: &dyn Scope) -> Result<Value, Unresolved> {
        self.resolve_with(scope, |scope, reference| match lookup(scope, reference) {
            Err(Unresolved(Reference::Output { .. })) => Ok(Value::String(reference.to_string())),
            found => found,
        })
    }

    fn resolve_with(&self, scope: &dyn Scope, alone: Lookup) -> Result<Value, Unresolved> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Reference(reference) => alone(scope, reference),
            Self::Text(pieces) => resolve_text(pieces, scope).map(Value::String),
            Self::List(items) => resolve_list(items, scope, alone),
            Self::Map(entries) => {
                let mut map = Map::new();
                for (key, template) in entries {
                    map.insert(key.clone(), template.resolve_with(scope, alone)?);
                }
                Ok(Value::Object(map))
            }
        }
    }

    /// The value as far as it is known: a reference without a value stays as it is written. For people, before anything runs,
    /// and for comparisons of texts.
    #[must_use]
    pub fn known(&self, scope: &dyn Scope) -> Value {
        // Nothing is without a value there.
        self.resolve(&Known(scope)).unwrap_or_default()
    }

    /// Every reference in it, in order.
    #[must_use]
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Reference(reference) => vec![reference],
            Self::Text(pieces) => pieces
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Reference(reference) | Piece::Collapsed(reference) => Some(reference),
                    Piece::Text(_) => None,
                })
                .collect(),
            Self::List(items) => items.iter().flat_map(Self::references).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, t)| t.references()).collect(),
        }
    }
}

/// How the value of a reference that stands alone is found.
type Lookup = fn(&dyn Scope, &Reference) -> Result<Value, Unresolved>;

fn lookup(scope: &dyn Scope, reference: &Reference) -> Result<Value, Unresolved> {
    scope.lookup(reference).ok_or_else(|| Unresolved(reference.clone()))
}

fn resolve_text(pieces: &[Piece], scope: &dyn Scope) -> Result<String, Unresolved> {
    let mut text = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Reference(reference) => {
                let value = lookup(scope, reference)?;
                let quoted = text.ends_with('"')
                    && matches!(pieces.get(at + 1), Some(Piece::Text(next)) if next.starts_with('"'));
                text.push_str(&text_of(only_item(&value).filter(|_| quoted).unwrap_or(&value)));
            }
            Piece::Collapsed(reference) => text.push_str(&text_of(&lookup(scope, reference)?).replace("$$", "$")),
        }
    }
    Ok(text)
}

/// The item of a list of one text or number. Between quotes of a JSON text it is what is meant: a list's own JSON text can never
/// be right there, and documents put `{{ launch.InstanceIds }}` between quotes for functions that want one id.
fn only_item(value: &Value) -> Option<&Value> {
    match value.as_array()?.as_slice() {
        [only @ (Value::String(_) | Value::Number(_) | Value::Bool(_))] => Some(only),
        _ => None,
    }
}

fn resolve_list(items: &[Template], scope: &dyn Scope, alone: Lookup) -> Result<Value, Unresolved> {
    let mut list = Vec::with_capacity(items.len());
    for item in items {
        match (item, item.resolve_with(scope, alone)?) {
            (Template::Reference(_), Value::Array(spliced)) => list.extend(spliced),
            (_, value) => list.push(value),
        }
    }
    Ok(Value::Array(list))
}

/// A scope in which every reference has a value, its own text if there is no other.
struct Known<'a>(&'a dyn Scope);

impl Scope for Known<'_> {
    fn lookup(&self, reference: &Reference) -> Option<Value> {
        let found = self.0.lookup(reference);
        Some(found.unwrap_or_else(|| Value::String(reference.to_string())))
    }
}

/// The text form of a value inside a text: strings as they are, the rest as JSON.
#[must_use]
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// Has a value for `{{ X }}`, and for nothing else.
    pub(crate) struct One(pub(crate) Value);

    impl Scope for One {
        fn lookup(&self, reference: &Reference) -> Option<Value> {
            (*reference == Reference::Parameter("X".into())).then(|| self.0.clone())
        }
    }

    fn x() -> Reference {
        Reference::Parameter("X".into())
    }

    #[test]
    fn a_whole_reference_keeps_its_type_and_is_spliced_into_lists() {
        let scope = One(json!(["a", "b"]));
        assert_eq!(Template::Reference(x()).resolve(&scope), Ok(json!(["a", "b"])));
        let list = Template::List(vec![Template::Reference(x()), Template::Literal(json!("c"))]);
        assert_eq!(list.resolve(&scope), Ok(json!(["a", "b", "c"])));
    }

    #[test]
    fn values_put_into_text_are_not_searched_again() {
        let scope = One(json!("{{ X }}"));
        let text = Template::Text(vec![
            Piece::Text("<".into()),
            Piece::Reference(x()),
            Piece::Text(">".into()),
        ]);
        assert_eq!(text.resolve(&scope), Ok(json!("<{{ X }}>")));
    }

    #[test]
    fn what_is_not_known_yet_stays_as_it_is_written() {
        let later = Reference::Output {
            step: "find".into(),
            output: "Items".into(),
        };
        let list = Template::List(vec![Template::Reference(x()), Template::Reference(later.clone())]);
        let scope = One(json!(["a", "b"]));
        assert_eq!(list.known(&scope), json!(["a", "b", "{{ find.Items }}"]));
        let text = Template::Text(vec![Piece::Text("found ".into()), Piece::Reference(later)]);
        assert_eq!(text.known(&scope), json!("found {{ find.Items }}"));
    }

    #[test]
    fn a_list_of_one_between_quotes_is_its_item() {
        let within = |before: &str, after: &str| {
            Template::Text(vec![
                Piece::Text(before.into()),
                Piece::Reference(x()),
                Piece::Text(after.into()),
            ])
        };
        let one = One(json!(["i-1"]));
        assert_eq!(within("{\"a\": \"", "\"}").resolve(&one), Ok(json!("{\"a\": \"i-1\"}")));
        assert_eq!(within("{\"a\": ", "}").resolve(&one), Ok(json!("{\"a\": [\"i-1\"]}")));
        let two = One(json!(["i-1", "i-2"]));
        assert_eq!(within("\"", "\"").resolve(&two), Ok(json!("\"[\"i-1\",\"i-2\"]\"")));
    }

    #[test]
    fn an_output_without_a_value_is_its_text_where_it_stands_alone() {
        let absent = Reference::Output {
            step: "find".into(),
            output: "Id".into(),
        };
        let scope = One(json!("a"));
        let list = Template::List(vec![Template::Reference(absent.clone()), Template::Reference(x())]);
        assert_eq!(list.resolve_or_text(&scope), Ok(json!(["{{ find.Id }}", "a"])));
        assert_eq!(list.resolve(&scope), Err(Unresolved(absent.clone())));
        let within = Template::Text(vec![Piece::Text("id=".into()), Piece::Reference(absent.clone())]);
        assert_eq!(within.resolve_or_text(&scope), Err(Unresolved(absent)));
        let variable = Reference::Variable("V".into());
        let other = Template::Reference(variable.clone());
        assert_eq!(other.resolve_or_text(&scope), Err(Unresolved(variable)));
    }

    #[test]
    fn a_missing_value_names_its_reference() {
        let missing = Reference::Variable("V".into());
        assert_eq!(
            Template::Reference(missing.clone()).resolve(&One(json!(1))),
            Err(Unresolved(missing))
        );
    }
}
