//! Rust: `cargo build` for `wasm32-wasip2`, which makes a component by itself.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::{Kind, Language, mark};
use crate::{Error, Project, tool::Tool};

const TARGET: &str = "wasm32-wasip2";

const CARGO: Tool = Tool {
    name: "cargo",
    inside: &[],
    get: "curl https://sh.rustup.rs -sSf | sh",
};
const RUSTC: Tool = Tool { name: "rustc", ..CARGO };

pub(crate) struct Rust;

impl Language for Rust {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn copies(&self) -> &'static [(Kind, &'static str, &'static str)] {
        &[
            (Kind::Template, "sdk/rust/template", ""),
            (Kind::Whole, "sdk/rust", "sdk/rust"),
            // Cargo drops what the project does not use, and takes the rest in the versions that were tested.
            (Kind::Whole, "Cargo.lock", "Cargo.lock"),
        ]
    }

    fn build(&self, project: &Project, component: &Path) -> Result<(), Error> {
        have_target(project)?;
        let mut cargo = CARGO.of(project)?;
        cargo.args(["build", "--release", "--lib", "--target", TARGET]);
        cargo.arg("--message-format=json-render-diagnostics");
        let messages = project.output(cargo)?;
        let messages = String::from_utf8_lossy(&messages);
        let made = messages
            .lines()
            .rev()
            .find_map(artifact)
            .ok_or_else(|| Error::NoComponent {
                why: "the package makes no library of `crate-type = [\"cdylib\"]`".to_owned(),
            })?;
        fs::copy(&made, component).map_err(Error::file(component))?;
        mark(component, "Rust")
    }

    fn tests(&self, project: &Project) -> Result<Vec<Command>, Error> {
        let mut cargo = CARGO.of(project)?;
        cargo.args(["test", "--quiet"]);
        Ok(vec![cargo])
    }

    fn made(&self, producers: &[String]) -> bool {
        producers.iter().any(|line| line == "language Rust")
    }
}

/// The file of a message of cargo's that tells of a Wasm library.
fn artifact(message: &str) -> Option<String> {
    let message: Value = serde_json::from_str(message).ok()?;
    let files = message.get("filenames")?.as_array()?.iter();
    let mut wasm = files.filter_map(Value::as_str).filter(|file| file.ends_with(".wasm"));
    wasm.next().map(str::to_owned)
}

fn have_target(project: &Project) -> Result<(), Error> {
    let mut rustc = RUSTC.of(project)?;
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let libraries = project.output(rustc)?;
    if Path::new(String::from_utf8_lossy(&libraries).trim()).is_dir() {
        return Ok(());
    }
    Err(Error::NoTool {
        what: format!("the Rust target `{TARGET}`"),
        looked: String::new(),
        get: format!("rustup target add {TARGET}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_the_one_cargo_tells_of() {
        let message = r#"{"reason":"compiler-artifact","filenames":["/t/x.rlib","/t/x.wasm"]}"#;
        assert_eq!(artifact(message).as_deref(), Some("/t/x.wasm"));
        assert_eq!(artifact(r#"{"reason":"build-finished"}"#), None);
        assert_eq!(artifact("warning: x"), None);
    }
}
