//! Ed25519 keys in PEM, as `openssl` and `cosign` read them.

use std::{
    fmt, fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::Error;

/// Only its owner reads it.
const MODE_OF_SECRETS: u32 = 0o600;
const MODE_OF_OTHERS: u32 = 0o644;

/// The bytes of a key of either kind.
const KEY_BYTES: usize = 32;
/// What stands before them in DER: that they are an Ed25519 key, private (RFC 8410, section 7) or public (section 4). The
/// keys have one length, so this is all there is to the format.
const PRIVATE_DER: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const PUBLIC_DER: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// A key that signs. It cannot be printed.
pub struct PrivateKey {
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; KEY_BYTES]>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

/// A key that tells whether the other one signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; KEY_BYTES]);

impl PrivateKey {
    /// A new one, from the machine's randomness.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] when the machine has none.
    pub fn generate() -> Result<Self, Error> {
        let mut seed = Zeroizing::new([0_u8; KEY_BYTES]);
        getrandom::fill(&mut *seed).map_err(|error| Error::Key {
            origin: "a new key".to_owned(),
            why: format!("this machine gives no random bytes: {error}"),
        })?;
        Ok(Self::of(seed))
    }

    fn of(seed: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).expect("every 32 bytes are a private key");
        Self { pair, seed }
    }

    /// Reads one from a PEM file (`PRIVATE KEY`, PKCS#8, without a passphrase).
    ///
    /// # Errors
    ///
    /// [`Error::Key`].
    pub fn read(file: &Path) -> Result<Self, Error> {
        let refused = |why: String| Error::Key {
            origin: file.display().to_string(),
            why,
        };
        let text = Zeroizing::new(fs::read_to_string(file).map_err(|error| refused(error.to_string()))?);
        if text.contains("ENCRYPTED") {
            let why = "it has a passphrase; keys with one are not read: keep the file where only the signer reads it";
            return Err(refused(why.to_owned()));
        }
        from_pem(&text, PRIVATE, &PRIVATE_DER)
            .map(Self::of)
            .ok_or_else(|| refused("it is not an Ed25519 private key in PEM (PKCS#8)".to_owned()))
    }

    /// The key that goes with it.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let bytes = self.pair.public_key().as_ref();
        PublicKey(bytes.try_into().expect("every public key has 32 bytes"))
    }

    /// The signature of these bytes, in base64, as `cosign` writes it.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(bytes))
    }

    /// Writes `STEM.key` and `STEM.pub`, and answers their paths. Neither may be there.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn write(&self, stem: &Path) -> Result<(PathBuf, PathBuf), Error> {
        let with = |ending: &str| {
            let mut name = stem.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let (secret, public) = (with(".key"), with(".pub"));
        let pem = Zeroizing::new(to_pem(PRIVATE, &PRIVATE_DER, &self.seed));
        write_new(&public, self.public().to_pem().as_bytes(), MODE_OF_OTHERS)?;
        write_new(&secret, pem.as_bytes(), MODE_OF_SECRETS)?;
        Ok((secret, public))
    }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|error| Error::File {
            path: path.to_owned(),
            why: error.to_string(),
        })
}

impl PublicKey {
    /// Reads one from PEM (`PUBLIC KEY`). `origin` is for the message.
    ///
    /// # Errors
    ///
    /// [`Error::Key`].
    pub fn from_pem(text: &str, origin: &str) -> Result<Self, Error> {
        let refused = |why: &str| Error::Key {
            origin: origin.to_owned(),
            why: why.to_owned(),
        };
        if text.contains("PRIVATE KEY") {
            return Err(refused("it is a private key: name the `.pub` file beside it"));
        }
        from_pem(text, PUBLIC, &PUBLIC_DER)
            .map(|bytes| Self(*bytes))
            .ok_or_else(|| refused("it is not an Ed25519 public key in PEM"))
    }

    /// The same of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Key`].
    pub fn read(file: &Path) -> Result<Self, Error> {
        let origin = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|error| Error::Key {
            origin: origin.clone(),
            why: error.to_string(),
        })?;
        Self::from_pem(&text, &origin)
    }

    /// In PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        to_pem(PUBLIC, &PUBLIC_DER, &self.0)
    }

    /// Whether the other key signed exactly these bytes.
    #[must_use]
    pub fn verifies(&self, bytes: &[u8], signature: &str) -> bool {
        let decoded = STANDARD.decode(signature.trim()).unwrap_or_default();
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(bytes, &decoded)
            .is_ok()
    }
}

fn to_pem(label: &str, head: &[u8], key: &[u8; KEY_BYTES]) -> String {
    let der = Zeroizing::new([head, key].concat());
    // It fits into one line of PEM, which has 64 characters.
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(&*der)
    )
}

/// The key in a text of PEM, when it is one of this kind. What stands before and after it is no part of it.
fn from_pem(text: &str, label: &str, head: &[u8]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
    let key: [u8; KEY_BYTES] = der.strip_prefix(head)?.try_into().ok()?;
    Some(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_written_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate().unwrap();
        let (secret, public) = key.write(&folder.path().join("release")).unwrap();
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        let signature = PrivateKey::read(&secret).unwrap().sign(b"text");
        let reader = PublicKey::read(&public).unwrap();
        assert!(reader.verifies(b"text", &signature));
        assert!(!reader.verifies(b"texT", &signature));
        assert!(!reader.verifies(b"text", "AAAA"));
        assert!(!PrivateKey::generate().unwrap().public().verifies(b"text", &signature));
        assert!(
            key.write(&folder.path().join("release")).is_err(),
            "no key is overwritten"
        );
        assert!(
            PublicKey::read(&secret)
                .unwrap_err()
                .to_string()
                .contains("private key")
        );
        assert!(!format!("{key:?}").contains(|c: char| c.is_ascii_digit()));
    }
}
