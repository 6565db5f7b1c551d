//! The store on disk: journals in sled, durable when they say so.
//!
//! Writers gather a [`draft`] under a short lock and lay it over the database ([`layers`]); one thread
//! ([`committer`]) brings it into the database and onto the disk. `docs/JOURNAL.md` has the format and what
//! is done about the weaknesses of sled.

use std::{
    ops::Bound,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ::sled::IVec;

use self::{
    committer::Core,
    disk::{Current, Directory},
    draft::Draft,
    layers::Layers,
    tree::Tree,
};
use crate::{Durability, Epoch, Error, Result, codec};

mod check;
mod committer;
mod compact;
mod disk;
mod draft;
mod entries;
mod keys;
mod layers;
mod removal;
mod statuses;
mod store;
mod tree;

pub use check::{Finding, Report};
pub use compact::Compacted;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory for pages of the database, in bytes; 16 MiB by default. The system keeps what was read as well.
    pub cache_bytes: u64,
    /// After this long without a durable write, buffered writes are made durable; 200 ms by default.
    pub idle_flush: Duration,
    /// Writes are refused with [`Error::Full`] while the disk has fewer free bytes; 64 MiB by default.
    pub reserve_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
            idle_flush: Duration::from_millis(200),
            reserve_bytes: 64 << 20,
        }
    }
}

/// A store in a directory. A clone is another handle, with an epoch of its own. When the last handle is
/// dropped, everything is made durable and the directory is free for others.
///
/// A full disk is a state: writes are refused with [`Error::Full`], those under way wait, reads may be refused too,
/// and all goes on when there is room again. After another error of the disk the store still answers reads, and refuses writes until it is
/// opened again. The outcome of the writes that failed with it is not known until then: they may be there or not.
pub struct SledStore {
    shared: Arc<Shared>,
    /// The epoch this handle claimed last, or the owner's when the handle was made.
    epoch: AtomicU64,
}

struct Shared {
    core: Arc<Core>,
    committer: Mutex<Option<std::thread::JoinHandle<()>>>,
    options: Options,
    /// Dropped last: the directory is locked until the database is closed.
    directory: Directory,
}

impl SledStore {
    /// Opens the store in a directory, which is made if it is not there (mode 0700).
    ///
    /// Blocks for as long as the database takes to recover: its files are read from the last opening on.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`], [`Error::Newer`], [`Error::Directory`], [`Error::Full`], [`Error::Damaged`].
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self> {
        let directory = Directory::lock(directory.as_ref())?;
        let current = directory.current()?;
        disk::check_room_to_open(directory.path())?;
        let (tree, mut syncer) = open_database(&directory, current, &options)?;
        let mut layers = Layers::new(tree);
        let what = || "the owner's epoch".to_owned();
        if let Some(frame) = Draft::new(&layers).load(keys::EPOCH, &what)? {
            layers.owner = codec::decode(&frame, &what)?;
        }
        layers.load_removals()?;
        if current.format < disk::FORMAT {
            statuses::rebuild(&layers)?;
            syncer.sync()?;
            directory.set_current(disk::FORMAT, current.number)?;
        }
        let owner = layers.owner;
        let core = Arc::new(Core::new(layers, directory.path()));
        let target = committer::Target {
            syncer,
            reopen: Box::new({
                let (path, directory) = (directory.database(current.number), directory.path().to_owned());
                let cache_bytes = options.cache_bytes;
                move || {
                    let tree = Tree::new(disk::open_sled(&path, cache_bytes, &directory)?, &directory);
                    Ok((tree, disk::Syncer::open(&path, &directory)?))
                }
            }),
            has_room: Box::new({
                let (path, directory) = (directory.database(current.number), directory.path().to_owned());
                let reserve_bytes = options.reserve_bytes;
                move || disk::has_room(&directory, &path, reserve_bytes)
            }),
            idle: options.idle_flush,
        };
        let thread =
            committer::start(Arc::clone(&core), target).map_err(|source| tree::from_io(source, directory.path()))?;
        let shared = Shared {
            core,
            committer: Mutex::new(Some(thread)),
            options,
            directory,
        };
        let store = Self {
            shared: Arc::new(shared),
            epoch: AtomicU64::new(owner),
        };
        store.finish_removals()?;
        Ok(store)
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.shared.directory.path()
    }

    /// Bytes that the store takes up on the disk. It grows with what was ever written, until
    /// [`SledStore::compact`].
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] when the directory cannot be read.
    pub fn size_on_disk(&self) -> Result<u64> {
        disk::used_bytes(self.directory()).map_err(|source| tree::from_io(source, self.directory()))
    }

    fn core(&self) -> &Core {
        &self.shared.core
    }

    /// Makes one write: all that `change` drafts, or nothing. Waits as `durability` says.
    async fn write<T>(
        &self,
        epoch: Epoch,
        durability: Durability,
        change: impl FnOnce(&mut Draft<'_>) -> Result<T>,
    ) -> Result<T> {
        let (answer, wait) = self.submit(epoch, durability, change)?;
        if let Some(wait) = wait {
            // The committer answers everybody before it ends; a lost answer means that it was torn down.
            wait.await.map_err(|_lost| Error::Closed)??;
        }
        Ok(answer)
    }

    /// The part of a write that does not wait.
    fn submit<T>(
        &self,
        epoch: Epoch,
        durability: Durability,
        change: impl FnOnce(&mut Draft<'_>) -> Result<T>,
    ) -> Result<(T, committer::Wait)> {
        let core = self.core();
        let mut layers = core.layers_mut();
        if epoch.0 != layers.owner {
            return Err(Error::Fenced {
                epoch,
                owner: Epoch(layers.owner),
            });
        }
        let mut draft = Draft::new(&layers);
        let answer = change(&mut draft)?;
        let drafted = draft.finish();
        self.check_room(&layers)?;
        let wait = core.submit(&mut layers, drafted, durability)?;
        Ok((answer, wait))
    }

    /// Refuses a write while the disk is nearly full: a database that fails in the middle of a write has to
    /// be opened again, one that was never asked has not.
    fn check_room(&self, layers: &Layers) -> Result<()> {
        let free = disk::free_bytes(self.directory())?;
        let wanted = self
            .shared
            .options
            .reserve_bytes
            .saturating_add(layers.pending_bytes() as u64);
        if free < wanted {
            Err(Error::Full {
                path: self.directory().to_owned(),
            })
        } else {
            Ok(())
        }
    }

    /// The epoch of this handle, for writes that name none.
    fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// The frame at a key.
    fn load(&self, key: &[u8], what: &dyn Fn() -> String) -> Result<Option<IVec>> {
        Draft::new(&self.core().layers()).load(key, what)
    }

    /// Goes through the cells whose keys begin with `prefix` and sort after `after` (before `before`, when
    /// backwards), in order, with their frames, until `visit` answers false.
    ///
    /// The layers are locked for some cells at a time: a long walk sees changes that happen meanwhile.
    fn walk(&self, walk: &Walk<'_>, visit: &mut dyn FnMut(&IVec, IVec) -> Result<bool>) -> Result<()> {
        const CELLS_AT_ONCE: usize = 256;
        const BYTES_AT_ONCE: usize = 4 << 20;
        let mut range = walk.range.clone();
        loop {
            let layers = self.core().layers();
            let cells = layers.cells(&range, walk.backwards, CELLS_AT_ONCE.min(walk.most))?;
            let mut more = cells.len() == CELLS_AT_ONCE.min(walk.most);
            let mut bytes = 0;
            let mut frames = Vec::with_capacity(cells.len());
            for (key, cell) in cells {
                if bytes > BYTES_AT_ONCE {
                    more = true;
                    break;
                }
                let frame = match walk.framed {
                    true => draft::load(&cell, &key, &|part| layers.get(part), walk.what)?,
                    false => IVec::default(),
                };
                bytes += frame.len();
                frames.push((key, frame));
            }
            drop(layers);
            let Some(edge) = frames.last().map(|(key, _)| Bound::Excluded(key.to_vec())) else {
                return Ok(());
            };
            for (key, frame) in frames {
                if !visit(&key, frame)? {
                    return Ok(());
                }
            }
            if !more {
                return Ok(());
            }
            if walk.backwards { range.1 = edge } else { range.0 = edge }
        }
    }
}

/// Which cells are walked, and how.
struct Walk<'a> {
    range: tree::Range,
    backwards: bool,
    /// How many are likely wanted; more are read when needed.
    most: usize,
    /// Whether the cells hold frames, or are only marks.
    framed: bool,
    /// Names a cell in errors.
    what: &'a dyn Fn() -> String,
}

/// All keys that begin with `prefix`.
fn prefixed(prefix: Vec<u8>) -> tree::Range {
    let end = keys::after_prefix(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
    (Bound::Included(prefix), end)
}

/// Opens the database in use, or makes the first one.
fn open_database(directory: &Directory, current: Current, options: &Options) -> Result<(Tree, disk::Syncer)> {
    let path = directory.database(current.number);
    let db = disk::open_sled(&path, options.cache_bytes, directory.path())?;
    let tree = Tree::new(db, directory.path());
    let mut syncer = disk::Syncer::open(&path, directory.path())?;
    if current.is_new {
        tree.flush()?;
        syncer.sync_files()?;
        directory.set_current(disk::FORMAT, current.number)?;
    }
    Ok((tree, syncer))
}

impl Clone for SledStore {
    fn clone(&self) -> Self {
        let owner = self.core().layers().owner;
        Self {
            shared: Arc::clone(&self.shared),
            epoch: AtomicU64::new(owner),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.core.close();
        let thread = self.committer.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!(directory = %self.directory.path().display(), "the store's writing thread panicked");
        }
    }
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let directory: PathBuf = self.directory().to_owned();
        f.debug_struct("SledStore")
            .field("directory", &directory)
            .finish_non_exhaustive()
    }
}
