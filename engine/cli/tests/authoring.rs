//! The verbs that make plugins, as far as no language's tools are needed. `cargo xtask languages path` walks the whole way.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::Command,
    time::{Duration, SystemTime},
};

use common::Machine;
use runwright::model::digest::Digest;
use serde_json::{Value, json};

fn read(text: &str) -> Value {
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
        let written = read(&done.stdout);
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
    let (runbook, plugin) = (machine.path().join("it.yaml"), machine.path().join("m.wasm"));
    let text =
        "# by hand\nschemaVersion: '0.3'\nplugins:\n  test:misbehave:\n    path: m.wasm   # ours\nmainSteps: []\n";
    fs::write(&runbook, text).unwrap();
    let mut component = fs::read(machine.path().join("runbooks/misbehave.wasm")).unwrap();
    fs::write(&plugin, &component).unwrap();
    let check = "runwright plugin lock it.yaml --check";
    assert_eq!(machine.say(check).exit, 2);
    assert_eq!(fs::read_to_string(&runbook).unwrap(), text);

    let done = machine.say("runwright plugin lock it.yaml --output json");
    assert_eq!(done.exit, 0, "{}", done.stderr);
    let pin = Digest::of(&component).to_hex();
    let plugins = &read(&done.stdout)["plugins"];
    assert_eq!(
        (&plugins[0]["sha256"], &plugins[0]["version"]),
        (&json!(pin), &json!("0.1.0"))
    );
    let locked = text.replace("# ours\n", &format!("# ours\n    sha256: \"{pin}\"\n"));
    assert_eq!(fs::read_to_string(&runbook).unwrap(), locked);
    assert_eq!(machine.say(check).exit, 0);

    component.extend(b"\0\x05\x04note");
    fs::write(&plugin, &component).unwrap();
    assert_eq!(machine.say(check).exit, 2);
    assert!(machine.say("runwright plugin lock it.yaml").stdout.contains("changed"));
    let locked = locked.replace(&pin, &Digest::of(&component).to_hex());
    assert_eq!(fs::read_to_string(&runbook).unwrap(), locked);

    fs::write(&plugin, "#!/bin/sh").unwrap();
    let refused = machine.say("runwright plugin lock it.yaml");
    assert_eq!(refused.exit, 2);
    assert!(
        refused.stderr.contains("not a WebAssembly component"),
        "{}",
        refused.stderr
    );
    assert_eq!(fs::read_to_string(&runbook).unwrap(), locked);
}

/// A project in Python whose compiler takes a component that is there, says what it does in the file `builds`, and knows one
/// syntax error.
fn project(machine: &Machine) {
    machine.say("runwright plugin new drain --lang python");
    let file = |name: &str| machine.path().join("drain").join(name);
    fs::create_dir_all(file(".venv/bin")).unwrap();
    let compiler = "#!/bin/sh\necho built >> ../builds\n\
        if grep -q nonsense plugin.py; then echo SyntaxError >&2; exit 1; fi\n\
        while [ \"$1\" != --output ]; do shift; done\ncp ../runbooks/misbehave.wasm \"$2\"\n";
    fs::write(file(".venv/bin/componentize-py"), compiler).unwrap();
    fs::set_permissions(file(".venv/bin/componentize-py"), fs::Permissions::from_mode(0o755)).unwrap();
    let sample = "schemaVersion: '0.3'\nplugins: {'test:misbehave': {path: build/drain.wasm}}\n\
        mainSteps: [{name: it, action: 'test:misbehave', inputs: {do: echo}}]\n";
    fs::write(file("sample.yaml"), sample).unwrap();
    let scenario = "runbook: ../sample.yaml\nscenarios: [{name: it echoes, expect: {status: Success}}]\n";
    fs::write(file("tests/drain.test.yaml"), scenario).unwrap();
}

fn builds(machine: &Machine) -> usize {
    fs::read_to_string(machine.path().join("builds")).map_or(0, |text| text.lines().count())
}

/// Makes the component older than everything else.
fn age(machine: &Machine) {
    let component = fs::File::options()
        .append(true)
        .open(machine.path().join("drain/build/drain.wasm"));
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    component.unwrap().set_modified(long_ago).unwrap();
}

#[test]
fn no_verb_takes_a_component_that_is_older_than_its_sources_for_the_project() {
    let machine = Machine::new();
    project(&machine);
    let verbs = [
        "test drain --scenarios",
        "check drain --input do=echo",
        "inspect drain",
        "push drain 127.0.0.1:1/acme/drain:1", // nobody listens there
    ];
    for (before, verb) in verbs.into_iter().enumerate() {
        let done = machine.say(&format!("runwright plugin {verb}"));
        assert_eq!(builds(&machine), before + 1, "{verb}: {}{}", done.stdout, done.stderr);
        machine.say(&format!("runwright plugin {verb}"));
        assert_eq!(builds(&machine), before + 1, "{verb} builds what is new");
        age(&machine);
    }
    let done = machine.say("runwright run drain/sample.yaml");
    assert!(done.stderr.contains("warning[RW-C908]"), "{}", done.stderr);
    let done = machine.say("runwright plugin check drain/build/drain.wasm --input do=echo");
    assert_eq!(done.exit, 0, "{}{}", done.stdout, done.stderr);
    assert!(
        done.stderr.contains("drain/build/drain.wasm is older than"),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("runwright plugin build"), "{}", done.stderr);
    let done = machine.say("runwright plugin lock drain/sample.yaml");
    assert!(
        done.stderr.contains("build/drain.wasm is older than"),
        "{}",
        done.stderr
    );
    assert_eq!(builds(&machine), verbs.len(), "a file is taken as it is");
}

#[test]
fn a_project_file_with_a_mistake_is_told_as_one() {
    let machine = Machine::new();
    project(&machine);
    for (text, code, part) in [
        ("langage = 'c'", "RW-P007", "unknown field `langage`"),
        (
            "language = 'c'\nname = '../x'",
            "RW-P001",
            "`../x` cannot be a plugin's name",
        ),
        ("language = 'cobol'\nname = 'x'", "RW-P001", "no language `cobol`"),
    ] {
        fs::write(machine.path().join("drain/runwright-plugin.toml"), text).unwrap();
        let done = machine.say("runwright plugin build drain");
        assert_eq!(done.exit, 2);
        assert!(
            done.stderr.contains(code) && done.stderr.contains(part),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn a_project_without_tests_says_so() {
    let machine = Machine::new();
    project(&machine);
    fs::remove_dir_all(machine.path().join("drain/tests")).unwrap();
    let done = machine.say("runwright plugin test drain");
    assert_eq!(done.exit, 0);
    for part in ["there are none in tests/", "there are no scenarios"] {
        assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
    }
}

#[test]
fn a_check_tries_a_step_also_where_nothing_is_granted() {
    let machine = Machine::new();
    let check = |inputs: &str| {
        let done = machine.say(&format!(
            "runwright plugin check runbooks/misbehave.wasm --output json {inputs}"
        ));
        read(&done.stdout)
    };
    let found = check("--input do=many-calls --input times=3");
    assert_eq!(found["ok"], true, "{found}");
    assert_eq!(found["tried"]["status"], "RolledBack");
    assert_eq!(
        found["tried"]["denied"]["status"], "Success",
        "it counts what is answered"
    );
    let found = check("--input do=panic");
    assert_eq!(found["problems"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["tried"]["denied"], Value::Null);
}

#[test]
fn a_watch_goes_on_through_mistakes_until_it_is_stopped() {
    let machine = Machine::new();
    project(&machine);
    let words = ["runwright", "plugin", "watch", "drain", "--run"].map(str::to_owned);
    let mut child = machine.command(&words).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut round = |part: &str| {
        let lines: Vec<String> = said
            .by_ref()
            .take_while(|line| !line.contains("waiting for a change"))
            .collect();
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    };
    round("drain/build/drain.wasm");
    let source = machine.path().join("drain/plugin.py");
    for (text, part) in [
        ("one", "changed: plugin.py"),
        ("nonsense", "error[RW-P005]"),
        ("one more", "drain.wasm  "),
    ] {
        fs::write(&source, text).unwrap();
        round(part);
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown.matches("it echoes").count(), 3, "{shown}");
    assert_eq!(shown.matches("Success  sample").count(), 3, "{shown}");
    assert_eq!(builds(&machine), 4);
}
