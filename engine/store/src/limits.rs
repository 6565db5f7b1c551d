//! What is checked before anything is written, the same for every backend.

use crate::{Append, Error, KEY_BYTES_MAX, Result, VALUE_BYTES_MAX, codec};

/// Encodes the records of an append, after checking their numbers and sizes.
pub(crate) fn check_append(append: &Append) -> Result<Vec<Vec<u8>>> {
    for (record, expected) in append.records.iter().zip(append.expected..) {
        if record.sequence != expected {
            return Err(Error::Misnumbered {
                execution: append.execution.clone(),
                expected,
                found: record.sequence,
            });
        }
    }
    append.records.iter().map(codec::encode_record).collect()
}

/// Refuses a value of a table that is too large.
pub(crate) fn check_value(value: &[u8]) -> Result<()> {
    check("a value of a table", "VALUE_BYTES_MAX", VALUE_BYTES_MAX, value.len())
}

/// Refuses a key of a table that is too large.
pub(crate) fn check_key(key: &[u8]) -> Result<()> {
    check("a key of a table", "KEY_BYTES_MAX", KEY_BYTES_MAX, key.len())
}

/// In lists, 0 means all.
pub(crate) fn most_or_all(most: usize) -> usize {
    if most == 0 { usize::MAX } else { most }
}

fn check(what: &str, which: &'static str, limit: usize, used: usize) -> Result<()> {
    if used <= limit {
        Ok(())
    } else {
        Err(Error::TooLarge {
            what: what.to_owned(),
            which,
            limit,
            used,
        })
    }
}
