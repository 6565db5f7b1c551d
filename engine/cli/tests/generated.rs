//! What is generated from the definition of the command: help, completions, manual pages.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod common;

use common::Machine;

const VERBS: [&str; 18] = [
    "run",
    "resume",
    "approve",
    "reject",
    "signal",
    "cancel",
    "rollback",
    "list",
    "show",
    "logs",
    "validate",
    "graph",
    "param",
    "plugin",
    "explain",
    "store",
    "completions",
    "man",
];

#[test]
fn every_verb_has_help_that_fits_a_screen() {
    let machine = Machine::new();
    let overview = machine.say("runwright --help").stdout;
    for verb in VERBS {
        let done = machine.say(&format!("runwright {verb} --help"));
        assert_eq!((done.exit, done.stderr.as_str()), (0, ""), "{verb}");
        assert!(done.stdout.lines().count() <= 60, "{verb}:\n{}", done.stdout);
        let about = done.stdout.lines().next().unwrap();
        assert!(overview.contains(about), "{verb} is missing in the overview: {about}");
    }
}

#[test]
fn completions_know_every_verb() {
    let machine = Machine::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = machine.say(&format!("runwright completions {shell}"));
        assert_eq!(done.exit, 0, "{shell}: {}", done.stderr);
        for verb in VERBS {
            assert!(done.stdout.contains(verb), "{shell} does not know {verb}");
        }
    }
    assert_eq!(machine.say("runwright completions tcsh").exit, 2);
}

#[test]
fn there_is_a_manual_page_for_every_verb() {
    let machine = Machine::new();
    let one = machine.say("runwright man").stdout;
    assert!(one.contains(".TH runwright 1"), "{one}");
    let done = machine.say("runwright man --dir pages");
    assert_eq!(done.exit, 0, "{}", done.stderr);
    for verb in VERBS {
        let page = machine.path().join(format!("pages/runwright-{verb}.1"));
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains("SYNOPSIS"), "{verb}");
    }
    assert!(machine.path().join("pages/runwright-param-put.1").is_file());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let machine = Machine::new();
    let words = ["runwright", "completions", "bash"].map(str::to_owned);
    let mut child = machine.command(&words).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(0), "")
    );
}

#[test]
fn a_collector_that_is_absent_does_not_hold_up_the_end() {
    let machine = Machine::new();
    // A port that nobody listens on: it was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let words = ["runwright", "plugin", "list"].map(str::to_owned);
    let begun = std::time::Instant::now();
    let mut command = machine.command(&words);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{port}"));
    let with = command.output().unwrap();
    assert_eq!(with.status.code(), Some(0), "{}", String::from_utf8_lossy(&with.stderr));
    let with = begun.elapsed();
    let begun = std::time::Instant::now();
    machine.run(&words, "");
    let without = begun.elapsed();
    assert!(
        with < without + std::time::Duration::from_secs(3),
        "{with:?} against {without:?}"
    );
}
