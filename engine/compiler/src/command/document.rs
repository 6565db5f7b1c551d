//! The top level of a Command document.

use std::collections::BTreeSet;

use runwright_model::parameter::{Parameter, ParameterType};

use super::{
    Schema,
    step::{self, RawStep},
};
use crate::{
    codes,
    document::description,
    fields::{self, Fields},
    finding::{Finding, Findings},
    limits::STEPS_MAX,
    parameters::{self, Definitions},
    place::Place,
    syntax::{Entry, Node, Shape},
};

/// Keys of every schema.
const COMMON: [&str; 6] = [
    "$schema",
    "schemaVersion",
    "description",
    "parameters",
    "files",
    "outputs",
];
const STEPS: &str = "mainSteps";
const PLUGINS: &str = "runtimeConfig";

/// A document whose shape has been read.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) schema: Schema,
    pub(crate) description: Option<String>,
    pub(crate) parameters: Definitions<Parameter>,
    /// The parameters that scripts get as environment variables.
    pub(crate) exported: BTreeSet<String>,
    pub(crate) steps: Vec<RawStep>,
}

/// The schema of a tree, when it is that of a Command document.
pub(crate) fn schema(root: &Node) -> Option<Schema> {
    let Shape::Map(entries) = &root.shape else { return None };
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    let version = &entries.iter().find(|entry| entry.key == "schemaVersion")?.value;
    let version = match &version.shape {
        Shape::Text(text) => text.clone(),
        Shape::Number(number) => number.to_string(),
        Shape::Null | Shape::Boolean(_) | Shape::List(_) | Shape::Map(_) => return None,
    };
    // Manifests of packages count their schemas too.
    if has("packages") && !has(STEPS) {
        return None;
    }
    match version.as_str() {
        "1.2" => Some(Schema::V1_2),
        // Documents of sessions have this version as well.
        "1.0" if has(PLUGINS) => Some(Schema::V1_2),
        "2.0" | "2.0.1" | "2.0.2" | "2.0.3" => Some(Schema::V2_0),
        "2.2" => Some(Schema::V2_2),
        _ => None,
    }
}

/// Reads the tree of a Command document.
pub(crate) fn read(root: Node, schema: Schema, findings: &mut Findings) -> Option<Document> {
    let place = root.place;
    let mut fields = Fields::of(root, "a Command document", findings)?;
    drop(fields.take("schemaVersion"));
    let description = fields
        .take("description")
        .and_then(|entry| description(entry, findings));
    let mut exported = BTreeSet::new();
    let parameters = match fields.take("parameters") {
        Some(mut entry) => {
            exported = take_exported(&mut entry.value, schema, findings);
            parameters::read(entry.value, findings)
        }
        None => Definitions::default(),
    };
    check_exported(&exported, &parameters, place, findings);
    let (own, other) = match schema {
        Schema::V1_2 => (PLUGINS, STEPS),
        Schema::V2_0 | Schema::V2_2 => (STEPS, PLUGINS),
    };
    if let Some(entry) = fields.take(other) {
        let message = format!("a document of this schema has `{own}`, and no `{other}`");
        findings.push(
            Finding::error(codes::UNKNOWN_KEY, entry.key_place, message)
                .help("schema 1.2 has `runtimeConfig`; schemas 2.0 and 2.2 have `mainSteps`"),
        );
    }
    let steps = match fields.require(own, findings) {
        Some(entry) if schema == Schema::V1_2 => step::plugins(entry.value, findings),
        Some(entry) => steps(entry, schema, findings),
        None => Vec::new(),
    };
    // Attachments and outputs mean nothing to the agent.
    drop((fields.take("files"), fields.take("outputs"), fields.take("$schema")));
    fields.finish(&[COMMON[1], COMMON[2], COMMON[3], own], findings);
    let document = Document {
        schema,
        description,
        parameters,
        exported,
        steps,
    };
    Some(limited(document, place, findings))
}

fn steps(entry: Entry, schema: Schema, findings: &mut Findings) -> Vec<RawStep> {
    let Some((_, nodes)) = fields::list(entry.value, STEPS, findings) else {
        return Vec::new();
    };
    if nodes.is_empty() {
        let message = "`mainSteps` is empty; a document has at least one step";
        findings.push(Finding::error(codes::MISSING_KEY, entry.key_place, message));
    }
    nodes
        .into_iter()
        .filter_map(|node| step::read(node, schema, findings))
        .collect()
}

fn limited(mut document: Document, place: Place, findings: &mut Findings) -> Document {
    let count = document.steps.len();
    if count > STEPS_MAX {
        let message = format!("the document has {count} steps, more than the {STEPS_MAX} of the limit `plan-steps`");
        let head = Place::new(place.start as usize, place.start as usize + 1);
        findings
            .push(Finding::error(codes::TOO_MANY_STEPS, head, message).help("split it: aws:runDocument runs a part"));
        document.steps.clear();
    }
    document
}

/// Takes `interpolationType` out of the definitions: the names of parameters that have ENV_VAR.
fn take_exported(node: &mut Node, schema: Schema, findings: &mut Findings) -> BTreeSet<String> {
    let mut exported = BTreeSet::new();
    let Shape::Map(definitions) = &mut node.shape else {
        return exported;
    };
    for definition in definitions {
        let Shape::Map(keys) = &mut definition.value.shape else {
            continue;
        };
        let Some(at) = keys.iter().position(|entry| entry.key == "interpolationType") else {
            continue;
        };
        let entry = keys.remove(at);
        match entry.value.as_text() {
            Some("ENV_VAR") if schema == Schema::V2_2 => drop(exported.insert(definition.key.clone())),
            Some("ENV_VAR") => findings.push(
                Finding::error(
                    codes::WRONG_WORD,
                    entry.key_place,
                    "`interpolationType: ENV_VAR` needs schema 2.2",
                )
                .help("write `schemaVersion: \"2.2\"`"),
            ),
            Some("RAW_REPLACE") => {}
            Some(_) | None => findings.push(
                Finding::error(
                    codes::WRONG_WORD,
                    entry.value.place,
                    "`interpolationType` can be ENV_VAR or RAW_REPLACE",
                )
                .help("without it the value itself is put into scripts"),
            ),
        }
    }
    exported
}

/// Only texts can be environment variables.
fn check_exported(
    exported: &BTreeSet<String>,
    parameters: &Definitions<Parameter>,
    place: Place,
    findings: &mut Findings,
) {
    let head = Place::new(place.start as usize, place.start as usize + 1);
    let wrong = |parameter: &&Parameter| {
        exported.contains(&parameter.name) && parameter.parameter_type != ParameterType::String
    };
    for parameter in parameters.read.iter().filter(wrong) {
        let message = format!(
            "the parameter `{}` has `interpolationType: ENV_VAR`, which only a String can have",
            parameter.name
        );
        findings.push(Finding::error(codes::WRONG_WORD, head, message));
    }
}
