//! Journals as they lie in the database: one cell per append.
//!
//! An entry holds the records of one append and the execution's row as it is afterwards. So an append writes
//! one cell and changes none: it is all or nothing by itself, and nothing becomes garbage. The row of an
//! execution is that of its last entry. An append without records writes an entry that the next one replaces.

use std::ops::Bound;

use ::sled::IVec;
use runwright_model::{event::Record, id::ExecutionId};

use super::{
    SledStore, Walk, draft,
    draft::Draft,
    keys,
    layers::{Layers, Place},
    prefixed, removal,
};
use crate::{Append, Error, Head, Result, codec};

/// An entry: the number of its first record, and its frames.
pub(crate) struct Entry {
    pub(crate) number: u64,
    joined: IVec,
}

impl Entry {
    pub(crate) fn new(number: u64, joined: IVec) -> Self {
        Self { number, joined }
    }

    /// The row.
    pub(crate) fn head(&self, execution: &ExecutionId) -> Result<Head> {
        let (head, records) = codec::split_entry(&self.joined, &|| self.words(execution))?;
        let head = codec::decode_head(head, &|| self.words(execution))?;
        if head.length != self.number.saturating_add(records.len() as u64) {
            let why = format!(
                "its row counts {} records, and its own are {}",
                head.length,
                records.len()
            );
            return Err(Error::Damaged {
                what: self.words(execution),
                why,
            });
        }
        Ok(head)
    }

    /// The records numbered `from` and later.
    pub(crate) fn records(&self, execution: &ExecutionId, from: u64) -> Result<Vec<Record>> {
        let (_, records) = codec::split_entry(&self.joined, &|| self.words(execution))?;
        let numbered = (self.number..).zip(records).skip_while(|(number, _)| *number < from);
        let decode = |(number, frame)| {
            let what = || format!("record {number} of execution {execution}");
            let record = codec::decode_record(frame, &what)?;
            match record.sequence == number {
                true => Ok(record),
                false => Err(Error::Damaged {
                    what: what(),
                    why: format!("it says that it is record {}", record.sequence),
                }),
            }
        };
        numbered.map(decode).collect()
    }

    fn words(&self, execution: &ExecutionId) -> String {
        format!("entry {} of the journal of execution {execution}", self.number)
    }
}

/// The last entry of a journal, if there is one.
pub(crate) fn last(layers: &Layers, execution: &ExecutionId) -> Result<Option<Entry>> {
    if layers.is_removing(execution) {
        return Ok(None);
    }
    let range = prefixed(keys::numbered_prefix(keys::ENTRIES, execution));
    layers
        .cells(&range, true, 1)?
        .pop()
        .map(|(key, cell)| open(layers, &key, &cell).map(|(_, entry)| entry))
        .transpose()
}

/// The last journal whose id sorts before `before`, if there is one, with its last entry.
pub(crate) fn last_before(layers: &Layers, before: Bound<Vec<u8>>) -> Result<Option<(ExecutionId, Entry)>> {
    let range = (Bound::Included(vec![keys::ENTRIES]), before);
    layers
        .cells(&range, true, 1)?
        .pop()
        .map(|(key, cell)| open(layers, &key, &cell))
        .transpose()
}

/// The bound that leaves out a journal and all that sort after it.
pub(crate) fn before(execution: &ExecutionId) -> Bound<Vec<u8>> {
    Bound::Excluded(keys::numbered_prefix(keys::ENTRIES, execution))
}

fn open(layers: &Layers, key: &IVec, cell: &IVec) -> Result<(ExecutionId, Entry)> {
    let what = || format!("the entry at `{}`", key.escape_ascii());
    let unreadable = || Error::Damaged {
        what: what(),
        why: "its key cannot be read".to_owned(),
    };
    let (execution, number) = keys::parse_numbered(key).ok_or_else(unreadable)?;
    let joined = draft::load(cell, key, &|part| layers.get(part), &what)?;
    Ok((execution, Entry::new(number, joined)))
}

/// Where a journal stands; `None` when there is none.
pub(crate) fn place(layers: &Layers, execution: &ExecutionId) -> Result<Option<Place>> {
    if let Some(place) = layers.place(execution) {
        return Ok(Some(place));
    }
    let Some(entry) = last(layers, execution)? else {
        return Ok(None);
    };
    let Head { length, wake, summary } = entry.head(execution)?;
    Ok(Some(Place {
        length,
        last_entry: entry.number,
        wake,
        status: summary.status,
    }))
}

/// Drafts an append, if the journal is as long as it expects.
pub(crate) fn append(draft: &mut Draft<'_>, append: &Append, records: &[Vec<u8>], head: &[u8]) -> Result<()> {
    let execution = &append.execution;
    let place = place(draft.below(), execution)?;
    let length = place.map_or(0, |place| place.length);
    if length != append.expected {
        return Err(Error::Conflict {
            execution: execution.clone(),
            expected: append.expected,
            actual: length,
        });
    }
    if place.is_none() {
        removal::finish(draft, execution)?;
    }
    let key = keys::numbered(keys::ENTRIES, execution, length);
    let entry = codec::join_entry(head, records);
    if place.is_some_and(|place| place.last_entry == length) {
        draft.put(key, &entry)?;
    } else {
        draft.put_new(key, &entry);
    }
    index(draft, append, place);
    let length_after = length + records.len() as u64;
    draft.set_place(
        execution,
        Some(Place {
            length: length_after,
            last_entry: length,
            wake: append.wake,
            status: append.summary.status,
        }),
    );
    Ok(())
}

/// Brings the indexes from where the journal stood to where it stands after this append.
fn index(draft: &mut Draft<'_>, append: &Append, place: Option<Place>) {
    let execution = &append.execution;
    let wake = place.and_then(|place| place.wake);
    if wake != append.wake {
        if let Some(at) = wake {
            draft.unmark(keys::wake(at, execution));
        }
        if let Some(at) = append.wake {
            draft.mark(keys::wake(at, execution));
        }
    }
    let status = place.map(|place| place.status);
    if status != Some(append.summary.status) {
        if let Some(status) = status {
            draft.unmark(keys::status(status, execution));
        }
        draft.mark(keys::status(append.summary.status, execution));
    }
}

impl SledStore {
    /// The records numbered `from` and later.
    pub(crate) fn read_entries(&self, execution: &ExecutionId, from: u64) -> Result<Vec<Record>> {
        let mut range = prefixed(keys::numbered_prefix(keys::ENTRIES, execution));
        {
            let layers = self.core().layers();
            if layers.is_removing(execution) {
                return Ok(Vec::new());
            }
            // Records that were appended together lie in one entry: `from` may be in the middle of one.
            let upto = (
                range.0.clone(),
                Bound::Included(keys::numbered(keys::ENTRIES, execution, from)),
            );
            if let Some((key, _)) = layers.cells(&upto, true, 1)?.first() {
                range.0 = Bound::Included(key.to_vec());
            }
        }
        let what = || format!("the journal of execution {execution}");
        let (mut records, mut next) = (Vec::new(), None);
        self.walk(
            &Walk {
                range,
                backwards: false,
                most: usize::MAX,
                framed: true,
                what: &what,
            },
            &mut |key, joined| {
                let Some((_, number)) = keys::parse_numbered(key) else {
                    return Err(Error::Damaged {
                        what: what(),
                        why: "a key of it cannot be read".to_owned(),
                    });
                };
                // The first entry is the one that `from` lies in, so nothing wanted lies before it.
                let expected = next.unwrap_or_else(|| number.min(from));
                if number != expected {
                    let why = format!("records {expected} to {} are missing", number.saturating_sub(1));
                    return Err(Error::Damaged { what: what(), why });
                }
                let entry = Entry::new(number, joined);
                next = Some(entry.head(execution)?.length);
                records.extend(entry.records(execution, from)?);
                Ok(true)
            },
        )
        .or_else(|error| self.unless_removing(execution, error))?;
        Ok(if self.core().layers().is_removing(execution) {
            Vec::new()
        } else {
            records
        })
    }

    /// An error that a reader found in a journal, unless the journal began to be removed while it was read.
    fn unless_removing(&self, execution: &ExecutionId, error: Error) -> Result<()> {
        let layers = self.core().layers();
        let is_gone = layers.is_removing(execution) || last(&layers, execution)?.is_none();
        if is_gone { Ok(()) } else { Err(error) }
    }
}
