//! The store that forgets: for tests and benches.
//!
//! It keeps every guarantee of [`Store`] but durability: its contents end with its last handle. Records go
//! through the same codec as on disk, so what a test reads back is what a disk would have answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use runwright_model::{event::Record, id::ExecutionId, log::LogLine, time::Timestamp};

use crate::{
    Append, Epoch, Error, Expect, Head, Page, Result, Store, Table, codec,
    limits::{check_append, check_key, check_value, most_or_all},
};

/// A store in memory. A clone is another handle on the same contents, with an epoch of its own.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    /// The epoch this handle claimed last, or the owner's when the handle was made.
    epoch: Mutex<u64>,
}

#[derive(Debug, Default)]
struct State {
    owner: u64,
    journals: BTreeMap<ExecutionId, Journal>,
    wakes: BTreeSet<(Timestamp, ExecutionId)>,
    logs: BTreeMap<ExecutionId, Vec<LogLine>>,
    tables: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
}

#[derive(Debug)]
struct Journal {
    records: Vec<Vec<u8>>,
    head: Head,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock was held is a bug of this file; the maps are whole in any case.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if this handle may write.
    fn owned(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        let epoch = *self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        state.check_epoch(Epoch(epoch))?;
        Ok(state)
    }
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        let owner = self.state().owner;
        Self {
            state: Arc::clone(&self.state),
            epoch: Mutex::new(owner),
        }
    }
}

impl State {
    fn check_epoch(&self, epoch: Epoch) -> Result<()> {
        if epoch.0 == self.owner {
            Ok(())
        } else {
            Err(Error::Fenced {
                epoch,
                owner: Epoch(self.owner),
            })
        }
    }
}

#[async_trait::async_trait]
impl Store for MemoryStore {
    async fn claim(&self) -> Result<Epoch> {
        let mut state = self.state();
        state.owner += 1;
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner) = state.owner;
        Ok(Epoch(state.owner))
    }

    async fn append(&self, append: Append) -> Result<()> {
        let records = check_append(&append)?;
        let mut state = self.state();
        state.check_epoch(append.epoch)?;
        let old = state
            .journals
            .get(&append.execution)
            .map(|journal| (journal.head.length, journal.head.wake));
        let (actual, old_wake) = old.unwrap_or((0, None));
        if actual != append.expected {
            return Err(Error::Conflict {
                execution: append.execution,
                expected: append.expected,
                actual,
            });
        }
        if let Some(wake) = old_wake {
            state.wakes.remove(&(wake, append.execution.clone()));
        }
        if let Some(wake) = append.wake {
            state.wakes.insert((wake, append.execution.clone()));
        }
        let head = Head {
            length: actual + records.len() as u64,
            summary: append.summary,
            wake: append.wake,
        };
        match state.journals.get_mut(&append.execution) {
            Some(journal) => {
                journal.records.extend(records);
                journal.head = head;
            }
            None => {
                state.journals.insert(append.execution, Journal { records, head });
            }
        }
        Ok(())
    }

    async fn read(&self, execution: &ExecutionId, from: u64) -> Result<Vec<Record>> {
        let state = self.state();
        let Some(journal) = state.journals.get(execution) else {
            return Ok(Vec::new());
        };
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let later = journal.records.iter().skip(from);
        later
            .map(|bytes| codec::decode_record(bytes, &|| format!("a record of execution {execution}")))
            .collect()
    }

    async fn head(&self, execution: &ExecutionId) -> Result<Option<Head>> {
        Ok(self.state().journals.get(execution).map(|journal| journal.head.clone()))
    }

    async fn list(&self, page: Page) -> Result<Vec<(ExecutionId, Head)>> {
        let state = self.state();
        let newest_first = state.journals.iter().rev();
        let wanted = newest_first.filter(|(id, _)| page.before.as_ref().is_none_or(|before| *id < before));
        let asked = |head: &Head| page.statuses.is_empty() || page.statuses.contains(&head.summary.status);
        Ok(wanted
            .filter(|(_, journal)| asked(&journal.head))
            .take(most_or_all(page.most))
            .map(|(id, journal)| (id.clone(), journal.head.clone()))
            .collect())
    }

    async fn due(&self, until: Timestamp, most: usize) -> Result<Vec<(Timestamp, ExecutionId)>> {
        let state = self.state();
        Ok(state
            .wakes
            .iter()
            .take_while(|(at, _)| *at <= until)
            .take(most_or_all(most))
            .cloned()
            .collect())
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>> {
        Ok(self.state().wakes.first().map(|(at, _)| *at))
    }

    async fn remove(&self, execution: &ExecutionId) -> Result<()> {
        let mut state = self.owned()?;
        if let Some(Journal {
            head: Head { wake: Some(wake), .. },
            ..
        }) = state.journals.remove(execution)
        {
            state.wakes.remove(&(wake, execution.clone()));
        }
        state.logs.remove(execution);
        Ok(())
    }

    async fn append_log(&self, execution: &ExecutionId, lines: Vec<LogLine>) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.owned()?.logs.entry(execution.clone()).or_default().extend(lines);
        Ok(())
    }

    async fn read_log(&self, execution: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>> {
        let state = self.state();
        let Some(lines) = state.logs.get(execution) else {
            return Ok(Vec::new());
        };
        let numbered = (0_u64..).zip(lines.iter().cloned());
        Ok(numbered
            .skip(usize::try_from(from).unwrap_or(usize::MAX))
            .take(most_or_all(most))
            .collect())
    }

    async fn put(&self, table: Table, key: &[u8], value: Vec<u8>, expect: Expect) -> Result<bool> {
        check_key(key)?;
        check_value(&value)?;
        let mut state = self.owned()?;
        let place = (table, key.to_vec());
        let there = state.tables.get(&place);
        let fits = match &expect {
            Expect::Any => true,
            Expect::Absent => there.is_none(),
            Expect::Value(expected) => there == Some(expected),
        };
        if fits {
            state.tables.insert(place, value);
        }
        Ok(fits)
    }

    async fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.state().tables.get(&(table, key.to_vec())).cloned())
    }

    async fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let state = self.state();
        let from_prefix = state.tables.range((table, prefix.to_vec())..);
        let in_prefix = from_prefix.take_while(|((of, key), _)| *of == table && key.starts_with(prefix));
        let wanted = in_prefix.filter(|((_, key), _)| after.is_none_or(|after| key.as_slice() > after));
        Ok(wanted
            .take(most_or_all(most))
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    async fn delete(&self, table: Table, key: &[u8]) -> Result<()> {
        self.owned()?.tables.remove(&(table, key.to_vec()));
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        Ok(())
    }
}
