//! Signatures of components, in the two forms that `cosign` makes: of a file, beside it, and of a manifest in a registry.
//!
//! A signature in a registry is of a payload that names the manifest's digest; the manifest names the component's. What is
//! believed is therefore always a chain from a key to the component's bytes, checked here link by link.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use runwright_model::digest::Digest;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Error, Reference,
    artifact::{self, Artifact, Descriptor},
    key::{PrivateKey, PublicKey},
    layout,
};

const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const KIND: &str = "cosign container image signature";
/// The most bytes of a file of signatures, and of a payload.
const SIGNATURES_BYTES: u64 = 64 * 1024;
pub(crate) const PAYLOAD_BYTES: u64 = 64 * 1024;
/// The most signatures of one component that are looked at.
pub(crate) const SIGNATURES_MAX: usize = 32;

/// A signature, with what is between it and the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Of the component's bytes, in base64.
    Detached(String),
    /// Of a payload.
    Payload {
        /// What was signed.
        payload: Bytes,
        /// In base64.
        signature: String,
        /// The manifest that the payload should name, and that names the component.
        manifest: Bytes,
    },
}

/// Whether a key made a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Of this component.
    Good,
    /// Not at all.
    Other,
    /// It did, and signed something else.
    OtherContent { signed: String, found: String },
}

#[derive(Deserialize, Serialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize, Serialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Serialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    manifest: Digest,
}

impl Proof {
    /// What this key says of a component.
    pub(crate) fn check(&self, key: &PublicKey, component: &[u8]) -> Verdict {
        match self {
            Self::Detached(signature) if key.verifies(component, signature) => Verdict::Good,
            Self::Detached(_) => Verdict::Other,
            Self::Payload {
                payload,
                signature,
                manifest,
            } => {
                if !key.verifies(payload, signature) {
                    return Verdict::Other;
                }
                let found = Digest::of(manifest);
                let signed = serde_json::from_slice::<Payload>(payload).ok();
                let signed = signed.filter(|payload| payload.critical.kind == KIND);
                let Some(signed) = signed.map(|payload| payload.critical.image.manifest) else {
                    return Verdict::OtherContent {
                        signed: "something that is no manifest".to_owned(),
                        found: found.to_string(),
                    };
                };
                if signed != found {
                    return Verdict::OtherContent {
                        signed: signed.to_string(),
                        found: found.to_string(),
                    };
                }
                let named = artifact::manifest(manifest, "it").and_then(|read| artifact::component_of(&read, "it"));
                let of = Digest::of(component);
                match named {
                    Ok(layer) if layer.digest == of => Verdict::Good,
                    Ok(layer) => Verdict::OtherContent {
                        signed: layer.digest.to_string(),
                        found: of.to_string(),
                    },
                    Err(error) => Verdict::OtherContent {
                        signed: error.to_string(),
                        found: of.to_string(),
                    },
                }
            }
        }
    }
}

/// The file of signatures beside a component: its name and `.sig`.
#[must_use]
pub fn beside(component: &Path) -> PathBuf {
    let mut name = component.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// The signatures in a file, one a line; none when there is no file.
///
/// # Errors
///
/// [`Error::File`].
pub fn read(file: &Path) -> Result<Vec<Proof>, Error> {
    let Some(bytes) = layout::read(file, SIGNATURES_BYTES)? else {
        return Ok(Vec::new());
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines
        .take(SIGNATURES_MAX)
        .map(|line| Proof::Detached(line.to_owned()))
        .collect())
}

/// Signs a component's bytes, and adds the signature to those in the file beside it. Answers the file.
///
/// # Errors
///
/// [`Error::File`].
pub fn sign_file(component: &Path, key: &PrivateKey, most: u64) -> Result<PathBuf, Error> {
    let refused = |path: &Path, why: String| Error::File {
        path: path.to_owned(),
        why,
    };
    let bytes = layout::read(component, most)?.ok_or_else(|| refused(component, "there is no such file".to_owned()))?;
    let file = beside(component);
    let signature = key.sign(&bytes);
    let mut lines: Vec<String> = read(&file)?
        .into_iter()
        .filter_map(|proof| match proof {
            Proof::Detached(line) if line != signature => Some(line),
            Proof::Detached(_) | Proof::Payload { .. } => None,
        })
        .collect();
    lines.push(signature);
    lines.drain(..lines.len().saturating_sub(SIGNATURES_MAX));
    fs::write(&file, lines.join("\n") + "\n").map_err(|error| refused(&file, error.to_string()))?;
    Ok(file)
}

/// What is signed of a manifest.
fn payload_of(reference: &Reference, manifest: &Digest) -> Bytes {
    let payload = json!({
        "critical": {
            "identity": {"docker-reference": reference.place()},
            "image": {"docker-manifest-digest": manifest},
            "type": KIND,
        },
        "optional": null,
    });
    serde_json::to_vec(&payload).expect("it is JSON").into()
}

/// The artifact with one more signature of a manifest, as `cosign` keeps them.
pub(crate) fn signed(
    reference: &Reference,
    manifest: &Digest,
    key: &PrivateKey,
    before: Vec<(Descriptor, Bytes)>,
) -> Artifact {
    let payload = payload_of(reference, manifest);
    let signature = key.sign(&payload);
    let mut layers: Vec<(Descriptor, Bytes)> = before
        .into_iter()
        .filter(|(layer, _)| layer.annotations.get(SIGNATURE) != Some(&signature))
        .collect();
    let mut layer = Descriptor::of(PAYLOAD, &payload);
    layer.annotations.insert(SIGNATURE.to_owned(), signature);
    layers.push((layer, payload));
    let diff_ids: Vec<Digest> = layers.iter().map(|(layer, _)| layer.digest).collect();
    let config = json!({
        "architecture": "", "created": "0001-01-01T00:00:00Z", "os": "", "config": {},
        "history": vec![json!({"created": "0001-01-01T00:00:00Z"}); layers.len()],
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config: Bytes = serde_json::to_vec(&config).expect("it is JSON").into();
    Artifact::new(IMAGE_CONFIG, config, layers, Default::default())
}

/// The layers of an artifact of signatures that hold one.
pub(crate) fn layers(manifest: &artifact::Manifest) -> Vec<Descriptor> {
    let is_one = |layer: &&Descriptor| layer.media_type == PAYLOAD && layer.annotations.contains_key(SIGNATURE);
    manifest
        .layers
        .iter()
        .filter(is_one)
        .take(SIGNATURES_MAX)
        .cloned()
        .collect()
}

/// The proof that a layer and its payload are.
pub(crate) fn proof(layer: &Descriptor, payload: Bytes, manifest: &Bytes) -> Proof {
    Proof::Payload {
        payload,
        signature: layer.annotations.get(SIGNATURE).cloned().unwrap_or_default(),
        manifest: manifest.clone(),
    }
}
