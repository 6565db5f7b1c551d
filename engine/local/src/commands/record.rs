//! The records of commands: a folder for each call, which outlives the engine.
//!
//! | name | what |
//! | --- | --- |
//! | `lock` | held with `flock` by the engine that is about to start the command, then by its supervisor |
//! | `socket` | where the supervisor listens |
//! | `begun` | what and when; there before the command starts |
//! | `process` | the process the command began with |
//! | `output` | what it wrote, secrets hidden: frames of stream (1 byte), length (4 bytes, little-endian), bytes |
//! | `end` | how it ended; there after everything else is |
//!
//! So whoever holds the lock and finds no `begun` may start the command, and nobody else.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::{
        fd::AsRawFd as _,
        unix::{
            fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use runwright_model::digest::Digest;
use rustix::fs::{FlockOperation, flock};
use serde::{Serialize, de::DeserializeOwned};
use tempfile::TempDir;

pub(super) const BEGUN: &str = "begun";
pub(super) const PROCESS: &str = "process";
pub(super) const OUTPUT: &str = "output";
pub(super) const END: &str = "end";
const LOCK: &str = "lock";
const SOCKET: &str = "socket";
/// The ending of the name of a record that is being removed.
const GONE: &str = ".gone";

/// Where records are.
pub(super) enum Records {
    /// In a folder that stays.
    Lasting(PathBuf),
    /// In a folder for temporary files, made when it is needed, and gone with the engine.
    Temporary(Mutex<Option<TempDir>>),
}

/// The record of one call.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) folder: PathBuf,
}

/// What is found when a call wants to start its command.
pub(super) enum Claim {
    /// Nobody has begun it, and nobody else can now.
    Mine(File),
    /// Somebody holds the record: it runs, or is about to.
    Held,
    /// It was begun, and nobody watches over it any more.
    Over,
}

impl Records {
    pub(super) fn temporary() -> Self {
        Self::Temporary(Mutex::default())
    }

    /// Whether the records of an earlier process are here.
    pub(super) fn are_lasting(&self) -> bool {
        match self {
            Self::Lasting(_) => true,
            Self::Temporary(_) => false,
        }
    }

    /// The record of the call with this key, whether or not it is there.
    pub(super) fn of(&self, key: &str) -> io::Result<Record> {
        let folder = self.folder()?.join(Digest::of(key.as_bytes()).to_hex());
        Ok(Record { folder })
    }

    /// The records there are. Those whose removal was interrupted are removed.
    pub(super) fn all(&self) -> io::Result<Vec<Record>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.folder()?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let folder = entry?.path();
            if folder.extension().is_some_and(|ending| ending == &GONE[1..]) {
                fs::remove_dir_all(&folder)?;
            } else {
                found.push(Record { folder });
            }
        }
        Ok(found)
    }

    fn folder(&self) -> io::Result<PathBuf> {
        match self {
            Self::Lasting(folder) => Ok(folder.clone()),
            Self::Temporary(made) => {
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                if made.is_none() {
                    *made = Some(tempfile::Builder::new().prefix("runwright-commands-").tempdir()?);
                }
                let folder = made.as_ref().expect("made above");
                Ok(folder.path().to_path_buf())
            }
        }
    }
}

impl Record {
    /// Makes the record if it is not there, and tries to get hold of it.
    pub(super) fn claim(&self) -> io::Result<Claim> {
        loop {
            private_folder().recursive(true).create(&self.folder)?;
            let lock = match self.lock(true) {
                Ok(Some(lock)) => lock,
                Ok(None) => return Ok(Claim::Held),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            // The folder may have been removed since it was made.
            if !self.is_of(&lock) {
                continue;
            }
            let begun = self.folder.join(BEGUN).try_exists()?;
            return Ok(if begun { Claim::Over } else { Claim::Mine(lock) });
        }
    }

    /// Whether somebody watches over the command, or is about to start it.
    pub(super) fn is_held(&self) -> io::Result<bool> {
        match self.lock(false) {
            Ok(lock) => Ok(lock.is_none()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Listens where those who want to attach look. For the holder of the lock.
    pub(super) fn listen(&self) -> io::Result<UnixListener> {
        let folder = File::open(&self.folder)?;
        match fs::remove_file(self.folder.join(SOCKET)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        UnixListener::bind(socket(&folder))
    }

    /// Calls the supervisor.
    pub(super) async fn connect(&self) -> io::Result<tokio::net::UnixStream> {
        let folder = File::open(&self.folder)?;
        tokio::net::UnixStream::connect(socket(&folder)).await
    }

    /// Reads one of the files; `None` when it is not there.
    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.folder.join(name)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes the record, unless somebody holds it.
    pub(super) fn remove(&self) -> io::Result<()> {
        let lock = match self.lock(false) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        self.remove_locked(lock)
    }

    /// Removes a record whose lock is held.
    pub(super) fn remove_locked(&self, lock: File) -> io::Result<()> {
        if !self.is_of(&lock) {
            return Ok(());
        }
        // In one step: half a record would be taken for one of a command with an open end.
        let gone = self.folder.with_extension(&GONE[1..]);
        fs::rename(&self.folder, &gone)?;
        drop(lock);
        fs::remove_dir_all(gone)
    }

    /// The lock, unless somebody holds it.
    fn lock(&self, make: bool) -> io::Result<Option<File>> {
        let mut options = private_file();
        let file = options.create(make).truncate(false).open(self.folder.join(LOCK))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn is_of(&self, lock: &File) -> bool {
        let there = fs::metadata(self.folder.join(LOCK)).map(|facts| facts.ino());
        let held = lock.metadata().map(|facts| facts.ino());
        matches!((there, held), (Ok(there), Ok(held)) if there == held)
    }
}

/// Writes a file of a record so that it is there whole or not at all, and stays.
pub(super) fn write_durably(folder: &Path, name: &str, contents: &impl Serialize) -> io::Result<()> {
    let begun = folder.join(format!("{name}.new"));
    let mut file = private_file().create(true).truncate(true).open(&begun)?;
    serde_json::to_writer(&mut file, contents)?;
    file.sync_all()?;
    fs::rename(begun, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// A file that its owner alone may read and write.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// The socket by a short name: a path of a socket may have 107 bytes only.
fn socket(folder: &File) -> PathBuf {
    format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()).into()
}
