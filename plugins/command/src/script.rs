//! Script plugins: the same for every shell.

use runwright_sdk::{
    Command, Completed, Context, Error, Failure, Host, Level, Manifest, Target,
    schema::{self, Schema},
};
use serde_json::Value;

use crate::{
    Inputs,
    outcome::{self, Ended, Outputs},
    place, reboot,
};

const TIMEOUT_SECONDS: std::ops::RangeInclusive<u64> = 5..=172_800;
const TIMEOUT_SECONDS_DEFAULT: u64 = 3_600;

/// A shell: what runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// `sh`, or what the script's first line names.
    Posix,
    /// PowerShell: `pwsh`.
    Power,
}

/// Runs the script that is the last argument. The exit code is that of `exit`, or 1 after an error that ends it; as with
/// `-File`, which wants a file with another name.
const POWER_SHELL: &str = "& { param($path) & ([scriptblock]::Create([IO.File]::ReadAllText($path))); exit 0 }";

/// The manifest of a script plugin.
#[must_use]
pub fn manifest(action: &str, version: &str, description: &str) -> Manifest {
    let inputs = Inputs::schema()
        .required("runCommand", schema::any("The lines of the script."))
        .optional(
            "timeoutSeconds",
            schema::any("The script is ended after so many seconds: 5 to 172800, and 3600 otherwise."),
        )
        .optional(
            "workingDirectory",
            schema::any("An absolute path, or one below the folder that the document downloads to."),
        )
        .optional("environment", environment());
    Manifest::new(action, version, description)
        .inputs(inputs)
        .outputs(outcome::outputs())
        .wants("commands", "Runs the script.")
        .wants(
            "files",
            "Looks which boot of the machine this is, and for the folder of the document.",
        )
        .wants(
            "parameters",
            "Reads what `{{ssm:…}}` names, and how this machine is rebooted.",
        )
        .wants("waits", "Waits for a reboot that the script asks for.")
}

fn environment() -> Schema {
    schema::map(
        "The region, and the parameters with `interpolationType: ENV_VAR`. Set by the compiler.",
        schema::any("A value."),
    )
}

/// Runs the script of a step. One that asks for a reboot runs again after it.
///
/// # Errors
///
/// A script that does not end well, and everything that keeps it from running.
pub fn run(host: &impl Host, context: &Context, inputs: Inputs, shell: Shell) -> Result<Outputs, Failure> {
    let inputs = inputs.filled(host)?;
    let ended = completed(host, context, &inputs, shell).map(Ended::from);
    outcome::conclude(host, &inputs, ended)
}

fn completed(host: &impl Host, context: &Context, inputs: &Inputs, shell: Shell) -> Result<Completed, Failure> {
    let command = command(host, context, inputs, shell, &None);
    reboot::completed(host, context, &command, |error| refused(error, shell))
}

fn refused(error: Error, shell: Shell) -> Failure {
    match (error, shell) {
        (Error::NotFound(_), Shell::Power) => Failure::failed(
            "there is no PowerShell here: install it (the program `pwsh`), as https://aka.ms/powershell says, and run this again",
        ),
        (error, _) => Failure::from(error),
    }
}

fn command(host: &impl Host, context: &Context, inputs: &Inputs, shell: Shell, here: &Target) -> Command {
    let script = inputs.lines("runCommand").join("\n");
    let command = match shell {
        Shell::Posix => Command::script(&script),
        Shell::Power => Command {
            script: Some(script),
            ..Command::program([
                "pwsh",
                "-NoLogo",
                "-NoProfile",
                "-NonInteractive",
                "-Command",
                POWER_SHELL,
            ])
        },
    };
    Command {
        environment: variables(host, context, inputs, here),
        working_directory: folder(host, context, inputs, here),
        timeout_ms: Some(timeout_seconds(inputs) * 1_000),
        ..command
    }
}

fn timeout_seconds(inputs: &Inputs) -> u64 {
    let given = inputs.text("timeoutSeconds").and_then(|text| text.trim().parse().ok());
    given
        .filter(|seconds| TIMEOUT_SECONDS.contains(seconds))
        .unwrap_or(TIMEOUT_SECONDS_DEFAULT)
}

/// What a script knows of where it runs, and the document's parameters that are variables.
fn variables(host: &impl Host, context: &Context, inputs: &Inputs, here: &Target) -> Vec<(String, String)> {
    let system = host.read_file(here, "/etc/os-release").unwrap_or_default();
    let system = String::from_utf8_lossy(&system).into_owned();
    let fact = |name: &str| {
        let line = system
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let mut variables = vec![
        ("AWS_SSM_INSTANCE_ID".to_owned(), "localhost".to_owned()),
        ("AWS_SSM_PLATFORM_NAME".to_owned(), fact("NAME")),
        ("AWS_SSM_PLATFORM_VERSION".to_owned(), fact("VERSION_ID")),
        ("SSM_COMMAND_ID".to_owned(), context.execution_id.clone()),
    ];
    if let Some(Value::Object(map)) = inputs.get("environment") {
        variables.extend(map.iter().map(|(name, value)| (name.clone(), crate::text(value))));
    }
    variables
}

/// Where the script runs: the path it names, or the folder of the document when there is one.
fn folder(host: &impl Host, context: &Context, inputs: &Inputs, here: &Target) -> Option<String> {
    let named = inputs.text("workingDirectory").unwrap_or_default();
    let path = place::within(context, &named);
    if named.starts_with('/') {
        return Some(path);
    }
    match host.stat(here, &path) {
        Ok(Some(_)) => Some(path),
        Ok(None) | Err(_) if named.is_empty() => None,
        Ok(None) | Err(_) => {
            host.log(
                Level::Warn,
                &format!("there is no folder {path}: the script runs in the root folder"),
            );
            None
        }
    }
}
