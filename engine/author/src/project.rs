//! A project: a folder, and what its file says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{Error, language::Language, new::check_part};

/// The name of a project's file.
pub const FILE: &str = "runwright-plugin.toml";
/// The name of a project's sample runbook.
pub(crate) const SAMPLE: &str = "sample.yaml";

/// What stands in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Says {
    language: String,
    name: String,
    source: Option<String>,
}

/// A project of a plugin.
pub struct Project {
    /// Its folder, absolute.
    pub folder: PathBuf,
    /// What the component is called.
    pub name: String,
    /// The file to begin with, where the language needs one.
    pub(crate) source: Option<String>,
    pub(crate) language: &'static dyn Language,
}

impl Project {
    /// Reads a project's file.
    ///
    /// # Errors
    ///
    /// [`Error::NoProject`] when its file is not there; [`Error::File`], [`Error::Name`] and [`Error::Language`] for what stands in
    /// it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let none = |why: String| Error::NoProject {
            folder: folder.to_owned(),
            why,
        };
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).map_err(|why| none(format!("{FILE}: {why}")))?;
        let says: Says = toml::from_str(&text).map_err(|why| Error::File {
            path: file,
            why: why.message().to_owned(),
        })?;
        check_part(&says.name, &says.name)?;
        let folder = std::path::absolute(folder).map_err(|why| none(why.to_string()))?;
        Ok(Self {
            language: crate::language::named(&says.language)?,
            folder,
            name: says.name,
            source: says.source,
        })
    }

    /// The project whose component this file is, when it is one's.
    #[must_use]
    pub fn of_component(file: &Path) -> Option<Self> {
        let file = std::path::absolute(file).ok()?;
        let project = Self::open(file.parent()?.parent()?).ok()?;
        (project.component() == file).then_some(project)
    }

    /// The language's name.
    #[must_use]
    pub fn language(&self) -> &'static str {
        self.language.name()
    }

    /// Where the component is, once built.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.folder.join("build").join(format!("{}.wasm", self.name))
    }

    /// The project's scenarios, sorted.
    #[must_use]
    pub fn scenarios(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.join("tests")).into_iter().flatten();
        let mut files: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(".test.yaml"))
            .collect();
        files.sort();
        files
    }

    /// The sample runbook, when there is one.
    #[must_use]
    pub fn sample(&self) -> Option<PathBuf> {
        Some(self.folder.join(SAMPLE)).filter(|path| path.is_file())
    }

    /// Runs a tool in the project's folder. What it writes goes to standard error: standard output is the caller's.
    pub(crate) fn run(&self, mut command: Command) -> Result<(), Error> {
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .stderr(Stdio::inherit());
        let line = line(&command);
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed(line, &status.to_string())),
            Err(why) => Err(failed(line, &why.to_string())),
        }
    }

    /// The same, and answers what it writes to standard output.
    pub(crate) fn output(&self, mut command: Command) -> Result<Vec<u8>, Error> {
        command
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let line = line(&command);
        match command.output() {
            Ok(output) if output.status.success() => Ok(output.stdout),
            Ok(output) => Err(failed(line, &output.status.to_string())),
            Err(why) => Err(failed(line, &why.to_string())),
        }
    }
}

fn failed(command: String, how: &str) -> Error {
    Error::Tool {
        command,
        how: how.to_owned(),
    }
}

/// The most of a command that is shown: a compiler's whole line would bury what the compiler said.
const LINE_CHARS: usize = 80;

/// The command as a person would type it, as far as it tells what it is.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let mut line = program.into_owned();
    for word in command.get_args() {
        let word = word.to_string_lossy();
        if line.chars().count() + word.chars().count() > LINE_CHARS {
            return line + " …";
        }
        line = format!("{line} {word}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_is_cut_between_words() {
        let mut command = Command::new("/usr/bin/cc");
        assert_eq!(line(command.args(["-c", "a.c"])), "cc -c a.c");
        let long = "x".repeat(LINE_CHARS);
        assert_eq!(line(command.arg(&long).arg("b.c")), "cc -c a.c …");
    }
}
