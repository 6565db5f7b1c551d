//! Tools of the languages: found in the project or in `PATH`, or named with the command that gets them.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, Project};

/// A program that a language needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// Its name.
    pub(crate) name: &'static str,
    /// Folders of the project that are looked at before `PATH`: `.venv/bin`.
    pub(crate) inside: &'static [&'static str],
    /// The command that gets it, typed in the project's folder.
    pub(crate) get: &'static str,
}

impl Tool {
    /// The tool, ready for arguments.
    ///
    /// # Errors
    ///
    /// [`Error::NoTool`].
    pub(crate) fn of(&self, project: &Project) -> Result<Command, Error> {
        self.find(&project.folder)
            .map(Command::new)
            .ok_or_else(|| self.missing())
    }

    /// Where it is.
    pub(crate) fn find(&self, folder: &Path) -> Option<PathBuf> {
        let own = self.inside.iter().map(|place| folder.join(place));
        let path = env::var_os("PATH").unwrap_or_default();
        own.chain(env::split_paths(&path))
            .map(|place| place.join(self.name))
            .find(|file| is_program(file))
    }

    fn missing(&self) -> Error {
        let looked = match self.inside {
            [] => " in PATH".to_owned(),
            places => format!(": neither in the project ({}) nor in PATH", places.join(", ")),
        };
        Error::NoTool {
            what: format!("`{}`", self.name),
            looked,
            get: self.get.to_owned(),
        }
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_comes_before_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let tool = Tool {
            name: "sh",
            inside: &["bin"],
            get: "",
        };
        assert!(
            tool.find(folder.path())
                .is_some_and(|found| !found.starts_with(folder.path()))
        );
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("/bin/sh", folder.path().join("bin/sh")).unwrap();
        assert_eq!(tool.find(folder.path()), Some(folder.path().join("bin/sh")));
    }

    #[test]
    fn a_missing_tool_says_how_to_get_it() {
        let tool = Tool {
            name: "no-such-program",
            inside: &[".venv/bin"],
            get: "make it",
        };
        assert_eq!(tool.find(Path::new("/")), None);
        let error = tool.missing();
        assert_eq!(
            error.to_string(),
            "`no-such-program` is needed and was not found: neither in the project (.venv/bin) nor in PATH"
        );
        assert_eq!(error.help(), "get it with, in the project's folder: make it");
    }
}
