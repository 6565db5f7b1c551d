//! Taking a journal away.
//!
//! A journal may have a million records, too many for one batch. So a mark is put first, in one write with
//! what is derived: from then on there is no such execution. The cells follow in steps, and the mark goes with
//! the last of them. A crash in between leaves the mark, and the next opening goes on.

use runwright_model::id::ExecutionId;

use super::{SledStore, draft::Draft, entries, keys, layers::Place, prefixed};
use crate::{Durability, Epoch, Result};

/// How many cells one step takes away.
const CELLS_PER_STEP: usize = 512;

impl SledStore {
    /// Removes a journal, its log and its rows.
    pub(crate) async fn remove_execution(&self, execution: &ExecutionId) -> Result<()> {
        self.write(self.epoch(), Durability::Buffered, |draft| begin(draft, execution))
            .await?;
        while self
            .write(self.epoch(), Durability::Buffered, |draft| step(draft, execution))
            .await?
        {}
        Ok(())
    }

    /// Goes on with what a crash interrupted.
    pub(crate) fn finish_removals(&self) -> Result<()> {
        let begun: Vec<ExecutionId> = self.core().layers().removing().collect();
        let owner = Epoch(self.core().layers().owner);
        for execution in begun {
            while self
                .submit(owner, Durability::Buffered, |draft| step(draft, &execution))?
                .0
            {}
        }
        Ok(())
    }
}

/// Takes away what is derived, and marks that the cells are to follow.
fn begin(draft: &mut Draft<'_>, execution: &ExecutionId) -> Result<()> {
    if let Some(Place { wake, status, .. }) = entries::place(draft.below(), execution)? {
        if let Some(wake) = wake {
            draft.unmark(keys::wake(wake, execution));
        }
        draft.unmark(keys::status(status, execution));
    }
    draft.set_place(execution, None);
    draft.remove(&keys::of_execution(keys::LOG_LENGTHS, execution))?;
    draft.mark(keys::of_execution(keys::REMOVALS, execution));
    Ok(())
}

/// Takes some cells away; answers whether there are more.
fn step(draft: &mut Draft<'_>, execution: &ExecutionId) -> Result<bool> {
    let mark = keys::of_execution(keys::REMOVALS, execution);
    if draft.get(&mark)?.is_none() {
        return Ok(false);
    }
    let mut left = CELLS_PER_STEP;
    for kind in [keys::ENTRIES, keys::LOGS] {
        let cells = draft.cells(&prefixed(keys::numbered_prefix(kind, execution)), left)?;
        left -= cells.len();
        for (key, _) in cells {
            draft.remove(&key)?;
        }
    }
    let more = left == 0;
    if !more {
        draft.unmark(mark);
    }
    Ok(more)
}

/// Ends a removal of this execution that is under way, so that the id can be used again.
pub(crate) fn finish(draft: &mut Draft<'_>, execution: &ExecutionId) -> Result<()> {
    while step(draft, execution)? {}
    Ok(())
}
