//! What is compared must be comparable: types of both sides of an operator.

use runwright_model::{condition::Operator, expression::Template, schema::Kind};
use serde_json::Value;

use crate::{
    check::types,
    codes,
    condition::Comparison,
    draft::Draft,
    finding::{Finding, Findings},
};

/// What an operator compares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    Text,
    TextOrItem,
    Number,
    Boolean,
}

pub(super) fn check(draft: &Draft<'_>, findings: &mut Findings) {
    for comparison in &draft.comparisons {
        findings.extend(left(draft, comparison));
        findings.extend(right(draft, comparison));
    }
}

fn wants(operator: Operator) -> Wants {
    use Operator as O;
    match operator {
        O::StringEquals | O::EqualsIgnoreCase | O::StartsWith | O::EndsWith => Wants::Text,
        O::Contains => Wants::TextOrItem,
        O::NumericEquals
        | O::NumericGreater
        | O::NumericLesser
        | O::NumericGreaterOrEquals
        | O::NumericLesserOrEquals => Wants::Number,
        O::BooleanEquals => Wants::Boolean,
    }
}

fn describe(wants: Wants) -> &'static str {
    match wants {
        Wants::Text => "a text",
        Wants::TextOrItem => "a text or a list",
        Wants::Number => "a number",
        Wants::Boolean => "true or false",
    }
}

fn accepts(wants: Wants, kind: Kind) -> bool {
    match wants {
        Wants::Text => types::can_become(kind, Kind::String),
        Wants::TextOrItem => kind != Kind::Object,
        Wants::Number => types::can_become(kind, Kind::Number),
        Wants::Boolean => types::can_become(kind, Kind::Boolean),
    }
}

fn left(draft: &Draft<'_>, comparison: &Comparison) -> Option<Finding> {
    let Template::Reference(reference) = &comparison.variable.value else {
        return None;
    };
    let given = types::of_reference(draft, reference)?;
    let wants = wants(comparison.operator);
    (!accepts(wants, given.kind)).then(|| {
        let message = format!(
            "`{:?}` compares {}, and `{reference}` is {}",
            comparison.operator,
            describe(wants),
            given.describe()
        );
        Finding::error(codes::OPERATOR_DOES_NOT_FIT, comparison.variable.place, message)
    })
}

fn right(draft: &Draft<'_>, comparison: &Comparison) -> Option<Finding> {
    let wants = wants(comparison.operator);
    let fits = match &comparison.operand.value {
        Template::Literal(value) => literal_fits(wants, value),
        Template::Reference(reference) => {
            types::of_reference(draft, reference).is_none_or(|given| accepts(wants, given.kind))
        }
        Template::Text(_) => true,
        Template::List(_) | Template::Map(_) => wants == Wants::TextOrItem,
    };
    (!fits).then(|| {
        let message = format!("`{:?}` must be given {}", comparison.operator, describe(wants));
        Finding::error(codes::OPERATOR_DOES_NOT_FIT, comparison.operand.place, message)
    })
}

fn literal_fits(wants: Wants, value: &Value) -> bool {
    match (wants, value) {
        (Wants::Text, value) => value.is_string() || value.is_number() || value.is_boolean(),
        (Wants::TextOrItem, value) => !value.is_null(),
        (Wants::Number, Value::String(text)) => text.trim().parse::<f64>().is_ok(),
        (Wants::Number, value) => value.is_number(),
        (Wants::Boolean, Value::String(text)) => {
            text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
        }
        (Wants::Boolean, value) => value.is_boolean(),
    }
}
