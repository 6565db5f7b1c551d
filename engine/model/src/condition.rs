//! Conditions: which way an `aws:branch` goes, and whether a step runs.
//!
//! The compiler parses them; [`Condition::holds`] evaluates them against a [`Scope`], and is pure. Rules: SSM Automation, branch
//! conditions.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::expression::{Reference, Scope, Template, Unresolved};

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
    /// Whether it holds. Stops at the first part that decides. An output that is not there counts as the text of its
    /// reference, as in Systems Manager, which is no number and no truth value: documents of AWS branch on what a step may
    /// not have found.
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
            } => match (
                compared(*operator, variable, scope)?,
                compared(*operator, operand, scope)?,
            ) {
                (Some(left), Some(right)) => compare(*operator, &left, &right),
                (_, _) => Ok(false),
            },
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

/// One side of a comparison; `None` when it is the text of an output that is not there, which the operator cannot compare.
fn compared(operator: Operator, side: &Template, scope: &dyn Scope) -> Result<Option<Value>, Unresolved> {
    match side.resolve(scope) {
        Err(Unresolved(Reference::Output { .. })) => Ok(operator.compares_texts().then(|| side.known(scope))),
        resolved => resolved.map(Some),
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
    use crate::expression::tests::One;

    #[test]
    fn comparisons_convert_numeric_text_and_stop_early() {
        let holds = |operator, operand: Value| {
            Condition::Compare {
                variable: Template::Reference(Reference::Parameter("X".into())),
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

    #[test]
    fn an_output_that_is_not_there_is_the_text_of_its_reference() {
        let absent = Template::Reference(Reference::Output {
            step: "find".into(),
            output: "Id".into(),
        });
        let holds = |operator, operand: Value| {
            Condition::Compare {
                variable: absent.clone(),
                operator,
                operand: Template::Literal(operand),
            }
            .holds(&One(Value::Null))
        };
        assert_eq!(holds(Operator::Contains, json!("find.Id")), Ok(true));
        assert_eq!(holds(Operator::BooleanEquals, json!(true)), Ok(false));
        assert_eq!(holds(Operator::BooleanEquals, json!(false)), Ok(false));
        assert_eq!(holds(Operator::NumericGreater, json!(0)), Ok(false));
    }
}
