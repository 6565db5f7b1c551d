//! The language as a JSON Schema (draft 2020-12), for editors.
//!
//! It lets pass every document that compiles, and says what keys, words and inputs there are. What only the compiler can know
//! (names of steps, types of references, patterns) it leaves to the compiler.

mod plugin;

use std::collections::BTreeMap;

use runwright_model::{
    action::Manifest,
    condition::Operator,
    parameter::ParameterType,
    schema::{Additional, Kind, Schema},
};
use serde_json::{Map, Value, json};

use crate::{
    known::{BRANCH, LOOP, UPDATE_VARIABLE},
    limits::CONCURRENCY_MAX,
};

/// A text with a reference in it can become anything when it is resolved.
const REFERENCE: &str = "\\{\\{";
/// As the compiler reads durations.
const DURATION: &str = "^[0-9]+(\\.[0-9]+)?$|^([0-9]+(ms|s|m|h|d))+$";

/// The schema of runbooks whose steps may be of these actions, beside those of the engine itself.
#[must_use]
pub fn schema(actions: &BTreeMap<String, Manifest>) -> Value {
    let mut definitions = Map::new();
    definitions.insert("step".to_owned(), step(actions));
    definitions.insert("condition".to_owned(), condition());
    definitions.insert("parameter".to_owned(), parameter());
    definitions.insert("variable".to_owned(), variable());
    definitions.insert("plugin".to_owned(), plugin::entry());
    definitions.insert("flag".to_owned(), flag());
    definitions.insert("attempts".to_owned(), whole(1));
    definitions.insert("bound".to_owned(), whole(0));
    definitions.insert("duration".to_owned(), duration());
    definitions.insert(
        "text".to_owned(),
        json!({"type": ["string", "number", "boolean", "null"]}),
    );
    for manifest in actions.values() {
        definitions.insert(inputs_name(&manifest.action), inputs(&manifest.inputs, true));
        definitions.insert(undo_name(&manifest.action), inputs(&manifest.inputs, false));
    }
    for (action, inputs) in built_in() {
        definitions.insert(inputs_name(action), inputs);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Runbook",
        "description": "A runbook of Runwright: an Automation document of AWS Systems Manager, schema 0.3, and a little more.",
        "type": "object",
        "required": ["schemaVersion", "mainSteps"],
        "additionalProperties": false,
        "properties": {
            "schemaVersion": {"description": "The version of the language.", "enum": ["0.3", 0.3]},
            "description": {"description": "What the runbook does.", "$ref": "#/$defs/text"},
            "assumeRole": {"description": "The role whose rights its steps have on AWS."},
            "parameters": {
                "description": "What the caller may choose.",
                "type": ["object", "null"],
                "propertyNames": {"pattern": "^[A-Za-z0-9]+$"},
                "additionalProperties": {"$ref": "#/$defs/parameter"},
            },
            "variables": {
                "description": "Values that steps change with aws:updateVariable.",
                "type": ["object", "null"],
                "propertyNames": {"pattern": "^[A-Za-z0-9_]+$"},
                "additionalProperties": {"$ref": "#/$defs/variable"},
            },
            "mainSteps": {
                "description": "The steps: one after the other, or, as soon as one has dependsOn, side by side.",
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/step"},
            },
            "outputs": {
                "description": "What the caller gets back: step.output.",
                "type": ["array", "null"],
                "items": {"type": "string"},
            },
            "files": {"description": "Attachments, by name."},
            "onFailure": {"description": "Whether what was done is undone when a step fails.", "enum": ["Rollback", "Abort"]},
            "maxConcurrency": {
                "description": "How many steps run at the same time.",
                "anyOf": [{"type": "integer", "minimum": 1, "maximum": CONCURRENCY_MAX}, digits()],
            },
            "plugins": {
                "description": "Components that provide actions, and what they may do.",
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$"},
                "additionalProperties": {"$ref": "#/$defs/plugin"},
            },
        },
        "$defs": definitions,
    })
}

fn inputs_name(action: &str) -> String {
    format!("inputs.{action}")
}

fn undo_name(action: &str) -> String {
    format!("rollback.{action}")
}

fn reference(definition: &str) -> Value {
    json!({"$ref": format!("#/$defs/{definition}")})
}

fn step(actions: &BTreeMap<String, Manifest>) -> Value {
    let own = built_in();
    let names: Vec<&str> = actions
        .keys()
        .map(String::as_str)
        .chain(own.iter().map(|(name, _)| *name))
        .collect();
    let described = actions.values().map(|manifest| (manifest.action.as_str(), true));
    let described = described.chain(own.iter().map(|(name, _)| (*name, false)));
    let each: Vec<Value> = described.map(|(action, undoes)| of_action(action, undoes)).collect();
    let policy = |words: &[&str]| json!({"anyOf": [{"enum": words}, {"type": "string", "pattern": "^step:"}]});
    json!({
        "type": "object",
        "required": ["name", "action"],
        "additionalProperties": false,
        "properties": {
            "name": {"description": "Unique in the runbook.", "type": "string", "pattern": "^[A-Za-z0-9_]+$"},
            "action": {
                "description": "What the step does.",
                "type": "string",
                "anyOf": [{"enum": names}, {"pattern": "^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$", "not": {"pattern": "^(aws|rw):"}}],
            },
            "description": {"$ref": "#/$defs/text"},
            "inputs": {"description": "What the action is given.", "type": ["object", "null"]},
            "outputs": {
                "description": "Values picked from what the action answers.",
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "required": ["Name", "Selector"],
                    "additionalProperties": false,
                    "properties": {
                        "Name": {"type": "string"},
                        "Selector": {"description": "A JSONPath into the action's outputs.", "type": "string"},
                        "Type": {"enum": basic_types()},
                    },
                },
            },
            "maxAttempts": {"description": "How often it is tried.", "$ref": "#/$defs/attempts"},
            "timeoutSeconds": {"description": "How long an attempt may take.", "$ref": "#/$defs/attempts"},
            "onFailure": policy(&["Abort", "Continue", "Rollback"]),
            "onCancel": policy(&["Abort"]),
            "isEnd": {"description": "The flow ends after it.", "$ref": "#/$defs/flag"},
            "nextStep": {"description": "The step after it, where that is not the next one.", "type": "string"},
            "isCritical": {"description": "Whether its failure makes the execution fail.", "$ref": "#/$defs/flag"},
            "dependsOn": {
                "description": "The steps that must have ended well before.",
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            },
            "when": {"description": "False means Skipped.", "$ref": "#/$defs/condition"},
            "retry": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "maxAttempts": {"$ref": "#/$defs/attempts"},
                    "backoff": {"description": "The pause before the second attempt.", "$ref": "#/$defs/duration"},
                    "maxBackoff": {"description": "The longest pause.", "$ref": "#/$defs/duration"},
                    "jitter": {"$ref": "#/$defs/flag"},
                },
            },
            "rollback": {
                "description": "Inputs put over those of the run when it is undone; none: it is not undone.",
                "anyOf": [{"const": "none"}, {"type": "object"}],
            },
        },
        "allOf": each,
    })
}

/// What the inputs of one action are. Systems Manager's own need the key.
fn of_action(action: &str, undoes: bool) -> Value {
    let mut properties = Map::from_iter([("inputs".to_owned(), reference(&inputs_name(action)))]);
    if undoes {
        let undo = json!({"anyOf": [{"const": "none"}, reference(&undo_name(action))]});
        properties.insert("rollback".to_owned(), undo);
    }
    let required: &[&str] = if action.starts_with("aws:") { &["inputs"] } else { &[] };
    json!({
        "if": {"properties": {"action": {"const": action}}, "required": ["action"]},
        "then": {"properties": properties, "required": required},
    })
}

/// The inputs of the actions that are the engine's own.
fn built_in() -> [(&'static str, Value); 3] {
    let choice = json!({
        "type": "object",
        "required": ["NextStep"],
        "properties": {"NextStep": {"description": "Where it leads.", "type": "string"}},
    });
    let repeats = json!({"anyOf": [{"required": ["Iterators"]}, {"required": ["LoopCondition"]}]});
    [
        (
            BRANCH,
            json!({
                "type": "object",
                "required": ["Choices"],
                "additionalProperties": false,
                "properties": {
                    "Choices": {"description": "The first that holds is taken.", "type": "array", "items": choice},
                    "Default": {"description": "Where it goes when none holds.", "type": "string"},
                },
            }),
        ),
        (
            LOOP,
            json!({
                "type": "object",
                "required": ["Steps"],
                "additionalProperties": false,
                "properties": {
                    "Iterators": {"description": "The items: a round for each."},
                    "IteratorDataType": {"enum": ["String", "Boolean", "Integer", "StringMap"]},
                    "LoopCondition": {"description": "Goes on while this holds.", "$ref": "#/$defs/condition"},
                    "MaxIterations": {"description": "Rounds at most.", "anyOf": [whole(1), with_reference()]},
                    "Steps": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}},
                },
                "allOf": [repeats],
            }),
        ),
        (
            UPDATE_VARIABLE,
            json!({
                "type": "object",
                "required": ["Name", "Value"],
                "additionalProperties": false,
                "properties": {
                    "Name": {"type": "string", "pattern": "^\\s*variable:"},
                    "Value": {"description": "Of exactly the declared type."},
                },
            }),
        ),
    ]
}

fn condition() -> Value {
    let operators = Operator::ALL.map(|operator| (format!("{operator:?}"), json!(true)));
    let mut compared: Map<String, Value> = operators.into_iter().collect();
    compared.insert(
        "Variable".to_owned(),
        json!({"description": "What is compared: a reference."}),
    );
    let parts = json!({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/condition"}});
    json!({
        "type": "object",
        "anyOf": [
            {
                "required": ["Variable"],
                "additionalProperties": false,
                "minProperties": 2,
                "maxProperties": 2,
                "properties": compared,
            },
            {"required": ["And"], "additionalProperties": false, "properties": {"And": parts}},
            {"required": ["Or"], "additionalProperties": false, "properties": {"Or": parts}},
            {"required": ["Not"], "additionalProperties": false, "properties": {"Not": {"$ref": "#/$defs/condition"}}},
        ],
    })
}

fn parameter() -> Value {
    let types: Vec<&str> = ParameterType::ALL.iter().map(|(name, _)| *name).collect();
    json!({
        "type": "object",
        "required": ["type"],
        "additionalProperties": false,
        "properties": {
            "type": {"enum": types},
            "description": {"$ref": "#/$defs/text"},
            "default": {"description": "The value when none is given; without it the parameter is required."},
            "allowedValues": {"type": ["array", "null"]},
            "allowedPattern": {"description": "A regular expression of Java's dialect.", "type": "string"},
            "minItems": {"$ref": "#/$defs/bound"},
            "maxItems": {"$ref": "#/$defs/bound"},
            "minChars": {"$ref": "#/$defs/bound"},
            "maxChars": {"$ref": "#/$defs/bound"},
            "displayType": {"type": "string"},
            "minValue": {"deprecated": true, "description": "Nobody looks at it."},
            "maxValue": {"deprecated": true, "description": "Nobody looks at it."},
        },
    })
}

fn variable() -> Value {
    json!({
        "type": "object",
        "required": ["type"],
        "additionalProperties": false,
        "properties": {
            "type": {"enum": basic_types()},
            "default": {"description": "What it holds at the start."},
            "description": {"$ref": "#/$defs/text"},
        },
    })
}

/// The six types of variables and outputs.
fn basic_types() -> Vec<&'static str> {
    const BASIC: usize = 6;
    ParameterType::ALL[..BASIC].iter().map(|(name, _)| *name).collect()
}

fn flag() -> Value {
    json!({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"}]})
}

fn digits() -> Value {
    json!({"type": "string", "pattern": "^\\s*\\+?[0-9]+\\s*$"})
}

fn whole(least: u64) -> Value {
    json!({"anyOf": [{"type": "integer", "minimum": least}, digits()]})
}

fn duration() -> Value {
    json!({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION}]})
}

fn with_reference() -> Value {
    json!({"type": "string", "pattern": REFERENCE})
}

/// The inputs of a plugin's action: an object, whose required keys count for a run.
fn inputs(schema: &Schema, needed: bool) -> Value {
    let mut shape = object(schema);
    if !needed {
        shape.remove("required");
    }
    shape.insert("type".to_owned(), json!(["object", "null"]));
    Value::Object(shape)
}

fn object(schema: &Schema) -> Map<String, Value> {
    let mut shape = Map::new();
    let properties: Map<String, Value> = schema
        .properties
        .iter()
        .map(|(name, it)| (name.clone(), value(it)))
        .collect();
    if !properties.is_empty() {
        shape.insert("properties".to_owned(), Value::Object(properties));
    }
    if !schema.required.is_empty() {
        shape.insert("required".to_owned(), json!(schema.required));
    }
    match &schema.additional_properties {
        Some(Additional::Allowed(allowed)) => drop(shape.insert("additionalProperties".to_owned(), json!(allowed))),
        Some(Additional::Shape(other)) => drop(shape.insert("additionalProperties".to_owned(), value(other))),
        None => {}
    }
    shape
}

/// A value as the language takes it: also what it converts, and a text with a reference in it.
fn value(schema: &Schema) -> Value {
    let mut shapes: Vec<Value> = if schema.any_of.is_empty() {
        of_kind(schema)
    } else {
        schema.any_of.iter().flat_map(of_kind).collect()
    };
    let mut shape = Map::new();
    if let Some(description) = &schema.description {
        shape.insert("description".to_owned(), json!(description));
    }
    if let Some(default) = &schema.default {
        shape.insert("default".to_owned(), default.clone());
    }
    // Anything goes where nothing is said.
    if !shapes.contains(&json!(true)) {
        shapes.push(with_reference());
        shape.insert("anyOf".to_owned(), Value::Array(shapes));
    }
    Value::Object(shape)
}

/// The shapes that a value of one kind may be written in.
fn of_kind(schema: &Schema) -> Vec<Value> {
    let words = |values: &[Value]| json!({"enum": values});
    if let Some(constant) = &schema.constant {
        return vec![words(std::slice::from_ref(constant))];
    }
    if !schema.one_of.is_empty() {
        return of_words(schema);
    }
    match schema.kind {
        None => vec![json!(true)],
        Some(Kind::String) => vec![text(schema), json!({"type": ["number", "boolean"]})],
        Some(kind @ (Kind::Integer | Kind::Number)) => vec![
            number(kind, schema),
            json!({"type": "string", "pattern": "^\\s*[-+.0-9]"}),
        ],
        Some(Kind::Boolean) => vec![flag()],
        Some(Kind::Array) => of_list(schema),
        Some(Kind::Object) => {
            let mut shape = object(schema);
            shape.insert("type".to_owned(), json!("object"));
            vec![Value::Object(shape), json!({"type": "string", "pattern": "^\\s*\\{"})]
        }
    }
}

/// Words that are numbers or truth may be written as texts.
fn of_words(schema: &Schema) -> Vec<Value> {
    let mut values = schema.one_of.clone();
    if schema.kind != Some(Kind::String) {
        values.extend(
            schema
                .one_of
                .iter()
                .filter(|it| !it.is_string())
                .map(|it| Value::String(it.to_string())),
        );
    }
    vec![json!({"enum": values})]
}

fn text(schema: &Schema) -> Value {
    let mut shape = Map::from_iter([("type".to_owned(), json!("string"))]);
    for (name, bound) in [("minLength", schema.min_length), ("maxLength", schema.max_length)] {
        if let Some(bound) = bound {
            shape.insert(name.to_owned(), json!(bound));
        }
    }
    if let Some(pattern) = &schema.pattern {
        shape.insert("pattern".to_owned(), json!(pattern));
    }
    Value::Object(shape)
}

fn number(kind: Kind, schema: &Schema) -> Value {
    let mut shape = Map::from_iter([("type".to_owned(), json!(kind.as_str()))]);
    for (name, bound) in [("minimum", schema.minimum), ("maximum", schema.maximum)] {
        if let Some(bound) = bound {
            shape.insert(name.to_owned(), json!(bound));
        }
    }
    Value::Object(shape)
}

/// One item stands for a list of it. References to lists are spliced in, so items are not counted.
fn of_list(schema: &Schema) -> Vec<Value> {
    let Some(items) = &schema.items else {
        return vec![json!({"type": ["array", "string", "number", "boolean", "object"]})];
    };
    let list = json!({"type": "array", "items": value(items)});
    vec![list, value(items), json!({"type": "string", "pattern": "^\\s*\\["})]
}
