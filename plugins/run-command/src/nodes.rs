//! Nodes of Systems Manager: the service runs the document there, and the step waits for the end.

use runwright_sdk::{DocumentEnd, Failure, FailureKind, Host, NodeEnd};
use serde_json::json;

use crate::{Inputs, Outputs, output};

/// How many nodes that failed a message names.
const NAMED_MAX: usize = 5;
/// The most characters of a node's last words in a message.
const WORDS_CHARS_MAX: usize = 500;

/// Sends one command for all nodes, and waits for its end.
pub(crate) fn run(host: &impl Host, inputs: &Inputs) -> Result<Outputs, Failure> {
    let ended = host.run_document(&inputs.request()?);
    let end = ended.map_err(|error| Failure::from(error).while_doing(inputs.document()))?;
    if end.status == "Success" {
        let (response_code, output) = of_the_only_node(&end);
        return Ok(Outputs {
            command_id: end.command_id,
            status: "Success",
            response_code,
            output,
        });
    }
    Err(ended_badly(&end, inputs.document()))
}

/// Exit code and output: those of a command for several nodes are nobody's.
fn of_the_only_node(end: &DocumentEnd) -> (i32, String) {
    match end.nodes.as_slice() {
        [only] if end.targets == 1 => (only.response_code, output::combine(&only.stdout, &only.stderr)),
        _ => (if end.status == "Success" { 0 } else { -1 }, String::new()),
    }
}

fn ended_badly(end: &DocumentEnd, document: &str) -> Failure {
    let kind = if end.status == "TimedOut" || end.details.ends_with("TimedOut") {
        FailureKind::TimedOut
    } else {
        FailureKind::Failed
    };
    let nodes: Vec<String> = end.nodes.iter().take(NAMED_MAX).map(said).collect();
    let separator = if nodes.is_empty() { "" } else { ": " };
    let (code, output) = of_the_only_node(end);
    Failure::new(
        kind,
        format!(
            "{document}: the command {} ended as {}, and failed on {} of {} nodes{separator}{}",
            end.command_id,
            end.details,
            end.errors,
            end.targets,
            nodes.join("; ")
        ),
    )
    .with_details(&json!({
        "CommandId": end.command_id, "Status": end.status, "ResponseCode": code, "Output": output,
    }))
}

/// What one node said.
fn said(node: &NodeEnd) -> String {
    let text = if node.stderr.trim().is_empty() {
        node.stdout.trim()
    } else {
        node.stderr.trim()
    };
    let skipped = text.chars().count().saturating_sub(WORDS_CHARS_MAX);
    let words: String = text.chars().skip(skipped).collect();
    let separator = if words.is_empty() { "" } else { ": " };
    match node.response_code {
        code @ 0.. => format!("{} {} with exit code {code}{separator}{words}", node.node, node.status),
        _ => format!("{} {}{separator}{words}", node.node, node.status),
    }
}

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error,
        testing::{FakeHost, run},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::RunCommand;

    fn end(status: &str, nodes: &[(&str, i32, &str)]) -> DocumentEnd {
        let node = |(name, code, stderr): &(&str, i32, &str)| NodeEnd {
            node: (*name).to_owned(),
            status: status.to_owned(),
            response_code: *code,
            stdout: "out\n".to_owned(),
            stderr: (*stderr).to_owned(),
        };
        DocumentEnd {
            command_id: "c-1".to_owned(),
            status: status.to_owned(),
            details: status.to_owned(),
            targets: u32::try_from(nodes.len()).unwrap(),
            errors: u32::from(status != "Success"),
            nodes: nodes.iter().map(node).collect(),
        }
    }

    fn for_node() -> Value {
        json!({
            "DocumentName": "AWS-UpdateSSMAgent", "InstanceIds": ["i-0123456789abcdef0"], "Comment": "monthly",
            "Parameters": {"version": "3.1", "allowDowngrade": false}, "TimeoutSeconds": 60,
            "CloudWatchOutputConfig": {"CloudWatchOutputEnabled": true},
        })
    }

    #[test]
    fn the_request_has_what_the_step_gives_and_lists_for_parameters() {
        let host = FakeHost::new().on_document(|request| {
            let mut wanted = for_node();
            wanted["Parameters"] = json!({"version": ["3.1"], "allowDowngrade": ["false"]});
            assert_eq!(*request, wanted);
            Ok(end("Success", &[("i-0123456789abcdef0", 0, "careful")]))
        });
        let outputs = run::<RunCommand>(&host, for_node()).unwrap();
        assert_eq!(
            outputs,
            json!({"CommandId": "c-1", "Status": "Success", "ResponseCode": 0, "Output": "out\n\n----------ERROR-------\ncareful"})
        );
    }

    #[test]
    fn nodes_are_also_selected_by_what_they_are() {
        for key in ["tag:Role", "resource-groups:Name"] {
            let host = FakeHost::new().on_document(|_| Ok(end("Success", &[])));
            let inputs = json!({"DocumentName": "X", "Targets": [{"Key": key, "Values": ["web"]}]});
            let outputs = run::<RunCommand>(&host, inputs).unwrap();
            assert_eq!((&outputs["ResponseCode"], &outputs["Output"]), (&json!(0), &json!("")));
            assert_eq!(host.functions(), ["commands.run-document"]);
        }
    }

    #[test]
    fn a_failure_names_the_nodes() {
        let host = FakeHost::new().on_document(|_| Ok(end("Failed", &[("i-1", 3, "no disk"), ("i-2", -1, "")])));
        let failure = run::<RunCommand>(&host, for_node()).unwrap_err();
        assert_eq!(
            failure.message,
            "AWS-UpdateSSMAgent: the command c-1 ended as Failed, and failed on 1 of 2 nodes: i-1 Failed with exit code 3: \
             no disk; i-2 Failed: out"
        );
        assert_eq!(failure.kind, FailureKind::Failed);
        let host = FakeHost::new().on_document(|_| Ok(end("TimedOut", &[])));
        assert_eq!(
            run::<RunCommand>(&host, for_node()).unwrap_err().kind,
            FailureKind::TimedOut
        );
        let host = FakeHost::new().on_document(|_| Err(Error::Unavailable("no access".into())));
        let failure = run::<RunCommand>(&host, for_node()).unwrap_err();
        assert_eq!(failure.message, "AWS-UpdateSSMAgent: no access");
    }
}
