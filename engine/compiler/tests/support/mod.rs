//! What the scenarios share: sources, catalogs, and the text form of diagnostics.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use runwright_compiler::{Catalog, Compiled, Diagnostic, Parsed, Source, parse};
use runwright_model::{
    action::{ActionSpec, Impact, Manifest},
    digest::Digest,
    grant::Grants,
};
use serde_json::{Value, json};

/// A document as a source.
pub fn source(origin: &str, text: &str) -> Source {
    let file = origin.rsplit('/').next().unwrap_or(origin);
    let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
    Source {
        name: name.to_owned(),
        origin: origin.to_owned(),
        text: text.to_owned(),
    }
}

/// Parses and compiles.
pub fn compile(origin: &str, text: &str, catalog: &Catalog) -> Compiled {
    parse(&source(origin, text)).compile(catalog)
}

/// An action with these schemas.
pub fn action(name: &str, inputs: Value, outputs: Value, rollback: bool) -> ActionSpec {
    ActionSpec {
        manifest: Manifest {
            action: name.to_owned(),
            version: "1.0.0".to_owned(),
            description: String::new(),
            inputs: serde_json::from_value(inputs).unwrap(),
            outputs: serde_json::from_value(outputs).unwrap(),
            capabilities: Vec::new(),
            rollback,
            impact: Impact::Undetermined,
        },
        component: Digest::of(name.as_bytes()),
        grants: Grants::default(),
    }
}

/// The schema of an object with these properties and no others.
fn closed(properties: Value, required: Value) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// The plugins of Command documents that there are.
const COMMAND_PLUGINS: [&str; 6] = [
    "aws:configurePackage",
    "aws:downloadContent",
    "aws:runDocument",
    "aws:runPowerShellScript",
    "aws:runShellScript",
    "aws:softwareInventory",
];

/// An action that takes and returns anything.
fn open(name: &str) -> ActionSpec {
    action(name, json!({"type": "object"}), json!({"type": "object"}), false)
}

/// Some actions with closed schemas.
pub fn catalog() -> Catalog {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let closed = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
    let none = || closed(json!({}), json!([]));
    let actions = [
        action(
            "aws:sleep",
            closed(json!({"Duration": text, "Timestamp": text}), json!([])),
            none(),
            false,
        ),
        action(
            "aws:approve",
            closed(
                json!({"Approvers": texts, "Message": text,
                    "MinRequiredApprovals": {"type": "integer", "minimum": 1, "maximum": 10}}),
                json!(["Approvers"]),
            ),
            closed(
                json!({"ApprovalStatus": text, "ApproverDecisions": {"type": "array", "items": {"type": "object"}}}),
                json!([]),
            ),
            false,
        ),
        action(
            "aws:executeScript",
            closed(
                json!({"Runtime": text, "Handler": text, "Script": text, "InputPayload": {"type": "object"}}),
                json!(["Runtime"]),
            ),
            closed(json!({"Payload": {}}), json!([])),
            false,
        ),
        action(
            "aws:runCommand",
            closed(
                json!({"DocumentName": text, "InstanceIds": texts, "Parameters": {"type": "object"},
                    "Targets": {"type": "array", "items": closed(json!({"Key": text, "Values": texts}), json!(["Key", "Values"]))},
                    "TimeoutSeconds": {"type": "integer", "minimum": 30}}),
                json!(["DocumentName"]),
            ),
            closed(
                json!({"CommandId": text, "Status": text, "ResponseCode": {"type": "integer"}, "Output": text}),
                json!([]),
            ),
            false,
        ),
        open("aws:executeAwsApi"),
        open("rw:shell"),
        action(
            "acme:drain",
            closed(
                json!({"Node": text, "Grace": {"type": "integer"}, "Labels": {"type": "object"}}),
                json!(["Node"]),
            ),
            closed(json!({"Drained": {"type": "boolean"}, "Pods": texts}), json!([])),
            true,
        ),
    ];
    Catalog {
        actions: actions
            .into_iter()
            .chain(COMMAND_PLUGINS.map(open))
            .map(|spec| (spec.manifest.action.clone(), spec))
            .collect(),
        ..Catalog::default()
    }
}

/// Every action a document names, with open schemas.
pub fn permissive(parsed: &Parsed) -> Catalog {
    let is_known = |name: &String| name.starts_with("aws:") || name == "rw:powerShell";
    let known = parsed.actions().into_iter().filter(is_known);
    let open = || json!({});
    Catalog {
        actions: known
            .map(|name| (name.clone(), action(&name, open(), open(), true)))
            .collect(),
        ..Catalog::default()
    }
}

/// `file:line:col: severity code: message`, then what there is besides, one line each.
pub fn render(origin: &str, diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for found in diagnostics {
        let severity = format!("{:?}", found.severity).to_lowercase();
        let at = |span: &runwright_compiler::Span| format!("{origin}:{}:{}", span.line, span.column);
        text.push_str(&format!(
            "{}: {severity} {}: {}\n",
            at(&found.span),
            found.code,
            found.message
        ));
        for (kind, what) in [("label", &found.label), ("help", &found.help), ("fix", &found.fix)] {
            if let Some(what) = what {
                text.push_str(&format!("  {kind}: {what}\n"));
            }
        }
        for (span, why) in &found.related {
            text.push_str(&format!("  {}: {why}\n", at(span)));
        }
    }
    text
}

/// Compares with a golden file, or writes it when `UPDATE_GOLDEN` is set.
pub fn check(input: &str, expected: &std::path::Path) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(expected, input).unwrap();
    }
    let wanted = std::fs::read_to_string(expected).unwrap_or_default();
    assert_eq!(
        input,
        wanted,
        "{}: run with UPDATE_GOLDEN=1 if the new text is right",
        expected.display()
    );
}
