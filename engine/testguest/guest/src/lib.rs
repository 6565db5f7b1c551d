//! A plugin that does whatever its inputs say: `{"do": "…"}`.
//!
//! It is no example: it exists to try the host's patience. [`behaviour`] holds the list.

wit_bindgen::generate!({ path: "../../../wit", world: "plugin" });

mod behaviour;
mod call;
mod convert;

use exports::runwright::plugin::action::{Context, Done, Failure, FailureKind, Guest, Impact, Manifest, Want};
use serde_json::{Value, json};

struct Misbehave;

impl Guest for Misbehave {
    fn describe() -> Manifest {
        let capabilities = [
            "commands",
            "files",
            "http",
            "parameters",
            "approvals",
            "waits",
            "blobs",
            "executions",
        ];
        Manifest {
            action: "test:misbehave".into(),
            version: "0.1.0".into(),
            description: "Does what its inputs say, however bad.".into(),
            inputs: json!({
                "type": "object",
                "properties": {"do": {"type": "string", "description": "What to do."}},
                "required": ["do"]
            })
            .to_string(),
            outputs: json!({"type": "object"}).to_string(),
            capabilities: capabilities
                .map(|name| Want {
                    capability: name.into(),
                    why: "To try it.".into(),
                })
                .into(),
            rollback: true,
            impact: Impact::Undetermined,
        }
    }

    fn run(context: Context, inputs: String) -> Result<String, Failure> {
        behaviour::perform(&context, None, &parse(&inputs)?)
    }

    fn rollback(context: Context, inputs: String, done: Done) -> Result<(), Failure> {
        behaviour::perform(&context, Some(&done), &parse(&inputs)?).map(drop)
    }
}

fn parse(inputs: &str) -> Result<Value, Failure> {
    serde_json::from_str(inputs).map_err(|error| wrong(format!("the inputs are no JSON: {error}")))
}

/// A failure for inputs that make no sense.
fn wrong(message: impl Into<String>) -> Failure {
    Failure {
        kind: FailureKind::InvalidInput,
        message: message.into(),
        retryable: false,
        details: None,
    }
}

export!(Misbehave);
