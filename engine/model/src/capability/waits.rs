//! Waiting: `wit/waits.wit`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Target;
use crate::time::Timestamp;

/// The functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Waits this long.
    Sleep {
        /// Milliseconds, from the moment the call was journalled.
        duration_ms: u64,
    },
    /// Waits until a moment.
    SleepUntil {
        /// The moment.
        moment: Timestamp,
    },
    /// Waits for a signal for this step.
    Signal {
        /// The signal's name.
        name: String,
        /// Until when.
        deadline: Option<Timestamp>,
    },
    /// Probes until it comes true.
    Probe {
        /// From where.
        on: Target,
        /// What is to come true.
        probe: Probe,
        /// How to wait.
        patience: Patience,
    },
}

impl Request {
    pub(super) fn function(&self) -> &'static str {
        match self {
            Self::Sleep { .. } => "waits.sleep",
            Self::SleepUntil { .. } => "waits.sleep-until",
            Self::Signal { .. } => "waits.signal",
            Self::Probe { .. } => "waits.probe",
        }
    }
}

/// What is to come true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// A TCP port accepts connections.
    Tcp {
        /// Name or address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A GET answers with this status; any 2xx when absent.
    Http {
        /// The address.
        url: String,
        /// The status.
        status: Option<u16>,
    },
    /// A path exists.
    File {
        /// The path.
        path: String,
    },
    /// A command ends with exit code 0.
    Command {
        /// Program and arguments.
        arguments: Vec<String>,
    },
}

/// How to wait for a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// Until when.
    pub deadline: Timestamp,
    /// Milliseconds after the first failed probe.
    pub interval_ms: u64,
    /// Each pause in hundredths of the one before.
    pub backoff_percent: u32,
    /// The longest pause, in milliseconds.
    pub max_interval_ms: u64,
}

impl Patience {
    /// The pause after this many failed probes (from 1), in milliseconds.
    #[must_use]
    pub fn pause_ms(&self, failed: u32) -> u64 {
        let mut pause = self.interval_ms.max(1);
        for _ in 1..failed {
            if pause >= self.max_interval_ms {
                break;
            }
            pause = pause.saturating_mul(u64::from(self.backoff_percent.max(100))) / 100;
        }
        pause.min(self.max_interval_ms.max(1))
    }
}

/// The answers, beside [`super::Answer::Done`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Of `signal`.
    Signal(Signal),
    /// Of `probe`.
    Probed {
        /// How often was tried.
        probes: u32,
        /// Milliseconds in all.
        waited_ms: u64,
    },
}

/// A signal that came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Who sent it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What came with it.
    pub payload: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_ceiling() {
        let patience = Patience {
            deadline: Timestamp::from_millis(0),
            interval_ms: 100,
            backoff_percent: 200,
            max_interval_ms: 500,
        };
        let pauses: Vec<u64> = (1..=5).map(|n| patience.pause_ms(n)).collect();
        assert_eq!(pauses, [100, 200, 400, 500, 500]);
        assert_eq!(patience.pause_ms(u32::MAX), 500);
    }
}
