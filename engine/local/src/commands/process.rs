//! A process in a session of its own, which can be ended with all its children.

use std::{
    io,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use runwright_model::capability::Error;
use rustix::{
    process::{Gid, Pid, Signal, Uid, kill_process_group, test_kill_process_group},
    thread::{set_thread_gid, set_thread_groups, set_thread_uid},
};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use crate::account::Account;

/// How long a group has between the request to end and its end.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// How often is looked whether a group has ended.
const LOOK: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Debug)]
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

/// A started process. Dropping it ends its whole group at once.
pub(super) struct Process {
    child: Child,
    group: Group,
}

/// A process group; killed when it is dropped, unless it was released.
struct Group(Option<Pid>);

impl Process {
    /// Starts the process, its standard input open only when it will be fed.
    pub(super) fn start(spec: &Spec, fed: bool) -> Result<Self, Error> {
        let mut command = std::process::Command::new(&spec.program);
        command
            .arg0(&spec.arguments[0])
            .args(&spec.arguments[1..])
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
                account.as_ref().map_or(Ok(()), Identity::become_it)
            });
        }
        let child = tokio::process::Command::from(command)
            .spawn()
            .map_err(|error| not_started(spec, &error))?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self {
            child,
            group: Group(pid),
        })
    }

    /// Its pipes, once.
    pub(super) fn pipes(&mut self) -> (Option<ChildStdin>, ChildStdout, ChildStderr) {
        let stdout = self.child.stdout.take().expect("standard output is a pipe, taken once");
        let stderr = self.child.stderr.take().expect("standard error is a pipe, taken once");
        (self.child.stdin.take(), stdout, stderr)
    }

    /// A handle to signal the group while the process is waited for.
    pub(super) fn signals(&self) -> Signals {
        Signals(self.group.0)
    }

    /// Waits for the process itself, not for children it left behind.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Lets children that the process left behind live on: a command may start a service.
    pub(super) fn release(mut self) {
        self.group.0 = None;
    }
}

/// Signals to a process group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signals(Option<Pid>);

impl Signals {
    /// Asks the group to end.
    pub(super) fn ask_to_end(self) {
        self.send(Signal::TERM);
    }

    /// Ends what is left of the group.
    pub(super) fn end(self) {
        self.send(Signal::KILL);
    }

    /// Waits until nobody is left in the group.
    pub(super) async fn gone(self) {
        while self.0.is_some_and(|group| test_kill_process_group(group).is_ok()) {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn send(self, signal: Signal) {
        if let Some(group) = self.0 {
            // An error means that nobody is left, which is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        Signals(self.0).end();
    }
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
