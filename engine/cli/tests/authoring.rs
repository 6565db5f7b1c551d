//! The verbs that make plugins, as far as no language's tools are needed. `cargo xtask languages path` walks the whole way.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use std::fs;

use common::Machine;
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

#[test]
fn a_new_project_says_what_to_type_next() {
    let machine = Machine::new();
    for language in ["rust", "python", "ts", "js", "go", "c"] {
        let done = machine.say(&format!(
            "runwright plugin new acme:drain --lang {language} --into {language} --output json"
        ));
        assert_eq!(done.exit, 0, "{}", done.stderr);
        let written = json(&done.stdout);
        assert_eq!(written["action"], "acme:drain");
        let next = written["next"].as_array().unwrap();
        assert_eq!(next[0], format!("cd {language}"));
        assert!(next.contains(&"runwright plugin build".into()), "{next:?}");
        let again = machine.say(&format!(
            "runwright plugin new acme:drain --lang {language} --into {language}"
        ));
        assert_eq!(again.exit, 2);
        assert!(again.stderr.contains("RW-P002"), "{}", again.stderr);
    }
    let done = machine.say("runwright plugin new acme:drain --lang cobol");
    assert!(done.stderr.contains("there is no language `cobol`"), "{}", done.stderr);
}

#[test]
fn a_missing_tool_is_named_with_the_command_that_gets_it() {
    let machine = Machine::new();
    machine.say("runwright plugin new drain --lang python");
    let done = machine.say("runwright plugin build drain");
    assert_eq!(done.exit, 2);
    for part in ["RW-P004", "componentize-py", "pip install"] {
        assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
    }
    let done = machine.say("runwright plugin build runbooks");
    assert!(done.stderr.contains("RW-P003"), "{}", done.stderr);
}

#[test]
fn a_lock_pins_what_is_there_and_leaves_the_rest() {
    let machine = Machine::new();
    let (runbook, plugin) = (machine.path().join("it.yaml"), machine.path().join("drain.wasm"));
    let text =
        "# by hand\nschemaVersion: '0.3'\nplugins:\n  acme:drain:\n    path: drain.wasm   # ours\nmainSteps: []\n";
    fs::write(&runbook, text).unwrap();
    fs::write(&plugin, "abc").unwrap();
    let check = "runwright plugin lock it.yaml --check";
    assert_eq!(machine.say(check).exit, 2);
    assert_eq!(fs::read_to_string(&runbook).unwrap(), text);

    let done = machine.say("runwright plugin lock it.yaml --output json");
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(json(&done.stdout)["plugins"][0]["sha256"], abc);
    let locked = text.replace("# ours\n", &format!("# ours\n    sha256: \"{abc}\"\n"));
    assert_eq!(fs::read_to_string(&runbook).unwrap(), locked);
    assert_eq!(machine.say(check).exit, 0);

    fs::write(&plugin, "abcd").unwrap();
    assert_eq!(machine.say(check).exit, 2);
    assert!(machine.say("runwright plugin lock it.yaml").stdout.contains("changed"));
    assert_ne!(fs::read_to_string(&runbook).unwrap(), locked);
}
