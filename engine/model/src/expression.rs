//! `{{ references }}`, templates and conditions: how values reach a step.
//!
//! The compiler parses them; [`Template::resolve`] and [`Condition::holds`] evaluate them against a
//! [`Scope`]. Both are pure. Rules: SSM Automation, substitution and branch conditions.

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

/// A condition of `aws:branch` and `when`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// All hold.
    And(Vec<Condition>),
    /// One holds.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A comparison.
    Compare {
        /// What is compared.
        variable: Template,
        /// How.
        operator: Operator,
        /// With what.
        operand: Template,
    },
}

/// The operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// Same text.
    StringEquals,
    /// Same text, upper and lower case alike.
    EqualsIgnoreCase,
    /// Begins with.
    StartsWith,
    /// Ends with.
    EndsWith,
    /// Holds this text; for a list, has this item.
    Contains,
    /// Same number.
    NumericEquals,
    /// Larger.
    NumericGreater,
    /// Smaller.
    NumericLesser,
    /// Larger or same.
    NumericGreaterOrEquals,
    /// Smaller or same.
    NumericLesserOrEquals,
    /// Same truth value.
    BooleanEquals,
}

impl Operator {
    /// All, in the order of the language's description; names are those of the variants.
    pub const ALL: [Self; 11] = [
        Self::StringEquals,
        Self::EqualsIgnoreCase,
        Self::StartsWith,
        Self::EndsWith,
        Self::Contains,
        Self::NumericEquals,
        Self::NumericGreater,
        Self::NumericLesser,
        Self::NumericGreaterOrEquals,
        Self::NumericLesserOrEquals,
        Self::BooleanEquals,
    ];

    fn compares_texts(self) -> bool {
        match self {
            Self::StringEquals | Self::EqualsIgnoreCase | Self::StartsWith | Self::EndsWith | Self::Contains => true,
            Self::NumericEquals
            | Self::NumericGreater
            | Self::NumericLesser
            | Self::NumericGreaterOrEquals
            | Self::NumericLesserOrEquals
            | Self::BooleanEquals => false,
        }
    }
}

/// Why a condition could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// A reference had no value.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// A value of another type than the operator needs.
    #[error("{operator:?} needs a {wanted}, and was given {given}")]
    Type {
        /// The operator.
        operator: Operator,
        /// What it needs.
        wanted: &'static str,
        /// The JSON it was given.
        given: String,
    },
}

impl Condition {
    /// Whether it holds. Stops at the first part that decides. Where texts are compared, an output that is not there counts
    /// as the text of its reference, as in Systems Manager: documents of AWS branch on what a step may not have found.
    ///
    /// # Errors
    ///
    /// When a part that is looked at has no value or one of the wrong type.
    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, ConditionError> {
        match self {
            Self::And(all) => all.iter().try_fold(true, |held, c| Ok(held && c.holds(scope)?)),
            Self::Or(any) => any.iter().try_fold(false, |held, c| Ok(held || c.holds(scope)?)),
            Self::Not(inner) => Ok(!inner.holds(scope)?),
            Self::Compare {
                variable,
                operator,
                operand,
            } => compare(
                *operator,
                &compared(*operator, variable, scope)?,
                &compared(*operator, operand, scope)?,
            ),
        }
    }

    /// Every reference in it, in order.
    #[must_use]
    pub fn references(&self) -> Vec<&Reference> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::references).collect(),
            Self::Not(inner) => inner.references(),
            Self::Compare { variable, operand, .. } => {
                let mut found = variable.references();
                found.extend(operand.references());
                found
            }
        }
    }
}

/// One side of a comparison.
fn compared(operator: Operator, side: &Template, scope: &dyn Scope) -> Result<Value, Unresolved> {
    match side.resolve(scope) {
        Err(Unresolved(Reference::Output { .. })) if operator.compares_texts() => Ok(side.known(scope)),
        resolved => resolved,
    }
}

fn compare(operator: Operator, left: &Value, right: &Value) -> Result<bool, ConditionError> {
    use Operator as O;
    match operator {
        O::StringEquals => Ok(string(operator, left)? == string(operator, right)?),
        O::EqualsIgnoreCase => Ok(string(operator, left)?.to_lowercase() == string(operator, right)?.to_lowercase()),
        O::StartsWith => Ok(string(operator, left)?.starts_with(&string(operator, right)?)),
        O::EndsWith => Ok(string(operator, left)?.ends_with(&string(operator, right)?)),
        O::Contains => match left {
            Value::Array(items) => Ok(items.contains(right)),
            _ => Ok(string(operator, left)?.contains(&string(operator, right)?)),
        },
        O::NumericEquals => Ok(number(operator, left)? == number(operator, right)?),
        O::NumericGreater => Ok(number(operator, left)? > number(operator, right)?),
        O::NumericLesser => Ok(number(operator, left)? < number(operator, right)?),
        O::NumericGreaterOrEquals => Ok(number(operator, left)? >= number(operator, right)?),
        O::NumericLesserOrEquals => Ok(number(operator, left)? <= number(operator, right)?),
        O::BooleanEquals => Ok(boolean(operator, left)? == boolean(operator, right)?),
    }
}

fn string(operator: Operator, value: &Value) -> Result<String, ConditionError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(type_error(operator, "text", value)),
    }
}

fn number(operator: Operator, value: &Value) -> Result<f64, ConditionError> {
    let parsed = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    parsed.ok_or_else(|| type_error(operator, "number", value))
}

fn boolean(operator: Operator, value: &Value) -> Result<bool, ConditionError> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Value::String(_) | Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(type_error(operator, "boolean", value))
        }
    }
}

fn type_error(operator: Operator, wanted: &'static str, value: &Value) -> ConditionError {
    ConditionError::Type {
        operator,
        wanted,
        given: value.to_string(),
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

    #[test]
    fn comparisons_convert_numeric_text_and_stop_early() {
        let holds = |operator, operand: Value| {
            Condition::Compare {
                variable: Template::Reference(x()),
                operator,
                operand: Template::Literal(operand),
            }
            .holds(&One(json!("10")))
        };
        assert_eq!(holds(Operator::NumericGreater, json!(9)), Ok(true));
        assert_eq!(holds(Operator::StartsWith, json!("1")), Ok(true));
        assert!(holds(Operator::BooleanEquals, json!(true)).is_err());
        let unresolved = Condition::Compare {
            variable: Template::Reference(Reference::Variable("V".into())),
            operator: Operator::StringEquals,
            operand: Template::Literal(json!("")),
        };
        assert_eq!(
            Condition::And(vec![Condition::Or(vec![]), unresolved]).holds(&One(json!(1))),
            Ok(false)
        );
    }
}
