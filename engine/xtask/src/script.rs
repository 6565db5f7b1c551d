//! `cargo xtask script`: builds the component that runs JavaScript, with a pinned tool.

use std::{fs, path::PathBuf, process::Command};

use anyhow::bail;

use crate::{root, run, say, succeeds, target_dir};

/// What makes a component out of JavaScript, as npm names it.
const COMPONENTIZE: &str = "componentize-qjs@0.4.5";

/// Builds `script.wasm`, and answers where it is.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let work = target_dir().join("script");
    let tool = tool(&work)?;
    let sources = root().join("plugins/script");
    let actions = fs::read_to_string(sources.join("actions.json"))?;
    fs::write(work.join("actions.js"), format!("export default {actions};\n"))?;
    fs::copy(sources.join("script.js"), work.join("script.js"))?;
    let plugins = target_dir().join("plugins");
    fs::create_dir_all(&plugins)?;
    let (made, unfinished) = (plugins.join("script.wasm"), work.join("script.wasm"));
    run(Command::new(tool)
        .arg("--wit")
        .arg(root().join("wit"))
        .args(["--world", "plugin", "--js", "script.js", "--module-root", "."])
        // The host has no asynchronous functions for components.
        .args(["--sync", "--opt-size", "--minify", "--output"])
        .arg(&unfinished)
        .current_dir(&work))?;
    // A program that reads it meanwhile sees the old one or the new one.
    fs::rename(&unfinished, &made)?;
    say(&format!(
        "{} ({} KiB)",
        made.display(),
        fs::metadata(&made)?.len() >> 10
    ));
    Ok(made)
}

/// The program, installed when it is not there yet.
fn tool(work: &std::path::Path) -> anyhow::Result<PathBuf> {
    let program = work.join("node_modules/.bin/componentize-qjs");
    let stamp = work.join("tool.txt");
    if program.exists() && fs::read_to_string(&stamp).ok().as_deref() == Some(COMPONENTIZE) {
        return Ok(program);
    }
    if !succeeds(Command::new("npm").arg("--version")) {
        bail!("node and npm are needed (Debian: apt-get install nodejs npm)");
    }
    fs::create_dir_all(work)?;
    run(Command::new("npm")
        .args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--no-package-lock",
            "--prefix",
        ])
        .arg(work)
        .arg(COMPONENTIZE))?;
    fs::write(&stamp, COMPONENTIZE)?;
    Ok(program)
}
