//! Runbooks and plugins, found and compiled. Needs no store, so it works beside a running engine.

use std::path::PathBuf;

use runwright_compiler::{Compiled, Source};

use crate::{Error, view::PluginView};

/// Finds, compiles and describes. Cheap to clone.
#[derive(Clone)]
pub struct Library {}

/// A runbook that was found.
#[derive(Debug, Clone)]
pub struct Runbook {
    /// Its text.
    pub source: Source,
    /// Its file, when it comes from one.
    pub path: Option<PathBuf>,
    /// What became of it.
    pub compiled: Compiled,
}

impl Library {
    /// Opens the library. `state_dir` holds the cache of compiled plugins (made when missing; without it,
    /// plugins are compiled each time); `runbooks` are searched for runbooks given by name.
    pub fn open(state_dir: PathBuf, runbooks: Vec<PathBuf>) -> Result<Self, Error> {
        let _ = (state_dir, runbooks);
        todo!()
    }

    /// Finds a runbook: a path (has a slash or an ending `.yaml`, `.yml`, `.json`), `-` for standard input, or a
    /// name, which is looked for as `NAME.yaml` and so on in the runbook folders; and compiles it.
    pub async fn runbook(&self, what: &str) -> Result<Runbook, Error> {
        let _ = what;
        todo!()
    }

    /// Every plugin that comes with the engine.
    pub async fn plugins(&self) -> Result<Vec<PluginView>, Error> {
        todo!()
    }

    /// One plugin: an action's name, or the path of a component.
    pub async fn plugin(&self, what: &str) -> Result<PluginView, Error> {
        let _ = what;
        todo!()
    }

    /// The page of an error code, in Markdown.
    #[must_use]
    pub fn explain(code: &str) -> Option<&'static str> {
        let _ = code;
        todo!()
    }

    /// All error codes, sorted, each with its page.
    #[must_use]
    pub fn codes() -> Vec<(&'static str, &'static str)> {
        todo!()
    }
}
