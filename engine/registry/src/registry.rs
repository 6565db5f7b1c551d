//! Getting components: out of the cache, out of the operator's folders, out of registries. And putting them there.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use bytes::Bytes;
use runwright_model::digest::Digest;

use crate::{
    Error, Facts, PrivateKey, Proof, Reference,
    artifact::{self, Artifact, Descriptor},
    credentials::Credentials,
    layout::Layout,
    signature::{self, PAYLOAD_BYTES, SIGNATURES_MAX},
    wire::Wire,
};

/// The most bytes of a component unless [`Settings`] say otherwise: those that the host takes.
const COMPONENT_BYTES: u64 = 128 * 1024 * 1024;

/// What a registry may do and whom it may ask.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether no registry is asked, whatever is missing.
    pub offline: bool,
    /// OCI image layouts that are looked into before a registry is asked.
    pub from: Vec<PathBuf>,
    /// Hosts that may be asked without TLS, beside this machine.
    pub plain_http: Vec<String>,
    /// Docker's `config.json`, for logins.
    pub logins: Option<PathBuf>,
    /// The most bytes of a component.
    pub component_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            offline: false,
            from: Vec::new(),
            plain_http: Vec::new(),
            logins: None,
            component_bytes: COMPONENT_BYTES,
        }
    }
}

/// Registries, as this machine reaches them, and the cache of what came from there.
#[derive(Debug)]
pub struct Registry {
    cache: Layout,
    settings: Settings,
    /// Made when first needed: credentials are not read before.
    wire: OnceLock<Wire>,
}

/// A component that is in the cache now.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// Its bytes.
    pub component: Bytes,
    /// Their digest: what a runbook pins.
    pub digest: Digest,
    /// The digest of its manifest: what a registry knows it by.
    pub manifest: Digest,
    /// Its signatures, as far as they are known here.
    pub proofs: Vec<Proof>,
}

/// A component that is in a registry now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digest of the component.
    pub digest: Digest,
    /// The digest of its manifest.
    pub manifest: Digest,
}

impl Registry {
    /// The cache in this folder, which is made when something is kept.
    #[must_use]
    pub fn new(folder: &Path, settings: Settings) -> Self {
        Self {
            cache: Layout::at(folder),
            settings,
            wire: OnceLock::new(),
        }
    }

    /// A component, out of the cache when it is there. With `pin` it is the component of that digest or an error; without,
    /// the registry is asked what the tag means now.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but those of [`crate::Trust`].
    pub async fn pull(&self, reference: &Reference, pin: Option<Digest>) -> Result<Pulled, Error> {
        if let Some(found) = self.kept(reference, pin)? {
            return Ok(found);
        }
        if self.settings.offline {
            return Err(self.offline(reference, pin));
        }
        let (bytes, manifest) = self.asked(reference).await?;
        let layer = artifact::component_of(&manifest, &reference.to_string())?;
        if let Some(wanted) = pin.filter(|wanted| *wanted != layer.digest) {
            return Err(Error::WrongDigest {
                what: format!("the component {reference}"),
                wanted,
                found: layer.digest,
            });
        }
        let wire = self.wire()?;
        let component = wire
            .blob(reference, &layer.digest, self.settings.component_bytes)
            .await?;
        let config = wire.blob(reference, &manifest.config.digest, PAYLOAD_BYTES).await?;
        let artifact = Artifact {
            manifest: bytes.clone(),
            blobs: vec![component.clone(), config],
        };
        self.cache.keep(&reference.to_string(), &artifact)?;
        let proofs = self.pull_signatures(reference, &bytes).await?;
        Ok(Pulled {
            component,
            digest: layer.digest,
            manifest: Digest::of(&bytes),
            proofs,
        })
    }

    /// Looks for signatures that were made since a component came into the cache. Answers all that are known then.
    ///
    /// # Errors
    ///
    /// Those of [`Registry::pull`].
    pub async fn look_again(&self, reference: &Reference, pulled: &Pulled) -> Result<Vec<Proof>, Error> {
        let manifest = self.cache.blob(&pulled.manifest, crate::layout::MANIFEST_BYTES)?;
        let Some(manifest) = manifest.filter(|_| !self.settings.offline) else {
            return Ok(pulled.proofs.clone());
        };
        self.pull_signatures(reference, &manifest).await
    }

    /// The digest of the component that a reference names now, in the operator's folders or in its registry.
    ///
    /// # Errors
    ///
    /// Those of [`Registry::pull`].
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest, Error> {
        let name = reference.to_string();
        for layout in self.folders() {
            if let Some(bytes) = layout.manifest(&name)? {
                return Ok(artifact::component_of(&artifact::manifest(&bytes, &name)?, &name)?.digest);
            }
        }
        if self.settings.offline {
            return Err(self.offline(reference, None));
        }
        let (_, manifest) = self.asked(reference).await?;
        Ok(artifact::component_of(&manifest, &name)?.digest)
    }

    /// The signatures of a component that are known on this machine: in the cache and in the operator's folders.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn proofs(&self, component: &Digest) -> Result<Vec<Proof>, Error> {
        let mut found = signature::read(&self.detached(component))?;
        for layout in self.layouts() {
            for (name, manifest) in layout.manifests_of(component)? {
                // Whatever the tag, the signatures stand in the same repository.
                if let Ok(reference) = name.parse::<Reference>() {
                    found.extend(kept_signatures(&layout, &reference, &manifest)?);
                }
            }
        }
        found.dedup();
        found.truncate(SIGNATURES_MAX);
        Ok(found)
    }

    /// Keeps the signatures of a component that came as a file, so that who runs it can look at them.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn keep_proofs(&self, component: &Digest, proofs: &[Proof]) -> Result<(), Error> {
        let lines: Vec<&str> = proofs
            .iter()
            .filter_map(|proof| match proof {
                Proof::Detached(signature) => Some(signature.as_str()),
                Proof::Payload { .. } => None,
            })
            .collect();
        let file = self.detached(component);
        if lines.is_empty() || signature::read(&file)? == proofs {
            return Ok(());
        }
        let folder = file.parent().unwrap_or(&file);
        std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::NamedTempFile::new_in(folder))
            .and_then(|mut new| {
                std::io::Write::write_all(&mut new, (lines.join("\n") + "\n").as_bytes())?;
                new.persist(&file).map_err(|error| error.error)
            })
            .map(drop)
            .map_err(|error| Error::File {
                path: file.clone(),
                why: error.to_string(),
            })
    }

    /// Puts a component into a registry, signed when there is a key.
    ///
    /// # Errors
    ///
    /// Those of the registry; [`Error::Reference`] when it is named by a digest.
    pub async fn push(
        &self,
        reference: &Reference,
        component: Bytes,
        facts: &Facts,
        key: Option<&PrivateKey>,
    ) -> Result<Pushed, Error> {
        if reference.manifest().is_some() {
            return Err(Error::Reference {
                text: reference.to_string(),
                why: "something new is pushed under a tag, and gets its digest by that",
            });
        }
        self.check_online(reference)?;
        let digest = Digest::of(&component);
        let artifact = artifact::of_component(component, facts);
        self.wire()?.push(reference, &artifact).await?;
        let manifest = Digest::of(&artifact.manifest);
        if let Some(key) = key {
            self.sign_manifest(reference, &manifest, key).await?;
        }
        Ok(Pushed { digest, manifest })
    }

    /// Signs what a reference names now, and puts the signature beside it.
    ///
    /// # Errors
    ///
    /// Those of the registry.
    pub async fn sign(&self, reference: &Reference, key: &PrivateKey) -> Result<Pushed, Error> {
        self.check_online(reference)?;
        let (bytes, manifest) = self.asked(reference).await?;
        let digest = artifact::component_of(&manifest, &reference.to_string())?.digest;
        let manifest = Digest::of(&bytes);
        self.sign_manifest(reference, &manifest, key).await?;
        Ok(Pushed { digest, manifest })
    }

    /// Puts a component with its signatures into another folder, under its name in the registry.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn copy_to(&self, folder: &Path, reference: &Reference, pulled: &Pulled) -> Result<(), Error> {
        let target = Layout::at(folder);
        let mut names = vec![(reference.to_string(), Some(pulled.manifest))];
        names.push((reference.signatures_of(&pulled.manifest).to_string(), None));
        for (name, digest) in names {
            for layout in self.layouts() {
                let manifest = match digest {
                    Some(digest) => layout.blob(&digest, crate::layout::MANIFEST_BYTES)?,
                    None => layout.manifest(&name)?,
                };
                let Some(manifest) = manifest else { continue };
                let read = artifact::manifest(&manifest, &name)?;
                let mut blobs = Vec::new();
                for part in read.layers.iter().chain([&read.config]) {
                    blobs.extend(layout.blob(&part.digest, self.settings.component_bytes)?);
                }
                target.keep(&name, &Artifact { manifest, blobs })?;
                break;
            }
        }
        Ok(())
    }

    /// What is here already, whole.
    fn kept(&self, reference: &Reference, pin: Option<Digest>) -> Result<Option<Pulled>, Error> {
        let name = reference.to_string();
        let most = self.settings.component_bytes;
        let pinned = pin.is_some() || reference.manifest().is_some();
        // What a tag meant once is not what it means now: without a pin, only the operator's folders speak for it.
        let layouts = if pinned { self.layouts() } else { self.folders() };
        for layout in layouts {
            let mut manifests = match (reference.manifest(), pin) {
                (Some(digest), _) => layout
                    .blob(&digest, crate::layout::MANIFEST_BYTES)?
                    .into_iter()
                    .collect(),
                (None, Some(pin)) => layout.manifests_of(&pin)?.into_iter().map(|(_, bytes)| bytes).collect(),
                (None, None) => Vec::new(),
            };
            manifests.extend(layout.manifest(&name)?);
            for manifest in manifests {
                let layer = artifact::component_of(&artifact::manifest(&manifest, &name)?, &name)?;
                if pin.is_some_and(|pin| pin != layer.digest) {
                    continue;
                }
                if let Some(component) = layout.blob(&layer.digest, most)? {
                    return Ok(Some(Pulled {
                        proofs: self.proofs(&layer.digest)?,
                        digest: layer.digest,
                        manifest: Digest::of(&manifest),
                        component,
                    }));
                }
            }
        }
        Ok(None)
    }

    async fn asked(&self, reference: &Reference) -> Result<(Bytes, artifact::Manifest), Error> {
        let bytes = self.wire()?.manifest(reference).await?.ok_or_else(|| Error::NotFound {
            host: reference.host().to_owned(),
            what: reference.to_string(),
        })?;
        let manifest = artifact::manifest(&bytes, &reference.to_string())?;
        Ok((bytes, manifest))
    }

    /// Fetches the signatures of a manifest into the cache.
    async fn pull_signatures(&self, reference: &Reference, manifest: &Bytes) -> Result<Vec<Proof>, Error> {
        let place = reference.signatures_of(&Digest::of(manifest));
        let Some((bytes, layers)) = self.signatures_at(&place).await? else {
            return Ok(Vec::new());
        };
        let mut blobs: Vec<Bytes> = layers.iter().map(|(_, payload)| payload.clone()).collect();
        let config = artifact::manifest(&bytes, &place.to_string())?.config;
        blobs.push(self.wire()?.blob(&place, &config.digest, PAYLOAD_BYTES).await?);
        self.cache
            .keep(&place.to_string(), &Artifact { manifest: bytes, blobs })?;
        let proof = |(layer, payload)| signature::proof(&layer, payload, manifest);
        Ok(layers.into_iter().map(proof).collect())
    }

    /// The signatures that a registry has under this name, with the manifest that lists them.
    async fn signatures_at(&self, place: &Reference) -> Result<Option<(Bytes, Vec<(Descriptor, Bytes)>)>, Error> {
        let wire = self.wire()?;
        let Some(bytes) = wire.manifest(place).await? else {
            return Ok(None);
        };
        let mut found = Vec::new();
        for layer in signature::layers(&artifact::manifest(&bytes, &place.to_string())?) {
            let payload = wire.blob(place, &layer.digest, PAYLOAD_BYTES).await?;
            found.push((layer, payload));
        }
        Ok(Some((bytes, found)))
    }

    async fn sign_manifest(&self, reference: &Reference, manifest: &Digest, key: &PrivateKey) -> Result<(), Error> {
        let place = reference.signatures_of(manifest);
        let before = self.signatures_at(&place).await?.map(|(_, layers)| layers);
        let artifact = signature::signed(reference, manifest, key, before.unwrap_or_default());
        self.wire()?.push(&place, &artifact).await
    }

    fn wire(&self) -> Result<&Wire, Error> {
        if let Some(wire) = self.wire.get() {
            return Ok(wire);
        }
        let logins = match &self.settings.logins {
            Some(file) => Credentials::read(file)?,
            None => Credentials::default(),
        };
        let wire = Wire::new(self.settings.plain_http.clone(), logins)?;
        Ok(self.wire.get_or_init(|| wire))
    }

    fn folders(&self) -> Vec<Layout> {
        self.settings.from.iter().map(|folder| Layout::at(folder)).collect()
    }

    fn layouts(&self) -> Vec<Layout> {
        let mut all = vec![self.cache.clone()];
        all.extend(self.folders());
        all
    }

    /// Where signatures of files are kept, by the file's content.
    fn detached(&self, component: &Digest) -> PathBuf {
        self.cache.folder().join("signatures").join(component.to_hex())
    }

    fn check_online(&self, reference: &Reference) -> Result<(), Error> {
        if self.settings.offline {
            return Err(self.offline(reference, None));
        }
        Ok(())
    }

    fn offline(&self, reference: &Reference, pin: Option<Digest>) -> Error {
        let looked: Vec<String> = self
            .layouts()
            .iter()
            .map(|layout| layout.folder().display().to_string())
            .collect();
        Error::Offline {
            what: pin.map_or_else(|| reference.to_string(), |pin| format!("{reference} ({pin})")),
            looked: looked.join(", "),
        }
    }
}

fn kept_signatures(layout: &Layout, reference: &Reference, manifest: &Bytes) -> Result<Vec<Proof>, Error> {
    let place = reference.signatures_of(&Digest::of(manifest)).to_string();
    let Some(bytes) = layout.manifest(&place)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for layer in signature::layers(&artifact::manifest(&bytes, &place)?) {
        if let Some(payload) = layout.blob(&layer.digest, PAYLOAD_BYTES)? {
            found.push(signature::proof(&layer, payload, manifest));
        }
    }
    Ok(found)
}
