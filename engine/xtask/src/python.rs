//! `cargo xtask python`: builds the component that runs Python, from pinned packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::{root, run, say, succeeds, target_dir};

/// What makes a component out of Python.
const COMPONENTIZE: &str = "componentize-py==0.25.1";

/// A folder under the target directory with virtual environments and packages.
fn work() -> PathBuf {
    target_dir().join("python")
}

/// Builds `python.wasm`, and answers where it is.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let root = root();
    let tool = environment("componentize", &[COMPONENTIZE.to_owned()])?;
    let requirements = root.join("plugins/python/requirements.txt");
    let pinned = fs::read_to_string(&requirements)?;
    let packages = work().join("packages");
    let stamp = work().join("packages.txt");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(pinned.as_str()) {
        let _ = fs::remove_dir_all(&packages);
        run(Command::new(tool.join("pip"))
            .args([
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
                "--target",
            ])
            .arg(&packages)
            .arg("--requirement")
            .arg(&requirements))?;
        fs::write(&stamp, &pinned)?;
    }
    let plugins = target_dir().join("plugins");
    fs::create_dir_all(&plugins)?;
    let (made, unfinished) = (plugins.join("python.wasm"), work().join("python.wasm"));
    run(Command::new(tool.join("componentize-py"))
        .arg("--wit-path")
        .arg(root.join("wit"))
        .args(["--world", "plugin", "componentize", "component", "--python-path"])
        .arg(root.join("plugins/python"))
        .arg("--python-path")
        .arg(&packages)
        .arg("--output")
        .arg(&unfinished))?;
    // A program that reads it meanwhile sees the old one or the new one.
    fs::rename(&unfinished, &made)?;
    say(&format!(
        "{} ({} MiB)",
        made.display(),
        fs::metadata(&made)?.len() >> 20
    ));
    Ok(made)
}

/// A virtual environment with these packages, made when it is not there yet. Answers the folder of its programs.
pub(crate) fn environment(name: &str, packages: &[String]) -> anyhow::Result<PathBuf> {
    let folder = work().join(name);
    let (programs, stamp) = (folder.join("bin"), folder.join("packages.txt"));
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).ok().as_deref() == Some(wanted.as_str()) {
        return Ok(programs);
    }
    if !succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        bail!("python3 with the module venv is needed (Debian: apt-get install python3-venv)");
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(programs.join("pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(packages))?;
    fs::write(&stamp, wanted)?;
    Ok(programs)
}

/// Whether the component there is at least as new as what it is made of.
pub(crate) fn is_fresh(component: &Path) -> anyhow::Result<bool> {
    let Ok(facts) = fs::metadata(component) else {
        return Ok(false);
    };
    let made = facts.modified()?;
    for folder in ["plugins/python", "plugins/python/aws_actions", "wit"] {
        for entry in fs::read_dir(root().join(folder)).context(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && entry.metadata()?.modified()? > made {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
