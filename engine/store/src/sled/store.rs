//! The guarantees of [`Store`], on sled.

use std::{collections::BTreeSet, ops::Bound, sync::atomic::Ordering};

use ::sled::IVec;
use runwright_model::{digest::Digest, event::Record, id::ExecutionId, log::LogLine, time::Timestamp};

use super::{
    SledStore, Walk,
    draft::{self, Draft},
    entries, keys, prefixed, removal,
};
use crate::{
    Append, Durability, Epoch, Error, Expect, Head, Page, Result, Store, Table, Wanted, codec,
    limits::{check_append, check_key, check_value, most_or_all},
    names,
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
            let drafted = draft.finish();
            wait = core.submit(&mut layers, drafted, Durability::Durable)?;
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
            entries::append(draft, &append, &records, &head)
        })
        .await
    }

    async fn read(&self, execution: &ExecutionId, from: u64) -> Result<Vec<Record>> {
        self.read_entries(execution, from)
    }

    async fn head(&self, execution: &ExecutionId) -> Result<Option<Head>> {
        let last = entries::last(&self.core().layers(), execution)?;
        last.map(|entry| entry.head(execution)).transpose()
    }

    async fn list(&self, page: Page) -> Result<Vec<(ExecutionId, Head)>> {
        if !page.statuses.is_empty() {
            return self.list_by_status(&page);
        }
        let end = prefixed(vec![keys::ENTRIES]).1;
        let mut before = page.before.as_ref().map_or(end, entries::before);
        let most = most_or_all(page.most);
        let mut rows = Vec::new();
        while rows.len() < most {
            let layers = self.core().layers();
            let Some((execution, entry)) = entries::last_before(&layers, before)? else {
                break;
            };
            before = entries::before(&execution);
            if !layers.is_removing(&execution) {
                let head = entry.head(&execution)?;
                rows.push((execution, head));
            }
        }
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
            core.submit(&mut layers, super::layers::Drafted::default(), Durability::Durable)?
        };
        match wait {
            Some(wait) => wait.await.map_err(|_lost| Error::Closed)?,
            None => Ok(()),
        }
    }

    async fn weigh(&self, execution: &ExecutionId) -> Result<u64> {
        let mut bytes = 0;
        for kind in [keys::ENTRIES, keys::LOGS] {
            let walk = Walk {
                range: prefixed(keys::numbered_prefix(kind, execution)),
                backwards: false,
                most: usize::MAX,
                framed: true,
                what: &|| log_words(execution),
            };
            self.walk(&walk, &mut |key, frame| {
                bytes += (key.len() + frame.len()) as u64;
                Ok(true)
            })?;
        }
        Ok(bytes)
    }

    async fn sizes(&self, table: Table, after: Option<&[u8]>, most: usize) -> Result<Vec<(Vec<u8>, u64)>> {
        let table_prefix = keys::in_table(table, &[]);
        let mut range = prefixed(table_prefix.clone());
        if let Some(after) = after {
            range.0 = Bound::Excluded(keys::in_table(table, after));
        }
        let cells = self.core().layers().cells(&range, false, most_or_all(most))?;
        let sizes = cells.into_iter().map(|(key, cell)| {
            let bytes = u64::from(draft::part_count(&cell)) * draft::PART_BYTES as u64 + cell.len() as u64;
            (key[table_prefix.len()..].to_vec(), bytes)
        });
        Ok(sizes.collect())
    }

    async fn mentions(&self, names: &BTreeSet<Digest>, wanted: Wanted<'_>) -> Result<BTreeSet<Digest>> {
        let what = || "an entry of a journal".to_owned();
        let walk = Walk {
            range: prefixed(vec![keys::ENTRIES]),
            backwards: false,
            most: usize::MAX,
            framed: true,
            what: &what,
        };
        let mut found = BTreeSet::new();
        let mut asked: Option<(ExecutionId, bool)> = None;
        self.walk(&walk, &mut |key, entry| {
            let (execution, _) = parsed(keys::parse_numbered(key), &what)?;
            if asked.as_ref().is_none_or(|(id, _)| *id != execution) {
                let last = entries::last(&self.core().layers(), &execution)?;
                let head = last.map(|entry| entry.head(&execution)).transpose()?;
                let is_wanted = head.is_some_and(|head| wanted(&execution, &head.summary));
                asked = Some((execution, is_wanted));
            }
            if asked.as_ref().is_some_and(|(_, is_wanted)| *is_wanted) {
                names::find(&entry, names, &mut found);
            }
            Ok(true)
        })?;
        Ok(found)
    }
}

impl SledStore {
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
