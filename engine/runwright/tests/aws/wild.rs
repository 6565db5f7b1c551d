//! Scripts and documents by others. They are not part of this repository; where they are absent the tests say so and pass.

use std::{collections::BTreeMap, fs, path::Path};

use runwright::model::{
    expression::{Piece, Template},
    plan::Plan,
    status::Status,
    step::StepKind,
};
use serde_json::json;

use crate::World;

/// Scripts that do not load, by their file, with the end of what they say: faults of the documents.
const FAULTY: &[(&str, &str)] = &[
    // The handler is called otherwise than `Handler` says.
    (
        "aws-solutions-automated-security-response-on-aws__source__playbooks__AFSBP__ssmdocs__AFSBP_Redshift.4.yaml",
        "name 'check_for_s3_bucket_name' is not defined",
    ),
    // Its lines are not indented.
    (
        "awsdocs-aws-systems-manager-user-guide__doc_source__automation-action-executeScript--block7.yaml",
        "expected an indented block after function definition on line 1",
    ),
];

const LOAD: &str = "
parameters: {Script: {type: String}}
mainSteps:
  - {name: Load, action: 'aws:executeScript', inputs: {Runtime: python3.11, Handler: runwright_loads, Script: '{{ Script }}'}}
";

/// All documents of the folder, by file name.
pub(crate) fn documents() -> Option<BTreeMap<String, String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/automation");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: there is no {}", folder.display());
        return None;
    };
    let read = entries.map(|entry| {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        (path.file_name().unwrap().to_string_lossy().into_owned(), text)
    });
    Some(read.collect())
}

/// The inline Python scripts of a plan, with their handlers.
fn scripts(plan: &Plan) -> Vec<(String, String)> {
    let found = plan.steps.iter().filter_map(|step| {
        let StepKind::Action { action, inputs } = &step.kind else {
            return None;
        };
        let input = |name: &str| {
            inputs
                .iter()
                .find(|(key, _)| key == name)
                .and_then(|(_, value)| text_of(value))
        };
        let is_python = action == "aws:executeScript" && input("Runtime")?.starts_with("python");
        is_python.then(|| Some((input("Script")?, input("Handler").unwrap_or_default())))?
    });
    found.collect()
}

/// A template's text, with an `x` in place of each reference.
fn text_of(template: &Template) -> Option<String> {
    match template {
        Template::Literal(value) => value.as_str().map(str::to_owned),
        Template::Text(pieces) => Some(
            pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text.as_str(),
                    Piece::Reference(_) | Piece::Collapsed(_) => "x",
                })
                .collect(),
        ),
        Template::Reference(_) | Template::List(_) | Template::Map(_) => None,
    }
}

#[tokio::test]
async fn scripts_of_others_load() {
    let Some(world) = World::open().await else { return };
    let Some(documents) = documents() else { return };
    let (mut count, mut loaded, mut wrong) = (0, 0, Vec::new());
    for (name, text) in documents {
        let source = runwright::Source {
            name: name.clone(),
            origin: name.clone(),
            text,
        };
        let Some(plan) = world.engine.library().compile(&source, Path::new(".")).await.plan else {
            continue;
        };
        // What defines no function is a placeholder: `...`, or nothing beside an attachment.
        for (script, handler) in scripts(&plan).into_iter().filter(|(script, _)| script.contains("def ")) {
            count += 1;
            let function = handler.rsplit('.').next().unwrap_or_default();
            let probe = format!("{script}\n\ndef runwright_loads(events, context):\n    return callable({function})\n");
            let view = world.run_with(LOAD, json!({"Script": probe})).await;
            let told = view.steps[0]
                .failure
                .as_ref()
                .map(|failure| failure.message.clone())
                .unwrap_or_default();
            let known = FAULTY
                .iter()
                .any(|(file, end)| *file == name && told.trim_end().ends_with(end));
            loaded += usize::from(view.status == Status::Success);
            if view.status != Status::Success && !known {
                wrong.push(format!("{name}: {}", told.lines().last().unwrap_or_default()));
            }
        }
    }
    println!("{loaded} of {count} scripts load");
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    assert!(loaded * 100 >= count * 97, "{loaded} of {count}");
}
