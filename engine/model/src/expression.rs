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
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Reference(reference) => lookup(scope, reference),
            Self::Text(pieces) => resolve_text(pieces, scope).map(Value::String),
            Self::List(items) => resolve_list(items, scope),
            Self::Map(entries) => {
                let mut map = Map::new();
                for (key, template) in entries {
                    map.insert(key.clone(), template.resolve(scope)?);
                }
                Ok(Value::Object(map))
            }
        }
    }

    /// The value as far as it is known: a reference without a value stays as it is written. For people, before anything runs.
    #[must_use]
    pub fn known(&self, scope: &dyn Scope) -> Value {
        let value = |reference: &Reference| {
            let found = scope.lookup(reference);
            found.unwrap_or_else(|| Value::String(reference.to_string()))
        };
        match self {
            Self::Literal(value) => value.clone(),
            Self::Reference(reference) => value(reference),
            Self::Text(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.clone(),
                    Piece::Reference(reference) => text_of(&value(reference)),
                    Piece::Collapsed(reference) => text_of(&value(reference)).replace("$$", "$"),
                })
                .collect::<String>()
                .into(),
            Self::List(items) => Value::Array(items.iter().flat_map(|item| known_items(item, scope)).collect()),
            Self::Map(entries) => {
                let known = |(key, template): &(String, Self)| (key.clone(), template.known(scope));
                Value::Object(entries.iter().map(known).collect())
            }
        }
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

fn lookup(scope: &dyn Scope, reference: &Reference) -> Result<Value, Unresolved> {
    scope.lookup(reference).ok_or_else(|| Unresolved(reference.clone()))
}

fn resolve_text(pieces: &[Piece], scope: &dyn Scope) -> Result<String, Unresolved> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(part) => text.push_str(part),
            Piece::Reference(reference) => text.push_str(&text_of(&lookup(scope, reference)?)),
            Piece::Collapsed(reference) => text.push_str(&text_of(&lookup(scope, reference)?).replace("$$", "$")),
        }
    }
    Ok(text)
}

fn resolve_list(items: &[Template], scope: &dyn Scope) -> Result<Value, Unresolved> {
    let mut list = Vec::with_capacity(items.len());
    for item in items {
        match (item, item.resolve(scope)?) {
            (Template::Reference(_), Value::Array(spliced)) => list.extend(spliced),
            (_, value) => list.push(value),
        }
    }
    Ok(Value::Array(list))
}

/// What an item of a list comes to: a reference to a list is spliced in.
fn known_items(item: &Template, scope: &dyn Scope) -> Vec<Value> {
    match (item, item.known(scope)) {
        (Template::Reference(_), Value::Array(spliced)) => spliced,
        (_, value) => vec![value],
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
mod tests {
    use serde_json::json;

    use super::*;

    struct One(Value);

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
    fn a_missing_value_names_its_reference() {
        let missing = Reference::Variable("V".into());
        assert_eq!(
            Template::Reference(missing.clone()).resolve(&One(json!(1))),
            Err(Unresolved(missing))
        );
    }
}
