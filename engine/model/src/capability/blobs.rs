//! Large values by content: `wit/blobs.wit`.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// The functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Keeps bytes.
    Put {
        /// The bytes, at most [`BLOB_BYTES_MAX`].
        contents: Bytes,
    },
    /// Reads a part.
    Get {
        /// `sha256:…`.
        name: String,
        /// From this byte.
        offset: u64,
        /// At most so many.
        length: u32,
    },
    /// How many bytes it has.
    Size {
        /// `sha256:…`.
        name: String,
    },
}

impl Request {
    pub(super) fn function(&self) -> &'static str {
        match self {
            Self::Put { .. } => "blobs.put",
            Self::Get { .. } => "blobs.get",
            Self::Size { .. } => "blobs.size",
        }
    }
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Of `put`.
    Name(String),
    /// Of `get`.
    Contents(Bytes),
    /// Of `size`.
    Size(u64),
}

/// The largest blob.
pub const BLOB_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The largest part read at once.
pub const PART_BYTES_MAX: u32 = 8 * 1024 * 1024;
