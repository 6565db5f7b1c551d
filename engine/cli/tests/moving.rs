//! A store goes to another machine: exported here, imported there with its key, and what waited goes on there.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::{fs, io::Write as _, process::Child};

use common::Machine;

/// A machine with an execution that waits, one that ended, a secret, and an export of all that.
fn exported() -> (Machine, Vec<u8>) {
    let machine = Machine::new();
    assert_eq!(
        machine
            .say("runwright param put /secret --type SecureString s3cret")
            .exit,
        0
    );
    assert_eq!(machine.say("runwright run greet --id ended -p Name=Ann").exit, 0);
    assert_eq!(machine.say("runwright run confirm --id waits").exit, 3);
    let done = machine.say("runwright store export all.export");
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let bytes = fs::read(machine.path().join("all.export")).unwrap();
    (machine, bytes)
}

/// A machine with that export, and the key if it is given.
fn other(bytes: &[u8], key: Option<Vec<u8>>) -> Machine {
    let machine = Machine::new();
    fs::write(machine.path().join("all.export"), bytes).unwrap();
    if let Some(key) = key {
        fs::create_dir(machine.path().join("state")).unwrap();
        fs::write(machine.path().join("state/key"), key).unwrap();
        assert_eq!(
            std::process::Command::new("chmod")
                .arg("600")
                .arg(machine.path().join("state/key"))
                .status()
                .unwrap()
                .code(),
            Some(0)
        );
    }
    machine
}

fn key(machine: &Machine) -> Vec<u8> {
    fs::read(machine.path().join("state/key")).unwrap()
}

#[test]
fn what_waited_goes_on_where_it_was_imported() {
    let (from, bytes) = exported();
    let to = other(&bytes, Some(key(&from)));
    let imported = to.say("runwright store import all.export");
    assert_eq!(imported.exit, 0, "{}", imported.stderr);
    assert!(
        imported.stdout.starts_with("read 2 executions, "),
        "{}",
        imported.stdout
    );
    assert_eq!(to.say("runwright param get /secret --reveal").stdout, "s3cret\n");
    assert_eq!(
        to.say("runwright logs ended").stdout,
        from.say("runwright logs ended").stdout
    );
    // It holds all of it: the same again changes nothing.
    let again = to.say("runwright store import all.export");
    assert!(again.stdout.contains("of them were here already"), "{}", again.stdout);
    assert_eq!(to.say("runwright resume waits").exit, 3);
    let approved = to.say("runwright approve waits");
    assert_eq!(approved.exit, 0, "{}", approved.stderr);
    assert!(approved.stdout.contains("went on"), "{}", approved.stdout);
    let late = to.say("runwright store import all.export");
    assert!(late.exit == 1 && late.stderr.contains("RW-S013"), "{}", late.stderr);
    assert!(
        to.say("runwright store check")
            .stdout
            .starts_with("sound: 2 executions")
    );
}

#[test]
fn the_key_must_be_there_first_also_for_standard_input() {
    let (from, bytes) = exported();
    let mut strange = key(&from);
    strange[0] ^= 1;
    for key in [None, Some(strange)] {
        let to = other(&bytes, key);
        for said in [to.say("runwright store import all.export"), piped(&to, &bytes)] {
            assert_eq!(said.exit, 2, "{}", said.stderr);
            assert!(
                said.stderr.contains("the export is encrypted under a key"),
                "{}",
                said.stderr
            );
        }
        let list = to.say("runwright list --output json");
        assert_eq!(list.stdout.trim(), "[]", "nothing was imported");
    }
    let to = other(&bytes, Some(key(&from)));
    let said = piped(&to, &bytes);
    assert_eq!(said.exit, 0, "{}", said.stderr);
}

#[test]
fn of_a_damaged_export_nothing_is_imported() {
    let (from, bytes) = exported();
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    for damaged in [&bytes[..bytes.len() - 1], &bytes[..bytes.len() / 2], &flipped] {
        let to = other(damaged, Some(key(&from)));
        for said in [to.say("runwright store import all.export"), piped(&to, damaged)] {
            assert!(said.exit == 1 && said.stderr.contains("RW-S012"), "{}", said.stderr);
        }
        assert!(!to.path().join("state/format").exists(), "the store was not opened");
    }
}

#[test]
fn while_another_process_is_the_engine_it_is_named() {
    let (machine, _) = exported();
    let words = ["runwright", "run", "serving", "--id", "serving"].map(str::to_owned);
    let fifo = machine.path().join("fifo");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let text = format!(
        "schemaVersion: '0.3'\nmainSteps:\n- name: read\n  action: rw:shell\n  inputs:\n    Arguments: [cat, {}]\n",
        fifo.display()
    );
    fs::write(machine.path().join("runbooks/serving.yaml"), text).unwrap();
    let mut engine: Child = machine.command(&words).spawn().unwrap();
    // Opening for writing waits until the step reads: from then on the engine has the store.
    let mut let_go = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let pid = engine.id().to_string();
    for command in ["gc", "store export x.export", "store import all.export", "store check"] {
        let said = machine.say(&format!("runwright {command}"));
        assert_eq!(said.exit, 1, "{command}: {}", said.stderr);
        assert!(
            said.stderr.contains("RW-S005") && said.stderr.contains(&pid),
            "{command}: {}",
            said.stderr
        );
    }
    assert!(!machine.path().join("x.export").exists());
    let_go.write_all(b"done").unwrap();
    drop(let_go);
    assert!(engine.wait().unwrap().success());
    assert_eq!(machine.say("runwright gc --keep 0").exit, 0);
}

fn piped(machine: &Machine, bytes: &[u8]) -> common::Done {
    let words = ["runwright", "store", "import", "-"].map(str::to_owned);
    let mut child = machine.command(&words).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    common::Done {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        exit: output.status.code().unwrap(),
    }
}
