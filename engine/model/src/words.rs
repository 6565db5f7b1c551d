//! Conditions in words, short enough for an edge of a drawing.

use std::fmt;

use serde_json::Value;

use crate::{
    condition::{Condition, Operator},
    expression::{Piece, Template},
};

/// As a person would say it: `check.Count > 3 and not (Mode = "dry")`.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => f.write_str(&joined(parts, " and ")),
            Self::Or(parts) => f.write_str(&joined(parts, " or ")),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare {
                variable,
                operator,
                operand,
            } => write!(f, "{} {} {}", template(variable), word(*operator), template(operand)),
        }
    }
}

fn joined(parts: &[Condition], between: &str) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Condition::And(inner) | Condition::Or(inner) if inner.len() > 1 => format!("({part})"),
            Condition::And(_) | Condition::Or(_) | Condition::Not(_) | Condition::Compare { .. } => part.to_string(),
        })
        .collect();
    parts.join(between)
}

fn word(operator: Operator) -> &'static str {
    match operator {
        Operator::StringEquals | Operator::NumericEquals | Operator::BooleanEquals => "=",
        Operator::EqualsIgnoreCase => "equals, in any case,",
        Operator::StartsWith => "starts with",
        Operator::EndsWith => "ends with",
        Operator::Contains => "contains",
        Operator::NumericGreater => ">",
        Operator::NumericLesser => "<",
        Operator::NumericGreaterOrEquals => "≥",
        Operator::NumericLesserOrEquals => "≤",
    }
}

/// References lose their braces: on an edge there is nothing to tell them from.
fn template(template: &Template) -> String {
    match template {
        Template::Literal(value) => literal(value),
        Template::Reference(reference) => bare(&reference.to_string()),
        Template::Text(pieces) => pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Reference(reference) | Piece::Collapsed(reference) => reference.to_string(),
            })
            .collect(),
        Template::List(_) => "[…]".to_owned(),
        Template::Map(_) => "{…}".to_owned(),
    }
}

fn literal(value: &Value) -> String {
    value.to_string()
}

fn bare(reference: &str) -> String {
    reference.trim_start_matches("{{ ").trim_end_matches(" }}").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::expression::Reference;

    #[test]
    fn conditions_read_like_sentences() {
        let compare = |operator, operand: Value| Condition::Compare {
            variable: Template::Reference(Reference::Output {
                step: "check".into(),
                output: "Count".into(),
            }),
            operator,
            operand: Template::Literal(operand),
        };
        let both = Condition::And(vec![
            compare(Operator::NumericGreater, json!(3)),
            Condition::Not(Box::new(compare(Operator::StringEquals, json!("x")))),
        ]);
        assert_eq!(both.to_string(), "check.Count > 3 and not (check.Count = \"x\")");
    }
}
