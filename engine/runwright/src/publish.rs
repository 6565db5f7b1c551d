//! Components on their way to others: signed, pushed, pulled, verified.

use std::{
    fs,
    path::{Path, PathBuf},
};

use runwright_model::digest::Digest;
use runwright_registry::{Facts, PrivateKey, Proof, PublicKey, Reference, signature, verify};
use serde::Serialize;

use crate::{Error, Library};

/// What every plugin exports.
const ACTION: &str = "runwright:plugin/action@0.1.0";

/// A component in a registry, or on its way.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    /// Its name there.
    pub reference: String,
    /// Its digest: what a runbook writes under `sha256`.
    pub component: String,
    /// The digest of its manifest: what a registry knows it by.
    pub manifest: String,
    /// The file that was written, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// How many signatures there are, where they were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signatures: Option<usize>,
    /// The names of the keys of the operator's policy that signed it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<String>,
}

/// A component whose signatures were looked at.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Its digest.
    pub component: String,
    /// How many signatures it has.
    pub signatures: usize,
    /// The keys that signed it: their files, or their names in the operator's policy.
    pub signed_by: Vec<String>,
}

impl Library {
    /// Puts a component into a registry; signed, when the file of a private key is named.
    ///
    /// # Errors
    ///
    /// Those of [`Library::plugin`], and of the registry.
    pub async fn push(&self, file: &Path, reference: &str, key: Option<&Path>) -> Result<Published, Error> {
        let reference: Reference = reference.parse()?;
        let key = key.map(PrivateKey::read).transpose()?;
        let bytes = read(file)?;
        let view = self.view(&bytes, file.display().to_string()).await?;
        let manifest = &view.manifest;
        let facts = Facts {
            action: manifest.action.clone(),
            version: manifest.version.clone(),
            description: manifest.description.clone(),
            imports: view.imports.clone(),
            exports: vec![ACTION.to_owned()],
        };
        let registry = &self.distribution.registry;
        let pushed = registry.push(&reference, bytes.into(), &facts, key.as_ref()).await?;
        Ok(Published {
            reference: reference.to_string(),
            component: pushed.digest.to_string(),
            manifest: pushed.manifest.to_string(),
            file: None,
            signatures: None,
            signed_by: Vec::new(),
        })
    }

    /// Gets a component out of a registry into the cache, and, when they are named, into a file and into a folder that can
    /// be carried elsewhere (an OCI image layout). With `pin` it is the component of that digest.
    ///
    /// # Errors
    ///
    /// Those of the registry.
    pub async fn pull(
        &self,
        reference: &str,
        pin: Option<Digest>,
        file: Option<&Path>,
        folder: Option<&Path>,
    ) -> Result<Published, Error> {
        let reference: Reference = reference.parse()?;
        let registry = &self.distribution.registry;
        let pulled = registry.pull(&reference, pin).await?;
        if let Some(folder) = folder {
            registry.copy_to(folder, &reference, &pulled)?;
        }
        if let Some(file) = file {
            fs::write(file, &pulled.component).map_err(|error| unreadable(file, &error))?;
        }
        Ok(Published {
            reference: reference.to_string(),
            component: pulled.digest.to_string(),
            manifest: pulled.manifest.to_string(),
            file: file.map(Path::to_owned),
            signatures: Some(pulled.proofs.len()),
            signed_by: self.distribution.trust.signers(&pulled.component, &pulled.proofs),
        })
    }

    /// The digest of the component that a reference names now: what `plugin lock` writes.
    ///
    /// # Errors
    ///
    /// Those of the registry.
    pub async fn resolve(&self, reference: &str) -> Result<Digest, Error> {
        Ok(self.distribution.registry.resolve(&reference.parse()?).await?)
    }

    /// Signs a component: a file, beside which the signature is written, or one in a registry, where it is put beside it.
    /// Answers where the signature is.
    ///
    /// # Errors
    ///
    /// When the key or the file cannot be read, and those of the registry.
    pub async fn sign(&self, what: &str, key: &Path) -> Result<String, Error> {
        let key = PrivateKey::read(key)?;
        if is_file(what) {
            let file = signature::sign_file(Path::new(what), &key, self.host.limits().component_bytes)?;
            return Ok(file.display().to_string());
        }
        let reference: Reference = what.parse()?;
        let signed = self.distribution.registry.sign(&reference, &key).await?;
        Ok(format!(
            "{}/{} for {}",
            reference.host(),
            reference.repository(),
            signed.manifest
        ))
    }

    /// Checks that each of these public keys signed a component: a file, or one in a registry. Without keys, says which of
    /// the operator's policy did.
    ///
    /// # Errors
    ///
    /// When one of them did not, and those of [`Library::pull`].
    pub async fn verify(&self, what: &str, keys: &[PathBuf]) -> Result<Verified, Error> {
        let (bytes, proofs) = if is_file(what) {
            (
                read(Path::new(what))?,
                signature::read(&signature::beside(Path::new(what)))?,
            )
        } else {
            let pulled = self.distribution.registry.pull(&what.parse()?, None).await?;
            (pulled.component.to_vec(), pulled.proofs)
        };
        let mut signed_by = Vec::new();
        for file in keys {
            let name = file.display().to_string();
            verify(what, PublicKey::read(file)?, &name, &bytes, &proofs)?;
            signed_by.push(name);
        }
        if keys.is_empty() {
            signed_by = self.distribution.trust.signers(&bytes, &proofs);
            if signed_by.is_empty() {
                return Err(unsigned(what, &proofs));
            }
        }
        Ok(Verified {
            component: Digest::of(&bytes).to_string(),
            signatures: proofs.len(),
            signed_by,
        })
    }

    /// Makes a pair of keys in `STEM.key` and `STEM.pub`, and answers the files.
    ///
    /// # Errors
    ///
    /// When one of them is there already, or cannot be written.
    pub fn keygen(stem: &Path) -> Result<(PathBuf, PathBuf), Error> {
        Ok(PrivateKey::generate()?.write(stem)?)
    }

    /// The names of the keys of the operator's policy that signed a component in a file, and how many signatures there are.
    ///
    /// # Errors
    ///
    /// When the file of signatures cannot be read.
    pub fn signers(&self, file: &Path, component: &[u8]) -> Result<(Vec<String>, usize), Error> {
        let mut proofs = signature::read(&signature::beside(file))?;
        for proof in self.distribution.registry.proofs(&Digest::of(component))? {
            if !proofs.contains(&proof) {
                proofs.push(proof);
            }
        }
        Ok((self.distribution.trust.signers(component, &proofs), proofs.len()))
    }
}

fn unsigned(what: &str, proofs: &[Proof]) -> Error {
    let (action, origin, wanted) = (
        what.to_owned(),
        "the operator's policy".to_owned(),
        "one of its keys (or name one with --key)".to_owned(),
    );
    let error = match proofs.len() {
        0 => runwright_registry::Error::Unsigned { action, origin, wanted },
        number => runwright_registry::Error::WronglySigned {
            action,
            origin,
            wanted,
            count: format!("{number} signatures"),
        },
    };
    error.into()
}

/// A path, unless it can only be a name in a registry.
fn is_file(what: &str) -> bool {
    Path::new(what).exists() || what.ends_with(".wasm")
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    fs::read(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Error {
    Error::Unreadable {
        path: file.display().to_string(),
        why: error.to_string(),
    }
}
