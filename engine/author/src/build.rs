//! Builds a project's component, and runs the tests that its language has.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{Error, Project};

/// The first bytes of a component: the magic number, version 13, layer 1.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The component.
    pub component: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How long it took.
    pub took: Duration,
}

/// Builds the component with the language's own tools, whose messages go to standard error.
///
/// # Errors
///
/// [`Error::NoTool`], [`Error::Tool`], [`Error::NoComponent`], [`Error::File`].
pub fn build(project: &Project) -> Result<Built, Error> {
    let began = Instant::now();
    let component = project.component();
    let folder = project.folder.join("build");
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    // What an earlier build left must not be taken for what this one made.
    if component.exists() {
        fs::remove_file(&component).map_err(Error::file(&component))?;
    }
    project.language.build(project, &component)?;
    let bytes = fs::read(&component).map_err(|why| Error::NoComponent {
        why: format!("{}: {why}", component.display()),
    })?;
    if !bytes.starts_with(COMPONENT) {
        let why = format!("{} does not begin as a component does", component.display());
        return Err(Error::NoComponent { why });
    }
    Ok(Built {
        component,
        size: bytes.len() as u64,
        took: began.elapsed(),
    })
}

/// Runs the tests that the language itself has, against the SDK's fakes: `cargo test`, `pytest` and so on. Answers the
/// commands that ran.
///
/// # Errors
///
/// [`Error::NoTool`], and [`Error::Tool`] when a test fails.
pub fn own_tests(project: &Project) -> Result<usize, Error> {
    let commands = project.language.tests(project)?;
    let number = commands.len();
    for command in commands {
        project.run(command)?;
    }
    Ok(number)
}
