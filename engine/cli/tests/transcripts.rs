//! What people see, word for word: every `.out` file in `transcripts/` is a session with the real command.
//!
//! A line that begins with `$ ` is a command; what follows is what it writes: standard output as it is, then standard
//! error with `! ` before each line, then `[exit N]` unless it is 0. `< text` at the end of a command is what it reads.
//! What differs from run to run (ids, moments, durations, digests, folders) is replaced by a word in angle brackets.
//! `UPDATE_GOLDEN=1 cargo test -p runwright-cli --test transcripts` writes the files anew; to add a session, write the commands alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::{fs, path::Path};

use common::{Machine, normalised};

/// Who has the store while a session is played.
#[derive(Clone, Copy, PartialEq)]
enum Engine {
    /// Each command, while it runs.
    Own,
    /// Another process, all the time: the commands are its clients. What they write is the same.
    Another,
}

/// Plays every session whose name begins with `prefix`; a test per topic, so that they run at the same time.
fn play(prefix: &str) {
    play_with(prefix, Engine::Own);
}

fn play_with(prefix: &str, engine: Engine) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut sessions: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    sessions.sort();
    let mut played = 0;
    for file in sessions {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with(prefix) {
            continue;
        }
        played += 1;
        let expected = fs::read_to_string(&file).unwrap();
        let actual = session(&expected, engine);
        if engine == Engine::Own && std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, actual).unwrap();
        } else {
            assert!(
                in_any_order(&actual) == in_any_order(&expected),
                "{name} differs.\n--- expected\n{expected}\n--- actual\n{actual}"
            );
        }
    }
    assert!(played > 0, "there is no session {prefix}*");
}

/// The lines of progress sorted, between those that keep their place: what happens in the same millisecond, and
/// when a watcher looks, is chance.
fn in_any_order(text: &str) -> Vec<&str> {
    let progress = |line: &&str| line.starts_with("! <moment>") || line.starts_with("! <time>");
    let mut lines: Vec<&str> = text.lines().collect();
    for run in lines.chunk_by_mut(|a, b| progress(a) && progress(b)) {
        run.sort_unstable();
    }
    lines
}

/// The session with its commands played again.
fn session(text: &str, engine: Engine) -> String {
    let machine = Machine::new();
    let another = (engine == Engine::Another).then(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let builder = runwright::Engine::builder()
            .state_dir(machine.path().join("state"))
            .runbooks(vec![machine.path().join("runbooks")]);
        let engine = runtime.block_on(builder.open()).unwrap();
        (runtime, engine)
    });
    let mut out = String::new();
    // What stands before the first command is a comment.
    out.extend(
        text.lines()
            .take_while(|line| !line.starts_with("$ "))
            .map(|line| format!("{line}\n")),
    );
    for line in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let (command, input) = line.split_once(" < ").unwrap_or((line, ""));
        let done = machine.run(&words(command), input);
        out.push_str(&format!("$ {line}\n{}", normalised(&done.stdout, &machine)));
        if !done.stdout.is_empty() && !done.stdout.ends_with('\n') {
            out.push_str("[no line end]\n");
        }
        for line in normalised(&done.stderr, &machine).lines() {
            out.push_str(format!("! {line}").trim_end());
            out.push('\n');
        }
        if done.exit != 0 {
            out.push_str(&format!("[exit {}]\n", done.exit));
        }
    }
    drop(another);
    out
}

/// The words of a command, as a shell splits them; single quotes keep spaces.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in command.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn usage() {
    play("usage");
}

#[test]
fn validate() {
    play("validate");
}

#[test]
fn explain() {
    play("explain");
}

#[test]
fn graph() {
    play("graph");
}

#[test]
fn plan() {
    play("plan");
}

#[test]
fn schema() {
    play("schema");
}

#[test]
fn scenarios() {
    play("test");
}

#[test]
fn param() {
    play("param");
}

#[test]
fn plugin() {
    play("plugin");
}

#[test]
fn run() {
    play("run");
}

#[test]
fn approve() {
    play("approve");
}

#[test]
fn store() {
    play("store");
}

#[test]
fn run_as_a_client() {
    play_with("run", Engine::Another);
}

#[test]
fn approve_as_a_client() {
    play_with("approve", Engine::Another);
}

#[test]
fn param_as_a_client() {
    play_with("param", Engine::Another);
}

#[test]
fn usage_as_a_client() {
    play_with("usage", Engine::Another);
}

#[test]
fn what_failed_is_mended() {
    play("mend");
}

#[test]
fn what_failed_is_mended_as_a_client() {
    play_with("mend_resume", Engine::Another);
}

#[test]
fn step() {
    play("step");
}

#[test]
fn step_as_a_client() {
    play_with("step", Engine::Another);
}
