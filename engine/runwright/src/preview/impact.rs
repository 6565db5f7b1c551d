//! What a step does to the world, as far as that is known before it runs.

use runwright_model::{
    action::{ActionSpec, Impact},
    capability::aws,
};
use serde_json::{Map, Value};

/// What the manifest says; where that depends on the inputs, what the inputs say.
pub(super) fn impact(action: &str, spec: Option<&ActionSpec>, inputs: &Map<String, Value>) -> Impact {
    let declared = spec.map_or(Impact::NonMutating, |spec| spec.manifest.impact);
    let text = |name: &str| inputs.get(name).and_then(Value::as_str);
    match (declared, action) {
        (Impact::Undetermined, "aws:executeAwsApi") => match text("Api") {
            Some(api) if api.contains("{{") => Impact::Undetermined,
            // Names of operations are taken in any case, and with underscores.
            Some(api) if is_read(api) => Impact::NonMutating,
            Some(_) => Impact::Mutating,
            None => Impact::Undetermined,
        },
        (Impact::Undetermined, "rw:httpRequest") => match text("Method").unwrap_or("GET") {
            "GET" | "HEAD" | "OPTIONS" => Impact::NonMutating,
            method if method.contains("{{") => Impact::Undetermined,
            _ => Impact::Mutating,
        },
        (declared, _) => declared,
    }
}

fn is_read(api: &str) -> bool {
    let mut letters = api.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    // `describe_instances`: what follows the underscore begins a word, which `Describe` does not look at.
    aws::is_read(&name.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(action: &str, inputs: Value) -> Impact {
        let spec = serde_json::from_value(json!({
            "manifest": {
                "action": action, "version": "1.0.0", "description": "", "inputs": {}, "outputs": {},
                "capabilities": [], "rollback": false, "impact": "Undetermined"
            },
            "component": runwright_model::digest::Digest::of(b""),
            "grants": {}
        }))
        .unwrap();
        impact(action, Some(&spec), inputs.as_object().unwrap())
    }

    #[test]
    fn what_depends_on_the_inputs_is_asked_of_them() {
        let api = |api: &str| of("aws:executeAwsApi", json!({ "Service": "ec2", "Api": api }));
        assert_eq!(api("DescribeInstances"), Impact::NonMutating);
        assert_eq!(api("describe_instances"), Impact::NonMutating);
        assert_eq!(api("StopInstances"), Impact::Mutating);
        assert_eq!(api("{{ Verb }}Instances"), Impact::Undetermined);
        assert_eq!(of("rw:httpRequest", json!({})), Impact::NonMutating);
        assert_eq!(of("rw:httpRequest", json!({"Method": "POST"})), Impact::Mutating);
        assert_eq!(of("aws:executeScript", json!({})), Impact::Undetermined);
    }
}
