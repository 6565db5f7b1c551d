//! What a command writes, on its way to the disk: secrets hidden, in order, and within limits.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use runwright_model::{capability::commands::OUTPUT_TAIL_BYTES, redact::Redactor, secret::Secrets};

use super::super::{CAPTURE_BYTES_MAX, DISK_FREE_MIN, job::Rest, record};

/// How often is looked whether the disk has room.
const LOOK_BYTES: usize = 1024 * 1024;

/// The file of a command's output.
pub(super) struct Tape {
    file: File,
    written: u64,
    strands: [Strand; 2],
    /// Bytes until the next look at the disk.
    unlooked: usize,
    trouble: Option<String>,
}

/// One stream.
struct Strand {
    redactor: Redactor,
    kept: usize,
    dropped: u64,
    end: VecDeque<u8>,
}

/// What is known of the output when the command has ended.
pub(super) struct Summary {
    pub(super) bytes: u64,
    pub(super) rest: [Rest; 2],
    pub(super) trouble: Option<String>,
}

impl Tape {
    /// Makes the file in a record.
    pub(super) fn create(folder: &Path, secrets: &Secrets) -> io::Result<Self> {
        let file = record::private_file()
            .create(true)
            .truncate(true)
            .open(folder.join(record::OUTPUT))?;
        let strand = || Strand {
            redactor: Redactor::new(secrets.clone()),
            kept: 0,
            dropped: 0,
            end: VecDeque::new(),
        };
        Ok(Self {
            file,
            written: 0,
            strands: [strand(), strand()],
            unlooked: 0,
            trouble: None,
        })
    }

    /// Takes a piece of standard output (0) or standard error (1).
    pub(super) fn take(&mut self, stream: usize, piece: &[u8]) {
        let clean = self.strands[stream].redactor.feed(piece);
        self.keep(stream, &clean);
    }

    /// The streams have ended: everything is on the disk when this returns, or said not to be.
    pub(super) fn finish(mut self) -> Summary {
        for stream in 0..2 {
            let clean = self.strands[stream].redactor.finish();
            self.keep(stream, &clean);
        }
        if self.written > 0
            && let Err(error) = self.file.sync_data()
        {
            self.trouble.get_or_insert_with(|| error.to_string());
        }
        Summary {
            bytes: self.written,
            rest: self.strands.map(Strand::rest),
            trouble: self.trouble,
        }
    }

    fn keep(&mut self, stream: usize, bytes: &[u8]) {
        let room = CAPTURE_BYTES_MAX - self.strands[stream].kept;
        let (kept, dropped) = bytes.split_at(room.min(bytes.len()));
        let kept = if self.write(stream, kept) {
            self.strands[stream].kept += kept.len();
            &[]
        } else {
            kept
        };
        self.strands[stream].drop(kept);
        self.strands[stream].drop(dropped);
    }

    /// Appends a frame. After the first trouble nothing is appended, so that what is there has no holes.
    fn write(&mut self, stream: usize, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        if self.trouble.is_some() {
            return false;
        }
        let length = u32::try_from(bytes.len()).expect("pieces are small");
        let number = u8::try_from(stream + 1).expect("there are two streams");
        let frame = [&[number], length.to_le_bytes().as_slice(), bytes].concat();
        match self.look(frame.len()).and_then(|()| self.file.write_all(&frame)) {
            Ok(()) => {
                self.written += frame.len() as u64;
                true
            }
            Err(error) => {
                // Half a frame may stand at the end now, and readers pass over it. It is not cut off: a reader that is
                // there at this moment would see zeros in its place.
                self.trouble = Some(error.to_string());
                false
            }
        }
    }

    fn look(&mut self, bytes: usize) -> io::Result<()> {
        if self.unlooked < bytes {
            leave_room(&self.file)?;
            self.unlooked = LOOK_BYTES + bytes;
        }
        self.unlooked -= bytes;
        Ok(())
    }
}

/// Refuses when the disk is so full that the store needs the rest.
pub(super) fn leave_room(file: &File) -> io::Result<()> {
    let facts = rustix::fs::fstatvfs(file)?;
    let free = facts.f_bavail.saturating_mul(facts.f_frsize);
    if free >= DISK_FREE_MIN {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::StorageFull,
        format!("the disk has {free} bytes left, and {DISK_FREE_MIN} stay free for the journal"),
    ))
}

impl Strand {
    fn drop(&mut self, bytes: &[u8]) {
        self.dropped += bytes.len() as u64;
        self.end.extend(bytes);
        let surplus = self.end.len().saturating_sub(OUTPUT_TAIL_BYTES);
        self.end.drain(..surplus);
    }

    fn rest(self) -> Rest {
        let bytes: Vec<u8> = self.end.into();
        Rest {
            dropped: self.dropped,
            end: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }
}
