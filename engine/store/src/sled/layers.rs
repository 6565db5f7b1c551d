//! What has been written and is not in the database yet, laid over what is.
//!
//! Writers put their changes into `pending`, under a lock that is held for microseconds. The committer takes
//! all of it at once (`committing`), applies it to the database as one atomic batch, and makes it durable.
//! Readers see pending over committing over the database, so a write is visible as soon as it is answered.
//!
//! Why not write to sled at once: each batch of sled starts a write of its own, so a thousand small buffered
//! batches leave a queue of writes that the next durable append would have to wait for. One large batch does
//! not, and it keeps the order of all writes by being all or nothing.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
};

use ::sled::IVec;

use runwright_model::{id::ExecutionId, status::Status, time::Timestamp};

use super::{
    keys,
    tree::{Range, Tree},
};
use crate::Result;

/// Keys with their new values; `None` takes a key away.
pub(crate) type Changes = BTreeMap<IVec, Option<IVec>>;

/// Where a journal stands: what an append has to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// How many records it has.
    pub(crate) length: u64,
    /// The number of its last entry.
    pub(crate) last_entry: u64,
    pub(crate) wake: Option<Timestamp>,
    /// How its execution stands.
    pub(crate) status: Status,
}

/// What one write changes.
#[derive(Default)]
pub(crate) struct Drafted {
    pub(crate) changes: Changes,
    /// Where the journal it wrote to stands afterwards; `None` when it is gone.
    pub(crate) place: Option<(ExecutionId, Option<Place>)>,
}

/// How many places are remembered. They save a look into the database for executions that are under way;
/// those that wait cost nothing.
const PLACES_MAX: usize = 16_384;

/// The database and what lies over it.
pub(crate) struct Layers {
    pub(crate) tree: Tree,
    /// The epoch of the owner.
    pub(crate) owner: u64,
    committing: Arc<Changes>,
    pending: Changes,
    /// Bytes of keys and values in `pending`.
    pending_bytes: usize,
    places: HashMap<ExecutionId, Place>,
    /// Marks of executions that are being removed: their entries are not there any more.
    removing: BTreeSet<IVec>,
}

impl Layers {
    pub(crate) fn new(tree: Tree) -> Self {
        Self {
            tree,
            owner: 0,
            committing: Arc::default(),
            pending: Changes::new(),
            pending_bytes: 0,
            places: HashMap::new(),
            removing: BTreeSet::new(),
        }
    }

    /// Marks what an earlier process began to remove. Once, before anything else is read.
    pub(crate) fn load_removals(&mut self) -> Result<()> {
        let marks = self
            .tree
            .cells(&super::prefixed(vec![keys::REMOVALS]), false, usize::MAX)?;
        self.removing = marks.into_iter().map(|(key, _)| key).collect();
        Ok(())
    }

    pub(crate) fn removing(&self) -> impl Iterator<Item = ExecutionId> {
        self.removing.iter().filter_map(|key| keys::parse_execution(key))
    }

    pub(crate) fn is_removing(&self, execution: &ExecutionId) -> bool {
        !self.removing.is_empty()
            && self
                .removing
                .contains(keys::of_execution(keys::REMOVALS, execution).as_slice())
    }

    /// The remembered place of a journal.
    pub(crate) fn place(&self, execution: &ExecutionId) -> Option<Place> {
        self.places.get(execution).copied()
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

    /// Takes over a draft.
    pub(crate) fn absorb(&mut self, drafted: Drafted) {
        for (key, change) in drafted.changes {
            self.pending_bytes += key.len() + change.as_ref().map_or(0, |value| value.len());
            if key.first() == Some(&keys::REMOVALS) {
                match change {
                    Some(_) => self.removing.insert(key.clone()),
                    None => self.removing.remove(&key),
                };
            }
            self.pending.insert(key, change);
        }
        match drafted.place {
            Some((execution, Some(place))) => {
                if self.places.len() >= PLACES_MAX {
                    self.places.clear();
                }
                self.places.insert(execution, place);
            }
            Some((execution, None)) => drop(self.places.remove(&execution)),
            None => {}
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
