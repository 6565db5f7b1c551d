//! Large values by content, encrypted at rest: `wit/blobs.wit`.
//!
//! A blob's name is the digest of its plaintext. In [`Table::Blobs`] it is a row of its size under the 32 bytes
//! of the digest, and one row for each part under the digest and the part's number (4 bytes, big-endian).
//! The size is written last, so a blob that has one is complete.

use std::sync::Arc;

use runwright_model::{
    capability::{
        Answer, Error, Outcome,
        blobs::{self, BLOB_BYTES_MAX, PART_BYTES_MAX, Request},
    },
    digest::Digest,
};
use runwright_store::{Expect, Store, Table};

use crate::{error::store_failed, keys::StoreKey};

/// Plaintext bytes of a part: all but the last have as many.
pub const STORED_PART_BYTES: usize = 256 * 1024;

/// Keeps blobs in a store. Cheap to clone.
#[derive(Clone)]
pub struct BlobStore {
    store: Arc<dyn Store>,
    key: Arc<StoreKey>,
}

impl BlobStore {
    /// Keeps blobs in this store under this key.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, key: Arc<StoreKey>) -> Self {
        Self { store, key }
    }

    /// Keeps bytes and answers their name. Keeping the same bytes again changes nothing.
    ///
    /// They are durable with the next durable append of the store.
    ///
    /// # Errors
    ///
    /// `LimitExceeded` above [`BLOB_BYTES_MAX`], `Unavailable` when the store fails.
    pub async fn put(&self, contents: &[u8]) -> Result<String, Error> {
        if contents.len() > BLOB_BYTES_MAX {
            return Err(limit("blob-bytes", BLOB_BYTES_MAX as u64, contents.len() as u64));
        }
        let digest = Digest::of(contents);
        if self.row(digest.as_bytes()).await?.is_none() {
            for (number, part) in contents.chunks(STORED_PART_BYTES).enumerate() {
                let number = u32::try_from(number).expect("a blob has at most 256 parts");
                self.put_row(part_key(&digest, number), part).await?;
            }
            self.put_row(digest.as_bytes().to_vec(), &(contents.len() as u64).to_be_bytes())
                .await?;
        }
        Ok(digest.to_string())
    }

    /// Up to `length` bytes from `offset`; fewer at the end. Reads only the parts they are in.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name, `LimitExceeded` above [`PART_BYTES_MAX`], `Unavailable` when the store fails.
    pub async fn get(&self, name: &str, offset: u64, length: u32) -> Result<Vec<u8>, Error> {
        if length > PART_BYTES_MAX {
            return Err(limit("blob-read-bytes", u64::from(PART_BYTES_MAX), u64::from(length)));
        }
        self.range(name, offset, u64::from(length)).await
    }

    /// The whole of a blob.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub async fn get_all(&self, name: &str) -> Result<Vec<u8>, Error> {
        self.range(name, 0, u64::MAX).await
    }

    /// How many bytes a blob has.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name, `Unavailable` when the store fails.
    pub async fn size(&self, name: &str) -> Result<u64, Error> {
        let digest = parse(name)?;
        self.size_of(&digest).await
    }

    pub(crate) async fn perform(&self, request: Request) -> Outcome {
        let answer = match request {
            Request::Put { contents } => blobs::Answer::Name(self.put(&contents.0).await?),
            Request::Get { name, offset, length } => {
                blobs::Answer::Contents(self.get(&name, offset, length).await?.into())
            }
            Request::Size { name } => blobs::Answer::Size(self.size(&name).await?),
        };
        Ok(Answer::Blobs(answer))
    }

    async fn range(&self, name: &str, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
        let digest = parse(name)?;
        let size = self.size_of(&digest).await?;
        let end = offset.saturating_add(length).min(size);
        let part_bytes = STORED_PART_BYTES as u64;
        let mut bytes = Vec::new();
        let mut at = offset;
        while at < end {
            let number = u32::try_from(at / part_bytes).expect("a blob has at most 256 parts");
            let part = self
                .row(&part_key(&digest, number))
                .await?
                .ok_or_else(|| damaged(name))?;
            let start = usize::try_from(at % part_bytes).expect("less than a part");
            let stop = usize::try_from(end - u64::from(number) * part_bytes)
                .unwrap_or(usize::MAX)
                .min(part.len());
            let wanted = part
                .get(start..stop)
                .filter(|bytes| !bytes.is_empty())
                .ok_or_else(|| damaged(name))?;
            bytes.extend_from_slice(wanted);
            at += wanted.len() as u64;
        }
        Ok(bytes)
    }

    async fn size_of(&self, digest: &Digest) -> Result<u64, Error> {
        let row = self.row(digest.as_bytes()).await?;
        let row = row.ok_or_else(|| Error::NotFound(format!("there is no blob `{digest}` in this store")))?;
        let bytes = row.as_slice().try_into().map_err(|_| damaged(&digest.to_string()))?;
        Ok(u64::from_be_bytes(bytes))
    }

    async fn put_row(&self, key: Vec<u8>, plaintext: &[u8]) -> Result<(), Error> {
        let sealed = self.key.seal(&key, plaintext)?;
        self.store
            .put(Table::Blobs, &key, sealed, Expect::Any)
            .await
            .map_err(store_failed)?;
        Ok(())
    }

    async fn row(&self, key: &[u8]) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Error> {
        let sealed = self.store.get(Table::Blobs, key).await.map_err(store_failed)?;
        let open = |sealed: Vec<u8>| self.key.open(key, &sealed, &format!("the blob {}", hex::encode(key)));
        Ok(sealed.map(open).transpose()?)
    }
}

fn part_key(digest: &Digest, number: u32) -> Vec<u8> {
    [digest.as_bytes().as_slice(), &number.to_be_bytes()].concat()
}

fn parse(name: &str) -> Result<Digest, Error> {
    name.parse()
        .map_err(|error: runwright_model::digest::Error| Error::Invalid(error.to_string()))
}

fn damaged(name: &str) -> Error {
    Error::Unavailable(format!(
        "the blob `{name}` is damaged: a part of it is missing from the store"
    ))
}

fn limit(which: &str, limit: u64, used: u64) -> Error {
    Error::LimitExceeded {
        which: which.into(),
        limit,
        used,
    }
}
