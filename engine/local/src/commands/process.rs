//! A process in a session of its own.

use std::{
    fs::File,
    io::{self, Write as _},
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd},
        unix::{
            fs::{PermissionsExt as _, fchown},
            process::CommandExt as _,
        },
    },
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use nix::sys::signal::SigSet;
use runwright_model::capability::Error;
use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create},
    io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd},
    process::{Gid, Uid},
    thread::{set_thread_gid, set_thread_groups, set_thread_uid},
};
use serde::{Deserialize, Serialize};

use crate::account::Account;

/// Scripts get a descriptor from here on: scripts of shells use the small numbers themselves.
const SCRIPT_DESCRIPTOR_MIN: i32 = 100;

/// What to start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    /// Absolute, or with a slash.
    pub(super) program: PathBuf,
    /// The first is the program's name as it was given.
    pub(super) arguments: Vec<String>,
    /// All of it, later ones before earlier ones of the same name.
    pub(super) environment: Vec<(String, String)>,
    pub(super) folder: PathBuf,
    /// Whom to become.
    pub(super) account: Option<Account>,
}

/// Starts the process with all its streams as pipes, its standard input only when it will be fed. The script's path
/// becomes its last argument.
pub(super) fn start(spec: &Spec, script: Option<&str>, fed: bool) -> Result<Child, Error> {
    let script = script.map(|text| keep(text, spec.account.as_ref())).transpose()?;
    let mut command = std::process::Command::new(&spec.program);
    command
        .arg0(&spec.arguments[0])
        .args(&spec.arguments[1..])
        .args(script.as_ref().map(path_of))
        .current_dir(&spec.folder);
    command
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)));
    command
        .stdin(if fed { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let account = spec.account.clone().map(Identity::of);
    #[expect(
        unsafe_code,
        reason = "the standard library cannot yet set a session and supplementary groups"
    )]
    // SAFETY: between fork and exec only system calls are made; nothing is allocated and no lock is taken.
    unsafe {
        command.pre_exec(move || {
            rustix::process::setsid()?;
            // The supervisor blocks them all, and what is blocked stays so over an exec.
            SigSet::empty().thread_set_mask()?;
            if let Some(script) = &script {
                fcntl_setfd(script, FdFlags::empty())?;
            }
            account.as_ref().map_or(Ok(()), Identity::become_it)
        });
    }
    command.spawn().map_err(|error| not_started(spec, &error))
}

/// Keeps a script in memory, where its user alone may read (and run) it, and nobody can change it. It is gone with the
/// last process that has it open.
///
/// Secret placeholders in the text have been filled, so it never lies on a disk.
fn keep(text: &str, account: Option<&Account>) -> Result<OwnedFd, Error> {
    let keep = || -> io::Result<OwnedFd> {
        let mut file = File::from(memfd_create("script", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(text.as_bytes())?;
        file.set_permissions(std::fs::Permissions::from_mode(0o700))?;
        if let Some(account) = account {
            fchown(&file, Some(account.uid), Some(account.gid))?;
        }
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK)?;
        let readable = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        Ok(fcntl_dupfd_cloexec(readable.as_fd(), SCRIPT_DESCRIPTOR_MIN)?)
    };
    keep().map_err(|error| Error::Unavailable(format!("the script cannot be kept in memory: {error}")))
}

fn path_of(script: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", script.as_raw_fd())
}

/// An account as the system wants it.
struct Identity {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Identity {
    fn of(account: Account) -> Self {
        Self {
            uid: Uid::from_raw(account.uid),
            gid: Gid::from_raw(account.gid),
            groups: account.groups.into_iter().map(Gid::from_raw).collect(),
        }
    }

    /// Groups first: after the user is changed they could not be.
    fn become_it(&self) -> io::Result<()> {
        set_thread_groups(&self.groups)?;
        set_thread_gid(self.gid)?;
        Ok(set_thread_uid(self.uid)?)
    }
}

/// The program's file: as it is when it holds a slash, else the first of that name in `path`.
pub(super) fn find_program(name: &str, path: &str) -> Result<PathBuf, Error> {
    if name.contains('/') {
        return Ok(name.into());
    }
    let found = path
        .split(':')
        .map(|folder| Path::new(folder).join(name))
        .find(|file| is_program(file));
    found.ok_or_else(|| {
        Error::NotFound(format!(
            "there is no program `{name}` on this machine; looked in {path}"
        ))
    })
}

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// Whether a working directory is one.
pub(super) fn check_folder(folder: &str) -> Result<(), Error> {
    if !folder.starts_with('/') || folder.contains('\0') {
        return Err(Error::Invalid(format!(
            "the working directory `{folder}` is no absolute path"
        )));
    }
    match std::fs::metadata(folder) {
        Ok(facts) if facts.is_dir() => Ok(()),
        Ok(_) => Err(Error::Invalid(format!("the working directory `{folder}` is no folder"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NotFound(format!(
            "the working directory `{folder}` does not exist"
        ))),
        Err(error) => Err(Error::Unavailable(format!(
            "the working directory `{folder}` cannot be used: {error}"
        ))),
    }
}

fn not_started(spec: &Spec, error: &io::Error) -> Error {
    let program = spec.program.display();
    match error.kind() {
        io::ErrorKind::NotFound => Error::NotFound(format!(
            "the program `{program}` or the interpreter it names does not exist"
        )),
        io::ErrorKind::PermissionDenied => {
            let user = spec.account.as_ref().map_or_else(
                || crate::account::user_name(rustix::process::geteuid().as_raw()),
                |account| account.name.clone(),
            );
            Error::Invalid(format!(
                "`{program}` may not be run by `{user}` in {}",
                spec.folder.display()
            ))
        }
        io::ErrorKind::ArgumentListTooLong => Error::Invalid(format!(
            "the arguments and the environment of `{program}` are too long: use standard input"
        )),
        _ => Error::Unavailable(format!("`{program}` could not be started: {error}")),
    }
}
