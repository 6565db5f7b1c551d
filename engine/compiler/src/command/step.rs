//! The shape of the steps: `mainSteps` of schemas 2.0 and 2.2, and the plugins of 1.2.

use super::Schema;
use crate::{
    codes,
    document::description,
    fields::{self, Fields, missing, wrong_type},
    finding::{Finding, Findings},
    place::{Place, Spanned},
    syntax::{Entry, Node, Shape},
};

/// Keys of a step that the agent does not look at, each with what there is instead.
const IGNORED: [(&str, &str); 7] = [
    ("maxAttempts", "a step of a Command document is tried once"),
    ("timeoutSeconds", "scripts have `timeoutSeconds` in `inputs`"),
    ("onFailure", "`onFailure` stands in `inputs`"),
    ("onSuccess", "`onSuccess` stands in `inputs`"),
    ("finallyStep", "`finallyStep` stands in `inputs`"),
    ("nextStep", "steps follow each other in the order of the list"),
    ("isEnd", "`onSuccess: exit` in `inputs` ends the document"),
];

/// A step whose shape has been read.
#[derive(Debug, Clone)]
pub(crate) struct RawStep {
    pub(crate) name: Spanned<String>,
    pub(crate) plugin: Spanned<String>,
    pub(crate) inputs: Vec<Entry>,
    pub(crate) inputs_place: Place,
    pub(crate) precondition: Option<Entry>,
}

/// An item of `mainSteps`.
pub(crate) fn read(node: Node, schema: Schema, findings: &mut Findings) -> Option<RawStep> {
    let mut fields = Fields::of(node, "a step", findings)?;
    let name = fields
        .require("name", findings)
        .and_then(|entry| fields::text(entry.value, "`name`", findings));
    let plugin = fields
        .require("action", findings)
        .and_then(|entry| fields::text(entry.value, "`action`", findings));
    drop(
        fields
            .take("description")
            .and_then(|entry| description(entry, findings)),
    );
    let inputs = fields.require("inputs", findings);
    let precondition = fields.take("precondition").filter(|entry| !entry.value.is_null());
    if let Some(entry) = precondition.as_ref().filter(|_| schema < Schema::V2_2) {
        findings.push(
            Finding::error(
                codes::BAD_PRECONDITION,
                entry.key_place,
                "preconditions need schema 2.2",
            )
            .help("write `schemaVersion: \"2.2\"`"),
        );
    }
    // What an instance profile of old was started with.
    drop(fields.take("settings"));
    for entry in fields.rest() {
        let known = IGNORED.iter().find(|(key, _)| *key == entry.key);
        let message = format!("`{}` has no effect beside `inputs`", entry.key);
        let help = known.map_or(
            "the keys of a step are name, action, inputs, precondition and description",
            |(_, why)| *why,
        );
        findings.push(Finding::warning(codes::UNKNOWN_KEY, entry.key_place, message).help(help));
    }
    let (name, plugin) = (checked(name?, findings), plugin?);
    let (inputs_place, inputs) = match inputs {
        Some(entry) => (entry.key_place, map(entry.value, "`inputs`", findings)),
        None => (name.place, Vec::new()),
    };
    Some(RawStep {
        name,
        plugin,
        inputs,
        inputs_place,
        precondition,
    })
}

/// `runtimeConfig`: plugins, in the order in which they are written, each run as often as it has properties.
pub(crate) fn plugins(node: Node, findings: &mut Findings) -> Vec<RawStep> {
    let Some(mut fields) = Fields::of(node, "`runtimeConfig`", findings) else {
        return Vec::new();
    };
    fields.rest().flat_map(|entry| runs(entry, findings)).collect()
}

/// The runs of one plugin of schema 1.2.
fn runs(entry: Entry, findings: &mut Findings) -> Vec<RawStep> {
    let plugin = Spanned {
        value: entry.key,
        place: entry.key_place,
    };
    let Shape::Map(keys) = entry.value.shape else {
        findings.push(wrong_type(&entry.value, "a plugin of `runtimeConfig` must be a map"));
        return Vec::new();
    };
    let Some(properties) = keys
        .into_iter()
        .find(|entry| entry.key.eq_ignore_ascii_case("properties"))
    else {
        findings.push(missing("a plugin of `runtimeConfig`", "properties", plugin.place));
        return Vec::new();
    };
    let inputs_place = properties.key_place;
    let run = |name: String, inputs: Vec<Entry>| RawStep {
        name: Spanned {
            value: name,
            place: plugin.place,
        },
        plugin: plugin.clone(),
        inputs,
        inputs_place,
        precondition: None,
    };
    match properties.value.shape {
        Shape::List(items) => {
            let numbered = items.into_iter().enumerate();
            numbered
                .map(|(number, node)| {
                    let mut inputs = map(node, "an item of `properties`", findings);
                    let id = take_id(&mut inputs);
                    run(id.unwrap_or_else(|| format!("{number}.{}", plugin.value)), inputs)
                })
                .collect()
        }
        // The configuration of aws:cloudWatch is a text.
        Shape::Text(_) => vec![run(plugin.value.clone(), Vec::new())],
        Shape::Map(mut inputs) => {
            let id = take_id(&mut inputs);
            vec![run(id.unwrap_or_else(|| plugin.value.clone()), inputs)]
        }
        Shape::Null | Shape::Boolean(_) | Shape::Number(_) => {
            findings.push(wrong_type(
                &properties.value,
                "`properties` must be a map or a list of maps",
            ));
            Vec::new()
        }
    }
}

/// The id of a run of schema 1.2, which is its name.
fn take_id(inputs: &mut Vec<Entry>) -> Option<String> {
    let at = inputs.iter().position(|entry| entry.key.eq_ignore_ascii_case("id"))?;
    let id = inputs.remove(at);
    id.value.as_text().filter(|id| !id.is_empty()).map(str::to_owned)
}

fn map(node: Node, what: &str, findings: &mut Findings) -> Vec<Entry> {
    match node.shape {
        Shape::Map(entries) => entries,
        Shape::Null => Vec::new(),
        Shape::Boolean(_) | Shape::Number(_) | Shape::Text(_) | Shape::List(_) => {
            findings.push(wrong_type(&node, &format!("{what} must be a map")));
            Vec::new()
        }
    }
}

/// The agent takes any name; one that no terminal can show is a mistake.
fn checked(name: Spanned<String>, findings: &mut Findings) -> Spanned<String> {
    if name.value.trim().is_empty() || name.value.chars().any(char::is_control) {
        let message = "the name of a step must be a text that can be shown";
        findings.push(Finding::error(codes::BAD_NAME, name.place, message).help("use letters, digits and _"));
    }
    name
}
