//! `wit/types.wit`: what the capabilities share.

use runwright_model::{capability::Error, time::Timestamp};

use crate::{
    bindings::types::{self, Denial, Excess},
    state::State,
};

impl types::Host for State {}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied { capability, missing } => Self::Denied(Denial {
                capability: capability.as_str().to_owned(),
                missing,
            }),
            Error::NotFound(text) => Self::NotFound(text),
            Error::Invalid(text) => Self::Invalid(text),
            Error::Throttled(text) => Self::Throttled(text),
            Error::TimedOut(text) => Self::TimedOut(text),
            Error::LimitExceeded { which, limit, used } => Self::LimitExceeded(Excess { which, limit, used }),
            Error::Unavailable(text) => Self::Unavailable(text),
            Error::Uncertain(text) => Self::Uncertain(text),
        }
    }
}

/// A moment of the guest. One that lies beyond our calendar is its last moment.
pub(super) fn moment(millis: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// A moment for the guest, which knows none before 1970.
pub(crate) fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millis()).unwrap_or(0)
}

/// The longest JSON text that is read: in memory it takes a multiple of its length.
const JSON_BYTES_MAX: u64 = 1024 * 1024;

/// Whether a JSON text of the guest may be read.
pub(super) fn check_json(text: &str) -> Result<(), types::Error> {
    let used = text.len() as u64;
    if used <= JSON_BYTES_MAX {
        return Ok(());
    }
    Err(types::Error::LimitExceeded(Excess {
        which: "json-bytes".into(),
        limit: JSON_BYTES_MAX,
        used,
    }))
}
