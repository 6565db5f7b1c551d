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
    watches: HashMap<ExecutionId, watch::Sender<u64>>,
}

/// How many of a version's bits count; those above are the epoch's.
const COUNT_BITS: u32 = 40;

impl Changes {
    /// Versions larger than those of every owner before: who has seen an earlier owner's looks again.
    pub(crate) fn of(epoch: Epoch) -> Self {
        Self(Mutex::new(Watched {
            version: epoch.0 << COUNT_BITS,
            watches: HashMap::new(),
        }))
    }

    /// The execution changed.
    pub(crate) fn bump(&self, id: &ExecutionId) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.version += 1;
        let version = watched.version;
        if let Some(watch) = watched.watches.get(id)
            && watch.send(version).is_err()
        {
            watched.watches.remove(id);
        }
    }

    /// The count now.
    pub(crate) fn version(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).version
    }

    /// Returns when the version is larger than `seen`, with the new one. The first look always returns at once.
    pub(crate) async fn changed(&self, id: &ExecutionId, seen: u64) -> u64 {
        let mut watch = {
            let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let version = watched.version;
            watched
                .watches
                .entry(id.clone())
                .or_insert_with(|| watch::channel(version).0)
                .subscribe()
        };
        match watch.wait_for(|version| *version > seen).await {
            Ok(version) => *version,
            Err(_) => seen,
        }
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
}
