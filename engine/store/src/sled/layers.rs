//! What has been written and is not in the database yet, laid over what is.
//!
//! Writers put their changes into `pending`, under a lock that is held for microseconds. The committer takes
//! all of it at once (`committing`), applies it to the database as one atomic batch, and makes it durable.
//! Readers see pending over committing over the database, so a write is visible as soon as it is answered.
//!
//! Why not write to sled at once: each batch of sled starts a write of its own, so a thousand small buffered
//! batches leave a queue of writes that the next durable append would have to wait for. One large batch does
//! not, and it keeps the order of all writes by being all or nothing.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use ::sled::IVec;

use super::tree::{Range, Tree};
use crate::Result;

/// Keys with their new values; `None` takes a key away.
pub(crate) type Changes = BTreeMap<IVec, Option<IVec>>;

/// The database and what lies over it.
pub(crate) struct Layers {
    pub(crate) tree: Tree,
    /// The epoch of the owner.
    pub(crate) owner: u64,
    committing: Arc<Changes>,
    pending: Changes,
    /// Bytes of keys and values in `pending`.
    pending_bytes: usize,
}

impl Layers {
    pub(crate) fn new(tree: Tree) -> Self {
        Self {
            tree,
            owner: 0,
            committing: Arc::default(),
            pending: Changes::new(),
            pending_bytes: 0,
        }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>> {
        match self.pending.get(key).or_else(|| self.committing.get(key)) {
            Some(change) => Ok(change.clone()),
            None => self.tree.get(key),
        }
    }

    /// At most `most` cells of a range, from its front or from its back, in that order.
    pub(crate) fn cells(&self, range: &Range, backwards: bool, most: usize) -> Result<Vec<(IVec, IVec)>> {
        if is_empty(range) {
            return Ok(Vec::new());
        }
        let bounds = (range.0.as_ref().map(Vec::as_slice), range.1.as_ref().map(Vec::as_slice));
        // The later of two equal keys stays, so pending hides committing.
        let over: BTreeMap<_, _> = self
            .committing
            .range::<[u8], _>(bounds)
            .chain(self.pending.range::<[u8], _>(bounds))
            .collect();
        // So many more are read as can be hidden: what remains is then enough, or all there is.
        let below = self.tree.cells(range, backwards, most.saturating_add(over.len()))?;
        if over.is_empty() {
            return Ok(below);
        }
        let mut cells: BTreeMap<IVec, IVec> = below.into_iter().collect();
        for (key, change) in over {
            match change {
                Some(value) => cells.insert(key.clone(), value.clone()),
                None => cells.remove(key),
            };
        }
        Ok(if backwards {
            cells.into_iter().rev().take(most).collect()
        } else {
            cells.into_iter().take(most).collect()
        })
    }

    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Takes over the changes of a draft.
    pub(crate) fn absorb(&mut self, changes: Changes) {
        for (key, change) in changes {
            self.pending_bytes += key.len() + change.as_ref().map_or(0, |value| value.len());
            self.pending.insert(key, change);
        }
    }

    /// Makes what is pending the part that is being committed.
    pub(crate) fn take(&mut self) -> Arc<Changes> {
        self.pending_bytes = 0;
        self.committing = Arc::new(std::mem::take(&mut self.pending));
        Arc::clone(&self.committing)
    }

    /// What was being committed is in the database.
    pub(crate) fn applied(&mut self) {
        self.committing = Arc::default();
    }
}

/// Whether no key can lie in the range. Maps and trees panic or answer oddly when asked for one.
fn is_empty(range: &Range) -> bool {
    match (&range.0, &range.1) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(first), Bound::Included(last)) => first > last,
        (Bound::Included(first) | Bound::Excluded(first), Bound::Excluded(last))
        | (Bound::Excluded(first), Bound::Included(last)) => first >= last,
    }
}
