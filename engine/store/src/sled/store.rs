//! The guarantees of [`Store`], on sled.

use std::{ops::Bound, sync::atomic::Ordering};

use ::sled::IVec;
use runwright_model::{event::Record, id::ExecutionId, log::LogLine, time::Timestamp};

use super::{SledStore, Walk, draft::Draft, head_words, journal_words, keys, prefixed, removal};
use crate::{
    Append, Durability, Epoch, Error, Expect, Head, Page, Result, Store, Table, codec,
    limits::{check_append, check_key, check_value, most_or_all},
};

#[async_trait::async_trait]
impl Store for SledStore {
    async fn claim(&self) -> Result<Epoch> {
        let wait;
        let epoch;
        {
            let core = self.core();
            let mut layers = core.layers_mut();
            self.check_room(&layers)?;
            epoch = layers.owner + 1;
            let mut draft = Draft::new(&layers);
            draft.put(keys::EPOCH.to_vec(), &codec::encode(&epoch)?)?;
            let changes = draft.into_changes();
            wait = core.submit(&mut layers, changes, Durability::Durable)?;
            // From here on every earlier epoch is fenced off, even while this one is not durable yet.
            layers.owner = epoch;
        }
        if let Some(wait) = wait {
            wait.await.map_err(|_lost| Error::Closed)??;
        }
        self.epoch.fetch_max(epoch, Ordering::AcqRel);
        Ok(Epoch(epoch))
    }

    async fn append(&self, append: Append) -> Result<()> {
        let records = check_append(&append)?;
        let length = append.expected + records.len() as u64;
        let head = codec::encode_head(length, &append.summary, append.wake)?;
        self.write(append.epoch, append.durability, |draft| {
            append_records(draft, &append, &records, &head)
        })
        .await
    }

    async fn read(&self, execution: &ExecutionId, from: u64) -> Result<Vec<Record>> {
        let Some(head) = self.head(execution).await? else {
            return Ok(Vec::new());
        };
        let what = || journal_words(execution);
        let (_, end) = prefixed(keys::numbered_prefix(keys::RECORDS, execution));
        let range = (Bound::Included(keys::numbered(keys::RECORDS, execution, from)), end);
        let most = usize::try_from(head.length.saturating_sub(from))
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let walk = Walk {
            range,
            backwards: false,
            most,
            framed: true,
            what: &what,
        };
        let mut records = Vec::new();
        self.walk(&walk, &mut |key, frame| {
            let number = from + records.len() as u64;
            let name = || format!("record {number} of execution {execution}");
            if keys::parse_numbered(key).is_none_or(|(_, found)| found != number) {
                return Err(Error::Damaged {
                    what: name(),
                    why: "it is missing, and a later one is there".to_owned(),
                });
            }
            records.push(codec::decode_record(&frame, &name)?);
            Ok(true)
        })
        .or_else(|error| self.unless_removed(execution, error))?;
        let found = from.saturating_add(records.len() as u64);
        if found < head.length {
            let why = format!("it ends after {found} records, and its row counts {}", head.length);
            self.unless_removed(execution, Error::Damaged { what: what(), why })?;
            return Ok(Vec::new());
        }
        Ok(records)
    }

    async fn head(&self, execution: &ExecutionId) -> Result<Option<Head>> {
        let what = || head_words(execution);
        let frame = self.load(&keys::of_execution(keys::HEADS, execution), &what)?;
        frame.map(|frame| codec::decode_head(&frame, &what)).transpose()
    }

    async fn list(&self, page: Page) -> Result<Vec<(ExecutionId, Head)>> {
        let what = || "a row of the list of executions".to_owned();
        let mut range = prefixed(vec![keys::HEADS]);
        if let Some(before) = &page.before {
            range.1 = Bound::Excluded(keys::of_execution(keys::HEADS, before));
        }
        let most = most_or_all(page.most);
        let mut rows = Vec::new();
        self.walk(
            &Walk {
                range,
                backwards: true,
                most,
                framed: true,
                what: &what,
            },
            &mut |key, frame| {
                let id = parsed(keys::parse_execution(key), &what)?;
                let head = codec::decode_head(&frame, &|| head_words(&id))?;
                rows.push((id, head));
                Ok(rows.len() < most)
            },
        )?;
        Ok(rows)
    }

    async fn due(&self, until: Timestamp, most: usize) -> Result<Vec<(Timestamp, ExecutionId)>> {
        let range = (
            Bound::Included(vec![keys::WAKES]),
            Bound::Excluded(keys::after_wakes_at(until)),
        );
        self.wakes(range, most_or_all(most))
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>> {
        Ok(self.wakes(prefixed(vec![keys::WAKES]), 1)?.first().map(|(at, _)| *at))
    }

    async fn remove(&self, execution: &ExecutionId) -> Result<()> {
        self.remove_execution(execution).await
    }

    async fn append_log(&self, execution: &ExecutionId, lines: Vec<LogLine>) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let frame = codec::encode(&lines)?;
        self.write(self.epoch(), Durability::Buffered, |draft| {
            removal::finish(draft, execution)?;
            let length_key = keys::of_execution(keys::LOG_LENGTHS, execution);
            let length = log_length(draft.load(&length_key, &|| log_words(execution))?, execution)?;
            draft.put_new(keys::numbered(keys::LOGS, execution, length), &frame);
            draft.put(length_key, &codec::encode(&(length + lines.len() as u64))?)
        })
        .await
    }

    async fn read_log(&self, execution: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>> {
        let what = || log_words(execution);
        let length = log_length(
            self.load(&keys::of_execution(keys::LOG_LENGTHS, execution), &what)?,
            execution,
        )?;
        if from >= length {
            return Ok(Vec::new());
        }
        let mut range = prefixed(keys::numbered_prefix(keys::LOGS, execution));
        // Lines that were added together lie in one cell: the first one wanted may lie in an earlier cell.
        let upto = (
            range.0.clone(),
            Bound::Included(keys::numbered(keys::LOGS, execution, from)),
        );
        if let Some((key, _)) = self.core().layers().cells(&upto, true, 1)?.first() {
            range.0 = Bound::Included(key.to_vec());
        }
        let most = most_or_all(most);
        let mut lines = Vec::new();
        self.walk(
            &Walk {
                range,
                backwards: false,
                most,
                framed: true,
                what: &what,
            },
            &mut |key, frame| {
                let (_, first) = parsed(keys::parse_numbered(key), &what)?;
                let together: Vec<LogLine> = codec::decode(&frame, &what)?;
                let numbered = (first..).zip(together).filter(|(number, _)| *number >= from);
                lines.extend(numbered.take(most - lines.len()));
                Ok(lines.len() < most)
            },
        )?;
        Ok(lines)
    }

    async fn put(&self, table: Table, key: &[u8], value: Vec<u8>, expect: Expect) -> Result<bool> {
        check_key(key)?;
        check_value(&value)?;
        let frame = codec::frame(&value);
        let full_key = keys::in_table(table, key);
        self.write(self.epoch(), Durability::Buffered, |draft| {
            let fits = match &expect {
                Expect::Any => true,
                Expect::Absent => draft.get(&full_key)?.is_none(),
                Expect::Value(expected) => {
                    let what = || value_words(table, key);
                    match draft.load(&full_key, &what)? {
                        Some(frame) => codec::unframe(&frame, &what)? == expected.as_slice(),
                        None => false,
                    }
                }
            };
            if fits {
                draft.put(full_key, &frame)?;
            }
            Ok(fits)
        })
        .await
    }

    async fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let what = || value_words(table, key);
        let frame = self.load(&keys::in_table(table, key), &what)?;
        frame
            .map(|frame| codec::unframe(&frame, &what).map(<[u8]>::to_vec))
            .transpose()
    }

    async fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let what = || value_words(table, prefix);
        let table_prefix = keys::in_table(table, &[]).len();
        let mut range = prefixed(keys::in_table(table, prefix));
        if let Some(after) = after.filter(|after| *after >= prefix) {
            range.0 = Bound::Excluded(keys::in_table(table, after));
        }
        let most = most_or_all(most);
        let mut values = Vec::new();
        self.walk(
            &Walk {
                range,
                backwards: false,
                most,
                framed: true,
                what: &what,
            },
            &mut |full_key, frame| {
                let key = full_key[table_prefix..].to_vec();
                let value = codec::unframe(&frame, &|| value_words(table, &key))?.to_vec();
                values.push((key, value));
                Ok(values.len() < most)
            },
        )?;
        Ok(values)
    }

    async fn delete(&self, table: Table, key: &[u8]) -> Result<()> {
        let full_key = keys::in_table(table, key);
        self.write(self.epoch(), Durability::Buffered, |draft| draft.remove(&full_key))
            .await
    }

    async fn sync(&self) -> Result<()> {
        let wait = {
            let core = self.core();
            let mut layers = core.layers_mut();
            core.submit(&mut layers, super::layers::Changes::new(), Durability::Durable)?
        };
        match wait {
            Some(wait) => wait.await.map_err(|_lost| Error::Closed)?,
            None => Ok(()),
        }
    }
}

impl SledStore {
    /// An error that a reader found in a journal, unless the journal was removed while it was read.
    fn unless_removed(&self, execution: &ExecutionId, error: Error) -> Result<()> {
        match self.core().layers().get(&keys::of_execution(keys::HEADS, execution))? {
            Some(_) => Err(error),
            None => Ok(()),
        }
    }

    fn wakes(&self, range: super::tree::Range, most: usize) -> Result<Vec<(Timestamp, ExecutionId)>> {
        let what = || "an entry of the wake-up index".to_owned();
        let mut wakes = Vec::new();
        self.walk(
            &Walk {
                range,
                backwards: false,
                most,
                framed: false,
                what: &what,
            },
            &mut |key, _| {
                wakes.push(parsed(keys::parse_wake(key), &what)?);
                Ok(wakes.len() < most)
            },
        )?;
        Ok(wakes)
    }
}

/// Drafts an append, if the journal is as long as it expects.
fn append_records(draft: &mut Draft<'_>, append: &Append, records: &[Vec<u8>], head: &[u8]) -> Result<()> {
    let execution = &append.execution;
    let what = || head_words(execution);
    let head_key = keys::of_execution(keys::HEADS, execution);
    let (length, wake) = match draft.load(&head_key, &what)? {
        Some(frame) => codec::decode_place(&frame, &what)?,
        None => {
            removal::finish(draft, execution)?;
            (0, None)
        }
    };
    if length != append.expected {
        return Err(Error::Conflict {
            execution: execution.clone(),
            expected: append.expected,
            actual: length,
        });
    }
    for (record, number) in records.iter().zip(length..) {
        draft.put_new(keys::numbered(keys::RECORDS, execution, number), record);
    }
    if wake != append.wake {
        if let Some(at) = wake {
            draft.unmark(keys::wake(at, execution));
        }
        if let Some(at) = append.wake {
            draft.mark(keys::wake(at, execution));
        }
    }
    draft.put(head_key, head)
}

fn log_length(frame: Option<IVec>, execution: &ExecutionId) -> Result<u64> {
    frame.map_or(Ok(0), |frame| codec::decode(&frame, &|| log_words(execution)))
}

/// What a key says, or that it is damaged.
fn parsed<T>(key: Option<T>, what: &dyn Fn() -> String) -> Result<T> {
    key.ok_or_else(|| Error::Damaged {
        what: what(),
        why: "its key cannot be read".to_owned(),
    })
}

fn log_words(execution: &ExecutionId) -> String {
    format!("the log of execution {execution}")
}

fn value_words(table: Table, key: &[u8]) -> String {
    format!("the value `{}` in table {table:?}", key.escape_ascii())
}
