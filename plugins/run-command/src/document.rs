//! A document other than AWS-RunShellScript: a child execution, on this machine.

use runwright_sdk::{Command, Context, Failure, FailureKind, Host, Level, StartRequest, Target};
use serde_json::{Map, Value, json};

use crate::output;

/// What the engine says in the place of an output that a step does not have.
const NO_OUTPUT: &str = "No output available yet";

/// Exit code and output of a document.
pub(crate) fn run_on(
    host: &impl Host,
    context: &Context,
    target: &Target,
    name: &str,
    parameters: &Value,
) -> Result<(i32, String), Failure> {
    let place = target.as_deref().unwrap_or("this machine");
    if target.is_some() {
        // A child runs where the engine is: the name must be one of this machine.
        host.run(target, &Command::program(["true"]))
            .map_err(|error| Failure::from(error).while_doing(place))?;
    }
    let request = StartRequest {
        runbook: name.to_owned(),
        parameters: parameters.to_string(),
    };
    let id = host.start_execution(&request)?;
    host.log(Level::Info, &format!("{place}: started {name} as {id}"));
    let outcome = host.wait_execution(&id)?;
    let shown: Map<String, Value> = serde_json::from_str(&outcome.outputs).unwrap_or_default();
    let texts: Vec<&str> = shown
        .values()
        .filter_map(Value::as_str)
        .filter(|text| !text.starts_with(NO_OUTPUT))
        .collect();
    let shown = output::combine(&texts.join(""), "");
    if outcome.status == "Success" {
        return Ok((0, shown));
    }
    let (kind, status) = match outcome.status.as_str() {
        "TimedOut" => (FailureKind::TimedOut, "TimedOut"),
        "Cancelled" => (FailureKind::Failed, "Cancelled"),
        _ => (FailureKind::Failed, "Failed"),
    };
    let why = outcome.failure.map_or_else(String::new, |why| format!(": {why}"));
    let message = format!("{place}: execution {id} of {name} ended with {}{why}", outcome.status);
    Err(Failure::new(kind, message).with_details(&json!({
        "CommandId": context.idempotency_key, "Status": status, "ResponseCode": 1, "Output": shown,
    })))
}

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error, Outcome,
        testing::{FakeHost, run},
    };

    use super::*;
    use crate::RunCommand;

    fn child(status: &str) -> FakeHost {
        FakeHost::new().child(Outcome {
            status: status.into(),
            outputs: json!({"a.Output": "x\n", "b.Output": "No output available yet because …"}).to_string(),
            failure: Some("step b failed".into()),
        })
    }

    #[test]
    fn a_document_is_a_child_with_lists_of_texts() {
        let host = child("Success");
        let inputs =
            json!({"DocumentName": "arn:aws:ssm:eu-west-1:1:document/Setup", "Parameters": {"a": "x", "b": [1, "y"]}});
        let outputs = run::<RunCommand>(&host, inputs).unwrap();
        assert_eq!(
            (&outputs["Output"], &outputs["ResponseCode"]),
            (&json!("x\n"), &json!(0))
        );
        let started: Value = serde_json::from_str(&host.done(None).calls[0].request).unwrap();
        assert_eq!(
            started["executions"]["start"],
            json!({"runbook": "Setup", "parameters": {"a": ["x"], "b": ["1", "y"]}})
        );
    }

    #[test]
    fn its_failure_is_that_of_the_step() {
        let failure = run::<RunCommand>(&child("Failed"), json!({"DocumentName": "Setup"})).unwrap_err();
        assert!(
            failure.message.contains("ended with Failed: step b failed"),
            "{}",
            failure.message
        );
        assert!(failure.details.unwrap().contains("\"Output\":\"x\\n\""));
    }

    #[test]
    fn another_machine_is_not_reached() {
        let host = FakeHost::new().refuse("commands.run", Error::NotFound("the target `i-1` is not known".into()));
        let inputs = json!({"DocumentName": "Setup", "InstanceIds": ["i-1"]});
        assert!(
            run::<RunCommand>(&host, inputs)
                .unwrap_err()
                .message
                .contains("`i-1` is not known")
        );
        assert_eq!(host.functions(), ["commands.run"]);
    }
}
