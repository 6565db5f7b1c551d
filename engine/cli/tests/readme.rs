//! The README, taken at its word: its commands run, its runbook runs, its plugin is the one that the SDK compiles.
//!
//! Blocks opened with "sh run" are run as they stand; a block opened with "yaml NAME" is the file of that name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The code blocks: what stands behind the opening fence, and the text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: String = lines
            .by_ref()
            .take_while(|line| *line != "```")
            .map(|line| format!("{line}\n"))
            .collect();
        blocks.push((info.to_owned(), body));
    }
    blocks
}

/// A place to try the README: `runbooks` is there, the files of its blocks are there, and `runwright` is on the PATH.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::os::unix::fs::symlink(root().join("runbooks"), folder.path().join("runbooks")).unwrap();
        for (info, body) in blocks(&readme()) {
            if let Some(name) = info.strip_prefix("yaml ") {
                fs::write(folder.path().join(name), body).unwrap();
            }
        }
        Self { folder }
    }

    /// Runs shell text that must end well, each command of it.
    fn run(&self, text: &str) -> Output {
        let binary = Path::new(env!("CARGO_BIN_EXE_runwright")).parent().unwrap();
        let path =
            env::join_paths(std::iter::once(binary.to_owned()).chain(env::split_paths(&env::var_os("PATH").unwrap())));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-e", "-u", "-c", text])
            .current_dir(self.folder.path())
            .env("PATH", path.unwrap());
        command.env("XDG_STATE_HOME", self.folder.path().join("state"));
        command
            .env_remove("RUNWRIGHT_STATE_DIR")
            .env_remove("RUNWRIGHT_RUNBOOKS")
            .env_remove("RUNWRIGHT_PLUGINS")
            .env_remove("RUNWRIGHT_AWS");
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{text}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }
}

#[test]
fn its_commands_run() {
    let place = Place::new();
    let runnable: Vec<String> = blocks(&readme())
        .into_iter()
        .filter(|(info, _)| info == "sh run")
        .map(|(_, body)| body)
        .collect();
    assert_eq!(runnable.len(), 4, "the README has blocks to run");
    for text in &runnable {
        place.run(text);
    }
    assert!(
        !place.folder.path().join("hello.txt").exists(),
        "the last command rolls back"
    );
}

#[test]
fn the_run_it_shows_is_what_a_run_looks_like() {
    let place = Place::new();
    let output = place.run("runwright run runbooks/quickstart.yaml");
    let seen = shape(&format!(
        "{}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    ));
    let blocks = blocks(&readme());
    let (_, shown) = blocks.iter().find(|(info, _)| info == "text").unwrap();
    let (command, shown) = shown.split_once('\n').unwrap();
    assert_eq!(command, "$ runwright run runbooks/quickstart.yaml");
    assert_eq!(shape(shown), seen);
}

/// The lines without what differs from run to run, sorted: steps that run at the same time may change places.
fn shape(text: &str) -> Vec<String> {
    let varies = |word: &&str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        bare.contains(|c: char| c.is_ascii_digit()) || ["ms", "s", ""].contains(&bare)
    };
    let words = |line: &str| {
        line.split_whitespace()
            .filter(|word| !varies(word))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut lines: Vec<String> = text.lines().filter(|line| !is_output(line)).map(words).collect();
    lines.sort();
    lines
}

/// What a command wrote while it ran: its time of day has no date. It says more of the machine than of the run.
fn is_output(line: &str) -> bool {
    line.split(' ')
        .next()
        .is_some_and(|first| first.contains(':') && first.contains('.') && !first.contains('Z'))
}

#[test]
fn every_runbook_and_verb_is_in_it() {
    let readme = readme();
    for entry in fs::read_dir(root().join("runbooks")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(readme.contains(&format!("(runbooks/{name})")), "{name} is explained");
    }
    let help = Place::new().run("runwright --help");
    let help = String::from_utf8(help.stdout).unwrap();
    let verbs = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let verbs: Vec<&str> = verbs
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .collect();
    assert!(verbs.len() > 10, "{verbs:?}");
    for verb in verbs.iter().filter(|verb| !verb.is_empty() && **verb != "help") {
        assert!(readme.contains(&format!("`{verb}`")), "the verb {verb} is explained");
    }
}

#[test]
fn its_plugin_is_the_one_that_the_sdk_compiles() {
    let documentation = fs::read_to_string(root().join("sdk/rust/src/lib.rs")).unwrap();
    let documentation: Vec<&str> = documentation
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .collect();
    let blocks = blocks(&readme());
    let (_, plugin) = blocks.iter().find(|(info, _)| info == "rust").unwrap();
    for line in plugin.lines().map(str::trim) {
        assert!(
            documentation.contains(&line),
            "sdk/rust/src/lib.rs has no line `{line}`"
        );
    }
}

#[test]
fn files_it_points_to_are_there() {
    let readme = readme();
    let links = readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    for link in links.filter(|link| !link.starts_with("http")) {
        assert!(root().join(link).exists(), "{link} is not there");
    }
}

#[test]
fn the_set_up_commands_exist() {
    let usage = fs::read_to_string(root().join("engine/xtask/src/main.rs")).unwrap();
    let readme = readme();
    let commands: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("cargo xtask ")?.split(' ').next())
        .collect();
    assert!(commands.starts_with(&["quickstart", "test"]), "{commands:?}");
    for command in commands {
        assert!(
            usage.contains(&format!("\n  {command} ")),
            "xtask has no command `{command}`"
        );
    }
}
