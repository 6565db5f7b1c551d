//! The inputs of SendCommand: all are accepted, those that mean something here are checked.

use std::collections::BTreeMap;

use runwright_sdk::{
    Failure, Target,
    schema::{self, Schema},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The Command document that this plugin runs itself.
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
    /// Those that only Systems Manager understands.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Deserialize, Serialize)]
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

    /// The name of a document that is not run here, but as a child.
    pub(crate) fn child(&self) -> Option<&str> {
        let name = match self.document_name.strip_prefix("arn:") {
            Some(arn) => arn.split_once('/').map_or(arn, |(_, name)| name),
            None => &self.document_name,
        };
        (name != DOCUMENT).then_some(name)
    }

    /// The parameters of such a document, as Systems Manager carries them: lists of texts.
    pub(crate) fn document_parameters(&self) -> Value {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
        };
        let texts = |value: &Value| match value {
            Value::Array(items) => items.iter().map(text).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![text(value)],
        };
        let parameters = self.parameters.iter();
        parameters
            .map(|(name, value)| (name.clone(), Value::from(texts(value))))
            .collect()
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
        let mut seen = Vec::new();
        for name in self.names() {
            if !seen.contains(name) {
                seen.push(name.clone());
            }
        }
        if seen.is_empty() {
            return Ok(vec![None]);
        }
        Ok(seen.into_iter().map(Some).collect())
    }

    /// The machines that are named.
    fn names(&self) -> impl Iterator<Item = &String> {
        let by_id = self.targets.iter().filter(|selection| selection.is_by_id());
        self.instance_ids
            .iter()
            .chain(by_id.flat_map(|selection| &selection.values))
    }

    /// Whether the command is for nodes of Systems Manager, and not for machines that the engine reaches itself: it is
    /// when nodes are named by their ids, or selected by their tags and the like.
    pub(crate) fn is_for_nodes(&self) -> Result<bool, Failure> {
        if self.targets.iter().any(|selection| !selection.is_by_id()) {
            return Ok(true);
        }
        let (nodes, machines): (Vec<&String>, Vec<&String>) = self.names().partition(|name| is_node(name));
        match (nodes.first(), machines.first()) {
            (Some(node), Some(machine)) => Err(Failure::invalid(format!(
                "`{node}` is a node of Systems Manager, and `{machine}` a machine that the engine reaches itself: use a step \
                 for each kind"
            ))),
            (node, _) => Ok(node.is_some()),
        }
    }

    /// The request of SendCommand: what the step gives, with the document's parameters as lists of texts.
    pub(crate) fn request(&self) -> Result<Value, Failure> {
        let mut parameters = Map::new();
        for name in self.parameters.keys() {
            parameters.insert(name.clone(), self.texts(name)?.into());
        }
        let mut request = self.rest.clone();
        let given = [
            ("DocumentName", json!(self.document_name)),
            ("InstanceIds", json!(self.instance_ids)),
            ("Targets", json!(self.targets)),
            ("Parameters", Value::Object(parameters)),
            ("MaxErrors", json!(self.max_errors)),
            ("OutputS3BucketName", json!(self.output_s3_bucket_name)),
            ("NotificationConfig", json!(self.notification_config)),
            ("CloudWatchOutputConfig", json!(self.cloud_watch_output_config)),
        ];
        request.extend(given.map(|(name, value)| (name.to_owned(), value)));
        request.retain(|_, value| !value.is_null() && *value != json!([]) && *value != json!({}));
        Ok(request.into())
    }

    /// The document's name.
    pub(crate) fn document(&self) -> &str {
        &self.document_name
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

impl Selection {
    fn is_by_id(&self) -> bool {
        self.key.eq_ignore_ascii_case("InstanceIds") && !self.values.iter().any(|value| value == "*")
    }
}

/// Whether a name is that of a node of Systems Manager: `i-` or `mi-`, and at least eight hexadecimal digits.
fn is_node(name: &str) -> bool {
    let digits = name.strip_prefix("i-").or_else(|| name.strip_prefix("mi-"));
    digits.is_some_and(|digits| digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

pub(crate) fn schema() -> Schema {
    let unused = |what: &str| {
        schema::string(&format!(
            "{what} For nodes of Systems Manager; without meaning on other machines."
        ))
    };
    schema::object()
        .required(
            "DocumentName",
            schema::string("The Command document, by its name or ARN: AWS-RunShellScript, or one that is found as runbooks are; on nodes of Systems Manager one that the account has."),
        )
        .optional(
            "InstanceIds",
            schema::list("Nodes of Systems Manager by their ids (`i-…`, `mi-…`; the engine has access to AWS then), or machines, each a target of that name. The engine's own machine when there is none.", schema::string("A target's name."))
                .at_most(INSTANCES_MAX),
        )
        .optional(
            "Targets",
            schema::list(
                "The same as `{Key: InstanceIds, Values: [...]}`; or nodes of Systems Manager by their tags and so on.",
                schema::object()
                    .required("Key", schema::string("`InstanceIds`, `tag:NAME`, `resource-groups:Name` and so on."))
                    .optional("Values", schema::list("The machines, or the values.", schema::string("A name."))),
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
        .optional("TimeoutSeconds", schema::integer("How long delivery may take. For nodes of Systems Manager; another machine is there or not."))
        .optional("ServiceRoleArn", unused("The role that notifies."))
        .optional("NotificationConfig", schema::any("Who is notified, of commands for nodes of Systems Manager."))
        .optional("OutputS3BucketName", unused("Where output goes."))
        .optional("OutputS3KeyPrefix", unused("Where output goes."))
        .optional("CloudWatchOutputConfig", schema::any("Where output goes, for nodes of Systems Manager."))
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
                json!({"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": "x"}, "InstanceIds": ["local", "i-0123456789abcdef0"]}),
                "a step for each kind",
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
