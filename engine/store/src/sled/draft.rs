//! The changes of one write, gathered while nothing is changed yet: all of them happen, or none.
//!
//! A value too large for one cell is cut into parts. sled writes a page above 128 KiB into a file of its own,
//! and a page holds up to 20 values, so cells stay small enough that no page becomes that large.

use ::sled::IVec;
use runwright_model::id::ExecutionId;

use super::{
    keys,
    layers::{Changes, Drafted, Layers, Place},
    tree::Range,
};
use crate::{Error, Result};

/// The most bytes of a frame in one cell. Durable: parts of stored values have this size.
pub(crate) const PART_BYTES: usize = 4096;

/// First byte of a cell that holds its frame.
const WHOLE: u8 = 0;
/// First byte of a cell whose frame is in parts: the frame's length follows, 8 bytes, big-endian.
const PARTED: u8 = 1;

/// Changes that are made together.
pub(crate) struct Draft<'a> {
    layers: &'a Layers,
    changes: Changes,
    place: Option<(ExecutionId, Option<Place>)>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(layers: &'a Layers) -> Self {
        Self {
            layers,
            changes: Changes::new(),
            place: None,
        }
    }

    pub(crate) fn finish(self) -> Drafted {
        Drafted {
            changes: self.changes,
            place: self.place,
        }
    }

    /// The layers below this draft.
    pub(crate) fn below(&self) -> &'a Layers {
        self.layers
    }

    /// Says where the journal stands after this draft.
    pub(crate) fn set_place(&mut self, execution: &ExecutionId, place: Option<Place>) {
        self.place = Some((execution.clone(), place));
    }

    /// A cell as it is after this draft.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.layers.get(key),
        }
    }

    /// At most `most` cells that were in a range before this draft and that it has not taken away.
    pub(crate) fn cells(&self, range: &Range, most: usize) -> Result<Vec<(IVec, IVec)>> {
        let gone = |key: &IVec| matches!(self.changes.get(key), Some(None));
        let cells = self
            .layers
            .cells(range, false, most.saturating_add(self.changes.len()))?;
        Ok(cells.into_iter().filter(|(key, _)| !gone(key)).take(most).collect())
    }

    /// A frame, when there is one.
    pub(crate) fn load(&self, key: &[u8], what: &dyn Fn() -> String) -> Result<Option<IVec>> {
        self.get(key)?
            .map(|cell| load(&cell, key, &|part| self.get(part), what))
            .transpose()
    }

    /// Puts a frame where none was before.
    pub(crate) fn put_new(&mut self, key: Vec<u8>, frame: &[u8]) {
        let mut cell = Vec::with_capacity(1 + frame.len().min(PART_BYTES));
        if frame.len() <= PART_BYTES {
            cell.push(WHOLE);
            cell.extend_from_slice(frame);
        } else {
            cell.push(PARTED);
            cell.extend_from_slice(&(frame.len() as u64).to_be_bytes());
            for (number, part) in (0..).zip(frame.chunks(PART_BYTES)) {
                self.changes.insert(keys::part(&key, number).into(), Some(part.into()));
            }
        }
        self.changes.insert(key.into(), Some(cell.into()));
    }

    /// Puts a frame, over another or not.
    pub(crate) fn put(&mut self, key: Vec<u8>, frame: &[u8]) -> Result<()> {
        self.remove(&key)?;
        self.put_new(key, frame);
        Ok(())
    }

    /// Puts a key that has no value.
    pub(crate) fn mark(&mut self, key: Vec<u8>) {
        self.changes.insert(key.into(), Some(IVec::default()));
    }

    /// Takes a key away that has no value.
    pub(crate) fn unmark(&mut self, key: Vec<u8>) {
        self.changes.insert(key.into(), None);
    }

    /// Takes a frame away, with its parts.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Result<()> {
        if let Some(cell) = self.get(key)? {
            for number in 0..part_count(&cell) {
                self.changes.insert(keys::part(key, number).into(), None);
            }
            self.changes.insert(key.into(), None);
        }
        Ok(())
    }
}

/// The frame of a cell. `get` finds its parts; `what` names it in errors.
pub(crate) fn load(
    cell: &IVec,
    key: &[u8],
    get: &dyn Fn(&[u8]) -> Result<Option<IVec>>,
    what: &dyn Fn() -> String,
) -> Result<IVec> {
    match cell.split_first() {
        Some((&WHOLE, frame)) => Ok(cell.subslice(1, frame.len())),
        Some((&PARTED, length)) if length.len() == 8 => {
            let length = frame_length(cell);
            let mut frame = Vec::new();
            for number in 0..part_count(cell) {
                let missing = || Error::Damaged {
                    what: what(),
                    why: format!("its part {number} is missing"),
                };
                frame.extend_from_slice(&get(&keys::part(key, number))?.ok_or_else(missing)?);
            }
            if frame.len() as u64 != length {
                let why = format!("its parts have {} bytes together, and it had {length}", frame.len());
                return Err(Error::Damaged { what: what(), why });
            }
            Ok(frame.into())
        }
        Some(_) | None => Err(Error::Damaged {
            what: what(),
            why: "its first byte is no mark of a cell".to_owned(),
        }),
    }
}

/// How many parts a cell has; 0 for one that holds its frame.
pub(crate) fn part_count(cell: &[u8]) -> u32 {
    match cell.first() {
        Some(&PARTED) => u32::try_from(frame_length(cell).div_ceil(PART_BYTES as u64)).unwrap_or(u32::MAX),
        Some(_) | None => 0,
    }
}

fn frame_length(cell: &[u8]) -> u64 {
    cell.get(1..9)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_be_bytes)
}
