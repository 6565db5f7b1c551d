//! What can go wrong with a store.

use std::path::PathBuf;

use runwright_model::id::ExecutionId;

use crate::Epoch;

/// An error of a store. None of them loses what was durable before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Somebody else appended first, or the caller lost count.
    #[error("execution {execution}: an append expected the journal to have {expected} records, and it has {actual}")]
    Conflict {
        /// Whose journal.
        execution: ExecutionId,
        /// What the caller expected.
        expected: u64,
        /// What is there.
        actual: u64,
    },
    /// A later owner has claimed the store.
    #[error("this process no longer owns the store: its epoch is {epoch:?} and the owner's is {owner:?}")]
    Fenced {
        /// The caller's.
        epoch: Epoch,
        /// The owner's.
        owner: Epoch,
    },
    /// A record or a value is too large.
    #[error("{what} has {used} bytes, more than the limit {which} of {limit}")]
    TooLarge {
        /// What.
        what: String,
        /// The limit's name.
        which: &'static str,
        /// The limit.
        limit: usize,
        /// The size.
        used: usize,
    },
    /// Stored data cannot be read.
    #[error(
        "{what} is damaged: {why}. Nothing was changed; put back a copy of the state directory, and let `runwright store check` say what else is damaged"
    )]
    Damaged {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// Another process uses the directory.
    #[error("the state directory {} is in use by process {}; wait for it, stop it, or choose another directory with --state-dir", .path.display(), .holder.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string()))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process that holds it.
        holder: Option<u32>,
    },
    /// The directory was written by a later version.
    #[error("the state directory {} has format {found}, and this version of runwright knows formats up to {known}; use a newer runwright", .path.display())]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The latest known.
        known: u32,
    },
    /// There is no room.
    #[error("no space left in the state directory {}: free some, then run `runwright resume`; nothing durable is lost", .path.display())]
    Full {
        /// The directory.
        path: PathBuf,
    },
    /// The directory cannot be written.
    #[error("the state directory {} cannot be used: {source}; check its owner and mode, or choose another with --state-dir", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database failed.
    #[error("the store failed: {0}")]
    Backend(String),
    /// Records whose numbers do not follow the journal's length: a mistake of the caller.
    #[error(
        "records for execution {execution} are misnumbered: one is numbered {found}, and its place is {expected}. Nothing was written; this is a bug, please report it"
    )]
    Misnumbered {
        /// Whose journal.
        execution: ExecutionId,
        /// The number the record should have.
        expected: u64,
        /// The number it has.
        found: u64,
    },
    /// A stream of an export cannot be used.
    #[error("the export is not whole: at byte {byte}, {why}. Import another copy of it, or export again")]
    Stream {
        /// Where the item begins that is at fault.
        byte: u64,
        /// Why.
        why: String,
    },
    /// An import found something else in its place.
    #[error(
        "{what} is in this store already, and differs from the one in the export: nothing of it was changed. Import into another state directory"
    )]
    Differs {
        /// What.
        what: String,
    },
    /// The store was closed, or its committer died.
    #[error("the store is closed")]
    Closed,
}
