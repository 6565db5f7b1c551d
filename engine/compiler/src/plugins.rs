//! The `plugins:` block: which component provides an action, and what it may do.

use runwright_model::{action::ActionSpec, digest::Digest, grant::Grants};

use crate::{
    PluginSource, codes,
    document::Document,
    fields::Fields,
    finding::{Finding, Findings},
    place::{Place, Spanned},
    suggest::nearest,
    syntax::{Entry, Node},
};

/// One entry whose shape has been read.
#[derive(Debug, Clone)]
pub(crate) struct RawPlugin {
    pub(crate) action: String,
    pub(crate) place: Place,
    pub(crate) source: PluginSource,
    pub(crate) sha256: Option<String>,
    pub(crate) grants: Grants,
}

/// What an action of the engine's own may do here.
#[derive(Debug, Clone)]
pub(crate) struct RawGranted {
    pub(crate) action: Spanned<String>,
    pub(crate) grants: Grants,
}

/// The whole block.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawPlugins {
    pub(crate) bound: Vec<RawPlugin>,
    pub(crate) granted: Vec<RawGranted>,
}

pub(crate) fn read(node: Node, findings: &mut Findings) -> RawPlugins {
    let mut plugins = RawPlugins::default();
    let Some(mut fields) = Fields::of(node, "`plugins`", findings) else {
        return plugins;
    };
    for entry in fields.rest() {
        read_one(entry, &mut plugins, findings);
    }
    plugins
}

fn read_one(entry: Entry, plugins: &mut RawPlugins, findings: &mut Findings) {
    let (action, place) = (entry.key, entry.key_place);
    let Some(mut fields) = Fields::of(entry.value, "an entry of `plugins`", findings) else {
        return;
    };
    let is_own = matches!(action.split_once(':'), Some(("aws" | "rw", _)));
    if is_own && !["path", "oci", "sha256"].iter().any(|key| fields.has(key)) {
        let grants = fields.require("grants", findings).map(|entry| grants(&entry, findings));
        fields.finish(&["grants"], findings);
        let action = Spanned { value: action, place };
        plugins
            .granted
            .extend(grants.map(|grants| RawGranted { action, grants }));
        return;
    }
    check_name(&action, place, findings);
    plugins.bound.extend(plugin(action, place, fields, findings));
}

/// Grants of an action that nothing uses are meant for another.
pub(crate) fn check_granted(document: &Document, findings: &mut Findings) {
    let used = |granted: &&RawGranted| document.steps.iter().any(|step| step.action() == granted.action.value);
    for RawGranted { action, .. } in document.plugins.granted.iter().filter(|granted| !used(granted)) {
        let message = format!("no step of this runbook has the action `{}`", action.value);
        let near = nearest(&action.value, document.steps.iter().map(|step| step.action()));
        findings.push(Finding::error(codes::BAD_PLUGIN, action.place, message).did_you_mean(near));
    }
}

impl RawPlugins {
    /// What is known of an action, with what the document lets it do.
    pub(crate) fn granting(&self, spec: &ActionSpec) -> ActionSpec {
        let granted = self
            .granted
            .iter()
            .find(|granted| granted.action.value == spec.manifest.action);
        ActionSpec {
            grants: granted.map_or_else(|| spec.grants.clone(), |granted| granted.grants.clone()),
            ..spec.clone()
        }
    }
}

fn plugin(action: String, place: Place, mut fields: Fields, findings: &mut Findings) -> Option<RawPlugin> {
    let sha256 = fields.text("sha256", findings).map(|text| {
        if let Err(error) = text.value.parse::<Digest>() {
            findings.push(Finding::error(codes::BAD_PLUGIN, text.place, error.to_string()));
        }
        text.value
    });
    let grants = fields
        .take("grants")
        .map(|entry| grants(&entry, findings))
        .unwrap_or_default();
    let source = source(&mut fields, findings);
    fields.finish(&["path", "oci", "sha256", "grants"], findings);
    Some(RawPlugin {
        action,
        place,
        source: source?,
        sha256,
        grants,
    })
}

/// A file, or a component in a registry: one of both.
fn source(fields: &mut Fields, findings: &mut Findings) -> Option<PluginSource> {
    let Some(oci) = fields.take("oci") else {
        let path = fields.require("path", findings)?;
        let path = crate::fields::text(path.value, "`path`", findings)?;
        return Some(PluginSource::Path(path.value));
    };
    if fields.take("path").is_some() {
        let message = "a plugin is named by `path` or by `oci`, not by both";
        findings.push(
            Finding::error(codes::PLUGIN_SOURCE, oci.key_place, message)
                .help("keep the one that is meant; `sha256` pins either"),
        );
        return None;
    }
    let oci = crate::fields::text(oci.value, "`oci`", findings)?;
    Some(PluginSource::Registry(oci.value))
}

fn check_name(action: &str, place: Place, findings: &mut Findings) {
    let part = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.')
    };
    let problem = match action.split_once(':') {
        Some(("aws" | "rw", _)) => "the namespaces `aws` and `rw` belong to the engine",
        Some((namespace, name)) if part(namespace) && part(name) => return,
        Some(_) | None => "an action of a plugin is named by a namespace, a colon and a name, as in `acme:drain`",
    };
    findings.push(Finding::error(
        codes::BAD_PLUGIN,
        place,
        format!("`{action}` cannot be bound: {problem}"),
    ));
}

fn grants(entry: &Entry, findings: &mut Findings) -> Grants {
    serde_json::from_value(entry.value.to_value()).unwrap_or_else(|error| {
        findings.push(
            Finding::error(
                codes::BAD_PLUGIN,
                entry.value.place,
                format!("these grants cannot be read: {error}"),
            )
            .help("see the page of this code for every grant"),
        );
        Grants::default()
    })
}
