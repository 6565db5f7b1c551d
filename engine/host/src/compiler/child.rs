//! The process that compiles: it gives away what it may do, reads a component, and writes its compiled form.

use std::{
    ffi::OsString,
    fs,
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

use nix::{
    sched::CloneFlags,
    unistd::{Gid, Uid},
};
use runwright_model::digest::Digest;
use rustix::process::{Resource, Rlimit};

use super::BROKEN;
use crate::{Limits, loader, runtime};

/// The user and group `nobody`, on every Linux.
const NOBODY: u32 = 65_534;
/// Files that it may have open: its three, and what the system wants for threads.
const FILES_MAX: u64 = 64;

/// Everything this process does.
pub(super) fn main(limits: Option<OsString>) -> ExitCode {
    match compile(limits) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            // Who started this reads it; nobody else could be told.
            let _ = io::stderr().write_all(refusal.words.as_bytes());
            ExitCode::from(refusal.exit)
        }
    }
}

struct Refusal {
    exit: u8,
    words: String,
}

fn refusal(words: impl std::fmt::Display) -> Refusal {
    Refusal {
        exit: 1,
        words: words.to_string(),
    }
}

fn compile(limits: Option<OsString>) -> Result<(), Refusal> {
    let limits = limits.and_then(|text| text.into_string().ok()).unwrap_or_default();
    let limits: Limits = serde_json::from_str(&limits).map_err(refusal)?;
    confine(&limits).map_err(refusal)?;
    let mut component = Vec::new();
    io::stdin()
        .take(limits.component_bytes)
        .read_to_end(&mut component)
        .map_err(refusal)?;
    let engine = runtime::compiling_engine(&limits).map_err(refusal)?;
    let compiled = engine.precompile_component(&component).map_err(|error| Refusal {
        exit: BROKEN,
        words: format!("{error:#}"),
    })?;
    let head = loader::configuration(&engine) + &Digest::of(&compiled).to_hex();
    let mut answer = io::stdout().lock();
    answer
        .write_all(head.as_bytes())
        .and_then(|()| answer.write_all(&compiled))
        .and_then(|()| answer.flush())
        .map_err(refusal)
}

/// Gives away everything that is not needed. Called while this process has one thread and has read nothing.
///
/// What a machine may not let a process do to itself is left out: a network of its own (a container may not), and another
/// user (only root may). The limits and the promise to gain nothing are not left out.
fn confine(limits: &Limits) -> io::Result<()> {
    // Whatever the engine's own parent left open.
    let open = fs::read_dir("/proc/self/fd")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let inherited: Vec<i32> = open.filter(|file| *file > 2).collect();
    for file in inherited {
        // The one that listed them is gone already.
        let _ = nix::unistd::close(file);
    }
    let root = rustix::process::geteuid().is_root();
    let own = if root {
        CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC
    } else {
        CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC
    };
    let _ = nix::sched::unshare(own);
    let used = address_space();
    let seconds = limits.compile_cpu_ms.div_ceil(1000);
    let all = [
        (Resource::Core, 0, 0),
        (Resource::Fsize, 0, 0),
        (Resource::Nofile, FILES_MAX, FILES_MAX),
        // The first is a signal that says which limit it was.
        (Resource::Cpu, seconds, seconds + 1),
        (
            Resource::As,
            used + limits.compile_memory_bytes,
            used + limits.compile_memory_bytes,
        ),
    ];
    for (resource, current, maximum) in all {
        let limit = Rlimit {
            current: Some(current),
            maximum: Some(maximum),
        };
        rustix::process::setrlimit(resource, limit)?;
    }
    if root {
        let _ = nix::unistd::setgroups(&[]);
        let _ = nix::unistd::setgid(Gid::from_raw(NOBODY));
        let _ = nix::unistd::setuid(Uid::from_raw(NOBODY));
    }
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

/// What the program itself takes, so that the limit is of what the component makes it take.
fn address_space() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}
