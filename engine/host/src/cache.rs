//! Compiled components on disk.
//!
//! They are native code, so a file is only mapped when it is ours (owner and mode) and whole (a checksum kept
//! beside it). Everything here can be made again: a file that is not good is removed and compiled anew.

use std::{
    fs::{self, DirBuilder},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use runwright_model::digest::Digest;

use crate::{Error, manifest::Said};

/// A folder of compiled components for one configuration of the runtime.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// Names runtime version and configuration; part of every file's name.
    configuration: String,
}

impl Cache {
    /// Opens a folder, making it if it is missing.
    pub(crate) fn open(folder: &Path, configuration: String) -> Result<Self, Error> {
        let refuse = |reason: String| Error::CacheFolder {
            folder: folder.to_owned(),
            reason,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| refuse(format!("it cannot be made: {error}")))?;
        let facts = fs::metadata(folder).map_err(|error| refuse(error.to_string()))?;
        if !is_ours(&facts) {
            let mode = facts.permissions().mode() & 0o777;
            return Err(refuse(format!(
                "it holds native code, so it must belong to the engine's user and be closed to all others; it belongs \
                 to user {} and has mode {mode:o}: `chown` it and `chmod 700` it, or name another folder",
                facts.uid()
            )));
        }
        Ok(Self {
            folder: folder.to_owned(),
            configuration,
        })
    }

    /// The compiled form of a component, if there is a good one.
    pub(crate) fn artifact(&self, component: &Digest) -> Option<PathBuf> {
        let path = self.path(component, "cwasm");
        let seal = read_ours(&self.path(component, "sum"))?;
        if seal == sum_of(open_ours(&path)?)?.as_bytes() {
            return Some(path);
        }
        tracing::warn!(path = %path.display(), "a compiled plugin is damaged and is made anew");
        self.discard(component);
        None
    }

    /// Keeps a compiled form and answers where.
    pub(crate) fn keep_artifact(&self, component: &Digest, compiled: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(component, "cwasm");
        self.write(&path, compiled)?;
        self.write(&self.path(component, "sum"), sum(compiled).as_bytes())?;
        Ok(path)
    }

    /// Removes what is kept of a component.
    pub(crate) fn discard(&self, component: &Digest) {
        for kind in ["cwasm", "sum", "manifest"] {
            // Missing is as good as removed; what cannot be removed is refused again the next time.
            let _ = fs::remove_file(self.path(component, kind));
        }
    }

    /// What a component said of itself, if that is kept.
    pub(crate) fn said(&self, component: &Digest) -> Option<Said> {
        let bytes = read_ours(&self.path(component, "manifest"))?;
        let (seal, json) = bytes.split_at_checked(sum(b"").len())?;
        (seal == sum(json).as_bytes())
            .then(|| serde_json::from_slice(json).ok())
            .flatten()
    }

    /// Keeps what a component said of itself.
    pub(crate) fn keep_said(&self, component: &Digest, said: &Said) -> io::Result<()> {
        let json = serde_json::to_vec(said)?;
        let sealed = [sum(&json).as_bytes(), &json].concat();
        self.write(&self.path(component, "manifest"), &sealed)
    }

    fn path(&self, component: &Digest, kind: &str) -> PathBuf {
        self.folder
            .join(format!("{}-{}.{kind}", component.to_hex(), self.configuration))
    }

    /// Writes a whole file or none, and durably: a reader never sees a part.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        fs::File::open(&self.folder)?.sync_all()
    }
}

/// CRC-32. It tells damage, quickly also for a hundred megabytes; who writes as the engine's own user needs no damage.
fn sum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}

/// The same of a file, without holding all of it.
fn sum_of(mut file: fs::File) -> Option<String> {
    let mut hasher = crc32fast::Hasher::new();
    let mut part = vec![0; 256 * 1024];
    loop {
        match file.read(&mut part).ok()? {
            0 => return Some(format!("{:08x}", hasher.finalize())),
            read => hasher.update(&part[..read]),
        }
    }
}

/// A file's bytes, if it is a regular file that belongs to us alone.
fn read_ours(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    open_ours(path)?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A file, if it is a regular one that belongs to us alone.
fn open_ours(path: &Path) -> Option<fs::File> {
    let facts = fs::symlink_metadata(path).ok()?;
    if facts.is_file() && is_ours(&facts) {
        return fs::File::open(path).ok();
    }
    tracing::warn!(path = %path.display(), "a file in the cache is not the engine's own and is not used");
    None
}

fn is_ours(facts: &fs::Metadata) -> bool {
    facts.uid() == rustix::process::geteuid().as_raw() && facts.permissions().mode() & 0o077 == 0
}
