//! What can go wrong while the backends are set up. Errors of calls are the capabilities' own.

use std::path::PathBuf;

use runwright_model::capability;

/// An error of the store's key or of this crate's set-up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key file cannot be read or made.
    #[error("the store's key {} cannot be {doing}: {source}; check the owner and the mode of its folder", .path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What was tried: `read`, `written`.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Others can read the key.
    #[error("the store's key {} can be read by others (mode {mode:04o}): treat its secrets as seen, then run `chmod 600 {}`", .path.display(), .path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key is not a key.
    #[error("the store's key {} has {found} bytes instead of 32: put back a copy of it; without the right key no secret and no blob of this store can be read", .path.display())]
    KeyLength {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
    },
    /// The state directory cannot be named from the root on.
    #[error("the state directory cannot be found from the root on: {0}; does the working directory still exist?")]
    StateDir(#[source] std::io::Error),
    /// The system gives no random bytes.
    #[error("the system gave no random bytes: {0}")]
    Random(String),
    /// What was encrypted cannot be read.
    #[error(
        "{what} cannot be decrypted: it was encrypted with another key, or is damaged; put back the key and the store of the same copy"
    )]
    Sealed {
        /// What.
        what: String,
    },
}

impl From<Error> for capability::Error {
    fn from(error: Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A failure of the store, as a capability answers it.
pub(crate) fn store_failed(error: runwright_store::Error) -> capability::Error {
    capability::Error::Unavailable(error.to_string())
}
