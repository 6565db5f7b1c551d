//! Checks of a manifest, and of values against it: what the engine would refuse, found in a unit test.

use serde_json::{Map, Value};

use crate::{Action, Manifest};

/// The part of JSON Schema that the engine reads; it refuses a manifest with any other keyword.
const KEYWORDS: &[&str] = &[
    "type",
    "description",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "default",
];
const CAPABILITIES: &[&str] = &[
    "commands",
    "files",
    "http",
    "parameters",
    "approvals",
    "waits",
    "blobs",
    "executions",
    "aws",
];

/// Checks everything the engine requires of a manifest, and that every input and output is described.
///
/// # Panics
///
/// With what is wrong.
pub fn check_manifest<A: Action>() {
    let manifest = A::manifest();
    let action = &manifest.action;
    let name = action
        .split_once(':')
        .filter(|(space, name)| !space.is_empty() && !name.is_empty());
    assert!(
        name.is_some(),
        "`{action}` is no action name: a namespace, a colon, a name"
    );
    assert!(!manifest.description.is_empty(), "{action} has no description");
    for want in &manifest.capabilities {
        assert!(
            CAPABILITIES.contains(&want.capability.as_str()),
            "{action} wants the unknown `{}`",
            want.capability
        );
        assert!(
            !want.why.is_empty(),
            "{action} does not say why it wants `{}`",
            want.capability
        );
    }
    for (which, schema) in [("inputs", &manifest.inputs), ("outputs", &manifest.outputs)] {
        let schema = parse(schema);
        assert_eq!(schema["type"], "object", "{which} of {action} must be an object");
        check_schema(&schema, &format!("{which} of {action}"));
    }
}

fn parse(schema: &str) -> Value {
    serde_json::from_str(schema).unwrap_or_else(|error| panic!("the schema is no JSON: {error}"))
}

fn check_schema(schema: &Value, place: &str) {
    let Value::Object(keywords) = schema else {
        panic!("{place}: a schema is an object, and this is {schema}")
    };
    for keyword in keywords.keys() {
        assert!(
            KEYWORDS.contains(&keyword.as_str()),
            "{place}: the engine does not know the keyword `{keyword}`"
        );
    }
    let properties = keywords
        .get("properties")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for name in keywords.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(
            name.as_str().is_some_and(|name| properties.contains_key(name)),
            "{place}: {name} is required and unknown"
        );
    }
    for (name, inner) in &properties {
        let place = format!("{place}, `{name}`");
        assert!(
            inner.get("description").is_some_and(|text| text != ""),
            "{place}: no description"
        );
        check_schema(inner, &place);
    }
    let nested = [
        keywords.get("items"),
        keywords.get("additionalProperties").filter(|more| more.is_object()),
    ];
    for inner in nested
        .into_iter()
        .flatten()
        .chain(keywords.get("anyOf").and_then(Value::as_array).into_iter().flatten())
    {
        check_schema(inner, place);
    }
}

/// Panics when a test gives an input that the manifest does not name: the engine would refuse the runbook.
pub(super) fn check_inputs(manifest: &Manifest, inputs: &Value) {
    check_keys(
        &parse(&manifest.inputs),
        inputs,
        &format!("inputs of {}", manifest.action),
        false,
    );
}

/// Panics when outputs are not those the manifest names: the engine would fail the step.
pub(super) fn check_outputs(manifest: &Manifest, outputs: &Value) {
    check_keys(
        &parse(&manifest.outputs),
        outputs,
        &format!("outputs of {}", manifest.action),
        true,
    );
}

fn check_keys(schema: &Value, value: &Value, place: &str, all_required: bool) {
    let empty = Map::new();
    let Value::Object(entries) = value else {
        panic!("{place} must be an object, and are {value}")
    };
    let known = schema["properties"].as_object().unwrap_or(&empty);
    let is_closed = schema["additionalProperties"] == Value::Bool(false);
    for name in entries.keys().filter(|_| is_closed) {
        assert!(known.contains_key(name), "{place}: `{name}` is not in the manifest");
    }
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|_| all_required)
    {
        assert!(entries.contains_key(name), "{place}: `{name}` is missing");
    }
}
