//! Documents by others, run to their end in the stand-in. They are not part of this repository; `documents.json` says what
//! each is given, and `prepare.yaml` makes what they act on.

use std::{collections::BTreeMap, time::Duration};

use runwright::{Until, model::status::Status, view::ExecutionView};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{World, succeeded, wild};

/// How many must end as they should.
const DOCUMENTS_MIN: usize = 30;
/// What waits longer waits for what the stand-in never does.
const PATIENCE: Duration = Duration::from_secs(30);

/// One document, and what is to become of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    /// The end of its file's name.
    file: String,
    /// Texts in them that begin with `$` name an output of `prepare.yaml`.
    #[serde(default)]
    parameters: Map<String, Value>,
    /// Who approves, where somebody must.
    #[serde(default)]
    approves: bool,
    /// `Success` when it is not said.
    status: Option<Status>,
    /// Why it ends otherwise.
    #[expect(dead_code, reason = "for whoever reads the table")]
    why: Option<String>,
}

/// The value with outputs in the place of their names.
fn filled(value: &Value, outputs: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('$') {
            Some(name) => outputs
                .get(name)
                .unwrap_or_else(|| panic!("prepare.yaml has no {name}"))
                .clone(),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, outputs)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), filled(value, outputs)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

async fn prepared(world: &World) -> BTreeMap<String, Value> {
    let view = world.run_whole(include_str!("prepare.yaml"), json!({})).await.unwrap();
    let steps = succeeded(&view).steps.iter();
    let outputs = steps.flat_map(|step| {
        let named = |(name, value): (&String, &Value)| (format!("{}.{name}", step.name), value.clone());
        step.outputs.iter().map(named).collect::<Vec<_>>()
    });
    outputs.collect()
}

async fn run(world: &World, run: &Run, text: &str, outputs: &BTreeMap<String, Value>) -> Result<ExecutionView, String> {
    let parameters = filled(&Value::Object(run.parameters.clone()), outputs);
    let started = world.start(text, parameters).await.map_err(|error| error.to_string())?;
    let ended = tokio::time::timeout(PATIENCE, async {
        let view = world.engine.wait(&started, Until::NeedsPerson).await.unwrap();
        if run.approves && view.status == Status::Waiting {
            world.engine.decide(&started, None, true, "kim", None).await.unwrap();
        }
        world.engine.wait(&started, Until::Ended).await.unwrap()
    });
    ended.await.map_err(|_| "it does not end".to_owned())
}

#[tokio::test]
async fn documents_of_others_run_to_their_end() {
    let Some(world) = World::open().await else { return };
    let Some(documents) = wild::documents() else { return };
    let runs: Vec<Run> = serde_json::from_str(include_str!("documents.json")).unwrap();
    let outputs = prepared(&world).await;
    let (mut good, mut wrong) = (0, Vec::new());
    for each in &runs {
        let mut fitting = documents.iter().filter(|(name, _)| name.ends_with(&each.file));
        let (Some((name, text)), None) = (fitting.next(), fitting.next()) else {
            wrong.push(format!("{}: not one document", each.file));
            continue;
        };
        println!("{name}");
        let wanted = each.status.unwrap_or(Status::Success);
        match run(&world, each, text, &outputs).await {
            Ok(view) if view.status == wanted => good += 1,
            Ok(view) => {
                let why = view.failure.map(|failure| failure.message).unwrap_or_default();
                wrong.push(format!("{name}: {:?}, not {wanted:?}: {why}", view.status));
            }
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    println!("{good} of {} documents ended as they should", runs.len());
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    assert!(good >= DOCUMENTS_MIN, "{good} documents");
}
