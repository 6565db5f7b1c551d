//! Lowers `aws:loop`: how often it runs. The steps of its body are steps of the plan like others.

use runwright_model::{
    condition::Condition,
    expression::Template,
    parameter::ParameterType,
    step::{ITERATIONS_MAX, Repeat, StepKind},
};
use serde_json::Value;

use crate::{
    codes,
    condition::Conditions,
    draft::{Draft, Site},
    fields,
    finding::{Finding, Findings},
    lower::unknown_input,
    parameters,
    step::RawStep,
    syntax::Entry,
};

const ACTION: &str = crate::known::LOOP;
const INPUTS: [&str; 5] = [
    "Iterators",
    "IteratorDataType",
    "LoopCondition",
    "MaxIterations",
    "Steps",
];

/// The types that items of a loop may have.
const ITEM_TYPES: [ParameterType; 4] = [
    ParameterType::String,
    ParameterType::Boolean,
    ParameterType::Integer,
    ParameterType::StringMap,
];

pub(super) fn lower(draft: &mut Draft<'_>, index: usize, raw: &RawStep, findings: &mut Findings) -> StepKind {
    let (mut items, mut item_type, mut condition, mut max_iterations) = (None, None, None, None);
    for entry in &raw.inputs {
        match entry.key.as_str() {
            "Iterators" => items = Some(iterators(draft, index, entry, findings)),
            "IteratorDataType" => item_type = data_type(entry, findings),
            "LoopCondition" => condition = Some(loop_condition(draft, index, entry, findings)),
            "MaxIterations" => max_iterations = limit(draft, index, entry, findings),
            _ => findings.push(unknown_input(ACTION, entry, &INPUTS)),
        }
    }
    let given = |key: &str| raw.inputs.iter().find(|entry| entry.key == key);
    match (given("Iterators"), given("LoopCondition")) {
        (Some(iterators), Some(condition)) => findings.push(
            bad(condition, "a loop has `Iterators` or `LoopCondition`, not both")
                .related(iterators.key_place, "the other is here")
                .help("remove one of them"),
        ),
        (None, None) => {
            let message = format!("`{ACTION}` needs the input `Iterators` or `LoopCondition`");
            findings.push(Finding::error(codes::MISSING_INPUT, raw.inputs_place, message));
        }
        (None, Some(_)) => {
            if let Some(entry) = given("IteratorDataType") {
                findings.push(bad(entry, "`IteratorDataType` goes with `Iterators`").help("remove it"));
            }
        }
        (Some(_), None) => {}
    }
    let each = || Repeat::Each {
        items: items.unwrap_or(Template::Literal(Value::Null)),
        item_type: item_type.unwrap_or(ParameterType::String),
    };
    StepKind::Loop {
        repeat: condition.flatten().map_or_else(each, Repeat::While),
        max_iterations,
    }
}

fn bad(entry: &Entry, message: impl Into<String>) -> Finding {
    Finding::error(codes::BAD_LOOP, entry.key_place, message)
}

fn iterators(draft: &mut Draft<'_>, index: usize, entry: &Entry, findings: &mut Findings) -> Template {
    let items = draft.read(Site::Inputs, Some(index), |reader| reader.template(&entry.value));
    match &items {
        Template::Literal(Value::Array(list)) if list.len() > ITERATIONS_MAX as usize => {
            let message = format!(
                "`Iterators` has {} items; at most {ITERATIONS_MAX} are allowed",
                list.len()
            );
            findings.push(bad(entry, message).help("split the list, or loop in a script"));
        }
        Template::Literal(Value::Null | Value::Object(_)) | Template::Map(_) => {
            findings.push(fields::wrong_type(
                &entry.value,
                "`Iterators` must be a list, or a reference to one",
            ));
        }
        Template::Literal(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))
        | Template::Reference(_)
        | Template::Text(_)
        | Template::List(_) => {}
    }
    items
}

fn data_type(entry: &Entry, findings: &mut Findings) -> Option<ParameterType> {
    let text = fields::text(entry.value.clone(), "`IteratorDataType`", findings)?;
    let found = parameters::basic_type(&text, "items are String, Boolean, Integer or StringMap", findings)?;
    if !ITEM_TYPES.contains(&found) {
        findings.push(
            bad(entry, format!("items of a loop cannot be of type {}", found.name()))
                .help("items are String, Boolean, Integer or StringMap"),
        );
    }
    Some(found)
}

fn loop_condition(draft: &mut Draft<'_>, index: usize, entry: &Entry, findings: &mut Findings) -> Option<Condition> {
    let mut comparisons = Vec::new();
    let condition = draft.read(Site::Inputs, Some(index), |templates| {
        Conditions {
            templates,
            comparisons: &mut comparisons,
            findings,
        }
        .read(&entry.value)
    });
    draft.comparisons.extend(comparisons);
    condition
}

fn limit(draft: &mut Draft<'_>, index: usize, entry: &Entry, findings: &mut Findings) -> Option<Template> {
    let limit = draft.read(Site::Inputs, Some(index), |reader| reader.template(&entry.value));
    if let Template::Literal(value) = &limit {
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.as_u64(),
        };
        return match number.filter(|number| (1..=u64::from(ITERATIONS_MAX)).contains(number)) {
            Some(number) => Some(Template::Literal(number.into())),
            None => {
                findings.push(bad(
                    entry,
                    format!("`MaxIterations` must be a whole number from 1 to {ITERATIONS_MAX}"),
                ));
                None
            }
        };
    }
    Some(limit)
}
