//! The request of SendCommand: from the words of a runbook to the SDK's. Pure.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ssm::{
    operation::send_command::builders::SendCommandInputBuilder,
    types::{CloudWatchOutputConfig, NotificationConfig, Target},
};
use runwright_model::{
    capability::Error,
    digest::Digest,
    secret::{Secrets, placeholders},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

/// The most characters of `Comment`.
const COMMENT_CHARS_MAX: usize = 100;
/// How many digits of the call's digest a mark has.
const MARK_DIGITS: usize = 16;

/// What a step asks for, by the names of the service.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Asked {
    document_name: String,
    document_version: Option<String>,
    document_hash: Option<String>,
    document_hash_type: Option<String>,
    #[serde(default)]
    instance_ids: Vec<String>,
    #[serde(default)]
    targets: Vec<Selection>,
    #[serde(default, deserialize_with = "number")]
    timeout_seconds: Option<i32>,
    comment: Option<String>,
    #[serde(default)]
    parameters: BTreeMap<String, Vec<String>>,
    #[serde(rename = "OutputS3Region")]
    output_region: Option<String>,
    #[serde(rename = "OutputS3BucketName")]
    output_bucket: Option<String>,
    #[serde(rename = "OutputS3KeyPrefix")]
    output_prefix: Option<String>,
    max_concurrency: Option<String>,
    max_errors: Option<String>,
    service_role_arn: Option<String>,
    notification_config: Option<Notification>,
    cloud_watch_output_config: Option<Logs>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Selection {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Notification {
    notification_arn: Option<String>,
    #[serde(default)]
    notification_events: Vec<String>,
    notification_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Logs {
    cloud_watch_log_group_name: Option<String>,
    #[serde(default, deserialize_with = "truth")]
    cloud_watch_output_enabled: bool,
}

/// The document's name in a request.
pub(super) fn document(request: &Map<String, Value>) -> &str {
    request.get("DocumentName").and_then(Value::as_str).unwrap_or_default()
}

/// What stands in the remark of the command of this call, and of no other.
pub(super) fn mark(idempotency_key: &str) -> String {
    let digest = Digest::of(idempotency_key.as_bytes()).to_hex();
    format!("runwright:{}", &digest[..MARK_DIGITS])
}

/// The request with its mark, and with secrets in the place of their placeholders.
///
/// # Errors
///
/// `Invalid` when it is none.
pub(super) fn input(
    request: Map<String, Value>,
    mark: &str,
    secrets: &Secrets,
) -> Result<SendCommandInputBuilder, Error> {
    let name = document(&request).to_owned();
    let asked: Asked = serde_json::from_value(Value::Object(request))
        .map_err(|error| Error::Invalid(format!("the request for {name} does not fit SendCommand: {error}")))?;
    let parameters = parameters(asked.parameters, secrets)?;
    let targets: Vec<Target> = asked.targets.into_iter().map(target).collect();
    Ok(SendCommandInputBuilder::default()
        .document_name(asked.document_name)
        .set_document_version(asked.document_version)
        .set_document_hash(asked.document_hash)
        .set_document_hash_type(asked.document_hash_type.map(|kind| kind.as_str().into()))
        .set_instance_ids(Some(asked.instance_ids).filter(|ids| !ids.is_empty()))
        .set_targets(Some(targets).filter(|targets| !targets.is_empty()))
        .set_timeout_seconds(asked.timeout_seconds)
        .comment(comment(asked.comment.as_deref(), mark))
        .set_parameters(Some(parameters).filter(|parameters| !parameters.is_empty()))
        .set_output_s3_region(asked.output_region)
        .set_output_s3_bucket_name(asked.output_bucket)
        .set_output_s3_key_prefix(asked.output_prefix)
        .set_max_concurrency(asked.max_concurrency)
        .set_max_errors(asked.max_errors)
        .set_service_role_arn(asked.service_role_arn)
        .set_notification_config(asked.notification_config.map(notification))
        .set_cloud_watch_output_config(asked.cloud_watch_output_config.map(logs)))
}

fn parameters(given: BTreeMap<String, Vec<String>>, secrets: &Secrets) -> Result<HashMap<String, Vec<String>>, Error> {
    let fill = |text: String| match placeholders(&text).find(|found| secrets.get(found).is_none()) {
        None => Ok(secrets.fill(&text)),
        Some(unknown) => Err(Error::Invalid(format!(
            "a parameter of the document holds the placeholder `{unknown}`, which this execution was not given: read the \
             parameter, and use the placeholder that is answered"
        ))),
    };
    let filled = given
        .into_iter()
        .map(|(name, texts)| Ok((name, texts.into_iter().map(fill).collect::<Result<_, Error>>()?)));
    filled.collect()
}

/// The step's own remark, as far as there is room, and the mark.
fn comment(given: Option<&str>, mark: &str) -> String {
    let given = given.unwrap_or_default().trim();
    if given.is_empty() {
        return mark.to_owned();
    }
    let room = COMMENT_CHARS_MAX - mark.len() - 3;
    let shown: String = given.chars().take(room).collect();
    format!("{shown} ({mark})")
}

fn target(selection: Selection) -> Target {
    let values = Some(selection.values);
    Target::builder().key(selection.key).set_values(values).build()
}

fn notification(given: Notification) -> NotificationConfig {
    let events = given.notification_events.iter().map(|event| event.as_str().into());
    NotificationConfig::builder()
        .set_notification_arn(given.notification_arn)
        .set_notification_events(Some(events.collect()))
        .set_notification_type(given.notification_type.map(|kind| kind.as_str().into()))
        .build()
}

fn logs(given: Logs) -> CloudWatchOutputConfig {
    CloudWatchOutputConfig::builder()
        .set_cloud_watch_log_group_name(given.cloud_watch_log_group_name)
        .cloud_watch_output_enabled(given.cloud_watch_output_enabled)
        .build()
}

/// A number, or the text of one: values of a runbook may be either.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i32>, D::Error> {
    let value = Value::deserialize(from)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.trim()
        .parse()
        .map(Some)
        .map_err(|_| D::Error::custom(format!("{value} is no number of seconds")))
}

/// `true` and `false`, or their text.
fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(from)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.trim()
        .to_ascii_lowercase()
        .parse()
        .map_err(|_| D::Error::custom(format!("{value} is neither true nor false")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(request: Value, secrets: &Secrets) -> Result<SendCommandInputBuilder, Error> {
        input(
            request.as_object().unwrap().clone(),
            "runwright:0123456789abcdef",
            secrets,
        )
    }

    #[test]
    fn everything_that_the_service_takes_is_passed_on() {
        let request = json!({
            "DocumentName": "X", "DocumentVersion": "3", "DocumentHash": "ab", "DocumentHashType": "Sha256",
            "InstanceIds": ["i-1"], "Targets": [{"Key": "tag:a", "Values": ["b"]}], "TimeoutSeconds": "60",
            "Comment": "x".repeat(200), "Parameters": {"commands": ["a ((secret:/p:1))"]}, "OutputS3BucketName": "b",
            "OutputS3KeyPrefix": "p", "MaxConcurrency": "10%", "MaxErrors": "1", "ServiceRoleArn": "arn:x",
            "NotificationConfig": {"NotificationArn": "arn:y", "NotificationEvents": ["All"], "NotificationType": "Command"},
            "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "g", "CloudWatchOutputEnabled": "true"},
        });
        let secrets = Secrets::new(BTreeMap::from([("((secret:/p:1))".to_owned(), "hunter2".to_owned())]));
        let made = made(request, &secrets).unwrap().build().unwrap();
        assert_eq!(made.timeout_seconds(), Some(60));
        assert_eq!(made.parameters().unwrap()["commands"], ["a hunter2"]);
        let comment = made.comment().unwrap();
        assert!(
            comment.len() == 100 && comment.ends_with("x (runwright:0123456789abcdef)"),
            "{comment}"
        );
        assert_eq!((made.max_concurrency(), made.max_errors()), (Some("10%"), Some("1")));
        assert_eq!(
            (made.output_s3_bucket_name(), made.output_s3_key_prefix()),
            (Some("b"), Some("p"))
        );
        assert!(made.cloud_watch_output_config().unwrap().cloud_watch_output_enabled());
        let notified = made.notification_config().unwrap();
        assert_eq!(notified.notification_events()[0].as_str(), "All");
        assert_eq!(made.targets()[0].values(), ["b"]);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let table = [
            (json!({"DocumentName": "X", "Instances": []}), "`Instances`"),
            (
                json!({"DocumentName": "X", "TimeoutSeconds": "soon"}),
                "no number of seconds",
            ),
            (
                json!({"DocumentName": "X", "Parameters": {"a": ["((secret:/p:1))"]}}),
                "was not given",
            ),
            (json!({}), "DocumentName"),
        ];
        for (request, expected) in table {
            let error = made(request, &Secrets::default()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_mark_is_the_same_for_the_same_call() {
        assert_eq!(mark("e/0/1/run/1/0"), mark("e/0/1/run/1/0"));
        assert_ne!(mark("e/0/1/run/1/0"), mark("e/0/1/run/2/0"));
        assert_eq!(comment(None, &mark("x")), mark("x"));
    }
}
