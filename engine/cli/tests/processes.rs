//! Many processes, one state directory: whoever holds the store is killed at random moments, and nobody notices.
//!
//! The steps put parameters, which is done once however often it is tried. Commands that run while their engine is
//! killed are another matter, and `supervisor.rs` has them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command},
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use common::Machine;
use serde_json::Value;

const PROCESSES: usize = 20;
const STEPS: usize = 12;
const KILLS: usize = 8;
const SEED: u64 = 20_261_121;

/// A process whose lines of progress are counted.
struct Runner {
    id: String,
    child: Child,
    stdout: JoinHandle<String>,
    killed: bool,
}

impl Runner {
    fn start(machine: &Machine, words: &[&str], lines: Sender<()>) -> Self {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let mut child = machine.command(&words).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for _ in said.map_while(Result::ok) {
                // Nobody counts any more when the test is over.
                let _ = lines.send(());
            }
        });
        let stdout = child.stdout.take().unwrap();
        Self {
            id: words.last().unwrap().clone(),
            child,
            stdout: std::thread::spawn(move || read(stdout)),
            killed: false,
        }
    }
}

fn read(mut stdout: ChildStdout) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
    text
}

/// Numbers that look like chance, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// The process that holds the store, as the lock file has it.
fn holder(machine: &Machine) -> Option<u32> {
    let text = std::fs::read_to_string(machine.path().join("state/lock")).ok()?;
    text.trim().parse().ok()
}

/// Waits for so many lines of all processes together; `false` when all have ended.
fn wait_for_lines(lines: &Receiver<()>, number: u64) -> bool {
    (0..number).all(|_| lines.recv().is_ok())
}

fn write_runbook(machine: &Machine) {
    let mut text =
        String::from("schemaVersion: '0.3'\nparameters: {Key: {type: String}}\noutputs: [Last.Version]\nmainSteps:\n");
    for step in 1..=STEPS {
        let name = if step == STEPS {
            "Last".to_owned()
        } else {
            format!("Put{step}")
        };
        let _ = writeln!(
            text,
            "  - {{name: {name}, action: 'rw:putParameter', inputs: {{Name: '/load/{{{{ Key }}}}', Value: 'v{step}'}}}}"
        );
    }
    std::fs::write(machine.path().join("runbooks/work.yaml"), text).unwrap();
}

fn json(machine: &Machine, command: &str) -> Value {
    let done = machine.say(&format!("{command} --output json"));
    serde_json::from_str(&done.stdout).unwrap_or_else(|error| panic!("{command}: {error}: {}", done.stderr))
}

#[test]
fn twenty_processes_end_well_however_often_the_engine_is_killed() {
    let machine = Machine::new();
    write_runbook(&machine);
    // Compiles the plugins, so that the twenty have no other work than the steps.
    assert_eq!(machine.say("runwright run work --id warm -p Key=warm").exit, 0);

    let (sender, lines) = channel();
    let mut runners: Vec<Runner> = (0..PROCESSES)
        .map(|number| {
            let (key, id) = (format!("Key=p{number}"), format!("p{number}"));
            let words = ["runwright", "run", "work", "-p", &key, "--id", &id];
            Runner::start(&machine, &words, sender.clone())
        })
        .collect();
    drop(sender);
    let (mut chance, mut kills) = (Chance(SEED), 0);
    while kills < KILLS && wait_for_lines(&lines, 10 + chance.below(50)) {
        let pid = holder(&machine);
        if let Some(runner) = runners
            .iter_mut()
            .find(|runner| Some(runner.child.id()) == pid && !runner.killed)
        {
            runner.child.kill().unwrap();
            runner.killed = true;
            kills += 1;
        }
    }
    assert!(kills >= 3, "seed {SEED}: the engine was killed {kills} times only");

    let mut lost = Vec::new();
    for mut runner in runners {
        let status = runner.child.wait().unwrap();
        let said = runner.stdout.join().unwrap();
        if runner.killed {
            lost.push(runner.id);
        } else {
            assert_eq!(status.code(), Some(0), "seed {SEED}: {} said {said}", runner.id);
            assert!(said.starts_with("Success"), "seed {SEED}: {} said {said}", runner.id);
        }
    }
    // What the last of the killed left, when nobody was there any more.
    assert_eq!(machine.say("runwright resume").exit, 0);
    let rows = json(&machine, "runwright list");
    let ended: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert!(
        rows.as_array().unwrap().iter().all(|row| row["status"] == "Success"),
        "{rows}"
    );
    for number in 0..PROCESSES {
        let id = format!("p{number}");
        if !ended.contains(&id.as_str()) {
            assert!(
                lost.contains(&id),
                "seed {SEED}: {id} is lost, and its process was not killed"
            );
            continue;
        }
        let last = json(&machine, &format!("runwright param get /load/{id}"));
        assert_eq!(last["version"], STEPS, "seed {SEED}: each step of {id} put one version");
    }
}

/// Starts a runbook that asks, and returns when it does.
fn asking(machine: &Machine, id: &str) -> (Child, JoinHandle<()>) {
    let words = ["runwright", "run", "confirm", "--follow", "--id", id].map(str::to_owned);
    let mut child = machine.command(&words).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let asks = said
        .by_ref()
        .any(|line| line.unwrap().contains("goes on with `runwright approve"));
    assert!(asks, "it never asked");
    (
        child,
        std::thread::spawn(move || said.map_while(Result::ok).for_each(drop)),
    )
}

#[test]
fn what_was_asked_of_a_killed_engine_is_decided_with_the_next() {
    let machine = Machine::new();
    let (mut first, _) = asking(&machine, "a");
    let (mut second, _) = asking(&machine, "b");
    assert_eq!(holder(&machine), Some(first.id()));
    let follow = ["runwright", "logs", "b", "--follow"].map(str::to_owned);
    let follows = machine.command(&follow).spawn().unwrap();
    assert_eq!(machine.say("runwright approve a --detach").exit, 0);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(machine.say("runwright resume a").exit, 0);
    let approved = machine.say("runwright approve b");
    assert_eq!(
        (approved.exit, approved.stdout.contains("went on")),
        (0, true),
        "{}",
        approved.stderr
    );
    assert_eq!(second.wait().unwrap().code(), Some(0));
    let followed = follows.wait_with_output().unwrap();
    assert!(
        String::from_utf8(followed.stdout).unwrap().contains("went on"),
        "the log is followed over the change"
    );
    let rows = json(&machine, "runwright list");
    assert!(
        rows.as_array().unwrap().iter().all(|row| row["status"] == "Success"),
        "{rows}"
    );
}

#[test]
fn a_client_that_is_interrupted_leaves_its_execution_to_the_engine() {
    let machine = Machine::new();
    let (mut engine, _) = asking(&machine, "a");
    let words = ["runwright", "run", "confirm", "--follow", "--id", "b"].map(str::to_owned);
    let mut client = machine.command(&words).spawn().unwrap();
    let mut said = BufReader::new(client.stderr.take().unwrap()).lines();
    assert!(
        said.by_ref()
            .any(|line| line.unwrap().contains("goes on with `runwright approve"))
    );
    let sent = Command::new("kill")
        .args(["-INT", &client.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    assert!(
        rest.iter().any(|line| line == "left: b goes on with another process"),
        "{rest:?}"
    );
    assert_eq!(client.wait().unwrap().code(), Some(130));
    for id in ["b", "a"] {
        assert_eq!(machine.say(&format!("runwright approve {id}")).exit, 0);
    }
    assert_eq!(engine.wait().unwrap().code(), Some(0));
}

#[test]
fn an_engine_that_is_stopped_is_named_to_who_waits_for_it() {
    let machine = Machine::new();
    let (mut engine, _) = asking(&machine, "a");
    let tell = |signal: &str| {
        let pid = engine.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    };
    tell("-STOP");
    let joined = tokio::runtime::Runtime::new().unwrap().block_on(
        runwright::Engine::builder()
            .state_dir(machine.path().join("state"))
            .drive(false)
            .patience(Duration::from_secs(1))
            .join(),
    );
    tell("-CONT");
    let report = joined.err().expect("nobody answers").report();
    assert_eq!(report.code.as_deref(), Some("RW-S901"), "{}", report.message);
    let named = format!("process {}", engine.id());
    assert!(report.message.contains(&named), "{}", report.message);
    assert_eq!(machine.say("runwright approve a").exit, 0, "it goes on");
    assert_eq!(engine.wait().unwrap().code(), Some(0));
}
