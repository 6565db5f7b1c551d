//! Taking a journal away.
//!
//! A journal may have a million records, too many for one batch. So its rows go first, in one write with a
//! mark that the rest is to follow: from then on there is no such execution. The cells follow in steps, and
//! the mark goes with the last of them. A crash in between leaves the mark, and the next opening goes on.

use runwright_model::id::ExecutionId;

use super::{SledStore, Walk, draft::Draft, keys, prefixed};
use crate::{Durability, Epoch, Result, codec};

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
        let mut begun = Vec::new();
        let what = || "a mark of a removal".to_owned();
        let walk = Walk {
            range: prefixed(vec![keys::REMOVALS]),
            backwards: false,
            most: usize::MAX,
            framed: false,
            what: &what,
        };
        self.walk(&walk, &mut |key, _| {
            begun.extend(keys::parse_execution(key));
            Ok(true)
        })?;
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

/// Takes the rows away, and marks that the cells are to follow.
fn begin(draft: &mut Draft<'_>, execution: &ExecutionId) -> Result<()> {
    let head_key = keys::of_execution(keys::HEADS, execution);
    let what = || super::head_words(execution);
    if let Some(frame) = draft.load(&head_key, &what)?
        && let Some(wake) = codec::decode_head(&frame, &what)?.wake
    {
        draft.unmark(keys::wake(wake, execution));
    }
    draft.remove(&head_key)?;
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
    for kind in [keys::RECORDS, keys::LOGS] {
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
