//! Files of a target: `wit/files.wit`.

use serde::{Deserialize, Serialize};

use super::Target;
use crate::{bytes::Bytes, time::Timestamp};

/// The functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Reads a whole file.
    Read {
        /// Where.
        on: Target,
        /// Absolute path.
        path: String,
    },
    /// Replaces a file's contents in one step.
    Write {
        /// Where.
        on: Target,
        /// Absolute path.
        path: String,
        /// The new contents; may hold secret placeholders.
        contents: Bytes,
        /// How.
        options: WriteOptions,
    },
    /// Facts of a path.
    Stat {
        /// Where.
        on: Target,
        /// Absolute path.
        path: String,
    },
    /// Names in a folder.
    ListDirectory {
        /// Where.
        on: Target,
        /// Absolute path.
        path: String,
    },
    /// Makes a folder and those above it.
    MakeDirectory {
        /// Where.
        on: Target,
        /// Absolute path.
        path: String,
        /// Permission bits.
        mode: Option<u32>,
    },
    /// Makes a symbolic link in one step.
    Link {
        /// Where.
        on: Target,
        /// Absolute path of the link.
        path: String,
        /// What it points to.
        points_to: String,
    },
    /// Removes a file, a link or an empty folder.
    Remove {
        /// Where.
        on: Target,
        /// Absolute path.
        path: String,
    },
    /// Keeps what stands at a path.
    Snapshot {
        /// Where.
        on: Target,
        /// Absolute path.
        path: String,
    },
    /// Puts back what a snapshot kept.
    Restore {
        /// Where.
        on: Target,
        /// What.
        snapshot: Snapshot,
    },
}

impl Request {
    pub(super) fn function(&self) -> &'static str {
        match self {
            Self::Read { .. } => "files.read",
            Self::Write { .. } => "files.write",
            Self::Stat { .. } => "files.stat",
            Self::ListDirectory { .. } => "files.list-directory",
            Self::MakeDirectory { .. } => "files.make-directory",
            Self::Link { .. } => "files.link",
            Self::Remove { .. } => "files.remove",
            Self::Snapshot { .. } => "files.snapshot",
            Self::Restore { .. } => "files.restore",
        }
    }

    /// The path it is about, and whether it changes what is there.
    #[must_use]
    pub fn path(&self) -> (&str, bool) {
        match self {
            Self::Read { path, .. }
            | Self::Stat { path, .. }
            | Self::ListDirectory { path, .. }
            | Self::Snapshot { path, .. } => (path, false),
            Self::Write { path, .. }
            | Self::MakeDirectory { path, .. }
            | Self::Link { path, .. }
            | Self::Remove { path, .. } => (path, true),
            Self::Restore { snapshot, .. } => (&snapshot.path, true),
        }
    }
}

/// How a file is to be written. `None` keeps what the replaced file has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WriteOptions {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner's name or number.
    pub owner: Option<String>,
    /// Group's name or number.
    pub group: Option<String>,
    /// Make missing folders.
    pub parents: bool,
}

/// The answers, beside [`super::Answer::Done`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Of `read`.
    Contents(Bytes),
    /// Of `stat`.
    Stat(Option<Stat>),
    /// Of `list-directory`: sorted.
    Names(Vec<String>),
    /// Of `snapshot`.
    Snapshot(Snapshot),
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A socket, a device, a pipe.
    Other,
}

/// Facts of a path, not following links. Fields as in `wit/files.wit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner's name, or number.
    pub owner: String,
    /// Group's name, or number.
    pub group: String,
    /// Last change of the contents.
    pub modified: Timestamp,
    /// Where a link points.
    pub link: Option<String>,
    /// SHA-256 in hexadecimal, for a regular file of at most [`SNAPSHOT_BYTES_MAX`].
    pub sha256: Option<String>,
}

/// What stood at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The path.
    pub path: String,
    /// What was there.
    pub before: Option<Stat>,
    /// The blob that holds the contents of a regular file.
    pub contents: Option<String>,
}

/// The largest file `read` answers.
pub const READ_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The largest file `snapshot` keeps and `stat` digests.
pub const SNAPSHOT_BYTES_MAX: u64 = 64 * 1024 * 1024;
