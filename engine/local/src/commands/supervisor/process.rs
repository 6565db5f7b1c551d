//! A supervisor as a process: apart from the engine's terminal, session, signals and open files.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::{
        fd::{AsFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
        unix::net::{UnixListener, UnixStream},
    },
    process::ExitCode,
};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use rustix::process::{DumpableBehavior, set_child_subreaper, set_dumpable_behavior};

use super::{Ends, serve};

/// The whole life of a supervisor. Its standard input, output and error are the ends it needs.
pub(in super::super) fn main() -> ExitCode {
    match apart() {
        Ok((ends, signals)) => {
            serve(ends, Some(signals));
            ExitCode::SUCCESS
        }
        // Whoever started it finds nothing begun.
        Err(_) => ExitCode::FAILURE,
    }
}

fn apart() -> io::Result<(Ends, SignalFd)> {
    let [job, lock, listener] = inherited()?;
    let ends = Ends {
        job: UnixStream::from(job),
        lock,
        listener: UnixListener::from(listener),
    };
    // It may be the leader of a group already, if somebody started it by hand.
    let _ = rustix::process::setsid();
    std::env::set_current_dir("/")?;
    // Its memory holds secrets: no core dumps, no looking in.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_child_subreaper(Some(rustix::process::getpid()))?;
    // A name that can be searched for, at most 15 bytes.
    rustix::thread::set_name(c"runwright-super")?;
    SigSet::all().thread_block()?;
    let mut heard = SigSet::empty();
    heard.add(Signal::SIGCHLD);
    heard.add(Signal::SIGTERM);
    let signals = SignalFd::with_flags(&heard, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    Ok((ends, signals))
}

/// Takes the three streams it was started with, and closes every other file it inherited: a lock that a shell holds
/// would be held for as long as the command runs. In their place is the null device.
fn inherited() -> io::Result<[OwnedFd; 3]> {
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for number in open.into_iter().filter(|number| *number > 2) {
        close(number);
    }
    let taken = [copy(0)?, copy(1)?, copy(2)?];
    for number in 0..3 {
        close(number);
    }
    for number in 0..3 {
        let null = File::options().read(true).write(true).open(OsStr::new("/dev/null"))?;
        // The lowest free number is taken: these three stay open as the standard streams.
        debug_assert_eq!(std::os::fd::AsRawFd::as_raw_fd(&null), number);
        std::mem::forget(null);
    }
    Ok(taken)
}

#[expect(unsafe_code, reason = "inherited descriptors have numbers only")]
fn copy(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is one of the three standard streams, which nothing closes while this runs.
    let there = unsafe { BorrowedFd::borrow_raw(number) };
    Ok(rustix::io::fcntl_dupfd_cloexec(there.as_fd(), 3)?)
}

#[expect(unsafe_code, reason = "inherited descriptors have numbers only")]
fn close(number: RawFd) {
    // SAFETY: the process has one thread and has opened nothing of its own that it still uses.
    let there = unsafe { BorrowedFd::borrow_raw(number) };
    if rustix::io::fcntl_getfd(there).is_ok() {
        // SAFETY: it is open, and nothing else owns it.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
    }
}
