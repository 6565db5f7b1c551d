//! `aws:executeAutomation`: runs another runbook as a child execution, and waits for its end.

use std::collections::BTreeMap;

use runwright_sdk::{Action, Context, Failure, FailureKind, Host, Level, Manifest, Outcome, StartRequest, schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How much of the outputs of a child that failed is told, as JSON text.
const OUTPUT_BYTES_MAX: usize = 8 * 1024;

/// The action.
pub struct ExecuteAutomation;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    document_name: String,
    document_version: Option<String>,
    #[serde(default)]
    runtime_parameters: Map<String, Value>,
    tags: Option<Value>,
    /// Inputs that ask for many executions: refused.
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    output: Vec<String>,
    execution_id: String,
    status: String,
}

impl Action for ExecuteAutomation {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let refused = |what: &str| schema::any(&format!("{what} Refused: a step starts one execution here."));
        let inputs = schema::object()
            .required(
                "DocumentName",
                schema::string("The runbook's name, as an operator would give it, or its ARN."),
            )
            .optional(
                "DocumentVersion",
                schema::string("`$DEFAULT`, `$LATEST` or a number. The engine keeps one version of a runbook."),
            )
            .optional(
                "RuntimeParameters",
                schema::map(
                    "The runbook's parameters: name to value.",
                    schema::any("A text, a list of texts, a number, a boolean or a map."),
                ),
            )
            .optional("Tags", schema::any("Accepted, and has no meaning here."))
            .optional("Targets", refused("Which machines to repeat it for."))
            .optional("TargetParameterName", refused("Which parameter gets the machine."))
            .optional("TargetMaps", refused("Which values to repeat it for."))
            .optional(
                "TargetLocations",
                refused("Which accounts and regions to repeat it in."),
            )
            .optional("MaxConcurrency", refused("How many at the same time."))
            .optional("MaxErrors", refused("How many may fail."));
        let outputs = schema::object()
            .required(
                "Output",
                schema::list(
                    "The values of the child's declared outputs, in their order.",
                    schema::string("A value as text."),
                ),
            )
            .required("ExecutionId", schema::string("The child's id."))
            .required("Status", schema::string("`Success`; any other ends the step."));
        Manifest::new(
            "aws:executeAutomation",
            env!("CARGO_PKG_VERSION"),
            "Runs another runbook as a child execution, and fails unless it ends with Success.",
        )
        .inputs(inputs)
        .outputs(outputs)
        .wants("executions", "Starts the runbook and waits for its end.")
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        inputs.check()?;
        let runbook = name_of(&inputs.document_name).to_owned();
        if inputs.tags.is_some() {
            host.log(Level::Warn, "input `Tags` has no meaning here");
        }
        let parameters: Map<String, Value> = inputs
            .runtime_parameters
            .into_iter()
            .map(|(name, value)| (name, Value::from(texts(value))))
            .collect();
        let request = StartRequest {
            runbook,
            parameters: Value::Object(parameters).to_string(),
        };
        let id = host.start_execution(&request)?;
        host.log(Level::Info, &format!("started {} as {id}", request.runbook));
        conclude(host.wait_execution(&id)?, id, &request.runbook)
    }
}

impl Inputs {
    fn check(&self) -> Result<(), Failure> {
        let wanted =
            |value: &Value| !(value.is_null() || *value == json!("") || *value == json!([]) || *value == json!({}));
        if let Some((name, _)) = self.others.iter().find(|(_, value)| wanted(value)) {
            return Err(Failure::invalid(format!(
                "input `{name}` is not supported: a step starts one execution; use one step for each machine or value"
            )));
        }
        let version = self.document_version.as_deref().unwrap_or("$DEFAULT");
        if ["$DEFAULT", "$LATEST"].contains(&version) || version.parse::<u32>().is_ok_and(|number| number > 0) {
            return Ok(());
        }
        Err(Failure::invalid(format!(
            "input `DocumentVersion` is `{version}`: it must be $DEFAULT, $LATEST or a number from 1"
        )))
    }
}

/// The name in `arn:…:document/NAME` and `arn:…:automation-definition/NAME:VERSION`; any other text is one.
fn name_of(document: &str) -> &str {
    if !document.starts_with("arn:") {
        return document;
    }
    let name = document.split_once('/').map_or(document, |(_, name)| name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// A parameter as SSM carries every parameter: a list of texts, maps as JSON.
fn texts(value: Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.into_iter().map(text).collect(),
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![text(value)],
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn conclude(outcome: Outcome, id: String, runbook: &str) -> Result<Outputs, Failure> {
    let declared: Map<String, Value> = serde_json::from_str(&outcome.outputs).unwrap_or_default();
    let output: Vec<String> = declared.into_iter().flat_map(|(_, value)| texts(value)).collect();
    if outcome.status == "Success" {
        return Ok(Outputs {
            output,
            execution_id: id,
            status: outcome.status,
        });
    }
    let why = outcome.failure.map_or_else(String::new, |why| format!(": {why}"));
    let kind = if outcome.status == "TimedOut" {
        FailureKind::TimedOut
    } else {
        FailureKind::Failed
    };
    let mut details = json!({"ExecutionId": id, "Status": outcome.status});
    let output = json!(output);
    // Details that are too long are left out as a whole.
    if output.to_string().len() <= OUTPUT_BYTES_MAX {
        details["Output"] = output;
    }
    Err(Failure::new(
        kind,
        format!("execution {id} of {runbook} ended with {}{why}", outcome.status),
    )
    .with_details(&details))
}

runwright_sdk::plugin!(ExecuteAutomation);

#[cfg(test)]
mod tests {
    use runwright_sdk::testing::{FakeHost, check_manifest, run};

    use super::*;

    fn ended(status: &str, failure: Option<&str>) -> Outcome {
        let outputs = json!({"z.Id": "i-1", "a.List": ["x", 2], "m.Map": {"k": 1}}).to_string();
        Outcome {
            status: status.into(),
            outputs,
            failure: failure.map(str::to_owned),
        }
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<ExecuteAutomation>();
    }

    #[test]
    fn parameters_become_lists_and_outputs_keep_their_order() {
        let host = FakeHost::new().child(ended("Success", None));
        let inputs = json!({"DocumentName": "arn:aws:ssm:eu-west-1:1:automation-definition/Drain:1", "MaxErrors": "",
            "RuntimeParameters": {"Host": "web-1", "Ids": ["a", "b"], "Force": true, "Map": {"k": 1}}});
        let outputs = run::<ExecuteAutomation>(&host, inputs).unwrap();
        assert_eq!(
            outputs,
            json!({"Output": ["i-1", "x", "2", "{\"k\":1}"], "ExecutionId": "child-1", "Status": "Success"})
        );
        let started: Value = serde_json::from_str(&host.done(None).calls[0].request).unwrap();
        assert_eq!(
            started["executions"]["start"],
            json!({"runbook": "Drain", "parameters": {
            "Host": ["web-1"], "Ids": ["a", "b"], "Force": ["true"], "Map": ["{\"k\":1}"]}})
        );
    }

    #[test]
    fn any_other_end_fails() {
        let host = FakeHost::new().child(ended("RolledBack", Some("step b failed")));
        let failure = run::<ExecuteAutomation>(&host, json!({"DocumentName": "Drain"})).unwrap_err();
        assert_eq!(
            failure.message,
            "execution child-1 of Drain ended with RolledBack: step b failed"
        );
        assert!(failure.details.unwrap().contains("\"ExecutionId\":\"child-1\""));
    }

    #[test]
    fn many_executions_are_refused() {
        for inputs in [
            json!({"DocumentName": "D", "Targets": [{"Key": "ParameterValues", "Values": ["a"]}]}),
            json!({"DocumentName": "D", "DocumentVersion": "newest"}),
        ] {
            let host = FakeHost::new();
            assert_eq!(
                run::<ExecuteAutomation>(&host, inputs).unwrap_err().kind,
                FailureKind::InvalidInput
            );
            assert!(host.functions().is_empty());
        }
    }
}
