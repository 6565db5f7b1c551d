//! The highest version of each action that was used or pinned here, so that nobody brings a lower one back.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use semver::Version;

use crate::{Error, layout};

/// The most bytes of the file.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A file of versions.
#[derive(Debug, Clone)]
pub struct Versions(PathBuf);

impl Versions {
    /// The file in this folder, which is made with the first version.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.join("versions.json"))
    }

    /// The highest version of an action that was used.
    ///
    /// # Errors
    ///
    /// [`Error::File`]: a file that cannot be read must not count as one that says nothing.
    pub fn highest(&self, action: &str) -> Result<Option<Version>, Error> {
        Ok(self.read()?.remove(action))
    }

    /// Remembers that these are used, where they are the highest.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn note(&self, used: &[(String, Version)]) -> Result<(), Error> {
        let known = self.read()?;
        let is_new = |(action, version): &&(String, Version)| known.get(action).is_none_or(|before| before < version);
        if !used.iter().any(|used| is_new(&used)) {
            return Ok(());
        }
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let prepare = || -> io::Result<File> {
            fs::create_dir_all(folder)?;
            let lock = File::options().create(true).append(true).open(folder.join(".lock"))?;
            lock.lock()?;
            Ok(lock)
        };
        let _lock = prepare().map_err(|error| self.refused(error.to_string()))?;
        let mut known = self.read()?;
        for (action, version) in used {
            if known.get(action).is_none_or(|before| before < version) {
                known.insert(action.clone(), version.clone());
            }
        }
        let texts: BTreeMap<&String, String> = known
            .iter()
            .map(|(name, version)| (name, version.to_string()))
            .collect();
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, &texts)?;
            file.persist(&self.0)?;
            Ok(())
        };
        write().map_err(|error| self.refused(error.to_string()))
    }

    fn read(&self) -> Result<BTreeMap<String, Version>, Error> {
        let Some(bytes) = layout::read(&self.0, BYTES_MAX)? else {
            return Ok(BTreeMap::new());
        };
        let texts: BTreeMap<String, String> =
            serde_json::from_slice(&bytes).map_err(|error| self.refused(error.to_string()))?;
        let parsed = texts.into_iter().map(|(name, version)| Ok((name, version.parse()?)));
        parsed
            .collect::<Result<_, semver::Error>>()
            .map_err(|error| self.refused(error.to_string()))
    }

    fn refused(&self, why: String) -> Error {
        Error::File {
            path: self.0.clone(),
            why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let versions = Versions::new(&folder.path().join("new"));
        let note = |text: &str| versions.note(&[("acme:x".to_owned(), text.parse().unwrap())]).unwrap();
        assert_eq!(versions.highest("acme:x").unwrap(), None);
        for text in ["1.9.0", "1.10.0", "1.2.0"] {
            note(text);
        }
        assert_eq!(versions.highest("acme:x").unwrap().unwrap().to_string(), "1.10.0");
        assert_eq!(versions.highest("acme:y").unwrap(), None);
        fs::write(folder.path().join("new/versions.json"), "{").unwrap();
        assert_eq!(versions.highest("acme:x").unwrap_err().code(), "RW-P118");
    }
}
