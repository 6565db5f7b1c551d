//! The real binary, killed with SIGKILL and started again: nothing is lost, nothing is done twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const STEPS: usize = 300;

/// Each step writes a new version of one parameter, and a file of its own.
fn runbook(folder: &Path) -> String {
    let mut text = String::from("schemaVersion: '0.3'\nmainSteps:\n");
    for step in 0..STEPS {
        let path = folder.join(format!("file-{step}"));
        let _ = write!(
            text,
            "  - {{name: Put{step}, action: 'rw:putParameter', inputs: {{Name: /kill/value, Value: 'v{step}'}}}}\n  \
             - {{name: Write{step}, action: 'rw:writeFile', inputs: {{Path: '{}', Content: '{{{{ Put{step}.Version }}}}'}}}}\n",
            path.display()
        );
    }
    text
}

fn runwright(state: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
    command
        .args(arguments)
        .arg("--state-dir")
        .arg(state)
        .stdin(Stdio::null());
    command
}

fn output(state: &Path, arguments: &[&str]) -> Output {
    runwright(state, arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Starts a command, lets it report so many lines of progress, and kills it. `false` when it ended before.
fn killed_after(state: &Path, arguments: &[&str], lines: usize) -> bool {
    let mut child = runwright(state, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap()).lines();
    let reported = progress.by_ref().take(lines).filter(Result::is_ok).count();
    let ended = reported < lines && child.try_wait().unwrap().is_some_and(|status| status.success());
    child.kill().unwrap();
    child.wait().unwrap();
    !ended
}

#[test]
fn killed_at_any_line_of_progress_it_ends_as_if_nothing_had_happened() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = folder.path().join("kill.yaml");
    std::fs::write(&file, runbook(folder.path())).unwrap();
    let file = file.to_str().unwrap();

    let mut kills = 0;
    let mut arguments = vec!["run", file, "--id", "killed"];
    for lines in (1..=7).cycle().take(20) {
        if !killed_after(&state, &arguments, lines) {
            break;
        }
        kills += 1;
        let there = output(&state, &["list", "--output", "json"]);
        if json(&there).to_string().contains("killed") {
            arguments = vec!["resume", "killed"];
        }
    }
    assert!(kills > 3, "killed {kills} times");
    let resumed = output(&state, &["resume", "killed", "--output", "json"]);
    let shown = json(&output(&state, &["show", "killed", "--output", "json"]));
    assert_eq!(shown["status"], "Success", "{resumed:?}");

    let history = json(&output(
        &state,
        &["param", "history", "/kill/value", "--output", "json"],
    ));
    let versions = history.as_array().unwrap_or_else(|| panic!("{history}"));
    // Old versions are dropped from the history, but every put that ever happened counts in the number of the last.
    let last = versions.last().map(|version| version["version"].clone());
    assert_eq!(
        last,
        Some(STEPS.into()),
        "each step put one version, however often it was killed"
    );
    for step in 0..STEPS {
        let written = std::fs::read_to_string(folder.path().join(format!("file-{step}"))).unwrap();
        assert_eq!(written, (step + 1).to_string());
    }
}
