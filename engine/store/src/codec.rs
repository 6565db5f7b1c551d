//! How a value becomes bytes that outlive this program, and back.
//!
//! Every value that is kept is a *frame*:
//!
//! ```text
//! 1 byte   version of the format, now 1
//! 4 bytes  CRC-32 (IEEE) of the version byte and the payload, little-endian
//! n bytes  payload: MessagePack with field names, or raw bytes for values of tables
//! ```
//!
//! Field names are in the payload, so a record can be read without the program that wrote it, and a
//! later version may add fields. `docs/JOURNAL.md` says what may change and how.
//!
//! # What this is not
//!
//! It knows nothing of keys or of a database.

use runwright_model::{event::Record, summary::Summary, time::Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, Head, RECORD_BYTES_MAX, Result};

/// The version of frames that this program writes, and the latest that it reads.
pub const VERSION: u8 = 1;

/// Bytes of a frame before its payload.
pub const HEADER_BYTES: usize = 5;

/// Frames raw bytes.
#[must_use]
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    bytes.extend_from_slice(payload);
    seal(bytes)
}

/// The payload of a frame; `what` names it in errors.
///
/// # Errors
///
/// [`Error::Damaged`] when the frame is too short, its checksum does not fit, or it is of a later version.
pub fn unframe<'a>(frame: &'a [u8], what: &dyn Fn() -> String) -> Result<&'a [u8]> {
    let damaged = |why: String| Err(Error::Damaged { what: what(), why });
    let Some((header, payload)) = frame.split_at_checked(HEADER_BYTES) else {
        return damaged(format!(
            "it has {} bytes, and a frame has at least {HEADER_BYTES}",
            frame.len()
        ));
    };
    let version = header[0];
    let stored = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
    let found = checksum(version, payload);
    if stored != found {
        return damaged(format!(
            "its checksum is {found:08x}, and {stored:08x} was stored with it"
        ));
    }
    match version {
        VERSION => Ok(payload),
        0 => damaged("its format version is 0, which no version of runwright writes".to_owned()),
        later => damaged(format!(
            "it was written by a later version of runwright in format {later}, and this one reads formats up to {VERSION}"
        )),
    }
}

/// Encodes a record.
///
/// # Errors
///
/// [`Error::TooLarge`] above [`RECORD_BYTES_MAX`].
pub fn encode_record(record: &Record) -> Result<Vec<u8>> {
    let bytes = encode(record)?;
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(Error::TooLarge {
            what: format!("record {}", record.sequence),
            which: "RECORD_BYTES_MAX",
            limit: RECORD_BYTES_MAX,
            used: bytes.len(),
        });
    }
    Ok(bytes)
}

/// Decodes a record; `what` names it in errors.
///
/// # Errors
///
/// [`Error::Damaged`] when it cannot be read.
pub fn decode_record(bytes: &[u8], what: &dyn Fn() -> String) -> Result<Record> {
    decode(bytes, what)
}

/// Encodes facts of a journal.
///
/// # Errors
///
/// [`Error::Backend`] when a field cannot be encoded: a mistake in the nouns.
pub fn encode_head(length: u64, summary: &Summary, wake: Option<Timestamp>) -> Result<Vec<u8>> {
    encode(&HeadRef { length, wake, summary })
}

/// Decodes facts of a journal; `what` names it in errors.
///
/// # Errors
///
/// [`Error::Damaged`] when they cannot be read.
pub fn decode_head(bytes: &[u8], what: &dyn Fn() -> String) -> Result<Head> {
    let HeadRow { length, wake, summary } = decode(bytes, what)?;
    Ok(Head { length, summary, wake })
}

/// Joins what one append keeps: the row as it is afterwards, and its records, each with its length before it
/// (4 bytes, little-endian).
pub fn join_entry(head: &[u8], records: &[Vec<u8>]) -> Vec<u8> {
    let frames = || std::iter::once(head).chain(records.iter().map(Vec::as_slice));
    let mut entry = Vec::with_capacity(frames().map(|frame| 4 + frame.len()).sum());
    for frame in frames() {
        let length = u32::try_from(frame.len()).expect("a frame is far below 4 GiB: RECORD_BYTES_MAX");
        entry.extend_from_slice(&length.to_le_bytes());
        entry.extend_from_slice(frame);
    }
    entry
}

/// The frames that [`join_entry`] joined: the row, and the records.
///
/// # Errors
///
/// [`Error::Damaged`] when the lengths do not fit.
pub fn split_entry<'a>(entry: &'a [u8], what: &dyn Fn() -> String) -> Result<(&'a [u8], Vec<&'a [u8]>)> {
    let damaged = || Error::Damaged {
        what: what(),
        why: "the lengths of its frames do not fit".to_owned(),
    };
    let (mut rest, mut frames) = (entry, Vec::new());
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk().ok_or_else(damaged)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (frame, after) = after.split_at_checked(length).ok_or_else(damaged)?;
        frames.push(frame);
        rest = after;
    }
    if frames.is_empty() {
        return Err(damaged());
    }
    let records = frames.split_off(1);
    Ok((frames[0], records))
}

/// Encodes any other value as a frame.
///
/// # Errors
///
/// [`Error::Backend`] when a field cannot be encoded: a mistake in the nouns.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = vec![VERSION, 0, 0, 0, 0];
    rmp_serde::encode::write_named(&mut bytes, value)
        .map_err(|error| Error::Backend(format!("a value cannot be encoded: {error}")))?;
    Ok(seal(bytes))
}

/// Decodes a frame that [`encode`] made; `what` names it in errors.
///
/// # Errors
///
/// [`Error::Damaged`] when it cannot be read.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], what: &dyn Fn() -> String) -> Result<T> {
    let payload = unframe(bytes, what)?;
    rmp_serde::from_slice(payload).map_err(|error| Error::Damaged {
        what: what(),
        why: format!("its checksum fits, and its contents do not: {error}"),
    })
}

/// The stored form of [`Head`], written without cloning the summary.
#[derive(Serialize)]
struct HeadRef<'a> {
    length: u64,
    wake: Option<Timestamp>,
    summary: &'a Summary,
}

/// The stored form of [`Head`].
#[derive(Deserialize)]
struct HeadRow {
    length: u64,
    wake: Option<Timestamp>,
    summary: Summary,
}

/// Fills in the checksum of a frame whose header has room for it.
fn seal(mut frame: Vec<u8>) -> Vec<u8> {
    let sum = checksum(frame[0], &frame[HEADER_BYTES..]);
    frame[1..HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
    frame
}

fn checksum(version: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[version]);
    hasher.update(payload);
    hasher.finalize()
}
