//! `aws:runDocument`, a plugin of Command documents: runs another document as a child execution.

use runwright_plugin_command::{Ended, Inputs, Outputs, conclude, outputs, text, within};
use runwright_sdk::{
    Action, Context, Failure, FailureKind, Host, Kind, Level, Manifest, Outcome, StartRequest, schema,
};
use serde_json::{Map, Value};

/// A document that does nothing, well.
const NOOP: &str = "AWS-Noop";

const ENDINGS: [&str; 3] = [".json", ".yaml", ".yml"];

/// The action.
pub struct RunDocument;

impl Action for RunDocument {
    type Inputs = Inputs;
    type Outputs = Outputs;

    fn manifest() -> Manifest {
        let inputs = Inputs::schema()
            .required("documentType", schema::any("`SSMDocument` or `LocalPath`."))
            .optional(
                "documentPath",
                schema::any(
                    "SSMDocument: a name, `name:version` or ARN. LocalPath: a path, also below the document's folder.",
                ),
            )
            .optional(
                "documentParameters",
                schema::any(
                    "Its parameters: a map, or the text of one, JSON or YAML. Those that are null are left out.",
                ),
            );
        Manifest::new(
            "aws:runDocument",
            env!("CARGO_PKG_VERSION"),
            "Runs another document as a child execution, and fails unless it ends well. For Command documents.",
        )
        .inputs(inputs)
        .outputs(outputs())
        .wants("executions", "Starts the document and waits for its end.")
        .wants("files", "Looks for the document in a folder.")
        .wants("parameters", "Reads what `{{ssm:…}}` names.")
    }

    fn run(host: &impl Host, context: &Context, inputs: Inputs) -> Result<Outputs, Failure> {
        let inputs = inputs.filled(host)?;
        let ended = child(host, context, &inputs);
        conclude(host, &inputs, ended)
    }
}

fn child(host: &impl Host, context: &Context, inputs: &Inputs) -> Result<Ended, Failure> {
    let path = inputs.required("documentPath")?;
    let runbook = match inputs.required("documentType")?.as_str() {
        "SSMDocument" => name_of(&path).to_owned(),
        "LocalPath" => local(host, within(context, &path))?,
        other => {
            return Err(Failure::invalid(format!(
                "input `documentType` is `{other}`: it must be SSMDocument or LocalPath"
            )));
        }
    };
    if runbook == NOOP {
        return Ok(Ended::default());
    }
    let parameters: Map<String, Value> = parameters(inputs)?
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name, Value::from(texts(&value))))
        .collect();
    let request = StartRequest {
        runbook,
        parameters: Value::Object(parameters).to_string(),
    };
    let id = host.start_execution(&request)?;
    host.log(Level::Info, &format!("started {} as {id}", request.runbook));
    ended(host.wait_execution(&id)?, &id, &request.runbook)
}

/// The agent reads a text as JSON, and as YAML when it is none: AWS-RunPatchBaselineWithHooks has a reference without quotes in it,
/// and nothing in its place when the value is empty.
fn parameters(inputs: &Inputs) -> Result<Map<String, Value>, Failure> {
    const NAME: &str = "documentParameters";
    let Some(Value::String(text)) = inputs.get(NAME) else {
        return inputs.map(NAME);
    };
    serde_json::from_str(text)
        .or_else(|_| serde_yaml::from_str::<Option<Map<String, Value>>>(text).map(Option::unwrap_or_default))
        .map_err(|why| {
            Failure::invalid(format!(
                "input `{NAME}` must be a map, or the text of one, JSON or YAML: {why}"
            ))
        })
}

/// A document, or the only one of a folder.
fn local(host: &impl Host, path: String) -> Result<String, Failure> {
    let is_folder = matches!(host.stat(&None, &path), Ok(Some(facts)) if facts.kind == Kind::Directory);
    if !is_folder {
        return Ok(path);
    }
    let folder = path.trim_end_matches('/');
    let mut documents = host.list_directory(&None, folder)?;
    documents.retain(|name| ENDINGS.iter().any(|ending| name.ends_with(ending)));
    match documents.as_slice() {
        [only] => Ok(format!("{folder}/{only}")),
        _ => Err(Failure::invalid(format!(
            "{folder} is a folder with {} documents: name the one to run",
            documents.len()
        ))),
    }
}

/// The name in `arn:…:document/NAME` and in `NAME:VERSION`.
fn name_of(document: &str) -> &str {
    let name = match document.strip_prefix("arn:") {
        Some(arn) => arn.split_once('/').map_or(arn, |(_, name)| name),
        None => document,
    };
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// A parameter as Systems Manager carries every parameter: a list of texts.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![text(value)],
    }
}

fn ended(outcome: Outcome, id: &str, document: &str) -> Result<Ended, Failure> {
    if outcome.status == "Success" {
        let shown: Map<String, Value> = serde_json::from_str(&outcome.outputs).unwrap_or_default();
        let texts: Vec<String> = shown.values().map(text).collect();
        return Ok(Ended {
            stdout: texts.join(""),
            ..Ended::default()
        });
    }
    let kind = if outcome.status == "TimedOut" {
        FailureKind::TimedOut
    } else {
        FailureKind::Failed
    };
    let why = outcome.failure.map_or_else(String::new, |why| format!(": {why}"));
    Err(Failure::new(
        kind,
        format!("execution {id} of {document} ended with {}{why}", outcome.status),
    ))
}

runwright_sdk::plugin!(RunDocument);

#[cfg(test)]
mod tests {
    use runwright_sdk::{
        WriteOptions,
        testing::{FakeHost, check_manifest, context, run},
    };
    use serde_json::json;

    use super::*;

    fn child(status: &str) -> FakeHost {
        FakeHost::new().child(Outcome {
            status: status.into(),
            outputs: json!({"a.Output": "x\n", "b.Output": "y\n"}).to_string(),
            failure: None,
        })
    }

    fn started(host: &FakeHost) -> Value {
        let calls = host.done(None).calls;
        let start = calls.iter().find(|call| call.function == "executions.start").unwrap();
        serde_json::from_str::<Value>(&start.request).unwrap()["executions"]["start"].clone()
    }

    #[test]
    fn the_manifest_is_one_the_engine_takes() {
        check_manifest::<RunDocument>();
    }

    #[test]
    fn a_document_is_a_child() {
        let host = child("Success");
        let inputs = json!({"documentType": "SSMDocument", "documentPath": "arn:aws:ssm:eu-west-1:1:document/Setup:3",
            "documentParameters": "{\"commands\": [\"a\", 1], \"how\": true}"});
        let outputs = run::<RunDocument>(&host, inputs).unwrap();
        assert_eq!(outputs["StandardOutput"], "x\ny\n");
        assert_eq!(
            started(&host),
            json!({"runbook": "Setup", "parameters": {"commands": ["a", "1"], "how": ["true"]}})
        );
    }

    #[test]
    fn parameters_may_be_yaml() {
        let of = |text: &str| {
            let host = child("Success");
            let inputs = json!({"documentType": "SSMDocument", "documentPath": "x", "documentParameters": text});
            run::<RunDocument>(&host, inputs).map(|_| started(&host)["parameters"].clone())
        };
        let hooks = |id: &str| format!("{{\"Operation\":\"Scan\", \"SnapshotId\": {id}}}");
        assert_eq!(of(&hooks("")), Ok(json!({"Operation": ["Scan"]})));
        assert_eq!(
            of(&hooks("a-1")),
            Ok(json!({"Operation": ["Scan"], "SnapshotId": ["a-1"]}))
        );
        assert_eq!(
            of("Operation: Scan\nTags: [a, 1]\n"),
            Ok(json!({"Operation": ["Scan"], "Tags": ["a", "1"]}))
        );
        assert_eq!(of(""), Ok(json!({})));
        assert!(of("- a").unwrap_err().message.contains("JSON or YAML"));
    }

    #[test]
    fn a_local_document_is_in_the_folder_of_this_one() {
        let host = child("Success");
        run::<RunDocument>(
            &host,
            json!({"documentType": "LocalPath", "documentPath": "docs/inner.yaml"}),
        )
        .unwrap();
        let path = format!("/var/tmp/runwright-{}/docs/inner.yaml", context().execution_id);
        assert_eq!(started(&host)["runbook"], path);
    }

    #[test]
    fn the_only_document_of_a_folder_is_meant() {
        let folder = format!("/var/tmp/runwright-{}/docs", context().execution_id);
        let write = |host: &FakeHost, name: &str| {
            let options = WriteOptions {
                parents: true,
                ..WriteOptions::default()
            };
            host.write_file(&None, &format!("{folder}/{name}"), b"", &options)
                .unwrap();
        };
        let host = child("Success");
        write(&host, "one.yaml");
        write(&host, "README.md");
        let inputs = json!({"documentType": "LocalPath", "documentPath": "docs"});
        run::<RunDocument>(&host, inputs.clone()).unwrap();
        assert_eq!(started(&host)["runbook"], format!("{folder}/one.yaml"));
        write(&host, "two.json");
        assert!(
            run::<RunDocument>(&host, inputs)
                .unwrap_err()
                .message
                .contains("2 documents")
        );
    }

    #[test]
    fn its_end_is_that_of_the_step() {
        let inputs = json!({"documentType": "SSMDocument", "documentPath": "x"});
        let failure = run::<RunDocument>(&child("TimedOut"), inputs.clone()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::TimedOut);
        let failure = run::<RunDocument>(&child("Failed"), inputs.clone()).unwrap_err();
        assert!(failure.message.contains("ended with Failed"), "{}", failure.message);
        let mut lenient = inputs;
        lenient["onFailure"] = json!("successAndExit");
        assert_eq!(run::<RunDocument>(&child("Failed"), lenient).unwrap()["Exit"], true);
    }

    #[test]
    fn what_does_nothing_ends_well_and_what_is_unknown_does_not() {
        let noop = json!({"documentType": "SSMDocument", "documentPath": "AWS-Noop"});
        assert!(run::<RunDocument>(&FakeHost::new(), noop).is_ok());
        let wrong = json!({"documentType": "S3", "documentPath": "x"});
        assert!(run::<RunDocument>(&FakeHost::new(), wrong).is_err());
    }
}
