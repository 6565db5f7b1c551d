//! Commands whose supervisor was killed: what can be said of them, and how they are ended.

use std::{
    io,
    time::{Duration, Instant},
};

use runwright_model::capability::Error;
use rustix::process::{Pid, Signal, kill_process_group};

use super::{
    GRACE,
    job::{Begun, Process},
    output::Capture,
    record::{self, Record},
};

/// How much of each stream a message shows.
const TAIL_BYTES: usize = 2 * 1024;
/// How often is looked whether one that was asked to end has ended.
const LOOK: Duration = Duration::from_millis(50);

/// What is said of a command that was begun, and whose end nobody wrote down.
pub(super) fn uncertain(begun: &Begun, process: Option<&Process>, stdout: &Capture, stderr: &Capture) -> Error {
    let now = match process {
        None => "whether its process was started is not known".to_owned(),
        Some(process) if process.lives() => {
            format!(
                "its process {} still runs, and nobody reads what it writes",
                process.pid
            )
        }
        Some(process) => format!("its process {} has ended, nobody knows how", process.pid),
    };
    let supervisor = begun
        .supervisor
        .as_ref()
        .map_or_else(String::new, |process| format!(" (process {})", process.pid));
    Error::Uncertain(format!(
        "the supervisor{supervisor} of `{}` was killed, or the machine stopped, while it ran: it began at {}, {now}. It may \
         have done all of its work, a part of it, or nothing. Look at what it changes, then resume or roll back{}",
        begun.arguments.join(" "),
        begun.at,
        said(stdout, stderr)
    ))
}

/// The ends of what a command wrote, for a message.
pub(super) fn said(stdout: &Capture, stderr: &Capture) -> String {
    let part = |name: &str, capture: &Capture| {
        let text = capture.tail(TAIL_BYTES);
        let text = text.trim_end();
        if text.is_empty() {
            String::new()
        } else {
            format!("\n{name} ended with:\n{text}")
        }
    };
    part("standard output", stdout) + &part("standard error", stderr)
}

/// Ends the process group of a command that has no supervisor any more, if its first process still runs: else its
/// number may be another's.
pub(super) async fn end(record: &Record) -> io::Result<()> {
    let Some(process) = record.read::<Process>(record::PROCESS)? else {
        return Ok(());
    };
    let Some(group) = Pid::from_raw(process.pid).filter(|_| process.lives()) else {
        return Ok(());
    };
    // An error means that it has just ended.
    let _ = kill_process_group(group, Signal::TERM);
    let until = Instant::now() + GRACE;
    while process.lives() && Instant::now() < until {
        tokio::time::sleep(LOOK).await;
    }
    if process.lives() {
        let _ = kill_process_group(group, Signal::KILL);
    }
    Ok(())
}
