//! `precondition`: when a step is skipped.
//!
//! What the agent would not recognise fails its step there; here it is a mistake of the document.

use runwright_model::{
    condition::{Condition, Operator},
    expression::{Global, Reference, Template},
};

use super::substitution::Substitution;
use crate::{
    codes,
    fields::wrong_type,
    finding::{Finding, Findings},
    place::Place,
    syntax::{Entry, Node, Shape},
};

const PLATFORM: &str = "platformType";
const PLATFORMS: [&str; 3] = ["Linux", "MacOS", "Windows"];

/// The condition of a precondition; `None` when it is empty, or has a mistake.
pub(crate) fn condition(entry: &Entry, substitution: &Substitution<'_>, findings: &mut Findings) -> Option<Condition> {
    let Shape::Map(operators) = &entry.value.shape else {
        findings.push(wrong_type(&entry.value, "`precondition` must be a map"));
        return None;
    };
    let mut all = Vec::new();
    for operator in operators {
        match comparison(operator, substitution, findings) {
            Ok(condition) => all.push(condition),
            Err(finding) => findings.push(finding),
        }
    }
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ => Some(Condition::And(all)),
    }
}

fn comparison(entry: &Entry, substitution: &Substitution<'_>, findings: &mut Findings) -> Result<Condition, Finding> {
    if entry.key != "StringEquals" {
        let message = format!("a precondition has no operator `{}`", entry.key);
        return Err(bad(entry.key_place, message).help("the only one is `StringEquals`"));
    }
    let Shape::List(operands) = &entry.value.shape else {
        return Err(wrong_type(&entry.value, "`StringEquals` must be a list of two texts"));
    };
    let [first, second] = operands.as_slice() else {
        let message = format!("`StringEquals` compares two texts, and has {}", operands.len());
        return Err(bad(entry.value.place, message));
    };
    let (Some(left), Some(right)) = (first.as_text(), second.as_text()) else {
        return Err(bad(entry.value.place, "`StringEquals` compares texts".to_owned()).help("put them in quotes"));
    };
    for (node, text) in [(first, left), (second, right)] {
        if text.contains("{{ssm") || text.contains("{{ ssm") {
            let message = "a precondition cannot read the parameter store".to_owned();
            return Err(bad(node.place, message).help("give a parameter of the document this value as its default"));
        }
    }
    if left == right {
        return Err(bad(entry.value.place, "the two operands are the same text".to_owned()));
    }
    match (left == PLATFORM, right == PLATFORM) {
        (true, _) => platform(second, right),
        (_, true) => platform(first, left),
        (false, false) => {
            let mut read = |node: &Node| substitution.template(node, None, findings);
            let (variable, operand) = (read(first), read(second));
            if variable.references().is_empty() && operand.references().is_empty() {
                let message = "neither operand is `platformType` or has a parameter of the document".to_owned();
                return Err(bad(entry.value.place, message).help("compare with `{{ parameter }}`"));
            }
            Ok(Condition::Compare {
                variable: text(variable),
                operator: Operator::StringEquals,
                operand: text(operand),
            })
        }
    }
}

/// Operands are texts, whatever the parameter's type is.
fn text(template: Template) -> Template {
    use runwright_model::expression::Piece;
    match template {
        Template::Reference(reference) => Template::Text(vec![Piece::Reference(reference)]),
        Template::Literal(_) | Template::Text(_) | Template::List(_) | Template::Map(_) => template,
    }
}

fn platform(node: &Node, name: &str) -> Result<Condition, Finding> {
    if !PLATFORMS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        let message = format!("`{name}` is no platform that `platformType` is compared with");
        return Err(bad(node.place, message).help("it is Linux, MacOS or Windows"));
    }
    Ok(is_platform(name))
}

/// Whether the machine has this platform.
pub(crate) fn is_platform(name: &str) -> Condition {
    Condition::Compare {
        variable: Template::Reference(Reference::Global(Global::Platform)),
        operator: Operator::EqualsIgnoreCase,
        operand: Template::Literal(name.into()),
    }
}

fn bad(place: Place, message: String) -> Finding {
    Finding::error(codes::BAD_PRECONDITION, place, message)
}
