//! `rw:waitFor`: waits until a port, an address, a file or a command is ready. The wait costs nothing.

use runwright_sdk::{Action, Condition, Context, Failure, Host, Impact, Manifest, Patience, Target, schema};
use serde::{Deserialize, Serialize};

/// The action.
pub struct WaitFor;

const TIMEOUT_SECONDS_DEFAULT: f64 = 60.0;
const INTERVAL_SECONDS_DEFAULT: f64 = 1.0;
const MAX_INTERVAL_SECONDS_DEFAULT: f64 = 30.0;
const BACKOFF_DEFAULT: f64 = 1.5;
/// A year.
const SECONDS_MAX: f64 = 31_536_000.0;

/// The inputs of a step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    port: Option<Port>,
    http: Option<Http>,
    file: Option<String>,
    command: Option<Words>,
    target: Target,
    timeout_seconds: Option<f64>,
    interval_seconds: Option<f64>,
    max_interval_seconds: Option<f64>,
    backoff: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Port {
    host: Option<String>,
    port: u16,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Http {
    url: String,
    status: Option<u16>,
}

/// Shell text, or program and arguments.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    List(Vec<String>),
}

/// The outputs of a step.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Outputs {
    probes: u32,
    waited_ms: u64,
}

impl Action for WaitFor {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let port = schema::object()
            .describe("A TCP port that accepts connections.")
            .optional("Host", schema::string("Name or address.").default("localhost"))
            .required("Port", schema::integer("The port.").at_least(1).at_most(65_535));
        let http = schema::object()
            .describe("An address that answers a GET.")
            .required("Url", schema::string("An http or https address."))
            .optional(
                "Status",
                schema::integer("The status it must answer with; any 2xx when absent.")
                    .at_least(100)
                    .at_most(599),
            );
        let command = schema::any_of(
            "A command that ends with exit code 0: shell text, or a list of program and arguments.",
            [
                schema::string("Shell text."),
                schema::list("Program and arguments.", schema::string("An argument.")).at_least(1),
            ],
        );
        let inputs = schema::object()
            .optional("Port", port)
            .optional("Http", http)
            .optional("File", schema::string("Absolute path of something that exists."))
            .optional("Command", command)
            .optional(
                "Target",
                schema::string("The machine that looks; the engine's own when absent."),
            )
            .optional(
                "TimeoutSeconds",
                schema::number("The step fails as timed out after this long.").default(60),
            )
            .optional(
                "IntervalSeconds",
                schema::number("The pause after the first look.").default(1),
            )
            .optional(
                "Backoff",
                schema::number("Each pause is so many times the one before.")
                    .at_least(1)
                    .at_most(100)
                    .default(1.5),
            )
            .optional("MaxIntervalSeconds", schema::number("The longest pause.").default(30));
        let outputs = schema::object()
            .required("Probes", schema::integer("How often it looked."))
            .required("WaitedMs", schema::integer("How long it took, in milliseconds."));
        Manifest::new(
            "rw:waitFor",
            env!("CARGO_PKG_VERSION"),
            "Waits until exactly one of Port, Http, File or Command is ready, and fails when the time is over first.",
        )
        .impact(Impact::NonMutating)
        .inputs(inputs)
        .outputs(outputs)
        .wants("waits", "Looks again and again, with pauses.")
        .wants("commands", "Runs the command of `Command`.")
        .wants("files", "Looks for the path of `File`.")
        .wants("http", "Tries the address of `Http`, and the port of `Port`.")
    }

    fn run(host: &impl Host, _: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let patience = inputs.patience(host.now())?;
        let target = inputs.target.clone();
        let (what, condition) = inputs.condition()?;
        let probed = host
            .probe(&target, &condition, patience)
            .map_err(|error| Failure::from(error).while_doing(&format!("waiting for {what}")))?;
        Ok(Outputs {
            probes: probed.probes,
            waited_ms: probed.waited_ms,
        })
    }
}

impl Inputs {
    fn patience(&self, now: u64) -> Result<Patience, Failure> {
        let timeout = millis(
            "TimeoutSeconds",
            self.timeout_seconds.unwrap_or(TIMEOUT_SECONDS_DEFAULT),
        )?;
        let interval = millis(
            "IntervalSeconds",
            self.interval_seconds.unwrap_or(INTERVAL_SECONDS_DEFAULT),
        )?;
        let longest = millis(
            "MaxIntervalSeconds",
            self.max_interval_seconds.unwrap_or(MAX_INTERVAL_SECONDS_DEFAULT),
        )?;
        let backoff = self.backoff.unwrap_or(BACKOFF_DEFAULT);
        if !(1.0..=100.0).contains(&backoff) {
            return Err(Failure::invalid(format!(
                "input `Backoff` is {backoff}: it must be from 1 to 100"
            )));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be from 1 to 100"
        )]
        let backoff_percent = (backoff * 100.0).round() as u32;
        Ok(Patience {
            deadline: now.saturating_add(timeout),
            interval_ms: interval,
            backoff_percent,
            max_interval_ms: longest.max(interval),
        })
    }

    /// What is waited for, in words and as a condition.
    fn condition(self) -> Result<(String, Condition), Failure> {
        match (self.port, self.http, self.file, self.command) {
            (Some(port), None, None, None) => {
                let host = port.host.unwrap_or_else(|| "localhost".to_owned());
                Ok((
                    format!("port {} of {host}", port.port),
                    Condition::Tcp((host, port.port)),
                ))
            }
            (None, Some(http), None, None) => Ok((http.url.clone(), Condition::Http((http.url, http.status)))),
            (None, None, Some(path), None) => Ok((format!("file `{path}`"), Condition::File(path))),
            (None, None, None, Some(Words::Text(text))) => {
                let arguments = ["/bin/sh", "-c", text.as_str()].map(str::to_owned).to_vec();
                Ok((format!("command `{text}`"), Condition::Command(arguments)))
            }
            (None, None, None, Some(Words::List(arguments))) if !arguments.is_empty() => Ok((
                format!("command `{}`", arguments.join(" ")),
                Condition::Command(arguments),
            )),
            _ => Err(Failure::invalid(
                "exactly one of the inputs `Port`, `Http`, `File` and `Command` is needed",
            )),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in the range"
)]
fn millis(input: &str, seconds: f64) -> Result<u64, Failure> {
    if seconds > 0.0 && seconds <= SECONDS_MAX {
        Ok((seconds * 1_000.0).ceil() as u64)
    } else {
        Err(Failure::invalid(format!(
            "input `{input}` is {seconds}: it must be more than 0 and at most a year of seconds"
        )))
    }
}

runwright_sdk::plugin!(WaitFor);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        Error, FailureKind, Probed,
        testing::{FakeHost, check_manifest, run},
    };
    use serde_json::{Value, json};

    use super::*;

    fn asked(inputs: Value) -> Value {
        let host = FakeHost::new().probed(Ok(Probed {
            probes: 3,
            waited_ms: 2_500,
        }));
        assert_eq!(
            run::<WaitFor>(&host, inputs),
            Ok(json!({"Probes": 3, "WaitedMs": 2_500}))
        );
        let request: Value = serde_json::from_str(&host.done(None).calls[0].request).unwrap();
        request["waits"]["probe"].clone()
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<WaitFor>();
    }

    #[test]
    fn each_condition_and_the_defaults() {
        let port = asked(json!({"Port": {"Port": 5432}}));
        assert_eq!(port["probe"], json!({"tcp": {"host": "localhost", "port": 5432}}));
        let patience = json!({"deadline": FakeHost::START + 60_000, "interval_ms": 1_000, "backoff_percent": 150, "max_interval_ms": 30_000});
        assert_eq!(port["patience"], patience);
        let http = asked(
            json!({"Http": {"Url": "http://x/health", "Status": 204}, "Target": "web-1", "IntervalSeconds": 0.25}),
        );
        assert_eq!(
            http["probe"],
            json!({"http": {"url": "http://x/health", "status": 204}})
        );
        assert_eq!(
            (http["on"].as_str(), http["patience"]["interval_ms"].as_u64()),
            (Some("web-1"), Some(250))
        );
        assert_eq!(
            asked(json!({"File": "/run/x"}))["probe"],
            json!({"file": {"path": "/run/x"}})
        );
        let shell = asked(json!({"Command": "test -e /x"}))["probe"].clone();
        assert_eq!(
            shell,
            json!({"command": {"arguments": ["/bin/sh", "-c", "test -e /x"]}})
        );
        assert_eq!(
            asked(json!({"Command": ["true"]}))["probe"],
            json!({"command": {"arguments": ["true"]}})
        );
    }

    #[test]
    fn a_time_out_says_what_was_waited_for() {
        let host = FakeHost::new().probed(Err(Error::TimedOut("refused".into())));
        let failure = run::<WaitFor>(&host, json!({"Port": {"Host": "db", "Port": 5432}})).unwrap_err();
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (FailureKind::TimedOut, "waiting for port 5432 of db: refused")
        );
    }

    #[test]
    fn wrong_inputs_are_found_first() {
        for inputs in [
            json!({}),
            json!({"File": "/x", "Command": "y"}),
            json!({"Command": []}),
            json!({"File": "/x", "TimeoutSeconds": 0}),
            json!({"File": "/x", "Backoff": 0.5}),
            json!({"Port": {"Port": 70_000}}),
        ] {
            let host = FakeHost::new();
            assert_eq!(
                run::<WaitFor>(&host, inputs).unwrap_err().kind,
                FailureKind::InvalidInput
            );
            assert!(host.functions().is_empty());
        }
    }
}
