//! Tells who watches an execution that it changed.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use runwright_model::id::ExecutionId;
use runwright_store::Epoch;
use tokio::sync::watch;

/// Versions of the executions somebody watches. One count for all: a version is only ever compared with an
/// earlier one of the same execution.
pub(crate) struct Changes(Mutex<Watched>);

struct Watched {
    version: u64,
    watches: HashMap<ExecutionId, watch::Sender<Seen>>,
    /// So many watches are looked through for those that nobody holds any more.
    sweep_at: usize,
}

#[derive(Clone, Copy)]
struct Seen {
    /// The last change.
    version: u64,
    /// The last change after which it may have ended, wait or stand still.
    rested: u64,
}

/// Fewer watches than this are not looked through.
const SWEEP_AT_MIN: usize = 1_024;
/// How many of a version's bits count; those above are the epoch's.
const COUNT_BITS: u32 = 40;

impl Changes {
    /// Versions larger than those of every owner before: who has seen an earlier owner's looks again.
    pub(crate) fn of(epoch: Epoch) -> Self {
        Self(Mutex::new(Watched {
            version: epoch.0 << COUNT_BITS,
            watches: HashMap::new(),
            sweep_at: SWEEP_AT_MIN,
        }))
    }

    /// The execution changed, and goes on.
    pub(crate) fn bump(&self, id: &ExecutionId) {
        self.send(id, false);
    }

    /// The execution changed, and may have ended, wait or stand still.
    pub(crate) fn bump_rested(&self, id: &ExecutionId) {
        self.send(id, true);
    }

    fn send(&self, id: &ExecutionId, rests: bool) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.version += 1;
        let version = watched.version;
        if let Some(watch) = watched.watches.get(id) {
            watch.send_modify(|seen| {
                seen.version = version;
                if rests {
                    seen.rested = version;
                }
            });
        }
    }

    /// The count now.
    pub(crate) fn version(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).version
    }

    /// Returns when the version is larger than `seen`, with the new one. The first look always returns at once.
    pub(crate) async fn changed(&self, id: &ExecutionId, seen: u64) -> u64 {
        let changed = self
            .watch(id)
            .wait_for(|now| now.version > seen)
            .await
            .map(|now| now.version);
        changed.unwrap_or(seen)
    }

    /// The same for changes after which the execution may have ended, wait or stand still.
    pub(crate) async fn rested(&self, id: &ExecutionId, seen: u64) -> u64 {
        let rested = self
            .watch(id)
            .wait_for(|now| now.rested > seen)
            .await
            .map(|now| now.rested);
        rested.unwrap_or(seen)
    }

    /// What was missed before the watch counts as seen by nobody.
    fn watch(&self, id: &ExecutionId) -> watch::Receiver<Seen> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if watched.watches.len() >= watched.sweep_at {
            watched.watches.retain(|_, watch| watch.receiver_count() > 0);
            watched.sweep_at = SWEEP_AT_MIN.max(2 * watched.watches.len());
        }
        let (version, rested) = (watched.version, watched.version);
        watched
            .watches
            .entry(id.clone())
            .or_insert_with(|| watch::channel(Seen { version, rested }).0)
            .subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_change_is_missed() {
        let changes = Changes::of(Epoch(1));
        let id: ExecutionId = "e".parse().unwrap();
        changes.bump(&id);
        let first = changes.changed(&id, 0).await;
        changes.bump(&id);
        let second = changes.changed(&id, first).await;
        assert!(second > first);
        assert!(Changes::of(Epoch(2)).changed(&id, second).await > second);
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(10), changes.changed(&id, second)).await;
        assert!(nothing.is_err());
    }

    #[tokio::test]
    async fn who_waits_for_rest_hears_of_nothing_else() {
        let changes = Changes::of(Epoch(1));
        let id: ExecutionId = "e".parse().unwrap();
        let seen = changes.rested(&id, 0).await;
        changes.bump(&id);
        let nothing = tokio::time::timeout(std::time::Duration::from_millis(10), changes.rested(&id, seen)).await;
        assert!(nothing.is_err());
        changes.bump_rested(&id);
        assert!(changes.rested(&id, seen).await > seen);
    }
}
