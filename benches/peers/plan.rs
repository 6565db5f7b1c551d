//! What is measured, in which order, each in a process of its own.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::{Outcome, crash, disk, figures::Measured, machine, startup};

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Scale {
    /// What the targets speak of.
    #[default]
    Full,
    /// About a hundredth, to see whether the harness works.
    Quick,
}

impl Scale {
    /// `full` of something, or about a hundredth of it.
    pub(crate) fn of(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => (full / 100).max(1),
        }
    }
}

/// One row or some of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measurement {
    /// One execution of durable steps.
    Single,
    /// Many at once.
    Many,
    /// Steps without effects.
    Pure,
    /// Killed with thousands in flight.
    Crash,
    /// A hundred thousand wait for people.
    Waiting,
    /// A store with a past.
    History,
    /// The command, from its start to the first step.
    Startup,
    /// A large document.
    Compile,
}

impl Measurement {
    pub(crate) const ALL: [Self; 8] = [
        Self::Single,
        Self::Many,
        Self::Pure,
        Self::Crash,
        Self::Waiting,
        Self::History,
        Self::Startup,
        Self::Compile,
    ];

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Many => "many",
            Self::Pure => "pure",
            Self::Crash => "crash",
            Self::Waiting => "waiting",
            Self::History => "history",
            Self::Startup => "startup",
            Self::Compile => "compile",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// One measurement that is to be made.
pub(crate) struct Run<'a> {
    pub(crate) measurement: Measurement,
    pub(crate) folder: &'a Path,
    pub(crate) scale: Scale,
    /// The `runwright` binary.
    pub(crate) runwright: Option<&'a Path>,
}

impl Run<'_> {
    pub(crate) fn measure(&self) -> Outcome<Measured> {
        let mut measured = disk::probe(self.folder, self.scale)?;
        measured.insert("load".into(), machine::load()[0]);
        let more = match self.measurement {
            Measurement::Crash => crash::measure(self)?,
            Measurement::Waiting => {
                let mut figures = self.role("waiting-fill")?;
                figures.extend(self.role("waiting-decide")?);
                figures
            }
            Measurement::Startup => startup::measure(self)?,
            Measurement::Single
            | Measurement::Many
            | Measurement::Pure
            | Measurement::History
            | Measurement::Compile => self.role(self.measurement.name())?,
        };
        // The probes that a measurement makes itself, between its rounds, stand for those before it.
        measured.extend(more);
        Ok(measured)
    }

    /// A role of this program, in a process of its own, to its end.
    pub(crate) fn role(&self, role: &str) -> Outcome<Measured> {
        let (mut child, mut lines) = self.spawn(role)?;
        let mut line = String::new();
        let read = lines.read_line(&mut line);
        let status = child.wait()?;
        read?;
        if !status.success() {
            return Err(format!("`{role}` ended with {status}").into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Begins a role. What it finds out is one line on its standard output.
    pub(crate) fn spawn(&self, role: &str) -> Outcome<(Child, BufReader<ChildStdout>)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--role").arg(role).arg(self.folder);
        if self.scale == Scale::Quick {
            command.arg("--quick");
        }
        command.arg("--spawned-ns").arg(machine::wall_ns().to_string());
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
        let stdout = child.stdout.take().ok_or("a pipe was asked for")?;
        Ok((child, BufReader::new(stdout)))
    }
}

/// A fresh folder to work in, on the disk that is measured; what is kept between runs lies beside it.
pub(crate) fn scratch(given: Option<&Path>) -> Outcome<PathBuf> {
    let base = match given {
        Some(folder) => folder.to_owned(),
        None => machine::target_folder().join("peers"),
    };
    let folder = base.join("run");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?)
}

/// Takes away what the measurements left.
pub(crate) fn tidy(folder: &Path) -> Outcome<()> {
    Ok(std::fs::remove_dir_all(folder)?)
}

/// A fresh folder for one store.
pub(crate) fn fresh(folder: &Path, name: &str) -> Outcome<PathBuf> {
    let path = folder.join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path)?;
    }
    std::fs::create_dir_all(&path)?;
    Ok(path)
}
