//! Where things lie in the database: one tree, and a first byte per kind of thing.
//!
//! One tree, because only writes to one tree are one atomic batch. Ids of executions hold no NUL, so a NUL
//! ends them. Numbers are big-endian, so that bytes sort as numbers do.

use runwright_model::{id::ExecutionId, status::Status, time::Timestamp};

use crate::Table;

/// Parts of values that are too large for one cell.
pub(crate) const PARTS: u8 = b'c';
/// Executions by status: every journal has one.
pub(crate) const STATUSES: u8 = b'i';
/// What was appended together, by execution and number of the first record.
pub(crate) const ENTRIES: u8 = b'j';
/// Log lines, by execution and number.
pub(crate) const LOGS: u8 = b'l';
/// Facts of the store itself.
pub(crate) const FACTS: u8 = b'm';
/// How many log lines there are, by execution.
pub(crate) const LOG_LENGTHS: u8 = b'n';
/// Values of tables, by table and key.
pub(crate) const VALUES: u8 = b't';
/// Wake-ups, by time and execution.
pub(crate) const WAKES: u8 = b'w';
/// Executions that are being removed.
pub(crate) const REMOVALS: u8 = b'x';

/// The owner's epoch.
pub(crate) const EPOCH: &[u8] = b"mepoch";

pub(crate) fn of_execution(kind: u8, execution: &ExecutionId) -> Vec<u8> {
    let id = execution.as_str().as_bytes();
    let mut key = Vec::with_capacity(id.len() + 10);
    key.push(kind);
    key.extend_from_slice(id);
    key
}

/// The start of all numbered keys of an execution.
pub(crate) fn numbered_prefix(kind: u8, execution: &ExecutionId) -> Vec<u8> {
    let mut key = of_execution(kind, execution);
    key.push(0);
    key
}

pub(crate) fn numbered(kind: u8, execution: &ExecutionId, number: u64) -> Vec<u8> {
    let mut key = numbered_prefix(kind, execution);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

pub(crate) fn wake(at: Timestamp, execution: &ExecutionId) -> Vec<u8> {
    let mut key = vec![WAKES];
    key.extend_from_slice(&wake_time(at));
    key.extend_from_slice(execution.as_str().as_bytes());
    key
}

/// The first key after all wake-ups at `at`.
pub(crate) fn after_wakes_at(at: Timestamp) -> Vec<u8> {
    let mut key = vec![WAKES];
    key.extend_from_slice(&wake_time(at));
    // No id has a byte this high.
    key.push(0xff);
    key
}

/// The start of all keys of executions that stand so.
pub(crate) fn statuses(status: Status) -> Vec<u8> {
    vec![STATUSES, status_byte(status)]
}

/// The key that says how an execution stands.
pub(crate) fn status(status: Status, execution: &ExecutionId) -> Vec<u8> {
    let mut key = statuses(status);
    key.extend_from_slice(execution.as_str().as_bytes());
    key
}

/// The status and the execution of a key that [`status`] made.
pub(crate) fn parse_status(key: &[u8]) -> Option<(Status, ExecutionId)> {
    let byte = *key.get(1)?;
    let status = Status::ALL.into_iter().find(|status| status_byte(*status) == byte)?;
    Some((status, std::str::from_utf8(key.get(2..)?).ok()?.parse().ok()?))
}

pub(crate) fn in_table(table: Table, key: &[u8]) -> Vec<u8> {
    let mut full = vec![VALUES, table_byte(table)];
    full.extend_from_slice(key);
    full
}

/// The key of one part of the value at `whole`. The length in front keeps the parts of one key from lying
/// between those of another.
pub(crate) fn part(whole: &[u8], number: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(whole.len() + 7);
    key.push(PARTS);
    let length = u16::try_from(whole.len()).expect("keys are far shorter than 64 KiB: limits::check_key");
    key.extend_from_slice(&length.to_be_bytes());
    key.extend_from_slice(whole);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The key whose part this is, with the part's number.
pub(crate) fn parse_part(key: &[u8]) -> Option<(&[u8], u32)> {
    let (length, rest) = key.strip_prefix(&[PARTS])?.split_first_chunk()?;
    let (whole, number) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((whole, u32::from_be_bytes(number.try_into().ok()?)))
}

/// The execution of a key that [`of_execution`] made.
pub(crate) fn parse_execution(key: &[u8]) -> Option<ExecutionId> {
    std::str::from_utf8(key.get(1..)?).ok()?.parse().ok()
}

/// The execution and the number of a key that [`numbered`] made.
pub(crate) fn parse_numbered(key: &[u8]) -> Option<(ExecutionId, u64)> {
    let (before, number) = key.split_last_chunk()?;
    Some((
        parse_execution(before.strip_suffix(&[0])?)?,
        u64::from_be_bytes(*number),
    ))
}

pub(crate) fn parse_wake(key: &[u8]) -> Option<(Timestamp, ExecutionId)> {
    let (time, id) = key.get(1..)?.split_first_chunk()?;
    let millis = (u64::from_be_bytes(*time) ^ SIGN).cast_signed();
    Some((
        Timestamp::from_millis(millis),
        std::str::from_utf8(id).ok()?.parse().ok()?,
    ))
}

/// The first key that does not begin with `prefix`; `None` when there is none.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut after = prefix[..=last].to_vec();
    after[last] += 1;
    Some(after)
}

/// A flipped sign makes negative times sort before positive ones.
const SIGN: u64 = 1 << 63;

fn wake_time(at: Timestamp) -> [u8; 8] {
    (at.as_millis().cast_unsigned() ^ SIGN).to_be_bytes()
}

/// Durable: never change one, never use one again.
fn status_byte(status: Status) -> u8 {
    match status {
        Status::Pending => b'p',
        Status::InProgress => b'i',
        Status::Waiting => b'w',
        Status::Success => b's',
        Status::TimedOut => b't',
        Status::Cancelling => b'c',
        Status::Cancelled => b'C',
        Status::Failed => b'f',
        Status::Exited => b'e',
        Status::RollingBack => b'r',
        Status::RolledBack => b'R',
        Status::RollbackFailed => b'F',
        Status::Skipped => b'k',
        Status::Paused => b'h',
    }
}

/// Durable: never change one, never use one again.
fn table_byte(table: Table) -> u8 {
    match table {
        Table::Plans => b'p',
        Table::Components => b'c',
        Table::Blobs => b'b',
        Table::Parameters => b's',
        Table::Settings => b'e',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id() -> impl Strategy<Value = ExecutionId> {
        "[A-Za-z0-9._:-]{1,128}".prop_map(|text| text.parse().unwrap())
    }

    proptest! {
        #[test]
        fn wakes_sort_by_time(a in any::<i64>(), b in any::<i64>(), x in id(), y in id()) {
            let (first, second) = (wake(Timestamp::from_millis(a), &x), wake(Timestamp::from_millis(b), &y));
            prop_assert_eq!(first.cmp(&second), (a, x.as_str()).cmp(&(b, y.as_str())));
            prop_assert_eq!(parse_wake(&first), Some((Timestamp::from_millis(a), x)));
            prop_assert!(first < after_wakes_at(Timestamp::from_millis(a)));
        }

        #[test]
        fn numbered_keys_read_back(n in any::<u64>(), x in id()) {
            let key = numbered(ENTRIES, &x, n);
            prop_assert!(key.starts_with(&numbered_prefix(ENTRIES, &x)));
            prop_assert_eq!(parse_numbered(&key), Some((x, n)));
        }

        #[test]
        fn statuses_read_back(n in 0..Status::ALL.len(), x in id()) {
            prop_assert_eq!(parse_status(&status(Status::ALL[n], &x)), Some((Status::ALL[n], x)));
        }

        #[test]
        fn parts_read_back(whole in prop::collection::vec(any::<u8>(), 0..1100), n in any::<u32>()) {
            let key = part(&whole, n);
            prop_assert_eq!(parse_part(&key), Some((whole.as_slice(), n)));
        }

        #[test]
        fn nothing_lies_between_a_prefix_and_its_end(prefix in prop::collection::vec(any::<u8>(), 0..4), key in prop::collection::vec(any::<u8>(), 0..6)) {
            let inside = key >= prefix && after_prefix(&prefix).is_none_or(|end| key < end);
            prop_assert_eq!(inside, key.starts_with(&prefix));
        }
    }
}
