//! JavaScript and TypeScript: esbuild bundles the plugin, componentize-qjs puts the bundle into QuickJS.

use std::{fs, path::Path, process::Command};

use super::{Kind, Language, mark};
use crate::{Error, Project, tool::Tool};

/// Where a project keeps its tools.
const PROGRAMS: &str = "node_modules/.bin";
const SETUP: &str = "npm install";

const NODE: Tool = Tool {
    name: "node",
    inside: &[],
    get: "apt-get install nodejs npm",
};
const ESBUILD: Tool = Tool {
    name: "esbuild",
    inside: &[PROGRAMS],
    get: SETUP,
};
const COMPONENTIZE: Tool = Tool {
    name: "componentize-qjs",
    ..ESBUILD
};
const TSC: Tool = Tool { name: "tsc", ..ESBUILD };

/// One of the two: they differ in the template, and in that types are checked.
pub(crate) struct JavaScript {
    name: &'static str,
    title: &'static str,
    copies: &'static [(Kind, &'static str, &'static str)],
    source: &'static str,
    has_types: bool,
}

pub(crate) const JAVASCRIPT: JavaScript = JavaScript {
    name: "js",
    title: "JavaScript",
    copies: &[
        (Kind::Template, "sdk/js/template-js", ""),
        (Kind::Whole, "sdk/js/lib", "sdk"),
    ],
    source: "plugin.js",
    has_types: false,
};

pub(crate) const TYPESCRIPT: JavaScript = JavaScript {
    name: "ts",
    title: "TypeScript",
    copies: &[
        (Kind::Template, "sdk/js/template-ts", ""),
        (Kind::Whole, "sdk/js/lib", "sdk"),
    ],
    source: "plugin.ts",
    has_types: true,
};

impl Language for JavaScript {
    fn name(&self) -> &'static str {
        self.name
    }

    fn copies(&self) -> &'static [(Kind, &'static str, &'static str)] {
        self.copies
    }

    fn setup(&self) -> &'static [&'static str] {
        &[SETUP]
    }

    fn build(&self, project: &Project, component: &Path) -> Result<(), Error> {
        let node = NODE.of(project)?;
        ESBUILD.of(project)?;
        COMPONENTIZE.of(project)?;
        if self.has_types {
            let mut types = TSC.of(project)?;
            types.arg("--noEmit");
            project.run(types)?;
        }
        let mut build = super::with_programs(node, project, PROGRAMS);
        build
            .args(["sdk/build.mjs", project.source.as_deref().unwrap_or(self.source), "wit"])
            .arg(component);
        project.run(build)?;
        mark(component, self.title)
    }

    fn tests(&self, project: &Project) -> Result<Vec<Command>, Error> {
        if !has_tests(&project.folder.join("tests")) {
            return Ok(Vec::new());
        }
        ESBUILD.of(project)?;
        let mut tests = super::with_programs(NODE.of(project)?, project, PROGRAMS);
        tests.arg("sdk/test.mjs");
        Ok(vec![tests])
    }

    fn made(&self, producers: &[String]) -> bool {
        producers.iter().any(|line| line == &format!("language {}", self.title))
    }
}

/// Whether there is a file that `sdk/test.mjs` would run.
fn has_tests(folder: &Path) -> bool {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .any(|name| name.ends_with(".test.js") || name.ends_with(".test.ts"))
}
