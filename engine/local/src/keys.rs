//! The store's key, and envelopes made with it.
//!
//! An envelope is a value encrypted under a data key of its own, which is encrypted under the store's key:
//! both AES-256-GCM, both bound to the value's name as associated data, so that an envelope put in another's
//! place does not open.
//!
//! # Format
//!
//! One version byte (1), 12 bytes nonce and 48 bytes ciphertext of the data key, 12 bytes nonce and the
//! ciphertext of the value, 16 bytes longer than the value.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use zeroize::Zeroizing;

use crate::Error;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const WRAPPED_BYTES: usize = NONCE_BYTES + KEY_BYTES + TAG_BYTES;
const VERSION: u8 = 1;

/// The name of the key's file in a state directory.
pub const KEY_FILE: &str = "key";

/// The key under which a store keeps secrets and blobs. Wiped from memory when it is dropped.
pub struct StoreKey(Zeroizing<[u8; KEY_BYTES]>);

impl StoreKey {
    /// A key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new key.
    ///
    /// # Errors
    ///
    /// [`Error::Random`].
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random(&mut *bytes)?;
        Ok(Self(bytes))
    }

    /// The key in the file [`KEY_FILE`] of a state directory, which is made when it is not there.
    ///
    /// The file is complete or absent at every moment, and of several processes that make it at once one
    /// wins and all use its key.
    ///
    /// # Errors
    ///
    /// [`Error::KeyFile`], [`Error::KeyExposed`] when others may read the file, [`Error::KeyLength`], [`Error::Random`].
    pub fn load_or_create(directory: &Path) -> Result<Self, Error> {
        let path = directory.join(KEY_FILE);
        match read_key(&path) {
            Err(Error::KeyFile { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create_key(directory, &path)?;
                read_key(&path)
            }
            other => other,
        }
    }

    /// A name for the key that says nothing of it: two keys with the same one are the same.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let named = Zeroizing::new([b"runwright store key".as_slice(), &*self.0].concat());
        runwright_model::digest::Digest::of(&named).to_hex()[..32].to_owned()
    }

    /// An envelope that holds `plaintext` and opens only with the same `name`.
    ///
    /// # Errors
    ///
    /// [`Error::Random`].
    pub fn seal(&self, name: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let data_key = Self::generate()?;
        let mut envelope = Vec::with_capacity(1 + WRAPPED_BYTES + NONCE_BYTES + plaintext.len() + TAG_BYTES);
        envelope.push(VERSION);
        encrypt(&self.0, name, &*data_key.0, &mut envelope)?;
        encrypt(&data_key.0, name, plaintext, &mut envelope)?;
        Ok(envelope)
    }

    /// What an envelope holds. `what` names it in the error.
    ///
    /// # Errors
    ///
    /// [`Error::Sealed`] when the envelope was made with another key or name, or is damaged.
    pub fn open(&self, name: &[u8], envelope: &[u8], what: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.try_open(name, envelope)
            .ok_or_else(|| Error::Sealed { what: what.to_owned() })
    }

    fn try_open(&self, name: &[u8], envelope: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (&version, rest) = envelope.split_first()?;
        if version != VERSION {
            return None;
        }
        let (wrapped, value) = rest.split_at_checked(WRAPPED_BYTES)?;
        let unwrapped = decrypt(&self.0, name, wrapped)?;
        let data_key = Zeroizing::new(<[u8; KEY_BYTES]>::try_from(unwrapped.as_slice()).ok()?);
        decrypt(&data_key, name, value)
    }
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey(..)")
    }
}

/// Fills a buffer with random bytes of the system.
pub(crate) fn random(buffer: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(buffer).map_err(|error| Error::Random(error.to_string()))
}

/// Appends a nonce and the ciphertext.
fn encrypt(key: &[u8; KEY_BYTES], name: &[u8], plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let mut nonce = [0; NONCE_BYTES];
    random(&mut nonce)?;
    let ciphertext = Aes256Gcm::new(&(*key).into())
        .encrypt(
            &nonce.into(),
            Payload {
                msg: plaintext,
                aad: name,
            },
        )
        .map_err(|_| Error::Sealed {
            what: "a value above 64 GiB".into(),
        })?;
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&ciphertext);
    Ok(())
}

fn decrypt(key: &[u8; KEY_BYTES], name: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let plaintext = Aes256Gcm::new(&(*key).into()).decrypt(
        &(*nonce).into(),
        Payload {
            msg: ciphertext,
            aad: name,
        },
    );
    plaintext.ok().map(Zeroizing::new)
}

fn read_key(path: &Path) -> Result<StoreKey, Error> {
    let failed = |source| Error::KeyFile {
        path: path.to_owned(),
        doing: "read",
        source,
    };
    let mut file = fs::File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    let mode = facts.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::KeyExposed {
            path: path.to_owned(),
            mode,
        });
    }
    if facts.len() != KEY_BYTES as u64 {
        return Err(Error::KeyLength {
            path: path.to_owned(),
            found: facts.len(),
        });
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    file.read_exact(&mut *bytes).map_err(failed)?;
    Ok(StoreKey(bytes))
}

/// Writes a new key beside its place and links it there, which fails when somebody else was faster.
fn create_key(directory: &Path, path: &Path) -> Result<(), Error> {
    let key = StoreKey::generate()?;
    let mut tag = [0; 8];
    random(&mut tag)?;
    let draft = directory.join(format!("{KEY_FILE}.{}", hex::encode(tag)));
    let linked = write_new(&draft, &*key.0).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let removed = fs::remove_file(&draft);
    let synced = linked.and(removed).and_then(|()| fs::File::open(directory)?.sync_all());
    synced.map_err(|source| Error::KeyFile {
        path: path.to_owned(),
        doing: "written",
        source,
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_envelope_opens_with_its_key_and_name_alone() {
        let key = StoreKey::from_bytes([7; 32]);
        let sealed = key.seal(b"a:1", b"the plain text").unwrap();
        assert_eq!(*key.open(b"a:1", &sealed, "a").unwrap(), b"the plain text");
        assert!(key.open(b"a:2", &sealed, "a").is_err());
        assert!(StoreKey::from_bytes([8; 32]).open(b"a:1", &sealed, "a").is_err());
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(key.open(b"a:1", &damaged, "a").is_err(), "byte {at}");
            assert!(key.open(b"a:1", &sealed[..at], "a").is_err(), "cut at {at}");
        }
        assert_ne!(sealed, key.seal(b"a:1", b"the plain text").unwrap());
    }

    #[test]
    fn the_key_file_is_made_once_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let first = StoreKey::load_or_create(directory.path()).unwrap();
        let again = StoreKey::load_or_create(directory.path()).unwrap();
        assert_eq!(*first.0, *again.0);
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_ne!(first.fingerprint(), StoreKey::from_bytes([0; 32]).fingerprint());
        let names: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["key"]);
        assert_eq!(
            fs::metadata(directory.path().join("key")).unwrap().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn several_makers_agree() {
        let directory = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| *StoreKey::load_or_create(directory.path()).unwrap().0))
                .collect();
            makers.into_iter().map(|m| m.join().unwrap()).collect()
        });
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_key_that_others_read_or_of_wrong_length_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(KEY_FILE);
        StoreKey::load_or_create(directory.path()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = StoreKey::load_or_create(directory.path()).unwrap_err().to_string();
        assert!(error.contains("0640") && error.contains("chmod 600"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, b"short").unwrap();
        let error = StoreKey::load_or_create(directory.path()).unwrap_err().to_string();
        assert!(error.contains("5 bytes instead of 32"), "{error}");
    }
}
