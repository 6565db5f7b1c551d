//! Ctrl-C leaves an execution where it is, and another process makes it go on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use std::{
    io::{BufRead as _, BufReader},
    process::Command,
};

use common::Machine;

/// Starts a runbook that waits, sends it this signal as soon as it does, and answers its exit code.
fn interrupted(machine: &Machine, id: &str, signal: &str) -> i32 {
    let words = ["runwright", "run", "confirm", "--follow", "--id", id].map(str::to_owned);
    let mut child = machine.command(&words).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(
        said.by_ref()
            .any(|line| line.unwrap().contains("goes on with `runwright approve")),
        "it never waited"
    );
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    let resume = format!("`runwright resume {id}`");
    assert!(rest.iter().any(|line| line.contains(&resume)), "{rest:?}");
    child.wait().unwrap().code().unwrap()
}

#[test]
fn a_signal_leaves_the_execution_where_it_is() {
    let machine = Machine::new();
    assert_eq!(interrupted(&machine, "i1", "-INT"), 130);
    assert_eq!(interrupted(&machine, "i2", "-TERM"), 143);
    for id in ["i1", "i2"] {
        let done = machine.say(&format!("runwright approve {id} --output json"));
        assert_eq!(done.exit, 0, "{}", done.stderr);
        let view: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(view["status"], "Success");
        assert_eq!(view["outputs"]["after.Stdout"], "went on");
    }
}

#[test]
fn a_process_that_must_have_the_store_to_itself_is_told_who_holds_it() {
    let machine = Machine::new();
    let words = ["runwright", "run", "confirm", "--follow", "--id", "i3"].map(str::to_owned);
    let mut child = machine.command(&words).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.by_ref().any(|line| line.unwrap().contains("goes on with")));
    let refused = machine.say("runwright store check --output json");
    assert_eq!(refused.exit, 1);
    let object: serde_json::Value = serde_json::from_str(&refused.stdout).unwrap();
    assert_eq!(object["error"]["code"], "RW-S005");
    assert!(
        object["error"]["message"]
            .as_str()
            .unwrap()
            .contains(&child.id().to_string()),
        "{object}"
    );
    // Runbooks and plugins need no store.
    assert_eq!(machine.say("runwright validate confirm").exit, 0);
    child.kill().unwrap();
    child.wait().unwrap();
}
