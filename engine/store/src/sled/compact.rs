//! Copies a store into a new database, and leaves behind what the old one never gives back.

use std::{fs, ops::Bound, path::Path};

use super::{
    Options,
    disk::{self, Current, Directory},
    prefixed,
    tree::{Tree, from_io},
};
use crate::{Error, Result};

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes on the disk before.
    pub bytes_before: u64,
    /// Bytes on the disk after.
    pub bytes_after: u64,
    /// How many cells were copied.
    pub cells: u64,
}

/// Cells copied in one batch.
const CELLS_AT_ONCE: usize = 512;

impl super::SledStore {
    /// Copies everything into a new database beside the old one, compares them cell by cell, and then puts
    /// the new one in the place of the old one in a single step. Killed at any moment, it leaves a whole
    /// store: the old one or the new one. Needs as much free space as the new one takes.
    ///
    /// The store must not be open. Blocks for as long as it takes to read and write all of it.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] while it is open; [`Error::Full`]; otherwise as [`super::SledStore::open`]. Damage
    /// inside a record does not stop it: the record is copied as it is.
    pub fn compact(directory: impl AsRef<Path>) -> Result<Compacted> {
        let directory = Directory::lock(directory.as_ref())?;
        let fail = |source| from_io(source, directory.path());
        if !directory.path().join("format").exists() {
            return Err(fail(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "it holds no store",
            )));
        }
        let options = Options::default();
        let Current {
            format,
            number: old_number,
            ..
        } = directory.current()?;
        let new_number = old_number.checked_add(1).ok_or_else(|| {
            Error::Backend(format!(
                "{} was compacted too often; export and import it",
                directory.path().display()
            ))
        })?;
        let bytes_before = disk::used_bytes(directory.path()).map_err(fail)?;
        let cells = copy(&directory, old_number, new_number, &options)?;
        directory.set_current(format, new_number)?;
        fs::remove_dir_all(directory.database(old_number)).map_err(fail)?;
        let bytes_after = disk::used_bytes(directory.path()).map_err(fail)?;
        Ok(Compacted {
            bytes_before,
            bytes_after,
            cells,
        })
    }
}

/// Copies database `from` into database `to`, durably, and answers how many cells there are.
fn copy(directory: &Directory, from: u32, to: u32, options: &Options) -> Result<u64> {
    let open = |number| {
        let db = disk::open_sled(&directory.database(number), options.cache_bytes, directory.path())?;
        Ok::<_, Error>(Tree::new(db, directory.path()))
    };
    let (old, new) = (open(from)?, open(to)?);
    let mut copied = Digest::default();
    each(&old, |cells| {
        if disk::free_bytes(directory.path())? < options.reserve_bytes {
            return Err(Error::Full {
                path: directory.path().to_owned(),
            });
        }
        let mut batch = ::sled::Batch::default();
        for (key, cell) in cells {
            copied.add(key, cell);
            batch.insert(key, cell);
        }
        new.apply(batch)?;
        // Without it, sled would gather the writes of the whole copy in memory.
        new.flush()
    })?;
    disk::Syncer::open(&directory.database(to), directory.path())?.sync_files()?;
    let mut found = Digest::default();
    each(&new, |cells| {
        cells.iter().for_each(|(key, cell)| found.add(key, cell));
        Ok(())
    })?;
    if copied != found {
        return Err(Error::Backend(format!(
            "the copy of {} has {} cells and the store has {}, or they differ; the store was not changed",
            directory.path().display(),
            found.cells,
            copied.cells
        )));
    }
    Ok(found.cells)
}

/// Hands all cells of a database to `visit`, in order, some at a time.
fn each(tree: &Tree, mut visit: impl FnMut(&[(::sled::IVec, ::sled::IVec)]) -> Result<()>) -> Result<()> {
    let mut range = prefixed(Vec::new());
    loop {
        let cells = tree.cells(&range, false, CELLS_AT_ONCE)?;
        let Some((last, _)) = cells.last() else { return Ok(()) };
        range.0 = Bound::Excluded(last.to_vec());
        visit(&cells)?;
    }
}

/// Tells whether two databases hold the same cells.
#[derive(Default, PartialEq, Eq)]
struct Digest {
    cells: u64,
    crc: u32,
}

impl Digest {
    fn add(&mut self, key: &[u8], cell: &[u8]) {
        self.cells += 1;
        let mut hasher = crc32fast::Hasher::new_with_initial(self.crc);
        hasher.update(&(key.len() as u64).to_le_bytes());
        hasher.update(key);
        hasher.update(cell);
        self.crc = hasher.finalize();
    }
}
