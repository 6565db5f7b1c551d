//! `aws:runCommand`: runs a Command document on machines and on nodes of Systems Manager.
//!
//! Without machines the command runs where the engine is. Each machine of `InstanceIds` is a target of that name. They run
//! one after another: AWS-RunShellScript here, any other document as a child execution (`document.rs`). Nodes of Systems
//! Manager get one command together (`nodes.rs`).

mod document;
mod inputs;
mod nodes;
mod output;

use runwright_sdk::{
    Action, Command, Completed, Context, Error, Failure, FailureKind, Host, Level, Manifest, Target, schema,
};
use serde::Serialize;
use serde_json::json;

pub use inputs::Inputs;

/// The action.
pub struct RunCommand;

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    command_id: String,
    status: &'static str,
    response_code: i32,
    output: String,
}

/// The exit code by which a script of the node agent says: well done, skip the rest.
const EXIT_SUCCESS_AND_SKIP: i32 = 168;
/// The exit code by which a script asks the node agent for a reboot.
const EXIT_REBOOT: i32 = 194;

impl Action for RunCommand {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let outputs = schema::object()
            .required("CommandId", schema::string("Names this command: the same after a restart of the engine."))
            .required("Status", schema::string("`Success`; any other ends the step."))
            .required("ResponseCode", schema::integer("The exit code; of the last machine, when there are several."))
            .required(
                "Output",
                schema::string("Standard output and standard error, at most 2,500 characters; of the last machine, when there are several."),
            );
        Manifest::new(
            "aws:runCommand",
            env!("CARGO_PKG_VERSION"),
            "Runs a Command document on machines or on nodes of Systems Manager, and fails unless it ends well on each.",
        )
        .inputs(inputs::schema())
        .outputs(outputs)
        .wants("commands", "Runs the script.")
        .wants("executions", "Runs a document other than AWS-RunShellScript.")
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        if inputs.is_for_nodes()? {
            return nodes::run(host, &inputs);
        }
        let work = match inputs.child() {
            Some(name) => Work::Document(name, inputs.document_parameters()),
            None => Work::Script(inputs.script()?),
        };
        let targets = inputs.targets()?;
        let errors_max = inputs.errors_max(targets.len())?;
        if inputs.wants_notices() {
            host.log(Level::Warn, "no notification is sent, and output goes to the step's log only: the engine has no SNS, S3 or CloudWatch");
        }
        let mut failures: Vec<Failure> = Vec::new();
        let mut last = (0, String::new());
        for (index, target) in targets.iter().enumerate() {
            host.progress(
                index as u64,
                targets.len() as u64,
                target.as_deref().unwrap_or("this machine"),
            );
            let ended = match &work {
                Work::Script(script) => run_on(host, context, target, script),
                Work::Document(name, parameters) => document::run_on(host, context, target, name, parameters),
            };
            match ended {
                Ok(ended) => last = ended,
                // A missing grant is missing everywhere; an unknown outcome is for people.
                Err(failure) if matches!(failure.kind, FailureKind::Denied | FailureKind::Uncertain) => {
                    return Err(failure);
                }
                Err(failure) => failures.push(failure),
            }
            if failures.len() > errors_max {
                break;
            }
        }
        if failures.is_empty() {
            let command_id = context.idempotency_key.clone();
            return Ok(Outputs {
                command_id,
                status: "Success",
                response_code: last.0,
                output: last.1,
            });
        }
        Err(join(failures, targets.len()))
    }
}

/// What is run on each machine.
enum Work<'i> {
    /// The script of AWS-RunShellScript.
    Script(inputs::Script),
    /// Another document, with these parameters.
    Document(&'i str, serde_json::Value),
}

/// Exit code and output of one machine.
fn run_on(
    host: &impl Host,
    context: &Context,
    target: &Target,
    script: &inputs::Script,
) -> Result<(i32, String), Failure> {
    let place = target.as_deref().unwrap_or("this machine");
    let command = Command {
        environment: vec![
            (
                "AWS_SSM_INSTANCE_ID".to_owned(),
                target.clone().unwrap_or_else(|| "localhost".to_owned()),
            ),
            ("SSM_COMMAND_ID".to_owned(), context.idempotency_key.clone()),
        ],
        working_directory: script.working_directory.clone(),
        timeout_ms: Some(script.timeout_seconds * 1_000),
        ..Command::script(&script.text)
    };
    let ended = host
        .run(target, &command)
        .map_err(|error| not_run(error, place, context))?;
    let code = ended.exit_code.unwrap_or(-1);
    if code == 0 || code == EXIT_SUCCESS_AND_SKIP {
        return Ok((code, output::combine(&ended.stdout, &ended.stderr)));
    }
    Err(ended_badly(&ended, place, context))
}

fn not_run(error: Error, place: &str, context: &Context) -> Failure {
    let status = match &error {
        Error::TimedOut(_) => "TimedOut",
        Error::Denied(_)
        | Error::NotFound(_)
        | Error::Invalid(_)
        | Error::Throttled(_)
        | Error::LimitExceeded(_)
        | Error::Unavailable(_)
        | Error::Uncertain(_) => "Failed",
    };
    let details = json!({"CommandId": context.idempotency_key, "Status": status, "ResponseCode": -1, "Output": ""});
    Failure::from(error).while_doing(place).with_details(&details)
}

fn ended_badly(ended: &Completed, place: &str, context: &Context) -> Failure {
    let words = ended.last_words();
    let separator = if words.is_empty() { "" } else { ": " };
    let advice = if ended.exit_code == Some(EXIT_REBOOT) {
        " (194 asks for a reboot, which the engine does not do: reboot in a step of its own)"
    } else {
        ""
    };
    Failure::failed(format!(
        "{place}: the script ended with {}{advice}{separator}{words}",
        ended.how()
    ))
    .with_details(&json!({
        "CommandId": context.idempotency_key, "Status": "Failed", "ResponseCode": ended.exit_code.unwrap_or(-1),
        "Output": output::combine(&ended.stdout, &ended.stderr),
    }))
}

/// One failure out of those of several machines: kind and details of the last, the messages of all.
fn join(mut failures: Vec<Failure>, targets: usize) -> Failure {
    let count = failures.len();
    let messages: Vec<String> = failures.iter().map(|failure| failure.message.clone()).collect();
    let last = failures.pop().unwrap_or_else(|| Failure::failed("the command failed"));
    if targets == 1 {
        return last;
    }
    Failure {
        message: format!("{count} of {targets} machines failed: {}", messages.join("; ")),
        ..last
    }
}

runwright_sdk::plugin!(RunCommand);

#[cfg(test)]
mod tests {
    use runwright_sdk::testing::{FakeHost, check_manifest, run};
    use serde_json::{Value, json};

    use super::*;

    fn script(commands: Value) -> Value {
        json!({"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": commands}})
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<RunCommand>();
    }

    #[test]
    fn commands_are_lines_of_one_script_on_this_machine() {
        let host = FakeHost::new().on_command(|on, command| {
            assert_eq!(*on, None);
            assert_eq!(command.script.as_deref(), Some("cd /srv\nls"));
            assert_eq!(command.timeout_ms, Some(3_600_000));
            Ok(Completed {
                stderr: "careful\n".into(),
                ..FakeHost::exit(0, "a\n")
            })
        });
        let outputs = run::<RunCommand>(&host, script(json!(["cd /srv", "ls"]))).unwrap();
        assert_eq!(outputs["Status"], "Success");
        assert_eq!(outputs["ResponseCode"], 0);
        assert_eq!(outputs["Output"], "a\n\n----------ERROR-------\ncareful\n");
        assert_eq!(outputs["CommandId"], runwright_sdk::testing::context().idempotency_key);
    }

    #[test]
    fn machines_run_one_after_another_and_the_first_error_stops() {
        let mut inputs = script(json!("x"));
        inputs["InstanceIds"] = json!(["i-1", "i-2", "i-3"]);
        let answer = |on: &Target, _: &Command| Ok(FakeHost::exit(i32::from(on.as_deref() == Some("i-2")), ""));
        let host = FakeHost::new().on_command(answer);
        let failure = run::<RunCommand>(&host, inputs.clone()).unwrap_err();
        assert_eq!(
            failure.message,
            "1 of 3 machines failed: i-2: the script ended with exit code 1"
        );
        assert_eq!(host.functions().len(), 2);
        inputs["MaxErrors"] = json!("34%");
        let host = FakeHost::new().on_command(answer);
        assert!(run::<RunCommand>(&host, inputs).is_err());
        assert_eq!(host.functions().len(), 3);
    }

    #[test]
    fn special_exit_codes() {
        let host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(168, "")));
        assert_eq!(
            run::<RunCommand>(&host, script(json!(["exit 168"]))).unwrap()["ResponseCode"],
            168
        );
        let host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(194, "")));
        assert!(
            run::<RunCommand>(&host, script(json!(["exit 194"])))
                .unwrap_err()
                .message
                .contains("reboot")
        );
    }

    #[test]
    fn a_time_out_is_one() {
        let host = FakeHost::new().refuse("commands.run", Error::TimedOut("ended after 5 seconds".into()));
        let failure = run::<RunCommand>(&host, script(json!(["sleep 9"]))).unwrap_err();
        assert_eq!(failure.kind, FailureKind::TimedOut);
        assert!(failure.details.unwrap().contains("\"Status\":\"TimedOut\""));
    }
}
