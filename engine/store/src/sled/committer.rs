//! The one thread that writes to the database.
//!
//! It takes everything that is pending, applies it as one atomic batch, flushes, calls `fdatasync` once, and
//! only then answers all who wait. While it waits for the disk, the next batch gathers: the more write at
//! the same time, the fewer syncs each of them costs.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    disk::Syncer,
    layers::{Changes, Drafted, Layers},
    tree::panic_text,
};
use crate::{Durability, Error, Result};

/// Pending bytes above which they are written without waiting for anybody to ask.
const WRITE_BYTES: usize = 512 << 10;
/// Pending bytes above which buffered writes wait as well, so that memory stays bounded, and no
/// batch is so large that readers are kept out for long while it is applied.
const WAIT_BYTES: usize = 4 << 20;

/// What writers and the committer share.
pub(crate) struct Core {
    layers: RwLock<Layers>,
    queue: Mutex<Queue>,
    work: Condvar,
    directory: std::path::PathBuf,
}

#[derive(Default)]
struct Queue {
    waiters: Vec<Waiter>,
    /// Since when something pends that nobody waits for.
    dirty_since: Option<Instant>,
    /// So much pends that it is to be written now.
    crowded: bool,
    closing: bool,
    failure: Option<Failure>,
}

/// Somebody who waits until what pends is durable.
type Waiter = oneshot::Sender<Result<()>>;

/// Why nothing more is written, in a form that can be told to many.
#[derive(Debug, Clone)]
enum Failure {
    Full,
    Backend(String),
}

/// What an answer is waited for with; `None` when the write is answered already.
pub(crate) type Wait = Option<oneshot::Receiver<Result<()>>>;

impl Core {
    pub(crate) fn new(layers: Layers, directory: &std::path::Path) -> Self {
        Self {
            layers: RwLock::new(layers),
            queue: Mutex::default(),
            work: Condvar::new(),
            directory: directory.to_owned(),
        }
    }

    // Poisoned locks are entered: a panic between two changes cannot leave a layer half changed, since a
    // draft is absorbed by plain inserts.
    pub(crate) fn layers(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn layers_mut(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands changes to the committer. The caller holds the layers, so that the order in which changes are
    /// absorbed is the order in which they are waited for.
    pub(crate) fn submit(&self, layers: &mut Layers, drafted: Drafted, durability: Durability) -> Result<Wait> {
        // Asked and answered under one lock: after a failure nobody may begin to wait.
        let mut queue = self.queue();
        if let Some(failure) = &queue.failure {
            return Err(failure.to_error(&self.directory));
        }
        layers.absorb(drafted);
        let must_wait = durability == Durability::Durable || layers.pending_bytes() > WAIT_BYTES;
        let wait = must_wait.then(|| {
            let (answer, wait) = oneshot::channel();
            queue.waiters.push(answer);
            wait
        });
        let crowded = layers.pending_bytes() > WRITE_BYTES;
        // The committer looks at each of these; whoever changes one first wakes it.
        if must_wait || (crowded && !queue.crowded) || queue.dirty_since.is_none() {
            self.work.notify_one();
        }
        queue.crowded |= crowded;
        queue.dirty_since.get_or_insert_with(Instant::now);
        Ok(wait)
    }

    /// Asks the committer to write what pends and end.
    pub(crate) fn close(&self) {
        self.queue().closing = true;
        self.work.notify_one();
    }

    /// Waits for work; answers whether it is the last.
    fn wait_for_work(&self, idle: Duration) -> bool {
        let mut queue = self.queue();
        loop {
            if !queue.waiters.is_empty() || queue.crowded || queue.closing {
                return queue.closing;
            }
            let Some(since) = queue.dirty_since else {
                queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let Some(left) = idle.checked_sub(since.elapsed()) else {
                return false;
            };
            queue = self
                .work
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Takes what pends and who waits for it.
    fn take(&self) -> (Arc<Changes>, Vec<Waiter>) {
        let mut layers = self.layers_mut();
        let mut queue = self.queue();
        queue.dirty_since = None;
        queue.crowded = false;
        (layers.take(), std::mem::take(&mut queue.waiters))
    }

    /// Ends all writing.
    fn fail(&self, failure: Failure) {
        let mut queue = self.queue();
        for waiter in queue.waiters.drain(..) {
            // Who does not wait any more need not know.
            let _ = waiter.send(Err(failure.to_error(&self.directory)));
        }
        queue.failure.get_or_insert(failure);
    }
}

impl Failure {
    fn of(error: &Error) -> Self {
        if let Error::Full { .. } = error {
            Self::Full
        } else {
            Self::Backend(error.to_string())
        }
    }

    fn to_error(&self, directory: &std::path::Path) -> Error {
        match self {
            Self::Full => Error::Full {
                path: directory.to_owned(),
            },
            Self::Backend(text) => Error::Backend(text.clone()),
        }
    }
}

/// Starts the committer. It ends after [`Core::close`].
pub(crate) fn start(core: Arc<Core>, syncer: Syncer, idle: Duration) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name("runwright-store".to_owned())
        .spawn(move || {
            let mut syncer = syncer;
            let ended = catch_unwind(AssertUnwindSafe(|| run(&core, &mut syncer, idle)));
            if let Err(panic) = ended {
                core.fail(Failure::Backend(format!(
                    "its writing thread panicked: {}",
                    panic_text(panic.as_ref())
                )));
            }
        })
}

fn run(core: &Core, syncer: &mut Syncer, idle: Duration) {
    loop {
        let last = core.wait_for_work(idle);
        let (changes, waiters) = core.take();
        let outcome = commit(core, syncer, &changes);
        if let Err(error) = &outcome {
            tracing::error!(directory = %core.directory.display(), "the store takes no more writes: {error}");
            core.fail(Failure::of(error));
        }
        for waiter in waiters {
            let answer = match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(Failure::of(error).to_error(&core.directory)),
            };
            // Who does not wait any more need not know.
            let _ = waiter.send(answer);
        }
        if last || outcome.is_err() {
            return;
        }
    }
}

/// Brings changes into the database and onto the disk. Always durably: a commit that nobody waits for has half
/// a MiB of changes or comes after a pause, and a `fdatasync` less would not be felt.
fn commit(core: &Core, syncer: &mut Syncer, changes: &Changes) -> Result<()> {
    let tree = core.layers().tree.clone();
    if !changes.is_empty() {
        let mut batch = ::sled::Batch::default();
        for (key, change) in changes {
            match change {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        tree.apply(batch)?;
        core.layers_mut().applied();
    }
    tree.flush()?;
    syncer.sync()
}
