//! sled, with its edges off: its errors are ours, and its panics are errors.

use std::{
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use sled::IVec;

use crate::{Error, Result};

/// The database of one open store.
#[derive(Clone)]
pub(crate) struct Tree {
    /// `None` only while it is dropped, or could not be opened again on a full disk.
    db: Option<sled::Db>,
    /// The state directory, for errors.
    directory: PathBuf,
}

/// A part of the keys, from the first bound to the second.
pub(crate) type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

impl Tree {
    pub(crate) fn new(db: sled::Db, directory: &Path) -> Self {
        Self {
            db: Some(db),
            directory: directory.to_owned(),
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>> {
        self.contain(|db| db.get(key))
    }

    /// One change: a new value, or `None` to take the key away.
    pub(crate) fn set(&self, key: &IVec, value: Option<&IVec>) -> Result<()> {
        self.contain(|db| match value {
            Some(value) => db.insert(key, value),
            None => db.remove(key),
        })
        .map(|_before| ())
    }

    pub(crate) fn apply(&self, batch: sled::Batch) -> Result<()> {
        self.contain(|db| db.apply_batch(batch))
    }

    /// Hands everything written so far to the operating system.
    pub(crate) fn flush(&self) -> Result<()> {
        self.contain(|db| db.flush()).map(|_bytes| ())
    }

    /// At most `most` cells of a range, from its front or from its back.
    pub(crate) fn cells(&self, range: &Range, backwards: bool, most: usize) -> Result<Vec<(IVec, IVec)>> {
        self.contain(|db| {
            let cells = db.range::<Vec<u8>, _>(range.clone());
            if backwards {
                cells.rev().take(most).collect()
            } else {
                cells.take(most).collect()
            }
        })
    }

    /// Runs one call of sled. A panic in it (it has assertions about what it reads) must not end the caller.
    fn contain<T>(&self, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T> {
        let db = self.db.as_ref().ok_or_else(|| Error::Full {
            path: self.directory.clone(),
        })?;
        match catch_unwind(AssertUnwindSafe(|| call(db))) {
            Ok(answer) => answer.map_err(|error| translate(error, &self.directory)),
            Err(panic) => Err(Error::Backend(format!(
                "the database panicked: {}",
                panic_text(panic.as_ref())
            ))),
        }
    }
}

impl Tree {
    /// Closes it, when no clone is left. Answers [`Error::Full`] from then on: only a full disk leaves it so.
    ///
    /// The last drop of a database flushes, and sled panics where that fails.
    pub(crate) fn close(&mut self) {
        let db = self.db.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(db))) {
            tracing::error!(directory = %self.directory.display(), "the database panicked while it closed: {}", panic_text(panic.as_ref()));
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.close();
    }
}

/// sled's error as ours.
pub(crate) fn translate(error: sled::Error, directory: &Path) -> Error {
    match error {
        sled::Error::Io(source) => from_io(source, directory),
        sled::Error::Corruption { at, .. } => Error::Damaged {
            what: format!("the database in {}", directory.display()),
            why: at.map_or_else(
                || "a checksum of its own files does not fit".to_owned(),
                |at| format!("its checksum does not fit at {at:?}"),
            ),
        },
        sled::Error::CollectionNotFound(_) | sled::Error::Unsupported(_) | sled::Error::ReportableBug(_) => {
            Error::Backend(error.to_string())
        }
    }
}

/// An error of the system in the state directory as ours.
pub(crate) fn from_io(source: std::io::Error, directory: &Path) -> Error {
    use std::io::ErrorKind;
    let path = directory.to_owned();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Error::Full { path },
        ErrorKind::NotFound
        | ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::InvalidInput => Error::Directory { path, source },
        _ => Error::Backend(format!("in {}: {source}", path.display())),
    }
}

pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
