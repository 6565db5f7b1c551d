//! The top level of a runbook: which keys there are, and their shapes.

use crate::{
    codes,
    fields::{self, Fields},
    finding::{Finding, Findings},
    known,
    limits::{CONCURRENCY_MAX, STEPS_MAX},
    parameters::{self, Definitions, RawVariable},
    place::{Place, Spanned},
    plugins::{self, RawPlugins},
    step::{self, RawStep},
    syntax::{Entry, Node, Shape},
};
use runwright_model::{digest::Digest, parameter::Parameter};
use serde_json::Value;
use std::collections::BTreeMap;

/// Keys of Systems Manager at the top level, then ours.
const KEYS: [&str; 11] = [
    "schemaVersion",
    "description",
    "assumeRole",
    "parameters",
    "variables",
    "mainSteps",
    "outputs",
    "files",
    "plugins",
    "maxConcurrency",
    "onFailure",
];

/// A document whose shape has been read. References are not resolved.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    pub(crate) description: Option<String>,
    pub(crate) assume_role: Option<Node>,
    pub(crate) parameters: Definitions<Parameter>,
    pub(crate) variables: Definitions<RawVariable>,
    pub(crate) steps: Vec<RawStep>,
    pub(crate) outputs: Vec<Spanned<String>>,
    pub(crate) plugins: RawPlugins,
    /// The attachments whose content is pinned: name and digest.
    pub(crate) files: BTreeMap<String, Digest>,
    pub(crate) rollback_on_failure: bool,
    pub(crate) max_concurrency: Option<u32>,
    /// Every use of a key that Systems Manager does not know.
    pub(crate) additions: Vec<Spanned<String>>,
}

impl Document {
    /// Whether steps follow each other by `dependsOn`.
    pub(crate) fn is_graph(&self) -> bool {
        let top = |step: &&RawStep| step.parent.is_none();
        self.steps.iter().filter(top).any(|step| step.depends_on.is_some())
    }
}

/// Reads the tree of a document.
pub(crate) fn read(root: Node, findings: &mut Findings) -> Option<Document> {
    if !matches!(root.shape, Shape::Map(_)) {
        findings.push(
            Finding::error(
                codes::WRONG_TYPE,
                root.place,
                format!("a runbook must be a map, and this is {}", root.describe()),
            )
            .help("begin with `schemaVersion: \"0.3\"` and `mainSteps:`"),
        );
        return None;
    }
    let mut fields = Fields::of(root, "a runbook", findings)?;
    let mut document = Document::default();
    schema_version(&mut fields, findings)?;
    document.description = fields
        .take("description")
        .and_then(|entry| description(entry, findings));
    document.assume_role = fields.take("assumeRole").and_then(|entry| assume_role(entry, findings));
    if let Some(entry) = fields.take("parameters") {
        document.parameters = parameters::read(entry.value, findings);
    }
    if let Some(entry) = fields.take("variables") {
        document.variables = parameters::read_variables(entry.value, findings);
    }
    additions(&mut fields, &mut document, findings);
    steps(&mut fields, &mut document, findings);
    plugins::check_granted(&document, findings);
    document.outputs = fields.texts("outputs", findings).unwrap_or_default();
    document.files = fields.take("files").map(files).unwrap_or_default();
    fields.finish(&KEYS, findings);
    Some(document)
}

/// `name: {checksums: {sha256: …}}`. Those without a checksum that could be one are left out: whoever uses one is told so
/// when the step runs, and nobody else needs it.
fn files(entry: Entry) -> BTreeMap<String, Digest> {
    let Value::Object(files) = entry.value.to_value() else {
        return BTreeMap::new();
    };
    let digest = |file: &Value| {
        let checksums = file.get("checksums")?.as_object()?;
        let (_, text) = checksums.iter().find(|(name, _)| name.eq_ignore_ascii_case("sha256"))?;
        text.as_str()?.parse().ok()
    };
    let pinned = files
        .iter()
        .filter_map(|(name, file)| Some((name.clone(), digest(file)?)));
    pinned.collect()
}

/// A role's ARN, or a reference to one. What a template of CloudFormation puts there (`Fn::GetAtt`) is a map.
fn assume_role(entry: Entry, findings: &mut Findings) -> Option<Node> {
    match entry.value.shape {
        Shape::Text(_) => Some(entry.value),
        Shape::Null => None,
        Shape::Boolean(_) | Shape::Number(_) | Shape::List(_) | Shape::Map(_) => {
            findings.push(
                fields::wrong_type(&entry.value, "`assumeRole` must be a text")
                    .help("write the ARN of a role, or a reference to a parameter that holds one"),
            );
            None
        }
    }
}

/// Free text. Numbers and the like are taken as they are: nobody computes with a description.
pub(crate) fn description(entry: Entry, findings: &mut Findings) -> Option<String> {
    match entry.value.shape {
        Shape::Text(text) => Some(text),
        Shape::Boolean(_) | Shape::Number(_) => Some(entry.value.to_value().to_string()),
        Shape::Null => None,
        Shape::List(_) | Shape::Map(_) => {
            findings.push(fields::wrong_type(&entry.value, "`description` must be a text"));
            None
        }
    }
}

/// Anything but 0.3 is another language: nothing else is looked at then.
fn schema_version(fields: &mut Fields, findings: &mut Findings) -> Option<()> {
    let Some(entry) = fields.take("schemaVersion") else {
        let finding = fields::missing("a runbook", "schemaVersion", fields.head());
        findings.push(match other_kind(fields) {
            Some(kind) => finding.help(format!("this is {kind}; runbooks and Command documents can be run")),
            None => finding,
        });
        return None;
    };
    let node = entry.value;
    let version = match &node.shape {
        Shape::Text(text) => text.clone(),
        Shape::Number(number) => number.to_string(),
        Shape::Null | Shape::Boolean(_) | Shape::List(_) | Shape::Map(_) => String::new(),
    };
    if version == "0.3" {
        return Some(());
    }
    let finding = Finding::error(
        codes::SCHEMA_VERSION,
        node.place,
        format!("schema version `{version}` is not one this version can run; runbooks have `0.3`"),
    );
    findings.push(match other_kind(fields) {
        Some(kind) => finding.help(format!("this is {kind}; runbooks and Command documents can be run")),
        None => finding.fix("0.3"),
    });
    None
}

/// What a document with these keys is, when it is one of another kind.
fn other_kind(fields: &Fields) -> Option<&'static str> {
    const KINDS: [(&str, &str); 6] = [
        (
            "sessionType",
            "a Session document, which says how Session Manager opens sessions",
        ),
        (
            "packages",
            "the manifest of a package, which aws:configurePackage installs",
        ),
        (
            "executableRunBook",
            "a change template, which asks for approvals before it starts a runbook",
        ),
        (
            "AWSTemplateFormatVersion",
            "a template of CloudFormation, where documents are the `Content` of a resource",
        ),
        (
            "Resources",
            "a template of CloudFormation, where documents are the `Content` of a resource",
        ),
        ("content", "the configuration of an application"),
    ];
    KINDS.iter().find(|(key, _)| fields.has(key)).map(|(_, kind)| *kind)
}

/// The keys that are ours.
fn additions(fields: &mut Fields, document: &mut Document, findings: &mut Findings) {
    if let Some(entry) = fields.take("plugins") {
        document.additions.push(Spanned {
            value: "plugins".into(),
            place: entry.key_place,
        });
        document.plugins = plugins::read(entry.value, findings);
    }
    if let Some(limit) = fields.whole("maxConcurrency", 1, u64::from(CONCURRENCY_MAX), findings) {
        document.additions.push(Spanned {
            value: "maxConcurrency".into(),
            place: limit.place,
        });
        document.max_concurrency = u32::try_from(limit.value).ok();
    }
    if let Some(policy) = fields.text("onFailure", findings) {
        document.additions.push(Spanned {
            value: "onFailure of the document".into(),
            place: policy.place,
        });
        match policy.value.as_str() {
            "Rollback" => document.rollback_on_failure = true,
            "Abort" => {}
            other => findings.push(step::wrong_word(
                "onFailure",
                other,
                policy.place,
                &["Rollback", "Abort"],
            )),
        }
    }
}

fn steps(fields: &mut Fields, document: &mut Document, findings: &mut Findings) {
    let place = fields.place;
    let Some(entry) = fields.require("mainSteps", findings) else {
        return;
    };
    let Some((_, nodes)) = fields::list(entry.value, "mainSteps", findings) else {
        return;
    };
    if nodes.is_empty() {
        findings.push(Finding::error(
            codes::MISSING_KEY,
            entry.key_place,
            "`mainSteps` is empty; a runbook has at least one step",
        ));
    }
    document.steps.reserve_exact(nodes.len().min(STEPS_MAX));
    for node in nodes {
        add_step(node, None, document, findings);
    }
    if document.steps.len() > STEPS_MAX {
        let message = format!(
            "the runbook has {} steps, more than the {STEPS_MAX} of the limit `plan-steps`",
            document.steps.len()
        );
        findings.push(
            Finding::error(codes::TOO_MANY_STEPS, head(place), message)
                .help("split it: aws:executeAutomation runs a part"),
        );
        document.steps.clear();
    }
}

/// Adds a step, and behind it the steps of its body when it is a loop.
fn add_step(node: Node, parent: Option<usize>, document: &mut Document, findings: &mut Findings) {
    let mut step = step::read(node, &mut document.additions, findings);
    step.parent = parent;
    if let Some(needs) = step.depends_on.as_ref().filter(|_| parent.is_some()) {
        let place = needs.first().map_or(step.head(), |need| need.place);
        let message = "steps of a loop follow each other in the order of the list, and have no `dependsOn`";
        findings.push(Finding::error(codes::BAD_LOOP, place, message).help("remove it"));
    }
    let index = document.steps.len();
    let body = (step.action() == known::LOOP).then(|| body(&mut step, findings));
    document.steps.push(step);
    for node in body.into_iter().flatten() {
        add_step(node, Some(index), document, findings);
    }
}

/// Takes the body of a loop out of its inputs.
fn body(step: &mut RawStep, findings: &mut Findings) -> Vec<Node> {
    let Some(at) = step.inputs.iter().position(|entry| entry.key == "Steps") else {
        let message = format!("`{}` needs the input `Steps`", known::LOOP);
        findings.push(Finding::error(codes::MISSING_INPUT, step.inputs_place, message));
        return Vec::new();
    };
    let entry = step.inputs.remove(at);
    let (_, nodes) = fields::list(entry.value, "Steps", findings).unwrap_or_default();
    if nodes.is_empty() {
        let message = "`Steps` is empty; a loop has at least one step";
        findings.push(Finding::error(codes::MISSING_INPUT, entry.key_place, message));
    }
    nodes
}

fn head(place: Place) -> Place {
    Place {
        start: place.start,
        end: place.start.saturating_add(1).min(place.end),
    }
}
