//! The `plugins:` block: which component provides an action, and what it may do.

use runwright_model::{digest::Digest, grant::Grants};

use crate::{
    PluginSource, codes,
    fields::Fields,
    finding::{Finding, Findings},
    place::Place,
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

pub(crate) fn read(node: Node, findings: &mut Findings) -> Vec<RawPlugin> {
    let Some(mut fields) = Fields::of(node, "`plugins`", findings) else {
        return Vec::new();
    };
    fields.rest().filter_map(|entry| plugin(entry, findings)).collect()
}

fn plugin(entry: Entry, findings: &mut Findings) -> Option<RawPlugin> {
    let Entry {
        key: action,
        key_place: place,
        value,
    } = entry;
    check_name(&action, place, findings);
    let mut fields = Fields::of(value, "an entry of `plugins`", findings)?;
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
