//! What a supervisor is told, and what it writes down about a command.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
};

use runwright_model::{bytes::Bytes, capability::Error, id::ExecutionId, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::process::Spec;

/// The longest job as text: the limits of its parts, standard input as base64, and room.
const JOB_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Everything about one command. It holds secrets in plain: it goes through a socket, never to a disk.
#[derive(Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) key: String,
    pub(super) execution: ExecutionId,
    pub(super) step: String,
    /// The folder of its record.
    pub(super) folder: PathBuf,
    pub(super) spec: Spec,
    pub(super) script: Option<String>,
    pub(super) stdin: Option<Bytes>,
    /// It is ended after so many milliseconds.
    pub(super) limit_ms: Option<u64>,
    /// Placeholders and their values, to be taken out of what the command writes.
    pub(super) secrets: BTreeMap<String, String>,
}

impl Job {
    /// As it is sent: its length (8 bytes, little-endian) and its text.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let text = serde_json::to_vec(self).expect("a job is text, numbers and lists of them");
        [&(text.len() as u64).to_le_bytes(), text.as_slice()].concat()
    }

    /// Reads a job; `None` when whoever sends it ended before it was sent whole.
    pub(super) fn receive(mut from: &UnixStream) -> Option<Self> {
        let mut length = [0; 8];
        from.read_exact(&mut length).ok()?;
        let length = u64::from_le_bytes(length);
        if length > JOB_BYTES_MAX {
            return None;
        }
        let mut text = vec![0; usize::try_from(length).ok()?];
        from.read_exact(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// A process, told from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// When it started, in ticks since the machine did.
    started: u64,
    /// Which start of the machine.
    boot: String,
}

impl Process {
    /// The process that has this number now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Some(Self {
            pid,
            started: Stat::of(pid)?.started,
            boot: fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?,
        })
    }

    /// Whether it still runs.
    pub(super) fn lives(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self) && Stat::of(self.pid).is_some_and(|stat| stat.runs())
    }
}

/// What the system tells of a process.
pub(super) struct Stat {
    state: String,
    pub(super) parent: i32,
    pub(super) group: i32,
    started: u64,
}

impl Stat {
    pub(super) fn of(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it is in brackets, and may hold anything.
        let mut fields = text.rsplit_once(") ")?.1.split(' ');
        Some(Self {
            state: fields.next()?.to_owned(),
            parent: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
            started: fields.nth(16)?.parse().ok()?,
        })
    }

    /// Whether it has not ended: one that nobody waited for yet is still listed.
    pub(super) fn runs(&self) -> bool {
        self.state != "Z" && self.state != "X"
    }
}

/// Written before a command starts: from then on nobody may start it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) key: String,
    pub(super) execution: ExecutionId,
    pub(super) step: String,
    /// With secrets hidden.
    pub(super) arguments: Vec<String>,
    pub(super) at: Timestamp,
    /// `None` for a supervisor inside the engine.
    pub(super) supervisor: Option<Process>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    /// It ended by itself.
    Exited(i32),
    /// A signal that was not ours ended it.
    Signalled(i32),
    /// Its time was over, and it was ended.
    TimedOut,
    /// It was ended because somebody asked.
    Stopped,
    /// It could not be started.
    NotStarted(Error),
}

/// Written when a command has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) how: How,
    pub(super) duration_ms: u64,
    /// Bytes of the file of its output.
    pub(super) output_bytes: u64,
    /// What is not in that file, of standard output and standard error.
    pub(super) rest: [Rest; 2],
    /// Why not everything is in the file, when the disk was the reason.
    pub(super) trouble: Option<String>,
    /// Processes that were still there after they were killed.
    pub(super) unkilled: Vec<i32>,
}

/// What of a stream was not kept.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Rest {
    /// How many bytes.
    pub(super) dropped: u64,
    /// The last of them.
    pub(super) end: String,
}

/// Tells whoever sent the job why nothing was begun.
pub(super) fn refuse(mut to: &UnixStream, error: &Error) -> io::Result<()> {
    let text = serde_json::to_vec(error).expect("an error is text and numbers");
    to.write_all(&[&[REFUSED], text.as_slice()].concat())
}

/// What a supervisor sends: there is more in the files.
pub(super) const MORE: u8 = b'+';
/// What a supervisor sends: nothing was begun; the error follows as JSON.
pub(super) const REFUSED: u8 = b'!';
/// What a supervisor is sent: end the command.
pub(super) const STOP: u8 = b'S';

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_later_one() {
        let own = Process::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(own.lives());
        let later = Process {
            started: own.started + 1,
            ..own.clone()
        };
        let rebooted = Process {
            boot: "another".into(),
            ..own
        };
        assert!(!later.lives() && !rebooted.lives());
    }
}
