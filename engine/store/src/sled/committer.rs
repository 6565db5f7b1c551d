//! The one thread that writes to the database.
//!
//! It takes everything that is pending, applies it as one atomic batch, flushes, calls `fdatasync` once, and
//! only then answers all who wait. While it waits for the disk, the next batch gathers: the more write at
//! the same time, the fewer syncs each of them costs. When many do, it lets more of them come before it begins.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    disk::Syncer,
    layers::{Changes, Drafted, Layers},
    tree::{Tree, panic_text},
};
use crate::{Durability, Error, Result};

/// Pending bytes above which they are written without waiting for anybody to ask.
const WRITE_BYTES: usize = 512 << 10;
/// Pending bytes above which buffered writes wait as well, so that memory stays bounded, and no
/// batch is so large that readers are kept out for long while it is applied.
const WAIT_BYTES: usize = 4 << 20;
/// However many write at the same time, a commit waits for no more of them than this.
const GATHER_MOST: usize = 32;
/// It does not wait longer than this. It is over sooner as a rule: those who are waited for wrote a moment ago.
const GATHER_TIME: Duration = Duration::from_millis(1);

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
    /// Since when the first of them waits.
    waited_since: Option<Instant>,
    /// How many are to wait before a commit begins, if they come soon: see [`gather`].
    enough: usize,
    /// Since when something pends that nobody waits for.
    dirty_since: Option<Instant>,
    /// So much pends that it is to be written now.
    crowded: bool,
    closing: bool,
    /// The disk has no room for what is being committed: nothing more is taken until it has.
    full: bool,
    /// Why nothing more is written, in a form that can be told to many.
    failure: Option<String>,
}

/// Somebody who waits until what pends is durable.
type Waiter = oneshot::Sender<Result<()>>;

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
            return Err(Error::Backend(failure.clone()));
        }
        if queue.full {
            return Err(Error::Full {
                path: self.directory.clone(),
            });
        }
        layers.absorb(drafted);
        let must_wait = durability == Durability::Durable || layers.pending_bytes() > WAIT_BYTES;
        let wait = must_wait.then(|| {
            let (answer, wait) = oneshot::channel();
            queue.waiters.push(answer);
            queue.waited_since.get_or_insert_with(Instant::now);
            wait
        });
        let crowded = layers.pending_bytes() > WRITE_BYTES;
        // The committer looks at each of these; whoever changes one first wakes it.
        let waiting = must_wait && (queue.waiters.len() == 1 || queue.waiters.len() >= queue.enough);
        if waiting || (crowded && !queue.crowded) || queue.dirty_since.is_none() {
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
            let gathered = queue.waited_since.is_some() && queue.waiters.len() >= queue.enough;
            if gathered || queue.crowded || queue.closing {
                return queue.closing;
            }
            let waits = queue.waited_since.map(|since| (since, GATHER_TIME));
            let Some((since, patience)) = waits.or(queue.dirty_since.map(|since| (since, idle))) else {
                queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let Some(left) = patience.checked_sub(since.elapsed()) else {
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
        queue.waited_since = None;
        queue.crowded = false;
        (layers.take(), std::mem::take(&mut queue.waiters))
    }

    /// A commit is over that so many waited for: they, and those who came meanwhile, write at the same time.
    fn committed(&self, answered: usize) {
        let mut queue = self.queue();
        queue.enough = gather(answered + queue.waiters.len());
    }

    /// Ends all writing.
    fn fail(&self, failure: String) {
        let mut queue = self.queue();
        for waiter in queue.waiters.drain(..) {
            // Who does not wait any more need not know.
            let _ = waiter.send(Err(Error::Backend(failure.clone())));
        }
        queue.failure.get_or_insert(failure);
    }

    /// Waits so long, or until the store is closed; answers whether it is.
    fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut queue = self.queue();
        while !queue.closing
            && let Some(left) = until.checked_duration_since(Instant::now())
        {
            queue = self
                .work
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        queue.closing
    }
}

/// How many of so many writers a commit waits for. A commit costs the same for one as for all; without this it begins
/// for whoever comes first, and when the processor is what is short, few come while the disk is busy. Not for all of
/// them, so that some go on meanwhile; and a writer that is alone, or one of two, is waited for by nobody.
fn gather(writers: usize) -> usize {
    writers.saturating_sub(1 + writers / 8).clamp(1, GATHER_MOST)
}

/// Where the committer writes to, and how it gets there again.
pub(crate) struct Target {
    pub(crate) syncer: Syncer,
    /// Opens the database anew.
    pub(crate) reopen: Box<dyn Fn() -> Result<(Tree, Syncer)> + Send>,
    /// Answers whether the disk has room again.
    pub(crate) has_room: Box<dyn Fn() -> bool + Send>,
    /// After this long without a durable write, what pends is written.
    pub(crate) idle: Duration,
}

/// Starts the committer. It ends after [`Core::close`].
pub(crate) fn start(core: Arc<Core>, target: Target) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new()
        .name("runwright-store".to_owned())
        .spawn(move || {
            let mut target = target;
            let ended = catch_unwind(AssertUnwindSafe(|| run(&core, &mut target)));
            if let Err(panic) = ended {
                core.fail(format!("its writing thread panicked: {}", panic_text(panic.as_ref())));
            }
        })
}

fn run(core: &Core, target: &mut Target) {
    loop {
        let last = core.wait_for_work(target.idle);
        let (changes, waiters) = core.take();
        let outcome = match commit(core, &mut target.syncer, &changes) {
            Err(Error::Full { .. }) => wait_for_room(core, target, &changes),
            other => other,
        };
        let failure = outcome.err().map(|error| error.to_string());
        if let Some(text) = &failure {
            tracing::error!(directory = %core.directory.display(), "the store takes no more writes: {text}");
            core.fail(text.clone());
        }
        core.committed(waiters.len());
        for waiter in waiters {
            // Who does not wait any more need not know.
            let _ = waiter.send(failure.clone().map_or(Ok(()), |text| Err(Error::Backend(text))));
        }
        if last || failure.is_some() {
            return;
        }
    }
}

/// The first pause between two looks at a full disk, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Commits what a full disk refused, when it has room again.
///
/// sled neither takes nor answers anything after an error, so it is opened anew: it finds what was committed before,
/// and all or nothing of these changes. They are still in memory, and making them twice is making them once.
fn wait_for_room(core: &Core, target: &mut Target, changes: &Changes) -> Result<()> {
    tracing::warn!(directory = %core.directory.display(), "the disk is full: writes wait until there is room");
    core.queue().full = true;
    let mut pause = PAUSES.0;
    loop {
        let outcome = open_and_commit(core, target, changes);
        let closing = matches!(outcome, Err(Error::Full { .. })) && core.pause(pause);
        pause = (pause * 2).min(PAUSES.1);
        match outcome {
            Err(Error::Full { .. }) if closing => {
                return Err(Error::Backend(
                    "it was closed while the disk was full; what was under way may be there or not".to_owned(),
                ));
            }
            Err(Error::Full { .. }) => {}
            other => {
                core.queue().full = false;
                if other.is_ok() {
                    tracing::info!(directory = %core.directory.display(), "the disk has room again");
                }
                return other;
            }
        }
    }
}

/// One try: when there is room, opens the database and commits. Not before: a database that is opened on a full disk
/// begins to write, cannot, and takes what it did write for damage.
fn open_and_commit(core: &Core, target: &mut Target, changes: &Changes) -> Result<()> {
    if !(target.has_room)() {
        return Err(Error::Full {
            path: core.directory.clone(),
        });
    }
    reopen(core, target)?;
    commit(core, &mut target.syncer, changes)
}

/// Opens the database anew. Readers wait for it: the old one must be closed before.
fn reopen(core: &Core, target: &mut Target) -> Result<()> {
    let mut layers = core.layers_mut();
    layers.tree.close();
    let (tree, syncer) = (target.reopen)()?;
    layers.tree = tree;
    target.syncer = syncer;
    Ok(())
}

/// Brings changes into the database and onto the disk. Always durably: a commit that nobody waits for has half
/// a MiB of changes or comes after a pause, and a `fdatasync` less would not be felt.
fn commit(core: &Core, syncer: &mut Syncer, changes: &Changes) -> Result<()> {
    let tree = core.layers().tree.clone();
    if !changes.is_empty() {
        apply(&tree, changes)?;
        core.layers_mut().applied();
    }
    tree.flush()?;
    syncer.sync()
}

fn apply(tree: &Tree, changes: &Changes) -> Result<()> {
    // One change is all or nothing by itself. A batch would write its own mark first, and apart.
    if let (1, Some((key, change))) = (changes.len(), changes.first_key_value()) {
        return tree.set(key, change.as_ref());
    }
    let mut batch = ::sled::Batch::default();
    for (key, change) in changes {
        match change {
            Some(value) => batch.insert(key, value),
            None => batch.remove(key),
        }
    }
    tree.apply(batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_writer_is_waited_for_by_nobody_and_a_crowd_never_for_the_last() {
        assert_eq!([0, 1, 2].map(gather), [1, 1, 1]);
        for writers in 3..=36 {
            assert!((2..writers).contains(&gather(writers)), "{writers}");
        }
        assert_eq!(gather(10_000), GATHER_MOST);
    }
}
