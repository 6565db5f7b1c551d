//! Parameters and variables: their definitions.

use runwright_model::{
    expression::Reference,
    parameter::{Parameter, ParameterType},
};
use serde_json::Value;

use crate::{
    codes, constraint,
    fields::{Fields, missing},
    finding::{Finding, Findings},
    pattern,
    place::{Place, Spanned},
    suggest::{listed, nearest},
    syntax::{Entry, Node, Shape},
    template,
};

/// A variable whose shape has been read.
#[derive(Debug, Clone)]
pub(crate) struct RawVariable {
    pub(crate) name: Spanned<String>,
    pub(crate) variable_type: ParameterType,
    pub(crate) default: Option<Node>,
    pub(crate) description: Option<String>,
}

const KEYS: [&str; 10] = [
    "type",
    "description",
    "default",
    "allowedValues",
    "allowedPattern",
    "minItems",
    "maxItems",
    "minChars",
    "maxChars",
    "displayType",
];

/// Definitions that could be read, and the names of those that could not: whoever refers to one of them is right.
#[derive(Debug, Clone)]
pub(crate) struct Definitions<T> {
    pub(crate) read: Vec<T>,
    pub(crate) broken: Vec<String>,
}

impl<T> Default for Definitions<T> {
    fn default() -> Self {
        Self {
            read: Vec::new(),
            broken: Vec::new(),
        }
    }
}

pub(crate) fn read(node: Node, findings: &mut Findings) -> Definitions<Parameter> {
    definitions(node, "`parameters`", parameter, findings)
}

fn definitions<T>(
    node: Node,
    what: &'static str,
    read: fn(Entry, &mut Findings) -> Option<T>,
    findings: &mut Findings,
) -> Definitions<T> {
    let mut definitions = Definitions::default();
    if node.is_null() {
        return definitions;
    }
    let Some(mut fields) = Fields::of(node, what, findings) else {
        return definitions;
    };
    for entry in fields.rest() {
        let name = entry.key.clone();
        match read(entry, findings) {
            Some(definition) => definitions.read.push(definition),
            None => definitions.broken.push(name),
        }
    }
    definitions
}

fn parameter(entry: Entry, findings: &mut Findings) -> Option<Parameter> {
    let Entry {
        key: name,
        key_place: place,
        value,
    } = entry;
    check_name("a parameter", &name, place, |c| c.is_ascii_alphanumeric(), findings);
    let mut fields = Fields::of(value, "a parameter", findings)?;
    let parameter_type = match fields.take("type") {
        Some(entry) => any_type(&crate::fields::text(entry.value, "`type`", findings)?, findings),
        None => {
            findings.push(missing("a parameter", "type", place));
            None
        }
    };
    let description = fields
        .take("description")
        .and_then(|e| crate::document::description(e, findings));
    // A default of null is none.
    let default = fields
        .take("default")
        .map(|entry| entry.value)
        .filter(|node| !node.is_null());
    let allowed = fields.list("allowedValues", findings);
    let allowed_pattern = fields
        .text("allowedPattern", findings)
        .and_then(|text| checked_pattern(text, findings));
    let mut bound = |key| fields.whole(key, 0, u64::MAX, findings).map(|n| n.value);
    let (min_items, max_items) = (bound("minItems"), bound("maxItems"));
    let (min_chars, max_chars) = (bound("minChars"), bound("maxChars"));
    // For consoles; the engine has nothing to do with it.
    drop(fields.text("displayType", findings));
    unchecked(&mut fields, findings);
    fields.finish(&KEYS, findings);
    let parameter_type = parameter_type?;
    let mut value = Parameter {
        name,
        parameter_type,
        description,
        default: None,
        default_template: None,
        allowed_values: allowed_values(allowed, parameter_type, findings),
        allowed_pattern,
        min_items,
        max_items,
        min_chars,
        max_chars,
    };
    value.default = default.and_then(|node| checked_default(&value, &node, findings));
    Some(value)
}

fn check_name(what: &str, name: &str, place: Place, legal: fn(char) -> bool, findings: &mut Findings) {
    if name.is_empty() || !name.chars().all(legal) {
        let message = format!("`{name}` is not a name for {what}: use letters and digits");
        let fixed: String = name.chars().filter(|c| legal(*c)).collect();
        let finding = Finding::error(codes::BAD_NAME, place, message);
        findings.push(if fixed.is_empty() { finding } else { finding.fix(fixed) });
    }
}

fn any_type(text: &Spanned<String>, findings: &mut Findings) -> Option<ParameterType> {
    let found = ParameterType::ALL
        .iter()
        .find(|(name, _)| *name == text.value)
        .map(|(_, t)| *t);
    if found.is_none() {
        findings.push(unknown_type(text, ParameterType::ALL.iter().map(|(name, _)| *name)));
    }
    found
}

/// One of the six types that variables and outputs have.
pub(crate) fn basic_type(text: &Spanned<String>, help: &str, findings: &mut Findings) -> Option<ParameterType> {
    const BASIC: usize = 6;
    let found = ParameterType::ALL[..BASIC]
        .iter()
        .find(|(name, _)| *name == text.value)
        .map(|(_, t)| *t);
    if found.is_none() {
        findings.push(unknown_type(text, ParameterType::ALL[..BASIC].iter().map(|(name, _)| *name)).help(help));
    }
    found
}

fn unknown_type(text: &Spanned<String>, known: impl Iterator<Item = &'static str> + Clone) -> Finding {
    let finding = Finding::error(
        codes::UNKNOWN_TYPE,
        text.place,
        format!("there is no type `{}`", text.value),
    );
    match nearest(&text.value, known.clone()) {
        Some(near) => finding.did_you_mean(Some(near)),
        None => finding.help(format!("types are {}", listed(known))),
    }
}

fn checked_pattern(text: Spanned<String>, findings: &mut Findings) -> Option<String> {
    match pattern::compile(&text.value) {
        Ok(_) => Some(text.value),
        Err(reason) => {
            let message = format!("`allowedPattern` is not a regular expression: {reason}");
            findings.push(Finding::error(codes::BAD_PATTERN, text.place, message));
            None
        }
    }
}

/// Keys that documents in the wild have, and that no implementation looks at.
fn unchecked(fields: &mut Fields, findings: &mut Findings) {
    for key in ["minValue", "maxValue"] {
        if let Some(entry) = fields.take(key) {
            findings.push(
                Finding::warning(
                    codes::UNKNOWN_KEY,
                    entry.key_place,
                    format!("a parameter has no key `{key}`; it is not checked"),
                )
                .help("bound an Integer with `allowedValues` or `allowedPattern`"),
            );
        }
    }
}

fn allowed_values(
    list: Option<(Place, Vec<Node>)>,
    parameter_type: ParameterType,
    findings: &mut Findings,
) -> Vec<Value> {
    let mut values = Vec::new();
    for node in list.map(|(_, nodes)| nodes).unwrap_or_default() {
        match constraint::allowed_value(parameter_type, &node.to_value()) {
            Ok(value) => values.push(value),
            Err(reason) => {
                let message = format!(
                    "this can never be a value of type {}: it {reason}",
                    parameter_type.name()
                );
                findings.push(Finding::error(codes::BAD_DEFAULT, node.place, message));
            }
        }
    }
    values
}

/// The definitions, with the templates of those defaults that refer to parameters or to the execution. One that names
/// anything else is a text.
pub(crate) fn with_templates(definitions: &[Parameter]) -> Vec<Parameter> {
    let known = |reference: &Reference, own: &str| match reference {
        Reference::Parameter(name) => name != own && definitions.iter().any(|other| other.name == *name),
        Reference::Global(_) | Reference::ExecutionId => true,
        Reference::Output { .. } | Reference::Variable(_) => false,
    };
    let template = |parameter: &Parameter| {
        let text = parameter
            .default
            .as_ref()?
            .as_str()
            .filter(|text| text.contains("{{"))?;
        let template = template::of_text(text);
        let references = template.references();
        let refers = !references.is_empty() && references.into_iter().all(|one| known(one, &parameter.name));
        refers.then_some(template)
    };
    let with = |parameter: &Parameter| Parameter {
        default_template: template(parameter),
        ..parameter.clone()
    };
    definitions.iter().map(with).collect()
}

fn checked_default(parameter: &Parameter, node: &Node, findings: &mut Findings) -> Option<Value> {
    let given = node.to_value();
    if crate::ssm_default(&given).is_some()
        && (parameter.parameter_type.is_string() || parameter.parameter_type.is_string_list())
    {
        return Some(given);
    }
    let bad = |reason: &str| {
        let message = format!("the default of `{}` {reason}", parameter.name);
        let finding = Finding::error(codes::BAD_DEFAULT, node.place, message);
        match constraint::allowed(parameter) {
            Some(allowed) => finding.help(format!("allowed is {allowed}")),
            None => finding,
        }
    };
    match constraint::typed(
        parameter.parameter_type,
        &digits_as_number(parameter.parameter_type, given),
    ) {
        Err(reason) => {
            findings.push(bad(&reason));
            None
        }
        Ok(value) => {
            // A default that its own pattern refuses may be a mark that is replaced before use. Given as a value it
            // is an error.
            let reasons = constraint::violations(parameter, &value);
            findings.extend(reasons.iter().map(|reason| bad(reason).into_warning()));
            Some(value)
        }
    }
}

/// A text of digits is a default of an Integer; one of `true` is none of a Boolean.
fn digits_as_number(wanted: ParameterType, given: Value) -> Value {
    let number = given.as_str().filter(|_| wanted == ParameterType::Integer);
    match number.and_then(|text| text.trim().parse::<i64>().ok()) {
        Some(number) => Value::from(number),
        None => given,
    }
}

pub(crate) fn read_variables(node: Node, findings: &mut Findings) -> Definitions<RawVariable> {
    definitions(node, "`variables`", variable, findings)
}

fn variable(entry: Entry, findings: &mut Findings) -> Option<RawVariable> {
    let Entry { key, key_place, value } = entry;
    check_name(
        "a variable",
        &key,
        key_place,
        |c| c.is_ascii_alphanumeric() || c == '_',
        findings,
    );
    let mut fields = Fields::of(value, "a variable", findings)?;
    let variable_type = match fields.take("type") {
        Some(entry) => {
            let text = crate::fields::text(entry.value, "`type`", findings)?;
            basic_type(&text, "variables have one of the six basic types", findings)
        }
        None => {
            findings.push(missing("a variable", "type", key_place));
            None
        }
    };
    let default = fields.take("default").map(|entry| entry.value);
    let description = fields
        .take("description")
        .and_then(|e| crate::document::description(e, findings));
    fields.finish(&["type", "default", "description"], findings);
    let variable = RawVariable {
        name: Spanned {
            value: key,
            place: key_place,
        },
        variable_type: variable_type?,
        default,
        description,
    };
    check_variable_default(&variable, findings);
    Some(variable)
}

/// A default without references must have the type; one with references is checked when it is resolved.
fn check_variable_default(variable: &RawVariable, findings: &mut Findings) {
    let Some(node) = variable.default.as_ref().filter(|node| !holds_reference(node)) else {
        return;
    };
    if let Err(reason) = constraint::typed(variable.variable_type, &node.to_value()) {
        let message = format!("the default of `{}` {reason}", variable.name.value);
        findings.push(Finding::error(codes::BAD_DEFAULT, node.place, message));
    }
}

/// Whether there are braces anywhere in it.
fn holds_reference(node: &Node) -> bool {
    match &node.shape {
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) => false,
        Shape::Text(text) => text.contains("{{"),
        Shape::List(items) => items.iter().any(holds_reference),
        Shape::Map(entries) => entries.iter().any(|entry| holds_reference(&entry.value)),
    }
}
