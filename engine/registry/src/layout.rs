//! A folder of artifacts: an OCI image layout, as `skopeo` and `oras` write it too. The cache is one, and so is a folder
//! that was carried to a machine without a network.
//!
//! What is read is checked against its digest, so a damaged folder lacks something and never gives something else.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use runwright_model::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    artifact::{self, Artifact, Descriptor, INDEX, MANIFEST},
};

/// Under this annotation a folder keeps the name of an artifact.
const NAME: &str = "org.opencontainers.image.ref.name";
const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// The most bytes of an index or manifest.
pub(crate) const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;

/// A folder. Nothing is made before something is kept.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    manifests: Vec<Descriptor>,
}

impl Layout {
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes by content; `None` when they are not here, or are damaged.
    pub(crate) fn blob(&self, digest: &Digest, most: u64) -> Result<Option<Bytes>, Error> {
        let path = self.path(digest);
        let Some(bytes) = read(&path, most)? else {
            return Ok(None);
        };
        if Digest::of(&bytes) == *digest {
            return Ok(Some(bytes.into()));
        }
        tracing::warn!(path = %path.display(), "a file of a folder of components is damaged and counts as missing");
        Ok(None)
    }

    /// The manifest of this name.
    pub(crate) fn manifest(&self, name: &str) -> Result<Option<Bytes>, Error> {
        // The last one counts, where a tool has kept several of one name.
        let named = |entry: &&Descriptor| entry.annotations.get(NAME).is_some_and(|known| known == name);
        let index = self.index()?;
        match index.manifests.iter().rev().find(named) {
            Some(entry) => self.blob(&entry.digest, MANIFEST_BYTES),
            None => Ok(None),
        }
    }

    /// Every manifest here that can be read, with its name.
    pub(crate) fn manifests(&self) -> Result<Vec<(String, Bytes)>, Error> {
        let mut found = Vec::new();
        for entry in self.index()?.manifests {
            if let Some(bytes) = self.blob(&entry.digest, MANIFEST_BYTES)? {
                found.push((entry.annotations.get(NAME).cloned().unwrap_or_default(), bytes));
            }
        }
        Ok(found)
    }

    /// Every manifest of this component, with its name.
    pub(crate) fn manifests_of(&self, component: &Digest) -> Result<Vec<(String, Bytes)>, Error> {
        let holds = |(name, bytes): &(String, Bytes)| {
            let layer = artifact::manifest(bytes, name).and_then(|read| artifact::component_of(&read, name));
            layer.is_ok_and(|layer| layer.digest == *component)
        };
        Ok(self.manifests()?.into_iter().filter(holds).collect())
    }

    /// Keeps an artifact under a name; whatever had the name has none any more.
    pub(crate) fn keep(&self, name: &str, artifact: &Artifact) -> Result<(), Error> {
        let work = || -> io::Result<()> {
            fs::create_dir_all(self.folder.join("blobs/sha256"))?;
            // Two processes must not each write an index without the other's entry.
            let lock = File::options()
                .create(true)
                .append(true)
                .open(self.folder.join(".lock"))?;
            lock.lock()?;
            for bytes in artifact.blobs.iter().chain([&artifact.manifest]) {
                self.write(&self.path(&Digest::of(bytes)), bytes)?;
            }
            let mut index = self.index().map_err(|error| io::Error::other(error.to_string()))?;
            index
                .manifests
                .retain(|entry| entry.annotations.get(NAME).is_none_or(|known| known != name));
            let mut entry = Descriptor::of(MANIFEST, &artifact.manifest);
            entry.annotations = BTreeMap::from([(NAME.to_owned(), name.to_owned())]);
            index.manifests.push(entry);
            self.write(&self.folder.join("oci-layout"), VERSION.as_bytes())?;
            let text = serde_json::to_vec(&index).expect("an index is JSON");
            self.write(&self.folder.join("index.json"), &text)
        };
        work().map_err(|error| self.refused(&self.folder, error.to_string()))
    }

    fn index(&self) -> Result<Index, Error> {
        let path = self.folder.join("index.json");
        match read(&path, MANIFEST_BYTES)? {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| self.refused(&path, format!("it is no index of an OCI layout: {error}"))),
            None => Ok(Index {
                schema_version: 2,
                media_type: Some(INDEX.to_owned()),
                manifests: Vec::new(),
            }),
        }
    }

    fn refused(&self, path: &Path, why: String) -> Error {
        Error::File {
            path: path.to_owned(),
            why,
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs/sha256").join(digest.to_hex())
    }

    /// Whole or not at all, and durably.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.folder);
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    }
}

/// A file's bytes, if there is one.
pub(crate) fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Error> {
    let refused = |error: io::Error| Error::File {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(error)),
    };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(refused)?;
    if bytes.len() as u64 > most {
        return Err(Error::TooLarge {
            which: "component-bytes",
            what: path.display().to_string(),
            used: bytes.len() as u64,
            limit: most,
        });
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Facts, of_component};

    #[test]
    fn what_is_kept_is_found_by_name_and_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(&folder.path().join("new"));
        assert_eq!(layout.manifest("a").unwrap(), None);
        let one = of_component(Bytes::from_static(b"one"), &Facts::default());
        let two = of_component(Bytes::from_static(b"two"), &Facts::default());
        layout.keep("a", &one).unwrap();
        layout.keep("b", &one).unwrap();
        layout.keep("a", &two).unwrap();
        assert_eq!(layout.manifest("a").unwrap().unwrap(), two.manifest);
        assert_eq!(layout.manifest("b").unwrap().unwrap(), one.manifest);
        let digest = Digest::of(b"one");
        assert_eq!(layout.blob(&digest, 3).unwrap().unwrap(), b"one"[..]);
        assert_eq!(layout.manifests_of(&digest).unwrap().len(), 1);
        assert_eq!(layout.blob(&digest, 2).unwrap_err().code(), "RW-P107");
    }

    #[test]
    fn what_is_damaged_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::at(folder.path());
        layout
            .keep("a", &of_component(Bytes::from_static(b"one"), &Facts::default()))
            .unwrap();
        let digest = Digest::of(b"one");
        fs::write(layout.path(&digest), b"eno").unwrap();
        assert_eq!(layout.blob(&digest, 9).unwrap(), None);
        fs::write(folder.path().join("index.json"), b"{").unwrap();
        assert_eq!(layout.manifest("a").unwrap_err().code(), "RW-P118");
    }
}
