//! What the options common to all verbs mean: folders found, colours decided.
//!
//! [`crate::args::Global`] is what was typed; this is the second stage, made once.

use std::{
    env,
    ffi::OsString,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use crate::{
    args::{Colour, Global, Output},
    problem::Problem,
    render::{console::Console, text::quoted},
};

/// Stands for `--state-dir`.
const STATE_DIR_VARIABLE: &str = "RUNWRIGHT_STATE_DIR";
/// Stands for `--runbooks`.
const RUNBOOKS_VARIABLE: &str = "RUNWRIGHT_RUNBOOKS";
/// Stands for `--plugins`.
const PLUGINS_VARIABLE: &str = "RUNWRIGHT_PLUGINS";
/// Stands for `--aws`, with any value.
const AWS_VARIABLE: &str = "RUNWRIGHT_AWS";
/// Folders searched for runbooks given by name, when nothing else is said.
const RUNBOOKS_DEFAULT: &str = "runbooks";

/// The options of every verb, understood.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where results and messages go.
    pub(crate) console: Console,
    /// Folders searched for runbooks given by name.
    pub(crate) runbooks: Vec<PathBuf>,
    /// Folders searched for large components.
    pub(crate) plugins: Vec<PathBuf>,
    /// Whether steps may act on AWS.
    pub(crate) aws: bool,
    /// Docker's `config.json`, which has the logins of registries.
    pub(crate) logins: Option<PathBuf>,
    state_dir: Option<PathBuf>,
    /// Whether the state directory was named on the command line, so that commands shown must name it as well.
    state_dir_typed: bool,
}

impl Settings {
    /// Looks at the environment and the terminal, once.
    pub(crate) fn new(global: &Global) -> Self {
        let colour = |terminal: bool| match global.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                terminal && variable("NO_COLOR").is_none() && env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        let console = Console {
            json: global.output == Output::Json,
            colour_out: colour(std::io::stdout().is_terminal()),
            colour_err: colour(std::io::stderr().is_terminal()),
            live: std::io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb"),
            quiet: global.quiet,
            verbose: global.verbose,
        };
        let runbooks = match (global.runbook_folders.is_empty(), variable(RUNBOOKS_VARIABLE)) {
            (false, _) => global.runbook_folders.clone(),
            (true, Some(folders)) => env::split_paths(&folders).collect(),
            (true, None) => vec![RUNBOOKS_DEFAULT.into()],
        };
        let plugins = match (global.plugin_folders.is_empty(), variable(PLUGINS_VARIABLE)) {
            (true, Some(folders)) => env::split_paths(&folders).collect(),
            (true, None) | (false, _) => global.plugin_folders.clone(),
        };
        let inherited = || {
            variable(STATE_DIR_VARIABLE)
                .map(PathBuf::from)
                .or_else(default_state_dir)
        };
        Self {
            console,
            runbooks,
            plugins,
            aws: global.aws || variable(AWS_VARIABLE).is_some(),
            logins: logins(),
            state_dir: global.state_dir.clone().or_else(inherited),
            state_dir_typed: global.state_dir.is_some(),
        }
    }

    /// Where the store is.
    pub(crate) fn state_dir(&self) -> Result<&Path, Problem> {
        self.state_dir.as_deref().ok_or_else(|| {
            Problem::bad_input("there is no place for the state: neither XDG_STATE_HOME nor HOME is set")
                .help("name a directory with --state-dir or RUNWRIGHT_STATE_DIR")
        })
    }

    /// A command as a person can copy it: with the state directory, if this one was typed with it.
    pub(crate) fn command(&self, rest: &str) -> String {
        match &self.state_dir {
            Some(path) if self.state_dir_typed => {
                format!("runwright --state-dir {} {rest}", quoted(&path.display().to_string()))
            }
            _ => format!("runwright {rest}"),
        }
    }
}

/// An environment variable; an empty one counts as none.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Where docker keeps its logins.
fn logins() -> Option<PathBuf> {
    let folder = variable("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".docker")))?;
    Some(folder.join("config.json"))
}

/// The XDG rules: a relative path counts as none.
fn default_state_dir() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("runwright"))
}
