//! Starting the supervisor of a command.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    process::{ExitCode, Stdio},
};

use super::supervisor::{self, Ends};

/// The first argument that makes a program a supervisor.
pub const SUPERVISE: &str = "__supervise";

/// The program that becomes the supervisor of a command: one that calls [`supervise_if_asked`] before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, with [`SUPERVISE`] as the first that the program sees.
    pub arguments: Vec<OsString>,
}

impl Launcher {
    /// The program that runs, also after its file was replaced by a new version.
    #[must_use]
    pub fn this_program() -> Self {
        Self::program("/proc/self/exe")
    }

    /// Another program.
    #[must_use]
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: vec![SUPERVISE.into()],
        }
    }
}

/// Supervises a command if the engine started this program for that, and answers the exit code to end with. To be
/// called at the very start of `main`, before threads and files: everything else this program does is not wanted then.
#[must_use]
pub fn supervise_if_asked() -> Option<ExitCode> {
    let asked = std::env::args_os().nth(1).is_some_and(|word| word == SUPERVISE);
    asked.then(supervisor::main)
}

/// Starts a supervisor, and answers the line on which it waits for its job. When the line is closed before the job was
/// sent whole, nothing begins.
///
/// Without a launcher the supervisor is a thread of this process.
pub(super) fn start(launcher: Option<&Launcher>, lock: File, listener: UnixListener) -> io::Result<UnixStream> {
    let (line, job) = UnixStream::pair()?;
    match launcher {
        Some(launcher) => {
            let mut command = tokio::process::Command::new(&launcher.program);
            command
                .args(&launcher.arguments)
                .env_clear()
                .stdin(Stdio::from(OwnedFd::from(job)))
                .stdout(Stdio::from(lock))
                .stderr(Stdio::from(OwnedFd::from(listener)));
            let mut supervisor = command.spawn()?;
            // Else it would be a zombie for as long as the engine lives.
            tokio::spawn(async move { supervisor.wait().await });
        }
        None => {
            let lock = OwnedFd::from(lock);
            let ends = Ends { job, lock, listener };
            std::thread::Builder::new()
                .name("command".into())
                .spawn(move || supervisor::serve(ends, None))?;
        }
    }
    Ok(line)
}
