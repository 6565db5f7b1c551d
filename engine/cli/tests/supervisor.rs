//! The real binary, killed with SIGKILL while a command runs: the command goes on, and is found again.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::{
    collections::HashSet,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A state directory, a runbook with one command in it, and a gate at which the command waits.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(command: &str) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let made = Command::new("mkfifo").arg(machine.path("gate")).status().unwrap();
        assert!(made.success());
        let inputs = serde_json::json!({"Command": command, "Environment": {"FOLDER": machine.path("")}});
        let step = serde_json::json!({"name": "Long", "action": "rw:shell", "inputs": inputs});
        let runbook = serde_json::json!({"schemaVersion": "0.3", "mainSteps": [step]});
        fs::write(machine.path("long.json"), runbook.to_string()).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn runwright(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runwright"));
        command
            .args(arguments)
            .arg("--state-dir")
            .arg(self.path("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.runwright(arguments).output().unwrap()
    }

    fn show(&self) -> Value {
        let output = self.output(&["show", "long", "--output", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Starts the runbook, and kills the engine when the command has written `word`.
    fn killed_at(&self, word: &str) {
        let file = self.path("long.json");
        let mut engine = self
            .runwright(&["run", file.to_str().unwrap(), "--id", "long"])
            .spawn()
            .unwrap();
        assert!(says(&mut engine, word), "the command's output is shown");
        engine.kill().unwrap();
        engine.wait().unwrap();
    }

    fn let_go(&self) {
        fs::write(self.path("gate"), "go\n").unwrap();
    }

    /// The only record of a command.
    fn record(&self) -> PathBuf {
        let mut entries = fs::read_dir(self.path("state/commands")).unwrap();
        let found = entries.next().unwrap().unwrap().path();
        assert!(entries.next().is_none());
        found
    }

    fn supervisor(&self) -> Pid {
        let begun: Value = serde_json::from_slice(&fs::read(self.record().join("begun")).unwrap()).unwrap();
        Pid::from_raw(begun["supervisor"]["pid"].as_i64().unwrap().try_into().unwrap()).unwrap()
    }
}

/// Whether a line with this word comes.
fn says(engine: &mut Child, word: &str) -> bool {
    BufReader::new(engine.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains(word))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::yield_now();
    }
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap().lines().count()
}

const COMMAND: &str = "echo ran >> $FOLDER/ran; seq 1 30000; echo begun; cat $FOLDER/gate; echo last; exit 3";

#[test]
fn an_engine_that_was_killed_attaches_to_the_command_that_runs() {
    let machine = Machine::new(COMMAND);
    machine.killed_at("begun");
    let mut engine = machine.runwright(&["resume", "long"]).spawn().unwrap();
    // It holds what the command writes open as soon as it is attached.
    let output = machine.record().join("output");
    let files = format!("/proc/{}/fd", engine.id());
    until("the engine is attached", || {
        let open = fs::read_dir(&files)
            .unwrap()
            .filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        open.into_iter().any(|file| file == output)
    });
    machine.let_go();
    assert!(says(&mut engine, "last"), "what it writes from then on is shown");
    assert_eq!(engine.wait().unwrap().code(), Some(1));
    let logs = assert_found(&machine);
    assert!(logs.contains("attached to it"));
}

#[test]
fn an_engine_that_was_killed_finds_the_command_that_has_ended() {
    let machine = Machine::new(COMMAND);
    machine.killed_at("begun");
    machine.let_go();
    let end = machine.record().join("end");
    until("the command has ended", || end.exists());
    assert_eq!(machine.output(&["resume", "long"]).status.code(), Some(1));
    assert_found(&machine);
}

/// It ran once, and its outcome and its output are there. Answers the log.
fn assert_found(machine: &Machine) -> String {
    let shown = machine.show();
    assert_eq!(shown["failure"]["kind"], "failed", "{shown}");
    assert!(shown["failure"].to_string().contains("exit code 3"), "{shown}");
    assert_eq!(lines(&machine.path("ran")), 1, "it ran once");
    let logs = machine.output(&["logs", "long"]);
    let logs = String::from_utf8(logs.stdout).unwrap();
    let said: HashSet<&str> = logs.lines().filter_map(|line| line.split_whitespace().last()).collect();
    for number in 1..=30_000 {
        assert!(said.contains(number.to_string().as_str()), "{number} is not in the log");
    }
    assert!(logs.contains("go\n") && logs.contains("last\n"));
    logs
}

#[test]
fn when_engine_and_supervisor_were_killed_nobody_knows() {
    let machine = Machine::new(COMMAND);
    machine.killed_at("begun");
    kill_process(machine.supervisor(), Signal::KILL).unwrap();
    assert_eq!(machine.output(&["resume", "long"]).status.code(), Some(1));
    let shown = machine.show();
    assert_eq!(shown["status"], "Failed");
    assert_eq!(shown["failure"]["kind"], "uncertain", "{shown}");
    assert!(
        shown["failure"]["message"].as_str().unwrap().contains("still runs"),
        "{shown}"
    );
    machine.let_go();
    assert_eq!(lines(&machine.path("ran")), 1, "it ran once");
}

#[test]
fn the_record_of_an_execution_that_has_ended_is_swept() {
    let machine = Machine::new("true");
    let file = machine.path("long.json");
    assert!(
        machine
            .output(&["run", file.to_str().unwrap(), "--id", "long"])
            .status
            .success()
    );
    assert!(machine.output(&["show", "long"]).status.success());
    until("it is swept", || {
        machine.output(&["show", "long"]);
        fs::read_dir(machine.path("state/commands")).unwrap().next().is_none()
    });
}
