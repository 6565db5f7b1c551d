//! `aws:runCommand` on this machine and on nodes of Systems Manager: the same cases, the same ends. And what only a service
//! far away can do: ask for patience, lose an answer, know nothing yet.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

#[path = "../common/mod.rs"]
mod common;
mod service;

use std::{fs, process::Command};

use serde_json::{Value, json};

use crate::{
    common::Machine,
    service::{NODES, Service},
};

const RUNBOOK: &str = "
schemaVersion: '0.3'
assumeRole: '{{ Role }}'
parameters:
  Role: {type: String, default: ''}
  Where: {type: StringList}
  Commands: {type: StringList}
  Directory: {type: String, default: /}
  Timeout: {type: String, default: '3600'}
mainSteps:
  - name: Run
    action: aws:runCommand
    inputs:
      DocumentName: AWS-RunShellScript
      InstanceIds: '{{ Where }}'
      Comment: of a test
      Parameters: {commands: '{{ Commands }}', workingDirectory: '{{ Directory }}', executionTimeout: '{{ Timeout }}'}
";

const TAGGED: &str = "
schemaVersion: '0.3'
parameters: {Commands: {type: StringList}}
mainSteps:
  - name: Run
    action: aws:runCommand
    inputs:
      DocumentName: AWS-RunShellScript
      Targets: [{Key: 'tag:Role', Values: [web]}]
      Parameters: {commands: '{{ Commands }}'}
      MaxConcurrency: 50%
      MaxErrors: '1'
      OutputS3BucketName: logs
      OutputS3KeyPrefix: test
      CloudWatchOutputConfig: {CloudWatchLogGroupName: group, CloudWatchOutputEnabled: 'true'}
";

/// A machine whose engine has access to the service.
struct World {
    machine: Machine,
    service: Service,
}

impl World {
    fn new() -> Self {
        let machine = Machine::new();
        for (name, text) in [("nodes.yaml", RUNBOOK), ("tagged.yaml", TAGGED)] {
            fs::write(machine.path().join("runbooks").join(name), text).unwrap();
        }
        Self {
            machine,
            service: Service::start(),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let words: Vec<String> = ["runwright"]
            .iter()
            .chain(words)
            .map(|word| (*word).to_owned())
            .collect();
        let mut command = self.machine.command(&words);
        command.envs(self.service.environment());
        command
    }

    /// What a verb answers.
    fn say(&self, words: &[&str]) -> Value {
        let words = [words, &["--output", "json"]].concat();
        let output = self.command(&words).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// The only step of a run on this machine or node.
    fn run(&self, place: &str, parameters: &[(&str, String)]) -> Value {
        let mut words = vec![
            "run".to_owned(),
            "nodes".to_owned(),
            "-p".to_owned(),
            format!("Where=[\"{place}\"]"),
        ];
        for (name, value) in parameters {
            words.extend(["-p".to_owned(), format!("{name}={value}")]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.say(&words)["steps"][0].clone()
    }
}

fn commands(lines: &[&str]) -> (&'static str, String) {
    ("Commands", json!(lines).to_string())
}

/// A pipe by which a command waits until it is written to.
fn pipe(world: &World) -> String {
    let path = world.machine.path().join("pipe").display().to_string();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn a_script_ends_alike_on_this_machine_and_on_a_node() {
    let world = World::new();
    let folder = world.machine.path().display().to_string();
    let long = "a".repeat(3_000);
    let cut = format!("{}\n--output truncated--", "a".repeat(2_500 - 21));
    let good = [
        (vec![commands(&["echo hi"])], "hi\n".to_owned()),
        (
            vec![commands(&["echo out", "echo careful >&2"])],
            "out\n\n----------ERROR-------\ncareful\n".to_owned(),
        ),
        (vec![commands(&["x=one", "echo $x"])], "one\n".to_owned()),
        (
            vec![commands(&["pwd"]), ("Directory", folder.clone())],
            format!("{folder}\n"),
        ),
        (vec![commands(&[&format!("printf {long}")])], cut),
    ];
    for place in ["local", NODES[0]] {
        for (parameters, expected) in &good {
            let step = world.run(place, parameters);
            assert_eq!(step["status"], "Success", "{place}: {step}");
            let outputs = &step["outputs"];
            let found = (&outputs["Status"], &outputs["ResponseCode"], &outputs["Output"]);
            assert_eq!(found, (&json!("Success"), &json!(0), &json!(expected)), "{place}");
            assert!(!outputs["CommandId"].as_str().unwrap().is_empty());
        }
        let step = world.run(place, &[commands(&["echo before", "echo no disk >&2", "exit 3"])]);
        assert_eq!(
            (&step["status"], &step["failure"]["kind"]),
            (&json!("Failed"), &json!("failed")),
            "{place}: {step}"
        );
        let message = step["failure"]["message"].as_str().unwrap();
        assert!(message.contains("exit code 3: no disk"), "{place}: {message}");
        let details = &step["failure"]["details"];
        assert_eq!(
            (&details["Status"], &details["ResponseCode"]),
            (&json!("Failed"), &json!(3)),
            "{place}"
        );
        assert_eq!(
            details["Output"], "before\n\n----------ERROR-------\nno disk\n",
            "{place}"
        );

        let waits = [commands(&["sleep 60"]), ("Timeout", "1".to_owned())];
        let step = world.run(place, &waits);
        assert_eq!(
            (&step["status"], &step["failure"]["kind"]),
            (&json!("TimedOut"), &json!("timed-out")),
            "{place}: {step}"
        );
    }
    for place in ["nowhere", "i-0000000000000dead"] {
        let step = world.run(place, &[commands(&["echo hi"])]);
        assert_eq!(
            (&step["status"], &step["failure"]["kind"]),
            (&json!("Failed"), &json!("failed")),
            "{place}: {step}"
        );
    }
}

#[test]
fn nodes_by_tag_get_one_command_with_all_that_the_step_asks_for() {
    let world = World::new();
    let lines = |text: &str| format!("Commands={}", json!([text]));
    let view = world.say(&["run", "tagged", "-p", &lines("echo hi")]);
    assert_eq!(view["status"], "Success", "{view}");
    let sent = world.service.with(|state| state.sent());
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["Targets"], json!([{"Key": "tag:Role", "Values": ["web"]}]));
    assert_eq!(
        (&sent[0]["MaxConcurrency"], &sent[0]["MaxErrors"]),
        (&json!("50%"), &json!("1"))
    );
    assert_eq!(
        (&sent[0]["OutputS3BucketName"], &sent[0]["OutputS3KeyPrefix"]),
        (&json!("logs"), &json!("test"))
    );
    assert_eq!(
        sent[0]["CloudWatchOutputConfig"],
        json!({"CloudWatchLogGroupName": "group", "CloudWatchOutputEnabled": true})
    );
    let view = world.say(&["run", "tagged", "-p", &lines("exit 4")]);
    let message = view["steps"][0]["failure"]["message"].as_str().unwrap();
    for part in ["failed on 2 of 2 nodes", NODES[0], NODES[1], "exit code 4"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_service_may_take_its_time() {
    let world = World::new();
    world.service.with(|state| {
        state.faults.insert("SendCommand".into(), (2, "ThrottlingException"));
        state.faults.insert("ListCommands".into(), (2, "InvalidCommandId"));
        state
            .faults
            .insert("GetCommandInvocation".into(), (1, "InvocationDoesNotExist"));
    });
    let step = world.run(NODES[0], &[commands(&["echo hi"])]);
    assert_eq!(
        (&step["status"], &step["outputs"]["Output"]),
        (&json!("Success"), &json!("hi\n")),
        "{step}"
    );
    assert_eq!(
        world
            .service
            .with(|state| (state.count("SendCommand"), state.sent().len())),
        (3, 1)
    );
}

#[test]
fn what_the_service_refuses_fails_the_step() {
    let world = World::new();
    world
        .service
        .with(|state| state.faults.insert("SendCommand".into(), (1, "AccessDeniedException")));
    let step = world.run(NODES[0], &[commands(&["echo hi"])]);
    let message = step["failure"]["message"].as_str().unwrap();
    assert!(
        message.contains("AccessDeniedException: said the stand-in to SendCommand"),
        "{message}"
    );
    assert_eq!(world.service.with(|state| state.sent().len()), 0);
}

#[test]
fn a_command_whose_answer_was_lost_is_found_and_not_sent_again() {
    let world = World::new();
    world.service.with(|state| state.unanswered = 1);
    let step = world.run(NODES[0], &[commands(&["echo hi"])]);
    assert_eq!(
        (&step["status"], &step["outputs"]["Output"]),
        (&json!("Success"), &json!("hi\n")),
        "{step}"
    );
    assert_eq!(world.service.with(|state| state.sent().len()), 1);
    let comment = world
        .service
        .with(|state| state.sent()[0]["Comment"].as_str().unwrap().to_owned());
    assert!(comment.starts_with("of a test (runwright:"), "{comment}");
}

#[test]
fn an_engine_that_was_killed_attaches_to_its_command() {
    let world = World::new();
    let pipe = pipe(&world);
    let lines = format!("Commands={}", json!([format!("cat {pipe}")]));
    let place = format!("Where=[\"{}\"]", NODES[0]);
    let words = ["run", "nodes", "--id", "killed", "-p", &lines, "-p", &place];
    let mut engine = world.command(&words).spawn().unwrap();
    world.service.asked("ListCommands", 1);
    engine.kill().unwrap();
    engine.wait().unwrap();
    fs::write(&pipe, "after\n").unwrap();
    let view = world.say(&["resume", "killed"]);
    assert_eq!(
        (&view["status"], &view["steps"][0]["outputs"]["Output"]),
        (&json!("Success"), &json!("after\n")),
        "{view}"
    );
    assert_eq!(world.service.with(|state| state.sent().len()), 1);
}

#[test]
fn a_cancel_reaches_the_nodes() {
    let world = World::new();
    let pipe = pipe(&world);
    let lines = format!("Commands={}", json!([format!("cat {pipe}")]));
    let place = format!("Where=[\"{}\"]", NODES[0]);
    let role = "Role=arn:aws:iam::123456789012:role/night";
    for (id, killed) in [("cancelled", false), ("killed", true)] {
        let looked = world.service.with(|state| state.count("ListCommands"));
        let mut engine = world
            .command(&["run", "nodes", "--id", id, "-p", &lines, "-p", &place, "-p", role])
            .spawn()
            .unwrap();
        world.service.asked("ListCommands", looked + 1);
        if killed {
            engine.kill().unwrap();
        }
        let asked = world.service.with(|state| state.count("CancelCommand"));
        let view = world.say(&["cancel", id]);
        assert_eq!(view["status"], "Cancelled", "{id}: {view}");
        engine.wait().unwrap();
        assert_eq!(
            world.service.with(|state| state.count("CancelCommand")),
            asked + 1,
            "{id}"
        );
        let signed_by = world.service.with(|state| state.signed_by["CancelCommand"].clone());
        assert_eq!(signed_by, "ASIAROLE", "{id}");
    }
}

#[test]
fn without_access_to_aws_a_node_is_not_reached() {
    let world = World::new();
    let words = [
        "run",
        "nodes",
        "-p",
        "Where=[\"i-00000000000000001\"]",
        "-p",
        "Commands=[\"x\"]",
        "--output",
        "json",
    ];
    let words: Vec<String> = ["runwright"]
        .iter()
        .chain(&words)
        .map(|word| (*word).to_owned())
        .collect();
    let done = world.machine.run(&words, "");
    assert!(done.stdout.contains("start it with `--aws`"), "{}", done.stdout);
    assert!(world.service.with(|state| state.requests.is_empty()));
}
