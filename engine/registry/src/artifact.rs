//! How a component stands in a registry: the layout that `wkg` and other Wasm tools use.
//!
//! One manifest, whose configuration says that it is Wasm and whose only layer is the component, as it is. The same
//! component with the same facts makes the same manifest, so pushing twice changes nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use runwright_model::digest::Digest;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Error;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const COMPONENT: &str = "application/wasm";
/// The format wants a moment, and a true one would give every push another digest.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What is said of a component beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The action it provides.
    pub action: String,
    /// Its version.
    pub version: String,
    /// What it does, in a sentence.
    pub description: String,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// The interfaces it exports.
    pub exports: Vec<String>,
}

/// A manifest, as far as it is read here.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Names some bytes by content.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            annotations: BTreeMap::new(),
        }
    }
}

/// Bytes that are kept together: a manifest and what it names.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    pub(crate) manifest: Bytes,
    pub(crate) blobs: Vec<Bytes>,
}

impl Artifact {
    pub(crate) fn new(
        config_type: &str,
        config: Bytes,
        layers: Vec<(Descriptor, Bytes)>,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        let (layers, mut blobs): (Vec<Descriptor>, Vec<Bytes>) = layers.into_iter().unzip();
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(MANIFEST.to_owned()),
            config: Descriptor::of(config_type, &config),
            layers,
            annotations,
        };
        blobs.push(config);
        Self {
            manifest: serde_json::to_vec(&manifest).expect("a manifest is JSON").into(),
            blobs,
        }
    }
}

/// The artifact of a component.
pub(crate) fn of_component(component: Bytes, facts: &Facts) -> Artifact {
    let layer = Descriptor::of(COMPONENT, &component);
    let config = json!({
        "created": CREATED,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [layer.digest],
        "component": {"exports": facts.exports, "imports": facts.imports},
    });
    let config: Bytes = serde_json::to_vec(&config).expect("it is JSON").into();
    let annotations = [
        ("org.opencontainers.image.title", &facts.action),
        ("org.opencontainers.image.version", &facts.version),
        ("org.opencontainers.image.description", &facts.description),
    ];
    let annotations = annotations
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name.to_owned(), text.clone()))
        .collect();
    Artifact::new(CONFIG, config, vec![(layer, component)], annotations)
}

/// Reads a manifest. `what` is for the message.
pub(crate) fn manifest(bytes: &[u8], what: &str) -> Result<Manifest, Error> {
    let refused = |why: String| Error::NotAComponent {
        what: what.to_owned(),
        why,
    };
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| refused(format!("its manifest is not JSON: {error}")))?;
    if value.get("manifests").is_some() || value["mediaType"] == INDEX {
        return Err(refused("it is a list of images for several machines".to_owned()));
    }
    let read: Manifest =
        serde_json::from_value(value).map_err(|error| refused(format!("its manifest cannot be read: {error}")))?;
    if read.schema_version == 2 {
        Ok(read)
    } else {
        Err(refused(format!("its manifest is of version {}", read.schema_version)))
    }
}

/// The layer that is the component.
pub(crate) fn component_of(manifest: &Manifest, what: &str) -> Result<Descriptor, Error> {
    let [layer] = manifest.layers.as_slice() else {
        return Err(Error::NotAComponent {
            what: what.to_owned(),
            why: format!("it has {} layers, and a component is one", manifest.layers.len()),
        });
    };
    if layer.media_type == COMPONENT {
        return Ok(layer.clone());
    }
    Err(Error::NotAComponent {
        what: what.to_owned(),
        why: format!("its layer is `{}`, not `{COMPONENT}`", layer.media_type),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_component_is_the_same_artifact() {
        let facts = Facts {
            action: "acme:drain".into(),
            version: "1.0.0".into(),
            ..Facts::default()
        };
        let one = of_component(Bytes::from_static(b"\0asm"), &facts);
        let read = manifest(&one.manifest, "it").unwrap();
        assert_eq!(read.config.media_type, "application/vnd.wasm.config.v0+json");
        assert_eq!(component_of(&read, "it").unwrap().digest, Digest::of(b"\0asm"));
        assert_eq!(read.annotations["org.opencontainers.image.version"], "1.0.0");
        assert_eq!(
            of_component(Bytes::from_static(b"\0asm"), &facts).manifest,
            one.manifest
        );
    }

    #[test]
    fn other_artifacts_are_told() {
        let why = |text: &str| {
            let read = manifest(text.as_bytes(), "x").and_then(|read| component_of(&read, "x"));
            read.unwrap_err().to_string()
        };
        assert!(why("<html>").contains("not JSON"));
        assert!(why(r#"{"schemaVersion": 2, "manifests": []}"#).contains("several machines"));
        assert!(why(r#"{"schemaVersion": 2}"#).contains("cannot be read"));
        let config = r#""config": {"mediaType": "x", "digest": "HEX", "size": 1}"#.replace("HEX", &"a".repeat(64));
        assert!(why(&format!(r#"{{"schemaVersion": 2, {config}, "layers": []}}"#)).contains("0 layers"));
        let layer = config.replace("\"config\": ", "");
        assert!(why(&format!(r#"{{"schemaVersion": 2, {config}, "layers": [{layer}]}}"#)).contains("layer is `x`"));
    }
}
