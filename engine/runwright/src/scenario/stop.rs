//! A store that stops: nothing is written any more, as when the engine's process ends.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use runwright_model::{event::Record, id::ExecutionId, log::LogLine, time::Timestamp};
use runwright_store::{Append, Epoch, Error, Expect, Head, Page, Result, Store, Table};
use tokio::sync::Notify;

/// Writes to another store until its appends are spent.
pub(crate) struct Stopping {
    inner: Arc<dyn Store>,
    appends: AtomicUsize,
    /// How many appends there are; `None`: as many as are wanted.
    most: Option<usize>,
    stopped: AtomicBool,
    stops: Notify,
}

impl Stopping {
    pub(crate) fn new(inner: Arc<dyn Store>, most: Option<usize>) -> Self {
        Self {
            inner,
            appends: AtomicUsize::new(0),
            most,
            stopped: AtomicBool::new(false),
            stops: Notify::new(),
        }
    }

    /// How many appends there were.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(Ordering::Relaxed)
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Returns when it stops.
    pub(crate) async fn stopped(&self) {
        loop {
            let notified = self.stops.notified();
            if self.has_stopped() {
                return;
            }
            notified.await;
        }
    }

    fn running(&self) -> Result<()> {
        if self.has_stopped() { Err(Error::Closed) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl Store for Stopping {
    async fn claim(&self) -> Result<Epoch> {
        self.inner.claim().await
    }

    async fn append(&self, append: Append) -> Result<()> {
        self.running()?;
        if self.most.is_some_and(|most| self.appends() >= most) {
            self.stopped.store(true, Ordering::Relaxed);
            self.stops.notify_waiters();
            return Err(Error::Closed);
        }
        self.inner.append(append).await?;
        self.appends.fetch_add(1, Ordering::Relaxed);
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
        // An engine that is gone finds nothing to do.
        self.running()?;
        self.inner.due(until, most).await
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>> {
        self.running()?;
        self.inner.next_wake().await
    }

    async fn remove(&self, execution: &ExecutionId) -> Result<()> {
        self.running()?;
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
        self.inner.put(table, key, value, expect).await
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
        self.running()?;
        self.inner.delete(table, key).await
    }

    async fn sync(&self) -> Result<()> {
        self.running()?;
        self.inner.sync().await
    }
}
