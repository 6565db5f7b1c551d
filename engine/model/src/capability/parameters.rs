//! The parameter store: `wit/parameters.wit`.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::time::Timestamp;

/// The most bytes of a value.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// The functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// One version of a parameter.
    Get {
        /// `name`, `name:version` or `name:label`.
        name: String,
    },
    /// What stands under a path.
    GetByPath {
        /// The path.
        path: String,
        /// Also further down.
        recursive: bool,
    },
    /// Writes a new version.
    Put {
        /// The name.
        name: String,
        /// What it holds.
        parameter_type: ParameterType,
        /// The value.
        value: NewValue,
        /// Whether it may exist.
        overwrite: bool,
    },
    /// Deletes it with its versions.
    Delete {
        /// The name.
        name: String,
    },
    /// All versions.
    History {
        /// The name.
        name: String,
    },
    /// Moves a label.
    Label {
        /// The name.
        name: String,
        /// To this version.
        version: u64,
        /// The label.
        label: String,
    },
    /// The value behind a placeholder. Never journalled: a replay reads the same version again.
    Reveal {
        /// The placeholder.
        placeholder: String,
    },
}

impl Request {
    pub(super) fn function(&self) -> &'static str {
        match self {
            Self::Get { .. } => "parameters.get",
            Self::GetByPath { .. } => "parameters.get-by-path",
            Self::Put { .. } => "parameters.put",
            Self::Delete { .. } => "parameters.delete",
            Self::History { .. } => "parameters.history",
            Self::Label { .. } => "parameters.label",
            Self::Reveal { .. } => "parameters.reveal",
        }
    }

    pub(super) fn is_repeatable(&self) -> bool {
        match self {
            // A version carries the idempotency key of the call that wrote it, so `put` finds itself again.
            Self::Put { .. }
            | Self::Get { .. }
            | Self::GetByPath { .. }
            | Self::Delete { .. }
            | Self::History { .. }
            | Self::Label { .. }
            | Self::Reveal { .. } => true,
        }
    }

    pub(super) fn is_write(&self) -> bool {
        match self {
            Self::Put { .. } | Self::Delete { .. } | Self::Label { .. } => true,
            Self::Get { .. } | Self::GetByPath { .. } | Self::History { .. } | Self::Reveal { .. } => false,
        }
    }

    /// The name or path it is about; `None` for `reveal`, whose placeholder names it.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Get { name }
            | Self::Put { name, .. }
            | Self::Delete { name }
            | Self::History { name }
            | Self::Label { name, .. } => Some(name),
            Self::GetByPath { path, .. } => Some(path),
            Self::Reveal { .. } => None,
        }
    }
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ParameterType {
    /// One text.
    String,
    /// Texts separated by commas.
    StringList,
    /// A secret.
    SecureString,
}

/// The value to put.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NewValue {
    /// This text; may hold placeholders.
    Given(String),
    /// This many random characters out of A-Z, a-z, 0-9.
    Generated(u32),
}

/// The answers, beside [`super::Answer::Done`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Of `get` and `put`.
    Parameter(Parameter),
    /// Of `get-by-path` and `history`.
    Parameters(Vec<Parameter>),
    /// Of `reveal`.
    Revealed(String),
}

/// One version of a parameter. A secure one has a placeholder for its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub parameter_type: ParameterType,
    /// Its value, or the placeholder.
    pub value: String,
    /// Its version, from 1.
    pub version: u64,
    /// When this version was written.
    pub modified: Timestamp,
    /// Labels on this version.
    pub labels: Vec<String>,
}

/// Random characters out of A-Z, a-z, 0-9, each of the 62 as likely. `random` fills a buffer with random bytes.
///
/// # Errors
///
/// `Invalid` for none, `LimitExceeded` for more than [`VALUE_BYTES_MAX`], and those of `random`.
pub fn generate(characters: u32, mut random: impl FnMut(&mut [u8]) -> Result<(), Error>) -> Result<String, Error> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let wanted = usize::try_from(characters).unwrap_or(usize::MAX);
    if wanted == 0 {
        return Err(Error::Invalid("a generated value needs at least one character".into()));
    }
    if wanted > VALUE_BYTES_MAX {
        return Err(Error::LimitExceeded {
            which: "parameter-value-bytes".into(),
            limit: VALUE_BYTES_MAX as u64,
            used: wanted as u64,
        });
    }
    let mut text = String::with_capacity(wanted);
    let mut pool = [0; 256];
    while text.len() < wanted {
        random(&mut pool)?;
        // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
        let letters = pool
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(ALPHABET[usize::from(*byte % 62)]));
        let room = wanted - text.len();
        text.extend(letters.take(room));
        pool.fill(0);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that pass for random.
    fn counting() -> impl FnMut(&mut [u8]) -> Result<(), Error> {
        let mut next = 0_u8;
        move |pool| {
            pool.fill_with(|| {
                next = next.wrapping_add(97);
                next
            });
            Ok(())
        }
    }

    #[test]
    fn generated_values_have_their_length_and_alphabet() {
        let text = generate(1_000, counting()).unwrap();
        assert_eq!(text.len(), 1_000);
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert!(text.contains('9') && text.contains('A') && text.contains('z'));
        assert!(generate(0, counting()).is_err());
        assert!(matches!(
            generate(64 * 1024 + 1, counting()),
            Err(Error::LimitExceeded { .. })
        ));
        let failing = |_: &mut [u8]| Err(Error::Unavailable("none".into()));
        assert!(generate(1, failing).is_err());
    }
}
