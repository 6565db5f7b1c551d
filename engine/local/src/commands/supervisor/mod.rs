//! The supervisor of one command: starts it, keeps what it writes, ends it when its time is over, and writes down how
//! it ended. It outlives the engine, so it needs nothing of it: no runtime, no store, no terminal.
//!
//! A supervisor is a process of its own, or a thread of the engine where no program for it was named. The one thing
//! that only a process can is to get hold of processes that left their session.

mod process;
mod tape;
mod tree;
mod watch;

use std::{
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    time::{Duration, Instant},
};

use nix::sys::signalfd::SignalFd;
use runwright_model::{capability::Error, secret::Secrets};
use rustix::fs::{FallocateFlags, fallocate};

pub(super) use self::process::main;
use self::{tape::Tape, watch::Watch};
use super::{
    job::{self, Begun, End, How, Job, Process},
    process as start,
    record::{self, write_durably},
};
use crate::clock;

/// Room that is kept on the disk for the file that says how the command ended.
const END_BYTES: u64 = 64 * 1024;

/// What a supervisor is given when it starts.
pub(super) struct Ends {
    /// The job comes from here; whoever sent it is told of news, as others that attach.
    pub(super) job: UnixStream,
    /// The lock of the record. It says that the supervisor lives.
    pub(super) lock: OwnedFd,
    /// Others attach here.
    pub(super) listener: UnixListener,
}

/// What a supervisor hears.
struct Lines {
    first: UnixStream,
    listener: UnixListener,
    /// Those of a process of its own.
    signals: Option<SignalFd>,
}

/// Supervises one command, to its end. `signals` are those of a process of its own.
pub(super) fn serve(ends: Ends, signals: Option<SignalFd>) {
    let Ends { job, lock, listener } = ends;
    let lines = Lines {
        first: job,
        listener,
        signals,
    };
    // Whoever wanted it is gone: nothing begins, and the record stays free for who comes next.
    let Some(job) = Job::receive(&lines.first) else { return };
    let secrets = Secrets::new(job.secrets.clone());
    let clients = match begin(&job, &secrets, lines.signals.is_some()) {
        Ok(tape) => run(job, tape, lines),
        Err(error) => {
            // When nobody listens any more, the call is made again.
            let _ = job::refuse(&lines.first, &not_begun(&job, &secrets, &error));
            vec![lines.first]
        }
    };
    // Those who are attached look at the record now.
    drop(clients);
    drop(lock);
}

fn not_begun(job: &Job, secrets: &Secrets, error: &io::Error) -> Error {
    Error::Unavailable(format!(
        "`{}` was not started, because its record cannot be written in {}: {error}. Make room there, or mend the folder",
        secrets.redact(&job.spec.arguments.join(" ")),
        job.folder.display()
    ))
}

/// Makes the record: when this returns, it is certain that the command may have begun.
fn begin(job: &Job, secrets: &Secrets, own_process: bool) -> io::Result<Tape> {
    let tape = Tape::create(&job.folder, secrets)?;
    let end = record::private_file()
        .create(true)
        .truncate(true)
        .open(unfinished_end(&job.folder))?;
    tape::leave_room(&end)?;
    match fallocate(&end, FallocateFlags::empty(), 0, END_BYTES) {
        // Some file systems cannot promise room.
        Err(rustix::io::Errno::OPNOTSUPP) | Ok(()) => {}
        Err(error) => return Err(error.into()),
    }
    let own = i32::try_from(std::process::id()).ok().filter(|_| own_process);
    let begun = Begun {
        key: job.key.clone(),
        execution: job.execution.clone(),
        step: job.step.clone(),
        arguments: job.spec.arguments.iter().map(|text| secrets.redact(text)).collect(),
        at: clock::now(),
        supervisor: own.and_then(Process::of),
    };
    write_durably(&job.folder, record::BEGUN, &begun)?;
    for folder in job.folder.ancestors().skip(1).take(2) {
        File::open(folder)?.sync_all()?;
    }
    Ok(tape)
}

/// Runs the command and writes down how it ended. Answers who is attached.
fn run(job: Job, tape: Tape, lines: Lines) -> Vec<UnixStream> {
    let folder = job.folder.clone();
    let began = Instant::now();
    let started = start::start(&job.spec, job.script.as_deref(), job.stdin.is_some());
    let (watched, clients) = match started {
        Ok(child) => {
            note_process(&folder, child.id());
            let stdin = job.stdin.map(|bytes| bytes.0);
            let limit = job.limit_ms.map(Duration::from_millis);
            Watch::new(child, stdin, tape, lines).until_end(limit)
        }
        Err(error) => (watch::Watched::nothing(How::NotStarted(error), tape), vec![lines.first]),
    };
    let end = End {
        how: watched.how,
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        output_bytes: watched.output.bytes,
        rest: watched.output.rest,
        trouble: watched.output.trouble,
        unkilled: watched.unkilled,
    };
    // Without it the outcome is unknown, and those who ask are told so.
    let _ = write_end(&folder, &end);
    clients
}

/// For messages, and for ending what is left when the supervisor was killed.
fn note_process(folder: &Path, pid: u32) {
    let process = i32::try_from(pid).ok().and_then(Process::of);
    let file = record::private_file()
        .create(true)
        .truncate(true)
        .open(folder.join(record::PROCESS));
    if let (Some(process), Ok(file)) = (process, file) {
        let _ = serde_json::to_writer(file, &process);
    }
}

/// Writes the end into the room that was kept for it.
fn write_end(folder: &Path, end: &End) -> io::Result<()> {
    let path = unfinished_end(folder);
    let file = record::private_file().open(&path)?;
    let text = serde_json::to_vec(end)?;
    rustix::io::retry_on_intr(|| rustix::io::pwrite(&file, &text, 0)).map_err(io::Error::from)?;
    file.set_len(text.len() as u64)?;
    file.sync_data()?;
    std::fs::rename(path, folder.join(record::END))?;
    File::open(folder)?.sync_all()
}

fn unfinished_end(folder: &Path) -> std::path::PathBuf {
    folder.join(format!("{}.new", record::END))
}
