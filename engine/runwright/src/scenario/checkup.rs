//! Looks at a plugin as an operator would before it is trusted: does it load, does it say what it is, and what becomes of a
//! step with it in a world that answers everything.

use std::{path::Path, sync::Arc};

use runwright_compiler::Source;
use runwright_model::{
    action::Manifest,
    failure::FailureKind,
    plan::Plan,
    schema::{Kind, Schema},
    status::Status,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Miss, apart,
    file::TestFile,
    stage::{Played, Stage},
};
use crate::{Error, Library, view::PluginView};

/// What came of a look at a plugin.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkup {
    /// Whether there are no problems.
    pub ok: bool,
    /// What it says of itself; absent when it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginView>,
    /// What must be mended.
    pub problems: Vec<Remark>,
    /// What its author may want to know.
    pub remarks: Vec<Remark>,
    /// What became of a step; absent when none was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<Tried>,
}

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// A code that `explain` knows, for problems.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What.
    pub message: String,
}

/// A step that was tried in a world where every command succeeds, every request is answered with 200 and nothing, people
/// approve, and parameters are missing.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// Its inputs.
    pub inputs: Value,
    /// How it ended: `RolledBack` when it succeeded and was undone.
    pub status: Option<Status>,
    /// Why it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// After how many of its appends the engine was stopped, each in a run of its own.
    pub stops: usize,
    /// What became of the same step when every capability was denied; absent when the plugin wants none, or
    /// has problems already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied: Option<Denied>,
}

/// A step that was tried in a world where it may do nothing.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Denied {
    /// How it ended.
    pub status: Option<Status>,
    /// Why it did not end well, which is right: it says what it lacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// What a step that is tried may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Granted {
    Everything,
    Nothing,
}

impl Remark {
    fn problem(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: Some(code.to_owned()),
            message: message.into(),
        }
    }

    fn new(message: impl Into<String>) -> Self {
        Self {
            code: None,
            message: message.into(),
        }
    }
}

impl Library {
    /// Looks at the component of a file. `inputs` are put over those that are made up from its schema.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. Whatever is wrong with the plugin is no error: see [`Checkup`].
    pub async fn check(&self, file: &Path, inputs: Map<String, Value>) -> Result<Checkup, Error> {
        let mut checkup = Checkup {
            ok: true,
            plugin: None,
            problems: Vec::new(),
            remarks: Vec::new(),
            tried: None,
        };
        match self.plugin(&file.display().to_string()).await {
            Ok(plugin) => {
                remarks(&plugin, &mut checkup.remarks);
                self.try_out(file, &plugin, inputs, &mut checkup).await?;
                checkup.plugin = Some(plugin);
            }
            Err(error @ (Error::NoPlugin { .. } | Error::Unreadable { .. })) => return Err(error),
            Err(error) => {
                let report = error.report();
                let code = report.code.unwrap_or_default();
                checkup.problems.push(Remark::problem(&code, report.message));
            }
        }
        checkup.ok = checkup.problems.is_empty();
        Ok(checkup)
    }

    async fn try_out(
        &self,
        file: &Path,
        plugin: &PluginView,
        inputs: Map<String, Value>,
        checkup: &mut Checkup,
    ) -> Result<(), Error> {
        let mut given = example_of(&plugin.manifest.inputs);
        given.extend(inputs);
        let given = Value::Object(given);
        let file = std::path::absolute(file).map_err(|why| Error::State(why.to_string()))?;
        let source = runbook(&plugin.manifest, &file, &given, Granted::Everything);
        let compiled = self.compile(&source, Path::new("")).await;
        let Some(plan) = compiled.plan else {
            let first = compiled.diagnostics.into_iter().map(|found| found.message).next();
            let message = format!("no step could be tried: {}", first.unwrap_or_default());
            checkup.remarks.push(Remark::new(message));
            return Ok(());
        };
        let (whole, stopped) = self.play(plan, true).await?;
        judge(&whole, Granted::Everything, checkup);
        if let Some((_, miss)) = stopped {
            let message = format!("{}: expected {}, and there was {}", miss.what, miss.expected, miss.got);
            checkup.problems.push(Remark::problem("RW-P012", message));
        }
        let source = runbook(&plugin.manifest, &file, &given, Granted::Nothing);
        let mut denied = None;
        // One that fails where it is granted everything says the same again.
        let is_sound = checkup.problems.is_empty();
        if is_sound
            && !plugin.manifest.capabilities.is_empty()
            && let Some(plan) = self.compile(&source, Path::new("")).await.plan
        {
            let (alone, _) = self.play(plan, false).await?;
            judge(&alone, Granted::Nothing, checkup);
            denied = Some(Denied {
                status: alone.status,
                failure: alone.failure.map(|failure| failure.message),
            });
        }
        checkup.tried = Some(Tried {
            inputs: given,
            status: whole.status,
            failure: whole.failure.map(|failure| failure.message),
            stops: whole.appends,
            denied,
        });
        Ok(())
    }

    /// Plays the scenario of the check, and, `with_stops`, what differs when the engine stops on the way.
    async fn play(&self, plan: Plan, with_stops: bool) -> Result<(Played, Option<(String, Miss)>), Error> {
        let test = TestFile::of(scenario())?;
        let stage = Stage {
            library: self.clone(),
            plan: Arc::new(plan),
            folder: Path::new("").to_owned(),
        };
        apart(move || {
            let scenario = &test.says.scenarios[0];
            let whole = stage.play(&test, scenario, None)?;
            let stopped = if with_stops {
                stage.play_with_stops(&test, scenario, &whole)?
            } else {
                None
            };
            Ok((whole, stopped))
        })
        .await
    }
}

/// A runbook with one step. One that may do everything is rolled back when it has succeeded.
fn runbook(manifest: &Manifest, file: &Path, inputs: &Value, granted: Granted) -> Source {
    let all = json!({"commands": ["*"], "files": {"read": ["/"], "write": ["/"]}, "http": ["* *"],
        "parameters": {"read": ["*"], "write": ["*"], "reveal": ["*"]}, "approvals": true, "waits": true,
        "blobs": true, "executions": ["*"], "aws": ["*"]});
    let mut steps = vec![json!({"name": "try", "action": manifest.action, "inputs": inputs})];
    if manifest.rollback && granted == Granted::Everything {
        let never = json!({"Message": "now back", "Checks": [{"Value": 1, "Equals": 2}]});
        steps.push(json!({"name": "back", "action": "rw:assert", "onFailure": "Rollback", "inputs": never}));
    }
    let grants = match granted {
        Granted::Everything => all,
        Granted::Nothing => json!({}),
    };
    let text = json!({"schemaVersion": "0.3", "mainSteps": steps,
        "plugins": {&manifest.action: {"path": file.display().to_string(), "grants": grants}}});
    Source {
        name: "check".to_owned(),
        origin: "the runbook of the check".to_owned(),
        text: text.to_string(),
    }
}

fn scenario() -> Source {
    let text = json!({"runbook": "check.yaml",
        "mocks": [{"command": "*"}, {"http": "*"}, {"aws": "*"}, {"probe": "*"}],
        "scenarios": [{"name": "check", "people": [{"approve": "try"}], "expect": {"status": "Success"}}]});
    Source {
        name: "check".to_owned(),
        origin: "the scenario of the check".to_owned(),
        text: text.to_string(),
    }
}

/// Whether what became of the step is the plugin's fault.
fn judge(whole: &Played, granted: Granted, checkup: &mut Checkup) {
    let place = match granted {
        Granted::Everything => "",
        Granted::Nothing => " where every capability is denied",
    };
    let message = whole
        .failure
        .as_ref()
        .map(|failure| failure.message.clone())
        .unwrap_or_default();
    let faulty = whole.failure.as_ref().is_some_and(|failure| match failure.kind {
        FailureKind::Plugin | FailureKind::NonDeterminism | FailureKind::Internal | FailureKind::LimitExceeded => true,
        FailureKind::InvalidInput
        | FailureKind::Failed
        | FailureKind::Verification
        | FailureKind::Denied
        | FailureKind::Throttled
        | FailureKind::TimedOut
        | FailureKind::Uncertain
        | FailureKind::Rejected
        | FailureKind::Cancelled => false,
    });
    match whole.status {
        Some(Status::RollbackFailed) => {
            let message = format!("`rollback` failed after `run` had succeeded: {message}");
            checkup.problems.push(Remark::problem("RW-P011", message));
        }
        Some(Status::Failed | Status::TimedOut) if faulty => {
            checkup.problems.push(Remark::problem(
                "RW-P010",
                format!("`run` failed as no plugin should{place}: {message}"),
            ));
        }
        // A plugin that says what it lacks does right.
        Some(Status::Failed | Status::TimedOut) if granted == Granted::Nothing => {}
        Some(Status::Failed | Status::TimedOut) => {
            let message = format!(
                "the step that was tried failed, which may be right in a world where everything answers nothing: {message} \
                 (other inputs: --input NAME=VALUE)"
            );
            checkup.remarks.push(Remark::new(message));
        }
        Some(status) if !status.is_final() => {
            let message = format!("the step that was tried{place} is {status}: it waits for what nobody does here");
            checkup.remarks.push(Remark::new(message));
        }
        Some(_) | None => {}
    }
}

/// What its author may want to know of a plugin that can be used.
fn remarks(plugin: &PluginView, remarks: &mut Vec<Remark>) {
    let manifest = &plugin.manifest;
    for (which, schema) in [("input", &manifest.inputs), ("output", &manifest.outputs)] {
        for (name, property) in &schema.properties {
            if property.description.as_ref().is_none_or(|text| text.trim().is_empty()) {
                let message = format!("the {which} `{name}` has no description, which authors of runbooks would see");
                remarks.push(Remark::new(message));
            }
        }
    }
    for want in &manifest.capabilities {
        let name = want.capability.as_str();
        // A probe is a wait, and asks for the grant of what it does.
        let imported = plugin.imports.iter().any(|import| {
            let interface = import.split('@').next().unwrap_or_default();
            interface.ends_with(&format!("/{name}")) || interface.ends_with("/waits")
        });
        if !imported {
            remarks.push(Remark::new(format!("it wants `{name}`, and never calls it")));
        }
        if want.why.trim().is_empty() {
            remarks.push(Remark::new(format!("it wants `{name}`, and does not say why")));
        }
    }
}

/// A value that fits a schema, as far as a schema says what fits.
fn example(schema: &Schema) -> Value {
    let said = schema.default.clone().or_else(|| schema.constant.clone());
    if let Some(value) = said.or_else(|| schema.one_of.first().cloned()) {
        return value;
    }
    if let Some(first) = schema.any_of.first() {
        return example(first);
    }
    match schema.kind {
        Some(Kind::String) => {
            let least = schema.min_length.unwrap_or(0).try_into().unwrap_or(0);
            Value::String(format!("{:x<least$}", "example"))
        }
        Some(Kind::Integer) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the least whole number of a schema is a small one"
            )]
            let least = schema.minimum.unwrap_or(1.0).ceil() as i64;
            json!(least.max(1))
        }
        Some(Kind::Number) => json!(schema.minimum.unwrap_or(1.0)),
        Some(Kind::Boolean) => json!(false),
        Some(Kind::Array) => {
            let item = schema
                .items
                .as_ref()
                .map_or_else(|| json!("example"), |items| example(items));
            let number = usize::try_from(schema.min_items.unwrap_or(0)).unwrap_or(0);
            Value::Array(vec![item; number])
        }
        Some(Kind::Object) => Value::Object(example_of(schema)),
        None => json!("example"),
    }
}

/// The keys that must be there.
fn example_of(schema: &Schema) -> Map<String, Value> {
    let required = schema
        .properties
        .iter()
        .filter(|(name, _)| schema.required.contains(name));
    required
        .map(|(name, property)| {
            let value = example(property);
            // What is granted are absolute paths.
            let value = match &value {
                Value::String(text) if names_a_path(name, property) => json!(format!("/{text}")),
                _ => value,
            };
            (name.clone(), value)
        })
        .collect()
}

/// Whether a made-up text had better be a path.
fn names_a_path(name: &str, property: &Schema) -> bool {
    let is_made_up = property.default.is_none() && property.constant.is_none() && property.one_of.is_empty();
    is_made_up && name.to_lowercase().ends_with("path")
}

#[cfg(test)]
mod tests {
    use runwright_model::failure::Failure;

    use super::*;

    #[test]
    fn a_denial_may_end_a_step_and_not_a_plugin() {
        let remarks = |kind: FailureKind, granted: Granted| {
            let mut checkup = Checkup {
                ok: true,
                plugin: None,
                problems: Vec::new(),
                remarks: Vec::new(),
                tried: None,
            };
            let played = Played {
                status: Some(Status::Failed),
                path: Vec::new(),
                took_ms: 0,
                misses: Vec::new(),
                reached: Default::default(),
                asked: Default::default(),
                appends: 0,
                outputs: Map::new(),
                failure: Some(Failure::new(kind, "no")),
            };
            judge(&played, granted, &mut checkup);
            (checkup.problems, checkup.remarks)
        };
        let (problems, remarks_made) = remarks(FailureKind::Denied, Granted::Nothing);
        assert_eq!((problems.len(), remarks_made.len()), (0, 0), "it says what it lacks");
        let (problems, _) = remarks(FailureKind::Plugin, Granted::Nothing);
        assert_eq!(problems[0].code.as_deref(), Some("RW-P010"));
        assert!(problems[0].message.contains("where every capability is denied: no"));
        let (problems, remarks_made) = remarks(FailureKind::Failed, Granted::Everything);
        assert_eq!((problems.len(), remarks_made.len()), (0, 1));
    }

    #[test]
    fn examples_fit() {
        let schema: Schema = serde_json::from_value(json!({
            "type": "object", "required": ["A", "B", "C", "D", "E", "LogPath"],
            "properties": {
                "A": {"type": "string", "minLength": 9}, "B": {"type": "integer", "minimum": 5},
                "C": {"enum": ["x", "y"]}, "D": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
                "E": {"type": "object", "required": ["F"], "properties": {"F": {"default": 7}}}, "G": {},
                "LogPath": {"type": "string"}
            }
        }))
        .unwrap();
        let expected =
            json!({"A": "examplexx", "B": 5, "C": "x", "D": [false, false], "E": {"F": 7}, "LogPath": "/example"});
        assert_eq!(example(&schema), expected);
    }
}
