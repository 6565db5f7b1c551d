//! The disk under the simulated engines: keeps what was made durable, and fails by chance.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fastrand::Rng;
use runwright_model::{event::Record, id::ExecutionId, log::LogLine, time::Timestamp};
use runwright_store::{Append, Durability, Epoch, Error, Expect, Head, MemoryStore, Page, Result, Store, Table};

use crate::sim::{check::Checker, life::Life};

/// How often appends go wrong, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Faults {
    /// The machine stops before or after the append.
    pub(crate) crash: u32,
    /// There is no room, for up to some seconds.
    pub(crate) full: u32,
    /// The store ends, and the engine lives on without it.
    pub(crate) closed: u32,
    /// The append takes milliseconds.
    pub(crate) slow: u32,
}

/// One disk; a clone is the same.
#[derive(Clone)]
pub(crate) struct Disk {
    contents: Arc<Mutex<Contents>>,
    checker: Checker,
}

struct Contents {
    /// What the running engines see.
    live: MemoryStore,
    written: Vec<Written>,
    durable: usize,
    rng: Rng,
    faults: Faults,
    full_until: Option<tokio::time::Instant>,
}

#[derive(Clone)]
pub(crate) enum Written {
    Append(Box<Append>),
    Put(Table, Vec<u8>, Vec<u8>),
    Delete(Table, Vec<u8>),
}

enum Fault {
    CrashBefore,
    CrashAfter,
    Full,
    ClosedBefore,
    ClosedAfter,
}

impl Disk {
    pub(crate) fn new(rng: Rng, faults: Faults, checker: Checker) -> Self {
        Self {
            contents: Arc::new(Mutex::new(Contents {
                live: MemoryStore::new(),
                written: Vec::new(),
                durable: 0,
                rng,
                faults,
                full_until: None,
            })),
            checker,
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm(&self) {
        let mut contents = self.contents();
        contents.faults = Faults::default();
        contents.full_until = None;
    }

    /// There is no room for so long.
    pub(crate) fn fill(&self, time: Duration) {
        self.contents().full_until = Some(tokio::time::Instant::now() + time);
    }

    /// The store of one engine.
    pub(crate) fn attach(&self, life: Arc<Life>) -> SimStore {
        SimStore {
            inner: self.contents().live.clone(),
            disk: self.clone(),
            life,
        }
    }

    /// The machine stops: of what was not durable, the first `keep` of a thousand parts are left.
    pub(crate) async fn power_cut(&self, keep: usize) {
        let (written, lost) = {
            let mut contents = self.contents();
            let left = contents.durable + (contents.written.len() - contents.durable) * keep / 1_000;
            let lost = contents.written.len() - left;
            contents.written.truncate(left);
            contents.durable = left;
            (contents.written.clone(), lost)
        };
        let live = MemoryStore::new();
        let epoch = live.claim().await.expect("a new store can be claimed");
        for entry in &written {
            match entry.clone() {
                Written::Append(append) => live.append(Append { epoch, ..*append }).await.expect("it was there"),
                Written::Put(table, key, value) => {
                    live.put(table, &key, value, Expect::Any).await.expect("it was there");
                }
                Written::Delete(table, key) => live.delete(table, &key).await.expect("it was there"),
            }
        }
        self.contents().live = live;
        self.checker.power_cut(&written, lost);
    }

    /// What is on it now, for questions of the simulation itself.
    pub(crate) fn peek(&self) -> MemoryStore {
        self.contents().live.clone()
    }
}

/// One engine's way to the disk.
pub(crate) struct SimStore {
    inner: MemoryStore,
    disk: Disk,
    life: Arc<Life>,
}

impl SimStore {
    fn fault(&self) -> Option<Fault> {
        let mut contents = self.disk.contents();
        let now = tokio::time::Instant::now();
        if contents.full_until.is_some_and(|until| until > now) {
            return Some(Fault::Full);
        }
        let faults = contents.faults;
        match contents.rng.u32(0..1_000) {
            roll if roll < faults.crash => Some(if contents.rng.bool() {
                Fault::CrashBefore
            } else {
                Fault::CrashAfter
            }),
            roll if roll < faults.crash + faults.full => {
                contents.full_until = Some(now + Duration::from_millis(contents.rng.u64(1..4_000)));
                Some(Fault::Full)
            }
            roll if roll < faults.crash + faults.full + faults.closed => Some(if contents.rng.bool() {
                Fault::ClosedBefore
            } else {
                Fault::ClosedAfter
            }),
            _ => None,
        }
    }

    async fn pause(&self) {
        let pause = {
            let mut contents = self.disk.contents();
            let slow = contents.faults.slow;
            (contents.rng.u32(0..1_000) < slow).then(|| contents.rng.u64(1..8))
        };
        if let Some(ms) = pause {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }

    async fn ready(&self) -> Result<()> {
        self.life.gate().await;
        if self.life.is_closed() {
            Err(Error::Closed)
        } else {
            Ok(())
        }
    }
}

#[async_trait::async_trait]
impl Store for SimStore {
    async fn claim(&self) -> Result<Epoch> {
        self.ready().await?;
        self.inner.claim().await
    }

    async fn append(&self, append: Append) -> Result<()> {
        self.ready().await?;
        self.pause().await;
        self.ready().await?;
        let fault = self.fault();
        match fault {
            Some(Fault::CrashBefore) => {
                self.disk.checker.note("crash before an append".into());
                self.life.kill();
                self.life.gate().await;
            }
            Some(Fault::Full) => {
                self.disk.checker.note(format!("disk full for {}", append.execution));
                return Err(Error::Full {
                    path: PathBuf::from("/sim"),
                });
            }
            Some(Fault::ClosedBefore) => {
                self.disk.checker.note("the store closes".into());
                self.life.close_store();
                return Err(Error::Closed);
            }
            Some(Fault::CrashAfter | Fault::ClosedAfter) | None => {}
        }
        let durable = append.durability == Durability::Durable;
        if let Err(error) = self.inner.append(append.clone()).await {
            self.disk
                .checker
                .note(format!("append of {} refused: {error}", append.execution));
            return Err(error);
        }
        self.disk.checker.appended(&append, self.life.number());
        {
            let mut contents = self.disk.contents();
            contents.written.push(Written::Append(Box::new(append)));
            if durable && fault.is_none() {
                contents.durable = contents.written.len();
                self.disk.checker.durable();
            }
        }
        if matches!(fault, Some(Fault::CrashAfter)) {
            self.disk.checker.note("crash after an append".into());
            self.life.kill();
        } else if matches!(fault, Some(Fault::ClosedAfter)) {
            self.disk.checker.note("the store closes after an append".into());
            self.life.close_store();
            return Err(Error::Closed);
        }
        self.pause().await;
        self.life.gate().await;
        Ok(())
    }

    async fn read(&self, execution: &ExecutionId, from: u64) -> Result<Vec<Record>> {
        self.ready().await?;
        self.inner.read(execution, from).await
    }

    async fn head(&self, execution: &ExecutionId) -> Result<Option<Head>> {
        self.ready().await?;
        self.inner.head(execution).await
    }

    async fn list(&self, page: Page) -> Result<Vec<(ExecutionId, Head)>> {
        self.ready().await?;
        self.inner.list(page).await
    }

    async fn due(&self, until: Timestamp, most: usize) -> Result<Vec<(Timestamp, ExecutionId)>> {
        self.ready().await?;
        self.inner.due(until, most).await
    }

    async fn next_wake(&self) -> Result<Option<Timestamp>> {
        self.ready().await?;
        self.inner.next_wake().await
    }

    async fn remove(&self, execution: &ExecutionId) -> Result<()> {
        self.ready().await?;
        self.inner.remove(execution).await
    }

    async fn append_log(&self, execution: &ExecutionId, lines: Vec<LogLine>) -> Result<()> {
        self.ready().await?;
        self.inner.append_log(execution, lines).await
    }

    async fn read_log(&self, execution: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>> {
        self.ready().await?;
        self.inner.read_log(execution, from, most).await
    }

    async fn put(&self, table: Table, key: &[u8], value: Vec<u8>, expect: Expect) -> Result<bool> {
        self.ready().await?;
        let put = self.inner.put(table, key, value.clone(), expect).await?;
        if put {
            let written = Written::Put(table, key.to_vec(), value);
            self.disk.contents().written.push(written);
        }
        Ok(put)
    }

    async fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.ready().await?;
        self.inner.get(table, key).await
    }

    async fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.ready().await?;
        self.inner.scan(table, prefix, after, most).await
    }

    async fn delete(&self, table: Table, key: &[u8]) -> Result<()> {
        self.ready().await?;
        self.inner.delete(table, key).await?;
        let written = Written::Delete(table, key.to_vec());
        self.disk.contents().written.push(written);
        Ok(())
    }

    async fn sync(&self) -> Result<()> {
        self.ready().await?;
        let mut contents = self.disk.contents();
        contents.durable = contents.written.len();
        drop(contents);
        self.disk.checker.durable();
        Ok(())
    }
}
