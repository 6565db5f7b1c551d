//! The index of executions by status: few among many are found without a look at the others.
//!
//! It says nothing that the last entries of journals do not say, so it can be made anew from them: that is how
//! a directory of format 1, which had none, becomes one of format 2.

use std::{collections::VecDeque, ops::Bound};

use runwright_model::{id::ExecutionId, status::Status};

use super::{
    SledStore, entries, keys,
    layers::{Changes, Layers},
    prefixed,
    tree::Range,
};
use crate::{Error, Head, Page, Result, limits::most_or_all};

/// Keys that are read at once.
const KEYS_AT_ONCE: usize = 256;
/// Marks that are written at once when the index is made anew.
const MARKS_AT_ONCE: usize = 4096;

impl SledStore {
    /// Executions that stand as the page asks, newest id first.
    pub(crate) fn list_by_status(&self, page: &Page) -> Result<Vec<(ExecutionId, Head)>> {
        let most = most_or_all(page.most);
        let mut statuses = page.statuses.clone();
        statuses.sort_by_key(|status| status.as_str());
        statuses.dedup();
        let mut cursors: Vec<Cursor> = statuses.iter().map(|status| Cursor::new(*status, page)).collect();
        let mut rows: Vec<(ExecutionId, Head)> = Vec::new();
        while rows.len() < most {
            let layers = self.core().layers();
            let mut newest: Option<(usize, ExecutionId)> = None;
            for (number, cursor) in cursors.iter_mut().enumerate() {
                if let Some(id) = cursor.peek(&layers, most - rows.len())?
                    && newest.as_ref().is_none_or(|(_, other)| id > *other)
                {
                    newest = Some((number, id));
                }
            }
            let Some((number, id)) = newest else { break };
            cursors[number].found.pop_front();
            let last = entries::last(&layers, &id)?.map(|entry| entry.head(&id)).transpose()?;
            // It may stand otherwise since the key was read; then the other key may still come, or has been here.
            let is_new = rows.last().is_none_or(|(before, _)| *before != id);
            rows.extend(
                last.filter(|head| is_new && page.statuses.contains(&head.summary.status))
                    .map(|head| (id, head)),
            );
        }
        Ok(rows)
    }
}

/// A walk backwards through the executions of one status.
struct Cursor {
    range: Range,
    found: VecDeque<ExecutionId>,
}

impl Cursor {
    fn new(status: Status, page: &Page) -> Self {
        let mut range = prefixed(keys::statuses(status));
        if let Some(before) = &page.before {
            range.1 = Bound::Excluded(keys::status(status, before));
        }
        Self {
            range,
            found: VecDeque::new(),
        }
    }

    /// The next execution; reads on, some keys at a time and no more than are wanted.
    fn peek(&mut self, layers: &Layers, wanted: usize) -> Result<Option<ExecutionId>> {
        if self.found.is_empty() {
            let cells = layers.cells(&self.range, true, wanted.min(KEYS_AT_ONCE))?;
            if let Some((key, _)) = cells.last() {
                self.range.1 = Bound::Excluded(key.to_vec());
            }
            // A key that cannot be read is a finding of a check; a list shows what there is.
            self.found = cells
                .iter()
                .filter_map(|(key, _)| keys::parse_status(key).map(|(_, id)| id))
                .collect();
        }
        Ok(self.found.front().cloned())
    }
}

/// Makes the index anew, in the database itself, before anything is laid over it.
pub(crate) fn rebuild(layers: &Layers) -> Result<()> {
    loop {
        let old = layers
            .tree
            .cells(&prefixed(vec![keys::STATUSES]), false, MARKS_AT_ONCE)?;
        if old.is_empty() {
            break;
        }
        apply(layers, old.into_iter().map(|(key, _)| (key, None)).collect())?;
    }
    let mut before = prefixed(vec![keys::ENTRIES]).1;
    loop {
        let mut marks = Changes::new();
        while marks.len() < MARKS_AT_ONCE {
            let range = (Bound::Included(vec![keys::ENTRIES]), before);
            let Some((key, _)) = layers.tree.cells(&range, true, 1)?.pop() else {
                before = Bound::Excluded(vec![keys::ENTRIES]);
                break;
            };
            let Some((execution, _)) = keys::parse_numbered(&key) else {
                before = Bound::Excluded(key.to_vec());
                continue;
            };
            before = entries::before(&execution);
            match entries::last(layers, &execution).and_then(|last| last.map(|last| last.head(&execution)).transpose())
            {
                Ok(head) => marks.extend(head.map(|head| {
                    let mark = keys::status(head.summary.status, &execution);
                    (mark.into(), Some(::sled::IVec::default()))
                })),
                // A check finds it; the other executions must be usable.
                Err(Error::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if marks.is_empty() {
            return Ok(());
        }
        apply(layers, marks)?;
    }
}

fn apply(layers: &Layers, changes: Changes) -> Result<()> {
    let mut batch = ::sled::Batch::default();
    for (key, change) in changes {
        match change {
            Some(value) => batch.insert(key, value),
            None => batch.remove(key),
        }
    }
    layers.tree.apply(batch)?;
    layers.tree.flush()
}
