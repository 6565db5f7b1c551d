//! Python: componentize-py freezes an interpreter, the plugin and what it imports into a component.

use std::{fs, path::Path, process::Command};

use super::{Kind, Language, mark};
use crate::{Error, Project, tool::Tool};

/// Where a project keeps its tools.
const PROGRAMS: &str = ".venv/bin";

const COMPONENTIZE: Tool = Tool {
    name: "componentize-py",
    inside: &[PROGRAMS],
    get: SETUP,
};
const PYTHON: Tool = Tool {
    name: "python3",
    inside: &[PROGRAMS],
    get: "apt-get install python3 python3-venv",
};
const SETUP: &str = "python3 -m venv .venv && .venv/bin/pip install componentize-py==0.25.1";

pub(crate) struct Python;

impl Language for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn copies(&self) -> &'static [(Kind, &'static str, &'static str)] {
        &[
            (Kind::Template, "sdk/python/template", ""),
            (Kind::Whole, "sdk/python/lib", "sdk"),
        ]
    }

    fn setup(&self) -> &'static [&'static str] {
        &[SETUP]
    }

    /// The module `component` of the SDK imports `plugin`, which is in the project's folder, or in the one that `source`
    /// names.
    fn build(&self, project: &Project, component: &Path) -> Result<(), Error> {
        let mut componentize = COMPONENTIZE.of(project)?;
        componentize
            .args(["--wit-path", "wit", "--world", "plugin", "componentize", "component"])
            .args(["--python-path", project.source.as_deref().unwrap_or(".")])
            .args(["--python-path", "sdk", "--output"])
            .arg(component)
            // What goes wrong is a Python traceback; the tool's own would bury it.
            .env("RUST_BACKTRACE", "0");
        // The tool asks `python3` which packages there are: the project's own shall answer.
        project.run(super::with_programs(componentize, project, PROGRAMS))?;
        mark(component, "Python")
    }

    fn tests(&self, project: &Project) -> Result<Vec<Command>, Error> {
        if !has_tests(&project.folder.join("tests")) {
            return Ok(Vec::new());
        }
        let mut python = PYTHON.of(project)?;
        python.args(["-m", "unittest"]).env("PYTHONDONTWRITEBYTECODE", "1");
        Ok(vec![python])
    }

    fn made(&self, producers: &[String]) -> bool {
        producers.iter().any(|line| line == "language Python")
    }
}

/// Whether there is a file that `unittest` would find.
fn has_tests(folder: &Path) -> bool {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name())
        .any(|name| name.to_string_lossy().starts_with("test_") && name.to_string_lossy().ends_with(".py"))
}
