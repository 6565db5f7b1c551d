//! The first frame in each direction: who speaks, and in which words.

use serde::{Deserialize, Serialize};

/// The number of the messages' form. It goes up with every change of [`crate::call`] and of what is in it.
const PROTOCOL: u32 = 1;

/// The most bytes of a greeting.
pub(crate) const HELLO_BYTES_MAX: usize = 1_024;

/// A greeting. Its form never changes, so that programs of any two versions can tell each other which they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The number of the messages' form.
    protocol: u32,
    /// The program's version.
    version: String,
    /// Of a client: whether it takes over the store and makes executions go on, should the engine end.
    pub(crate) drives: bool,
}

impl Hello {
    /// This program's.
    pub(crate) fn mine(drives: bool) -> Self {
        Self {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            drives,
        }
    }

    /// Whether who says so speaks as this program does.
    pub(crate) fn is_understood(&self) -> bool {
        let mine = Self::mine(self.drives);
        *self == mine
    }

    /// Version and protocol in one text.
    pub(crate) fn shown(&self) -> String {
        format!("{} (protocol {})", self.version, self.protocol)
    }
}
