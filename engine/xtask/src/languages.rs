//! Plugins in every language: builds the behaviour suite's plugins, and walks the path of somebody who writes their first.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::bail;

use crate::{cargo, have_target, registry::Registry, root, run, say, target_dir};

/// Each language with its folder in `sdk/`, and what is typed once in a project before its first build.
const LANGUAGES: &[(&str, &str, &[&[&str]])] = &[
    ("rust", "rust", &[]),
    (
        "python",
        "python",
        &[
            &["python3", "-m", "venv", ".venv"],
            &[".venv/bin/pip", "install", "--quiet", "componentize-py==0.25.1"],
        ],
    ),
    ("js", "js", &[&["npm", "install", "--silent", "--no-fund"]]),
    ("ts", "js", &[&["npm", "install", "--silent", "--no-fund"]]),
    ("go", "go", &[]),
    ("c", "c", &[]),
];

/// Builds the plugins of the suite and runs it, or with `path` walks the path of each language. Languages that are not named
/// are left out when some are.
pub(crate) fn languages(words: &[String]) -> anyhow::Result<()> {
    have_target()?;
    let path = words.iter().any(|word| word == "path");
    let named: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| *word != "path")
        .collect();
    if let Some(other) = named
        .iter()
        .find(|name| LANGUAGES.iter().all(|(known, ..)| known != *name))
    {
        bail!("there is no language `{other}`");
    }
    // With a test, so that what `cargo xtask test` built fits: tests ask for more of tokio than programs do.
    run(cargo().args(["build", "--workspace", "--bin", "runwright", "--test", "languages"]))?;
    let mut times = Vec::new();
    let registry = match path {
        true => Registry::start(&target_dir().join("languages/registry"))?,
        false => None,
    };
    for (language, folder, setup) in LANGUAGES {
        if !named.is_empty() && !named.contains(language) {
            continue;
        }
        let done = if path {
            walk(language, setup, registry.as_ref()).map(Some)
        } else {
            behaviours(language, folder, setup).map(|()| None)
        };
        match done {
            Ok(took) => times.extend(took.map(|took| (*language, took))),
            // A language whose tools are not here is not tested; one that was asked for must be.
            Err(error) if named.is_empty() => say(&format!("skipped {language}: {error:#}")),
            Err(error) => return Err(error.context(*language)),
        }
    }
    for (language, steps) in &times {
        let steps: Vec<String> = steps
            .iter()
            .map(|(what, took)| format!("{what} {:.1} s", took.as_secs_f64()))
            .collect();
        say(&format!("{language}: {}", steps.join(", ")));
    }
    if !path {
        run(cargo().args(["test", "--workspace", "--test", "languages", "--", "--nocapture"]))?;
    }
    Ok(())
}

/// Builds the plugin of `sdk/FOLDER/behaviours` in a copy of it, into `target/behaviours/LANGUAGE.wasm`.
fn behaviours(language: &str, folder: &str, setup: &[&[&str]]) -> anyhow::Result<()> {
    // The test builds Rust's itself.
    if language == "rust" {
        return Ok(());
    }
    let from = root().join("sdk").join(folder).join("behaviours");
    let project = target_dir().join("languages").join(format!("behaviours-{language}"));
    if project.is_dir() {
        // Its copy of the library is from when it was made.
        copy(&root().join("sdk").join(folder).join("lib"), &project.join("sdk"))?;
    } else {
        runwright(
            &root(),
            &[
                "plugin",
                "new",
                "test:behaviours",
                "--lang",
                language,
                "--into",
                &shown(&project),
            ],
        )?;
        prepare(&project, setup)?;
    }
    if language == "js" {
        // The suite's plugin is written in TypeScript; without its types it is one in JavaScript.
        let source = [
            &shown(&from.join("plugin.ts")),
            "--target=es2023",
            "--outfile=plugin.js",
        ];
        run(Command::new("node_modules/.bin/esbuild")
            .args(source)
            .current_dir(&project))?;
    } else {
        copy(&from, &project)?;
    }
    runwright(&project, &["plugin", "build"])?;
    let to = target_dir().join("behaviours");
    fs::create_dir_all(&to)?;
    fs::copy(
        project.join("build/behaviours.wasm"),
        to.join(format!("{language}.wasm")),
    )?;
    Ok(())
}

/// What somebody does who writes their first plugin, literally, with how long each step took.
fn walk(
    language: &str,
    setup: &[&[&str]],
    registry: Option<&Registry>,
) -> anyhow::Result<Vec<(&'static str, Duration)>> {
    let folder = target_dir().join("languages").join(format!("path-{language}"));
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let project = folder.join("greet");
    let mut times = Vec::new();
    let mut timed = |what: &'static str, work: &dyn Fn() -> anyhow::Result<()>| -> anyhow::Result<()> {
        let began = Instant::now();
        work()?;
        times.push((what, began.elapsed()));
        Ok(())
    };
    timed("new", &|| {
        runwright(&folder, &["plugin", "new", "acme:greet", "--lang", language])
    })?;
    timed("tools", &|| prepare(&project, setup))?;
    timed("build", &|| runwright(&project, &["plugin", "build"]))?;
    timed("test", &|| runwright(&project, &["plugin", "test", "--crash"]))?;
    timed("check", &|| runwright(&project, &["plugin", "check"]))?;
    timed("lock", &|| runwright(&project, &["plugin", "lock", "sample.yaml"]))?;
    timed("run", &|| runwright(&project, &["run", "sample.yaml"]))?;
    if let Some(registry) = registry {
        let reference = format!("{}/acme/greet-{language}:0.1.0", registry.host);
        runwright(&project, &["plugin", "keygen", "release"])?;
        let push = ["plugin", "push", "build/greet.wasm", &reference, "--key", "release.key"];
        timed("push", &|| runwright(&project, &push))?;
        timed("verify", &|| {
            runwright(&project, &["plugin", "verify", &reference, "--key", "release.pub"])
        })?;
        timed("pull", &|| {
            runwright(&project, &["plugin", "pull", &reference, "-o", "pulled.wasm"])
        })?;
    }
    Ok(times)
}

fn prepare(project: &Path, setup: &[&[&str]]) -> anyhow::Result<()> {
    for words in setup {
        run(Command::new(words[0]).args(&words[1..]).current_dir(project))?;
    }
    Ok(())
}

fn runwright(folder: &Path, words: &[&str]) -> anyhow::Result<()> {
    let program = std::path::absolute(target_dir().join("debug/runwright"))?;
    let state = std::path::absolute(target_dir().join("languages/state"))?;
    run(Command::new(program)
        .args(words)
        .current_dir(folder)
        .env("RUNWRIGHT_STATE_DIR", state))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Copies a folder over another, without what tools leave behind.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    let mut todo: Vec<(PathBuf, PathBuf)> = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = todo.pop() {
        for entry in fs::read_dir(from)? {
            let (path, name) = {
                let entry = entry?;
                (entry.path(), entry.file_name())
            };
            let to = to.join(&name);
            // A module of Go says where its SDK is: in a project it is another place than here.
            if name == "go.mod" {
                continue;
            }
            if path.is_file() {
                fs::copy(&path, &to)?;
            } else if !["build", "node_modules", "target", ".venv", "__pycache__"]
                .iter()
                .any(|made| name == *made)
            {
                fs::create_dir_all(&to)?;
                todo.push((path, to));
            }
        }
    }
    Ok(())
}
