//! Waiting for a process: feeding it, reading it, and ending it when its time is over.

use std::{
    io,
    os::unix::process::ExitStatusExt as _,
    pin::{Pin, pin},
    process::ExitStatus,
    time::{Duration, Instant},
};

use runwright_model::{
    capability::{CallContext, Error},
    log::Stream,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::ChildStdin,
    sync::watch,
    time::timeout,
};

use super::{
    output::Capture,
    process::{GRACE, Process, Spec},
};

/// How long pipes are read after the process has ended, while a child it left behind holds them open.
const LINGER: Duration = Duration::from_millis(500);
/// What is read at most after that: a full pipe, and more.
const LINGER_BYTES_MAX: usize = 1024 * 1024;
/// How much of each stream a timeout's message shows.
const TAIL_BYTES: usize = 2 * 1024;
const READ_BYTES: usize = 16 * 1024;

/// How a process ended, and what it wrote.
pub(super) struct Ended {
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) stdout: Capture,
    pub(super) stderr: Capture,
    pub(super) duration_ms: u64,
}

/// Starts a process and waits for its end.
///
/// Dropping the future ends its whole group at once.
///
/// # Errors
///
/// `TimedOut`, with the end of its output, when it had to be ended after `limit`.
pub(super) async fn to_end(
    spec: Spec,
    stdin: Option<Vec<u8>>,
    limit: Option<Duration>,
    context: &CallContext,
) -> Result<Ended, Error> {
    let secrets = context.secrets.clone();
    let mut stdout = Capture::new(context.log.clone(), Stream::Stdout, secrets.clone());
    let mut stderr = Capture::new(context.log.clone(), Stream::Stderr, secrets);
    let began = Instant::now();
    let mut process = Process::start(&spec, stdin.is_some())?;
    let signals = process.signals();
    let ended = {
        let mut work = pin!(work(&mut process, stdin, &mut stdout, &mut stderr));
        let in_time = match limit {
            Some(limit) => timeout(limit, &mut work).await.ok(),
            None => Some(work.as_mut().await),
        };
        if in_time.is_none() {
            signals.ask_to_end();
            end_group(signals, work).await;
        }
        in_time
    };
    let duration = began.elapsed();
    let Some(status) = ended else {
        drop(process);
        return Err(timed_out(&spec, duration, &stdout, &stderr));
    };
    process.release();
    let status = status.map_err(|error| Error::Unavailable(format!("the command could not be waited for: {error}")))?;
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    Ok(Ended {
        exit_code: status.code(),
        signal: status.signal(),
        stdout,
        stderr,
        duration_ms,
    })
}

/// Waits for a group that was asked to end, reading on so that it is not held up, and ends what is left.
async fn end_group(signals: super::process::Signals, mut work: Pin<&mut impl Future<Output = io::Result<ExitStatus>>>) {
    let mut ended = false;
    let gone = async {
        tokio::select! {
            _ = &mut work => ended = true,
            () = signals.gone() => {}
        }
        signals.gone().await;
    };
    // Whether it took longer or not is all the same to what comes next.
    let _ = timeout(GRACE, gone).await;
    signals.end();
    if !ended {
        let _ = timeout(GRACE, work).await;
    }
}

/// Feeds and reads a process until it has ended and its pipes are closed, or nearly.
async fn work(
    process: &mut Process,
    stdin: Option<Vec<u8>>,
    stdout: &mut Capture,
    stderr: &mut Capture,
) -> io::Result<ExitStatus> {
    let (input, output, errors) = process.pipes();
    let (ended, has_ended) = watch::channel(false);
    let waiting = async {
        let status = process.wait().await;
        // Nobody listens any more when all pipes are closed.
        let _ = ended.send(true);
        status
    };
    let feeding = feed(input, stdin, has_ended.clone());
    let (status, (), (), ()) = tokio::join!(
        waiting,
        feeding,
        read(output, stdout, has_ended.clone()),
        read(errors, stderr, has_ended.clone())
    );
    status
}

/// Writes standard input and closes it. A process that reads no more is not an error.
async fn feed(input: Option<ChildStdin>, bytes: Option<Vec<u8>>, mut ended: watch::Receiver<bool>) {
    let (Some(mut input), Some(bytes)) = (input, bytes) else {
        return;
    };
    tokio::select! {
        _ = input.write_all(&bytes) => {}
        _ = ended.wait_for(|ended| *ended) => {}
    }
}

/// Reads a pipe to its end, or until some time after the process has ended.
async fn read(mut pipe: impl AsyncRead + Unpin, capture: &mut Capture, mut ended: watch::Receiver<bool>) {
    let mut buffer = vec![0; READ_BYTES];
    let lingered = async {
        // The sender lives as long as this future does.
        let _ = ended.wait_for(|ended| *ended).await;
        tokio::time::sleep(LINGER).await;
    };
    let mut lingered = pin!(lingered);
    let mut over = false;
    let mut left = LINGER_BYTES_MAX;
    while left > 0 {
        let got = tokio::select! {
            // What is there is read before the time counts.
            biased;
            got = pipe.read(&mut buffer) => got,
            () = &mut lingered, if !over => { over = true; continue }
            () = std::future::ready(()), if over => return,
        };
        match got {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                capture.take(&buffer[..read]);
                left = if over { left.saturating_sub(read) } else { left };
            }
        }
    }
}

fn timed_out(spec: &Spec, after: Duration, stdout: &Capture, stderr: &Capture) -> Error {
    let part = |name: &str, text: String| {
        if text.is_empty() {
            String::new()
        } else {
            format!("\n{name} ended with:\n{text}")
        }
    };
    Error::TimedOut(format!(
        "`{}` was ended with all its children after {:.1} s, because its time was over{}{}",
        spec.arguments.first().map_or("", String::as_str),
        after.as_secs_f64(),
        part("standard output", stdout.tail(TAIL_BYTES)),
        part("standard error", stderr.tail(TAIL_BYTES)),
    ))
}
