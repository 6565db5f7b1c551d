//! `rw:powerShell`: runs a PowerShell script with `pwsh`. Steps of `aws:executeScript` with a PowerShell runtime are steps of
//! this one.
//!
//! No PowerShell runs in the sandbox, so it runs on the machine, as any command does, and must be granted:
//!
//! ```yaml
//! plugins:
//!   rw:powerShell: {grants: {commands: [{run: pwsh, env: [InputPayload, RUNWRIGHT_MARK]}]}}
//! ```

use runwright_sdk::{Action, Command, Completed, Context, Error, Failure, FailureKind, Host, Manifest, Target, schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The action.
pub struct PowerShell;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    /// What the script reads from the variable `InputPayload`, as JSON.
    #[serde(default)]
    pub input_payload: Value,
    /// The script.
    pub script: String,
    /// The machine.
    pub target: Target,
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
    output_payload: Value,
}

/// Runs the script that is the last argument, and writes what it returned behind a mark: what it prints comes before. A
/// script that calls `exit` returns nothing.
const RUNNER: &str = "& { param($path) \
    $returned = & ([scriptblock]::Create([IO.File]::ReadAllText($path))); \
    if ($null -ne $returned) { [Console]::Out.WriteLine(); \
    [Console]::Out.WriteLine($env:RUNWRIGHT_MARK + (ConvertTo-Json -InputObject $returned -Depth 100 -Compress)) }; \
    exit 0 }";
/// The most that fits into one variable of a process on Linux, less some room for its name.
const INPUT_BYTES_MAX: usize = 120 * 1024;
/// The most that a script may return, as JSON text.
const PAYLOAD_BYTES_MAX: usize = 100 * 1024;

impl Action for PowerShell {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = schema::object()
            .optional(
                "Runtime",
                schema::string("The runtime, as documents write it: PowerShell 7.4."),
            )
            .optional(
                "InputPayload",
                schema::any("What the script reads from the environment variable InputPayload, as JSON."),
            )
            .required("Script", schema::string("The script."))
            .optional(
                "Target",
                schema::string("The machine it runs on; the engine's own when absent."),
            );
        let outputs = schema::object()
            .optional("Payload", schema::any("What the script returned."))
            .required("OutputPayload", schema::any("The same, below `Payload`."));
        Manifest::new(
            "rw:powerShell",
            env!("CARGO_PKG_VERSION"),
            "Runs a PowerShell script with pwsh, outside the sandbox, and returns what it returns.",
        )
        .inputs(inputs)
        .outputs(outputs)
        .wants("commands", "Runs the script with pwsh.")
        .wants("blobs", "Reads the end of what the script wrote, when that is long.")
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let mark = format!("runwright-payload-{} ", context.idempotency_key);
        let ended = host.run(&inputs.target, &command(&inputs, &mark)?).map_err(refused)?;
        if ended.exit_code != Some(0) {
            let (how, words) = (ended.how(), ended.last_words());
            return Err(Failure::failed(format!("the script ended with {how}: {words}")));
        }
        let written = end_of(host, &ended)?;
        let payload = match written.rsplit_once(&mark) {
            Some((_, returned)) => Some(payload(returned)?),
            None => None,
        };
        Ok(Outputs {
            output_payload: serde_json::json!({"Payload": payload}),
            payload,
        })
    }
}

fn command(inputs: &Inputs, mark: &str) -> Result<Command, Failure> {
    let input = inputs.input_payload.to_string();
    if input.len() > INPUT_BYTES_MAX {
        return Err(Failure::invalid(format!(
            "`InputPayload` is {} bytes of JSON, and a script reads it from a variable, which holds {INPUT_BYTES_MAX}: pass \
             less, or pass where it is",
            input.len()
        )));
    }
    Ok(Command {
        script: Some(inputs.script.clone()),
        environment: vec![
            ("InputPayload".to_owned(), input),
            ("RUNWRIGHT_MARK".to_owned(), mark.to_owned()),
        ],
        ..Command::program(["pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", RUNNER])
    })
}

fn refused(error: Error) -> Failure {
    match error {
        Error::NotFound(_) => Failure::failed(
            "there is no PowerShell here: install it (the program `pwsh`), as https://aka.ms/powershell says, and run this again",
        ),
        Error::Denied(denied) => {
            let failure = Failure::from(Error::Denied(denied));
            let message = format!(
                "{}. PowerShell runs on the machine, not in the sandbox: a runbook that may do that says \
                 `plugins: {{\"rw:powerShell\": {{grants: {{commands: [{{run: pwsh, env: [InputPayload, RUNWRIGHT_MARK]}}]}}}}}}`",
                failure.message.trim_end_matches('.')
            );
            Failure { message, ..failure }
        }
        other => Failure::from(other),
    }
}

/// What it wrote, as far as what it returned can be in it: a long output is cut in its middle, and kept whole as a blob.
fn end_of(host: &impl Host, ended: &Completed) -> Result<String, Failure> {
    const BYTES: u64 = PAYLOAD_BYTES_MAX as u64 + 4_096;
    let Some(blob) = &ended.stdout_blob else {
        return Ok(ended.stdout.clone());
    };
    let start = host.blob_size(blob)?.saturating_sub(BYTES);
    #[expect(clippy::cast_possible_truncation, reason = "a hundred thousand")]
    let bytes = host.blob(blob, start, BYTES as u32)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What it returned.
fn payload(returned: &str) -> Result<Value, Failure> {
    let text = returned.trim();
    if text.len() > PAYLOAD_BYTES_MAX {
        let message = format!(
            "the script returned {} bytes of JSON, where {PAYLOAD_BYTES_MAX} are allowed: return less, or keep it in a bucket or \
             a parameter",
            text.len()
        );
        return Err(Failure::new(FailureKind::LimitExceeded, message).for_good());
    }
    serde_json::from_str(text)
        .map_err(|error| Failure::failed(format!("what the script returned is no JSON: {error}: {text:.200}")))
}

runwright_sdk::plugin!(PowerShell);

#[cfg(test)]
mod tests {
    use runwright_sdk::testing::{FakeHost, check_manifest, run};
    use serde_json::json;

    use super::*;

    fn answers(write: impl Fn(&str) -> String + 'static) -> FakeHost {
        FakeHost::new().on_command(move |_, command| {
            assert_eq!(command.arguments[0], "pwsh");
            assert_eq!(command.script.as_deref(), Some("return @{a=1}"));
            let mark = &command
                .environment
                .iter()
                .find(|(name, _)| name == "RUNWRIGHT_MARK")
                .unwrap()
                .1;
            Ok(FakeHost::exit(0, &write(mark)))
        })
    }

    fn step() -> Value {
        json!({"Runtime": "PowerShell 7.4", "Script": "return @{a=1}", "InputPayload": {"b": 2}})
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<PowerShell>();
    }

    #[test]
    fn what_it_returns_is_told_from_what_it_prints() {
        let host = answers(|mark| format!("hello {{}}\n\n{mark}{{\"a\":1}}\n"));
        let outputs = run::<PowerShell>(&host, step()).unwrap();
        assert_eq!(outputs["Payload"], json!({"a": 1}));
        assert_eq!(outputs["OutputPayload"], json!({"Payload": {"a": 1}}));
    }

    #[test]
    fn one_that_returns_nothing_has_no_payload() {
        let outputs = run::<PowerShell>(&answers(|_| "hello".to_owned()), step()).unwrap();
        assert!(outputs.get("Payload").is_none(), "{outputs}");
    }

    #[test]
    fn the_input_is_a_variable() {
        let host = FakeHost::new().on_command(|_, command| {
            let input = command
                .environment
                .iter()
                .find(|(name, _)| name == "InputPayload")
                .unwrap();
            assert_eq!(input.1, r#"{"b":2}"#);
            Ok(FakeHost::exit(3, "Exception: boom"))
        });
        let failure = run::<PowerShell>(&host, step()).unwrap_err();
        assert!(
            failure.message.contains("exit code 3: Exception: boom"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn too_much_either_way_is_said() {
        let long = "x".repeat(INPUT_BYTES_MAX);
        let failure = run::<PowerShell>(&FakeHost::new(), json!({"Script": "", "InputPayload": long})).unwrap_err();
        assert!(failure.message.contains("`InputPayload` is"), "{}", failure.message);
        let host = answers(|mark| format!("{mark}\"{}\"", "x".repeat(PAYLOAD_BYTES_MAX)));
        let failure = run::<PowerShell>(&host, step()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::LimitExceeded);
    }

    #[test]
    fn without_pwsh_it_says_what_to_install() {
        let host = FakeHost::new().refuse("commands.run", Error::NotFound("no program pwsh".into()));
        let failure = run::<PowerShell>(&host, step()).unwrap_err();
        assert!(failure.message.contains("install it"), "{}", failure.message);
    }
}
