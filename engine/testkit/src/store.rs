//! A store that can be stopped at any append, and loses what was not durable.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use runwright_model::{event::Record, id::ExecutionId, log::LogLine, time::Timestamp};
use runwright_store::{
    Append, Durability, Epoch, Error, Expect, Head, Page, Result, Store, Table, memory::MemoryStore,
};

/// Everything that was written, in order: the disk of a machine that may stop.
#[derive(Default, Clone)]
pub struct Tape(Arc<Mutex<Written>>);

#[derive(Default, Clone)]
struct Written {
    entries: Vec<Entry>,
    durable: usize,
}

#[derive(Clone)]
enum Entry {
    Append(Box<Append>),
    Put(Table, Vec<u8>, Vec<u8>),
}

impl Tape {
    fn write(&self, entry: Entry, durable: bool) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.entries.push(entry);
        if durable {
            written.durable = written.entries.len();
        }
    }

    fn sync(&self) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.durable = written.entries.len();
    }

    /// The machine stops: what was not durable is gone.
    pub fn power_cut(&self) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let durable = written.durable;
        written.entries.truncate(durable);
    }

    /// The same on another tape: whoever still writes this one is not heard there.
    #[must_use]
    pub fn copied(&self) -> Self {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self(Arc::new(Mutex::new(written.clone())))
    }

    /// The machine starts again: a store with what is on the tape, which stops after `appends` more.
    ///
    /// # Errors
    ///
    /// When what is on the tape cannot be appended again: a broken guarantee.
    pub async fn open(&self, appends: usize) -> Result<CrashStore> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner).entries.clone();
        let inner = MemoryStore::new();
        let epoch = inner.claim().await?;
        for entry in entries {
            match entry {
                Entry::Append(append) => inner.append(Append { epoch, ..*append }).await?,
                Entry::Put(table, key, value) => {
                    inner.put(table, &key, value, Expect::Any).await?;
                }
            }
        }
        Ok(CrashStore {
            inner,
            tape: self.clone(),
            left: AtomicUsize::new(appends),
            pauses: Mutex::default(),
        })
    }
}

/// A memory store that writes a [`Tape`] and stops after a number of appends.
pub struct CrashStore {
    inner: MemoryStore,
    tape: Tape,
    left: AtomicUsize,
    pauses: Mutex<VecDeque<Duration>>,
}

impl CrashStore {
    /// The next appends take so long to be answered; readers see them at once.
    #[must_use]
    pub fn with_pauses(self, pauses: impl IntoIterator<Item = Duration>) -> Self {
        Self {
            pauses: Mutex::new(pauses.into_iter().collect()),
            ..self
        }
    }

    /// How many appends are left before it stops.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }

    fn running(&self) -> Result<()> {
        if self.left() == 0 { Err(Error::Closed) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl Store for CrashStore {
    async fn claim(&self) -> Result<Epoch> {
        self.inner.claim().await
    }

    async fn append(&self, append: Append) -> Result<()> {
        let spend = |left: usize| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend)
            .is_err()
        {
            return Err(Error::Closed);
        }
        self.inner.append(append.clone()).await?;
        let durable = append.durability == Durability::Durable;
        self.tape.write(Entry::Append(Box::new(append)), durable);
        let pause = self.pauses.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    async fn read(&self, execution: &ExecutionId, from: u64) -> Result<Vec<Record>> {
        self.inner.read(execution, from).await
    }

    async fn head(&self, execution: &ExecutionId) -> Result<Option<Head>> {
        self.inner.head(execution).await
    }

    async fn list(&self, page: Page) -> Result<Vec<(ExecutionId, Head)>> {
        self.inner.list(page).await
    }

    async fn due(&self, until: Timestamp, most: usize) -> Result<Vec<(Timestamp, ExecutionId)>> {
        self.inner.due(until, most).await
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>> {
        self.inner.next_wake().await
    }

    async fn remove(&self, execution: &ExecutionId) -> Result<()> {
        self.inner.remove(execution).await
    }

    async fn append_log(&self, execution: &ExecutionId, lines: Vec<LogLine>) -> Result<()> {
        self.running()?;
        self.inner.append_log(execution, lines).await
    }

    async fn read_log(&self, execution: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>> {
        self.inner.read_log(execution, from, most).await
    }

    async fn put(&self, table: Table, key: &[u8], value: Vec<u8>, expect: Expect) -> Result<bool> {
        self.running()?;
        let done = self.inner.put(table, key, value.clone(), expect).await?;
        if done {
            self.tape.write(Entry::Put(table, key.to_vec(), value), false);
        }
        Ok(done)
    }

    async fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.inner.get(table, key).await
    }

    async fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.inner.scan(table, prefix, after, most).await
    }

    async fn delete(&self, table: Table, key: &[u8]) -> Result<()> {
        self.inner.delete(table, key).await
    }

    async fn sync(&self) -> Result<()> {
        self.running()?;
        self.tape.sync();
        self.inner.sync().await
    }
}
