//! Names of executions and steps.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// Names one execution, across machines and for ever.
///
/// A generated id is a UUID version 7 in its 36-character form: unique, and sorted by time. A caller may
/// name an execution instead, to start it at most once: 1 to 128 characters out of `A-Z a-z 0-9 . _ - :`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExecutionId(Arc<str>);

/// Why a text is no execution id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an execution id: use 1 to 128 characters out of A-Z a-z 0-9 . _ - :")]
pub struct Error(String);

/// The longest execution id, in characters.
pub const ID_CHARS_MAX: usize = 128;

impl ExecutionId {
    /// A new id for an execution that starts at this moment; `random` are fresh random bytes.
    #[must_use]
    pub fn generate(now: crate::time::Timestamp, random: &[u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid();
        Self(uuid.to_string().into())
    }

    /// The id of a child execution: the same parent call always names the same child.
    #[must_use]
    pub fn child(&self, idempotency_key: &str) -> Self {
        let hex = crate::digest::Digest::of(idempotency_key.as_bytes()).to_hex();
        let hex = &hex[..32];
        Self(
            format!(
                "{}-{}-{}-{}-{}",
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..]
            )
            .into(),
        )
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExecutionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
        if text.is_empty() || text.len() > ID_CHARS_MAX || !text.chars().all(legal) {
            return Err(Error(text.chars().take(ID_CHARS_MAX + 1).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for ExecutionId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ExecutionId> for String {
    fn from(id: ExecutionId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExecutionId({})", self.0)
    }
}

/// A step's place in the list of its plan, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub u32);

impl StepId {
    /// The place as an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The id of the step at this index.
    ///
    /// # Panics
    ///
    /// When the index is beyond `u32`: the compiler refuses plans that long.
    #[must_use]
    pub fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("a plan has fewer than 2^32 steps"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn generated_ids_sort_by_time() {
        let early = ExecutionId::generate(Timestamp::from_millis(1_000), &[255; 10]);
        let late = ExecutionId::generate(Timestamp::from_millis(2_000), &[0; 10]);
        assert!(early < late);
        assert_eq!(early.as_str().len(), 36);
    }

    #[test]
    fn foreign_text_is_refused() {
        for bad in ["", "a b", "a/b", "é", &"x".repeat(129)] {
            assert!(bad.parse::<ExecutionId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_same_call_names_the_same_child() {
        let parent: ExecutionId = "p".parse().unwrap();
        assert_eq!(parent.child("k"), parent.child("k"));
        assert_ne!(parent.child("k"), parent.child("l"));
    }
}
