//! Test files as a JSON Schema (draft 2020-12), for editors.

use runwright_model::status::Status;
use serde_json::{Map, Value, json};

/// As durations are read.
const DURATION: &str = "^[0-9]+(\\.[0-9]+)?$|^([0-9]+(ms|s|m|h|d))+$";

/// The schema of test files.
#[must_use]
pub fn schema() -> Value {
    let mut file = given();
    file.insert(
        "runbook".into(),
        told("A path relative to this file, or a name in the runbook folders."),
    );
    file.insert("description".into(), text());
    file.insert(
        "scenarios".into(),
        json!({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/scenario"}}),
    );
    let mut scenario = given();
    scenario.insert("name".into(), text());
    scenario.insert("description".into(), text());
    scenario.insert("start".into(), told("When it begins, as in 2026-01-31T12:00:00Z."));
    scenario.insert("people".into(), json!({"type": "array", "items": deed()}));
    scenario.insert("expect".into(), expect());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Runbook test",
        "description": "Scenarios of a runbook, for `runwright test`.",
        "type": "object",
        "required": ["runbook", "scenarios"],
        "additionalProperties": false,
        "properties": file,
        "$defs": {
            "scenario": object(scenario, &["name", "expect"]),
            "mock": mock(),
            "words": {"anyOf": [text(), texts()]},
            "duration": {"type": "string", "pattern": DURATION},
        },
    })
}

fn object(properties: Map<String, Value>, required: &[&str]) -> Value {
    json!({"type": "object", "required": required, "additionalProperties": false, "properties": properties})
}

fn properties(list: &[(&str, Value)]) -> Map<String, Value> {
    list.iter()
        .map(|(name, shape)| ((*name).to_owned(), shape.clone()))
        .collect()
}

fn text() -> Value {
    json!({"type": "string"})
}

fn told(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn texts() -> Value {
    json!({"type": "array", "items": text()})
}

fn map_of(shape: Value) -> Value {
    json!({"type": "object", "additionalProperties": shape})
}

fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn duration(description: &str) -> Value {
    json!({"$ref": "#/$defs/duration", "description": description})
}

fn words() -> Value {
    json!({"$ref": "#/$defs/words", "description": "A pattern of the whole line, or one for each word."})
}

/// What a file gives all scenarios, and a scenario itself.
fn given() -> Map<String, Value> {
    let secure = json!({"type": "object", "required": ["secure"], "properties": {"secure": text()}});
    properties(&[
        (
            "parameters",
            json!({"type": "object", "description": "Those of the runbook."}),
        ),
        ("globals", map_of(text())),
        ("parameterStore", map_of(json!({"anyOf": [text(), texts(), secure]}))),
        ("files", map_of(text())),
        ("mocks", json!({"type": "array", "items": {"$ref": "#/$defs/mock"}})),
    ])
}

fn kinds() -> Value {
    let kinds = [
        "invalid-input",
        "failed",
        "verification",
        "denied",
        "throttled",
        "timed-out",
        "limit-exceeded",
        "uncertain",
        "rejected",
        "cancelled",
        "plugin",
        "non-determinism",
        "internal",
    ];
    json!({"enum": kinds})
}

fn mock() -> Value {
    let refusal = properties(&[("code", text()), ("message", text()), ("status", number())]);
    let keys = properties(&[
        (
            "step",
            told("Alone: the step itself. Beside a call: only calls of this step."),
        ),
        ("runbook", told("Only in executions of this runbook.")),
        ("command", words()),
        ("script", told("A pattern of the script's text.")),
        ("aws", told("An operation, as ec2:DescribeInstances.")),
        ("http", told("A method and an address, as GET https://example.com/*.")),
        ("probe", told("What is probed, as tcp db:5432.")),
        ("times", number()),
        ("takes", duration("How long the answer takes.")),
        (
            "outputs",
            json!({"type": "object", "description": "The step's outputs."}),
        ),
        ("fails", told("Why it fails.")),
        ("kind", kinds()),
        ("undoFails", told("Why undoing the step fails.")),
        ("exit", json!({"type": "integer"})),
        ("stdout", text()),
        ("stderr", text()),
        ("status", number()),
        ("headers", map_of(text())),
        (
            "body",
            json!({"description": "A text, or a value that is sent as JSON."}),
        ),
        (
            "answer",
            json!({"description": "The response, as the API describes it."}),
        ),
        ("error", object(refusal, &["code"])),
        (
            "comes",
            json!({"anyOf": [{"const": "never"}, {"$ref": "#/$defs/duration"}]}),
        ),
    ]);
    object(keys, &[])
}

fn deed() -> Value {
    let keys = properties(&[
        ("approve", told("The step that asks.")),
        ("reject", told("The step that asks.")),
        ("signal", told("Its name.")),
        ("step", told("The step that waits for the signal.")),
        ("cancel", told("Why.")),
        ("pause", told("Why.")),
        ("unpause", text()),
        ("by", told("Who.")),
        ("comment", text()),
        ("payload", json!({})),
        ("after", duration("So long after the step asked.")),
        ("at", duration("So long after the start.")),
        ("during", told("As soon as this step is under way.")),
    ]);
    object(keys, &[])
}

fn expect() -> Value {
    let status = json!({"enum": Status::ALL.map(Status::as_str)});
    let step = properties(&[
        ("status", status.clone()),
        ("visits", number()),
        ("attempts", number()),
        ("inputs", json!({"description": "A part of them."})),
        ("outputs", json!({"description": "A part of them."})),
        ("failure", told("A pattern found in its message.")),
        ("kind", kinds()),
        ("rollback", status.clone()),
    ]);
    let calls = properties(&[
        ("step", text()),
        ("command", words()),
        ("script", text()),
        ("aws", text()),
        ("http", text()),
        ("probe", text()),
        ("file", told("As in write /etc/x.")),
        ("parameter", told("As in put /app/x.")),
        ("approval", told("A pattern of the message.")),
        ("execution", told("The runbook that is started.")),
        ("with", json!({"description": "A part of the request."})),
        ("times", number()),
    ]);
    let logs = properties(&[
        ("line", told("A pattern found in the line.")),
        ("step", text()),
        ("level", json!({"enum": ["debug", "info", "warn", "error"]})),
        ("times", number()),
    ]);
    let keys = properties(&[
        ("status", status.clone()),
        ("failure", told("A pattern found in its message.")),
        ("path", texts()),
        ("steps", map_of(json!({"anyOf": [status, object(step, &[])]}))),
        ("outputs", json!({"type": "object"})),
        ("variables", json!({"type": "object"})),
        ("calls", json!({"type": "array", "items": object(calls, &[])})),
        ("files", map_of(json!({"type": ["string", "null"]}))),
        ("logs", json!({"type": "array", "items": object(logs, &["line"])})),
        ("takes", duration("How long it took by its own clock.")),
    ]);
    object(keys, &["status"])
}
