//! The `plugins:` block: which component provides an action, and what it may do.

use runwright_model::{digest::Digest, grant::Grants};

use crate::{
    codes,
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
    pub(crate) path: String,
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
    let oci = fields.take("oci");
    let path = match &oci {
        Some(oci) => {
            findings.push(
                Finding::error(
                    codes::PLUGIN_SOURCE,
                    oci.key_place,
                    "this version does not fetch plugins from registries",
                )
                .help("fetch the component yourself, and name the file with `path`; `sha256` pins it"),
            );
            None
        }
        None => fields
            .require("path", findings)
            .and_then(|e| crate::fields::text(e.value, "`path`", findings)),
    };
    fields.finish(&["path", "oci", "sha256", "grants"], findings);
    Some(RawPlugin {
        action,
        place,
        path: path?.value,
        sha256,
        grants,
    })
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
