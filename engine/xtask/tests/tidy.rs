//! House rules that the compiler cannot see. `cargo test` runs them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Who may depend on whom. A crate that is not listed may depend on nothing of ours.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("compiler", &["model"]),
    ("store", &["model"]),
    ("executor", &["model", "store"]),
    ("host", &["model"]),
    ("client", &[]),
    ("component", &[]),
    ("local", &["model", "store", "client"]),
    ("aws", &["model", "client"]),
    ("registry", &["model", "client"]),
    ("bundle", &[]),
    ("author", &["component"]),
    ("testguest", &[]),
    (
        "runwright",
        &[
            "model", "compiler", "store", "executor", "host", "local", "aws", "bundle", "author", "registry",
        ],
    ),
    ("cli", &["runwright"]),
    ("testkit", &["model", "store", "executor"]),
    ("xtask", &[]),
    ("fuzz", &["model", "compiler", "store", "executor"]),
];

/// What only some may know: a crate of others, and the crates of ours that may name it.
const ONLY: &[(&str, &[&str])] = &[
    ("wasmtime", &["host"]),
    ("wasmtime-wasi", &["host"]),
    ("sled", &["store"]),
    ("serde_yaml", &["compiler", "cli"]),
    ("saphyr-parser", &["compiler"]),
    ("petgraph", &["compiler"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("annotate-snippets", &["cli"]),
    ("reqwest", &["client", "local", "aws", "registry"]),
    ("ring", &["registry"]),
    ("anyhow", &["cli", "xtask"]),
];

/// Files longer than the limit, each with its reason.
const LONG_FILES: &[(&str, &str)] = &[];
const LINES_MAX: usize = 500;

/// Words that house rules ban from names of types.
const BANNED_ENDINGS: &[&str] = &["Manager", "Helper", "Util", "Utils"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_path_buf()
}

fn crates() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("engine")).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        if let Ok(manifest) = fs::read_to_string(dir.join("Cargo.toml")) {
            found.push((name, manifest));
        }
    }
    assert!(found.len() > 5, "the folder engine/ has crates");
    found
}

/// Names under `[dependencies]` alone: tests and builds may know more.
fn dependencies(manifest: &str) -> Vec<String> {
    let section = manifest.split("\n[dependencies]").nth(1).unwrap_or("");
    let section = section.split("\n[").next().unwrap_or("");
    section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let mut todo: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                todo.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let shown = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((shown, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn dependencies_point_down() {
    for (name, manifest) in crates() {
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(known, _)| *known == name) else {
            panic!("engine/{name} is not in MAY_DEPEND_ON: say what it may know");
        };
        for dependency in dependencies(&manifest).iter().filter(|d| d.starts_with("runwright")) {
            let dependency = dependency.strip_prefix("runwright-").unwrap_or(dependency);
            assert!(
                allowed.contains(&dependency),
                "engine/{name} must not know {dependency}"
            );
        }
    }
}

#[test]
fn what_few_may_know_few_know() {
    for (name, manifest) in crates() {
        let dependencies = dependencies(&manifest);
        for (guarded, allowed) in ONLY {
            let knows = dependencies.iter().any(|dependency| dependency == guarded);
            assert!(
                !knows || allowed.contains(&name.as_str()),
                "engine/{name} must not name {guarded}"
            );
        }
        let aws = dependencies.iter().find(|dependency| dependency.starts_with("aws-"));
        assert!(aws.is_none() || name == "aws", "engine/{name} must not name {aws:?}");
    }
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for (shown, text) in sources(&["engine", "sdk", "plugins", "benches"]) {
        let code = text.split("\n#[cfg(test)]").next().unwrap().lines().count();
        let test = shown.contains("/tests/");
        let excused = test || LONG_FILES.iter().any(|(file, _)| *file == shown);
        assert!(
            excused || code <= LINES_MAX,
            "{shown}: {code} lines; split it, or give a reason"
        );
        assert!(
            text.starts_with("//!"),
            "{shown}: open with a //! that says what it is for"
        );
    }
}

#[test]
fn the_list_of_long_files_only_shrinks() {
    for (file, _) in LONG_FILES {
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(
            text.lines().count() > LINES_MAX,
            "{file} is short now: take it off the list"
        );
    }
}

#[test]
fn names_are_the_house_s_words() {
    for (shown, text) in sources(&["engine", "sdk", "plugins"]) {
        for line in text.lines() {
            let mut words = line
                .trim_start()
                .trim_start_matches("pub ")
                .split([' ', '(', '<', '{', ';']);
            let (Some("struct" | "enum" | "trait"), Some(name)) = (words.next(), words.next()) else {
                continue;
            };
            assert!(
                !BANNED_ENDINGS.iter().any(|end| name.ends_with(end)),
                "{shown}: {name} says nothing; name it for what it is"
            );
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["todo!(", "unimplemented!(", "TODO", "FIXME", "XXX"];
    let this = "engine/xtask/tests/tidy.rs";
    for (shown, text) in sources(&["engine", "sdk", "plugins", "benches"])
        .iter()
        .filter(|(shown, _)| shown != this)
    {
        for mark in marks {
            assert!(!text.contains(mark), "{shown} holds {mark}");
        }
        assert!(!text.contains("#[ignore"), "{shown} ignores a test");
    }
}

#[test]
fn the_top_level_is_what_was_agreed() {
    let agreed = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "benches",
        "docs",
        "engine",
        "plugins",
        "runbooks",
        "sdk",
        "target",
        "wit",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name.starts_with('.') || agreed.contains(&name.as_str()),
            "{name} does not belong at the top level"
        );
    }
}

#[test]
fn every_error_code_has_a_page_and_every_page_is_shown() {
    for (name, _) in crates() {
        let folder = root().join("engine").join(&name).join("codes");
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        let source: String = sources(&[&format!("engine/{name}/src")])
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        for entry in entries {
            let file = entry.unwrap().file_name().into_string().unwrap();
            let code = file.strip_suffix(".md").unwrap_or_else(|| panic!("{file} is no page"));
            assert!(source.contains(code), "engine/{name}/codes/{file} is never shown");
            let page = fs::read_to_string(folder.join(&file)).unwrap();
            assert!(page.starts_with(&format!("# {code}")), "{file} opens with its code");
        }
    }
}
