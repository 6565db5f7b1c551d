//! Where journals live.
//!
//! [`Store`] is a trait with written guarantees; [`memory`] and [`sled`] keep them, and one suite
//! (`tests/conformance.rs`) holds both to them.
//!
//! ```
//! use runwright_model::{id::ExecutionId, status::Status, summary::Summary, time::Timestamp};
//! use runwright_store::{Append, Durability, MemoryStore, Store};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let store = MemoryStore::new();
//! let epoch = store.claim().await?;
//! let execution: ExecutionId = "nightly".parse()?;
//! let started = Timestamp::from_millis(1_763_750_000_000);
//! let summary = Summary {
//!     runbook: "rotate-keys".to_owned(),
//!     status: Status::Waiting,
//!     by: "ann".to_owned(),
//!     started,
//!     ended: None,
//!     parent: None,
//!     waiting: Some("until tomorrow".to_owned()),
//! };
//! store
//!     .append(Append {
//!         execution: execution.clone(),
//!         expected: 0,
//!         epoch,
//!         records: [].into(),
//!         summary,
//!         wake: Some(started),
//!         durability: Durability::Durable,
//!     })
//!     .await?;
//! assert_eq!(store.due(started, 10).await?, [(started, execution)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What this crate does not do
//!
//! It interprets no event, starts nothing and knows no clock. What it indexes (summaries, wake-ups) is
//! handed to it beside the records it belongs to.
//!
//! # Where to start
//!
//! [`Store`], then `docs/JOURNAL.md` for the bytes and [`sled`] for how they become durable.

use std::{collections::BTreeSet, sync::Arc};

use runwright_model::{
    digest::Digest, event::Record, id::ExecutionId, log::LogLine, status::Status, summary::Summary, time::Timestamp,
};

pub mod care;
pub mod codec;
mod codes;
mod error;
mod limits;
pub mod memory;
pub mod names;
pub mod portable;
pub mod sled;

pub use codes::CODES;
pub use error::Error;
pub use memory::MemoryStore;
pub use sled::{Options, SledStore};

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Numbers the owners of a store: each that opens it gets a larger one, and only the latest may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// When an append is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When readers of this process see it. It becomes durable with the next durable append of any
    /// execution, or never, if the machine stops before: then it is gone together with all that was
    /// appended after it.
    Buffered,
    /// When it, and all that was appended before it, survives a power cut.
    Durable,
}

/// Records to append to one journal, with what is derived from them.
#[derive(Debug, Clone)]
pub struct Append {
    /// Whose journal.
    pub execution: ExecutionId,
    /// The number its next record must have: the length of the journal.
    pub expected: u64,
    /// Who appends.
    pub epoch: Epoch,
    /// The records; may be empty, to change only what is derived. Shared, so that trying again copies none.
    pub records: Arc<[Record]>,
    /// Replaces the execution's row.
    pub summary: Summary,
    /// Replaces the execution's place in the wake-up index; `None` takes it out.
    pub wake: Option<Timestamp>,
    /// When it is answered.
    pub durability: Durability,
}

/// Facts of one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How many records it has: the number of the next one.
    pub length: u64,
    /// Its row.
    pub summary: Summary,
    /// When it wants to be woken.
    pub wake: Option<Timestamp>,
}

/// Named tables of keyed values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Plans by digest.
    Plans,
    /// Components by digest.
    Components,
    /// Parts of blobs.
    Blobs,
    /// Parameters and their versions.
    Parameters,
    /// What the engine is told about itself: holds, policies.
    Settings,
}

impl Table {
    /// All of them, in the order of exports.
    pub const ALL: [Self; 5] = [
        Self::Plans,
        Self::Components,
        Self::Blobs,
        Self::Parameters,
        Self::Settings,
    ];

    /// Its name in exports. Part of their format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plans => "plans",
            Self::Components => "components",
            Self::Blobs => "blobs",
            Self::Parameters => "parameters",
            Self::Settings => "settings",
        }
    }
}

/// What must be there before a value is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Anything or nothing.
    Any,
    /// Nothing.
    Absent,
    /// This value.
    Value(Vec<u8>),
}

/// A part of a list of executions, newest id first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Only ids that sort before this one.
    pub before: Option<ExecutionId>,
    /// At most so many; 0 means all.
    pub most: usize,
    /// Only executions that stand so; empty means all. There is an index: few among many are found at once.
    pub statuses: Vec<Status>,
}

/// A durable (or, for tests, forgetful) keeper of journals.
///
/// # Guarantees
///
/// 1. **Order.** What was appended to a journal is read back in that order, without gaps.
/// 2. **All or nothing.** The records, the summary and the wake-up of one [`Append`] are kept together or
///    not at all, also across a crash.
/// 3. **Prefix.** After a crash, if an append is there, so is every append of any execution that was
///    answered before it was handed in.
/// 4. **Durable means durable**: see [`Durability`].
/// 5. **Expected sequence.** An append whose `expected` is not the journal's length changes nothing and
///    answers [`Error::Conflict`].
/// 6. **Epochs.** A write after a later [`Store::claim`] changes nothing and answers [`Error::Fenced`]. An append
///    names its epoch; every other write has that of its handle: what the handle claimed last, or the owner's
///    when the handle was made (opened or cloned).
/// 7. **Damage is an error.** A record whose checksum or version does not fit is never answered as data.
/// 8. **Limits first.** A record above [`RECORD_BYTES_MAX`], a value above [`VALUE_BYTES_MAX`] or a key above
///    [`KEY_BYTES_MAX`] is refused before anything is written.
/// 9. **Many at once.** All methods may be called from any number of tasks.
///
/// Lists and scans are no snapshots: a long one sees some of the changes made meanwhile. Methods that only read
/// do not wait for the disk to write, but may wait for it to read, for microseconds as a rule.
///
/// Dropping the future of a write that has begun does not take the write back.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// Becomes the owner: every earlier epoch is fenced off.
    async fn claim(&self) -> Result<Epoch>;

    /// Appends, and answers when [`Append::durability`] says so. After any error but [`Error::Backend`] and
    /// [`Error::Closed`], nothing was changed; after those two, whether it was shows when the store is opened again.
    ///
    /// After [`Error::Full`] the same append may be tried again, as often as one likes: it succeeds when the disk
    /// has room, without opening the store anew. An append that was accepted before the disk was full waits.
    async fn append(&self, append: Append) -> Result<()>;

    /// The records numbered `from` and later.
    async fn read(&self, execution: &ExecutionId, from: u64) -> Result<Vec<Record>>;

    /// Facts of a journal; `None` when there is none.
    async fn head(&self, execution: &ExecutionId) -> Result<Option<Head>>;

    /// Executions, newest id first.
    async fn list(&self, page: Page) -> Result<Vec<(ExecutionId, Head)>>;

    /// Executions whose wake-up is due at `until` or before, earliest first, at most so many (0: all).
    async fn due(&self, until: Timestamp, most: usize) -> Result<Vec<(Timestamp, ExecutionId)>>;

    /// The earliest wake-up of all.
    async fn next_wake(&self) -> Result<Option<Timestamp>>;

    /// Takes away a journal with its log and its rows.
    async fn remove(&self, execution: &ExecutionId) -> Result<()>;

    /// Adds log lines. Buffered; lines are numbered from 0.
    async fn append_log(&self, execution: &ExecutionId, lines: Vec<LogLine>) -> Result<()>;

    /// Log lines numbered `from` and later, at most so many (0: all), each with its number.
    async fn read_log(&self, execution: &ExecutionId, from: u64, most: usize) -> Result<Vec<(u64, LogLine)>>;

    /// Puts a value if what is there is as expected; answers whether it was. Buffered.
    async fn put(&self, table: Table, key: &[u8], value: Vec<u8>, expect: Expect) -> Result<bool>;

    /// A value.
    async fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Keys that begin with `prefix` and sort after `after`, in order, with their values, at most so many (0: all).
    async fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>>;

    /// Takes a value away. Buffered.
    async fn delete(&self, table: Table, key: &[u8]) -> Result<()>;

    /// Makes everything so far durable.
    async fn sync(&self) -> Result<()>;

    /// About how many bytes a journal and its log take up; 0 when there is none.
    async fn weigh(&self, execution: &ExecutionId) -> Result<u64> {
        let journal = codec::encode(&self.read(execution, 0).await?)?;
        let log = codec::encode(&self.read_log(execution, 0, 0).await?)?;
        let is_there = self.head(execution).await?.is_some();
        Ok(if is_there {
            (journal.len() + log.len()) as u64
        } else {
            0
        })
    }

    /// Keys of a table that sort after `after`, in order, each with about how many bytes its value takes up, at
    /// most so many (0: all). The values are not read.
    async fn sizes(&self, table: Table, after: Option<&[u8]>, most: usize) -> Result<Vec<(Vec<u8>, u64)>> {
        let values = self.scan(table, &[], after, most).await?;
        Ok(values
            .into_iter()
            .map(|(key, value)| (key, value.len() as u64))
            .collect())
    }

    /// Those of `names` that stand, in hexadecimal, anywhere in a record of an execution that `wanted` answers
    /// true for. It asks about each execution once, with its row.
    ///
    /// A walk through all journals: meant for the collection of what is kept by content.
    async fn mentions(&self, names: &BTreeSet<Digest>, wanted: Wanted<'_>) -> Result<BTreeSet<Digest>> {
        let mut found = BTreeSet::new();
        let mut before = None;
        loop {
            let page = Page {
                before,
                most: 256,
                ..Page::default()
            };
            let rows = self.list(page).await?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            before = Some(last.clone());
            for (execution, _) in rows.iter().filter(|(id, head)| wanted(id, &head.summary)) {
                for record in self.read(execution, 0).await? {
                    names::find(&codec::encode(&record)?, names, &mut found);
                }
            }
        }
    }
}

/// Chooses executions by their rows.
pub type Wanted<'a> = &'a (dyn Fn(&ExecutionId, &Summary) -> bool + Sync);

/// The largest encoded record.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The largest value of a table.
pub const VALUE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// The largest key of a table.
pub const KEY_BYTES_MAX: usize = 1024;
