//! What differs between languages. A further language is a file here, a line in the table, and a folder in `sdk/`.

mod c;
mod go;
mod javascript;
mod mark;
mod python;
mod rust;

use std::{env, fs, path::Path, process::Command};

use mark::mark;

pub(crate) use crate::new::Kind;
use crate::{Error, Project};

/// A language that plugins are written in.
pub(crate) trait Language: Sync {
    /// Its name in project files and for `--lang`.
    fn name(&self) -> &'static str;

    /// Files and folders of this repository that a project gets, and where they go in it: the template (into `""`), and the
    /// SDK's library. The contract, `wit/`, is always there.
    fn copies(&self) -> &'static [(Kind, &'static str, &'static str)];

    /// What to type in a new project before it can be built: tools that it keeps for itself.
    fn setup(&self) -> &'static [&'static str] {
        &[]
    }

    /// Builds the component and leaves it at this path. `build/` is there.
    ///
    /// # Errors
    ///
    /// [`Error::NoTool`] when a tool is missing, [`Error::Tool`] when one fails.
    fn build(&self, project: &Project, component: &Path) -> Result<(), Error>;

    /// The commands that run the language's own tests; none when the project has none.
    ///
    /// # Errors
    ///
    /// [`Error::NoTool`].
    fn tests(&self, project: &Project) -> Result<Vec<Command>, Error>;

    /// Whether a component was made in it, by what its section `producers` says: lines such as `language Rust`,
    /// `processed-by rustc`.
    fn made(&self, producers: &[String]) -> bool;
}

/// All of them. The first that says it made a component did: Rust and C come last, because what the tools of other languages
/// put into a component was compiled from those.
const LANGUAGES: &[&dyn Language] = &[
    &python::Python,
    &javascript::TYPESCRIPT,
    &javascript::JAVASCRIPT,
    &go::Go,
    &rust::Rust,
    &c::C,
];

/// The names of all languages.
#[must_use]
pub fn names() -> Vec<&'static str> {
    LANGUAGES.iter().map(|language| language.name()).collect()
}

/// The language in which a component was written, if its section `producers` tells: each line is a field, a space and a
/// name.
pub(crate) fn language_of(producers: &[String]) -> Option<&'static str> {
    let language = LANGUAGES.iter().find(|language| language.made(producers))?;
    Some(language.name())
}

pub(crate) fn named(name: &str) -> Result<&'static dyn Language, Error> {
    let found = LANGUAGES.iter().find(|language| language.name() == name);
    found.copied().ok_or_else(|| Error::Language { name: name.to_owned() })
}

/// The command with the project's own programs before those of `PATH`, for tools that call others.
fn with_programs(mut command: Command, project: &Project, programs: &str) -> Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = project.folder.join(programs);
    let all = std::iter::once(own).chain(env::split_paths(&path));
    if let Ok(path) = env::join_paths(all) {
        command.env("PATH", path);
    }
    command
}

/// Makes a component of a core module that speaks the contract.
fn encode(module: &Path, component: &Path) -> Result<(), Error> {
    let bytes = fs::read(module).map_err(Error::file(module))?;
    let made = runwright_component::encode(&bytes).map_err(|error| Error::NoComponent { why: error.to_string() })?;
    fs::write(component, made).map_err(Error::file(component))
}
