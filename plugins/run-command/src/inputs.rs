//! The inputs of SendCommand: all are accepted, those that mean something here are checked.

use std::collections::BTreeMap;

use runwright_sdk::{
    Failure, Target,
    schema::{self, Schema},
};
use serde::Deserialize;
use serde_json::Value;

/// The one Command document there is.
const DOCUMENT: &str = "AWS-RunShellScript";
/// The most machines SendCommand takes by id.
const INSTANCES_MAX: u64 = 50;
/// `executionTimeout` when it is not given, in seconds.
const TIMEOUT_SECONDS_DEFAULT: u64 = 3_600;
const TIMEOUT_SECONDS_MAX: u64 = 172_800;

/// The inputs of a step. Those not listed are accepted and have no meaning here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inputs {
    document_name: String,
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    targets: Vec<Selection>,
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    max_errors: Option<String>,
    output_s3_bucket_name: Option<String>,
    notification_config: Option<Value>,
    cloud_watch_output_config: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Selection {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

/// What the document's parameters say.
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) working_directory: Option<String>,
    pub(crate) timeout_seconds: u64,
}

impl Inputs {
    /// The script to run.
    pub(crate) fn script(&self) -> Result<Script, Failure> {
        let name = self.document_name.rsplit('/').next().unwrap_or_default();
        if name != DOCUMENT {
            return Err(Failure::invalid(format!(
                "input `DocumentName` is `{}`: the engine has the Command document {DOCUMENT} only; use it, or `rw:shell`",
                self.document_name
            )));
        }
        let known = ["commands", "workingDirectory", "executionTimeout"];
        if let Some(unknown) = self.parameters.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(Failure::invalid(format!(
                "{DOCUMENT} has no parameter `{unknown}`; it has {}",
                known.join(", ")
            )));
        }
        let commands = self.texts("commands")?;
        if commands.is_empty() {
            return Err(Failure::invalid(format!(
                "input `Parameters.commands` is needed: the lines {DOCUMENT} runs"
            )));
        }
        let working_directory = self
            .texts("workingDirectory")?
            .into_iter()
            .next()
            .filter(|path| path.starts_with('/'));
        Ok(Script {
            text: commands.join("\n"),
            working_directory,
            timeout_seconds: self.timeout_seconds()?,
        })
    }

    fn timeout_seconds(&self) -> Result<u64, Failure> {
        let Some(text) = self
            .texts("executionTimeout")?
            .into_iter()
            .next()
            .filter(|text| !text.is_empty())
        else {
            return Ok(TIMEOUT_SECONDS_DEFAULT);
        };
        text.trim().parse().ok().filter(|seconds| (1..=TIMEOUT_SECONDS_MAX).contains(seconds)).ok_or_else(|| {
            Failure::invalid(format!(
                "input `Parameters.executionTimeout` is `{text}`: it must be a number of seconds from 1 to {TIMEOUT_SECONDS_MAX}"
            ))
        })
    }

    /// A parameter as a list of texts: scalars become a list of one.
    fn texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        let wrong = || Failure::invalid(format!("input `Parameters.{name}` must be a text or a list of texts"));
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(wrong()),
        };
        match self.parameters.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            Some(scalar) => Ok(vec![text(scalar)?]),
        }
    }

    /// The machines: this one when none is named.
    pub(crate) fn targets(&self) -> Result<Vec<Target>, Failure> {
        if !self.instance_ids.is_empty() && !self.targets.is_empty() {
            return Err(Failure::invalid(
                "inputs `InstanceIds` and `Targets` are both given: use one of them",
            ));
        }
        let mut names: Vec<String> = self.instance_ids.clone();
        for selection in &self.targets {
            if !selection.key.eq_ignore_ascii_case("InstanceIds") {
                return Err(Failure::invalid(format!(
                    "input `Targets` selects by `{}`: the engine selects machines by `InstanceIds` only",
                    selection.key
                )));
            }
            names.extend(selection.values.iter().cloned());
        }
        let mut seen = Vec::new();
        for name in names {
            if !seen.contains(&name) {
                seen.push(name);
            }
        }
        if seen.is_empty() {
            return Ok(vec![None]);
        }
        Ok(seen.into_iter().map(Some).collect())
    }

    /// How many machines may fail before no further one is begun.
    pub(crate) fn errors_max(&self, targets: usize) -> Result<usize, Failure> {
        let Some(text) = self.max_errors.as_deref().map(str::trim) else {
            return Ok(0);
        };
        let wrong = || {
            Failure::invalid(format!(
                "input `MaxErrors` is `{text}`: it must be a number, or a percentage such as 10%"
            ))
        };
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent: usize = percent.parse().ok().filter(|p| *p <= 100).ok_or_else(wrong)?;
                Ok(targets * percent / 100)
            }
            None => text.parse().map_err(|_| wrong()),
        }
    }

    /// Whether somebody expects word from AWS services.
    pub(crate) fn wants_notices(&self) -> bool {
        self.output_s3_bucket_name.is_some()
            || self.notification_config.is_some()
            || self.cloud_watch_output_config.is_some()
    }
}

pub(crate) fn schema() -> Schema {
    let unused = |what: &str| schema::string(&format!("{what} Accepted, and has no meaning here."));
    schema::object()
        .required("DocumentName", schema::string("The Command document: AWS-RunShellScript, or its ARN."))
        .optional(
            "InstanceIds",
            schema::list("The machines, each a target of that name. The engine's own when there is none.", schema::string("A target's name."))
                .at_most(INSTANCES_MAX),
        )
        .optional(
            "Targets",
            schema::list(
                "The same as `{Key: InstanceIds, Values: [...]}`. Other keys are refused.",
                schema::object()
                    .required("Key", schema::string("`InstanceIds`."))
                    .optional("Values", schema::list("The machines.", schema::string("A target's name."))),
            ),
        )
        .optional(
            "Parameters",
            schema::map(
                "The document's parameters: `commands` (the lines of the script), `workingDirectory` (an absolute path), \
                 `executionTimeout` (seconds, 3600 when absent).",
                schema::any("A text or a list of texts."),
            ),
        )
        .optional("MaxErrors", schema::string("How many machines may fail before no further one is begun: a number, or a percentage.").default("0"))
        .optional("MaxConcurrency", unused("How many machines run at the same time: always one."))
        .optional("Comment", schema::string("A remark for people.").at_most(100))
        .optional("DocumentVersion", unused("The document's version."))
        .optional("DocumentHash", unused("The document's digest."))
        .optional("DocumentHashType", unused("How the digest was made."))
        .optional("TimeoutSeconds", schema::integer("How long delivery may take. Accepted, and has no meaning here: a machine is there or not."))
        .optional("ServiceRoleArn", unused("The role that notifies."))
        .optional("NotificationConfig", schema::any("Who is notified. Accepted; nothing is sent."))
        .optional("OutputS3BucketName", unused("Where output goes."))
        .optional("OutputS3KeyPrefix", unused("Where output goes."))
        .optional("CloudWatchOutputConfig", schema::any("Where output goes. Accepted; output is in the step's log."))
}

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        FailureKind,
        testing::{FakeHost, run},
    };
    use serde_json::json;

    use crate::RunCommand;

    #[test]
    fn what_is_not_supported_is_said_before_anything_runs() {
        let table = [
            (
                json!({"DocumentName": "AWS-RunPowerShellScript"}),
                "AWS-RunShellScript only",
            ),
            (
                json!({"DocumentName": "AWS-RunShellScript"}),
                "`Parameters.commands` is needed",
            ),
            (
                json!({"DocumentName": "AWS-RunShellScript", "Parameters": {"command": "x"}}),
                "no parameter `command`",
            ),
            (
                json!({"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": "x", "executionTimeout": ["0"]}}),
                "from 1 to 172800",
            ),
            (
                json!({"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": "x"}, "Targets": [{"Key": "tag:a", "Values": ["b"]}]}),
                "selects by `tag:a`",
            ),
            (
                json!({"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": "x"}, "InstanceIds": ["i"], "MaxErrors": "many"}),
                "`MaxErrors` is `many`",
            ),
        ];
        for (inputs, message) in table {
            let host = FakeHost::new();
            let failure = run::<RunCommand>(&host, inputs).unwrap_err();
            assert_eq!(failure.kind, FailureKind::InvalidInput);
            assert!(failure.message.contains(message), "{}", failure.message);
            assert!(host.functions().is_empty());
        }
    }

    #[test]
    fn parameters_reach_the_command() {
        let host = FakeHost::new().on_command(|_, command| {
            assert_eq!(command.working_directory.as_deref(), Some("/srv"));
            assert_eq!(command.timeout_ms, Some(60_000));
            Ok(FakeHost::exit(0, ""))
        });
        let inputs = json!({"DocumentName": "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
            "Parameters": {"commands": ["x"], "workingDirectory": ["/srv"], "executionTimeout": [60]}});
        run::<RunCommand>(&host, inputs).unwrap();
    }
}
