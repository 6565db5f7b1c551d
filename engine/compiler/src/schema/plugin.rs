//! The schema of one entry of `plugins:`.

use serde_json::{Map, Value, json};

/// A component and what it may do, or what an action of the engine's own may do.
pub(super) fn entry() -> Value {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let verbs = |names: &[&str]| {
        let lists: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), texts.clone())).collect();
        json!({"type": "object", "additionalProperties": false, "properties": lists})
    };
    let flag = json!({"type": "boolean"});
    let command = json!({
        "type": "object",
        "required": ["run"],
        "additionalProperties": false,
        "properties": {"run": {"type": "string"}, "as": texts, "env": texts},
    });
    json!({
        "type": "object",
        "oneOf": [
            {"required": ["path"]},
            {"required": ["oci"]},
            // An action of the engine's own, and what it may do.
            {"required": ["grants"], "properties": {"path": false, "oci": false, "sha256": false}},
        ],
        "additionalProperties": false,
        "properties": {
            "path": {"description": "The component, relative to the runbook.", "type": "string"},
            "oci": {
                "description": "The component in a registry, as in `registry.example/acme/drain:1.0.0`.",
                "type": "string",
            },
            "sha256": {"description": "The digest it must have.", "type": "string"},
            "grants": {
                "description": "What it may do.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "commands": {"type": "array", "items": {"anyOf": [{"type": "string"}, command]}},
                    "http": texts,
                    "executions": texts,
                    "aws": texts,
                    "files": verbs(&["read", "write"]),
                    "parameters": verbs(&["read", "write", "reveal"]),
                    "approvals": flag, "waits": flag, "blobs": flag,
                },
            },
        },
    })
}
