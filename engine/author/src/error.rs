//! What can go wrong while a plugin is made.

use std::path::PathBuf;

/// Why a project could not be made, built or watched. The caller can mend each of them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such language.
    #[error("there is no language `{name}`; there are {}", crate::languages().join(", "))]
    Language {
        /// What was asked for.
        name: String,
    },
    /// A name that cannot be an action's.
    #[error("`{name}` cannot be a plugin's name: {why}")]
    Name {
        /// What was asked for.
        name: String,
        /// Why not.
        why: String,
    },
    /// The folder is there and holds something.
    #[error("the folder {} is not empty", folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// No project file.
    #[error("{} is no project of a plugin: {why}", folder.display())]
    NoProject {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        why: String,
    },
    /// A tool of the language is not installed.
    #[error("{what} is needed and was not found{looked}")]
    NoTool {
        /// The tool.
        what: String,
        /// Where it was looked for: empty, or `: in …`.
        looked: String,
        /// The command that gets it.
        get: String,
    },
    /// A tool of the language failed. It has said why.
    #[error("`{command}` failed ({how})")]
    Tool {
        /// The command.
        command: String,
        /// How it ended.
        how: String,
    },
    /// The tools succeeded, and what they made is no component.
    #[error("the build made no component: {why}")]
    NoComponent {
        /// Why not.
        why: String,
    },
    /// A file or folder.
    #[error("{} cannot be used: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl Error {
    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Language { .. } | Self::Name { .. } => "RW-P001",
            Self::NotEmpty { .. } => "RW-P002",
            Self::NoProject { .. } => "RW-P003",
            Self::NoTool { .. } => "RW-P004",
            Self::Tool { .. } => "RW-P005",
            Self::NoComponent { .. } => "RW-P006",
            Self::File { .. } => "RW-P007",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Language { .. } => "name one of them with --lang".to_owned(),
            Self::Name { .. } => {
                "write it as `drain-node`, or with a namespace of your own before a colon: `acme:drain-node`".to_owned()
            }
            Self::NotEmpty { .. } => "name a folder that is not there yet, or empty this one".to_owned(),
            Self::NoProject { .. } => {
                "`runwright plugin new NAME --lang LANGUAGE` makes one; run this inside its folder".to_owned()
            }
            Self::NoTool { get, .. } => format!("get it with, in the project's folder: {get}"),
            Self::Tool { .. } => "its own messages are above".to_owned(),
            Self::NoComponent { .. } => "the language's SDK has a README that says what a plugin exports".to_owned(),
            Self::File { .. } => "mend that, and try again".to_owned(),
        }
    }

    /// For a file that the system refuses.
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |why| Self::File {
            path,
            why: why.to_string(),
        }
    }
}
