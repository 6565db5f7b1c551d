//! Following a command to its end by its record: while it runs, or after.

use std::{
    fs::File,
    io::{self, Read as _},
    sync::Arc,
    time::Duration,
};

use runwright_model::{
    capability::Error,
    log::{LogSink, Stream},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use super::{
    job::{Begun, End, MORE, Process, STOP},
    output::Capture,
    record::{self, Record},
};

/// Between two calls of a supervisor that does not answer yet: at first, and at most.
const CALL_AGAIN: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));
const READ_BYTES: usize = 64 * 1024;

/// What is known when nobody watches over the command any more.
pub(super) enum Known {
    /// How it ended.
    Ended(End),
    /// It was begun, and nobody knows how it ended.
    Open(Begun, Option<Process>),
    /// It never began. The error says why, when the supervisor did.
    Nothing(Option<Error>),
}

/// What a command wrote, and what became of it.
pub(super) struct Followed {
    pub(super) known: Known,
    pub(super) stdout: Capture,
    pub(super) stderr: Capture,
}

/// Calls the supervisor of a record; `None` when there is none any more.
pub(super) async fn call(record: &Record) -> io::Result<Option<UnixStream>> {
    let mut patience = CALL_AGAIN.0;
    loop {
        if let Ok(line) = record.connect().await {
            return Ok(Some(line));
        }
        // It is being started, or has just ended.
        if !record.is_held()? {
            return Ok(None);
        }
        tokio::time::sleep(patience).await;
        patience = (patience * 2).min(CALL_AGAIN.1);
    }
}

/// Returns when the supervisor is gone for good. It hangs up first, and lets go of the record when all is written down.
async fn released(record: &Record) -> io::Result<()> {
    let mut patience = CALL_AGAIN.0;
    while record.is_held()? {
        tokio::time::sleep(patience).await;
        patience = (patience * 2).min(CALL_AGAIN.1);
    }
    Ok(())
}

/// Reads what the command writes until it has ended. Lines go to the log from the first one.
pub(super) async fn follow(record: &Record, line: Option<UnixStream>, log: Arc<dyn LogSink>) -> io::Result<Followed> {
    let mut stdout = Capture::new(log.clone(), Stream::Stdout);
    let mut stderr = Capture::new(log, Stream::Stderr);
    let mut reader = Reader::new(record.clone());
    let refusal = match line {
        Some(mut line) => loop {
            reader.read_on(&mut stdout, &mut stderr).await?;
            match hear(&mut line).await {
                News::More => {}
                News::Gone => {
                    released(record).await?;
                    break None;
                }
                News::Refused(error) => break Some(error),
            }
        },
        None => None,
    };
    reader.read_on(&mut stdout, &mut stderr).await?;
    let known = if let Some(end) = record.read::<End>(record::END)? {
        let [first, second] = &end.rest;
        stdout.drop(first, end.trouble.as_deref());
        stderr.drop(second, end.trouble.as_deref());
        if reader.at != end.output_bytes {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "the output in {} has {} bytes that can be read, and should have {}",
                    record.folder.display(),
                    reader.at,
                    end.output_bytes
                ),
            ));
        }
        Known::Ended(end)
    } else if let Some(begun) = record.read(record::BEGUN)? {
        // A process that cannot be told is said not to be known.
        Known::Open(begun, record.read(record::PROCESS).unwrap_or_default())
    } else {
        Known::Nothing(refusal)
    };
    Ok(Followed { known, stdout, stderr })
}

/// Asks the supervisor to end the command, and waits until it has.
pub(super) async fn stop(mut line: UnixStream) {
    // An error means that it has ended.
    if line.write_all(&[STOP]).await.is_ok() {
        while matches!(hear(&mut line).await, News::More) {}
    }
}

enum News {
    More,
    Gone,
    Refused(Error),
}

async fn hear(line: &mut UnixStream) -> News {
    let mut words = vec![0; 4096];
    let Ok(heard @ 1..) = line.read(&mut words).await else {
        return News::Gone;
    };
    words.truncate(heard);
    let Some(from) = words.iter().position(|word| *word != MORE) else {
        return News::More;
    };
    // The rest is the error, up to the end.
    let mut text = words.split_off(from + 1);
    let _ = line.read_to_end(&mut text).await;
    match serde_json::from_slice(&text) {
        Ok(error) => News::Refused(error),
        Err(_) => News::Gone,
    }
}

/// Reads the frames of the output, as far as they are there.
struct Reader {
    record: Record,
    file: Option<File>,
    /// The beginning of a frame that is not there whole.
    rest: Vec<u8>,
    /// Bytes of whole frames so far.
    at: u64,
}

impl Reader {
    fn new(record: Record) -> Self {
        Self {
            record,
            file: None,
            rest: Vec::new(),
            at: 0,
        }
    }

    async fn read_on(&mut self, stdout: &mut Capture, stderr: &mut Capture) -> io::Result<()> {
        if self.file.is_none() {
            match File::open(self.record.folder.join(record::OUTPUT)) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let file = self.file.as_mut().expect("opened above");
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            self.rest.extend_from_slice(&buffer[..read]);
            let whole = frames(&self.rest, stdout, stderr)?;
            self.rest.drain(..whole);
            self.at += whole as u64;
            // It was just written, so it is in memory; but there may be much of it.
            tokio::task::yield_now().await;
        }
    }
}

/// Takes whole frames, and answers how many bytes they are.
fn frames(bytes: &[u8], stdout: &mut Capture, stderr: &mut Capture) -> io::Result<usize> {
    let mut at = 0;
    while let Some((stream, text)) = frame(&bytes[at..]) {
        match stream {
            1 => stdout.take(text),
            2 => stderr.take(text),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "the output is damaged")),
        }
        at += FRAME_HEAD + text.len();
    }
    Ok(at)
}

/// The bytes before those of a stream: which it is, and how many.
const FRAME_HEAD: usize = 5;

fn frame(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (head, rest) = bytes.split_at_checked(FRAME_HEAD)?;
    let length = u32::from_le_bytes(head[1..].try_into().ok()?);
    Some((head[0], rest.get(..usize::try_from(length).ok()?)?))
}

#[cfg(test)]
mod tests {
    use runwright_model::{log::Level, time::Timestamp};

    use super::{
        super::{
            job::How,
            record::{Claim, Records, write_durably},
        },
        *,
    };

    struct Deaf;

    impl LogSink for Deaf {
        fn line(&self, _: Level, _: Stream, _: &str) {}
    }

    /// A supervisor hangs up before it writes down how the command ended, and lets go of the record after.
    #[tokio::test]
    async fn who_is_hung_up_on_waits_for_the_end_to_be_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let record = Records::Lasting(folder.path().to_owned()).of("key").unwrap();
        let Claim::Mine(lock) = record.claim().unwrap() else {
            panic!("nobody else is here")
        };
        let begun = Begun {
            key: "key".into(),
            execution: "e".parse().unwrap(),
            step: "s".into(),
            arguments: vec!["true".into()],
            at: Timestamp::from_millis(0),
            supervisor: None,
        };
        write_durably(&record.folder, record::BEGUN, &begun).unwrap();
        let listener = record.listen().unwrap();
        let line = record.connect().await.unwrap();
        drop(listener);
        let end = async {
            // So that the other one has heard by then that the supervisor hung up.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            let end = End {
                how: How::Exited(3),
                duration_ms: 1,
                output_bytes: 0,
                rest: Default::default(),
                trouble: None,
                unkilled: Vec::new(),
            };
            write_durably(&record.folder, record::END, &end).unwrap();
            drop(lock);
        };
        let (followed, ()) = tokio::join!(follow(&record, Some(line), Arc::new(Deaf)), end);
        assert!(matches!(followed.unwrap().known, Known::Ended(_)));
    }
}
