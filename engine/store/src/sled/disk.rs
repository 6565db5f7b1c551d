//! Files and directories of a store: what they are called, how they are locked, how they become durable.
//!
//! ```text
//! lock      flock'ed by the process that has the store open; holds its pid
//! format    line 1: the number of the format; line 2: the directory with the database
//! sled.N    the database; compaction writes sled.N+1 beside it, and then changes `format`
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::FlockOperation;

use super::tree::from_io;
use crate::{Error, Result};

/// The format of directories that this program writes, and the latest that it opens.
pub(crate) const FORMAT: u32 = 2;

/// What the file `format` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Current {
    /// The format of what is in the database.
    pub(crate) format: u32,
    /// The number of the database in use.
    pub(crate) number: u32,
    /// Nothing was made yet: the file is not there.
    pub(crate) is_new: bool,
}

/// A locked state directory.
pub(crate) struct Directory {
    path: PathBuf,
    lock: File,
}

impl Drop for Directory {
    /// Not left to the closing of the file: a process that is being started has it open, too, until it is another program.
    fn drop(&mut self) {
        // What cannot be unlocked is closed in a moment.
        let _ = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }
}

impl Directory {
    /// Makes the directory if it is not there, and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self> {
        let fail = |source| from_io(source, path);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(fail)?;
        let mut options = OpenOptions::new();
        // Not truncated: until the lock is ours, the pid in it is another's.
        let lock = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"));
        let mut lock = lock.map_err(fail)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut text = String::new();
                let holder = lock
                    .read_to_string(&mut text)
                    .ok()
                    .and_then(|_bytes| text.trim().parse().ok());
                return Err(Error::InUse {
                    path: path.to_owned(),
                    holder,
                });
            }
            Err(errno) => {
                return Err(Error::Directory {
                    path: path.to_owned(),
                    source: errno.into(),
                });
            }
        }
        lock.set_len(0)
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of database number `number`.
    pub(crate) fn database(&self, number: u32) -> PathBuf {
        self.path.join(format!("sled.{number}"))
    }

    /// The database in use; takes away what an interrupted compaction left.
    pub(crate) fn current(&self) -> Result<Current> {
        let there = self.databases()?;
        let new = |number| Current {
            format: FORMAT,
            number,
            is_new: true,
        };
        let current = match fs::read_to_string(self.path.join("format")) {
            Ok(text) => self.parse_format(&text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match there.as_slice() {
                // New, or stopped before the format was written.
                [] => new(1),
                [only] => new(*only),
                [..] => return Err(self.damaged("the file `format` is missing, and there are several databases")),
            },
            Err(error) => return Err(from_io(error, &self.path)),
        };
        if !there.is_empty() && !there.contains(&current.number) {
            return Err(self.damaged("the database that the file `format` names is missing"));
        }
        for leftover in there.into_iter().filter(|number| *number != current.number) {
            fs::remove_dir_all(self.database(leftover)).map_err(|source| from_io(source, &self.path))?;
        }
        Ok(current)
    }

    /// Makes database `number`, whose contents have this format, the one in use, in one step.
    pub(crate) fn set_current(&self, format: u32, number: u32) -> Result<()> {
        let fail = |source| from_io(source, &self.path);
        let draft = self.path.join("format.new");
        let mut file = File::create(&draft).map_err(fail)?;
        write!(file, "{format}\nsled.{number}\n")
            .and_then(|()| file.sync_all())
            .map_err(fail)?;
        fs::rename(&draft, self.path.join("format")).map_err(fail)?;
        sync_directory(&self.path)?;
        // The entry of the directory itself, when it is new.
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
            Some(_) | None => Ok(()),
        }
    }

    fn parse_format(&self, text: &str) -> Result<Current> {
        let mut lines = text.lines();
        let found: u32 = lines
            .next()
            .and_then(|line| line.trim().parse().ok())
            .ok_or_else(|| self.damaged("the file `format` does not begin with a number"))?;
        if found > FORMAT {
            return Err(Error::Newer {
                path: self.path.clone(),
                found,
                known: FORMAT,
            });
        }
        let number = lines
            .next()
            .and_then(|line| line.trim().strip_prefix("sled."))
            .and_then(|n| n.parse().ok());
        let number = number.ok_or_else(|| self.damaged("the second line of the file `format` names no database"))?;
        Ok(Current {
            format: found,
            number,
            is_new: false,
        })
    }

    fn databases(&self) -> Result<Vec<u32>> {
        let fail = |source| from_io(source, &self.path);
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(fail)? {
            let name = entry.map_err(fail)?.file_name();
            numbers.extend(
                name.to_str()
                    .and_then(|name| name.strip_prefix("sled."))
                    .and_then(|n| n.parse::<u32>().ok()),
            );
        }
        Ok(numbers)
    }

    fn damaged(&self, why: &str) -> Error {
        Error::Damaged {
            what: format!("the state directory {}", self.path.display()),
            why: why.to_owned(),
        }
    }
}

/// Opens a database for sled's settings that this crate relies on.
pub(crate) fn open_sled(path: &Path, cache_bytes: u64, directory: &Path) -> Result<::sled::Db> {
    // sled's own flusher calls fsync whenever it likes; the committer does it when it must.
    let config = ::sled::Config::new()
        .path(path)
        .cache_capacity(cache_bytes)
        .flush_every_ms(None);
    remove_unfinished(path).map_err(|source| from_io(source, directory))?;
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(2);
    loop {
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| config.open()));
        match opened {
            Ok(Ok(db)) => return Ok(db),
            // The directory's lock is ours, so this can only be a thread of a closed database of this
            // process that has not let go of its file yet.
            Ok(Err(::sled::Error::Io(error))) if is_locked(&error) && std::time::Instant::now() < patience => {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            Ok(Err(error)) => return Err(super::tree::translate(error, directory)),
            Err(panic) => {
                return Err(Error::Damaged {
                    what: format!("the database in {}", directory.display()),
                    why: format!(
                        "it panicked while it was opened: {}",
                        super::tree::panic_text(panic.as_ref())
                    ),
                });
            }
        }
    }
}

/// Takes away a table of pages that was being written when everything stopped. sled would take it for the latest one,
/// find it damaged, and not open; without it, sled makes it again from the one before.
fn remove_unfinished(database: &Path) -> std::io::Result<()> {
    let entries = match fs::read_dir(database) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("snap.") && name.ends_with(".generating"))
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// sled wraps the system's error in a text.
fn is_locked(error: &std::io::Error) -> bool {
    error.to_string().starts_with("could not acquire lock")
}

/// Makes what sled has written survive a power cut.
pub(crate) struct Syncer {
    path: PathBuf,
    directory: PathBuf,
    database: File,
    /// The highest number of a large page that is durable.
    synced_page: i64,
}

impl Syncer {
    pub(crate) fn open(path: &Path, directory: &Path) -> Result<Self> {
        let database = OpenOptions::new().read(true).write(true).open(path.join("db"));
        let database = database.map_err(|source| from_io(source, directory))?;
        Ok(Self {
            path: path.to_owned(),
            directory: directory.to_owned(),
            database,
            synced_page: i64::MIN,
        })
    }

    /// Makes the files themselves durable, once after they were made.
    pub(crate) fn sync_files(&mut self) -> Result<()> {
        for entry in fs::read_dir(&self.path).map_err(|source| self.failed(source))? {
            let path = entry.map_err(|source| self.failed(source))?.path();
            File::open(path)
                .and_then(|file| file.sync_all())
                .map_err(|source| self.failed(source))?;
        }
        self.sync()?;
        sync_directory(&self.path)?;
        sync_directory(&self.directory)
    }

    /// `fdatasync`, after sled's own flush.
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.sync_large_pages()
            .and_then(|()| self.database.sync_data())
            .map_err(|source| self.failed(source))
    }

    /// sled puts a page above 128 KiB into a file of its own and never syncs it. Cells are kept so small
    /// that there is none, but durability does not hang on that: the folder is looked at each time, which
    /// costs microseconds while it is empty.
    fn sync_large_pages(&mut self) -> std::io::Result<()> {
        let folder = self.path.join("blobs");
        let mut latest = self.synced_page;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.parse::<i64>().ok());
            if let Some(number) = number.filter(|number| *number > self.synced_page) {
                match File::open(entry.path()) {
                    Ok(file) => file.sync_all()?,
                    // sled has replaced it meanwhile.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
                latest = latest.max(number);
            }
        }
        if latest > self.synced_page {
            File::open(&folder)?.sync_all()?;
            self.synced_page = latest;
        }
        Ok(())
    }

    fn failed(&self, source: std::io::Error) -> Error {
        from_io(source, &self.directory)
    }
}

/// Bytes that may still be written to the directory's disk by this user.
pub(crate) fn free_bytes(directory: &Path) -> Result<u64> {
    let facts = rustix::fs::statvfs(directory).map_err(|errno| from_io(errno.into(), directory))?;
    Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
}

/// What must fit before a database is opened again that a full disk stopped: it writes while it opens.
const ROOM_BYTES: u64 = 8 << 20;

/// Refuses to open a database on a full disk: it begins to write, cannot, and takes that for damage.
pub(crate) fn check_room_to_open(directory: &Path) -> Result<()> {
    if free_bytes(directory)? < ROOM_BYTES {
        return Err(Error::Full {
            path: directory.to_owned(),
        });
    }
    Ok(())
}

/// Whether so many bytes are free, and the database can grow: quotas and limits are seen only by those who write.
pub(crate) fn has_room(directory: &Path, database: &Path, reserve_bytes: u64) -> bool {
    if !free_bytes(directory).is_ok_and(|free| free >= reserve_bytes.max(ROOM_BYTES)) {
        return false;
    }
    let path = directory.join("room");
    let written = fs::metadata(database.join("db")).and_then(|db| {
        let mut file = File::create(&path)?;
        // Behind as many bytes as the database has, since a file's size may be limited as well.
        file.seek(SeekFrom::Start(db.len()))?;
        let block = vec![1; 1 << 20];
        for _ in 0..ROOM_BYTES >> 20 {
            file.write_all(&block)?;
        }
        file.sync_data()
    });
    let removed = fs::remove_file(&path);
    written.and(removed).is_ok()
}

/// Bytes that the files below a directory take up on the disk.
pub(crate) fn used_bytes(path: &Path) -> std::io::Result<u64> {
    let facts = match fs::symlink_metadata(path) {
        Ok(facts) => facts,
        // The database takes files away while it runs.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut bytes = facts.blocks() * 512;
    if facts.is_dir() {
        for entry in fs::read_dir(path)? {
            bytes += used_bytes(&entry?.path())?;
        }
    }
    Ok(bytes)
}

fn sync_directory(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| from_io(source, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_holder_whoever_else_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let held = Directory::lock(folder.path()).unwrap();
        let of_a_process_that_starts = held.lock.try_clone().unwrap();
        drop(held);
        assert!(Directory::lock(folder.path()).is_ok());
        drop(of_a_process_that_starts);
    }
}
