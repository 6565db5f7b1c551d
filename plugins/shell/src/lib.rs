//! `rw:shell`: runs a command or a small script, and undoes it with another.
//!
//! ```yaml
//! - name: drain
//!   action: rw:shell
//!   inputs:
//!     Command: lbctl drain web-1 --wait
//!     Rollback: {Command: lbctl restore web-1}
//! ```

use std::collections::BTreeMap;

use runwright_sdk::{
    Action, Command, Completed, Context, Done, Failure, Host, Level, Manifest, Target,
    schema::{self, Schema},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The action.
pub struct Shell;

/// What is run, and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Invocation {
    /// Shell text; xor `arguments`.
    pub command: Option<String>,
    /// Program and arguments, without a shell; xor `command`.
    pub arguments: Option<Vec<String>>,
    /// Standard input.
    pub stdin: Option<String>,
    /// Added to the environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Absolute path.
    pub working_directory: Option<String>,
    /// User name.
    pub run_as: Option<String>,
    /// The machine.
    pub target: Target,
    /// The command is ended after so many seconds.
    pub timeout_seconds: Option<f64>,
}

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    /// What is run.
    #[serde(flatten)]
    pub invocation: Invocation,
    /// The exit codes that count as success; 0 when absent.
    pub expect_exit_codes: Option<Vec<i32>>,
    /// Whether standard output is JSON.
    #[serde(default)]
    pub parse_json: bool,
    /// What undoes it.
    pub rollback: Option<Invocation>,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    exit_code: i32,
    stdout: String,
    stderr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout_blob: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr_blob: Option<String>,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Value>,
}

impl Action for Shell {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = invocation_schema()
            .optional(
                "ExpectExitCodes",
                schema::list("Exit codes that count as success.", schema::integer("An exit code.")).default(json!([0])),
            )
            .optional(
                "ParseJson",
                schema::boolean("Read standard output as JSON into the output `Json`. The step fails when it is none.")
                    .default(false),
            )
            .optional(
                "Rollback",
                invocation_schema().describe(
                    "The command that undoes this one. Target, WorkingDirectory, RunAs and Environment are those of \
                     the step unless given here. Without it a rollback leaves the step's work as it is, and says so.",
                ),
            );
        Manifest::new(
            "rw:shell",
            env!("CARGO_PKG_VERSION"),
            "Runs a command and fails unless it ends well.",
        )
        .inputs(inputs)
        .outputs(outputs_schema())
        .wants("commands", "Runs the step's command, and the one that undoes it.")
        .undoes()
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let command = inputs.invocation.to_command()?;
        let expected = inputs.expect_exit_codes.unwrap_or_else(|| vec![0]);
        let ended = host.run(&inputs.invocation.target, &command)?;
        let exit_code = check(&ended, &expected)?;
        let json = if inputs.parse_json {
            Some(parse_json(&ended)?)
        } else {
            None
        };
        Ok(Outputs {
            exit_code,
            stdout: trim_end(ended.stdout),
            stderr: trim_end(ended.stderr),
            stdout_blob: ended.stdout_blob,
            stderr_blob: ended.stderr_blob,
            duration_ms: ended.duration_ms,
            json,
        })
    }

    fn rollback(host: &impl Host, _: &Context, inputs: Inputs, done: &Done) -> Result<(), Failure> {
        if !done
            .calls_of("commands.run")
            .any(runwright_sdk::Call::may_have_happened)
        {
            return Ok(());
        }
        let Some(undo) = inputs.rollback else {
            host.log(Level::Warn, "nothing undone: the step has no input `Rollback`");
            return Ok(());
        };
        let undo = undo.with_defaults_of(inputs.invocation);
        let ended = host
            .run(&undo.target, &undo.to_command()?)
            .map_err(|e| Failure::from(e).while_doing("rollback"))?;
        check(&ended, &[0])
            .map(drop)
            .map_err(|failure| failure.while_doing("rollback"))
    }
}

impl Invocation {
    fn to_command(&self) -> Result<Command, Failure> {
        let command = match (&self.command, &self.arguments) {
            (Some(text), None) => Command::script(text),
            (None, Some(arguments)) if !arguments.is_empty() => Command::program(arguments.clone()),
            (None, Some(_)) => {
                return Err(Failure::invalid(
                    "input `Arguments` is empty: its first item is the program",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(Failure::invalid(
                    "inputs `Command` and `Arguments` are both given: use one of them",
                ));
            }
            (None, None) => {
                return Err(Failure::invalid(
                    "input `Command` (shell text) or `Arguments` (a list) is needed",
                ));
            }
        };
        Ok(Command {
            stdin: self.stdin.clone().map(String::into_bytes),
            environment: self.environment.clone().into_iter().collect(),
            working_directory: self.working_directory.clone(),
            run_as: self.run_as.clone(),
            timeout_ms: self.timeout_seconds.map(millis).transpose()?,
            ..command
        })
    }

    fn with_defaults_of(mut self, step: Self) -> Self {
        self.target = self.target.or(step.target);
        self.working_directory = self.working_directory.or(step.working_directory);
        self.run_as = self.run_as.or(step.run_as);
        let own = std::mem::replace(&mut self.environment, step.environment);
        self.environment.extend(own);
        self
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in the range"
)]
fn millis(seconds: f64) -> Result<u64, Failure> {
    if seconds > 0.0 && seconds <= 31_536_000.0 {
        Ok((seconds * 1_000.0).ceil() as u64)
    } else {
        Err(Failure::invalid(format!(
            "input `TimeoutSeconds` is {seconds}: it must be more than 0 and at most a year"
        )))
    }
}

fn check(ended: &Completed, expected: &[i32]) -> Result<i32, Failure> {
    if let Some(code) = ended.exit_code.filter(|code| expected.contains(code)) {
        return Ok(code);
    }
    let words = ended.last_words();
    let separator = if words.is_empty() { "" } else { ": " };
    Err(
        Failure::failed(format!("the command ended with {}{separator}{words}", ended.how())).with_details(&json!({
            "ExitCode": ended.exit_code, "Signal": ended.signal, "Stdout": ended.stdout, "Stderr": ended.stderr,
        })),
    )
}

fn parse_json(ended: &Completed) -> Result<Value, Failure> {
    if ended.stdout_blob.is_some() {
        return Err(Failure::failed("standard output is too long to be read as JSON: it was cut at 64 KiB").for_good());
    }
    serde_json::from_str(&ended.stdout).map_err(|error| {
        Failure::failed(format!(
            "the command ended well, but its standard output is no JSON: {error}"
        ))
    })
}

/// Without the line end that closes nearly every output, so that the text fits into another.
fn trim_end(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\n', '\r']).len());
    text
}

fn invocation_schema() -> Schema {
    schema::object()
        .optional(
            "Command",
            schema::string(
                "Text run by /bin/sh, or by the interpreter its `#!` line names. Either this or Arguments. Put values \
                 you do not trust into Environment, never into this text.",
            ),
        )
        .optional(
            "Arguments",
            schema::list(
                "Program and arguments, run without a shell. Either this or Command.",
                schema::string("An argument."),
            ),
        )
        .optional(
            "Stdin",
            schema::string("What the command reads from standard input. May hold secrets."),
        )
        .optional(
            "Environment",
            schema::map(
                "Added to the command's environment. Values may hold secrets.",
                schema::string("A value."),
            ),
        )
        .optional(
            "WorkingDirectory",
            schema::string("Absolute path of the folder it runs in.").default("/"),
        )
        .optional(
            "RunAs",
            schema::string("The user it runs as; the engine's own when absent."),
        )
        .optional(
            "Target",
            schema::string("The machine it runs on; the engine's own when absent."),
        )
        .optional(
            "TimeoutSeconds",
            schema::number(
                "The command and its children are ended after this long. The step's timeoutSeconds counts as well.",
            ),
        )
}

fn outputs_schema() -> Schema {
    schema::object()
        .required("ExitCode", schema::integer("The exit code."))
        .required(
            "Stdout",
            schema::string(
                "Standard output without the line end that closes it; head and tail when it is longer than 64 KiB.",
            ),
        )
        .required("Stderr", schema::string("Standard error, alike."))
        .optional(
            "StdoutBlob",
            schema::string("Name of the blob with the whole of standard output, when it was cut."),
        )
        .optional(
            "StderrBlob",
            schema::string("Name of the blob with the whole of standard error, when it was cut."),
        )
        .required("DurationMs", schema::integer("How long it ran, in milliseconds."))
        .optional("Json", schema::any("Standard output as a JSON value, with ParseJson."))
}

runwright_sdk::plugin!(Shell);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error, FailureKind,
        testing::{FakeHost, check_manifest, rollback, run},
    };

    use super::*;

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<Shell>();
    }

    #[test]
    fn a_script_gets_everything_it_was_given() {
        let host = FakeHost::new().on_command(|on, command| {
            assert_eq!(on.as_deref(), Some("web-1"));
            assert_eq!(command.script.as_deref(), Some("echo hi"));
            assert_eq!(command.arguments, ["/bin/sh"]);
            assert_eq!(command.environment, [("A".to_owned(), "1".to_owned())]);
            assert_eq!(command.timeout_ms, Some(1_500));
            Ok(FakeHost::exit(0, "hi\n"))
        });
        let inputs = json!({"Command": "echo hi", "Environment": {"A": "1"}, "Target": "web-1", "TimeoutSeconds": 1.5});
        let outputs = run::<Shell>(&host, inputs).unwrap();
        assert_eq!(
            outputs,
            json!({"ExitCode": 0, "Stdout": "hi", "Stderr": "", "DurationMs": 5})
        );
    }

    #[test]
    fn an_unexpected_exit_code_fails_with_the_last_words() {
        let host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(3, "no space left\n")));
        let failure = run::<Shell>(&host, json!({"Arguments": ["dd"]})).unwrap_err();
        assert_eq!(failure.message, "the command ended with exit code 3: no space left");
        assert!(failure.details.unwrap().contains("\"ExitCode\":3"));
        assert!(run::<Shell>(&host, json!({"Arguments": ["dd"], "ExpectExitCodes": [0, 3]})).is_ok());
    }

    #[test]
    fn json_output_is_parsed_on_request() {
        let host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(0, "{\"a\": [1]}\n")));
        assert_eq!(
            run::<Shell>(&host, json!({"Command": "x", "ParseJson": true})).unwrap()["Json"]["a"][0],
            1
        );
        let host = FakeHost::new().on_command(|_, _| Ok(FakeHost::exit(0, "nope")));
        assert!(run::<Shell>(&host, json!({"Command": "x", "ParseJson": true})).is_err());
    }

    #[test]
    fn command_and_arguments_exclude_each_other() {
        for inputs in [
            json!({}),
            json!({"Command": "x", "Arguments": ["x"]}),
            json!({"Arguments": []}),
        ] {
            let host = FakeHost::new();
            assert_eq!(run::<Shell>(&host, inputs).unwrap_err().kind, FailureKind::InvalidInput);
            assert!(host.functions().is_empty());
        }
    }

    #[test]
    fn rollback_runs_its_command_where_the_step_ran() {
        let inputs = json!({"Command": "up", "Target": "web-1", "Environment": {"A": "1", "B": "2"},
            "Rollback": {"Arguments": ["down"], "Environment": {"B": "3"}}});
        let host = FakeHost::new().on_command(|on, command| {
            assert_eq!(on.as_deref(), Some("web-1"));
            if command.arguments == ["down"] {
                assert_eq!(
                    command.environment,
                    [("A".into(), "1".into()), ("B".into(), "3".into())]
                );
            }
            Ok(FakeHost::exit(0, ""))
        });
        run::<Shell>(&host, inputs.clone()).unwrap();
        rollback::<Shell>(&host, inputs, &host.done(None)).unwrap();
        assert_eq!(host.functions(), ["commands.run", "commands.run"]);
    }

    #[test]
    fn nothing_is_undone_when_nothing_ran() {
        let inputs = json!({"Command": "up", "Rollback": {"Command": "down"}});
        let host = FakeHost::new().refuse("commands.run", Error::NotFound("no such machine".into()));
        run::<Shell>(&host, inputs.clone()).unwrap_err();
        host.relent();
        rollback::<Shell>(&host, inputs, &host.done(None)).unwrap();
        assert_eq!(host.functions(), ["commands.run"]);
    }
}
