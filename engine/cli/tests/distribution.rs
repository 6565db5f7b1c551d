//! A plugin's way from its author to a runbook of somebody else, through a real registry.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;
#[allow(dead_code, unreachable_pub, reason = "the tests of the registry use all of it")]
#[path = "../../registry/tests/all/server.rs"]
mod server;

use std::{fs, os::unix::fs::PermissionsExt as _};

use common::{Done, Machine};
use server::RealRegistry;

/// A plugin of a stranger: one of ours under another name.
fn component() -> Vec<u8> {
    let mut bytes = runwright_bundle::find("aws:sleep").unwrap().bytes.to_vec();
    let found: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(b"aws:sleep"))
        .collect();
    for at in found {
        bytes[at..at + 9].copy_from_slice(b"acm:sleep");
    }
    bytes
}

fn good(done: Done) -> Done {
    assert_eq!(done.exit, 0, "{}{}", done.stdout, done.stderr);
    done
}

fn runbook(machine: &Machine, reference: &str, pin: &str) {
    let text = format!(
        "schemaVersion: '0.3'\nplugins:\n  acm:sleep: {{oci: '{reference}', sha256: '{pin}', grants: {{waits: true}}}}\n\
         mainSteps:\n- {{name: A, action: 'acm:sleep', inputs: {{Duration: PT0S}}}}\n"
    );
    fs::write(machine.path().join("pinned.yaml"), text).unwrap();
}

#[test]
fn pushed_signed_pulled_run_and_refused() {
    let Some(registry) = RealRegistry::start(None) else {
        eprintln!("skipped: docker-registry is not installed (apt-get install docker-registry)");
        return;
    };
    let (author, user) = (Machine::new(), Machine::new());
    fs::write(author.path().join("sleep.wasm"), component()).unwrap();
    let reference = format!("{}/acm/sleep:1.0.0", registry.host);
    good(author.say("runwright plugin keygen release"));
    good(author.say("runwright plugin keygen other"));
    let pushed = good(author.say(&format!("runwright plugin push sleep.wasm {reference} --output json")));
    let pushed: serde_json::Value = serde_json::from_str(&pushed.stdout).unwrap();
    let pin = pushed["component"].as_str().unwrap().to_owned();

    // The user trusts one key.
    fs::copy(author.path().join("release.pub"), user.path().join("release.pub")).unwrap();
    let state = user.path().join("state");
    fs::create_dir_all(&state).unwrap();
    let key = user.path().join("release.pub");
    let policy = format!(
        "[keys]\nrelease = {{ file = '{}' }}\n[[signed]]\naction = 'acm:*'\nby = ['release']\n",
        key.display()
    );
    fs::write(state.join("runwright.toml"), &policy).unwrap();
    runbook(&user, &reference, &pin);
    let refused = user.say("runwright validate pinned.yaml");
    assert!(
        refused.exit == 2 && refused.stdout.contains("RW-P113") | refused.stderr.contains("RW-P113"),
        "{}",
        refused.stderr
    );

    good(author.say(&format!("runwright plugin sign {reference} --key other.key")));
    let refused = author.say(&format!("runwright plugin verify {reference} --key release.pub"));
    assert!(
        refused.exit == 2 && refused.stderr.contains("RW-P114"),
        "{}",
        refused.stderr
    );
    good(author.say(&format!("runwright plugin sign {reference} --key release.key")));
    good(author.say(&format!("runwright plugin verify {reference} --key release.pub")));

    // It is in the cache, and its signature is newer.
    good(user.say("runwright run pinned.yaml"));
    let pulled = good(user.say(&format!("runwright plugin pull {reference} --sha256 {pin} --to disk")));
    assert!(pulled.stdout.contains("by release"), "{}", pulled.stdout);
    assert!(
        fs::read_dir(state.join("cache")).unwrap().count() > 0,
        "it was compiled, by another process"
    );

    drop(registry);
    let user2 = Machine::new();
    runbook(&user2, &reference, &pin);
    let gone = user2.say("runwright validate pinned.yaml");
    assert!(
        gone.exit == 2 && gone.stderr.contains("RW-P102") | gone.stdout.contains("RW-P102"),
        "{}",
        gone.stderr
    );

    // Without any network, from what was carried there.
    fs::create_dir_all(user2.path().join("state")).unwrap();
    let offline = format!(
        "{policy}[registries]\noffline = true\nfrom = ['{}']\n",
        user.path().join("disk").display()
    );
    fs::write(user2.path().join("state/runwright.toml"), offline).unwrap();
    good(user2.say("runwright run pinned.yaml"));
}

#[test]
fn a_component_that_is_slow_to_compile_is_stopped() {
    let machine = Machine::new();
    fs::write(machine.path().join("sleep.wasm"), component()).unwrap();
    fs::create_dir_all(machine.path().join("state")).unwrap();
    let limit = "[limits]\ncompile-memory-bytes = 8_000_000\n";
    fs::write(machine.path().join("state/runwright.toml"), limit).unwrap();
    let refused = machine.say("runwright plugin inspect sleep.wasm");
    assert_eq!(refused.exit, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("limit `compile-memory-bytes` exceeded"),
        "{}",
        refused.stderr
    );
    good(machine.say("runwright plugin inspect aws:sleep"));
    fs::remove_file(machine.path().join("state/runwright.toml")).unwrap();
    good(machine.say("runwright plugin inspect sleep.wasm"));
}

#[test]
fn a_login_comes_from_the_program_that_docker_would_ask() {
    // `kim:secret`, and nobody else; there is nothing in it.
    let host = server::fake(|asked, stream| {
        if asked.headers.contains("authorization: basic a2ltonnly3jlda==") {
            server::say(stream, "404 Not Found", "", b"");
        } else {
            server::say(
                stream,
                "401 Unauthorized",
                "www-authenticate: Basic realm=\"test\"\r\n",
                b"",
            );
        }
    });
    let machine = Machine::new();
    let programs = machine.path().join("programs");
    fs::create_dir_all(machine.path().join(".docker")).unwrap();
    fs::create_dir(&programs).unwrap();
    let program = programs.join("docker-credential-test");
    let says = |script: &str| {
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let words = ["runwright", "plugin", "pull", &format!("{host}/acme/drain:1")].map(str::to_owned);
        let mut command = machine.command(&words);
        command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let answer = "read -r host; echo \"{\\\"Username\\\": \\\"kim\\\", \\\"Secret\\\": \\\"secret\\\"}\"";
    let config = |text: String| fs::write(machine.path().join(".docker/config.json"), text).unwrap();
    for text in [
        format!(r#"{{"credHelpers": {{"{host}": "test"}}}}"#),
        r#"{"credsStore": "test"}"#.to_owned(),
    ] {
        config(text);
        let said = says(answer);
        assert!(said.contains("RW-P105"), "it is let in: {said}");
        let said = says("echo credentials not found in native keychain; exit 1");
        assert!(said.contains("RW-P104"), "{said}");
    }
    let said = says("echo the keyring is locked; exit 3");
    assert!(
        said.contains("the keyring is locked") && said.contains("RW-P104"),
        "{said}"
    );
    config(format!(r#"{{"credHelpers": {{"{host}": "test"}}}}"#));
    let said = says("echo the keyring is locked; exit 3");
    assert!(
        said.contains("the keyring is locked") && said.contains("error[RW-P119]"),
        "{said}"
    );
}
